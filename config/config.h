// What one node is told at start. The same options come from flags, a config file and (for what may change) CONFIG SET.
//
// Cluster scope: cluster_name, the ids of the members and bootstrap_token; a new log gets its cluster id from these,
// and says it ever after; the peer handshake compares it. Node scope: the rest; it may differ from node to node and
// change at any restart, election_timeout_ms too: leases count on what voters promise (raft/read_index.cc), not on
// equal options. Units are in the names. Thread: read-only after start, except what NodeFacade::change_config() may
// change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/units.h"
#include "reactor/io_backend.h"

namespace kvorum {

struct Member {
    NodeId id;
    reactor::Endpoint peer;    // where the other nodes reach it
    reactor::Endpoint client;  // where clients reach it; also what MOVED and CLUSTER SLOTS say

    bool operator==(const Member&) const = default;
};

// What a follower does with a command that only the leader can carry out.
enum class FollowerMode { kForward, kRedirect };

// Which members CLUSTER SLOTS, SHARDS and NODES name as masters (redis/cluster_map.h).
enum class ClusterView { kSpread, kLeader };

// What becomes of the commands behind a SELECT that was refused (redis/command_gate.h).
enum class AfterRefusedSelect { kRefuse, kUseZero };

// Sync method of the write-ahead log; kAuto measures both at start.
enum class WalSync { kAuto, kDataSync, kDsync };

// Bounds within which every value works, in every combination that validate() lets through.
inline constexpr uint64_t kQueryBytesMin = 1 * kKiB;  // CONFIG SET still fits
inline constexpr uint64_t kQueryBytesMax = 4095 * kMiB;
inline constexpr uint64_t kBulkBytesMin = 1 * kKiB;  // the names of commands and options still fit
inline constexpr uint32_t kArgumentsMin = 16;
inline constexpr uint32_t kInlineBytesMin = 64;
inline constexpr uint64_t kOutputBytesMin = 1 * kMiB;  // INFO and COMMAND DOCS still fit
inline constexpr uint64_t kWalSegmentBytesMin = 16 * kKiB;
inline constexpr uint64_t kWalSegmentBytesMax = 1 * kGiB;
inline constexpr uint64_t kBatchBytesMax = 8 * kMiB;  // with the largest command behind it, an entry still fits

struct Limits {
    uint32_t clients_max = 10000;
    uint64_t query_bytes_max = 64 * kMiB;  // one command
    uint64_t bulk_bytes_max = 16 * kMiB;   // one argument
    uint32_t arguments_max = 1024 * 1024;
    uint64_t packed_above_bytes = 256 * kKiB;  // of a command; smaller only where it is simulated
    uint32_t inline_bytes_max = 64 * kKiB;
    uint32_t pipeline_depth_max =
        16 * 1024;                          // commands of one connection that wait; above it the connection is not read
    uint64_t output_bytes_max = 64 * kMiB;  // replies that a client does not read; above it the connection is closed
    uint64_t buffer_bytes_max = 0;          // of all clients and peers together; 0: a share of the machine
    uint32_t idle_timeout_s = 0;            // 0: never
    uint32_t tcp_keepalive_s = 300;         // silence of a client's machine before it is probed; 0: never
    uint32_t partial_command_timeout_s = 30;  // a command that never ends (slowloris); 0: never
    int64_t slowlog_slower_than_us = 10000;   // what SLOWLOG keeps; 0: everything, -1: nothing
    uint64_t slowlog_entries_max = 128;
    uint64_t latency_threshold_ms = 0;  // what takes so long is an event of LATENCY; 0: nothing is
};

struct AccessConfig {
    bool protected_mode = true;  // without a password, only clients of this machine are served
    std::string password;        // empty: none is needed

