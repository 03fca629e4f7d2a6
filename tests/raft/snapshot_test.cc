// A log that does not begin at its first entry, and snapshots that take its place (thesis chapter 5).
#include <gtest/gtest.h>

#include "raft/log.h"
#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {

LogIndex last_of(Cluster& cluster, uint64_t id) { return cluster.raft(id).last_index(); }

void propose_some(Cluster& cluster, uint64_t leader, int count) {
    for (int i = 0; i < count; ++i)
        ASSERT_EQ(cluster.propose(leader, fmt::format("v{}", i)).status, ProposeStatus::kAccepted);
}

// Node 1 leads three nodes; 3 is away while ten entries are committed and released.
class SnapshotTest : public ::testing::Test {
 protected:
    SnapshotTest() : cluster_(3) {
        EXPECT_TRUE(cluster_.elect(1));
        cluster_.run_for(2 * Cluster::kHeartbeatNs, {1});
        cluster_.isolate(3);
        propose_some(cluster_, 1, 10);
        cluster_.settle();
        cluster_.compact(1);
    }
    LogBase base_of(uint64_t id) { return cluster_.node(id).disk.snapshot; }
    // Node 2 leads the next term, without node 3.
    void lead_with_two() {
        cluster_.crash(1);
        cluster_.restart(1);
        ASSERT_TRUE(cluster_.elect(2));
    }
    void beat() { cluster_.run_for(3 * Cluster::kHeartbeatNs, {1}); }

    Cluster cluster_;
};

// --- the log behind its base ---

TEST_F(SnapshotTest, TermsAreKnownFromTheBaseOn) {
    EXPECT_EQ(cluster_.raft(1).base_index(), LogIndex{11});
    EXPECT_EQ(cluster_.raft(1).term_at(LogIndex{11}), Term{1});
    EXPECT_TRUE(cluster_.raft(1).term_at(LogIndex{10}).is_none());
    EXPECT_EQ(last_of(cluster_, 1), LogIndex{11});
}

// willemt/raft#130: what was released still counts as committed.
TEST_F(SnapshotTest, ReadsGoOnWhenTheWholeLogIsReleased) {
    EXPECT_EQ(cluster_.raft(1).commit_index(), cluster_.raft(1).base_index());
    const auto [status, read] = cluster_.read(1);
    EXPECT_EQ(status, ReadStatus::kAccepted);
    cluster_.settle();
    EXPECT_TRUE(cluster_.confirmed(read).has_value());
}

TEST_F(SnapshotTest, ANodeStartsAgainBehindItsBase) {
    cluster_.crash(1);
    cluster_.restart(1);
    const Status status = cluster_.raft(1).status();
    EXPECT_EQ(status.base_index, LogIndex{11});
    EXPECT_EQ(status.commit_index, LogIndex{11});
    EXPECT_EQ(status.last_applied, LogIndex{11});
    EXPECT_EQ(status.voters.size(), 3u);
    ASSERT_TRUE(cluster_.elect(1));
    EXPECT_EQ(cluster_.propose(1, "after").status, ProposeStatus::kAccepted);
}

// The log is empty, and not less up to date for that (thesis 3.6.1).
TEST_F(SnapshotTest, AReleasedLogCountsInElections) {
    cluster_.compact(2);
    cluster_.crash(1);
    cluster_.heal();
    EXPECT_FALSE(cluster_.elect(3));
    cluster_.run_for(4 * Cluster::kElectionTimeoutNs, {2, 3});
    EXPECT_EQ(cluster_.leader(), 2u);
}

TEST_F(SnapshotTest, AnAppendFromBelowTheBaseOfAFollowerAgrees) {
    cluster_.compact(2);
    cluster_.inject(append(1, 2, 1, 3, 1));
    EXPECT_EQ(cluster_.sent<AppendEntriesReply>(1).back().match_index, LogIndex{3});
    EXPECT_TRUE(cluster_.sent<AppendEntriesReply>(1).back().success);
    EXPECT_EQ(cluster_.raft(2).status().dropped_messages.contradicting, 0u);
}

