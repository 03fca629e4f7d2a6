#include "server/config_options.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <type_traits>
#include <utility>
#include <vector>

#include "kv/text.h"
#include "raft/raft.h"

namespace kvorum::server {
namespace {

using Problem = std::optional<std::string>;

// --- fields: pointers to members of NodeConfig or of its limits ---

template <auto kField, typename Config>
auto& field_of(Config& config) {
    if constexpr (std::is_invocable_v<decltype(kField), const NodeConfig&>) {
        return config.*kField;
    } else {
        return config.limits.*kField;
    }
}

std::optional<uint64_t> parse_number(std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

template <auto kField>
std::string show_number(const NodeConfig& config) {
    return fmt::format("{}", field_of<kField>(config));
}

template <auto kField, uint32_t kMin, uint32_t kMax>
Problem parse_count(NodeConfig& config, std::string_view text) {
    const std::optional<uint64_t> value = parse_number(text);
    if (!value.has_value() || *value < kMin || *value > kMax) {
        return fmt::format("'{}' does not fit; give a whole number from {} to {}", text, kMin, kMax);
    }
    field_of<kField>(config) = static_cast<uint32_t>(*value);
    return std::nullopt;
}

Problem parse_slower_than(NodeConfig& config, std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < -1)
        return fmt::format("'{}' does not fit; give microseconds, 0 for all commands, or -1 for none", text);
    config.limits.slowlog_slower_than_us = value;
    return std::nullopt;
}

template <auto kField>
std::string show_size(const NodeConfig& config) {
    return format_size(field_of<kField>(config));
}

template <auto kField>
Problem parse_size_field(NodeConfig& config, std::string_view text) {
    const std::optional<uint64_t> size_bytes = parse_size(text);
    if (!size_bytes.has_value() || *size_bytes == 0) {
        return fmt::format("'{}' is not a size; give bytes, or a number with KiB, MiB or GiB, for instance 64MiB",
                           text);
    }
    field_of<kField>(config) = *size_bytes;
    return std::nullopt;
}

template <auto kField>
std::string show_text(const NodeConfig& config) {
    return field_of<kField>(config);
}

template <auto kField>
Problem parse_text(NodeConfig& config, std::string_view text) {
    field_of<kField>(config) = text;
    return std::nullopt;
}

template <auto kField>
std::string show_endpoint(const NodeConfig& config) {
    const auto& endpoint = field_of<kField>(config);
    return endpoint.has_value() ? endpoint->to_string() : std::string{};
}

template <auto kField>
Problem parse_endpoint(NodeConfig& config, std::string_view text) {
    if (text.empty()) {
        field_of<kField>(config).reset();
        return std::nullopt;
    }
    const auto endpoint = reactor::Endpoint::parse(text);
    if (!endpoint.has_value())
        return fmt::format("'{}' is not an address; give HOST:PORT, for instance 0.0.0.0:7001", text);
    field_of<kField>(config) = *endpoint;
    return std::nullopt;
}

// --- options with forms of their own ---

std::string show_id(const NodeConfig& config) {
    return config.id.is_none() ? std::string{} : fmt::format("{}", config.id);
}

Problem parse_id(NodeConfig& config, std::string_view text) {
    if (text.empty()) {
        config.id = NodeId{};
        return std::nullopt;
    }
    const std::optional<uint64_t> id = parse_number(text);
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

template <typename Value, size_t kCount>
using Words = std::array<std::pair<std::string_view, Value>, kCount>;

constexpr Words<FollowerMode, 2> kFollowerModes{
    {{"forward", FollowerMode::kForward}, {"redirect", FollowerMode::kRedirect}}};
constexpr Words<bool, 2> kYesNo{{{"yes", true}, {"no", false}}};
constexpr Words<ClusterView, 2> kClusterViews{{{"spread", ClusterView::kSpread}, {"leader", ClusterView::kLeader}}};
constexpr Words<AfterRefusedSelect, 2> kAfterRefusedSelects{
    {{"refuse", AfterRefusedSelect::kRefuse}, {"use-0", AfterRefusedSelect::kUseZero}}};
constexpr Words<WalSync, 3> kWalSyncs{
    {{"auto", WalSync::kAuto}, {"fdatasync", WalSync::kDataSync}, {"dsync", WalSync::kDsync}}};
constexpr Words<LogLevel, 5> kLogLevels{{{"debug", LogLevel::kDebug},
                                         {"info", LogLevel::kInfo},
                                         {"warn", LogLevel::kWarn},
                                         {"error", LogLevel::kError},
                                         {"off", LogLevel::kOff}}};

template <auto kField, const auto& kWords>
std::string show_word(const NodeConfig& config) {
    for (const auto& [word, value] : kWords) {
        if (value == field_of<kField>(config)) return std::string{word};
    }
    return {};
}

template <auto kField, const auto& kWords>
Problem parse_word(NodeConfig& config, std::string_view text) {
    std::string known;
    for (const auto& [word, value] : kWords) {
        if (kv::equals_ignore_case(word, text)) {
            field_of<kField>(config) = value;
            return std::nullopt;
        }
        known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
    }
    return fmt::format("'{}' is not known; give one of: {}", text, known);
}

std::string show_protected_mode(const NodeConfig& config) { return config.access.protected_mode ? "yes" : "no"; }

Problem parse_protected_mode(NodeConfig& config, std::string_view text) {
    const bool yes = kv::equals_ignore_case(text, "yes");
    if (!yes && !kv::equals_ignore_case(text, "no")) return "argument must be 'yes' or 'no'";
    config.access.protected_mode = yes;
    return std::nullopt;
}

Problem parse_password(NodeConfig& config, std::string_view text) {
    config.access.password = text;
    return std::nullopt;
}

constexpr std::string_view kCluster = "Cluster";
constexpr std::string_view kStorage = "Storage";
constexpr std::string_view kConsensus = "Consensus";
constexpr std::string_view kAccess = "Access";
constexpr std::string_view kLimits = "Limits of clients";
constexpr std::string_view kOperation = "Operation";

template <auto kField>
constexpr ConfigOption size_option(std::string_view name, std::string_view group, bool may_change,
                                   std::string_view help) {
    return {name, group, "SIZE", help, may_change, show_size<kField>, parse_size_field<kField>};
}

template <auto kField, uint32_t kMin, uint32_t kMax>
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
    size_option<&NodeConfig::wal_segment_bytes>(
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
    size_option<&NodeConfig::batch_bytes_max>(
        "batch-size", kStorage, false,
        "Commands gathered into one log entry at most. Larger: throughput; smaller: even latency."),
    size_option<&NodeConfig::entry_cache_bytes>(
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
     true, [](const NodeConfig& config) { return config.access.password; }, parse_password},
    {"protected-mode", kAccess, "yes|no",
     "While no password is set, serve only clients of this machine and tell the others why. no: anybody who reaches "
     "the port may read and write everything.",
     true, show_protected_mode, parse_protected_mode},

    count_option<&Limits::clients_max, 1, kCountMax>(
        "max-clients", kLimits, "N", true,
        "Connections at once; above it new ones are refused. Each needs a file descriptor."),
    size_option<&Limits::query_bytes_max>("max-query-size", kLimits, true,
                                          "One command as a whole. Larger ones close the connection."),
    size_option<&Limits::bulk_bytes_max>("max-bulk-size", kLimits, true,
                                         "One argument: the largest key or value. At most max-query-size."),
    count_option<&Limits::arguments_max, 1, kCountMax>("max-arguments", kLimits, "N", true,
                                                       "Arguments of one command (MSET, DEL)."),
    count_option<&Limits::inline_bytes_max, 1, kCountMax>("max-inline-size", kLimits, "BYTES", true,
                                                          "One command typed as a line (telnet)."),
    count_option<&Limits::pipeline_depth_max, 1, kCountMax>(
        "max-pipeline", kLimits, "N", true,
        "Commands of one connection that wait for their replies; above it the connection is not read until some are "
        "answered."),
    size_option<&Limits::output_bytes_max>("max-output-buffer", kLimits, true,
                                           "Replies that a client does not take; above it the connection is closed."),
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
    {"slowlog-log-slower-than", kOperation, "US",
     "Commands that took longer, from arrival to reply, are kept for SLOWLOG; 0: all, -1: none.", true,
     show_number<&Limits::slowlog_slower_than_us>, parse_slower_than},
    count_option<&Limits::slowlog_entries_max, 0, kCountMax>("slowlog-max-len", kOperation, "N", true,
                                                             "How many of them are kept."),
    {"log-level", kOperation, "debug|info|warn|error|off", "What is logged.", true,
     show_word<&NodeConfig::log_level, kLogLevels>, parse_word<&NodeConfig::log_level, kLogLevels>},
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

std::optional<uint64_t> parse_size(std::string_view text) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
    for (const auto& [name, unit_bytes] : kSizeUnits) {
        if (!kv::equals_ignore_case(unit, name)) continue;
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

}  // namespace kvorum::server
