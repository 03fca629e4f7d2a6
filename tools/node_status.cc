#include "tools/node_status.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <charconv>
#include <memory>

namespace kvorum::tools {
namespace {

using Connection = std::unique_ptr<redisContext, decltype(&redisFree)>;
using Reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

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

Connection connect_to(const reactor::Endpoint& node, uint32_t timeout_ms) {
    const timeval timeout{.tv_sec = timeout_ms / 1000, .tv_usec = static_cast<suseconds_t>(timeout_ms % 1000) * 1000};
    Connection connection(redisConnectWithTimeout(node.host.c_str(), node.port, timeout), &redisFree);
    if (connection && connection->err == 0) redisSetTimeout(connection.get(), timeout);
    return connection;
}

Reply ask(redisContext* connection, const char* command) {
    return {static_cast<redisReply*>(redisCommand(connection, command)), &freeReplyObject};
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

absl::StatusOr<NodeStatus> fetch_node_status(const reactor::Endpoint& node, uint32_t timeout_ms) {
    const Connection connection = connect_to(node, timeout_ms);
    if (!connection || connection->err != 0) {
        return absl::UnavailableError(fmt::format("no node answers at {}: {}", node.to_string(),
                                                  connection ? connection->errstr : "out of memory"));
    }
    const Reply reply = ask(connection.get(), "INFO everything");
    if (!reply) {
        return absl::UnavailableError(
            fmt::format("{} does not answer within {} ms: {}", node.to_string(), timeout_ms, connection->errstr));
    }
    if (reply->type != REDIS_REPLY_STRING) {
        return absl::FailedPreconditionError(
            fmt::format("{} answers INFO with: {}", node.to_string(), reply->str == nullptr ? "no text" : reply->str));
    }
    NodeStatus status = parse_info({reply->str, reply->len});
    if (status.role.empty()) {
        return absl::FailedPreconditionError(
            fmt::format("{} is not a kvorum node: its INFO has no raft section", node.to_string()));
    }
    return status;
}

bool serves_reads(const reactor::Endpoint& node, uint32_t timeout_ms) {
    const Connection connection = connect_to(node, timeout_ms);
    if (!connection || connection->err != 0) return false;
    const Reply reply = ask(connection.get(), "EXISTS kvorum:is-anybody-there");
    return reply && reply->type == REDIS_REPLY_INTEGER;
}

}  // namespace kvorum::tools
