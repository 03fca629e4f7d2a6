// Bytes that gather, in one piece. Growing copies nothing once there are many: their pages move. A vector of tens of
// megabytes copies them all whenever it grows, which takes longer than a turn may.
//
// Memory follows what was appended; what is set aside beyond it is address space. Thread: one owner. The address of the
// bytes changes with append().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace kvorum {

class GrowingBuffer {
 public:
    GrowingBuffer() = default;
    GrowingBuffer(GrowingBuffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    GrowingBuffer& operator=(GrowingBuffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    ~GrowingBuffer() { release(); }

    void append(std::string_view bytes);
    // Gives the memory back.
    void release();

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] std::string_view text() const { return {data_, size_}; }
    [[nodiscard]] Bytes bytes() const { return as_bytes(text()); }
    // What it takes from the system.
    [[nodiscard]] uint64_t memory_bytes() const;

 private:
    void grow(size_t size);

    char* data_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
};

}  // namespace kvorum
