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

[[nodiscard]] uint64_t machine_memory_bytes();
[[nodiscard]] std::string operating_system();  // "Linux 6.1.0 x86_64"

}  // namespace kvorum
