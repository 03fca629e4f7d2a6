// Members change by joint consensus (thesis 4.3), and nodes become voters by way of learners (4.2.1).
#include <gtest/gtest.h>

#include <algorithm>

#include "raft/members.h"
#include "raft/progress.h"
#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {

using Kind = ConfigurationChange::Kind;

std::vector<NodeId> ids(const std::vector<uint64_t>& numbers) {
    std::vector<NodeId> out;
    for (const uint64_t number : numbers)
        out.push_back(NodeId{number});
    return out;
}

ConfiguredMember member(uint64_t id, bool promote = false, uint64_t replaces = 0) {
    return {.id = NodeId{id},
            .peer = {"host", 17001},
            .client = {"host", 7001},
            .promote = promote,
            .replaces = NodeId{replaces}};
}

ConfigurationChange add(uint64_t id, bool promote = false, uint64_t replaces = 0) {
    return {.kind = Kind::kAddLearner, .member = member(id, promote, replaces)};
}
ConfigurationChange promote(uint64_t id) { return {.kind = Kind::kPromote, .node = NodeId{id}}; }
ConfigurationChange remove(uint64_t id) { return {.kind = Kind::kRemove, .node = NodeId{id}}; }
ConfigurationChange demote(uint64_t id) { return {.kind = Kind::kDemote, .node = NodeId{id}}; }
ConfigurationChange replace(uint64_t id, uint64_t by) {
    return {.kind = Kind::kReplace, .node = NodeId{id}, .by = NodeId{by}};
}

// --- what a change makes of a configuration ---

TEST(PlanChange, VotersThatChangeAreJointWithThoseBefore) {
    Configuration current = configuration_of(ids({1, 2, 3}));
    current.learners = {member(4)};
    const PlannedChange planned = plan_change(current, replace(2, 4));
    ASSERT_EQ(planned.status, ChangeStatus::kAccepted);
    EXPECT_EQ(planned.next.voter_ids(), ids({1, 3, 4}));
    EXPECT_EQ(planned.next.outgoing, current.voters);
    EXPECT_TRUE(planned.next.learners.empty());
    EXPECT_TRUE(problem(planned.next).empty());
}

TEST(PlanChange, LearnersAndAddressesTakeOneEntry) {
    const Configuration current = configuration_of(ids({1, 2}));
    const PlannedChange added = plan_change(current, add(3, true, 2));
    ASSERT_EQ(added.status, ChangeStatus::kAccepted);
    EXPECT_TRUE(added.next.outgoing.empty());
    ConfiguredMember moved = member(2);
    moved.peer.host = "elsewhere";
    moved.zone = "z";
    const PlannedChange updated = plan_change(current, {.kind = Kind::kUpdate, .member = moved});
    ASSERT_EQ(updated.status, ChangeStatus::kAccepted);
    EXPECT_TRUE(updated.next.outgoing.empty());
    EXPECT_EQ(updated.next.voters[1].peer.host, "elsewhere");
}

TEST(PlanChange, ADemotedVoterIsALearnerAndCountsUntilTheJointStateIsLeft) {
    const PlannedChange planned = plan_change(configuration_of(ids({1, 2, 3})), demote(3));
    ASSERT_EQ(planned.status, ChangeStatus::kAccepted);
    EXPECT_TRUE(problem(planned.next).empty());
    const Configuration last = without_outgoing(planned.next);
    EXPECT_EQ(Members::of(last).learners, ids({3}));
    EXPECT_FALSE(Members::of(last).is_joint());
}

