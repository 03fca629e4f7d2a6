// Leadership transfer (thesis 3.10), a sentence each, and what it does to leases (4.2.3, 6.4.1).
#include <gtest/gtest.h>

#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {

Message timeout_now(uint64_t from, uint64_t to, uint64_t term) {
    return {NodeId{from}, NodeId{to}, TimeoutNow{.term = Term{term}}};
}

Message vote_request_for(uint64_t leader, uint64_t from, uint64_t to, uint64_t term) {
    Message message = vote_request(from, to, term, 9, term - 1);
    std::get<RequestVote>(message.body).handed_over_by = NodeId{leader};
    return message;
}

class TransferTest : public ::testing::Test {
 protected:
    // Node 1 leads in term 1 under a lease, and all heard it just now.
    void SetUp() override {
        ASSERT_TRUE(cluster.elect(1));
        cluster.run_for(2 * Cluster::kHeartbeatNs);
        cluster.drop_all();
    }

    Cluster cluster{3, [](RaftConfig& config) { config.clock_drift_percent = 10; }};
};

// 3.10: the target's election timeout elapses at once, and it most likely becomes leader before anybody else notices.
TEST_F(TransferTest, TheTargetLeadsWithoutThatTimePasses) {
    EXPECT_EQ(cluster.transfer(1, 2).status, TransferStatus::kStarted);
    cluster.settle();
    EXPECT_TRUE(cluster.raft(2).is_leader());
    EXPECT_EQ(cluster.raft(2).current_term(), Term{2});
    EXPECT_EQ(cluster.raft(1).leader(), NodeId{2});
}

// 3.10: the prior leader stops accepting new client requests.
TEST_F(TransferTest, TheLeaderTakesNoProposalsMeanwhile) {
    cluster.hold_output(1, true);
    ASSERT_EQ(cluster.transfer(1).status, TransferStatus::kStarted);
    EXPECT_EQ(cluster.propose(1, "x").status, ProposeStatus::kHandingOver);
}

// 3.10: the prior leader fully updates the target server's log to match its own.
TEST_F(TransferTest, TheTargetIsAskedOnceItHoldsTheWholeLogDurably) {
    cluster.node(2).options.persist_at_once = false;
    ASSERT_EQ(cluster.propose(1, "x").status, ProposeStatus::kAccepted);
    cluster.transfer(1, 2);
    cluster.settle({1, 3});
    cluster.deliver_all({2});
    cluster.settle({1});
    EXPECT_TRUE(cluster.sent<TimeoutNow>().empty());
    cluster.persist(2);
    cluster.settle({1});
    EXPECT_EQ(cluster.sent<TimeoutNow>(2).size(), 1U);
}

// 3.10: if it does not complete after about an election timeout, the prior leader aborts it and resumes.
TEST_F(TransferTest, FailsAfterAnElectionTimeout) {
    cluster.cut(1, 2);
    cluster.transfer(1, 2);
    cluster.run_for(Cluster::kElectionTimeoutNs - Cluster::kHeartbeatNs, {1});
    EXPECT_EQ(cluster.raft(1).transfer_target(), NodeId{2});
    cluster.run_for(Cluster::kHeartbeatNs, {1});
    EXPECT_TRUE(cluster.raft(1).transfer_target().is_none());
    EXPECT_EQ(cluster.propose(1, "x").status, ProposeStatus::kAccepted);
}

TEST_F(TransferTest, ItsEndIsADeadlineOfTheLeader) {
    cluster.advance(Cluster::kHeartbeatNs, {1});
    cluster.settle();
    cluster.cut(1, 2);
    cluster.transfer(1, 2);
    cluster.raft(1).tick(cluster.now_ns() + Cluster::kElectionTimeoutNs - kMillisecondNs);
    EXPECT_LE(cluster.raft(1).next_deadline_ns(), cluster.now_ns() + Cluster::kElectionTimeoutNs);
}

TEST_F(TransferTest, FailsWhenTheConnectionToTheTargetIsLost) {
    cluster.transfer(1, 2);
    cluster.unreachable(1, 2);
    EXPECT_TRUE(cluster.raft(1).transfer_target().is_none());
}

TEST_F(TransferTest, GoesToWhoeverHoldsMost) {
    cluster.isolate(2);
    ASSERT_EQ(cluster.propose(1, "x").status, ProposeStatus::kAccepted);
    cluster.settle();
    EXPECT_EQ(cluster.transfer(1).target, NodeId{3});
}

TEST_F(TransferTest, DoesNotGoToWhoIsSilent) {
    cluster.isolate(2);
    cluster.run_for(2 * Cluster::kElectionTimeoutNs, {1});
    EXPECT_EQ(cluster.transfer(1, 2).status, TransferStatus::kUnreachable);
    EXPECT_EQ(cluster.transfer(1).target, NodeId{3});
}

TEST_F(TransferTest, DoesNotGoToWhoLostItsConnection) {
    cluster.unreachable(1, 2);
    EXPECT_EQ(cluster.transfer(1, 2).status, TransferStatus::kUnreachable);
    cluster.connected(1, 2);
    EXPECT_EQ(cluster.transfer(1, 2).status, TransferStatus::kStarted);
}

TEST_F(TransferTest, OnlyOneAtATimeAndOnlyToOtherVoters) {
    EXPECT_EQ(cluster.transfer(2, 3).status, TransferStatus::kNotLeader);
    EXPECT_EQ(cluster.transfer(1, 1).status, TransferStatus::kNoSuchVoter);
    EXPECT_EQ(cluster.transfer(1, 4).status, TransferStatus::kNoSuchVoter);
    cluster.hold_output(1, true);
    cluster.transfer(1, 2);
    const TransferStart second = cluster.transfer(1, 3);
    EXPECT_EQ(second.status, TransferStatus::kUnderWay);
    EXPECT_EQ(second.target, NodeId{2});
}

