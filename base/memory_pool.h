// Memory that is taken and given back all the time: free lists of a few sizes, a set for each thread, so that steady
// traffic asks the heap for nothing.
//
// Sizes are powers of two and three quarters of these, from 64 bytes to 1 MiB, and whole pages from one page on. What
// is larger comes from the heap, and under AddressSanitizer everything does, at its own size, so that what reads beyond
// it or after its end is seen. From kPagedBytesMin on memory is aligned to a page, below to 16 bytes. Nothing is
// zeroed.
//
// Thread: any; memory may be given back by another thread than the one that took it, whose lists then keep it. A thread
// keeps at most kUnusedBytesMax of a size that nobody uses, and nothing after its end. No memory ends the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "base/units.h"

namespace kvorum {

inline constexpr size_t kPagedBytesMin = 4 * kKiB;
inline constexpr size_t kUnusedBytesMax = 8 * kMiB;

// What take_memory(size_bytes) gives: at least `size_bytes`.
[[nodiscard]] size_t pooled_size(size_t size_bytes);
[[nodiscard]] void* take_memory(size_t size_bytes);
// `size_bytes`: as it was taken, or what pooled_size() made of that.
void give_memory_back(void* memory, size_t size_bytes) noexcept;
// How often this thread has asked the heap.
[[nodiscard]] uint64_t heap_takes();

// For std::allocate_shared.
template <typename T>
struct PooledAllocator {
    using value_type = T;

    PooledAllocator() = default;
    template <typename U>
    PooledAllocator(const PooledAllocator<U>& /*other*/) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] T* allocate(size_t count) {
        static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
        return static_cast<T*>(take_memory(count * sizeof(T)));
    }
    void deallocate(T* memory, size_t count) noexcept { give_memory_back(memory, count * sizeof(T)); }

    template <typename U>
    bool operator==(const PooledAllocator<U>& /*other*/) const {
        return true;
    }
};

}  // namespace kvorum
