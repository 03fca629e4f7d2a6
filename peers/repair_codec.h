// Questions for entries of a damaged log and their answers, each one frame (net/frame.h).
//
// Encoders write what this process built and assert its limits. Decoders take what a peer sent: false for every
// malformed input, trailing bytes included, and then the output is garbage. No decoder reserves what a count merely
// claims. Views in decoded values borrow from the payload. Thread: any.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/units.h"
#include "net/frame.h"
#include "net/output_buffer.h"
#include "raft/entry.h"
#include "raft/types.h"

namespace kvorum::peers {

// Asks for one entry by its identity, whoever leads (replica/repair_decision.h).
struct RepairRequest {
    LogIndex index;
    uint64_t checksum = 0;
    GroupId group = kFirstGroup;

    bool operator==(const RepairRequest&) const = default;
};

enum class RepairOutcome : uint8_t {
    kHeld = 0,     // here it is
    kOther = 1,    // the log of this node does not have it, and is known there
    kMissing = 2,  // this node's log is damaged there too
    // Below where the log of this node begins: what is left of it is in a snapshot, of at least the entry that `at`
    // names.
    kInSnapshot = 3,
};

struct RepairReply {
    LogIndex index;  // as in the request
    uint64_t checksum = 0;
    RepairOutcome outcome = RepairOutcome::kMissing;
    // kOther: what this log has at `index`, or its last entry if that is lower; zero if it is empty. kInSnapshot: what
    // stands before this log, not below `index`; only its index is sure to be said.
    raft::EntryId at;
    raft::EntryList entries;  // kHeld: the one asked for, last, and some that lead to it
    GroupId group = kFirstGroup;
};

[[nodiscard]] constexpr bool is_repair_frame(net::FrameType type) {
    return type == net::FrameType::kRepairRequest || type == net::FrameType::kRepairReply;
}

// A reply carries at most about this many bytes of entries, and at least one.
inline constexpr uint64_t kRepairReplyBytes = 1 * kMiB;

void encode_repair_request(const RepairRequest& request, net::OutputBuffer& out);
void encode_repair_reply(const RepairReply& reply, net::OutputBuffer& out);
[[nodiscard]] bool decode_repair_request(const net::Frame& frame, RepairRequest& request);
// The entries are verified by their own checksums, of `cluster` and the reply's group, chained, and end with the one
// that the reply names.
[[nodiscard]] bool decode_repair_reply(const net::Frame& frame, ClusterId cluster, RepairReply& reply);

}  // namespace kvorum::peers
