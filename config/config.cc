#include "config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/address.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "config/config_options.h"
#include "raft/configuration.h"

namespace kvorum {
namespace {

constexpr size_t kClusterNameBytesMax = 64;
constexpr size_t kBootstrapTokenBytesMax = 128;
constexpr uint64_t kWalBlockBytes = 4 * kKiB;

using Violations = std::vector<std::string>;

bool is_wildcard(const reactor::Endpoint& endpoint) {
    return endpoint.host == "0.0.0.0" || endpoint.host == "::" || endpoint.host == "*";
}

void check_cluster_name(const std::string& name, Violations& violations) {
    const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (name.empty() || name.size() > kClusterNameBytesMax || !printable) {
        violations.push_back(
            fmt::format("cluster: '{}' is not a name; give 1 to {} printable characters without spaces", name,
                        kClusterNameBytesMax));
    }
}

void check_bootstrap_token(const std::string& token, Violations& violations) {
    if (token.size() <= kBootstrapTokenBytesMax) return;
    violations.push_back(fmt::format("bootstrap-token: {} characters are too many; give at most {}", token.size(),
                                     kBootstrapTokenBytesMax));
}

void check_member_endpoint(const Member& member, const reactor::Endpoint& endpoint, std::string_view what,
                           Violations& violations) {
    if (endpoint.host.size() > raft::kMemberHostBytesMax) {
        violations.push_back(fmt::format("member {}: its {} host has {} characters; give at most {}", member.id, what,
                                         endpoint.host.size(), raft::kMemberHostBytesMax));
    } else if (endpoint.host.empty() || endpoint.port == 0) {
        violations.push_back(fmt::format("member {}: its {} address '{}' lacks a host or a port", member.id, what,
                                         endpoint.to_string()));
    } else if (is_wildcard(endpoint)) {
        violations.push_back(fmt::format(
            "member {}: others cannot connect to its {} address '{}'; give the address that they use, and bind the "
            "wildcard with {}",
            member.id, what, endpoint.to_string(), what == "peer" ? "peer-listen" : "listen"));
    }
}

void check_members(const NodeConfig& config, Violations& violations) {
    if (config.members.empty())
        violations.emplace_back("member: there is none; give every node of the cluster, this one included");
    if (config.members.size() > kMembersMax) {
        violations.push_back(
            fmt::format("member: {} members are too many; a write waits for a majority of them, so give at most {} "
                        "(3 or 5 are usual)",
                        config.members.size(), kMembersMax));
    }
    std::set<NodeId> ids;
    std::set<std::string> endpoints;
    for (const Member& member : config.members) {
        if (member.id.is_none()) violations.emplace_back("member: 0 is not a node id; ids start at 1");
        if (!ids.insert(member.id).second) violations.push_back(fmt::format("member: id {} is given twice", member.id));
        check_member_endpoint(member, member.peer, "peer", violations);
        check_member_endpoint(member, member.client, "client", violations);
        for (const reactor::Endpoint* endpoint : {&member.peer, &member.client}) {
            if (!endpoints.insert(endpoint->to_string()).second) {
                violations.push_back(
                    fmt::format("member {}: address {} is given twice; every node needs a peer and a client address of "
                                "its own",
                                member.id, endpoint->to_string()));
            }
        }
    }
    if (config.id.is_none()) {
        violations.emplace_back("id: 0 is not a node id; ids start at 1");
    } else if (!config.members.empty() && config.find_member(config.id) == nullptr) {
        violations.push_back(fmt::format(
            "id: {} is not one of the members; this node must be in the list, with the same list on all nodes",
            config.id));
    }
}

void check_listen(const NodeConfig& config, Violations& violations) {
    if (config.find_member(config.id) == nullptr) return;
    if ((config.listen.has_value() || config.peer_listen.has_value()) &&
        config.listen_endpoint() == config.peer_listen_endpoint()) {
        violations.push_back(fmt::format("listen: clients and peers cannot share {}; give them different ports",
                                         config.listen_endpoint().to_string()));
    }
}

// Whoever reaches the peer port of a node without a secret may take its messages for a member's.
void check_secret(const NodeConfig& config, Violations& violations) {
    if (config.members.size() < 2 || !config.cluster_secret_file.empty() || !config.cluster_secrets.empty()) return;
    std::vector<std::string> hosts{config.peer_listen.has_value() ? config.peer_listen->host
                                                                  : std::string{"localhost"}};
    for (const Member& member : config.members)
        hosts.push_back(member.peer.host);
    for (const std::string& host : hosts) {
        if (is_loopback(host)) continue;
        violations.push_back(fmt::format(
            "cluster-secret-file: is missing; the peer address {} can be reached from other machines, and without a "
            "secret any of them could pose as a member. Make one (openssl rand -hex 32 > FILE; chmod 600 FILE), give "
            "the same to every node, and name it with --cluster-secret-file FILE",
            host));
        return;
    }
}

// A connection takes that much by itself when it pipelines.
constexpr uint64_t kBufferBytesMin = 16 * kMiB;

// What a single value must be says the table of options; these depend on each other, or are of a form of their own.
void check_combinations(const NodeConfig& config, Violations& violations) {
    const uint64_t buffer_bytes = config.limits.buffer_bytes_max;
    if (buffer_bytes != 0 && buffer_bytes < kBufferBytesMin)
        violations.push_back(fmt::format("max-buffer-memory: {} is too little to serve anybody; give {} at least, or 0",
                                         buffer_bytes, kBufferBytesMin));
    if (uint64_t{config.heartbeat_interval_ms} * 3 > config.election_timeout_ms) {
        violations.push_back(
            fmt::format("heartbeat-interval-ms: {} is more than a third of election-timeout-ms ({}), so one lost "
                        "heartbeat could depose a leader; give at most {}",
                        config.heartbeat_interval_ms, config.election_timeout_ms, config.election_timeout_ms / 3));
    }
    if (config.data_directory.empty()) {
        violations.emplace_back(
            "data-dir: is missing; give the directory of this node's log, which no other node may use");
    }
    if (config.wal_segment_bytes % kWalBlockBytes != 0) {
        violations.push_back(
            fmt::format("wal-segment-size: {} bytes do not fit; give a multiple of 4KiB", config.wal_segment_bytes));
    }
    if (config.limits.bulk_bytes_max > config.limits.query_bytes_max) {
        violations.push_back(
            fmt::format("max-bulk-size: {} bytes do not fit; one argument is part of a command, so give at most "
                        "max-query-size ({})",
                        config.limits.bulk_bytes_max, config.limits.query_bytes_max));
    }
}

}  // namespace

const Member* NodeConfig::find_member(NodeId node) const {
    const auto found =
        std::find_if(members.begin(), members.end(), [node](const Member& member) { return member.id == node; });
    return found == members.end() ? nullptr : &*found;
}

const Member& NodeConfig::self() const {
    const Member* member = find_member(id);
    KVORUM_ASSERT(member != nullptr, "node {} is not a member: the config was not validated", id);
    return *member;
}

const reactor::Endpoint& NodeConfig::listen_endpoint() const { return listen.has_value() ? *listen : self().client; }
const reactor::Endpoint& NodeConfig::peer_listen_endpoint() const {
    return peer_listen.has_value() ? *peer_listen : self().peer;
}

ClusterId NodeConfig::bootstrap_cluster_id() const {
    std::vector<uint64_t> ids;
    ids.reserve(members.size());
    for (const Member& member : members)
        ids.push_back(member.id.value());
    std::sort(ids.begin(), ids.end());
    std::string identity;
    ByteWriter writer(identity);
    writer.write(uint64_t{cluster_name.size()});
    writer.write_text(cluster_name);
    for (const uint64_t member_id : ids)
        writer.write(member_id);
    writer.write_text(bootstrap_token);
    const uint64_t id_value = checksum64(as_bytes(identity));
    return ClusterId{id_value == 0 ? 1 : id_value};  // 0 means none
}

std::vector<std::string> NodeConfig::validate() const {
    Violations violations = values_out_of_range(*this);
    check_cluster_name(cluster_name, violations);
    check_bootstrap_token(bootstrap_token, violations);
    check_members(*this, violations);
    check_listen(*this, violations);
    check_secret(*this, violations);
    check_combinations(*this, violations);
    return violations;
}

absl::StatusOr<Member> parse_member(std::string_view text) {
    const auto wrong = [text](std::string_view why) {
        return absl::InvalidArgumentError(fmt::format(
            "'{}' is not a member: {}; give ID=PEER/CLIENT, for instance 1=10.0.0.1:17001/10.0.0.1:7001", text, why));
    };
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) return wrong("there is no '='");
    const size_t slash = text.find('/', equals);
    if (slash == std::string_view::npos) return wrong("there is no '/' between its peer and its client address");

    uint64_t id = 0;
    const std::string_view id_text = text.substr(0, equals);
    const auto [end, error] = std::from_chars(id_text.data(), id_text.data() + id_text.size(), id);
    if (error != std::errc{} || end != id_text.data() + id_text.size() || id == 0)
        return wrong("its id is not a number from 1");
    const auto peer = reactor::Endpoint::parse(text.substr(equals + 1, slash - equals - 1));
    if (!peer.has_value()) return wrong("its peer address is not HOST:PORT");
    const auto client = reactor::Endpoint::parse(text.substr(slash + 1));
    if (!client.has_value()) return wrong("its client address is not HOST:PORT");
    return Member{.id = NodeId{id}, .peer = *peer, .client = *client};
}

}  // namespace kvorum