    bool operator==(const AccessConfig&) const = default;
};

// A write waits for a majority of the members: more of them than this serve nobody.
inline constexpr uint32_t kMembersMax = 9;

struct NodeConfig {
    NodeId id;
    std::string cluster_name = "kvorum";
    std::string bootstrap_token;  // makes the id of a new cluster another one than its name and members give
    std::vector<Member> members;  // this node included
    std::string data_directory;
    // What this node binds, when that is not what its member entry says (a wildcard address, a container's inner port).
    std::optional<reactor::Endpoint> listen;
    std::optional<reactor::Endpoint> peer_listen;
    std::string cluster_secret_file;           // looked at every second; empty: none
    std::vector<std::string> cluster_secrets;  // what was in it at the start

    uint32_t election_timeout_ms = 1000;   // also the silence that this node promises to a leader
    uint32_t heartbeat_interval_ms = 100;  // of a leader, at most; less if a voter promises less than three times this
    uint32_t clock_drift_percent = 10;     // between any two nodes; 0: no leases, every read waits for a round
    uint32_t leader_wait_ms = 5000;        // how long a command waits for a leader before its definite error
    uint32_t outcome_wait_ms = 10000;      // how long a write whose outcome is open waits before the reply says so
    uint32_t disk_stall_ms = 3000;         // a sync that takes longer makes a leader step down
    FollowerMode follower_mode = FollowerMode::kForward;
    ClusterView cluster_view = ClusterView::kSpread;  // with FollowerMode::kRedirect it is kLeader, whatever this says
    AfterRefusedSelect after_refused_select = AfterRefusedSelect::kRefuse;
    uint32_t spin_us = 500;  // how long a lightly loaded node looks for work before it sleeps; 0: sleeps at once

    uint64_t wal_segment_bytes = 64 * kMiB;
    uint32_t wal_spare_segments = 2;
    uint32_t wal_groups_in_flight = 4;
    WalSync wal_sync = WalSync::kAuto;
    uint64_t snapshot_log_bytes = 192 * kMiB;      // of log, after which the state is written to disk again
    uint64_t snapshot_keep_log_bytes = 64 * kMiB;  // of log, kept behind the snapshot for followers that lag
    uint32_t snapshot_rate_mib = 0;                // a second, for each peer that fetches one; 0: no limit
    bool allow_volatile_storage = false;
    // What all keys and values together may take, by the count of kv/memory_count.h; the least of the members' counts.
    // 0: no limit; none: not decided yet (kvorumd takes a share of the machine).
    std::optional<uint64_t> memory_bytes_max;
    uint64_t batch_bytes_max = 1 * kMiB;
    uint64_t entry_cache_bytes = 32 * kMiB;

    Limits limits;
    AccessConfig access;
    LogLevel log_level = LogLevel::kInfo;
    std::string log_file;  // empty: stderr
    std::string pid_file;  // empty: none

    [[nodiscard]] const Member& self() const;
    [[nodiscard]] const Member* find_member(NodeId node) const;
    [[nodiscard]] const reactor::Endpoint& listen_endpoint() const;       // for clients
    [[nodiscard]] const reactor::Endpoint& peer_listen_endpoint() const;  // for the other nodes
    // Of a new cluster: derived from its name, the ids of its first members and the token, so that all first nodes come
    // to the same one. A log keeps it for good (wal::Founding), whatever the options say later.
    [[nodiscard]] ClusterId bootstrap_cluster_id() const;
    // Every violation in words; empty means usable.
    [[nodiscard]] std::vector<std::string> validate() const;
};

// "1=127.0.0.1:17001/127.0.0.1:7001": node id, peer endpoint, client endpoint.
[[nodiscard]] absl::StatusOr<Member> parse_member(std::string_view text);

// A config file that sets nothing: every option, commented out, at its default, with its explanation.
[[nodiscard]] std::string sample_config();

// Parses the command line of kvorumd (and the file that --config names; a flag on the command line wins). The config of
// an Ok result has passed validate(), unless exit_now. On an error the message says which option, what is wrong, and
// what would be right.
struct CommandLineResult {
    bool exit_now = false;  // --help, --version or --print-sample-config was asked for, and printed to stdout
    NodeConfig config;
};
[[nodiscard]] absl::StatusOr<CommandLineResult> parse_command_line(int argument_count, const char* const* arguments);

}  // namespace kvorum
