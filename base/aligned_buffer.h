// Memory that O_DIRECT accepts: aligned to 4 KiB, zeroed. Thread: any.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <utility>

#include "base/bytes.h"

namespace kvorum {

class AlignedBuffer {
 public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(size_t size_bytes) : size_bytes_(size_bytes) {
        if (size_bytes == 0) return;
        void* memory = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc();
        data_ = static_cast<std::byte*>(memory);
    }
    AlignedBuffer(AlignedBuffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_bytes_(std::exchange(other.size_bytes_, 0)) {}
    AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_bytes_, other.size_bytes_);
        return *this;
    }
    ~AlignedBuffer() {
        if (data_ != nullptr) ::munmap(data_, size_bytes_);
    }

    [[nodiscard]] MutableBytes bytes() { return {data_, size_bytes_}; }
    [[nodiscard]] size_t size() const { return size_bytes_; }

 private:
    std::byte* data_ = nullptr;
    size_t size_bytes_ = 0;
};

}  // namespace kvorum