TEST(PlanChange, WhatMakesNoSenseIsRefused) {
    Configuration current = configuration_of(ids({1, 2}));
    current.learners = {member(4)};
    const auto refusal = [&](const ConfigurationChange& change) { return plan_change(current, change).status; };
    EXPECT_EQ(refusal(add(2)), ChangeStatus::kAlreadyMember);
    EXPECT_EQ(refusal(add(4)), ChangeStatus::kAlreadyMember);
    EXPECT_EQ(refusal(add(5, true, 9)), ChangeStatus::kNoSuchMember);
    EXPECT_EQ(refusal(add(5, false, 1)), ChangeStatus::kInvalid);
    EXPECT_EQ(refusal(add(0)), ChangeStatus::kInvalid);
    EXPECT_EQ(refusal(promote(2)), ChangeStatus::kNoSuchMember);
    EXPECT_EQ(refusal(demote(4)), ChangeStatus::kNoSuchMember);
    EXPECT_EQ(refusal(remove(9)), ChangeStatus::kNoSuchMember);
    EXPECT_EQ(refusal(replace(9, 4)), ChangeStatus::kNoSuchMember);
    EXPECT_EQ(refusal(replace(1, 9)), ChangeStatus::kNoSuchMember);
    EXPECT_EQ(refusal({.kind = Kind::kUpdate, .member = member(2)}), ChangeStatus::kUnchanged);
    EXPECT_EQ(plan_change(configuration_of(ids({1})), remove(1)).status, ChangeStatus::kLastVoter);
    EXPECT_EQ(plan_change(configuration_of(ids({1})), demote(1)).status, ChangeStatus::kLastVoter);
    for (uint64_t id = 100; current.learners.size() < kMembersOfSetMax; ++id)
        current.learners.push_back(member(id));
    EXPECT_EQ(refusal(add(5)), ChangeStatus::kTooMany);
}

TEST(PlanChange, NobodyReplacesWhoLeft) {
    Configuration current = configuration_of(ids({1, 2}));
    current.learners = {member(4, true, 2)};
    const PlannedChange planned = plan_change(current, remove(2));
    ASSERT_EQ(planned.status, ChangeStatus::kAccepted);
    EXPECT_TRUE(planned.next.learners[0].replaces.is_none());
    EXPECT_TRUE(planned.next.learners[0].promote);
}

// --- the cluster ---

class MembershipTest : public ::testing::Test {
 protected:
    void start(size_t nodes, const std::function<void(RaftConfig&)>& configure = {}) {
        cluster_ = std::make_unique<Cluster>(nodes, configure);
        ASSERT_TRUE(cluster_->elect(1));
        beat(1);
    }
    void beat(uint64_t leader) { cluster_->run_for(5 * Cluster::kHeartbeatNs, {leader}); }
    // A learner that has caught up.
    uint64_t add_learner(uint64_t leader) {
        const uint64_t id = cluster_->add_node();
        EXPECT_EQ(cluster_->change(leader, add(id)).status, ChangeStatus::kAccepted);
        beat(leader);
        return id;
    }
    void make(uint64_t leader, const ConfigurationChange& change) {
        const ChangeResult result = cluster_->change(leader, change);
        ASSERT_EQ(result.status, ChangeStatus::kAccepted) << change_status_name(result.status);
        beat(leader);
    }
    void deliver(const std::vector<uint64_t>& to) {
        while (cluster_->deliver_all(to)) {
        }
    }
    Status status(uint64_t id) { return cluster_->raft(id).status(); }

    std::unique_ptr<Cluster> cluster_;
};

TEST_F(MembershipTest, OneBecomesThreeBecomesFiveBecomesThreeOthers) {
    start(1);
    while (cluster_->size() < 5) {
        const uint64_t id = add_learner(1);
        make(1, promote(id));
        EXPECT_FALSE(status(1).change_in_progress);
        EXPECT_EQ(cluster_->propose(1, "x").status, ProposeStatus::kAccepted);
    }
    EXPECT_EQ(status(1).voters, ids({1, 2, 3, 4, 5}));
    make(1, replace(2, add_learner(1)));
    make(1, remove(3));
    make(1, remove(4));
    EXPECT_EQ(status(1).voters, ids({1, 5, 6}));
    for (const uint64_t id : {5, 6}) {
        EXPECT_EQ(status(id).voters, ids({1, 5, 6})) << id;
        EXPECT_EQ(status(id).last_applied, status(1).last_index) << id;
    }
    cluster_->crash(1);
    cluster_->run_for(4 * Cluster::kElectionTimeoutNs);
    EXPECT_GE(cluster_->leader(), 5u);
}

