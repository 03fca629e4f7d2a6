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

// 6.4.1: it lasts as long as the others are silent, less what clocks may drift, from when the round began.
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

// To whom it was promised is forgotten, how long it may last is not.
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

// While the leader counts on its own silence, it keeps it, though a majority would let it go.
TEST_F(LeaseTest, ALeaderUnderALeaseElectsNoOther) {
    cluster.inject(vote_request(3, 1, 9, 9, 8));
    EXPECT_FALSE(cluster.sent<RequestVoteReply>(3).at(0).granted);
    EXPECT_TRUE(cluster.raft(1).is_leader());
    EXPECT_EQ(cluster.raft(1).current_term(), Term{1});

    cluster.drop_all();
    cluster.advance(Cluster::kElectionTimeoutNs, {3});
    EXPECT_FALSE(cluster.raft(1).has_lease(cluster.now_ns()));
    cluster.inject(vote_request(3, 1, 9, 9, 8));
    EXPECT_TRUE(cluster.sent<RequestVoteReply>(3).at(0).granted);
    EXPECT_FALSE(cluster.raft(1).is_leader());
}

// A promise is to a leader, not to a connection: its loss may end waiting, never silence.
TEST_F(LeaseTest, TheSilenceOutlivesTheConnection) {
    cluster.unreachable(2, 1);
    cluster.inject(vote_request(3, 2, 9, 9, 8));
    EXPECT_FALSE(cluster.sent<RequestVoteReply>(3).at(0).granted);
}

TEST_F(LeaseTest, ASilenceThatNobodyMayPromiseIsMalformed) {
    cluster.inject(append_reply(2, 1, {.term = Term{1}, .success = true, .silence_ns = kSilenceNsMax + 1}));
    EXPECT_EQ(cluster.raft(1).status().dropped_messages.malformed, 1U);
}

// --- unequal election timeouts ---

constexpr uint64_t kLongNs = 3000 * kMillisecondNs;
constexpr uint64_t kShortNs = 600 * kMillisecondNs;
constexpr uint64_t kReducedShortNs = kShortNs / 100 * (100 - kDriftPercent);
constexpr uint64_t kReducedLongNs = kLongNs / 100 * (100 - kDriftPercent);

void set_timeout(RaftConfig& config, uint64_t election_timeout_ns) {
    config.election_timeout_ns = election_timeout_ns;
    config.heartbeat_interval_ns = election_timeout_ns / 3;
}

// Nodes from `first_short` on have the short timeout, those before it the long one.
auto short_from(uint64_t first_short) {
    return [first_short](RaftConfig& config) {
        with_leases(config);
        set_timeout(config, config.self.value() < first_short ? kLongNs : kShortNs);
    };
}

// Returns when the round began that renewed its lease last.
uint64_t lead(Cluster& cluster, uint64_t id) {
    cluster.advance(2 * kLongNs, {id});
    cluster.settle();
    EXPECT_TRUE(cluster.raft(id).is_leader());
    cluster.advance(kShortNs / 3, {id});
    const uint64_t begun_ns = cluster.now_ns();
    cluster.settle();
    cluster.drop_all();
    return begun_ns;
}

void restart_with(Cluster& cluster, uint64_t id, uint64_t election_timeout_ns) {
    cluster.crash(id);
    set_timeout(cluster.node(id).config, election_timeout_ns);
    cluster.restart(id);
}

bool grants_vote(Cluster& cluster, uint64_t voter, uint64_t candidate) {
    cluster.drop_all();
    cluster.inject(vote_request(candidate, voter, 9, 99, 8));
    cluster.settle({voter});
    const bool granted = cluster.sent<RequestVoteReply>(candidate).at(0).granted;
    cluster.drop_all();
    return granted;
}

TEST(UnequalTimeouts, ALongerTimeoutOfTheLeaderDoesNotMakeTheLeaseLonger) {
    Cluster cluster(3, short_from(2));
    const uint64_t begun_ns = lead(cluster, 1);
    EXPECT_TRUE(cluster.raft(1).has_lease(begun_ns + kReducedShortNs - 1));
    EXPECT_FALSE(cluster.raft(1).has_lease(begun_ns + kReducedShortNs));
}

// What ends the rolling change that began with the followers: they elect another when their silence is over, and by
// then the lease is.
TEST(UnequalTimeouts, NobodyIsElectedBeforeTheEndOfTheLease) {
    Cluster cluster(3, short_from(4));
    lead(cluster, 1);
    for (uint64_t id = 2; id <= 3; ++id) {
        restart_with(cluster, id, kShortNs);
        cluster.run_for(2 * kLongNs);
    }
    ASSERT_EQ(cluster.leader(), 1U);
    cluster.isolate(1);
    while (cluster.leader() == 1) {
        ASSERT_TRUE(cluster.raft(1).is_leader());
        cluster.run_for(10 * kMillisecondNs, {2, 3});
    }
    EXPECT_FALSE(cluster.raft(1).has_lease(cluster.now_ns()));
}

// The k-th largest of all promises, the leader's own among them.
TEST(UnequalTimeouts, TheLeaseIsTheLeastPromiseOfTheBestMajority) {
    Cluster mostly_long(5, short_from(4));
    uint64_t begun_ns = lead(mostly_long, 1);
    EXPECT_TRUE(mostly_long.raft(1).has_lease(begun_ns + kReducedLongNs - 1));
    EXPECT_FALSE(mostly_long.raft(1).has_lease(begun_ns + kReducedLongNs));

    Cluster mostly_short(5, short_from(3));
    begun_ns = lead(mostly_short, 1);
    EXPECT_TRUE(mostly_short.raft(1).has_lease(begun_ns + kReducedShortNs - 1));
    EXPECT_FALSE(mostly_short.raft(1).has_lease(begun_ns + kReducedShortNs));
}

