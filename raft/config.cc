#include <algorithm>

#include "raft/raft.h"

namespace kvorum::raft {
namespace {

template <typename Require>
void require_founders(const RaftConfig& config, Require require) {
    const std::vector<NodeId>& voters = config.voters;
    require(!voters.empty(), "voters: at least one is needed");
    require(voters.size() <= kVotersMax, fmt::format("voters: {} are more than {}", voters.size(), kVotersMax));
    require(std::find(voters.begin(), voters.end(), config.self) != voters.end(),
            fmt::format("voters: self ({}) is missing", config.self));
    std::vector<NodeId> sorted = voters;
    std::sort(sorted.begin(), sorted.end());
    require(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(), "voters: a node is named twice");
    require(sorted.empty() || !sorted.front().is_none(), "voters: a node id is at least 1");
    const std::string wrong = problem(config.configuration);
    require(wrong.empty(), fmt::format("configuration: {}", wrong));
    require(config.configuration.voter_ids() == sorted, "configuration: its voters are others than `voters`");
}

}  // namespace

std::vector<std::string> RaftConfig::validate() const {
    std::vector<std::string> violations;
    const auto require = [&](bool condition, std::string violation) {
        if (!condition) violations.push_back(std::move(violation));
    };
    require(!self.is_none(), "self: a node id is at least 1");
    require(!group.is_none(), "group: a group id is at least 1");
    if (!joins) require_founders(*this, require);
    require(!joins || (voters.empty() && configuration == Configuration{}), "joins: who joins names no founders");
    require(feature_level_max >= kFirstFeatureLevel, "feature_level_max: must be at least 1");
    require(!program_version.empty() && program_version.size() <= kRaisedByBytesMax,
            fmt::format("program_version: 1 to {} bytes", kRaisedByBytesMax));
    require(election_timeout_ns <= kSilenceNsMax,
            fmt::format("election_timeout_ns: {} is above {}", election_timeout_ns, kSilenceNsMax));
    require(heartbeat_interval_ns > 0, "heartbeat_interval_ns: must be above 0");
    require(heartbeat_interval_ns <= election_timeout_ns / 3,
            fmt::format("heartbeat_interval_ns: {} is above a third of election_timeout_ns ({})", heartbeat_interval_ns,
                        election_timeout_ns));
    require(clock_drift_percent <= kClockDriftPercentMax,
            fmt::format("clock_drift_percent: {} is above {}", clock_drift_percent, kClockDriftPercentMax));
    require(message_bytes_max > 0, "message_bytes_max: must be above 0");
    require(
        inflight_bytes_max >= message_bytes_max,
        fmt::format("inflight_bytes_max: {} is below message_bytes_max ({})", inflight_bytes_max, message_bytes_max));
    require(inflight_messages_max > 0, "inflight_messages_max: must be above 0");
    require(uncommitted_bytes_max > 0, "uncommitted_bytes_max: must be above 0");
    return violations;
}

const char* role_name(Role role) {
    switch (role) {
        case Role::kFollower: return "follower";
        case Role::kPreCandidate: return "pre-candidate";
        case Role::kCandidate: return "candidate";
        case Role::kLeader: return "leader";
    }
    return "unknown";
}

}  // namespace kvorum::raft