TEST_F(MembershipTest, ALearnerGetsEntriesAndCountsForNothing) {
    start(1);
    const uint64_t learner = add_learner(1);
    EXPECT_EQ(status(1).learners, ids({2}));
    EXPECT_EQ(status(learner).last_index, status(1).last_index);
    cluster_->isolate(learner);
    const ProposeResult result = cluster_->propose(1, "x");
    EXPECT_EQ(cluster_->raft(1).commit_index(), result.index);
    const auto [taken, read] = cluster_->read(1);
    EXPECT_TRUE(cluster_->confirmed(read).has_value()) << "no answer of the learner is needed";
}

TEST_F(MembershipTest, ALearnerNeitherCampaignsNorIsAsked) {
    start(2);
    const uint64_t learner = add_learner(1);
    cluster_->crash(1);
    cluster_->run_for(6 * Cluster::kElectionTimeoutNs);
    EXPECT_EQ(cluster_->raft(learner).current_term(), Term{1});
    EXPECT_TRUE(cluster_->raft(learner).leader().is_none());
    EXPECT_TRUE(cluster_->sent<RequestVote>(learner).empty());
    EXPECT_EQ(cluster_->leader(), 0u) << "one of two voters and a learner elect nobody";
}

TEST_F(MembershipTest, ANodeThatJoinsDoesNotCampaign) {
    start(1);
    const uint64_t id = cluster_->add_node();
    cluster_->run_for(6 * Cluster::kElectionTimeoutNs, {id});
    EXPECT_EQ(cluster_->raft(id).role(), Role::kFollower);
    EXPECT_TRUE(status(id).voters.empty());
}

// Thesis 4.2.2; etcd lets learners vote for the same reason.
TEST_F(MembershipTest, AVoterThatDoesNotKnowYetThatItIsOneVotes) {
    start(3);
    const uint64_t fourth = add_learner(1);
    cluster_->partition({{1, 2, 3}});
    make(1, promote(fourth));
    ASSERT_EQ(status(1).voters.size(), 4u);
    EXPECT_EQ(status(fourth).learners, ids({4})) << "it heard nothing";
    cluster_->crash(1);
    cluster_->heal();
    EXPECT_TRUE(cluster_->elect(2)) << "three of four are needed";
}

// --- joint consensus ---

TEST_F(MembershipTest, AJointConfigurationNeedsAMajorityOfEachSetToCommit) {
    start(3);
    for (int i = 0; i < 2; ++i)
        add_learner(1);
    make(1, replace(2, 4));
    // Now 1, 3, 4. Joint of {1, 3, 4} and {1, 3, 5}:
    cluster_->partition({{1, 5}});
    ASSERT_EQ(cluster_->change(1, replace(4, 5)).status, ChangeStatus::kAccepted);
    deliver({1, 5});
    EXPECT_TRUE(status(1).change_in_progress);
    EXPECT_EQ(status(1).outgoing, ids({1, 3, 4}));
    EXPECT_LT(status(1).commit_index, status(1).last_index) << "1 and 5 are a majority of the newer set alone";
    cluster_->partition({{1, 4}});
    cluster_->advance(Cluster::kHeartbeatNs, {1});
    deliver({1, 4});
    EXPECT_TRUE(status(1).outgoing.empty()) << "1 and 4 are a majority before, 1 and 5 are one now";
}

TEST_F(MembershipTest, AnElectionNeedsAMajorityOfEachSet) {
    start(3);
    for (int i = 0; i < 2; ++i)
        add_learner(1);
    make(1, replace(2, 4));
    make(1, replace(3, 5));
    // Joint of {1, 4, 5} and {1, 4}: held at 1 and 4 alone.
    cluster_->partition({{1, 4}});
    ASSERT_EQ(cluster_->change(1, remove(5)).status, ChangeStatus::kAccepted);
    deliver({4});
    cluster_->crash(1);
    cluster_->heal();
    EXPECT_FALSE(cluster_->elect(4)) << "4 and 5 are two of three before, and 4 is one of two after";
    cluster_->restart(1);
    cluster_->run_for(4 * Cluster::kElectionTimeoutNs, {1, 4});
    EXPECT_NE(cluster_->leader(), 0u);
    EXPECT_FALSE(status(cluster_->leader()).change_in_progress) << "whoever leads leaves the joint state";
    EXPECT_EQ(status(cluster_->leader()).voters, ids({1, 4}));
}

