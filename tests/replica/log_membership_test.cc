// Which options a log takes: those of the voters that it names.
#include "replica/log_membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kvorum::replica {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

NodeConfig config_of(const std::vector<uint64_t>& ids) {
    NodeConfig config;
    config.id = NodeId{1};
    config.data_directory = "data";
    for (const uint64_t id : ids) {
        const auto port = static_cast<uint16_t>(7000 + id);
        config.members.push_back({.id = NodeId{id},
                                  .peer = {"10.0.0.1", static_cast<uint16_t>(port + 10000)},
                                  .client = {"10.0.0.1", port}});
    }
    return config;
}

TEST(LogMembership, TheFoundingConfigurationIsTheSameInWhateverOrderTheOptionsAre) {
    EXPECT_EQ(founding_configuration(config_of({3, 1, 2})), founding_configuration(config_of({1, 2, 3})));
    EXPECT_EQ(raft::describe(founding_configuration(config_of({2, 1}))),
              "1=10.0.0.1:17001/10.0.0.1:7001 2=10.0.0.1:17002/10.0.0.1:7002");
}

TEST(LogMembership, OptionsMayNameOtherAddressesThanTheLog) {
    const NodeConfig config = config_of({1, 2, 3});
    raft::Configuration logged = founding_configuration(config);
    logged.voters[2].peer.host = "elsewhere";
    EXPECT_TRUE(check_log_membership(config, ClusterId{5}, &logged).ok());
}

TEST(LogMembership, OptionsMayNotNameOtherVotersThanTheLog) {
    const raft::Configuration logged = founding_configuration(config_of({1, 2, 3}));
    const absl::Status status = check_log_membership(config_of({1, 4}), ClusterId{5}, &logged);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(status.message(),
                AllOf(HasSubstr("the log in data says that the members are 1, 2, 3 (1=10.0.0.1:17001/10.0.0.1:7001 "),
                      HasSubstr("and the options say 1, 4: give the members that the log names")));
}

// Else a node that had voted as one of three could found a cluster of itself in the same log.
TEST(LogMembership, ALogWithoutAConfigurationIsKnownByItsCluster) {
    const NodeConfig config = config_of({1, 2, 3});
    EXPECT_TRUE(check_log_membership(config, config.bootstrap_cluster_id(), nullptr).ok());
    EXPECT_THAT(check_log_membership(config_of({1}), config.bootstrap_cluster_id(), nullptr).message(),
                HasSubstr("made for other members, or with another --bootstrap-token"));
    NodeConfig other_token = config;
    other_token.bootstrap_token = "again";
    EXPECT_FALSE(check_log_membership(other_token, config.bootstrap_cluster_id(), nullptr).ok());
}

}  // namespace
}  // namespace kvorum::replica
