// Bugs of replication and reads that shipped in other Raft implementations, each as a test that fails if this one has
// it. The comment names the public report. Rows that cannot apply: leadership transfer, membership and
// snapshots do not exist in this core.
#include <gtest/gtest.h>

#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {

constexpr uint64_t kEt = Cluster::kElectionTimeoutNs;
constexpr uint64_t kHb = Cluster::kHeartbeatNs;

// --- replication and commitment ---

// logcabin#44, CCF#5748: entries of earlier terms were committed by counting replicas.
TEST(ShippedReplicationBugs, CCF_5748_NoCommitOfEarlierTermsByCount) {
    Cluster cluster(3);
    for (uint64_t id = 1; id <= 3; ++id)
        load(cluster, id, {1, 1, 1}, 1);
    cluster.campaign(1);
    while (!cluster.raft(1).is_leader())
        cluster.deliver_all();
    cluster.drop_all();
    for (const uint64_t id : {2u, 3u}) {
        cluster.inject(append_reply(id, 1, {.term = Term{2}, .success = true, .match_index = LogIndex{3}}));
    }
    EXPECT_EQ(cluster.raft(1).commit_index(), LogIndex{});
}

// CCF#5674: the commit index was lost when a leader became a follower.
TEST(ShippedReplicationBugs, CCF_5674_CommitIndexSurvivesStepDown) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.propose(1, "x");
    cluster.settle();
    cluster.stall_disk(1, true);
    EXPECT_EQ(cluster.raft(1).commit_index(), LogIndex{2});
}

// yugabyte-db#32875, tikv#994: an acknowledgement on a second path (heartbeat, repeat, probe) counted what was
// received, not what was durable. All paths, with a follower whose disk is slow.
TEST(ShippedReplicationBugs, yugabyte_32875_NoPathAcknowledgesWhatIsNotDurable) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.node(2).options.persist_at_once = false;
    const EntryList entry = {make_entry(LogIndex{2}, Term{1}, "x", cluster.entry(1, LogIndex{1})->id().checksum)};
    cluster.inject(append(1, 2, 1, 1, 1, entry));  // the first time
    cluster.inject(append(1, 2, 1, 1, 1, entry));  // a repeat
    cluster.inject(append(1, 2, 1, 2, 1));         // a heartbeat behind it
    cluster.inject(append(1, 2, 1, 9, 1));         // a probe that is rejected
    Message round = append(1, 2, 1, 2, 1);
    std::get<AppendEntries>(round.body).read_round = 4;
    cluster.inject(round);
    const auto early = cluster.sent<AppendEntriesReply>(1);
    EXPECT_EQ(early.size(), 4u);
    for (const AppendEntriesReply& reply : early)
        EXPECT_LE(reply.match_index, LogIndex{1});
    cluster.drop_all();
    cluster.persist(2);
    ASSERT_EQ(cluster.sent<AppendEntriesReply>(1).size(), 1u);
    EXPECT_EQ(cluster.sent<AppendEntriesReply>(1)[0].match_index, LogIndex{2});
}

// etcd#14370: a cluster of one acknowledged before its own write was durable.
TEST(ShippedReplicationBugs, etcd_14370_SingleNodeWaitsForItsDisk) {
    Cluster cluster(1);
    cluster.advance(0);
    cluster.node(1).options.persist_at_once = false;
    const ProposeResult result = cluster.propose(1, "x");
    EXPECT_LT(cluster.raft(1).commit_index(), result.index);
    cluster.crash(1);
    cluster.restart(1);
    EXPECT_LT(cluster.raft(1).last_index(), result.index);
}

// CCF#6016: an acknowledgement covered the follower's whole log, beyond the end of the AppendEntries that it answered.
TEST(ShippedReplicationBugs, CCF_6016_AcknowledgesOnlyWhatTheMessageProved) {
    Cluster cluster(3);
    load(cluster, 2, {1, 1, 1, 1, 1}, 1);
    cluster.inject(append(1, 2, 2, 2, 1));
    ASSERT_EQ(cluster.sent<AppendEntriesReply>(1).size(), 1u);
    EXPECT_EQ(cluster.sent<AppendEntriesReply>(1)[0].match_index, LogIndex{2});
}