TEST(Transfer, OfAClusterOfOneGoesNowhere) {
    Cluster cluster(1);
    ASSERT_TRUE(cluster.elect(1));
    EXPECT_EQ(cluster.transfer(1).status, TransferStatus::kNoSuchVoter);
}

// Two voters: the old leader's own vote is needed.
TEST(Transfer, TheOldLeaderVotesForItsTarget) {
    Cluster cluster(2);
    ASSERT_TRUE(cluster.elect(1));
    cluster.transfer(1);
    cluster.settle();
    EXPECT_TRUE(cluster.raft(2).is_leader());
}

TEST_F(TransferTest, WhatWasProposedBeforeIsCommittedByTheNextLeader) {
    cluster.cut(3, 1);
    cluster.cut(2, 1);
    const ProposeResult result = cluster.propose(1, "x");
    cluster.deliver_all();
    cluster.heal();
    cluster.drop_all();
    cluster.advance(Cluster::kHeartbeatNs, {1});
    cluster.transfer(1, 2);
    cluster.settle();
    ASSERT_TRUE(cluster.raft(2).is_leader());
    EXPECT_GE(cluster.raft(2).commit_index(), result.index);
    EXPECT_EQ(cluster.raft(1).term_at(result.index), result.term);
}

// --- who heeds the request ---

TEST_F(TransferTest, ARequestOfAnotherTermMovesNobody) {
    cluster.inject(timeout_now(1, 2, 2));
    EXPECT_EQ(cluster.raft(2).role(), Role::kFollower);
    load(cluster, 2, {1}, 5);
    cluster.inject(append(1, 2, 5, 1, 1));
    cluster.inject(timeout_now(1, 2, 1));
    EXPECT_EQ(cluster.raft(2).role(), Role::kFollower);
}

TEST_F(TransferTest, ARequestOfAnotherThanTheLeaderMovesNobody) {
    cluster.inject(timeout_now(3, 2, 1));
    EXPECT_EQ(cluster.raft(2).role(), Role::kFollower);
}

TEST_F(TransferTest, ANodeWithAHungDiskDoesNotStand) {
    cluster.stall_disk(2, true);
    cluster.inject(timeout_now(1, 2, 1));
    EXPECT_EQ(cluster.raft(2).role(), Role::kFollower);
}

// --- who votes within the promised silence ---

bool grants(Cluster& cluster, const Message& request) {
    cluster.drop_all();
    cluster.inject(request);
    return cluster.sent<RequestVoteReply>(request.from.value()).at(0).granted;
}

TEST_F(TransferTest, AVoterIsNotSilentForALeaderThatHandedOver) {
    EXPECT_TRUE(grants(cluster, vote_request_for(1, 3, 2, 2)));
}

TEST_F(TransferTest, AVoterStaysSilentForAnotherLeaderThanTheOneItKnows) {
    EXPECT_FALSE(grants(cluster, vote_request_for(3, 3, 2, 2)));
    EXPECT_FALSE(grants(cluster, vote_request(3, 2, 2, 9, 1)));
}

TEST_F(TransferTest, AVoterStaysSilentForAnotherTermThanTheOneItIsIn) {
    EXPECT_FALSE(grants(cluster, vote_request_for(1, 3, 2, 3)));
}

TEST_F(TransferTest, ALeaderThatAskedNobodyStaysSilent) {
    EXPECT_FALSE(grants(cluster, vote_request_for(1, 3, 1, 2)));
    EXPECT_TRUE(cluster.raft(1).is_leader());
}

TEST_F(TransferTest, APreVoteThatClaimsToBeAskedForIsMalformed) {
    Message request = vote_request_for(1, 3, 2, 2);
    std::get<RequestVote>(request.body).pre_vote = true;
    cluster.inject(request);
    EXPECT_EQ(cluster.raft(2).status().dropped_messages.malformed, 1U);
}

// --- the lease ---

TEST_F(TransferTest, WithdrawsTheLeaseBeforeAnythingIsSent) {
    ASSERT_TRUE(cluster.raft(1).has_lease(cluster.now_ns()));
    cluster.hold_output(1, true);
    cluster.transfer(1, 2);
    EXPECT_FALSE(cluster.raft(1).has_lease(cluster.now_ns()));
}

// The request may arrive late.
TEST_F(TransferTest, ThatFailedLeavesTheLeaderWithoutALeaseInItsTerm) {
    cluster.cut(1, 2);
    cluster.transfer(1, 2);
    cluster.run_for(2 * Cluster::kElectionTimeoutNs, {1});
    cluster.heal();
    cluster.run_for(10 * Cluster::kHeartbeatNs);
    ASSERT_TRUE(cluster.raft(1).is_leader());
    ASSERT_TRUE(cluster.raft(1).transfer_target().is_none());
    EXPECT_FALSE(cluster.raft(1).has_lease(cluster.now_ns()));
    const auto [status, read] = cluster.read(1);
    EXPECT_FALSE(cluster.confirmed(read).has_value());
    cluster.settle();
    EXPECT_TRUE(cluster.confirmed(read).has_value()) << "by a round";
}

TEST_F(TransferTest, ThatWasRefusedCostsNoLease) {
    cluster.transfer(1, 4);
    EXPECT_TRUE(cluster.raft(1).has_lease(cluster.now_ns()));
}

TEST_F(TransferTest, TheNextLeaderHasALease) {
    cluster.transfer(1, 2);
    cluster.run_for(3 * Cluster::kHeartbeatNs);
    EXPECT_TRUE(cluster.raft(2).has_lease(cluster.now_ns()));
}

}  // namespace
}  // namespace kvorum::raft::testing