// M2: openraft's joint consensus; the leader dies in each phase.
TEST_F(MembershipTest, ALeaderThatFindsAJointConfigurationLeavesItOnce) {
    start(3);
    add_learner(1);
    cluster_->hold_output(1, true);
    ASSERT_EQ(cluster_->change(1, replace(3, 4)).status, ChangeStatus::kAccepted);
    cluster_->hold_output(1, false);
    deliver({2, 3, 4});
    const LogIndex joint = status(2).last_index;
    ASSERT_EQ(status(2).outgoing, ids({1, 2, 3}));
    cluster_->crash(1);
    ASSERT_TRUE(cluster_->elect(2));
    beat(2);
    EXPECT_EQ(status(2).voters, ids({1, 2, 4}));
    EXPECT_FALSE(status(2).change_in_progress);
    EXPECT_EQ(status(2).last_index, joint + 2) << "its own first entry, and the one that leaves";
    cluster_->restart(1);
    beat(2);
    ASSERT_TRUE(cluster_->transfer(2, 4).status == TransferStatus::kStarted);
    cluster_->settle();
    ASSERT_EQ(cluster_->leader(), 4u);
    beat(4);
    EXPECT_EQ(status(4).configuration_index, joint + 2) << "nothing to leave any more";
}

TEST_F(MembershipTest, AJointConfigurationThatIsCutOffIsNotInForce) {
    start(3);
    add_learner(1);
    cluster_->isolate(1);
    ASSERT_EQ(cluster_->change(1, replace(3, 4)).status, ChangeStatus::kAccepted);
    ASSERT_EQ(status(1).voters, ids({1, 2, 4}));
    cluster_->run_for(3 * Cluster::kElectionTimeoutNs, {1});
    ASSERT_FALSE(cluster_->raft(1).is_leader());
    ASSERT_TRUE(cluster_->elect(3));
    cluster_->heal();
    beat(3);
    EXPECT_EQ(status(1).voters, ids({1, 2, 3}));
    EXPECT_TRUE(status(1).outgoing.empty());
    EXPECT_EQ(status(1).learners, ids({4}));
}

// --- when a change is taken ---

// E8, M1: Ongaro, raft-dev, July 2015.
TEST_F(MembershipTest, NoChangeBeforeAnEntryOfTheTermIsCommitted) {
    start(3);
    cluster_->crash(1);
    cluster_->campaign(2);
    for (int i = 0; i < 2; ++i) {
        cluster_->deliver_all({3});
        cluster_->deliver_all({2});
    }
    ASSERT_TRUE(cluster_->raft(2).is_leader());
    EXPECT_EQ(cluster_->change(2, remove(3)).status, ChangeStatus::kNotReady);
}

TEST_F(MembershipTest, OneChangeAtATime) {
    start(3);
    add_learner(1);
    cluster_->isolate(1);
    ASSERT_EQ(cluster_->change(1, remove(4)).status, ChangeStatus::kAccepted);
    EXPECT_EQ(cluster_->change(1, add(5)).status, ChangeStatus::kInProgress);
    EXPECT_TRUE(status(1).change_in_progress);
}

TEST_F(MembershipTest, OnlyALeaderThatDoesNotHandOverTakesOne) {
    start(3);
    EXPECT_EQ(cluster_->change(2, remove(3)).status, ChangeStatus::kNotLeader);
    ASSERT_EQ(cluster_->transfer(1, 2).status, TransferStatus::kStarted);
    EXPECT_EQ(cluster_->change(1, remove(3)).status, ChangeStatus::kHandingOver);
}

// M4, thesis 4.2.1.
TEST_F(MembershipTest, ALearnerThatLagsIsNotPromoted) {
    start(1);
    const uint64_t id = cluster_->add_node();
    cluster_->isolate(id);
    ASSERT_EQ(cluster_->change(1, add(id, true)).status, ChangeStatus::kAccepted);
    EXPECT_EQ(cluster_->change(1, promote(id)).status, ChangeStatus::kNotCaughtUp);
    beat(1);
    EXPECT_EQ(status(1).voters, ids({1}));
    EXPECT_EQ(cluster_->propose(1, "x").status, ProposeStatus::kAccepted);
    EXPECT_EQ(status(1).commit_index, status(1).last_index);
    cluster_->heal();
    beat(1);
    beat(1);
    EXPECT_EQ(status(1).voters, ids({1, 2})) << "promoted by the leader itself";
}

