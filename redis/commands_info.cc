// INFO: the node's numbers, in Redis's sections and names where Redis has them, and in sections "Raft" and "Wal" of our
// own.
//
// A number that nobody counts is left out rather than invented. What this server does not have (forks, pub/sub, a cache
// of scripts, eviction) has the value that it has in a Redis that does not use it, because tools look for it.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/checksum.h"
#include "base/log.h"
#include "base/process_facts.h"
#include "base/text.h"
#include "config/version.h"
#include "redis/cluster_map.h"
#include "redis/command_context.h"
#include "redis/info_field.h"

namespace kvorum::redis {
namespace {

struct InfoSection {
    std::string_view name;   // as the argument of INFO, lower case
    std::string_view title;  // as printed
    bool by_default;
    void (*write)(NodeFacade& node, std::string& out);
};

constexpr uint64_t kDayS = 86'400;

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
    const std::string name = cluster_node_name(node.cluster(), node.config().id);
    const auto started_ms = static_cast<uint64_t>(node.counters().started_at_wall_ms);
    return fmt::format("{:016x}{:016x}{:08x}", checksum64(as_bytes(name), started_ms), started_ms,
                       static_cast<uint32_t>(checksum64(as_bytes(name))));
}

void write_server(NodeFacade& node, std::string& out) {
    field(out, "redis_version", kRedisVersion);
    field(out, "kvorum_version", kKvorumVersion);
    field(out, "redis_git_sha1", "00000000");
    field(out, "redis_git_dirty", 0);
    field(out, "redis_build_id", kKvorumVersion);
    field(out, "redis_mode", "cluster");
    field(out, "os", operating_system());
    field(out, "arch_bits", 64);
    field(out, "multiplexing_api", node.io_backend_name());
    field(out, "process_id", process_facts().id);
    field(out, "process_supervised", "no");
    field(out, "run_id", run_id(node));
    field(out, "tcp_port", node.config().listen_endpoint().port);
    field(out, "server_time_usec", node.wall_clock_us());
    field(out, "uptime_in_seconds", uptime_s(node));
    field(out, "uptime_in_days", uptime_s(node) / kDayS);
    field(out, "io_threads_active", 0);
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
    field(out, "clients_in_timeout_table", 0);
}

void bytes_field(std::string& out, std::string_view name, uint64_t bytes) {
    field(out, name, bytes);
    field(out, fmt::format("{}_human", name), human_bytes(bytes));
}

double ratio(uint64_t part, uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

int64_t difference(uint64_t a, uint64_t b) { return static_cast<int64_t>(a) - static_cast<int64_t>(b); }

// Buffers of connections: of clients, and of the other nodes.
void write_buffer_memory(NodeFacade& node, std::string& out) {
    uint64_t clients_bytes = 0;
    node.visit_clients([&](ClientState& client) { clients_bytes += client.buffer_bytes(); });
    uint64_t peers_bytes = 0;
    node.visit_peer_links([&](const PeerLinkFacts& link) { peers_bytes += link.queued_bytes; });
    field(out, "mem_not_counted_for_evict", 0);
    field(out, "mem_clients_slaves", peers_bytes);
    field(out, "mem_clients_normal", clients_bytes);
}

void write_allocator(uint64_t resident_bytes, std::string& out) {
    const HeapFacts heap = heap_facts();
    field(out, "allocator_allocated", heap.allocated_bytes);
    field(out, "allocator_active", heap.active_bytes);
    field(out, "allocator_resident", resident_bytes);
    field(out, "allocator_frag_ratio", fmt::format("{:.2f}", ratio(heap.active_bytes, heap.allocated_bytes)));
    field(out, "allocator_frag_bytes", difference(heap.active_bytes, heap.allocated_bytes));
    field(out, "allocator_rss_ratio", fmt::format("{:.2f}", ratio(resident_bytes, heap.active_bytes)));
    field(out, "allocator_rss_bytes", difference(resident_bytes, heap.active_bytes));
}

void write_memory(NodeFacade& node, std::string& out) {
    const KeyspaceFacts keyspace = node.keyspace();
    const uint64_t resident_bytes = process_facts().resident_bytes;
    bytes_field(out, "used_memory", keyspace.memory_bytes);
    bytes_field(out, "used_memory_rss", resident_bytes);
    bytes_field(out, "used_memory_peak", keyspace.memory_bytes_peak);
    field(out, "used_memory_peak_perc",
          fmt::format("{:.2f}%", 100 * ratio(keyspace.memory_bytes, keyspace.memory_bytes_peak)));
    field(out, "used_memory_overhead", keyspace.memory_bytes - std::min(keyspace.counted_bytes, keyspace.memory_bytes));
    field(out, "used_memory_startup", keyspace.memory_bytes_at_start);
    field(out, "used_memory_dataset", keyspace.counted_bytes);
    write_allocator(resident_bytes, out);
    bytes_field(out, "total_system_memory", machine_memory_bytes());
    for (const std::string_view name : {"used_memory_lua", "used_memory_vm_eval", "used_memory_scripts",
                                        "used_memory_functions", "number_of_cached_scripts", "number_of_functions"})
        field(out, name, 0);
    bytes_field(out, "maxmemory", node.config().memory_bytes_max.value_or(0));
    field(out, "maxmemory_policy", "noeviction");
    field(out, "maxmemory_cluster", keyspace.memory_limit_bytes);
    // used_memory is that of the key space alone, which maxmemory is about.
    const uint64_t in_use_bytes = keyspace.memory_bytes + heap_facts().allocated_bytes;
    field(out, "mem_fragmentation_ratio", fmt::format("{:.2f}", ratio(resident_bytes, in_use_bytes)));
    field(out, "mem_fragmentation_bytes", difference(resident_bytes, in_use_bytes));
    write_buffer_memory(node, out);
    bytes_field(out, "mem_buffers", node.buffers().used_bytes());
    bytes_field(out, "mem_buffers_peak", node.buffers().peak_bytes());
    bytes_field(out, "mem_buffers_max", node.buffers().limit_bytes());
    field(out, "mem_allocator", allocator_name());
    field(out, "active_defrag_running", 0);
    // FLUSHALL frees in slices, and nothing counts what is left of them.
    field(out, "lazyfree_pending_objects", 0);
    field(out, "lazyfreed_objects", 0);
}

void write_rates(const NodeRates& rates, std::string& out) {
    field(out, "instantaneous_ops_per_sec", static_cast<uint64_t>(rates.commands_per_s));
    field(out, "instantaneous_input_kbps", fmt::format("{:.2f}", rates.input_bytes_per_s / kKiB));
    field(out, "instantaneous_output_kbps", fmt::format("{:.2f}", rates.output_bytes_per_s / kKiB));
    field(out, "instantaneous_input_repl_kbps", "0.00");
    field(out, "instantaneous_output_repl_kbps", "0.00");
}

// What is not here: see the head of this file.
void write_unused_stats(std::string& out) {
    field(out, "expired_stale_perc", "0.00");  // a due key is absent at once
    for (const std::string_view name : {"sync_full",
                                        "sync_partial_ok",
                                        "sync_partial_err",
                                        "evicted_clients",
                                        "total_eviction_exceeded_time",
                                        "current_eviction_exceeded_time",
                                        "pubsub_channels",
                                        "pubsub_patterns",
                                        "pubsubshard_channels",
                                        "latest_fork_usec",
                                        "total_forks",
                                        "migrate_cached_sockets",
                                        "slave_expires_tracked_keys",
                                        "active_defrag_hits",
                                        "active_defrag_misses",
                                        "active_defrag_key_hits",
                                        "active_defrag_key_misses",
                                        "tracking_total_keys",
                                        "tracking_total_items",
                                        "tracking_total_prefixes",
                                        "unexpected_error_replies",
                                        "dump_payload_sanitizations",
                                        "io_threaded_reads_processed",
                                        "io_threaded_writes_processed"})
        field(out, name, 0);
}

void write_stats(NodeFacade& node, std::string& out) {
    const NodeCounters& counters = node.counters();
    field(out, "total_connections_received", counters.connections_received);
    field(out, "total_commands_processed", node.statistics().calls());
    field(out, "total_net_input_bytes", counters.net_input_bytes);
    field(out, "total_net_output_bytes", counters.net_output_bytes);
    write_rates(node.rates(), out);
    field(out, "total_reads_processed", counters.reads_from_clients);
    field(out, "total_writes_processed", counters.writes_to_clients);
    field(out, "rejected_connections", counters.connections_rejected);
    field(out, "expired_keys", node.keyspace().expired_keys);
    field(out, "evicted_keys", 0);
    field(out, "keyspace_hits", counters.keyspace_hits);
    field(out, "keyspace_misses", counters.keyspace_misses);
    field(out, "total_error_replies", node.statistics().errors());
    field(out, "acl_access_denied_auth", node.access().failures());
    field(out, "protocol_errors", counters.protocol_errors);
    field(out, "client_output_buffer_limit_disconnections", counters.output_limit_closes);
    field(out, "evicted_clients", counters.clients_evicted);
    field(out, "idle_timeout_disconnections", counters.idle_closes);
    field(out, "log_lines_dropped", log_lines_dropped());
    field(out, "commands_forwarded_out", counters.forwarded_out);
    field(out, "commands_forwarded_in", counters.forwarded_in);
    field(out, "replies_not_executed", counters.replies_not_executed);
    field(out, "replies_outcome_unknown", counters.replies_uncertain);
    write_unused_stats(out);
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
    field(out, "master_replid", fmt::format("{:040x}", node.cluster()));
    field(out, "master_replid2", fmt::format("{:040x}", 0));
    field(out, "master_repl_offset", status.commit_index);
    field(out, "second_repl_offset", -1);
    // The log is what replicas catch up from. Offsets count its entries.
    field(out, "repl_backlog_active", 1);
    field(out, "repl_backlog_size", node.config().entry_cache_bytes);
    field(out, "repl_backlog_first_byte_offset", 1);
    field(out, "repl_backlog_histlen", status.last_index);
}

void write_cpu(NodeFacade&, std::string& out) {
    const ProcessFacts process = process_facts();
    const auto seconds_field = [&out](std::string_view name, double seconds) {
        field(out, name, fmt::format("{:.6f}", seconds));
    };
    seconds_field("used_cpu_sys", process.system_s);
    seconds_field("used_cpu_user", process.user_s);
    seconds_field("used_cpu_sys_children", 0);
    seconds_field("used_cpu_user_children", 0);
    seconds_field("used_cpu_sys_main_thread", process.thread_system_s);
    seconds_field("used_cpu_user_main_thread", process.thread_user_s);
}

void write_nothing(NodeFacade&, std::string&) {}

// The time of a command is from its arrival to its reply, so a write's includes the disks of a majority.
void write_commandstats(NodeFacade& node, std::string& out) {
    const LatencyMonitor& latencies = node.latency();
    node.statistics().visit_commands([&](std::string_view name, const CommandCounts& counts) {
        const Histogram* latency = latencies.command(name);
        const double usec = latency == nullptr ? 0 : static_cast<double>(latency->sum()) / kMicrosecondNs;
        const double mean = latency == nullptr ? 0 : latency->mean() / kMicrosecondNs;
        fmt::format_to(std::back_inserter(out),
                       "cmdstat_{}:calls={},usec={:.0f},usec_per_call={:.2f},rejected_calls={},failed_calls={}\r\n",
                       name, counts.calls, usec, mean, counts.rejected, counts.failed);
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
    node.statistics().visit_errors([&](std::string_view code, uint64_t count) {
        fmt::format_to(std::back_inserter(out), "errorstat_{}:count={}\r\n", code, count);
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
    field(out, "raft_cluster_id", fmt::format("{:016x}", node.cluster()));
    field(out, "raft_configuration_index", status.configuration_index);
    field(out, "raft_voters", fmt::format("{}", fmt::join(status.voters, ",")));
    field(out, "raft_feature_level", status.feature_level);
    field(out, "raft_feature_level_known", raft::known_feature_level());
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
    field(out, "raft_transfer_target_id", status.transfer_target);
    field(out, "raft_transfers_done", counters.transfers_done);
    field(out, "raft_transfers_failed", counters.transfers_failed);
    field(out, "raft_batches_proposed", counters.batches_proposed);
    field(out, "raft_entries_applied", counters.entries_applied);
    field(out, "raft_read_rounds", counters.read_rounds);
    field(out, "raft_lease_reads", counters.lease_reads);
    field(out, "raft_read_questions", counters.read_questions);
    field(out, "raft_weak_reads", counters.weak_reads);
    const KeyspaceFacts keyspace = node.keyspace();
    field(out, "raft_state_hash", fmt::format("{:016x}", keyspace.state_hash));
    field(out, "revision", keyspace.revision);
    field(out, "tombstones", keyspace.tombstones);
    field(out, "history_floor", keyspace.history_floor);
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
    {"persistence", "Persistence", true, write_persistence_info},
    {"stats", "Stats", true, write_stats},
    {"replication", "Replication", true, write_replication},
    {"cpu", "CPU", true, write_cpu},
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
        if (equals_ignore_case(name, "all") || equals_ignore_case(name, "everything")) return true;
        if (equals_ignore_case(name, "default") && section.by_default) return true;
        if (equals_ignore_case(name, section.name)) return true;
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
    context.reply.text(text);
}

}  // namespace kvorum::redis
