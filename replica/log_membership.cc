#include "replica/log_membership.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kvorum::replica {
namespace {

raft::MemberAddress address_of(const reactor::Endpoint& endpoint) {
    return {.host = endpoint.host, .port = endpoint.port};
}

}  // namespace

raft::Configuration founding_configuration(const NodeConfig& config) {
    raft::Configuration configuration;
    for (const Member& member : config.members) {
        configuration.voters.push_back(
            {.id = member.id, .peer = address_of(member.peer), .client = address_of(member.client)});
    }
    std::sort(configuration.voters.begin(), configuration.voters.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return configuration;
}

absl::Status check_log_membership(const NodeConfig& config, ClusterId cluster, const raft::Configuration* logged) {
    const raft::Configuration options = founding_configuration(config);
    if (logged == nullptr) {
        if (cluster == config.bootstrap_cluster_id()) return absl::OkStatus();
        return absl::FailedPreconditionError(fmt::format(
            "the log in {} was made for other members, or with another --bootstrap-token, than the options say ({}): "
            "give those that it was made for, or an empty data directory",
            config.data_directory, raft::describe(options)));
    }
    if (logged->voter_ids() == options.voter_ids()) return absl::OkStatus();
    return absl::FailedPreconditionError(fmt::format(
        "the log in {} says that the members are {} ({}), and the options say {}: give the members that the log names; "
        "a cluster of other members begins with empty data directories",
        config.data_directory, fmt::join(logged->voter_ids(), ", "), raft::describe(*logged),
        fmt::join(options.voter_ids(), ", ")));
}

}  // namespace kvorum::replica