TEST(CatchingUp, ARoundThatTakesLongerThanAnElectionDoesNotCount) {
    Progress learner(NodeId{4}, LogIndex{10}, 0, Inflights(4, 1000));
    learner.match_index = LogIndex{10};
    learner.follow_catch_up(LogIndex{90}, 2000, 1000);
    EXPECT_FALSE(learner.caught_up);
    learner.match_index = LogIndex{50};
    learner.follow_catch_up(LogIndex{95}, 2100, 1000);
    EXPECT_FALSE(learner.caught_up) << "the round ends at 90";
    learner.match_index = LogIndex{90};
    learner.follow_catch_up(LogIndex{95}, 2200, 1000);
    EXPECT_TRUE(learner.caught_up);
}

TEST_F(MembershipTest, TheWishToPromoteSurvivesAChangeOfLeader) {
    start(3);
    const uint64_t id = cluster_->add_node();
    cluster_->isolate(id);
    make(1, add(id, true, 3));
    cluster_->crash(1);
    ASSERT_TRUE(cluster_->elect(2));
    cluster_->heal();
    beat(2);
    beat(2);
    EXPECT_EQ(status(2).voters, ids({1, 2, 4}));
    EXPECT_TRUE(status(2).learners.empty());
}

// --- who leaves ---

// M7, thesis 4.2.2.
TEST_F(MembershipTest, ALeaderThatLeavesLeadsUntilThatIsCommittedAndHandsOver) {
    start(3);
    ASSERT_EQ(cluster_->change(1, remove(1)).status, ChangeStatus::kAccepted);
    EXPECT_TRUE(cluster_->raft(1).is_leader());
    cluster_->settle();
    EXPECT_FALSE(cluster_->raft(1).is_leader());
    EXPECT_NE(cluster_->leader(), 0u) << "nobody waited for an election timeout";
    EXPECT_EQ(status(cluster_->leader()).voters, ids({2, 3}));
    EXPECT_FALSE(status(cluster_->leader()).change_in_progress);
}

TEST_F(MembershipTest, ALeaderThatLeavesDoesNotCountItself) {
    start(3);
    cluster_->isolate(3);
    ASSERT_EQ(cluster_->change(1, remove(1)).status, ChangeStatus::kAccepted);
    deliver({1, 2});
    EXPECT_EQ(peer_status(*cluster_, 1, 2).match_index, status(1).last_index);
    EXPECT_LT(status(1).commit_index, status(1).last_index) << "1 and 2 hold it, and of 2 and 3 only one does";
    EXPECT_FALSE(status(1).outgoing.empty());
}

TEST_F(MembershipTest, ALeaderThatLeftStepsDownAlsoIfItsRequestIsLost) {
    start(2);
    ASSERT_EQ(cluster_->change(1, remove(1)).status, ChangeStatus::kAccepted);
    for (int i = 0; i < 6; ++i) {
        cluster_->deliver_all();
        for (size_t at = cluster_->network().size(); at-- > 0;) {
            if (std::holds_alternative<TimeoutNow>(cluster_->network()[at].body)) cluster_->drop(at);
        }
    }
    EXPECT_FALSE(cluster_->raft(1).is_leader());
    EXPECT_TRUE(cluster_->elect(2));
}

TEST_F(MembershipTest, WhoLeftKnowsItAndIsQuiet) {
    start(3);
    make(1, remove(3));
    EXPECT_EQ(status(1).peers.size(), 1u);
    EXPECT_EQ(status(3).voters, ids({1, 2}));
    EXPECT_FALSE(status(3).change_in_progress) << "it was told that this is committed";
    cluster_->run_for(6 * Cluster::kElectionTimeoutNs, {3});
    EXPECT_EQ(cluster_->raft(3).role(), Role::kFollower);
    EXPECT_EQ(cluster_->raft(1).current_term(), Term{1});
}