// CCF#6016, CCF#2803: an old AppendEntries that agrees with the log must not shorten it.
TEST(ShippedReplicationBugs, CCF_2803_OldAppendEntriesDoesNotShortenTheLog) {
    Cluster cluster(3);
    const EntryList log = make_log({1, 1, 1});
    cluster.inject(append(1, 2, 1, 0, 0, log));
    cluster.inject(append(1, 2, 1, 0, 0, {log[0]}));
    cluster.inject(append(1, 2, 1, 1, 1));
    EXPECT_EQ(cluster.raft(2).last_index(), LogIndex{3});
}

// camunda#14509, redisraft#53: a conflict with a committed entry. What a peer says is no reason to abort: it is dropped
// and counted, and changes nothing, not even the term.
TEST(ShippedReplicationBugs, camunda_14509_CommittedEntriesAreNeverReplaced) {
    Cluster cluster(3);
    for (uint64_t id = 1; id <= 3; ++id)
        load(cluster, id, {1, 1}, 1);
    cluster.inject(append(1, 2, 2, 2, 1, {}, 2));
    ASSERT_EQ(cluster.raft(2).commit_index(), LogIndex{2});
    const EntryList other = make_log({1, 3});
    cluster.inject(append(3, 2, 3, 1, 1, {other[1]}));
    cluster.inject(append(3, 2, 3, 2, 3));
    EXPECT_EQ(cluster.raft(2).status().dropped_messages.contradicting, 2u);
    EXPECT_EQ(cluster.raft(2).current_term(), Term{2});
    EXPECT_EQ(cluster.raft(2).term_at(LogIndex{2}), Term{1});
}

// etcd: the completion of an append of an old term marked newer entries at the same index stable ("ABA"). Three writes
// of one index are in flight, the third equals the first: only the third completion counts.
TEST(ShippedReplicationBugs, etcd_AsyncAppendAba) {
    Cluster cluster(3);
    cluster.node(2).options.persist_at_once = false;
    const EntryList first = make_log({1, 1});
    const EntryList second = make_log({1, 2});
    const EntryPtr third = make_entry(LogIndex{3}, Term{3}, "z", first[1]->id().checksum);
    cluster.inject(append(1, 2, 1, 0, 0, first));
    cluster.inject(append(3, 2, 2, 1, 1, {second[1]}));
    cluster.inject(append(1, 2, 3, 1, 1, {first[1], third}));
    ASSERT_EQ(cluster.node(2).units.size(), 3u);
    cluster.persist(2, 1);
    EXPECT_EQ(cluster.raft(2).status().durable_index, LogIndex{1});  // although (term, index) fits the log again
    cluster.persist(2, 1);
    EXPECT_EQ(cluster.raft(2).status().durable_index, LogIndex{1});
    cluster.persist(2, 1);
    EXPECT_EQ(cluster.raft(2).status().durable_index, LogIndex{3});
}

// The same with a completion that is of no unit in flight any more: repeated, or invented.
TEST(ShippedReplicationBugs, etcd_StaleCompletionIsIgnored) {
    Cluster cluster(3);
    cluster.node(2).options.persist_at_once = false;
    cluster.inject(append(1, 2, 1, 0, 0, make_log({1, 1})));
    cluster.raft(2).on_persisted(Term{1}, LogIndex{1});
    cluster.raft(2).on_persisted(Term{7}, LogIndex{2});
    cluster.raft(2).on_persisted(Term{}, LogIndex{});
    EXPECT_EQ(cluster.raft(2).status().durable_index, LogIndex{});
    cluster.persist(2);
    EXPECT_EQ(cluster.raft(2).status().durable_index, LogIndex{2});
}

// CCF#2835: the hint of a rejection was too high, so that the leader went on in the wrong place.
TEST(ShippedReplicationBugs, CCF_2835_HintIsNeverAboveTheRejectedIndex) {
    Cluster cluster(3);
    load(cluster, 2, {1, 1, 1, 2, 2, 2}, 2);
    cluster.inject(append(1, 2, 5, 5, 4));
    const AppendEntriesReply longer = cluster.sent<AppendEntriesReply>(1).at(0);
    EXPECT_LE(longer.hint_index, LogIndex{5});
    EXPECT_EQ(longer.hint_term, Term{2});
    cluster.drop_all();
    cluster.inject(append(1, 2, 5, 5, 1));
    const AppendEntriesReply lower = cluster.sent<AppendEntriesReply>(1).at(0);
    EXPECT_EQ(lower.hint_index, LogIndex{3});  // nothing of term 2 can match
    EXPECT_EQ(lower.hint_term, Term{1});
}

