#include "tools/top_view.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string_view>

#include "tools/table.h"

namespace kvorum::tools {
namespace {

constexpr std::string_view kStagePrefix = "latency_stage_";
constexpr std::string_view kCommandPrefix = "latency_percentiles_usec_";
constexpr std::string_view kUsecSuffix = "_usec";

double to_number(std::string_view text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// The value of `name` in "p50=12.3,p99=45.6"; empty when it is not there.
std::string_view part_of(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        const std::string_view item = list.substr(0, list.find(','));
        if (item.starts_with(name) && item.size() > name.size() && item[name.size()] == '=')
            return item.substr(name.size() + 1);
        list.remove_prefix(std::min(item.size() + 1, list.size()));
    }
    return {};
}

double count_of(const NodeStatus& status, const std::string& field) { return to_number(status.field(field)); }

// Every write that this node put into the log waited in that stage.
double writes_of(const NodeStatus& status) {
    return to_number(part_of(status.field("latency_stage_queue_usec"), "count"));
}

std::string rate(double before, double now, double seconds) {
    // Below the earlier figure: the node was started again, or its counters were reset.
    if (now < before || seconds <= 0) return "-";
    return fmt::format("{:.0f}", (now - before) / seconds);
}

std::vector<std::string> node_row(const NodeLook& before, const NodeStatus& status, const reactor::Endpoint& endpoint,
                                  double seconds) {
    std::vector<std::string> row{fmt::format("{}", status.id), endpoint.to_string(), status.role,
                                 fmt::format("{}", status.term)};
    if (before.status.has_value()) {
        const NodeStatus& earlier = *before.status;
        const double writes = writes_of(status) - writes_of(earlier);
        const double batches = count_of(status, "raft_batches_proposed") - count_of(earlier, "raft_batches_proposed");
        row.push_back(
            rate(count_of(earlier, "total_commands_processed"), count_of(status, "total_commands_processed"), seconds));
        row.push_back(rate(writes_of(earlier), writes_of(status), seconds));
        row.push_back(batches > 0 && writes >= 0 ? fmt::format("{:.1f}", writes / batches) : "-");
        row.push_back(rate(count_of(earlier, "wal_syncs"), count_of(status, "wal_syncs"), seconds));
    } else {
        row.insert(row.end(), 4, "-");
    }
    row.push_back(status.field("wal_sync_usec_p50"));
    row.push_back(status.field("wal_sync_usec_p99"));
    row.push_back(fmt::format("{}", status.last_index - std::min(status.last_applied, status.last_index)));
    row.push_back(status.field("connected_clients"));
    row.push_back(status.field("used_memory_human"));
    return row;
}

// "latency_stage_queue_usec:p50=..." and the like, as rows of a table.
std::string latency_table(const NodeStatus& leader) {
    std::vector<std::vector<std::string>> rows{{"us", "p50", "p99", "p99.9"}};
    const auto add = [&rows](std::string name, std::string_view list) {
        rows.push_back({std::move(name), std::string{part_of(list, "p50")}, std::string{part_of(list, "p99")},
                        std::string{part_of(list, "p99.9")}});
    };
    for (const std::string_view stage : {"queue", "sync", "quorum", "apply"}) {
        const std::string& list = leader.field(fmt::format("{}{}{}", kStagePrefix, stage, kUsecSuffix));
        if (to_number(part_of(list, "count")) > 0) add(fmt::format("stage {}", stage), list);
    }
    for (const auto& [name, list] : leader.fields) {
        if (name.starts_with(kCommandPrefix)) add(name.substr(kCommandPrefix.size()), list);
    }
    return rows.size() == 1 ? std::string{} : format_table(rows);
}

}  // namespace

std::vector<reactor::Endpoint> cluster_endpoints(const NodeStatus& leader, const reactor::Endpoint& leader_endpoint) {
    std::vector<reactor::Endpoint> endpoints{leader_endpoint};
    for (size_t i = 0;; ++i) {
        const std::string& line = leader.field(fmt::format("slave{}", i));
        const std::string_view host = part_of(line, "ip");
        if (host.empty()) return endpoints;
        const auto endpoint = reactor::Endpoint::parse(fmt::format("{}:{}", host, part_of(line, "port")));
        if (endpoint.has_value()) endpoints.push_back(*endpoint);
    }
}

std::string format_top(const std::vector<NodeLook>& before, const std::vector<NodeLook>& now, double seconds) {
    std::vector<std::vector<std::string>> rows{{"node", "address", "role", "term", "commands/s", "writes/s",
                                                "per batch", "syncs/s", "sync p50", "p99 us", "behind", "clients",
                                                "memory"}};
    std::string silent;
    const NodeStatus* leader = nullptr;
    for (size_t i = 0; i < now.size(); ++i) {
        const std::optional<NodeStatus>& status = now[i].status;
        if (!status.has_value()) {
            silent += fmt::format("no answer from {}\n", now[i].endpoint.to_string());
            continue;
        }
        rows.push_back(node_row(before[i], *status, now[i].endpoint, seconds));
        if (status->is_leader()) leader = &*status;
    }
    std::string out = rows.size() > 1 ? format_table(rows) : std::string{};
    out += silent;
    if (leader == nullptr) return out + "\nno leader among them\n";
    const std::string latency = latency_table(*leader);
    if (latency.empty()) return out;
    return out + fmt::format("\nat the leader, node {}, since its start or CONFIG RESETSTAT:\n", leader->id) + latency;
}

}  // namespace kvorum::tools
