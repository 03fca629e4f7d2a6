// What a thread asks of the heap and how many bytes it copies, counted. A program that links counting.cc gets other
// operator new, memcpy and memmove: nothing else of it changes.
//
// Copies below kCountedBytesMin are not counted: what is long in a SET of 1 KiB is its value. The kernel's copies to
// and from sockets are not seen, nor those that a compiler knows the size of. Thread: any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kvorum::bench {

inline constexpr size_t kCountedBytesMin = 512;

struct CostCounters {
    std::atomic<uint64_t> allocations = 0;
    std::atomic<uint64_t> copied_bytes = 0;
};

// Of this thread, from now on; null: nothing is counted. The counters outlive that.
void count_into(CostCounters* counters);

}  // namespace kvorum::bench