TEST_F(SnapshotTest, AnotherEntryAtTheBaseContradicts) {
    cluster_.compact(2);
    cluster_.inject(append(1, 2, 1, 10, 1, {make_entry(LogIndex{11}, Term{1}, "other", 5)}));
    EXPECT_EQ(cluster_.raft(2).status().dropped_messages.contradicting, 1u);
    EXPECT_EQ(last_of(cluster_, 2), LogIndex{11});
}

TEST(LogBehindABase, KeepsTheRunsAndTheChainFromThereOn) {
    Log log{RecoveredLog{}};
    const EntryList entries = make_log({1, 1, 2, 2, 3});
    for (const EntryPtr& entry : entries)
        log.append(entry);
    log.compact(LogIndex{3});
    EXPECT_EQ(log.base_index(), LogIndex{3});
    EXPECT_EQ(log.term_runs().size(), 2u);
    EXPECT_EQ(log.term_runs().front(), (TermRun{Term{2}, LogIndex{4}}));
    EXPECT_EQ(log.checksum_at(LogIndex{3}), entries[2]->id().checksum);
    EXPECT_EQ(log.first_cached_index(), LogIndex{4});
    EXPECT_EQ(log.last_index_of_term_at_most(LogIndex{5}, Term{2}), LogIndex{4});
    EXPECT_EQ(log.last_index_of_term_at_most(LogIndex{5}, Term{1}), LogIndex{}) << "nothing that is known agrees";
    log.compact(LogIndex{5});
    EXPECT_TRUE(log.term_runs().empty());
    EXPECT_EQ(log.last_term(), Term{3});
    log.append(make_entry(LogIndex{6}, Term{3}, "x", entries[4]->id().checksum));
    EXPECT_EQ(log.term_at(LogIndex{6}), Term{3});
    EXPECT_EQ(log.cached_bytes_above(LogIndex{5}), log.cached(LogIndex{6})->encoded().size());
}

// --- the leader ---

TEST_F(SnapshotTest, APeerThatIsTooFarBehindIsSentOneAndFollowsAfterIt) {
    cluster_.heal();
    beat();
    EXPECT_EQ(cluster_.raft(3).base_index(), LogIndex{11});
    EXPECT_EQ(cluster_.raft(3).status().last_applied, LogIndex{11});
    propose_some(cluster_, 1, 2);
    beat();
    EXPECT_EQ(cluster_.raft(3).status().last_applied, LogIndex{13});
    EXPECT_STREQ(peer_status(cluster_, 1, 3).state, "replicate");
}

// S8: the transfer takes its time; the leader leads, the peer neither votes for others nor campaigns.
TEST_F(SnapshotTest, HeartbeatsGoOnWhileItIsUnderWay) {
    cluster_.heal();
    cluster_.advance(Cluster::kHeartbeatNs, {1});
    for (int i = 0; i < 40; ++i) {
        while (cluster_.deliver_all()) {
        }
        cluster_.advance(Cluster::kHeartbeatNs);
    }
    EXPECT_EQ(cluster_.snapshots().size(), 1u);
    EXPECT_STREQ(peer_status(cluster_, 1, 3).state, "snapshot");
    EXPECT_TRUE(peer_status(cluster_, 1, 3).recently_active);
    EXPECT_TRUE(cluster_.raft(1).is_leader());
    EXPECT_EQ(cluster_.raft(3).leader(), NodeId{1});
    EXPECT_EQ(cluster_.raft(3).current_term(), Term{1});
}

