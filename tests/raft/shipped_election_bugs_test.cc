// Bugs of elections and liveness that shipped in other Raft implementations, each as a test that fails if this one has
// it. The comment names the public report. Rows that cannot apply: leadership transfer, membership and
// snapshots do not exist in this core.
#include <gtest/gtest.h>

#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {

constexpr uint64_t kEt = Cluster::kElectionTimeoutNs;
constexpr uint64_t kHb = Cluster::kHeartbeatNs;

// Raft implementations that answered a vote before the write was done (the reason for etcd's MustSync): a crash forgets
// the vote, and the node votes twice.
TEST(ShippedElectionBugs, VoteLeftBeforeItWasDurable) {
    Cluster cluster(3);
    cluster.node(3).options.persist_at_once = false;
    cluster.advance(Cluster::kElectionTimeoutNs, {3});
    cluster.inject({NodeId{1}, NodeId{3}, RequestVote{.term = Term{1}}});
    cluster.crash(3);  // before the write
    cluster.restart(3);
    cluster.advance(Cluster::kElectionTimeoutNs, {3});
    EXPECT_TRUE(cluster.sent<RequestVoteReply>(1).empty());
    cluster.node(3).options.persist_at_once = true;
    cluster.inject({NodeId{2}, NodeId{3}, RequestVote{.term = Term{1}}});
    EXPECT_TRUE(cluster.sent<RequestVoteReply>(2).at(0).granted);
}

// The same for the candidate: its requests tell of a term and a vote that a crash may forget.
TEST(ShippedElectionBugs, CandidateAskedBeforeItsOwnVoteWasDurable) {
    Cluster cluster(3);
    cluster.node(1).options.persist_at_once = false;
    cluster.campaign(1);
    cluster.deliver_all({2, 3});
    cluster.deliver_all({1});
    ASSERT_EQ(cluster.raft(1).role(), Role::kCandidate);
    EXPECT_TRUE(cluster.sent<RequestVote>().empty());
    cluster.persist(1);
    EXPECT_EQ(cluster.sent<RequestVote>().size(), 2u);
}

// openraft#1220: a leader that saw a higher vote stored it as granted, and a candidate with a stale log won with it.
TEST(ShippedElectionBugs, openraft_1220_SeenIsNotGranted) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.inject({NodeId{3}, NodeId{1}, RequestVote{.term = Term{5}}});  // its log is empty
    EXPECT_EQ(cluster.raft(1).current_term(), Term{5});
    EXPECT_TRUE(cluster.node(1).disk.hard_state.voted_for.is_none());
    EXPECT_FALSE(cluster.sent<RequestVoteReply>(3).at(0).granted);
    // The vote of that term is still free, for a candidate that deserves it.
    cluster.inject(
        {NodeId{2}, NodeId{1}, RequestVote{.term = Term{5}, .last_log_index = LogIndex{1}, .last_log_term = Term{1}}});
    EXPECT_TRUE(cluster.sent<RequestVoteReply>(2).at(0).granted);
}

// etcd#8243: a node with a lower term and the better log was stuck, because its pre-votes were ignored without a reply.
TEST(ShippedElectionBugs, etcd_8243_LowTermPreVoteIsAnswered) {
    Cluster cluster(3);
    load(cluster, 1, {1, 1}, 1);
    load(cluster, 2, {1}, 6);
    load(cluster, 3, {1}, 6);
    cluster.inject(pre_vote(1, 2, 2, 2, 1));
    const RequestVoteReply reply = cluster.sent<RequestVoteReply>(1).at(0);
    EXPECT_FALSE(reply.granted);
    EXPECT_EQ(reply.term, Term{6});
    cluster.drop_all();
    cluster.crash(3);
    cluster.run_for(10 * kEt);
    EXPECT_EQ(cluster.leader(), 1u);  // node 2 cannot win, its log is shorter
}

// etcd#8501: with pre-vote and check-quorum together, a node above the leader's term could neither join nor be told.
TEST(ShippedElectionBugs, etcd_8501_NodeAboveTheLeadersTermRejoins) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.crash(3);
    cluster.node(3).disk.hard_state.current_term = Term{7};
    cluster.restart(3);
    cluster.run_for(10 * kEt);
    ASSERT_NE(cluster.leader(), 0u);
    for (uint64_t id = 1; id <= 3; ++id)
        EXPECT_EQ(cluster.raft(id).leader(), NodeId{cluster.leader()});
    EXPECT_LE(cluster.raft(1).current_term(), Term{9});
}

