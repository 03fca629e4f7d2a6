// What the kernel knows of this process: for INFO. Some microseconds a call. Thread: any; the thread's times are the
// caller's.
#pragma once

#include <cstdint>
#include <string>

namespace kvorum {

struct ProcessFacts {
    int64_t id = 0;
    uint64_t resident_bytes = 0;
    double user_s = 0;  // processor time of all threads
    double system_s = 0;
    double thread_user_s = 0;
    double thread_system_s = 0;
};
[[nodiscard]] ProcessFacts process_facts();

// What malloc has in use, and what it has taken from the system for it. The key space has memory of its own.
struct HeapFacts {
    uint64_t allocated_bytes = 0;
    uint64_t active_bytes = 0;
};
[[nodiscard]] HeapFacts heap_facts();
[[nodiscard]] std::string allocator_name();  // with its version
// jemalloc's first arena, from which a program's first thread takes, is made before the option oversize_threshold is
// looked at: it gives back whatever has grown together to 8 MiB in the free() that completes it
// (findings/jemalloc-first-arena.sh). Not any more. Does nothing with another allocator.
void keep_freed_memory_of_first_arena();

[[nodiscard]] uint64_t machine_memory_bytes();
[[nodiscard]] std::string operating_system();  // "Linux 6.1.0 x86_64"

}  // namespace kvorum
