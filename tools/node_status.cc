#include "tools/node_status.h"

#include <fmt/format.h>

#include <charconv>

namespace kvorum::tools {
namespace {

uint64_t number(const std::map<std::string, std::string>& fields, const std::string& name) {
    const auto found = fields.find(name);
    uint64_t value = 0;
    if (found != fields.end()) {
        std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
    }
    return value;
}

std::string text(const std::map<std::string, std::string>& fields, const std::string& name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string{} : found->second;
}

// Splits "a=1,b=2" or "a:1\r\nb:2" into its pairs; lines without the divider are left out.
std::map<std::string, std::string> split_pairs(std::string_view input, char separator, char divider) {
    std::map<std::string, std::string> pairs;
    while (!input.empty()) {
        const size_t end = std::min(input.find(separator), input.size());
        std::string_view item = input.substr(0, end);
        if (!item.empty() && item.back() == '\r') item.remove_suffix(1);
        const size_t middle = item.find(divider);
        if (middle != std::string_view::npos && item.front() != '#') {
            pairs.emplace(item.substr(0, middle), item.substr(middle + 1));
        }
        input.remove_prefix(std::min(end + 1, input.size()));
    }
    return pairs;
}

PeerLine parse_peer(std::string_view line, uint64_t last_index) {
    const auto fields = split_pairs(line, ',', '=');
    PeerLine peer;
    peer.id = number(fields, "id");
    peer.state = text(fields, "state");
    peer.active = number(fields, "active") == 1;
    peer.match_index = number(fields, "match_index");
    peer.lag_entries = last_index > peer.match_index ? last_index - peer.match_index : 0;
    return peer;
}

}  // namespace

const std::string& NodeStatus::field(const std::string& name) const {
    static const std::string kUnknown = "-";
    const auto found = fields.find(name);
    return found == fields.end() || found->second.empty() ? kUnknown : found->second;
}

NodeStatus parse_info(std::string_view info) {
    NodeStatus status;
    status.fields = split_pairs(info, '\n', ':');
    status.id = number(status.fields, "raft_node_id");
    status.role = text(status.fields, "raft_role");
    status.leader = text(status.fields, "raft_leader");
    status.leader_id = number(status.fields, "raft_leader_id");
    status.term = number(status.fields, "raft_term");
    status.commit_index = number(status.fields, "raft_commit_index");
    status.last_applied = number(status.fields, "raft_last_applied");
    status.last_index = number(status.fields, "raft_last_index");
    status.durable_index = number(status.fields, "raft_durable_index");
    status.members = number(status.fields, "raft_members");
    status.state_hash = text(status.fields, "raft_state_hash");
    status.keys = number(split_pairs(text(status.fields, "db0"), ',', '='), "keys");
    for (size_t i = 0;; ++i) {
        const std::string line = text(status.fields, fmt::format("raft_peer{}", i));
        if (line.empty()) break;
        status.peers.push_back(parse_peer(line, status.last_index));
    }
    return status;
}

absl::StatusOr<NodeStatus> ask_node_status(NodeConnection& connection, const reactor::Endpoint& node) {
    const absl::StatusOr<NodeConnection::Reply> reply = connection.ask({"INFO", "everything"});
    if (!reply.ok()) return reply.status();
    const redisReply& info = **reply;
    if (info.type != REDIS_REPLY_STRING) {
        return absl::FailedPreconditionError(
            fmt::format("{} answers INFO with: {}", node.to_string(), info.str == nullptr ? "no text" : info.str));
    }
    NodeStatus status = parse_info({info.str, info.len});
    if (status.role.empty()) {
        return absl::FailedPreconditionError(
            fmt::format("{} is not a kvorum node: its INFO has no raft section", node.to_string()));
    }
    return status;
}

absl::StatusOr<NodeStatus> fetch_node_status(const reactor::Endpoint& node, uint32_t timeout_ms) {
    absl::StatusOr<NodeConnection> connection = NodeConnection::connect(node, timeout_ms);
    if (!connection.ok()) return connection.status();
    return ask_node_status(*connection, node);
}

bool serves_reads(const reactor::Endpoint& node, uint32_t timeout_ms) {
    absl::StatusOr<NodeConnection> connection = NodeConnection::connect(node, timeout_ms);
    if (!connection.ok()) return false;
    const absl::StatusOr<NodeConnection::Reply> reply = connection->ask({"EXISTS", "kvorum:is-anybody-there"});
    return reply.ok() && (*reply)->type == REDIS_REPLY_INTEGER;
}

}  // namespace kvorum::tools