TEST_F(SnapshotTest, ALostOneIsAskedForAgain) {
    cluster_.heal();
    cluster_.advance(Cluster::kHeartbeatNs, {1});
    while (cluster_.deliver_all()) {
    }
    ASSERT_EQ(cluster_.snapshots().size(), 1u);
    cluster_.drop_snapshot(0);
    EXPECT_TRUE(cluster_.snapshots().empty()) << "not before the next heartbeat";
    beat();
    EXPECT_EQ(cluster_.raft(3).base_index(), LogIndex{11});
}

TEST_F(SnapshotTest, ItAcknowledgesNothingWhileItWaits) {
    cluster_.heal();
    cluster_.advance(Cluster::kHeartbeatNs, {1});
    while (cluster_.deliver_all()) {
    }
    EXPECT_EQ(peer_status(cluster_, 1, 3).match_index, LogIndex{1});
    cluster_.crash(2);
    const ProposeResult result = cluster_.propose(1, "needs two");
    while (cluster_.deliver_all()) {
    }
    EXPECT_LT(cluster_.raft(1).commit_index(), result.index);
}

// A new leader knows nothing of its peers; a broken connection does not make them lag.
TEST_F(SnapshotTest, APeerThatHoldsTheBaseNeedsNone) {
    cluster_.unreachable(1, 2);
    EXPECT_STREQ(peer_status(cluster_, 1, 2).state, "probe");
    cluster_.crash(1);
    cluster_.restart(1);
    cluster_.campaign(1);
    cluster_.deliver_all({1, 2});
    cluster_.deliver_all({1, 2});
    cluster_.deliver_all({1, 2});
    cluster_.deliver_all({1});
    ASSERT_TRUE(cluster_.raft(1).is_leader());
    cluster_.unreachable(1, 2);
    beat();
    EXPECT_STREQ(peer_status(cluster_, 1, 2).state, "replicate");
    for (const SentSnapshot& sent : cluster_.snapshots())
        EXPECT_NE(sent.to, 2u);
}

// It was on its way to be read while the log released it.
TEST(SnapshotAndLogRead, AnAnswerOfWhatWasReleasedIsNotSent) {
    Cluster cluster(3, [](RaftConfig& config) { config.cache_bytes_max = 0; });
    ASSERT_TRUE(cluster.elect(1));
    cluster.isolate(3);
    propose_some(cluster, 1, 6);
    cluster.settle();
    cluster.node(1).options.answer_log_reads_at_once = false;
    cluster.heal();
    cluster.advance(Cluster::kHeartbeatNs, {1});
    while (cluster.deliver_all()) {
    }
    ASSERT_EQ(cluster.node(1).log_reads.size(), 1u);
    cluster.compact(1);
    cluster.answer_log_reads(1);
    cluster.run_for(3 * Cluster::kHeartbeatNs, {1});
    EXPECT_EQ(cluster.raft(3).status().dropped_messages.malformed, 0u);
    EXPECT_EQ(cluster.raft(3).status().last_applied, LogIndex{7});
}

// --- the follower ---

// S1: NuRaft#407, tikv#1287.
TEST_F(SnapshotTest, OneThatIsNotAheadIsIgnored) {
    const LogBase old = base_of(1);
    propose_some(cluster_, 1, 2);
    cluster_.settle();
    beat();
    EXPECT_EQ(cluster_.install(2, old), InstallResult::kIgnored);
    EXPECT_EQ(cluster_.raft(2).commit_index(), LogIndex{13});
    EXPECT_EQ(cluster_.raft(2).base_index(), LogIndex{});
}

// S4: scylladb#15222, and two in short order.
TEST_F(SnapshotTest, TheSameTwiceIsOnceIgnored) {
    EXPECT_EQ(cluster_.install(3, base_of(1)), InstallResult::kInstalled);
    EXPECT_EQ(cluster_.install(3, base_of(1)), InstallResult::kIgnored);
}

