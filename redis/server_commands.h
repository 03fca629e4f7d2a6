// Commands that are the connection's or the node's business and never touch the key space: PING, HELLO, CLIENT,
// COMMAND, INFO, CONFIG, CLUSTER... Replies and errors are Redis 7's. They see the node through NodeFacade alone.
//
// Thread: the owning core. Nothing here suspends: a command that would have to wait (WAIT) is the session's business,
// not found here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "config/config.h"
#include "gateway/access_control.h"
#include "gateway/buffer_budget.h"
#include "observe/command_statistics.h"
#include "observe/latency_monitor.h"
#include "observe/member_watch.h"
#include "observe/node_counters.h"
#include "observe/slow_log.h"
#include "raft/raft.h"
#include "reactor/turn_meter.h"
#include "redis/client_state.h"
#include "redis/command_table.h"
#include "redis/resp_writer.h"
#include "replica/snapshot_facts.h"

namespace kvorum::redis {

struct LogCounters {  // of the write-ahead log
    uint64_t groups = 0;
    uint64_t bytes_written = 0;
    uint64_t syncs = 0;
    uint64_t segments = 0;
    LogIndex first_index{};  // the lowest entry that it still has
    uint64_t sync_p50_ns = 0;
    uint64_t sync_p99_ns = 0;
    std::string sync_method;
    bool low_on_space = false;
    std::string device;
    std::string filesystem;
    std::string_view direct_io;
    std::string volatile_because;  // the storage keeps nothing; empty: nothing says so
};

struct KeyspaceFacts {
    uint64_t keys = 0;
    uint64_t keys_with_expiry = 0;
    uint64_t expired_keys = 0;
    uint64_t memory_bytes = 0;
    uint64_t memory_bytes_peak = 0;
    uint64_t memory_bytes_at_start = 0;
    uint64_t counted_bytes = 0;       // equal on all nodes (kv/memory_count.h)
    uint64_t memory_limit_bytes = 0;  // that it is held against, the least of the members'; 0: none
    uint64_t state_hash = 0;
    Revision revision{};
    Revision history_floor{};
    uint64_t tombstones = 0;  // removals that are known (kv/tombstones.h)
};

// The log that the node found at its start is being carried out again. Bytes are those of entries as encoded; entries
// that were replaced count in the total only.
struct LoadingFacts {
    bool loading = false;
    int64_t began_wall_ms = 0;
    uint64_t total_bytes = 0;
    uint64_t loaded_bytes = 0;
};

// Of the last one and a half seconds.
struct NodeRates {
    double commands_per_s = 0;
    double input_bytes_per_s = 0;
    double output_bytes_per_s = 0;
};

struct PeerLinkFacts {
    NodeId peer;
    int64_t connected_at_wall_ms = 0;
    uint64_t queued_bytes = 0;
};

class NodeFacade {
 public:
    virtual ~NodeFacade() = default;
    [[nodiscard]] virtual uint64_t now_ns() = 0;
    [[nodiscard]] virtual int64_t wall_clock_ms() = 0;
    [[nodiscard]] virtual int64_t wall_clock_us() = 0;  // for TIME
    [[nodiscard]] virtual const NodeConfig& config() = 0;
    [[nodiscard]] virtual ClusterId cluster() const = 0;  // that the node's log was made for
    [[nodiscard]] virtual raft::Status raft_status() = 0;
    virtual raft::TransferStart transfer_leadership(NodeId target) = 0;  // as replica::RaftDriver's
    [[nodiscard]] virtual const NodeCounters& counters() const = 0;
    [[nodiscard]] virtual const reactor::TurnFacts& turns() const = 0;
    virtual void reset_counters() = 0;  // CONFIG RESETSTAT
    [[nodiscard]] virtual LogCounters log_counters() = 0;
    [[nodiscard]] virtual KeyspaceFacts keyspace() = 0;
    [[nodiscard]] virtual replica::SnapshotFacts snapshots() = 0;
    virtual bool save_snapshot() = 0;  // begins one; false: one is being taken, or about to be
    [[nodiscard]] virtual LoadingFacts loading() = 0;
    [[nodiscard]] virtual uint64_t key_count_in_slot(uint16_t slot) = 0;
    [[nodiscard]] virtual bool peer_connected(NodeId peer) = 0;
    [[nodiscard]] virtual const MemberWatch& members_seen() = 0;
    // The connections on which this node sends to others, those that stand.
    virtual void visit_peer_links(const std::function<void(const PeerLinkFacts&)>& visit) = 0;
    [[nodiscard]] virtual const gateway::BufferBudget& buffers() = 0;
    virtual void visit_clients(const std::function<void(ClientState&)>& visit) = 0;
    // Closes the connection after its pending replies; false when there is none of that id.
    virtual bool close_client(uint64_t client_id) = 0;
    [[nodiscard]] virtual std::string io_backend_name() = 0;  // for INFO: what runs underneath
    // Takes over what may change at run time, for connections that stand too. `config` is valid.
    virtual void change_config(const NodeConfig& config) = 0;
    [[nodiscard]] virtual uint32_t clients_that_fit(uint32_t wanted) = 0;  // into the descriptors of the process
    [[nodiscard]] virtual gateway::AccessControl& access() = 0;
    [[nodiscard]] virtual const CommandStatistics& statistics() const = 0;
    [[nodiscard]] virtual NodeRates rates() const = 0;
    [[nodiscard]] virtual LatencyMonitor& latency() = 0;  // of all that was answered so far, in this turn too
    [[nodiscard]] virtual SlowLog& slow_log() = 0;
};

// Carries out one of server_commands() that has a handler, arity checked. Writes exactly one reply, but none to CLIENT
// REPLY OFF and SKIP (that those suppress others is the caller's business). May change `client` (HELLO sets its
// protocol and `reply`'s before replying).
void execute_server_command(const CommandSpec& command, std::span<const std::string_view> arguments,
                            ClientState& client, NodeFacade& node, RespWriter& reply);

// Redis Cluster's hash slot of a key (CRC16 of the hash tag or the whole key, modulo 16384).
[[nodiscard]] uint16_t hash_slot(std::string_view key);

}  // namespace kvorum::redis
