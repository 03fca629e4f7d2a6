// `kvorum health`, as a script uses it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tools/cluster_health.h"

namespace kvorum::integration {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

class HealthTest : public testing::Test {
 protected:
    HealthTest() : cluster_({}) {
        cluster_.start_all();
        leader_ = cluster_.wait_for_leader();
    }

    [[nodiscard]] ProgramResult health(uint32_t node, const std::string& flags = "") const {
        return run(fmt::format("{} health {} {}", program_path("kvorum"), cluster_.endpoint(node).to_string(), flags));
    }
    // The nodes behind the leader, in the order of their numbers.
    [[nodiscard]] uint32_t other(uint32_t which) const { return (leader_ - 1 + which) % 3 + 1; }

    Cluster cluster_;
    uint32_t leader_ = 0;
};

TEST_F(HealthTest, OneAddressStandsForAHealthyCluster) {
    const ProgramResult result = health(other(1));
    EXPECT_EQ(result.exit_code, 0) << result.output;
    for (uint32_t node = 1; node <= 3; ++node) {
        EXPECT_THAT(result.output, ContainsRegex(fmt::format("{} +{} +(leader|follower) +[0-9]+ +[0-9.]+ ms +yes", node,
                                                             cluster_.endpoint(node).to_string())));
    }
    EXPECT_THAT(result.output, HasSubstr("\nhealthy\n"));
}

TEST_F(HealthTest, TheWriteGoesThroughTheLogAndLeavesNothing) {
    Client client(cluster_.endpoint(leader_));
    EXPECT_EQ(client.command({"SET", "kvorum:health", "a user's own", "EX", "1000"}).to_string(), "OK");
    const tools::NodeStatus before = cluster_.status(leader_).value();
    EXPECT_EQ(health(leader_).exit_code, 0);
    const tools::NodeStatus after = cluster_.status(leader_).value();
    EXPECT_GT(after.commit_index, before.commit_index);
    EXPECT_EQ(after.state_hash, before.state_hash);
    EXPECT_EQ(after.keys, 1U);
}

TEST_F(HealthTest, OneOfThreeDeadIsDegraded) {
    cluster_.kill(other(1));
    ProgramResult result = health(leader_);
    EXPECT_EQ(result.exit_code, 3) << result.output;
    EXPECT_THAT(result.output, HasSubstr("Connection refused"));
    EXPECT_THAT(result.output, HasSubstr("\ndegraded\n"));

    result = health(leader_, "--json");
    const nlohmann::json json = nlohmann::json::parse(result.output);
    EXPECT_EQ(json.at("verdict"), "degraded");
    EXPECT_EQ(json.at("exit_code"), 3);
    EXPECT_EQ(json.at("nodes").size(), 3U);
    EXPECT_EQ(json.at("nodes").at(0).at("commits"), true);
}

TEST_F(HealthTest, TwoOfThreeDeadIsNoCommit) {
    cluster_.kill(other(1));
    cluster_.kill(other(2));
    const ProgramResult result = health(leader_, "--timeout-ms 1500");
    EXPECT_EQ(result.exit_code, 4) << result.output;
    EXPECT_THAT(result.output, HasSubstr("\nno commit\n"));
}

TEST_F(HealthTest, AllDeadIsUnreachable) {
    cluster_.kill_all();
    const ProgramResult result = health(leader_, cluster_.endpoint(other(1)).to_string());
    EXPECT_EQ(result.exit_code, 5) << result.output;
    EXPECT_THAT(result.output, HasSubstr("\nunreachable\n"));
}

TEST_F(HealthTest, APausedNodeCostsItsTimeoutOnly) {
    cluster_.pause(other(1));
    const ProgramResult result = health(leader_, "--timeout-ms 300");
    EXPECT_EQ(result.exit_code, 3) << result.output;
    EXPECT_THAT(result.output, HasSubstr("does not answer INFO within 300 ms"));
    cluster_.resume(other(1));
}

TEST(HealthArguments, WrongOnesAreUsage) {
    const std::string kvorum = program_path("kvorum");
    EXPECT_EQ(run(kvorum + " health nonsense").exit_code, 2);
    EXPECT_EQ(run(kvorum + " health --timeout-ms 0 127.0.0.1:1").exit_code, 2);
    EXPECT_EQ(run(kvorum + " health --no-such-flag").exit_code, 2);
}

TEST(HealthMembers, AreReadFromClusterNodes) {
    const std::vector<reactor::Endpoint> nodes = tools::parse_cluster_nodes(
        "07c3 127.0.0.1:30004@31004,hostname4 slave e7d1 0 1426238317239 4 connected\n"
        "67ed 127.0.0.1:30002@31002 myself,master - 0 1426238316232 2 connected 5461-10922\n\n");
    EXPECT_THAT(nodes,
                testing::ElementsAre(reactor::Endpoint{"127.0.0.1", 30004}, reactor::Endpoint{"127.0.0.1", 30002}));
}

}  // namespace
}  // namespace kvorum::integration
