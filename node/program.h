// kvorumd as a function: reads its options, starts the node, runs until SIGTERM or SIGINT. The backend is the caller's
// choice, so that tests run the same program over one that injects faults.
//
// Returns the exit code: 0 stopped as asked; 1 could not start; 2 wrong options. A node that halts (IoBackend::halt:
// its disk failed, or the peers know another log of this node) does not return: the process ends with 70. Thread: the
// one that runs the node; at most one program a process, because it takes over the process's signals.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "reactor/io_backend.h"

namespace kvorum::node {

using MakeBackend = std::function<absl::StatusOr<std::unique_ptr<reactor::IoBackend>>()>;

int run_program(int argument_count, char** arguments, const MakeBackend& make_backend);

}  // namespace kvorum::node