// Until what removes it is committed, its log may be the only one that can win.
TEST_F(MembershipTest, WhoLeavesMayCampaignUntilThatIsCommitted) {
    start(2);
    add_learner(1);
    // Old {1, 2}, new {1, 3}; the last entry is at 2 alone when 1 dies.
    ASSERT_EQ(cluster_->change(1, replace(2, 3)).status, ChangeStatus::kAccepted);
    deliver({2, 3});
    cluster_->deliver_all({1});
    deliver({2});
    ASSERT_EQ(status(2).voters, ids({1, 3}));
    ASSERT_TRUE(status(2).outgoing.empty());
    ASSERT_TRUE(status(2).change_in_progress);
    ASSERT_LT(status(3).last_index, status(2).last_index);
    cluster_->drop_all();
    cluster_->campaign(2);
    EXPECT_EQ(cluster_->raft(2).role(), Role::kPreCandidate);
}

// drmingdrmer/raft-rejoin-bug.
TEST_F(MembershipTest, ALateReplyOfANodeThatCameBackWithAnotherLogIsNotCounted) {
    start(3);
    const uint64_t learner = add_learner(1);
    ASSERT_EQ(cluster_->propose(1, "x").status, ProposeStatus::kAccepted);
    deliver({learner});
    const std::vector<AppendEntriesReply> late = cluster_->sent<AppendEntriesReply>(1);
    ASSERT_FALSE(late.empty());
    cluster_->settle();
    make(1, remove(learner));
    cluster_->wipe(learner);
    cluster_->isolate(learner);
    make(1, add(learner));
    ASSERT_EQ(peer_status(*cluster_, 1, learner).match_index, LogIndex{});
    for (const AppendEntriesReply& reply : late)
        cluster_->inject(append_reply(learner, 1, reply));
    EXPECT_EQ(peer_status(*cluster_, 1, learner).match_index, LogIndex{});
    cluster_->heal();
    beat(1);
    EXPECT_EQ(peer_status(*cluster_, 1, learner).match_index, status(1).last_index);
    EXPECT_EQ(status(1).dropped_messages.malformed, 0u);
}

// ClickHouse#118740, NuRaft#129.
TEST_F(MembershipTest, ANodeThatLeavesMayComeBackWithoutARestart) {
    start(3);
    make(1, remove(3));
    make(1, add(3, true));
    beat(1);
    EXPECT_EQ(status(1).voters, ids({1, 2, 3}));
    EXPECT_EQ(status(3).last_index, status(1).last_index);
}

// --- leases and rounds ---

TEST_F(MembershipTest, AppendingAConfigurationEndsTheLease) {
    start(3, [](RaftConfig& config) { config.clock_drift_percent = 10; });
    add_learner(1);
    beat(1);
    ASSERT_TRUE(cluster_->raft(1).has_lease(cluster_->now_ns()));
    ASSERT_EQ(cluster_->change(1, promote(4)).status, ChangeStatus::kAccepted);
    EXPECT_FALSE(cluster_->raft(1).has_lease(cluster_->now_ns()));
    beat(1);
    EXPECT_TRUE(cluster_->raft(1).has_lease(cluster_->now_ns())) << "a round of the new voters renewed it";
}

TEST_F(MembershipTest, AReadNeedsAMajorityOfEachSet) {
    start(3);
    for (int i = 0; i < 2; ++i)
        add_learner(1);
    make(1, replace(2, 4));
    cluster_->partition({{1, 5}});
    ASSERT_EQ(cluster_->change(1, replace(4, 5)).status, ChangeStatus::kAccepted);
    const auto [taken, read] = cluster_->read(1);
    deliver({1, 5});
    EXPECT_FALSE(cluster_->confirmed(read).has_value()) << "no majority of 1, 3, 4";
    cluster_->heal();
    beat(1);
    EXPECT_TRUE(cluster_->confirmed(read).has_value());
}

// The one voter that is left was silent for another leader's sake before.
TEST_F(MembershipTest, TheLastVoterOfManyWaitsForWhatItPromised) {
    start(2);
    make(1, remove(1));
    ASSERT_TRUE(cluster_->elect(2) || cluster_->leader() == 2u);
    cluster_->crash(2);
    cluster_->restart(2);
    cluster_->advance(1, {2});
    EXPECT_FALSE(cluster_->raft(2).is_leader());
    EXPECT_TRUE(cluster_->elect(2));
}

}  // namespace
}  // namespace kvorum::raft::testing
