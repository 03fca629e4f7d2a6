#include "base/memory_pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/sanitizers.h"

namespace kvorum {
namespace {

constexpr size_t kPageBytes = 4 * kKiB;
static_assert(kPagedBytesMin % kPageBytes == 0);
constexpr size_t kPooledBytesMin = 64;
constexpr size_t kPooledBytesMax = 1 * kMiB;
constexpr size_t kClassCount = 2 * std::bit_width(kPooledBytesMax / kPooledBytesMin);

struct Free {
    Free* next;
};

struct FreeList {
    Free* first = nullptr;
    size_t count = 0;
};

// Without a destructor, so that reaching it needs no thread-local guard; ThreadEnd frees.
struct Pool {
    std::array<FreeList, kClassCount> lists{};
    uint64_t heap_takes = 0;
    bool end_is_watched = false;
    bool ended = false;
};

constinit thread_local Pool pool;

// Even classes are powers of two, the odd one below each is its three quarters.
size_t class_of(size_t pooled_bytes) {
    const size_t power = std::bit_ceil(pooled_bytes);
    const size_t power_class = 2 * static_cast<size_t>(std::bit_width(power / kPooledBytesMin) - 1);
    return pooled_bytes == power ? power_class : power_class - 1;
}

void free_all() noexcept {
    for (FreeList& list : pool.lists) {
        while (list.first != nullptr)
            std::free(std::exchange(list.first, list.first->next));
        list.count = 0;
    }
}

struct ThreadEnd {
    ThreadEnd() = default;
    ThreadEnd(const ThreadEnd&) = delete;
    ThreadEnd& operator=(const ThreadEnd&) = delete;
    ~ThreadEnd() {
        pool.ended = true;
        free_all();
    }
};

void watch_thread_end() {
    static thread_local ThreadEnd end;
    pool.end_is_watched = true;
}

void* take_from_heap(size_t pooled_bytes) {
    void* memory = pooled_bytes < kPagedBytesMin ? std::malloc(pooled_bytes)  // which is aligned to 16
                                                 : std::aligned_alloc(kPageBytes, pooled_bytes);
    KVORUM_ASSERT(memory != nullptr, "no memory for {} bytes", pooled_bytes);
    ++pool.heap_takes;
    return memory;
}

}  // namespace

size_t pooled_size(size_t size_bytes) {
    if (size_bytes > kPooledBytesMax) return align_up(size_bytes, kPageBytes);
    // So that what reads beyond a short one is seen.
    if (kAddressSanitizer && size_bytes < kPagedBytesMin) return size_bytes;
    const size_t power = std::bit_ceil(std::max(size_bytes, kPooledBytesMin));
    const size_t less = power - power / 4;
    const bool is_class = power > kPooledBytesMin && (less < kPagedBytesMin || less % kPageBytes == 0);
    return is_class && size_bytes <= less ? less : power;
}

void* take_memory(size_t size_bytes) {
    const size_t pooled_bytes = pooled_size(size_bytes);
    if (kAddressSanitizer || pooled_bytes > kPooledBytesMax) return take_from_heap(pooled_bytes);
    FreeList& list = pool.lists[class_of(pooled_bytes)];
    if (list.first == nullptr) return take_from_heap(pooled_bytes);
    --list.count;
    return std::exchange(list.first, list.first->next);
}

void give_memory_back(void* memory, size_t size_bytes) noexcept {
    const size_t pooled_bytes = pooled_size(size_bytes);
    if (kAddressSanitizer || pooled_bytes > kPooledBytesMax || pool.ended) return std::free(memory);
    FreeList& list = pool.lists[class_of(pooled_bytes)];
    if ((list.count + 1) * pooled_bytes > kUnusedBytesMax) return std::free(memory);
    if (!pool.end_is_watched) watch_thread_end();
    list.first = new (memory) Free{list.first};
    ++list.count;
}

uint64_t heap_takes() { return pool.heap_takes; }

}  // namespace kvorum
