#include "base/process_facts.h"

#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

// There when the program is linked with jemalloc.
extern "C" int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value, size_t new_size)
    __attribute__((weak));

namespace kvorum {
namespace {

template <typename Value>
Value allocator_value(const char* name) {
    Value value{};
    size_t size = sizeof(value);
    return mallctl(name, static_cast<void*>(&value), &size, nullptr, 0) == 0 ? value : Value{};
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1'000'000;
}

uint64_t page_bytes() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

ProcessFacts process_facts() {
    ProcessFacts facts;
    facts.id = getpid();
    uint64_t size_pages = 0;
    uint64_t resident_pages = 0;
    if (std::ifstream("/proc/self/statm") >> size_pages >> resident_pages)
        facts.resident_bytes = resident_pages * page_bytes();
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        facts.user_s = seconds(usage.ru_utime);
        facts.system_s = seconds(usage.ru_stime);
    }
    if (getrusage(RUSAGE_THREAD, &usage) == 0) {
        facts.thread_user_s = seconds(usage.ru_utime);
        facts.thread_system_s = seconds(usage.ru_stime);
    }
    return facts;
}

HeapFacts heap_facts() {
    if (mallctl != nullptr) {
        uint64_t epoch = 1;
        size_t size = sizeof(epoch);
        // Else the numbers are those of the last call.
        (void)mallctl("epoch", &epoch, &size, &epoch, size);
        return {.allocated_bytes = allocator_value<size_t>("stats.allocated"),
                .active_bytes = allocator_value<size_t>("stats.active")};
    }
    const struct mallinfo2 info = mallinfo2();
    return {.allocated_bytes = info.uordblks + info.hblkhd, .active_bytes = info.arena + info.hblkhd};
}

std::string allocator_name() {
    if (mallctl == nullptr) return fmt::format("libc-{}", gnu_get_libc_version());
    const std::string version = allocator_value<const char*>("version");
    return fmt::format("jemalloc-{}", version.substr(0, version.find('-')));
}

void keep_freed_memory_of_first_arena() {
    size_t unlimited_bytes = SIZE_MAX;
    if (mallctl != nullptr)
        (void)mallctl("arena.0.oversize_threshold", nullptr, nullptr, &unlimited_bytes, sizeof(unlimited_bytes));
}

uint64_t machine_memory_bytes() { return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * page_bytes(); }

std::string operating_system() {
    utsname name{};
    if (uname(&name) != 0) return "unknown";
    return fmt::format("{} {} {}", static_cast<const char*>(name.sysname), static_cast<const char*>(name.release),
                       static_cast<const char*>(name.machine));
}

}  // namespace kvorum
