// kvorumd on io_uring: what ships. Its exit codes are those of server/program.h.
#include <cstddef>
#include <cstdint>

#include "reactor/uring_backend.h"
#include "server/program.h"

// What jemalloc reads at the start of the program. Memory that was freed stays for what comes next, because a page that
// is new to the process costs four times as much as to copy into it, and goes back to the system some seconds later by
// a thread of its own: libc gives back in one call, in the midst of a turn, whatever lies at the end of its heap. What
// has grown together is used again however small the part is that is wanted: else it waits for its end, and a reply of
// 75 MiB that is sent in parts takes as much again from the system.
extern "C" {
const char* malloc_conf =
    "background_thread:true,oversize_threshold:0,lg_extent_max_active_fit:24,dirty_decay_ms:5000,muzzy_decay_ms:0";
// There when the program is linked with jemalloc.
int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value, size_t new_size)
    __attribute__((weak));
}

namespace {

// The first arena, from which the reactor's thread takes, is made before oversize_threshold is looked at: it would give
// back whatever has grown together to 8 MiB in the free() that completes it (findings/jemalloc-first-arena.sh).
void keep_freed_memory() {
    size_t unlimited_bytes = SIZE_MAX;
    if (mallctl != nullptr)
        (void)mallctl("arena.0.oversize_threshold", nullptr, nullptr, &unlimited_bytes, sizeof(unlimited_bytes));
}

absl::StatusOr<std::unique_ptr<kvorum::reactor::IoBackend>> make_backend() {
    return kvorum::reactor::UringBackend::create({});
}

}  // namespace

int main(int argument_count, char** arguments) {
    keep_freed_memory();
    return kvorum::server::run_program(argument_count, arguments, make_backend);
}
