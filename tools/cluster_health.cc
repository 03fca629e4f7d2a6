#include "tools/cluster_health.h"

#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>

#include "tools/node_status.h"

namespace kvorum::tools {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::string_view kKey = "kvorum:health";

struct Answer {
    NodeHealth health;
    std::vector<reactor::Endpoint> members;  // that it knows of
};

// Asks, and true when the answer is no error; else the reason is in `health`.
bool succeeds(NodeConnection& connection, const std::vector<std::string_view>& words, NodeHealth& health) {
    const absl::StatusOr<NodeConnection::Reply> reply = connection.ask(words);
    if (!reply.ok()) {
        health.problem = std::string(reply.status().message());
    } else if ((*reply)->type == REDIS_REPLY_ERROR) {
        health.problem = fmt::format("{}: {}", words.front(), std::string_view((*reply)->str, (*reply)->len));
    } else {
        return true;
    }
    return false;
}

Answer probe(const reactor::Endpoint& endpoint, uint32_t timeout_ms) {
    Answer answer;
    NodeHealth& health = answer.health;
    health.endpoint = endpoint;
    absl::StatusOr<NodeConnection> connection = NodeConnection::connect(endpoint, timeout_ms);
    const absl::StatusOr<NodeStatus> status =
        connection.ok() ? ask_node_status(*connection, endpoint) : connection.status();
    if (!status.ok()) {
        health.problem = std::string(status.status().message());
        return answer;
    }
    health.answers = true;
    health.id = status->id;
    health.role = status->role;
    health.term = status->term;
    const absl::StatusOr<NodeConnection::Reply> members = connection->ask({"CLUSTER", "NODES"});
    if (members.ok() && (*members)->type != REDIS_REPLY_ERROR && (*members)->str != nullptr)
        answer.members = parse_cluster_nodes({(*members)->str, (*members)->len});
    const Clock::time_point sent = Clock::now();
    health.commits = succeeds(*connection, {"GETEX", kKey}, health);
    if (!health.commits) return answer;
    health.commit_ns = static_cast<uint64_t>((Clock::now() - sent) / std::chrono::nanoseconds(1));
    health.reads = succeeds(*connection, {"EXISTS", kKey}, health);
    return answer;
}

std::vector<Answer> probe_all(const std::vector<reactor::Endpoint>& endpoints, uint32_t timeout_ms) {
    std::vector<std::future<Answer>> running;
    running.reserve(endpoints.size());
    for (const reactor::Endpoint& endpoint : endpoints)
        running.push_back(
            std::async(std::launch::async, [&endpoint, timeout_ms] { return probe(endpoint, timeout_ms); }));
    std::vector<Answer> answers;
    answers.reserve(running.size());
    for (std::future<Answer>& future : running)
        answers.push_back(future.get());
    return answers;
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
    switch (verdict) {
        case Verdict::kHealthy: return "healthy";
        case Verdict::kDegraded: return "degraded";
        case Verdict::kNoCommit: return "no commit";
        case Verdict::kUnreachable: break;
    }
    return "unreachable";
}

Verdict judge(const std::vector<NodeHealth>& nodes) {
    const auto any = [&](bool NodeHealth::* what) {
        return std::any_of(nodes.begin(), nodes.end(), [&](const NodeHealth& node) { return node.*what; });
    };
    if (!any(&NodeHealth::answers)) return Verdict::kUnreachable;
    if (!any(&NodeHealth::commits)) return Verdict::kNoCommit;
    const bool all_well =
        std::all_of(nodes.begin(), nodes.end(), [](const NodeHealth& node) { return node.is_well(); });
    return all_well ? Verdict::kHealthy : Verdict::kDegraded;
}

std::vector<reactor::Endpoint> parse_cluster_nodes(std::string_view text) {
    std::vector<reactor::Endpoint> endpoints;
    const std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n');
    for (const std::string& line : lines) {
        // <id> <host:port@peer-port[,hostname]> <flags> ...
        const std::vector<std::string> words = absl::StrSplit(line, ' ');
        if (words.size() < 2) continue;
        const std::optional<reactor::Endpoint> endpoint =
            reactor::Endpoint::parse(words[1].substr(0, words[1].find('@')));
        if (endpoint.has_value()) endpoints.push_back(*endpoint);
    }
    return endpoints;
}

ClusterHealth probe_cluster(const std::vector<reactor::Endpoint>& given, uint32_t timeout_ms) {
    std::vector<Answer> answers = probe_all(given, timeout_ms);
    std::vector<reactor::Endpoint> others;
    for (const Answer& answer : answers) {
        for (const reactor::Endpoint& member : answer.members) {
            const auto names_it = [&](const Answer& asked) { return asked.health.endpoint == member; };
            const bool is_known = std::any_of(answers.begin(), answers.end(), names_it) ||
                                  std::find(others.begin(), others.end(), member) != others.end();
            if (!is_known) others.push_back(member);
        }
    }
    for (Answer& answer : probe_all(others, timeout_ms))
        answers.push_back(std::move(answer));
    ClusterHealth health;
    // A node that was named in another way (localhost) than it names itself is listed once.
    for (Answer& answer : answers) {
        const bool is_listed =
            answer.health.id != 0 && std::any_of(health.nodes.begin(), health.nodes.end(),
                                                 [&](const NodeHealth& node) { return node.id == answer.health.id; });
        if (!is_listed) health.nodes.push_back(std::move(answer.health));
    }
    health.verdict = judge(health.nodes);
    return health;
}

}  // namespace kvorum::tools