// Cloudflare, 2 November 2020 (6 h 33 min): A cannot reach the leader B, and both reach C. A's elections must not end
// B's leadership.
TEST(ShippedElectionBugs, Cloudflare2020_PartlyConnectedNodeDoesNotDisturb) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(2));
    cluster.cut(1, 2);
    cluster.cut(2, 1);
    cluster.run_for(60 * kEt);
    EXPECT_TRUE(cluster.raft(2).is_leader());
    EXPECT_EQ(cluster.raft(2).current_term(), Term{1});
}

// cockroach#104042, etcd#14893: one direction of one link is gone. Whoever cannot be heard loses the lead, and terms
// stay put.
TEST(ShippedElectionBugs, cockroach_104042_DeafLeaderStepsDown) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.cut(2, 1);
    cluster.cut(3, 1);  // it sends, and hears nothing
    cluster.run_for(10 * kEt);
    EXPECT_FALSE(cluster.raft(1).is_leader());
    EXPECT_NE(cluster.leader(), 0u);
    EXPECT_LE(cluster.raft(cluster.leader()).current_term(), Term{3});
}

TEST(ShippedElectionBugs, etcd_14893_DeafFollowerDoesNotDisturb) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.cut(1, 3);
    cluster.cut(2, 3);
    cluster.run_for(60 * kEt);
    EXPECT_TRUE(cluster.raft(1).is_leader());
    EXPECT_EQ(cluster.raft(1).current_term(), Term{1});
}

// A rejoining node must not depose a healthy leader (pre-vote and check-quorum both on).
TEST(ShippedElectionBugs, RejoiningNodeDoesNotDeposeTheLeader) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.isolate(3);
    cluster.run_for(30 * kEt);
    cluster.heal();
    cluster.run_for(5 * kEt);
    EXPECT_TRUE(cluster.raft(1).is_leader());
    EXPECT_EQ(cluster.raft(3).current_term(), Term{1});
}

// Omni-Paxos (2023), "quorum loss": the leader lives and lost its majority; the only node that reaches one must take
// over.
TEST(ShippedElectionBugs, OmniPaxos_QuorumLoss) {
    Cluster cluster(5);
    ASSERT_TRUE(cluster.elect(1));
    cluster.run_for(2 * kHb);
    for (uint64_t a = 1; a <= 5; ++a) {
        for (uint64_t b = 1; b <= 5; ++b) {
            if (a != b && a != 3 && b != 3) cluster.cut(a, b);
        }
    }
    cluster.run_for(15 * kEt);
    EXPECT_EQ(cluster.leader(), 3u);
    const uint64_t term = cluster.raft(3).current_term().value();
    cluster.run_for(30 * kEt);
    EXPECT_EQ(cluster.leader(), 3u);
    EXPECT_EQ(cluster.raft(3).current_term(), Term{term});
}

// Omni-Paxos, "chained": three nodes in a row, the leader at one end. No endless changes of leader.
TEST(ShippedElectionBugs, OmniPaxos_Chained) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.cut(1, 3);
    cluster.cut(3, 1);
    cluster.run_for(30 * kEt);
    EXPECT_EQ(cluster.leader(), 1u);
    EXPECT_EQ(cluster.raft(2).current_term(), Term{1});
}

// Omni-Paxos, "constrained election": the only node that reaches a majority has a stale log. Raft has no leader then,
// with pre-vote and check-quorum too: a documented exception. It must be safe, must not burn terms, and must end with
// the partition.
TEST(ShippedElectionBugs, OmniPaxos_ConstrainedElectionIsSafeAndEnds) {
    Cluster cluster(5);
    ASSERT_TRUE(cluster.elect(1));
    cluster.isolate(3);
    cluster.propose(1, "x");
    cluster.run_for(2 * kHb, {1});
    cluster.heal();
    for (uint64_t a = 1; a <= 5; ++a) {
        for (uint64_t b = 1; b <= 5; ++b) {
            if (a == 1 || b == 1 || (a != 3 && b != 3)) cluster.cut(a, b);
        }
    }
    cluster.run_for(30 * kEt);
    EXPECT_EQ(cluster.leader(), 0u);
    EXPECT_LE(cluster.raft(3).current_term(), Term{2});
    cluster.heal();
    cluster.run_for(10 * kEt);
    EXPECT_NE(cluster.leader(), 0u);
    EXPECT_GE(cluster.committed().size(), 3u);
}

// hashicorp/raft#503, etcd#15247, CockroachDB: a leader whose disk hangs went on sending heartbeats, and nobody could
// replace it.
TEST(ShippedElectionBugs, hashicorp_503_LeaderWithHungDiskStepsDown) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.node(1).options.persist_at_once = false;
    cluster.propose(1, "x");
    cluster.stall_disk(1, true);
    EXPECT_FALSE(cluster.raft(1).is_leader());
    EXPECT_TRUE(cluster.raft(1).leader().is_none());
    for (int i = 0; i < 60; ++i) {
        cluster.settle({2, 3});
        cluster.deliver_all({1});
        cluster.advance(kHb / 2);
        EXPECT_NE(cluster.raft(1).role(), Role::kCandidate);
    }
    EXPECT_NE(cluster.leader(), 0u);
    EXPECT_NE(cluster.leader(), 1u);
}

