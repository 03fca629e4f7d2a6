#include "config/config_options.h"

#include <vector>

#include "base/assert.h"
#include "config/config_values.h"
#include "raft/raft.h"

namespace kvorum {
namespace {

// --- options with forms of their own ---

std::string show_id(const NodeConfig& config) {
    return config.id.is_none() ? std::string{} : fmt::format("{}", config.id);
}

Problem parse_id(NodeConfig& config, std::string_view text) {
    if (text.empty()) {
        config.id = NodeId{};
        return std::nullopt;
    }
    const std::optional<uint64_t> id = parse_number<uint64_t>(text);
    if (!id.has_value() || *id == 0) return fmt::format("'{}' is not a node id; give a whole number from 1", text);
    config.id = NodeId{*id};
    return std::nullopt;
}

std::string show_members(const NodeConfig& config) {
    std::string text;
    for (const Member& member : config.members) {
        fmt::format_to(std::back_inserter(text), "{}{}={}/{}", text.empty() ? "" : ",", member.id,
                       member.peer.to_string(), member.client.to_string());
    }
    return text;
}

// Adds to the members: the option may be given several times.
Problem parse_members(NodeConfig& config, std::string_view text) {
    while (!text.empty()) {
        const size_t comma = text.find(',');
        absl::StatusOr<Member> member = parse_member(text.substr(0, comma));
        if (!member.ok()) return std::string{member.status().message()};
        config.members.push_back(*std::move(member));
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return std::nullopt;
}

std::string show_memory_limit(const NodeConfig& config) {
    return config.memory_bytes_max.has_value() ? format_size(*config.memory_bytes_max) : "auto";
}

Problem parse_memory_limit(NodeConfig& config, std::string_view text) {
    const std::optional<uint64_t> size_bytes = parse_size(text);
    if (!size_bytes.has_value() && !equals_ignore_case(text, "auto"))
        return fmt::format("'{}' is not a size; give bytes, a number with MiB or GiB, 0 for no limit, or auto", text);
    config.memory_bytes_max = size_bytes;
    return std::nullopt;
}

constexpr Words<FollowerMode, 2> kFollowerModes{
    {{"forward", FollowerMode::kForward}, {"redirect", FollowerMode::kRedirect}}};
constexpr Words<ClusterView, 2> kClusterViews{{{"spread", ClusterView::kSpread}, {"leader", ClusterView::kLeader}}};
constexpr Words<AfterRefusedSelect, 2> kAfterRefusedSelects{
    {{"refuse", AfterRefusedSelect::kRefuse}, {"use-0", AfterRefusedSelect::kUseZero}}};
constexpr Words<WalSync, 3> kWalSyncs{
    {{"auto", WalSync::kAuto}, {"fdatasync", WalSync::kDataSync}, {"dsync", WalSync::kDsync}}};
constexpr Words<LogLevel, 6> kLogLevels{{{"debug", LogLevel::kDebug},
                                         {"verbose", LogLevel::kVerbose},
                                         {"info", LogLevel::kInfo},
                                         {"warn", LogLevel::kWarn},
                                         {"error", LogLevel::kError},
                                         {"off", LogLevel::kOff}}};

constexpr std::string_view kCluster = "Cluster";
constexpr std::string_view kStorage = "Storage";
constexpr std::string_view kConsensus = "Consensus";
constexpr std::string_view kAccess = "Access";
constexpr std::string_view kMemory = "Memory";
constexpr std::string_view kLimits = "Limits of clients";
constexpr std::string_view kOperation = "Operation";

template <auto kField, uint64_t kMin, uint64_t kMax>
constexpr ConfigOption size_option(std::string_view name, std::string_view group, bool may_change,
                                   std::string_view help) {
    return {name, group, "SIZE", help, may_change, show_size<kField>, parse_size_field<kField, kMin, kMax>};
}

template <auto kField, int64_t kMin, int64_t kMax>
constexpr ConfigOption count_option(std::string_view name, std::string_view group, std::string_view value,
                                    bool may_change, std::string_view help) {
    return {name, group, value, help, may_change, show_number<kField>, parse_count<kField, kMin, kMax>};
}

constexpr uint32_t kHourMs = 3'600'000;
constexpr uint32_t kCountMax = INT32_MAX;

constexpr auto kOptions = std::to_array<ConfigOption>({
    {"id", kCluster, "N",
     "Which of the members this node is. Needed as soon as --member is given; never change it, never use it for "
     "another data directory.",
     false, show_id, parse_id},
    {"cluster", kCluster, "NAME",
     "The name of the cluster, the same on all its nodes. Nodes of different clusters refuse each other. "
     "Give one as soon as two clusters could reach each other.",
     false, show_text<&NodeConfig::cluster_name>, parse_text<&NodeConfig::cluster_name>},
    {"bootstrap-token", kCluster, "TEXT",
     "Looked at only while this node has no log: nodes of a new cluster come together only if they have the same one. "
     "Give "
     "another one than before to begin anew under an old name, so that a node of the old cluster cannot join. The same "
     "on all first members.",
     false, show_text<&NodeConfig::bootstrap_token>, parse_text<&NodeConfig::bootstrap_token>},
    {"member", kCluster, "ID=PEER/CLIENT",
     "One node: its id, its address for the other nodes, its address for clients. Give it once per node, or a comma "
     "list; "
     "the same list on all nodes. 3 members survive the loss of 1, 5 of 2. None: a cluster of this node alone, "
     "on 127.0.0.1, port 7001 for clients and 17001 for peers.",
     false, show_members, parse_members},
    {"listen", kCluster, "HOST:PORT",
     "The address to bind for clients, when it differs from the member's (a wildcard, an inner port of a container).",
     false, show_endpoint<&NodeConfig::listen>, parse_endpoint<&NodeConfig::listen>},
    {"peer-listen", kCluster, "HOST:PORT",
     "The address to bind for the other nodes, when it differs from the member's.", false,
     show_endpoint<&NodeConfig::peer_listen>, parse_endpoint<&NodeConfig::peer_listen>},
    {"cluster-secret-file", kCluster, "FILE",
     "A file with the secret by which the nodes of this cluster know each other: one line of at least 16 characters, "
     "the same on all nodes, readable by this user only (openssl rand -hex 32 > FILE; chmod 600 FILE). Needed as soon "
     "as a peer address is not of this machine. It may be changed while the nodes run: put the new one as a second "
     "line everywhere, then make it the first everywhere, then take the old one away. The file is read again when it "
     "changes.",
     false, show_text<&NodeConfig::cluster_secret_file>, parse_text<&NodeConfig::cluster_secret_file>},
    {"follower-mode", kCluster, "forward|redirect",
     "What a follower does with a command that only the leader can carry out: send it on, or answer MOVED. "
     "redirect saves a hop when all clients are cluster clients; plain clients need forward.",
     true, show_word<&NodeConfig::follower_mode, kFollowerModes>,
     parse_word<&NodeConfig::follower_mode, kFollowerModes>},
    {"cluster-view", kCluster, "spread|leader",
     "What cluster clients are told: every node that can be reached is master of an equal share of the slots, or the "
     "leader of all. spread uses all nodes for connections, and clients that lost a node have another to ask; leader "
     "saves a hop. With --follower-mode redirect it is always leader.",
     true, show_word<&NodeConfig::cluster_view, kClusterViews>, parse_word<&NodeConfig::cluster_view, kClusterViews>},

    {"data-dir", kStorage, "DIR",
     "Where this node keeps its log. Created if missing; one node per directory. Use a local disk with a power-safe "
     "cache if you have one: "
     "every write waits for it.",
     false, show_text<&NodeConfig::data_directory>, parse_text<&NodeConfig::data_directory>},
    {"allow-volatile-storage", kStorage, "yes|no",
     "Whether data-dir may be on storage that keeps nothing: tmpfs, ramfs, an overlay or a loop device on them. "
     "OK then means nothing after a power cut or a restart of the machine. For tests.",
     false, show_word<&NodeConfig::allow_volatile_storage, kYesNo>,
     parse_word<&NodeConfig::allow_volatile_storage, kYesNo>},
    size_option<&NodeConfig::wal_segment_bytes, kWalSegmentBytesMin, kWalSegmentBytesMax>(
        "wal-segment-size", kStorage, false,
        "Size of one log file, a multiple of 4KiB. Larger: fewer switches; smaller: less space reserved ahead."),
    count_option<&NodeConfig::wal_spare_segments, 1, 64>("wal-spare-segments", kStorage, "N", false,
                                                         "Log files kept ready ahead. More when bursts of writes "
                                                         "outrun the preparation; each costs one wal-segment-size."),
    {"wal-sync", kStorage, "auto|fdatasync|dsync",
     "How a write is made durable: one fdatasync per group, or RWF_DSYNC writes. auto measures both at start. "
     "Fix it when the measurement wavers between starts.",
     false, show_word<&NodeConfig::wal_sync, kWalSyncs>, parse_word<&NodeConfig::wal_sync, kWalSyncs>},
    count_option<&NodeConfig::wal_groups_in_flight, 1, 32>(
        "wal-groups-in-flight", kStorage, "N", false,
        "Log writes under way at once. More on disks with deep queues; 1 on a single spinning disk."),
    size_option<&NodeConfig::snapshot_log_bytes, kWalSegmentBytesMin, INT64_MAX>(
        "snapshot-log-size", kStorage, true,
        "How much log is written before the state is written to disk again and older log is given back. Smaller: less "
        "disk and a faster start; larger: less work. It is never less than the state itself takes on disk."),
    size_option<&NodeConfig::snapshot_keep_log_bytes, 0, INT64_MAX>(
        "snapshot-keep-log-size", kStorage, true,
        "How much log is kept behind a snapshot, so that a follower that was away for a moment needs no snapshot."),
    count_option<&NodeConfig::snapshot_rate_mib, 0, 1'000'000>(
        "snapshot-rate-mib", kStorage, "MIB", true,
        "How fast this node sends a snapshot to another, in MiB a second. 0: as fast as that one takes it."),
    size_option<&NodeConfig::batch_bytes_max, 1, kBatchBytesMax>(
        "batch-size", kStorage, false,
        "Commands gathered into one log entry at most. Larger: throughput; smaller: even latency."),
    size_option<&NodeConfig::entry_cache_bytes, 1, INT64_MAX>(
        "entry-cache-size", kStorage, false,
        "Log entries kept in memory for followers that lag. More when a node that was away catches up slowly."),

    count_option<&NodeConfig::election_timeout_ms, 10, 600'000>(
        "election-timeout-ms", kConsensus, "MS", false,
        "Silence of the leader after which this node calls for an election (it draws from 1 to 2 times this). May "
        "differ between nodes, and change at any restart: a node that is restarted with a shorter one still waits for "
        "the longer one, once, before it votes. Well above the round trip and the disk's worst sync; smaller: faster "
        "failover, "
        "more false alarms."),
    count_option<&NodeConfig::heartbeat_interval_ms, 1, 200'000>(
        "heartbeat-interval-ms", kConsensus, "MS", false,
        "How often an idle leader reports: at least so often, and three times in the shortest election timeout of the "
        "others. At most a third of election-timeout-ms; change the two together."),
    count_option<&NodeConfig::leader_wait_ms, 0, kHourMs>(
        "leader-wait-ms", kConsensus, "MS", false,
        "How long a command waits for a leader before its error, which then says that it was not executed. "
        "Above the time of an election, so that clients see one as a pause; below your clients' own timeout."),
    count_option<&NodeConfig::outcome_wait_ms, 1, kHourMs>(
        "outcome-wait-ms", kConsensus, "MS", false,
        "How long a write whose leader was lost waits to learn its fate before the reply says that it is unknown. "
        "Below your clients' own timeout."),
    count_option<&NodeConfig::clock_drift_percent, 0, raft::kClockDriftPercentMax>(
        "clock-drift-percent", kConsensus, "PERCENT", false,
        "How much the clocks of two nodes may differ in speed. A leader serves reads without asking the others for so "
        "much less than the silence that a majority promised. 0: it asks for every read, and no clock matters."),
    count_option<&NodeConfig::spin_us, 0, 1000>(
        "spin-us", kConsensus, "US", false,
        "How long a node without work looks for an answer of a disk, a peer or a client before it sleeps, while few "
        "commands are under way: a wake-up less in the latency of a lone write, for core time that nobody else wants. "
        "0: sleeps at once."),
    count_option<&NodeConfig::disk_stall_ms, 1, kHourMs>(
        "disk-stall-ms", kConsensus, "MS", false,
        "A log write that takes longer makes a leader hand over. Above the disk's ordinary worst; smaller: less "
        "waiting on a sick disk."),

    {"requirepass", kAccess, "PASSWORD",
     "What clients must give with AUTH (or HELLO 3 AUTH default PASSWORD) before anything else. The same on all nodes. "
     "Whoever may list processes sees a command line, so keep it in the file that --config names, readable by this "
     "user only. Long and random: openssl rand -hex 32. Passwords cross the network in the clear.",
     true, show_text<&AccessConfig::password>, parse_text<&AccessConfig::password>},
    {"protected-mode", kAccess, "yes|no",
     "While no password is set, serve only clients of this machine and tell the others why. no: anybody who reaches "
     "the port may read and write everything.",
     true, show_word<&AccessConfig::protected_mode, kYesNo>, parse_word<&AccessConfig::protected_mode, kYesNo>},

    {"maxmemory", kMemory, "SIZE|auto",
     "What all keys and values may take: above it commands that could add to them are refused (OOM), and reads, "
     "deletes "
     "and expiry go on. The least that any member has counts for all. Counted without client buffers and the log's "
     "cache, and what is freed is used again only for values of a like size: leave a third of the machine. auto: half "
     "of "
     "the machine's memory, or of what its cgroup may have; give each a smaller one when several nodes share a "
     "machine. "
     "0: no limit, and the kernel ends a node that takes too much.",
     true, show_memory_limit, parse_memory_limit},

    count_option<&Limits::clients_max, 1, UINT32_MAX>(
        "max-clients", kLimits, "N", true,
        "Connections at once; above it new ones are refused. Each needs a file descriptor."),
    size_option<&Limits::query_bytes_max, kQueryBytesMin, kQueryBytesMax>(
        "max-query-size", kLimits, true, "One command as a whole. Larger ones close the connection."),
    size_option<&Limits::bulk_bytes_max, kBulkBytesMin, kQueryBytesMax>(
        "max-bulk-size", kLimits, true, "One argument: the largest key or value. At most max-query-size."),
    count_option<&Limits::arguments_max, kArgumentsMin, kCountMax>("max-arguments", kLimits, "N", true,
                                                                   "Arguments of one command (MSET, DEL)."),
    count_option<&Limits::inline_bytes_max, kInlineBytesMin, kCountMax>(
        "max-inline-size", kLimits, "BYTES", true,
        "One command typed as a line (telnet). Never more than max-query-size."),
    count_option<&Limits::pipeline_depth_max, 1, kCountMax>(
        "max-pipeline", kLimits, "N", true,
        "Commands of one connection that wait for their replies; above it the connection is not read until some are "
        "answered."),
    size_option<&Limits::output_bytes_max, kOutputBytesMin, INT64_MAX>(
        "max-output-buffer", kLimits, true, "Replies that a client does not take; above it the connection is closed."),
    size_option<&Limits::buffer_bytes_max, 0, INT64_MAX>(
        "max-buffer-memory", kLimits, true,
        "What all buffers of clients and peers may take together: what was sent and is not carried out yet, and "
        "replies "
        "that were not read. Above it the clients that take the most are closed. 0: an eighth of the machine's memory, "
        "64 MiB at least."),
    count_option<&Limits::idle_timeout_s, 0, kCountMax>("idle-timeout-s", kLimits, "S", true,
                                                        "Silence after which a connection is closed; 0: never."),
    count_option<&Limits::tcp_keepalive_s, 0, kCountMax>(
        "tcp-keepalive", kLimits, "S", true,
        "Silence after which a client's machine is probed; it is given up, and its place is free, after twice this. "
        "0: never, so that clients that vanished fill max-clients."),
    count_option<&Limits::partial_command_timeout_s, 0, kCountMax>(
        "partial-command-timeout-s", kLimits, "S", true,
        "Time that a command may take to arrive as a whole; 0: for ever. More on very slow links."),

    {"after-refused-select", kOperation, "refuse|use-0",
     "There is one database. What becomes of the commands on keys behind a SELECT of another: they are refused until "
     "SELECT 0 or RESET, so that nobody's data is mixed, or they use database 0 as if nothing had been asked.",
     true, show_word<&NodeConfig::after_refused_select, kAfterRefusedSelects>,
     parse_word<&NodeConfig::after_refused_select, kAfterRefusedSelects>},
    count_option<&Limits::slowlog_slower_than_us, -1, INT64_MAX>(
        "slowlog-log-slower-than", kOperation, "US", true,
        "Commands that took longer, from arrival to reply, are kept for SLOWLOG; 0: all, -1: none."),
    count_option<&Limits::slowlog_entries_max, 0, INT64_MAX>("slowlog-max-len", kOperation, "N", true,
                                                             "How many of them are kept."),
    count_option<&Limits::latency_threshold_ms, 0, INT64_MAX>(
        "latency-monitor-threshold", kOperation, "MS", true,
        "Commands that took at least so long, from arrival to reply, are events of LATENCY LATEST and HISTORY; "
        "0: none."),
    {"log-level", kOperation, "debug|verbose|info|warn|error|off",
     "What is logged; verbose: also what single clients do wrong.", true, show_word<&NodeConfig::log_level, kLogLevels>,
     parse_word<&NodeConfig::log_level, kLogLevels>},
    {"log-file", kOperation, "FILE", "Log here instead of to standard error.", false, show_text<&NodeConfig::log_file>,
     parse_text<&NodeConfig::log_file>},
    {"pid-file", kOperation, "FILE", "Write the process id here.", false, show_text<&NodeConfig::pid_file>,
     parse_text<&NodeConfig::pid_file>},
});

constexpr Words<uint64_t, 11> kSizeUnits{{{"", 1},
                                          {"b", 1},
                                          {"k", 1000},
                                          {"kb", kKiB},
                                          {"kib", kKiB},
                                          {"m", 1000 * 1000},
                                          {"mb", kMiB},
                                          {"mib", kMiB},
                                          {"g", 1000 * 1000 * 1000},
                                          {"gb", kGiB},
                                          {"gib", kGiB}}};

}  // namespace

