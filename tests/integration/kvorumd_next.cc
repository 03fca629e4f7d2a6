// kvorumd of a version to come: the same sources, but it knows a higher feature level (raft/feature_level.h).
#include "base/process_facts.h"
#include "node/program.h"
#include "reactor/uring_backend.h"

int main(int argument_count, char** arguments) {
    kvorum::keep_freed_memory_of_first_arena();
    return kvorum::node::run_program(argument_count, arguments,
                                     []() -> absl::StatusOr<std::unique_ptr<kvorum::reactor::IoBackend>> {
                                         return kvorum::reactor::UringBackend::create({});
                                     });
}