// CCF#3723, etcd-io/raft#149: a rejection that arrives late moved next_index below what was acknowledged, or back up.
TEST(ShippedReplicationBugs, CCF_3723_LateRejectionsChangeNothing) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    for (int i = 0; i < 5; ++i)
        cluster.propose(1, "x");
    cluster.settle();
    const auto next_index = [&] { return peer_status(cluster, 1, 2).next_index; };
    ASSERT_EQ(next_index(), LogIndex{7});
    cluster.inject(
        append_reply(2, 1, {.term = Term{1}, .rejected_prev_index = LogIndex{4}, .hint_index = LogIndex{0}}));
    EXPECT_EQ(next_index(), LogIndex{7});
    EXPECT_STREQ(peer_status(cluster, 1, 2).state, "replicate");
}

TEST(ShippedReplicationBugs, CCF_3723_OldHeartbeatDoesNotUndoBacktracking) {
    Cluster cluster(3);
    load(cluster, 1, {1, 1, 1, 1, 1}, 1);
    load(cluster, 3, {1, 1, 1, 1, 1}, 1);
    cluster.isolate(2);
    ASSERT_TRUE(cluster.elect(1));
    const auto next_index = [&] { return peer_status(cluster, 1, 2).next_index; };
    cluster.inject(append_reply(
        2, 1, {.term = Term{2}, .rejected_prev_index = LogIndex{5}, .hint_index = LogIndex{2}, .hint_term = Term{1}}));
    ASSERT_EQ(next_index(), LogIndex{3});
    cluster.inject(append_reply(
        2, 1, {.term = Term{2}, .rejected_prev_index = LogIndex{5}, .hint_index = LogIndex{4}, .hint_term = Term{1}}));
    EXPECT_EQ(next_index(), LogIndex{3});
}

// etcd 3.5 (postmortem of April 2022): commit and applied indexes were saved apart from the state. Nothing of the kind
// is saved here: after a restart all is handed out again.
TEST(ShippedReplicationBugs, etcd_13766_NothingIsSkippedAfterARestart) {
    Cluster cluster(1);
    cluster.advance(0);
    for (int i = 0; i < 10; ++i)
        cluster.propose(1, "x");
    ASSERT_EQ(cluster.node(1).applied_index, LogIndex{11});
    cluster.crash(1);
    cluster.restart(1);
    EXPECT_EQ(cluster.node(1).applied_index, LogIndex{});
    cluster.advance(0);
    EXPECT_EQ(cluster.node(1).applied_index, LogIndex{12});
}

// openraft#1246: the only voter never applied again what was committed before its restart.
TEST(ShippedReplicationBugs, openraft_1246_SoleVoterHandsOutItsLog) {
    Cluster cluster(1);
    load(cluster, 1, {1, 1, 2}, 2);
    cluster.advance(0);
    EXPECT_EQ(cluster.node(1).applied_index, LogIndex{4});
}

// etcd#10167, cockroach#90314: what a leader without a majority takes in is bounded.
TEST(ShippedReplicationBugs, etcd_10167_UncommittedBytesAreBounded) {
    Cluster cluster(3, [](RaftConfig& config) { config.uncommitted_bytes_max = 10000; });
    ASSERT_TRUE(cluster.elect(1));
    cluster.isolate(1);
    size_t accepted = 0;
    for (int i = 0; i < 100; ++i)
        accepted +=
            cluster.propose(1, std::string(1000 - EntryHeader::kEncodedSize, 'x')).status == ProposeStatus::kAccepted
                ? 1u
                : 0u;
    EXPECT_EQ(accepted, 10u);
    EXPECT_EQ(cluster.propose(1, "x").status, ProposeStatus::kOverloaded);
}

// cockroach#104402, scylladb#11559: what is in flight to one peer is bounded, in bytes and messages.
TEST(ShippedReplicationBugs, scylladb_11559_BytesInFlightAreBounded) {
    Cluster cluster(3, [](RaftConfig& config) {
        config.message_bytes_max = 1000;
        config.inflight_bytes_max = 4000;
    });
    ASSERT_TRUE(cluster.elect(1));
    cluster.cut(2, 1);
    for (int i = 0; i < 100; ++i)
        cluster.propose(1, std::string(428, 'x'));
    const PeerStatus status = peer_status(cluster, 1, 2);
    EXPECT_GE(status.inflight_bytes, 4000u);
    EXPECT_LE(status.inflight_bytes, 5000u);
}

