// Reads under a lease (thesis 6.4.1) and the silence that it counts on (4.2.3), a sentence each.
#include <gtest/gtest.h>

#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {

constexpr uint32_t kDriftPercent = 20;
constexpr uint64_t kLeaseNs = Cluster::kElectionTimeoutNs / 100 * (100 - kDriftPercent);

void with_leases(RaftConfig& config) { config.clock_drift_percent = kDriftPercent; }

class LeaseTest : public ::testing::Test {
 protected:
    // Node 1 leads, and its lease began just now.
    void SetUp() override {
        ASSERT_TRUE(cluster.elect(1));
        cluster.advance(Cluster::kHeartbeatNs, {1});
        begun_ns = cluster.now_ns();
        cluster.settle();
        cluster.drop_all();
    }
    [[nodiscard]] bool is_served_at_once(uint64_t id) {
        const auto [status, read] = cluster.read(id);
        return status == ReadStatus::kAccepted && cluster.confirmed(read).has_value();
    }

    Cluster cluster{3, with_leases};
    uint64_t begun_ns = 0;
};

// 6.4.1: while the lease lasts, the leader answers reads without any message.
TEST_F(LeaseTest, ServesReadsWithoutARound) {
    EXPECT_TRUE(is_served_at_once(1));
    EXPECT_TRUE(cluster.network().empty());
}

// 6.4.1: it lasts an election timeout, less what clocks may drift, from when the round began.
TEST_F(LeaseTest, EndsBeforeAnotherCouldBeElected) {
    const Raft& leader = cluster.raft(1);
    EXPECT_TRUE(leader.has_lease(begun_ns + kLeaseNs - 1));
    EXPECT_FALSE(leader.has_lease(begun_ns + kLeaseNs));
}

TEST_F(LeaseTest, IsRenewedByAMajorityThatAnswersHeartbeats) {
    cluster.isolate(3);
    cluster.run_for(5 * Cluster::kElectionTimeoutNs, {1});
    EXPECT_TRUE(is_served_at_once(1));
}

// An answer may be old: what counts is when its round began, not when it came.
TEST_F(LeaseTest, ALateAnswerRenewsItFromWhenItsRoundBegan) {
    cluster.advance(Cluster::kHeartbeatNs, {1});
    const uint64_t second_begun_ns = cluster.now_ns();
    cluster.deliver_all({2});
    cluster.advance(Cluster::kElectionTimeoutNs / 2, {});
    cluster.deliver_all({1});
    EXPECT_TRUE(cluster.raft(1).has_lease(second_begun_ns + kLeaseNs - 1));
    EXPECT_FALSE(cluster.raft(1).has_lease(second_begun_ns + kLeaseNs));
}

// A process that was stopped between the arrival of its last message and that of the read.
TEST_F(LeaseTest, IsHeldAgainstTheClockAtTheRead) {
    Raft& leader = cluster.raft(1);
    ASSERT_EQ(leader.read_index(77, begun_ns + kLeaseNs), ReadStatus::kAccepted);
    const Output output = leader.take_output();
    EXPECT_TRUE(output.read_states.empty());
    EXPECT_EQ(output.messages_now.size(), 2U) << "a round";
}

// 6.4: before an entry of its term is committed, a leader does not know what is.
TEST(Lease, WaitsForAnEntryOfTheTerm) {
    Cluster cluster(3, with_leases);
    cluster.campaign(1);
    for (int i = 0; i < 3; ++i)
        cluster.deliver_all();
    for (uint64_t id = 1; id <= 3; ++id)
        cluster.node(id).options.persist_at_once = false;
    for (int i = 0; i < 3; ++i)
        cluster.deliver_all();
    ASSERT_TRUE(cluster.raft(1).is_leader());
    EXPECT_FALSE(cluster.raft(1).has_lease(cluster.now_ns())) << "although a majority answered its first round";
    cluster.settle();
    EXPECT_TRUE(cluster.raft(1).has_lease(cluster.now_ns()));
}

TEST_F(LeaseTest, ALeaderThatStepsDownHasNone) {
    cluster.inject(append(2, 1, 9));
    EXPECT_FALSE(cluster.raft(1).has_lease(cluster.now_ns()));
}

TEST(Lease, WithoutABoundOfClocksEveryReadNeedsARound) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.run_for(2 * Cluster::kHeartbeatNs);
    EXPECT_FALSE(cluster.raft(1).has_lease(cluster.now_ns()));
    const uint64_t read = cluster.read(1).second;
    EXPECT_FALSE(cluster.confirmed(read).has_value());
}

TEST(Lease, ASingleNodeNeedsNoPeers) {
    Cluster cluster(1, with_leases);
    ASSERT_TRUE(cluster.elect(1));
    EXPECT_TRUE(cluster.raft(1).has_lease(cluster.now_ns()));
}

// 4.2.3: a server that heard a leader within an election timeout neither votes nor takes over the candidate's term.
TEST_F(LeaseTest, WhoHeardALeaderElectsNoOther) {
    cluster.inject(vote_request(3, 2, 9, 9, 8));
    EXPECT_FALSE(cluster.sent<RequestVoteReply>(3).at(0).granted);
    EXPECT_EQ(cluster.raft(2).leader(), NodeId{1});
    EXPECT_EQ(cluster.raft(2).current_term(), Term{1});

    cluster.drop_all();
    cluster.advance(Cluster::kElectionTimeoutNs, {3});
    cluster.inject(vote_request(3, 2, 9, 9, 8));
    EXPECT_TRUE(cluster.sent<RequestVoteReply>(3).at(0).granted);
}

TEST_F(LeaseTest, TheLeaderThatWasHeardMayBeElectedAgain) {
    cluster.inject(vote_request(1, 2, 9, 9, 8));
    EXPECT_TRUE(cluster.sent<RequestVoteReply>(1).at(0).granted);
}

// The term of a late reply makes the node forget whom it follows, but not what that leader counts on.
TEST_F(LeaseTest, TheSilenceOutlivesATermThatRises) {
    cluster.inject({NodeId{3}, NodeId{2}, RequestVoteReply{.term = Term{5}, .granted = false}});
    ASSERT_EQ(cluster.raft(2).current_term(), Term{5});
    cluster.inject(vote_request(3, 2, 9, 9, 8));
    EXPECT_FALSE(cluster.sent<RequestVoteReply>(3).at(0).granted);
}

// Nothing of it is on the disk.
TEST_F(LeaseTest, TheSilenceOutlivesARestart) {
    cluster.crash(2);
    cluster.restart(2);
    cluster.inject(vote_request(3, 2, 9, 9, 8));
    EXPECT_FALSE(cluster.sent<RequestVoteReply>(3).at(0).granted);
    cluster.drop_all();
    cluster.advance(Cluster::kElectionTimeoutNs, {3});
    cluster.inject(vote_request(3, 2, 9, 9, 8));
    EXPECT_TRUE(cluster.sent<RequestVoteReply>(3).at(0).granted);
}

}  // namespace
}  // namespace kvorum::raft::testing