TEST_F(SnapshotTest, ANewerOneTakesThePlaceOfOneThatIsNotWrittenYet) {
    const LogBase first = base_of(1);
    propose_some(cluster_, 1, 3);
    cluster_.settle();
    cluster_.compact(1);
    cluster_.hold_output(3, true);
    EXPECT_EQ(cluster_.install(3, first), InstallResult::kInstalled);
    EXPECT_EQ(cluster_.install(3, base_of(1)), InstallResult::kInstalled);
    cluster_.hold_output(3, false);
    EXPECT_EQ(cluster_.node(3).disk.base, base_of(1));
    EXPECT_EQ(cluster_.raft(3).status().durable_index, LogIndex{14});
}

// S2: hashicorp/raft#697, RedisLabs/raft#49, rabbitmq/ra#557.
TEST_F(SnapshotTest, ALogWithAnotherEntryThereIsDroppedAlsoBehindIt) {
    cluster_.node(3).disk.entries = make_log(std::vector<uint64_t>(20, 1));
    cluster_.crash(3);
    cluster_.restart(3);
    lead_with_two();
    propose_some(cluster_, 2, 3);
    cluster_.settle();
    cluster_.compact(2);
    ASSERT_EQ(base_of(2).last.term, Term{2});
    EXPECT_EQ(cluster_.install(3, base_of(2)), InstallResult::kInstalled);
    EXPECT_EQ(last_of(cluster_, 3), base_of(2).last.index);
    EXPECT_TRUE(cluster_.node(3).disk.entries.empty());
    cluster_.heal();
    cluster_.run_for(3 * Cluster::kHeartbeatNs, {2});
    cluster_.check_logs();
}

TEST_F(SnapshotTest, ALogThatHoldsTheEntryIsKept) {
    cluster_.node(3).disk.entries = cluster_.node(2).disk.entries;
    cluster_.crash(3);
    cluster_.restart(3);
    EXPECT_EQ(cluster_.raft(3).commit_index(), LogIndex{});
    EXPECT_EQ(cluster_.install(3, base_of(1)), InstallResult::kKept);
    EXPECT_EQ(cluster_.raft(3).commit_index(), LogIndex{11});
    EXPECT_EQ(cluster_.raft(3).status().last_applied, LogIndex{11}) << "applied from the log";
    EXPECT_EQ(cluster_.raft(3).base_index(), LogIndex{});
}

TEST_F(SnapshotTest, TheOneEntryOfATermThereIsNoOther) {
    cluster_.node(3).disk.entries = cluster_.node(2).disk.entries;
    cluster_.crash(3);
    cluster_.restart(3);
    LogBase forged = base_of(1);
    forged.last.checksum ^= 1;
    EXPECT_EQ(cluster_.raft(3).install_snapshot(forged), InstallResult::kIgnored);
    EXPECT_EQ(cluster_.raft(3).status().dropped_messages.contradicting, 1u);
    EXPECT_EQ(last_of(cluster_, 3), LogIndex{11});
}

// Its leader was elected, so no leader of an earlier term counts on this node any more.
TEST_F(SnapshotTest, TheTermOfItsLastEntryIsTakenOver) {
    lead_with_two();
    propose_some(cluster_, 2, 1);
    cluster_.settle();
    cluster_.compact(2);
    ASSERT_EQ(cluster_.raft(3).current_term(), Term{1});
    ASSERT_EQ(cluster_.install(3, base_of(2)), InstallResult::kInstalled);
    EXPECT_EQ(cluster_.raft(3).current_term(), Term{2});
    EXPECT_EQ(cluster_.node(3).disk.hard_state.current_term, Term{2});
    EXPECT_TRUE(cluster_.raft(3).leader().is_none());
}

TEST_F(SnapshotTest, ALeaderHoldsAllThatIsCommitted) {
    LogBase ahead = base_of(1);
    ahead.last.index = LogIndex{99};
    EXPECT_EQ(cluster_.raft(1).install_snapshot(ahead), InstallResult::kIgnored);
}

