// kvorumd on io_uring: what ships. Its exit codes are those of node/program.h.
#include "base/process_facts.h"
#include "node/program.h"
#include "reactor/uring_backend.h"

// What jemalloc reads at the start of the program. Memory that was freed stays for what comes next, because a page that
// is new to the process costs four times as much as to copy into it, and goes back to the system some seconds later by
// a thread of its own: libc gives back in one call, in the midst of a turn, whatever lies at the end of its heap. What
// has grown together is used again however small the part is that is wanted: else it waits for its end, and a reply of
// 75 MiB that is sent in parts takes as much again from the system.
extern "C" {
const char* malloc_conf =
    "background_thread:true,oversize_threshold:0,lg_extent_max_active_fit:24,dirty_decay_ms:5000,muzzy_decay_ms:0";
}

namespace {

absl::StatusOr<std::unique_ptr<kvorum::reactor::IoBackend>> make_backend() {
    return kvorum::reactor::UringBackend::create({});
}

}  // namespace

int main(int argument_count, char** arguments) {
    kvorum::keep_freed_memory_of_first_arena();
    return kvorum::node::run_program(argument_count, arguments, make_backend);
}
