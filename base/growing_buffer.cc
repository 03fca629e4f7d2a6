#include "base/growing_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"
#include "base/units.h"

namespace kvorum {
namespace {

// From here on the bytes have pages of their own.
constexpr size_t kMappedBytes = 256 * kKiB;
constexpr size_t kFirstBytes = 1 * kKiB;
constexpr size_t kPageBytes = 4 * kKiB;

}  // namespace

void GrowingBuffer::append(std::string_view bytes) {
    if (bytes.empty()) return;
    if (bytes.size() > capacity_ - size_) grow(size_ + bytes.size());
    std::memcpy(data_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
}

void GrowingBuffer::grow(size_t size) {
    const size_t capacity = align_up(std::max({size, 2 * capacity_, kFirstBytes}), kFirstBytes);
    void* grown = nullptr;
    if (capacity < kMappedBytes) {
        grown = std::realloc(data_, capacity);
    } else if (capacity_ < kMappedBytes) {
        grown = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        KVORUM_ASSERT(grown != MAP_FAILED, "no memory for {} bytes", capacity);
        if (size_ > 0) std::memcpy(grown, data_, size_);
        std::free(data_);
    } else {
        grown = mremap(data_, capacity_, capacity, MREMAP_MAYMOVE);
        KVORUM_ASSERT(grown != MAP_FAILED, "no memory for {} bytes", capacity);
    }
    KVORUM_ASSERT(grown != nullptr, "no memory for {} bytes", capacity);
    data_ = static_cast<char*>(grown);
    capacity_ = capacity;
}

void GrowingBuffer::release() {
    if (capacity_ < kMappedBytes) {
        std::free(data_);
    } else {
        munmap(data_, capacity_);
    }
    data_ = nullptr;
    size_ = capacity_ = 0;
}

uint64_t GrowingBuffer::memory_bytes() const {
    return capacity_ < kMappedBytes ? capacity_ : align_up(size_, kPageBytes);
}

}  // namespace kvorum