// A snapshot that is installed is durable, and a node starts from no less than its newest one.
TEST_F(SnapshotTest, WhatItStandsForIsAcknowledgedAtOnceAndWhatFollowsWhenTheDiskHasIt) {
    cluster_.node(3).options.persist_at_once = false;
    cluster_.heal();
    cluster_.install(3, base_of(1));
    EXPECT_EQ(cluster_.raft(3).status().durable_index, LogIndex{11});
    propose_some(cluster_, 1, 1);
    cluster_.advance(Cluster::kHeartbeatNs, {1});
    while (cluster_.deliver_all()) {
    }
    EXPECT_EQ(peer_status(cluster_, 1, 3).match_index, LogIndex{11});
    cluster_.persist(3);
    while (cluster_.deliver_all()) {
    }
    EXPECT_EQ(peer_status(cluster_, 1, 3).match_index, last_of(cluster_, 1));
}

// ABA: what was written of the log that is gone proves nothing about the one that begins behind the snapshot.
TEST_F(SnapshotTest, AWriteOfTheDroppedLogThatCompletesLateProvesNothing) {
    lead_with_two();
    cluster_.settle();
    cluster_.compact(2);
    cluster_.node(3).options.persist_at_once = false;
    EntryList lost = {make_entry(LogIndex{2}, Term{1}, "x", cluster_.entry(3, LogIndex{1})->id().checksum)};
    while (lost.size() < 20) {
        const EntryId before = lost.back()->id();
        lost.push_back(make_entry(before.index + 1, Term{1}, "x", before.checksum));
    }
    cluster_.inject(append(1, 3, 1, 1, 1, lost));
    ASSERT_EQ(last_of(cluster_, 3), LogIndex{21});
    ASSERT_EQ(cluster_.install(3, base_of(2)), InstallResult::kInstalled);
    const LogIndex base = base_of(2).last.index;
    ASSERT_LT(base, LogIndex{21});
    cluster_.persist(3, 1);
    EXPECT_EQ(cluster_.raft(3).status().durable_index, base);
    cluster_.persist(3);
    EXPECT_EQ(cluster_.raft(3).status().durable_index, base);
}

TEST_F(SnapshotTest, ACrashBeforeTheLogIsWrittenInstallsItAgain) {
    cluster_.node(3).options.persist_at_once = false;
    cluster_.install(3, base_of(1));
    cluster_.crash(3);
    EXPECT_EQ(cluster_.node(3).disk.base.last.index, LogIndex{});
    cluster_.restart(3);
    cluster_.persist(3);
    EXPECT_EQ(cluster_.raft(3).status().base_index, LogIndex{11});
    EXPECT_EQ(cluster_.node(3).disk.base.last.index, LogIndex{11});
}

// M3: openraft#1808.
TEST(SnapshotAndMembers, WhoTheyAreComesFromTheSnapshot) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.settle();
    const uint64_t joiner = cluster.add_node();
    const ConfiguredMember member{.id = NodeId{joiner}, .peer = {"host", 1}, .client = {"host", 2}};
    ASSERT_EQ(cluster.change(1, {.kind = ConfigurationChange::Kind::kAddLearner, .member = member}).status,
              ChangeStatus::kAccepted);
    cluster.drop_all();
    cluster.run_for(2 * Cluster::kHeartbeatNs, {1});
    cluster.isolate(joiner);
    propose_some(cluster, 1, 4);
    cluster.settle();
    cluster.compact(1);
    cluster.wipe(joiner);
    EXPECT_TRUE(cluster.raft(joiner).status().voters.empty());
    cluster.install(joiner, cluster.node(1).disk.snapshot);
    const Status status = cluster.raft(joiner).status();
    EXPECT_EQ(status.voters, (std::vector{NodeId{1}, NodeId{2}, NodeId{3}}));
    EXPECT_EQ(status.learners, std::vector{NodeId{joiner}});
}

}  // namespace
}  // namespace kvorum::raft::testing
