#include "bench/cost/counting.h"

#include <cstdlib>
#include <new>

namespace {

constinit thread_local kvorum::bench::CostCounters* counting = nullptr;

void* allocate(size_t size_bytes, size_t alignment_bytes) {
    if (counting != nullptr) counting->allocations.fetch_add(1, std::memory_order_relaxed);
    const size_t rounded = (size_bytes + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
    void* memory = std::aligned_alloc(alignment_bytes, rounded);
    if (memory == nullptr) std::abort();
    return memory;
}

#if defined(__x86_64__)
void note_copy(size_t size_bytes) {
    if (size_bytes >= kvorum::bench::kCountedBytesMin && counting != nullptr)
        counting->copied_bytes.fetch_add(size_bytes, std::memory_order_relaxed);
}

// Anything else might become a call of memcpy.
void copy_up(void* to, const void* from, size_t size_bytes) {
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size_bytes) : : "memory");
}

void copy_down(void* to, const void* from, size_t size_bytes) {
    void* last_to = static_cast<std::byte*>(to) + size_bytes - 1;
    const void* last_from = static_cast<const std::byte*>(from) + size_bytes - 1;
    asm volatile("std\n\trep movsb\n\tcld" : "+D"(last_to), "+S"(last_from), "+c"(size_bytes) : : "memory", "cc");
}
#endif

}  // namespace

void* operator new(size_t size_bytes) { return allocate(size_bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(size_t size_bytes, std::align_val_t alignment) {
    return allocate(size_bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size_bytes*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size_bytes*/, std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}

#if defined(__x86_64__)
extern "C" void* memcpy(void* to, const void* from, size_t size_bytes) noexcept {
    note_copy(size_bytes);
    copy_up(to, from, size_bytes);
    return to;
}

extern "C" void* memmove(void* to, const void* from, size_t size_bytes) noexcept {
    note_copy(size_bytes);
    const bool would_overwrite = static_cast<std::byte*>(to) - static_cast<const std::byte*>(from) > 0 &&
                                 static_cast<const std::byte*>(from) + size_bytes > to;
    if (would_overwrite && size_bytes > 0) {
        copy_down(to, from, size_bytes);
    } else {
        copy_up(to, from, size_bytes);
    }
    return to;
}
#endif

namespace kvorum::bench {

void count_into(CostCounters* counters) { counting = counters; }

}  // namespace kvorum::bench
