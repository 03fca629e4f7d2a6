// What this machine must offer for UringBackend, and what to tell the operator when it does not.
//
// Facts are gathered by the ring's set-up and explained by pure functions, so that each message is tested without such
// a machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace kvorum::reactor {

struct UringFacts {
    int setup_errno = 0;                     // of io_uring_setup(2) with the fewest flags; 0 = a ring was made
    std::optional<int> uring_disabled = {};  // the sysctl kernel.io_uring_disabled, where there is one (Linux 6.6)
    uint64_t memlock_limit_bytes = UINT64_MAX;
    std::vector<std::string> missing = {};  // features and operations, each with the kernel that brought it
    int buffer_ring_errno = 0;              // of registering the ring of receive buffers
    int multishot_receive_errno = 0;        // of a trial on a socket pair
};

// OK, or what is missing and what to do about it.
[[nodiscard]] absl::Status explain_uring(const UringFacts& facts);

// The value of kernel.io_uring_disabled.
[[nodiscard]] std::optional<int> read_uring_disabled();
[[nodiscard]] uint64_t memlock_limit_bytes();

}  // namespace kvorum::reactor
