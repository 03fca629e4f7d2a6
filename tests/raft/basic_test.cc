// The main path: elect, replicate, commit, read, restart. What goes wrong is in the other files.
#include <gtest/gtest.h>

#include "tests/raft/harness.h"

namespace kvorum::raft::testing {
namespace {

TEST(RaftBasics, OneOfThreeIsElectedAndCommitsItsNoop) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    EXPECT_EQ(cluster.raft(1).current_term(), Term{1});
    EXPECT_EQ(cluster.raft(1).commit_index(), LogIndex{1});
    EXPECT_EQ(cluster.raft(2).leader(), NodeId{1});
    EXPECT_EQ(cluster.raft(3).leader(), NodeId{1});
}

TEST(RaftBasics, ProposalsReachAllNodes) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    const ProposeResult result = cluster.propose(1, "x");
    ASSERT_EQ(result.status, ProposeStatus::kAccepted);
    EXPECT_EQ(result.index, LogIndex{2});
    EXPECT_EQ(result.body_size_bytes, 1u);
    cluster.run_for(2 * Cluster::kHeartbeatNs);
    for (uint64_t id = 1; id <= 3; ++id) {
        EXPECT_EQ(cluster.raft(id).commit_index(), result.index);
        EXPECT_EQ(as_text(cluster.entry(id, result.index)->body()), "x");
    }
}

TEST(RaftBasics, ALeaderlessClusterElectsOneWhenTimePasses) {
    Cluster cluster(5);
    cluster.run_for(10 * Cluster::kElectionTimeoutNs);
    EXPECT_NE(cluster.leader(), 0u);
    cluster.check_logs();
}

TEST(RaftBasics, FollowersAndCandidatesRefuseProposals) {
    Cluster cluster(3);
    EXPECT_EQ(cluster.propose(1, "x").status, ProposeStatus::kNotLeader);
    cluster.campaign(1);
    EXPECT_EQ(cluster.propose(1, "x").status, ProposeStatus::kNotLeader);
}

TEST(RaftBasics, AnOverloadedLeaderRefusesAndLeavesTheBuilderUsable) {
    Cluster cluster(3, [](RaftConfig& config) { config.uncommitted_bytes_max = 1000; });
    ASSERT_TRUE(cluster.elect(1));
    ASSERT_EQ(cluster.propose(1, std::string(900, 'a')).status, ProposeStatus::kAccepted);
    EntryBuilder builder(EntryType::kCommands);
    builder.buffer().append("later");
    EXPECT_EQ(cluster.raft(1).propose(builder).status, ProposeStatus::kOverloaded);
    cluster.settle();
    EXPECT_EQ(cluster.raft(1).propose(builder).status, ProposeStatus::kAccepted);
}

TEST(RaftBasics, ABatchAboveTheLimitIsTakenWhenNothingElseWaits) {
    Cluster cluster(3, [](RaftConfig& config) { config.uncommitted_bytes_max = 1000; });
    ASSERT_TRUE(cluster.elect(1));
    EXPECT_EQ(cluster.propose(1, std::string(5000, 'a')).status, ProposeStatus::kAccepted);
}

TEST(RaftBasics, LogTimeNeverGoesBack) {
    Cluster cluster(1);
    cluster.advance(0);
    ASSERT_TRUE(cluster.raft(1).is_leader());
    const auto propose_at = [&](int64_t time_ms) {
        EntryBuilder builder(EntryType::kTick);
        builder.set_log_time_ms(time_ms);
        ASSERT_EQ(cluster.raft(1).propose(builder).status, ProposeStatus::kAccepted);
    };
    propose_at(500);
    EXPECT_EQ(cluster.raft(1).last_log_time_ms(), 500);
    propose_at(400);
    EXPECT_EQ(cluster.raft(1).last_log_time_ms(), 500);
    propose_at(600);
    EXPECT_EQ(cluster.raft(1).last_log_time_ms(), 600);
}

TEST(RaftBasics, AReadIsConfirmedByAMajority) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    const auto [status, read] = cluster.read(1);
    ASSERT_EQ(status, ReadStatus::kAccepted);
    EXPECT_FALSE(cluster.confirmed(read).has_value());
    cluster.settle();
    ASSERT_TRUE(cluster.confirmed(read).has_value());
    EXPECT_EQ(cluster.confirmed(read)->read_index, LogIndex{1});
}

TEST(RaftBasics, AllNodesRestartAndKeepWhatWasCommitted) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.propose(1, "x");
    cluster.settle();
    for (uint64_t id = 1; id <= 3; ++id)
        cluster.crash(id);
    cluster.drop_all();
    for (uint64_t id = 1; id <= 3; ++id)
        cluster.restart(id);
    cluster.run_for(10 * Cluster::kElectionTimeoutNs);
    ASSERT_NE(cluster.leader(), 0u);
    EXPECT_EQ(cluster.raft(cluster.leader()).commit_index(), LogIndex{3});
    EXPECT_EQ(as_text(cluster.entry(cluster.leader(), LogIndex{2})->body()), "x");
}

TEST(RaftBasics, ASingleNodeLeadsOnceItsVoteIsDurable) {
    Cluster cluster(1);
    cluster.node(1).options.persist_at_once = false;
    cluster.advance(0);
    EXPECT_EQ(cluster.raft(1).role(), Role::kCandidate);
    cluster.persist(1);
    EXPECT_TRUE(cluster.raft(1).is_leader());
    EXPECT_EQ(cluster.raft(1).commit_index(), LogIndex{});
    cluster.persist(1);
    EXPECT_EQ(cluster.raft(1).commit_index(), LogIndex{1});
}

TEST(RaftBasics, NextDeadlineIsWhenSomethingIsDue) {
    Cluster cluster(3);
    EXPECT_GE(cluster.raft(1).next_deadline_ns(), cluster.now_ns() + Cluster::kElectionTimeoutNs);
    EXPECT_LT(cluster.raft(1).next_deadline_ns(), cluster.now_ns() + 2 * Cluster::kElectionTimeoutNs);
    ASSERT_TRUE(cluster.elect(1));
    EXPECT_EQ(cluster.raft(1).next_deadline_ns(), cluster.now_ns() + Cluster::kHeartbeatNs);
}

TEST(RaftBasics, LeadershipChangedIsToldOnce) {
    Cluster cluster(1);
    Raft core(cluster.node(1).config, cluster.node(1).disk.recover(), 1);
    EXPECT_FALSE(core.has_output());
    core.tick(1);
    ASSERT_TRUE(core.has_output());
    EXPECT_TRUE(core.take_output().leadership_changed);
    EXPECT_FALSE(core.take_output().leadership_changed);
    EXPECT_FALSE(core.has_output());
}

TEST(RaftConfigValidation, NamesEveryViolation) {
    RaftConfig config;
    config.voters = {NodeId{1}, NodeId{1}, NodeId{2}};
    config.heartbeat_interval_ns = config.election_timeout_ns;
    config.inflight_bytes_max = 1;
    const std::vector<std::string> violations = config.validate();
    EXPECT_EQ(violations.size(),
              7u);  // no self, self not a voter, a voter twice, no configuration, and so not of those voters, slow
                    // heartbeats, a window below a message
    config = RaftConfig{.self = NodeId{1}, .voters = {NodeId{1}}};
    config.configuration = configuration_of(config.voters);
    EXPECT_TRUE(config.validate().empty());
}

}  // namespace
}  // namespace kvorum::raft::testing
