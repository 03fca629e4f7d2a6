// INFO: the node's numbers, in Redis's sections and names where Redis has them, and in sections "Raft" and "Wal" of our
// own.
//
// A number that nobody counts is left out rather than invented. CPU times are: they would have to be asked of the
// kernel.
#include <array>
#include <vector>

#include "base/checksum.h"
#include "base/log.h"
#include "kv/text.h"
#include "server/command_context.h"
#include "server/version.h"

namespace kvorum::server {
namespace {

struct InfoSection {
    std::string_view name;   // as the argument of INFO, lower case
    std::string_view title;  // as printed
    bool by_default;
    void (*write)(NodeFacade& node, std::string& out);
};

constexpr uint64_t kDayS = 86'400;

template <typename Value>
void field(std::string& out, std::string_view name, const Value& value) {
    fmt::format_to(std::back_inserter(out), "{}:{}\r\n", name, value);
}

// "0B", "894.91K", as Redis's *_human fields.
std::string human_bytes(uint64_t bytes) {
    static constexpr std::array<char, 5> kUnits{'K', 'M', 'G', 'T', 'P'};
    if (bytes < kKiB) return fmt::format("{}B", bytes);
    auto scaled = static_cast<double>(bytes) / static_cast<double>(kKiB);
    size_t unit = 0;
    while (scaled >= static_cast<double>(kKiB) && unit + 1 < kUnits.size()) {
        scaled /= static_cast<double>(kKiB);
        ++unit;
    }
    return fmt::format("{:.2f}{}", scaled, kUnits[unit]);
}

uint64_t uptime_s(NodeFacade& node) {
    const uint64_t started_ns = node.counters().started_at_ns;
    const uint64_t now_ns = node.now_ns();
    return now_ns <= started_ns ? 0 : (now_ns - started_ns) / kSecondNs;
}

// 40 hex digits that differ from one start of the node to the next.
std::string run_id(NodeFacade& node) {
    const std::string name = node.config().cluster_node_name(node.config().id);
    const auto started_ms = static_cast<uint64_t>(node.counters().started_at_wall_ms);
    return fmt::format("{:016x}{:016x}{:08x}", checksum64(as_bytes(name), started_ms), started_ms,
                       static_cast<uint32_t>(checksum64(as_bytes(name))));
}

void write_server(NodeFacade& node, std::string& out) {
    field(out, "redis_version", kRedisVersion);
    field(out, "kvorum_version", kKvorumVersion);
    field(out, "redis_mode", "cluster");
    field(out, "arch_bits", 64);
    field(out, "multiplexing_api", node.io_backend_name());
    field(out, "run_id", run_id(node));
    field(out, "tcp_port", node.config().listen_endpoint().port);
    field(out, "server_time_usec", node.wall_clock_us());
    field(out, "uptime_in_seconds", uptime_s(node));
    field(out, "uptime_in_days", uptime_s(node) / kDayS);
}

void write_clients(NodeFacade& node, std::string& out) {
    uint64_t clients = 0;
    uint64_t tracking = 0;
    uint64_t input_bytes_max = 0;
    uint64_t output_bytes_max = 0;
    node.visit_clients([&](ClientState& client) {
        ++clients;
        tracking += client.tracking ? 1 : 0;
        input_bytes_max = std::max(input_bytes_max, client.query_buffer_bytes);
        output_bytes_max = std::max(output_bytes_max, client.output_buffer_bytes);
    });
    uint64_t peers = 0;
    for (const Member& member : node.config().members) {
        if (member.id != node.config().id && node.peer_connected(member.id)) ++peers;
    }
    field(out, "connected_clients", clients);
    field(out, "cluster_connections", peers);
    field(out, "maxclients", node.config().limits.clients_max);
    field(out, "client_recent_max_input_buffer", input_bytes_max);
    field(out, "client_recent_max_output_buffer", output_bytes_max);
    field(out, "blocked_clients", 0);
    field(out, "tracking_clients", tracking);
}

void write_memory(NodeFacade& node, std::string& out) {
    const KeyspaceFacts keyspace = node.keyspace();
    field(out, "used_memory", keyspace.memory_bytes);
    field(out, "used_memory_human", human_bytes(keyspace.memory_bytes));
    field(out, "used_memory_dataset", keyspace.counted_bytes);
    const uint64_t limit_bytes = node.config().memory_bytes_max.value_or(0);
    field(out, "maxmemory", limit_bytes);
    field(out, "maxmemory_human", human_bytes(limit_bytes));
    field(out, "maxmemory_policy", "noeviction");
    field(out, "maxmemory_cluster", keyspace.memory_limit_bytes);
}

void write_persistence(NodeFacade& node, std::string& out) {
    field(out, "loading", 0);
    field(out, "async_loading", 0);
    field(out, "rdb_bgsave_in_progress", 0);
    field(out, "aof_enabled", 1);
    field(out, "aof_rewrite_in_progress", 0);
    field(out, "aof_last_write_status", node.log_counters().low_on_space ? "err" : "ok");
}

void write_stats(NodeFacade& node, std::string& out) {
    const NodeCounters& counters = node.counters();
    uint64_t errors = 0;
    node.visit_error_counts([&](std::string_view, uint64_t count) { errors += count; });
    field(out, "total_connections_received", counters.connections_received);
    field(out, "total_commands_processed", counters.commands_processed);
    field(out, "total_net_input_bytes", counters.net_input_bytes);
    field(out, "total_net_output_bytes", counters.net_output_bytes);
    field(out, "rejected_connections", counters.connections_rejected);
    field(out, "expired_keys", node.keyspace().expired_keys);
    field(out, "evicted_keys", 0);
    field(out, "keyspace_hits", counters.keyspace_hits);
    field(out, "keyspace_misses", counters.keyspace_misses);
    field(out, "total_error_replies", errors);
    field(out, "acl_access_denied_auth", node.access().failures());
    field(out, "protocol_errors", counters.protocol_errors);
    field(out, "client_output_buffer_limit_disconnections", counters.output_limit_closes);
    field(out, "idle_timeout_disconnections", counters.idle_closes);
    field(out, "log_lines_dropped", log_lines_dropped());
    field(out, "commands_forwarded_out", counters.forwarded_out);
    field(out, "commands_forwarded_in", counters.forwarded_in);
    field(out, "replies_not_executed", counters.replies_not_executed);
    field(out, "replies_outcome_unknown", counters.replies_uncertain);
}

void write_replication_leader(NodeFacade& node, const raft::Status& status, std::string& out) {
    std::string replicas;
    size_t count = 0;
    for (const raft::PeerStatus& peer : status.peers) {
        const Member* member = node.config().find_member(peer.id);
        if (!peer.recently_active || member == nullptr) continue;
        fmt::format_to(std::back_inserter(replicas), "slave{}:ip={},port={},state=online,offset={},lag=0\r\n", count,
                       member->client.host, member->client.port, peer.match_index);
        ++count;
    }
    field(out, "connected_slaves", count);
    out += replicas;
}

void write_replication_follower(NodeFacade& node, const raft::Status& status, std::string& out) {
    const Member* leader = known_leader(node, status);
    const bool up = leader != nullptr && node.peer_connected(leader->id);
    field(out, "master_host", leader == nullptr ? std::string{} : leader->client.host);
    field(out, "master_port", leader == nullptr ? uint16_t{0} : leader->client.port);
    field(out, "master_link_status", up ? "up" : "down");
    field(out, "master_sync_in_progress", 0);
    field(out, "slave_read_repl_offset", status.last_index);
    field(out, "slave_repl_offset", status.last_applied);
    field(out, "slave_priority", 100);
    field(out, "slave_read_only", node.config().follower_mode == FollowerMode::kRedirect ? 1 : 0);
    field(out, "connected_slaves", 0);
}

void write_replication(NodeFacade& node, std::string& out) {
    const raft::Status status = node.raft_status();
    field(out, "role", redis_role(status));
    if (status.role == raft::Role::kLeader) {
        write_replication_leader(node, status, out);
    } else {
        write_replication_follower(node, status, out);
    }
    field(out, "master_failover_state", "no-failover");
    field(out, "master_replid", fmt::format("{:040x}", node.config().cluster_id()));
    field(out, "master_repl_offset", status.commit_index);
}

void write_nothing(NodeFacade&, std::string&) {}

// The time of a command is from its arrival to its reply, so a write's includes the disks of a majority.
void write_commandstats(NodeFacade& node, std::string& out) {
    node.visit_command_calls([&](std::string_view name, uint64_t calls) {
        const Histogram* latency = node.latency().command(name);
        const double usec = latency == nullptr ? 0 : static_cast<double>(latency->sum()) / kMicrosecondNs;
        const double mean = latency == nullptr ? 0 : latency->mean() / kMicrosecondNs;
        fmt::format_to(std::back_inserter(out), "cmdstat_{}:calls={},usec={:.0f},usec_per_call={:.2f}\r\n", name, calls,
                       usec, mean);
    });
}

double usec_at(const Histogram& latency, double quantile) {
    return static_cast<double>(latency.value_at(quantile)) / kMicrosecondNs;
}

void write_latencystats(NodeFacade& node, std::string& out) {
    for (size_t i = 0; i < kStageNames.size(); ++i) {
        const Histogram& stage = node.latency().stage(static_cast<Stage>(i));
        field(out, fmt::format("latency_stage_{}_usec", kStageNames[i]),
              fmt::format("p50={:.3f},p99={:.3f},p99.9={:.3f},max={:.3f},count={}", usec_at(stage, 0.5),
                          usec_at(stage, 0.99), usec_at(stage, 0.999),
                          static_cast<double>(stage.max()) / kMicrosecondNs, stage.count()));
    }
    for (const auto& [name, latency] : node.latency().commands()) {
        field(out, fmt::format("latency_percentiles_usec_{}", name),
              fmt::format("p50={:.3f},p99={:.3f},p99.9={:.3f}", usec_at(*latency, 0.5), usec_at(*latency, 0.99),
                          usec_at(*latency, 0.999)));
    }
}

void write_errorstats(NodeFacade& node, std::string& out) {
    node.visit_error_counts([&](std::string_view prefix, uint64_t count) {
        fmt::format_to(std::back_inserter(out), "errorstat_{}:count={}\r\n", prefix, count);
    });
}

void write_cluster(NodeFacade&, std::string& out) { field(out, "cluster_enabled", 1); }

void write_keyspace(NodeFacade& node, std::string& out) {
    const KeyspaceFacts keyspace = node.keyspace();
    if (keyspace.keys == 0) return;
    field(out, "db0", fmt::format("keys={},expires={},avg_ttl=0", keyspace.keys, keyspace.keys_with_expiry));
}

void write_raft(NodeFacade& node, std::string& out) {
    const raft::Status status = node.raft_status();
    const NodeCounters& counters = node.counters();
    const Member* leader = known_leader(node, status);
    field(out, "raft_node_id", status.self);
    field(out, "raft_role", raft::role_name(status.role));
    field(out, "raft_term", status.term);
    field(out, "raft_leader_id", status.leader);
    field(out, "raft_leader", leader == nullptr ? std::string{} : leader->client.to_string());
    field(out, "raft_members", node.config().members.size());
    field(out, "raft_cluster_id", fmt::format("{:016x}", node.config().cluster_id()));
    field(out, "raft_commit_index", status.commit_index);
    field(out, "raft_last_applied", status.last_applied);
    field(out, "raft_last_index", status.last_index);
    field(out, "raft_durable_index", status.durable_index);
    for (size_t i = 0; i < status.peers.size(); ++i) {
        const raft::PeerStatus& peer = status.peers[i];
        field(
            out, fmt::format("raft_peer{}", i),
            fmt::format("id={},state={},active={},match_index={},next_index={},inflight_bytes={}", peer.id, peer.state,
                        peer.recently_active ? 1 : 0, peer.match_index, peer.next_index, peer.inflight_bytes));
    }
    field(out, "raft_elections_seen", counters.elections_seen);
    field(out, "raft_batches_proposed", counters.batches_proposed);
    field(out, "raft_entries_applied", counters.entries_applied);
    field(out, "raft_read_rounds", counters.read_rounds);
    field(out, "raft_lease_reads", counters.lease_reads);
    field(out, "raft_state_hash", fmt::format("{:016x}", node.keyspace().state_hash));
}

void write_wal(NodeFacade& node, std::string& out) {
    const LogCounters log = node.log_counters();
    field(out, "wal_sync_method", log.sync_method);
    field(out, "wal_groups", log.groups);
    field(out, "wal_bytes_written", log.bytes_written);
    field(out, "wal_syncs", log.syncs);
    field(out, "wal_segments", log.segments);
    field(out, "wal_sync_usec_p50", log.sync_p50_ns / kMicrosecondNs);
    field(out, "wal_sync_usec_p99", log.sync_p99_ns / kMicrosecondNs);
    field(out, "wal_low_on_space", log.low_on_space ? 1 : 0);
    field(out, "wal_device", log.device);
    field(out, "wal_filesystem", log.filesystem);
    field(out, "wal_direct_io", log.direct_io);
    field(out, "wal_storage_volatile", log.volatile_because.empty() ? 0 : 1);
    if (!log.volatile_because.empty()) field(out, "wal_storage_volatile_because", log.volatile_because);
}

// Of the node's thread, in processor time (reactor/turn_meter.h).
void write_turns(NodeFacade& node, std::string& out) {
    const reactor::TurnFacts& turns = node.turns();
    field(out, "longest_turn_us", turns.longest_ns / kMicrosecondNs);
    field(out, "longest_turn_doing", kTurnPartNames[static_cast<size_t>(turns.longest_doing)]);
    field(out, "longest_turn_work", turns.longest_work);
    field(out, "turns_over_5ms", turns.long_turns);
    for (size_t i = 0; i < kTurnPartNames.size(); ++i) {
        if (turns.long_turns_doing[i] > 0)
            field(out, fmt::format("turns_over_5ms_{}", kTurnPartNames[i]), turns.long_turns_doing[i]);
    }
}

constexpr auto kSections = std::to_array<InfoSection>({
    {"server", "Server", true, write_server},
    {"clients", "Clients", true, write_clients},
    {"memory", "Memory", true, write_memory},
    {"persistence", "Persistence", true, write_persistence},
    {"stats", "Stats", true, write_stats},
    {"replication", "Replication", true, write_replication},
    {"cpu", "CPU", true, write_nothing},
    {"modules", "Modules", true, write_nothing},
    {"commandstats", "Commandstats", false, write_commandstats},
    {"errorstats", "Errorstats", true, write_errorstats},
    {"latencystats", "Latencystats", false, write_latencystats},
    {"cluster", "Cluster", true, write_cluster},
    {"raft", "Raft", true, write_raft},
    {"wal", "Wal", true, write_wal},
    {"turns", "Turns", true, write_turns},
    {"keyspace", "Keyspace", true, write_keyspace},
});

bool is_wanted(const InfoSection& section, std::span<const std::string_view> names) {
    if (names.empty()) return section.by_default;
    for (const std::string_view name : names) {
        if (kv::equals_ignore_case(name, "all") || kv::equals_ignore_case(name, "everything")) return true;
        if (kv::equals_ignore_case(name, "default") && section.by_default) return true;
        if (kv::equals_ignore_case(name, section.name)) return true;
    }
    return false;
}

}  // namespace

void run_info(CommandContext& context) {
    std::string text;
    for (const InfoSection& section : kSections) {
        if (!is_wanted(section, context.arguments.subspan(1))) continue;
        if (!text.empty()) text += "\r\n";
        fmt::format_to(std::back_inserter(text), "# {}\r\n", section.title);
        section.write(context.node, text);
    }
    context.reply.verbatim_text(text);
}

}  // namespace kvorum::server