TEST(UnequalTimeouts, ALeaderWithAShortOneCountsOnItselfForNoLonger) {
    Cluster cluster(3, short_from(3));
    uint64_t begun_ns = lead(cluster, 3);
    EXPECT_TRUE(cluster.raft(3).has_lease(begun_ns + kReducedLongNs - 1)) << "the two others are a majority";
    EXPECT_FALSE(cluster.raft(3).has_lease(begun_ns + kReducedLongNs));

    Cluster without_one(3, short_from(3));
    without_one.isolate(1);
    begun_ns = lead(without_one, 3);
    EXPECT_TRUE(without_one.raft(3).has_lease(begun_ns + kReducedShortNs - 1));
    EXPECT_FALSE(without_one.raft(3).has_lease(begun_ns + kReducedShortNs));
}

// Else that voter would ask for votes for ever.
TEST(UnequalTimeouts, ALeaderBeatsAtAThirdOfTheLeastSilence) {
    Cluster cluster(3, short_from(3));
    lead(cluster, 1);
    EXPECT_LE(cluster.raft(1).next_deadline_ns(), cluster.now_ns() + kShortNs / 3);
    for (int i = 0; i < 100; ++i) {
        cluster.run_for(kShortNs / 6);
        ASSERT_EQ(cluster.raft(3).role(), Role::kFollower);
        ASSERT_EQ(cluster.raft(3).leader(), NodeId{1});
    }
    EXPECT_EQ(cluster.raft(1).current_term(), Term{1});
}

TEST(UnequalTimeouts, TheOptionIsTheSlowestBeat) {
    Cluster cluster(3, [](RaftConfig& config) {
        short_from(1)(config);
        config.heartbeat_interval_ns = kShortNs / 20;
    });
    lead(cluster, 1);
    EXPECT_EQ(cluster.raft(1).next_deadline_ns(), cluster.now_ns() + kShortNs / 20);
}

// --- restarts that change the timeout ---

TEST(ChangedTimeout, ARestartedNodeKeepsTheLongestSilenceThatItMayHavePromised) {
    Cluster cluster(3, short_from(4));
    lead(cluster, 1);
    restart_with(cluster, 2, kShortNs);
    cluster.advance(kLongNs - 1, {3});
    EXPECT_FALSE(grants_vote(cluster, 2, 3));
    EXPECT_GE(cluster.raft(2).next_deadline_ns(), cluster.now_ns() + 1) << "nor is it a candidate itself before";
    cluster.advance(1, {3});
    EXPECT_TRUE(grants_vote(cluster, 2, 3));
}

TEST(ChangedTimeout, APromiseIsTheLaterOfTheOldEndAndTheNewOne) {
    Cluster cluster(3, short_from(4));
    lead(cluster, 1);
    restart_with(cluster, 2, kShortNs);
    cluster.advance(kLongNs / 2, {3});
    cluster.inject(append(1, 2, 1, 1, 1));
    cluster.settle({2});
    EXPECT_EQ(cluster.sent<AppendEntriesReply>(1).back().silence_ns, kLongNs / 2);
    cluster.advance(kLongNs / 2 - 1, {3});
    EXPECT_FALSE(grants_vote(cluster, 2, 3));

    cluster.inject(append(1, 2, 1, 1, 1));
    cluster.settle({2});
    EXPECT_EQ(cluster.sent<AppendEntriesReply>(1).back().silence_ns, kShortNs);
}

TEST(ChangedTimeout, ALongerSilenceIsDurableBeforeItIsPromised) {
    Cluster cluster(3, short_from(1));
    lead(cluster, 1);
    cluster.node(2).options.persist_at_once = false;
    restart_with(cluster, 2, kLongNs);
    cluster.inject(append(1, 2, 1, 1, 1));
    EXPECT_TRUE(cluster.sent<AppendEntriesReply>(1).empty());
    cluster.persist(2);
    EXPECT_EQ(cluster.node(2).disk.hard_state.longest_silence_ms, kLongNs / kMillisecondNs);
    EXPECT_EQ(cluster.sent<AppendEntriesReply>(1).at(0).silence_ns, kLongNs);
}

// Else every later start of this node would wait for what no option says any more.
TEST(ChangedTimeout, AShorterOneIsRememberedOnceTheOldPromisesAreOver) {
    Cluster cluster(3, short_from(4));
    lead(cluster, 1);
    restart_with(cluster, 2, kShortNs);
    cluster.advance(kLongNs - 1, {2});
    EXPECT_EQ(cluster.node(2).disk.hard_state.longest_silence_ms, kLongNs / kMillisecondNs);
    cluster.advance(1, {2});
    EXPECT_EQ(cluster.node(2).disk.hard_state.longest_silence_ms, kShortNs / kMillisecondNs);
    restart_with(cluster, 2, kShortNs);
    cluster.advance(kShortNs, {3});
    EXPECT_TRUE(grants_vote(cluster, 2, 3));
}

TEST(ChangedTimeout, ANewLogHasPromisedNothing) {
    Cluster cluster(3, short_from(4));
    cluster.crash(2);
    cluster.node(2).disk.hard_state = {};
    cluster.restart(2);
    EXPECT_TRUE(grants_vote(cluster, 2, 3));
    EXPECT_EQ(cluster.node(2).disk.hard_state.longest_silence_ms, kLongNs / kMillisecondNs);
}

}  // namespace
}  // namespace kvorum::raft::testing