// A peer that is gone for a long time does not make the leader's memory grow: what all others need no more is let go.
TEST(ShippedReplicationBugs, scylladb_31402_CacheIsBounded) {
    Cluster cluster(3, [](RaftConfig& config) { config.cache_bytes_max = 5000; });
    ASSERT_TRUE(cluster.elect(1));
    cluster.isolate(3);
    for (int i = 0; i < 100; ++i) {
        cluster.propose(1, std::string(928, 'x'));
        cluster.settle();
    }
    const LogIndex last = cluster.raft(1).last_index();
    EXPECT_EQ(cluster.raft(1).cached_entry(last - 10), nullptr);
    EXPECT_NE(cluster.raft(1).cached_entry(last), nullptr);
    cluster.heal();
    cluster.run_for(5 * kHb, {1});
    EXPECT_EQ(cluster.raft(3).last_index(), last);  // from the log
}

// Entries read back for a peer may be of a log that was replaced meanwhile: they are compared with the log, and not
// sent.
TEST(ShippedReplicationBugs, StaleLogReadIsNotSent) {
    Cluster cluster(3, [](RaftConfig& config) { config.cache_bytes_max = 0; });
    ASSERT_TRUE(cluster.elect(1));
    cluster.node(1).options.answer_log_reads_at_once = false;
    cluster.isolate(3);
    for (int i = 0; i < 3; ++i)
        cluster.propose(1, "x");
    cluster.settle();
    cluster.heal();
    cluster.unreachable(1, 3);
    cluster.connected(1, 3);
    cluster.settle();
    ASSERT_EQ(cluster.node(1).log_reads.size(), 1u);
    const LogIndex first = cluster.node(1).log_reads[0].read.first_index;
    const EntryList right = cluster.node(1).log_reads[0].entries;
    cluster.node(1).log_reads[0].entries = {make_entry(first, Term{9}, "y", 0)};
    cluster.answer_log_reads(1);
    EXPECT_TRUE(cluster.sent<AppendEntries>(3).empty());
    EXPECT_STREQ(peer_status(cluster, 1, 3).state, "probe");
    cluster.raft(1).on_log_read(NodeId{3}, first, right);  // answered already
    EXPECT_TRUE(cluster.sent<AppendEntries>(3).empty());
    cluster.node(1).options.answer_log_reads_at_once = true;
    cluster.run_for(3 * kHb, {1});
    EXPECT_EQ(cluster.raft(3).last_index(), cluster.raft(1).last_index());
}

// --- reads ---

// tikv#7995: a read was registered after the round had been sent that confirmed it.
TEST(ShippedReadBugs, tikv_7995_RoundBeginsAfterTheRead) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    const uint64_t first = cluster.read(1).second;
    cluster.deliver_all({2});
    const uint64_t second = cluster.read(1).second;
    cluster.deliver(0);  // node 3 answers round 1
    cluster.deliver_all({1});
    EXPECT_TRUE(cluster.confirmed(first).has_value());
    EXPECT_FALSE(cluster.confirmed(second).has_value());
}

// The same within one turn: the read is there, its round has not left, and the acknowledgement of an earlier round
// comes.
TEST(ShippedReadBugs, tikv_7995_ReadWithoutARoundIsNotConfirmed) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    static_cast<void>(cluster.read(1));
    cluster.deliver_all({2});
    cluster.hold_output(1, true);
    const uint64_t second = cluster.read(1).second;
    cluster.deliver_all({1});
    cluster.hold_output(1, false);
    EXPECT_FALSE(cluster.confirmed(second).has_value());
}

// etcd#20418, etcd-io/raft#397, antfly#599: a retry reused the token of its round, so a late acknowledgement confirmed
// a newer read.
TEST(ShippedReadBugs, etcd_20418_LateAcknowledgementsConfirmNothingNew) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    static_cast<void>(cluster.read(1));
    cluster.deliver_all({2});
    cluster.deliver_all({3});
    const std::vector<AppendEntriesReply> late = cluster.sent<AppendEntriesReply>(1);
    ASSERT_EQ(late.size(), 2u);
    cluster.drop_all();
    cluster.advance(kHb, {1});  // the round is sent again
    cluster.drop_all();
    const uint64_t newer = cluster.read(1).second;
    for (const uint64_t id : {2u, 3u}) {
        cluster.inject(append_reply(id, 1, late[0]));
        cluster.inject(append_reply(id, 1, late[0]));
    }
    EXPECT_FALSE(cluster.confirmed(newer).has_value());
}

