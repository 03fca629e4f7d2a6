#include "base/memory_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "base/sanitizers.h"

namespace kvorum {
namespace {

bool is_aligned_to(const void* memory, size_t bytes) { return reinterpret_cast<uintptr_t>(memory) % bytes == 0; }

TEST(MemoryPool, GivesAtLeastWhatIsAskedForAndNotMuchMore) {
    for (size_t size = 64; size <= 4 * kMiB; size += 1 + size / 7) {
        const size_t pooled = pooled_size(size);
        EXPECT_GE(pooled, size);
        EXPECT_LE(pooled, size + std::max(size / 2, size_t{4} * kKiB)) << size;
        EXPECT_EQ(pooled_size(pooled), pooled) << "what was taken may be given back by either size";
    }
}

TEST(MemoryPool, LargeMemoryIsWholePages) {
    for (const size_t size : {kPagedBytesMin, kPagedBytesMin + 1, 100 * kKiB, 700 * kKiB, 1 * kMiB + 1, 3 * kMiB}) {
        void* memory = take_memory(size);
        EXPECT_TRUE(is_aligned_to(memory, 4096)) << size;
        EXPECT_EQ(pooled_size(size) % 4096, 0u) << size;
        std::memset(memory, 1, pooled_size(size));
        give_memory_back(memory, size);
    }
}

TEST(MemoryPool, SmallMemoryIsAlignedForAnyObject) {
    for (const size_t size : {1u, 64u, 65u, 97u, 1000u, 9000u}) {
        void* memory = take_memory(size);
        EXPECT_TRUE(is_aligned_to(memory, 16)) << size;
        std::memset(memory, 1, size);
        give_memory_back(memory, size);
    }
}

// Under AddressSanitizer everything comes from the heap.
TEST(MemoryPool, WhatWasGivenBackIsTakenAgain) {
    void* memory = take_memory(50 * kKiB);
    give_memory_back(memory, 50 * kKiB);
    const uint64_t before = heap_takes();
    void* again = take_memory(60 * kKiB);
    EXPECT_TRUE(kAddressSanitizer || again == memory) << "of the same class";
    EXPECT_EQ(heap_takes() - before, kAddressSanitizer ? 1u : 0u);
    give_memory_back(again, 60 * kKiB);
}

TEST(MemoryPool, MemoryMayBeGivenBackByAnotherThreadAndOutliveItsOwn) {
    std::vector<void*> taken;
    std::thread taker([&taken] {
        for (size_t i = 0; i < 100; ++i) {
            taken.push_back(take_memory(100 + 1000 * i));
            std::memset(taken.back(), 2, 100 + 1000 * i);
        }
    });
    taker.join();
    std::thread giver([&taken] {
        for (size_t i = 0; i < 100; ++i)
            give_memory_back(taken[i], 100 + 1000 * i);
    });
    giver.join();
}

TEST(MemoryPool, NoTwoHaveTheSameMemory) {
    std::set<void*> taken;
    for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(taken.insert(take_memory(200)).second);
    for (void* memory : taken)
        give_memory_back(memory, 200);
}

}  // namespace
}  // namespace kvorum
