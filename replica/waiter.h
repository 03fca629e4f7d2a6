// Who waits for the outcome of a command: a name that whoever gave it resolves, or finds that nobody waits any more.
// What it names is not known here.
#pragma once

#include <cstdint>

namespace kvorum::replica {

struct WaiterId {
    uint32_t slot = 0;
    uint32_t generation = 0;  // 0: nobody
    bool operator==(const WaiterId&) const = default;
};

struct WriteWaiter {
    WaiterId waiter;
    uint64_t sequence = 0;  // which of the waiter's commands
};

}  // namespace kvorum::replica