// Rounds of another term are nothing to this leader, however high they are.
TEST(ShippedReadBugs, etcd_20418_RoundsOfAnotherTermDoNotCount) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    ASSERT_TRUE(cluster.elect(1) || cluster.elect(2));
    const uint64_t leader = cluster.leader();
    const uint64_t read = cluster.read(leader).second;
    for (uint64_t id = 1; id <= 3; ++id) {
        if (id == leader) continue;
        cluster.inject(append_reply(id, leader, {.term = Term{0}, .success = true, .read_round = 99}));
        cluster.inject(
            append_reply(id, leader, {.term = cluster.raft(leader).current_term(), .success = true, .read_round = 99}));
    }
    EXPECT_FALSE(cluster.confirmed(read).has_value());  // a round that was never sent
}

// A follower that rejects entries still follows: its rejection confirms the round, so reads do not wait for it to catch
// up.
TEST(ShippedReadBugs, RejectionsConfirmRounds) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.isolate(3);
    cluster.propose(1, "x");
    cluster.drop_all();
    const uint64_t read = cluster.read(1).second;
    cluster.deliver_all({2});
    EXPECT_FALSE(cluster.sent<AppendEntriesReply>(1).at(0).success);
    cluster.deliver_all({1});
    EXPECT_TRUE(cluster.confirmed(read).has_value());
}

// Found by random schedules here: a message of an old leadership is answered with the new term. If that answer carried
// the old round, and the sender leads again, it would confirm a read of the new leadership that has the same round.
TEST(ShippedReadBugs, RefusalOfAnOldTermCarriesNoRound) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    static_cast<void>(cluster.read(1));
    const Message old_round = cluster.network().at(0);
    ASSERT_EQ(old_round.to, NodeId{2});
    cluster.drop_all();
    cluster.advance(2 * kEt, {1});  // steps down for lack of a quorum
    ASSERT_TRUE(cluster.elect(1));
    ASSERT_EQ(cluster.raft(1).current_term(), Term{2});
    const uint64_t read = cluster.read(1).second;
    cluster.drop_all();
    cluster.inject(old_round);
    EXPECT_EQ(cluster.sent<AppendEntriesReply>(1).at(0).read_round, 0u);
    cluster.deliver_all();
    EXPECT_FALSE(cluster.confirmed(read).has_value());
}

// d-engine#381, etcd#741: a read was served because its index was applied already, before any round.
TEST(ShippedReadBugs, etcd_741_AppliedIsNotConfirmed) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.run_for(2 * kHb);
    cluster.isolate(1);
    const uint64_t read = cluster.read(1).second;
    cluster.run_for(5 * kHb, {1});
    EXPECT_FALSE(cluster.confirmed(read).has_value());
    cluster.run_for(2 * kEt, {1});
    EXPECT_TRUE(cluster.was_dropped(read));
}

// etcd#7331, etcd#21375: a pending read survived a change of leader or term.
TEST(ShippedReadBugs, etcd_21375_ReadsDieWithTheirTerm) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    const uint64_t read = cluster.read(1).second;
    cluster.drop_all();
    cluster.inject(append(2, 1, 9, 1, 1));
    EXPECT_TRUE(cluster.was_dropped(read));
    // Leading again, with a quorum that answers, changes nothing for it.
    ASSERT_TRUE(cluster.elect(1));
    cluster.run_for(2 * kHb);
    EXPECT_FALSE(cluster.confirmed(read).has_value());
}

// Also those that still wait for the first entry of the term.
TEST(ShippedReadBugs, etcd_7331_EarlyReadsDieWithTheirTerm) {
    Cluster cluster(3);
    cluster.campaign(1);
    while (!cluster.raft(1).is_leader())
        cluster.deliver_all();
    const uint64_t read = cluster.read(1).second;
    cluster.inject(append(2, 1, 9, 0, 0));
    EXPECT_TRUE(cluster.was_dropped(read));
}

// xline#870: a follower served reads by itself.
TEST(ShippedReadBugs, xline_870_FollowersRefuseReads) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    EXPECT_EQ(cluster.read(2).first, ReadStatus::kNotLeader);
}

// --- what peers say ---

