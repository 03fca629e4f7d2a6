// A large command of a session (redis::RespParser, base/packed_command.h), from its arrival to its answer: it takes
// several turns to encode or to send on. A session has one at a time; what stands behind it waits.
//
// Thread: the owning core. Ownership: the session's.
#pragma once

#include <cstdint>
#include <optional>

#include "base/ids.h"
#include "base/packed_command.h"
#include "gateway/large_write.h"

namespace kvorum::gateway {

// How much of it was sent, and to whom, as leader of that term.
struct LargeForward {
    NodeId leader;
    Term term;
    uint64_t sent_bytes = 0;
    bool waits = false;  // for room or a connection
};

struct LargeCommand {
    PackedCommand command;
    uint64_t sequence = 0;            // of its request, whose text is empty until it is answered
    std::optional<LargeWrite> write;  // while this node encodes it as leader
    bool waits_to_write = false;      // on the router's list
    LargeForward forward;             // while another one leads
};

}  // namespace kvorum::gateway
