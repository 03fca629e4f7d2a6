// What a running node says of itself: INFO over a connection of its own, read into numbers.
//
// Thread: any; blocks for at most the given time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "reactor/io_backend.h"
#include "tools/node_connection.h"

namespace kvorum::tools {

struct PeerLine {
    uint64_t id = 0;
    std::string state;  // of replication to it: probe, replicate...
    bool active = false;
    uint64_t match_index = 0;
    uint64_t lag_entries = 0;  // last index of the leader less what the peer is known to have
};

struct NodeStatus {
    uint64_t id = 0;
    std::string role;    // leader, follower, candidate...
    std::string leader;  // client endpoint; empty while none is known
    uint64_t leader_id = 0;
    uint64_t term = 0;
    uint64_t commit_index = 0;
    uint64_t last_applied = 0;
    uint64_t last_index = 0;
    uint64_t durable_index = 0;
    uint64_t members = 0;
    uint64_t keys = 0;
    std::string state_hash;
    std::vector<PeerLine> peers;                // known to a leader only
    std::map<std::string, std::string> fields;  // all of INFO

    [[nodiscard]] bool is_leader() const { return role == "leader"; }
    // A field of INFO as it stands; "-" when the node does not report it.
    [[nodiscard]] const std::string& field(const std::string& name) const;
};

[[nodiscard]] NodeStatus parse_info(std::string_view text);

// Unavailable: nobody answers there, or not in time. FailedPrecondition: something answers, but not as a kvorum node
// does.
[[nodiscard]] absl::StatusOr<NodeStatus> ask_node_status(NodeConnection& connection, const reactor::Endpoint& node);
[[nodiscard]] absl::StatusOr<NodeStatus> fetch_node_status(const reactor::Endpoint& node, uint32_t timeout_ms);

// True when the node carries out a linearizable read now, so that it knows a leader which has a quorum.
[[nodiscard]] bool serves_reads(const reactor::Endpoint& node, uint32_t timeout_ms);

}  // namespace kvorum::tools