// Nothing that a peer sends may end the process or change state when it makes no sense.
TEST(MalformedMessages, AreDroppedAndCounted) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    const EntryList log = make_log({1, 1, 1});
    const EntryPtr foreign =
        make_entry(LogIndex{2}, Term{1}, "x", cluster.entry(2, LogIndex{1})->id().checksum, ClusterId{5});
    cluster.inject(append(1, 2, 1, 1, 1, {log[2]}));          // a gap behind prev
    cluster.inject(append(1, 2, 1, 0, 0, {log[0], log[2]}));  // a gap inside
    cluster.inject(append(1, 2, 1, 1, 1, {nullptr}));
    cluster.inject(append(1, 2, 1, 1, 1, {foreign}));
    cluster.inject(append(1, 2, 1, 0, 1));                                              // a term at index 0
    cluster.inject(append(1, 2, 0, 0, 0));                                              // no term
    cluster.inject(append(1, 2, 1, 1, 2));                                              // prev of a later term
    cluster.inject(append(1, 2, 1, 0, 0, {make_entry(LogIndex{1}, Term{2}, "x", 0)}));  // an entry of a later term
    cluster.inject(append(1, 2, UINT64_MAX, 0, 0));
    cluster.inject(
        {NodeId{3}, NodeId{2}, RequestVote{.term = Term{4}, .last_log_index = LogIndex{3}, .last_log_term = Term{4}}});
    cluster.inject({NodeId{3}, NodeId{2}, RequestVote{.term = Term{4}, .last_log_index = LogIndex{3}}});
    EXPECT_EQ(cluster.raft(2).status().dropped_messages.malformed, 11u);
    EXPECT_EQ(cluster.raft(2).current_term(), Term{1});
    EXPECT_EQ(cluster.raft(2).last_index(), LogIndex{1});

    cluster.inject(append_reply(2, 1, {.term = Term{1}, .success = true, .match_index = LogIndex{99}}));
    cluster.inject(append_reply(2, 1, {.term = Term{1}, .rejected_prev_index = LogIndex{99}}));
    cluster.inject(append_reply(2, 1, {.term = Term{UINT64_MAX}}));
    cluster.inject({NodeId{2}, NodeId{1}, RequestVoteReply{.term = Term{UINT64_MAX}}});
    EXPECT_EQ(cluster.raft(1).status().dropped_messages.malformed, 4u);
    EXPECT_TRUE(cluster.raft(1).is_leader());
}

TEST(MalformedMessages, OfStrangersAreDroppedAndCounted) {
    Cluster cluster(3);
    Raft& raft = cluster.raft(2);
    raft.step(append_reply(9, 2, {.term = Term{5}}), cluster.now_ns());
    raft.step(append(1, 3, 5, 0, 0), cluster.now_ns());
    raft.step(append(2, 2, 5, 0, 0), cluster.now_ns());
    EXPECT_EQ(raft.status().dropped_messages.unknown_sender, 3u);
    EXPECT_EQ(raft.current_term(), Term{});
}

// The chain of checksums: an entry that does not belong behind ours is not taken, though index and term fit.
TEST(ContradictingMessages, BrokenChainIsDropped) {
    Cluster cluster(3);
    const EntryList log = make_log({1, 1});
    cluster.inject(append(1, 2, 1, 0, 0, {log[0]}));
    cluster.inject(append(1, 2, 1, 1, 1, {make_entry(LogIndex{2}, Term{1}, "x", 12345)}));
    cluster.inject(
        append(1, 2, 1, 0, 0, {make_entry(LogIndex{1}, Term{1}, "other", 0)}));  // same place and term, another entry
    EXPECT_EQ(cluster.raft(2).status().dropped_messages.contradicting, 2u);
    EXPECT_EQ(cluster.raft(2).last_index(), LogIndex{1});
}

TEST(ContradictingMessages, SecondLeaderOfATermIsDropped) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.inject(append(3, 1, 1, 1, 1));
    cluster.inject(append(3, 2, 1, 1, 1));
    EXPECT_EQ(cluster.raft(1).status().dropped_messages.contradicting, 1u);
    EXPECT_EQ(cluster.raft(2).status().dropped_messages.contradicting, 1u);
    EXPECT_EQ(cluster.raft(2).leader(), NodeId{1});
}

TEST(ContradictingMessages, LeaderThatReplacesItsOwnEntriesIsDropped) {
    Cluster cluster(3);
    load(cluster, 2, {1, 2}, 2);
    cluster.inject(append(1, 2, 3, 2, 2));
    cluster.inject(append(1, 2, 3, 2, 1));
    EXPECT_EQ(cluster.raft(2).status().dropped_messages.contradicting, 1u);
    EXPECT_EQ(cluster.raft(2).last_index(), LogIndex{2});
}

}  // namespace
}  // namespace kvorum::raft::testing