// The timers must go on while a write hangs: a follower with a hung disk still answers heartbeats and still sees time
// pass.
TEST(ShippedElectionBugs, etcd_15247_HungDiskDoesNotStopTheTimers) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.node(2).options.persist_at_once = false;
    cluster.propose(1, "x");
    cluster.deliver_all({2});
    cluster.advance(kHb, {1});
    cluster.deliver_all({2});
    EXPECT_EQ(cluster.sent<AppendEntriesReply>(1).size(), 1u);
    cluster.advance(2 * kEt, {2});
    EXPECT_EQ(cluster.raft(2).role(), Role::kPreCandidate);
}

// etcd#7331, redisraft#22 (and #18, #19: stale or empty reads after a restart): no entry of the own term, no reads.
TEST(ShippedElectionBugs, redisraft_22_NoReadBeforeTheNoopIsCommitted) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.propose(1, "x");
    cluster.settle();
    for (uint64_t id = 1; id <= 3; ++id)
        cluster.crash(id);
    cluster.drop_all();
    for (uint64_t id = 1; id <= 3; ++id)
        cluster.restart(id);
    cluster.campaign(2);
    while (!cluster.raft(2).is_leader())
        cluster.deliver_all();
    EXPECT_EQ(cluster.raft(2).commit_index(), LogIndex{});
    const uint64_t read = cluster.read(2).second;
    EXPECT_FALSE(cluster.confirmed(read).has_value());
    cluster.settle();
    ASSERT_TRUE(cluster.confirmed(read).has_value());
    EXPECT_GE(cluster.confirmed(read)->read_index, LogIndex{2});
}

// hashicorp/raft#605 (and RATIS-2008): a follower refused the pre-vote of the very leader it knew, though that one had
// stopped leading.
TEST(ShippedElectionBugs, hashicorp_605_PreVoteOfTheKnownLeaderIsGranted) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.inject(pre_vote(1, 2, 2, 1, 1));
    EXPECT_TRUE(cluster.sent<RequestVoteReply>(1).at(0).granted);
}

// hashicorp/raft#609: a pre-vote counted as contact with the leader, so that constant pre-votes kept a follower from
// campaigning.
TEST(ShippedElectionBugs, hashicorp_609_PreVoteIsNotLeaderContact) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    const uint64_t deadline_ns = cluster.raft(2).next_deadline_ns();
    while (cluster.now_ns() + kHb < deadline_ns) {
        cluster.advance(kHb, {2});
        cluster.inject(pre_vote(1, 2, 2, 1, 1));
        cluster.inject(pre_vote(3, 2, 2, 1, 1));
    }
    EXPECT_EQ(cluster.raft(2).next_deadline_ns(), deadline_ns);
    cluster.advance(kHb, {2});
    EXPECT_EQ(cluster.raft(2).role(), Role::kPreCandidate);
}

// openraft#2080: an old leader that reaches only the bridge keeps the bridge from voting, and the bridge is needed for
// a majority.
TEST(ShippedElectionBugs, openraft_2080_OldLeaderBehindABridge) {
    Cluster cluster(5);
    ASSERT_TRUE(cluster.elect(1));
    cluster.run_for(2 * kHb);
    cluster.isolate(5);
    for (const uint64_t id : {3u, 4u}) {  // 2 is the bridge between 1 and {3, 4}
        cluster.cut(1, id);
        cluster.cut(id, 1);
    }
    cluster.run_for(10 * kEt);
    EXPECT_NE(cluster.leader(), 0u);
    EXPECT_NE(cluster.leader(), 1u);
    EXPECT_FALSE(cluster.raft(1).is_leader());
    const size_t before = cluster.committed().size();
    cluster.propose(cluster.leader(), "x");
    cluster.settle();
    EXPECT_GT(cluster.committed().size(), before);
}

// redpanda#30815, #30817: rejected AppendEntries did not count as contact with the leader, so a follower that lagged
// called for elections all the time, and that kept it from catching up.
TEST(ShippedElectionBugs, redpanda_30815_RejectedAppendIsLeaderContact) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    for (int i = 0; i < 40; ++i) {
        cluster.advance(kHb, {2});
        EXPECT_EQ(cluster.raft(2).role(), Role::kFollower);
        cluster.inject(append(1, 2, 1, 50, 1));  // far ahead of its log
    }
    EXPECT_FALSE(cluster.sent<AppendEntriesReply>(1).back().success);
}

}  // namespace
}  // namespace kvorum::raft::testing