std::span<const ConfigOption> config_options() { return kOptions; }

const ConfigOption* find_config_option(std::string_view name) {
    for (const ConfigOption& option : kOptions) {
        if (option.name == name) return &option;
    }
    return nullptr;
}

std::vector<std::string> values_out_of_range(const NodeConfig& config) {
    std::vector<std::string> violations;
    NodeConfig scratch;
    for (const ConfigOption& option : kOptions) {
        if (option.parse == parse_members) continue;  // validate() knows more about them
        const Problem problem = option.parse(scratch, option.show(config));
        if (problem.has_value()) violations.push_back(fmt::format("{}: {}", option.name, *problem));
    }
    return violations;
}

void copy_changeable_options(const NodeConfig& from, NodeConfig& to) {
    for (const ConfigOption& option : kOptions) {
        if (!option.may_change_at_run_time) continue;
        const Problem problem = option.parse(to, option.show(from));
        KVORUM_ASSERT(!problem.has_value(), "{}: {}", option.name, *problem);
    }
}

std::optional<uint64_t> parse_size(std::string_view text) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
    for (const auto& [name, unit_bytes] : kSizeUnits) {
        if (!equals_ignore_case(unit, name)) continue;
        if (number > UINT64_MAX / unit_bytes) return std::nullopt;
        return number * unit_bytes;
    }
    return std::nullopt;
}

std::string format_size(uint64_t size_bytes) {
    if (size_bytes >= kGiB && size_bytes % kGiB == 0) return fmt::format("{}GiB", size_bytes / kGiB);
    if (size_bytes >= kMiB && size_bytes % kMiB == 0) return fmt::format("{}MiB", size_bytes / kMiB);
    if (size_bytes >= kKiB && size_bytes % kKiB == 0) return fmt::format("{}KiB", size_bytes / kKiB);
    return fmt::format("{}", size_bytes);
}

}  // namespace kvorum
