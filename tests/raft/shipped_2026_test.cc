// Bugs of 2025 and 2026 in other implementations, as far as they are about Raft, each as a test that fails if this one
// has it. Those of the log: tests/wal/crash_test.cc, log_rebuild_test.cc and format_test.cc, which name the reports
// too.
#include <gtest/gtest.h>

#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {

constexpr uint64_t kHb = Cluster::kHeartbeatNs;

// hashicorp/raft#695: a heartbeat on another thread raised the term between the leader's look at it and its append, so
// that an entry of the new term came from who did not lead in it.
TEST(Shipped2026, hashicorp_695_TheTermRisesBetweenProposeAndSend) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.hold_output(1, true);
    const ProposeResult before = cluster.propose(1, "before");
    ASSERT_EQ(before.term, Term{1});
    cluster.inject(append(3, 1, 2, 1, 1));
    EXPECT_EQ(cluster.propose(1, "after").status, ProposeStatus::kNotLeader);
    cluster.hold_output(1, false);
    EXPECT_TRUE(cluster.sent<AppendEntries>().empty());
    EXPECT_EQ(cluster.raft(1).term_at(before.index), Term{1});
    EXPECT_EQ(cluster.raft(1).last_index(), before.index);
}

// CCF#8094, eliben/raft#27: a candidate that stepped down for a leader of its own term forgot its vote in it.
TEST(Shipped2026, CCF_8094_SteppingDownInATermKeepsItsVote) {
    Cluster cluster(3);
    cluster.campaign(1);
    cluster.deliver_all({2, 3});
    cluster.deliver_all({1});
    ASSERT_EQ(cluster.raft(1).role(), Role::kCandidate);
    cluster.drop_all();
    cluster.inject(append(2, 1, 1));
    ASSERT_EQ(cluster.raft(1).role(), Role::kFollower);
    EXPECT_EQ(cluster.raft(1).status().voted_for, NodeId{1});

    cluster.crash(1);
    cluster.restart(1);
    cluster.drop_all();
    cluster.advance(Cluster::kElectionTimeoutNs, {3});
    cluster.inject(vote_request(3, 1, 1, 9, 0));
    cluster.inject(vote_request(3, 1, 1));
    for (const RequestVoteReply& reply : cluster.sent<RequestVoteReply>(3))
        EXPECT_FALSE(reply.granted);
    EXPECT_EQ(cluster.node(1).disk.hard_state.voted_for, NodeId{1});
}

// ClickHouse#102629: the durable index was not taken back when entries were replaced while a sync was in flight, so
// what replaced them was acknowledged before it was durable.
TEST(Shipped2026, ClickHouse_102629_TruncationTakesTheDurableIndexBack) {
    Cluster cluster(3);
    cluster.node(2).options.persist_at_once = false;
    const EntryList old = make_log({1, 1, 1});
    const EntryList replaced = make_log({1, 2, 2});
    cluster.inject(append(1, 2, 1, 0, 0, old));
    cluster.persist(2);
    ASSERT_EQ(cluster.raft(2).status().durable_index, LogIndex{3});
    cluster.drop_all();
    cluster.inject(append(3, 2, 2, 1, 1, {replaced[1], replaced[2]}));
    EXPECT_EQ(cluster.raft(2).status().durable_index, LogIndex{1});
    cluster.inject(append(3, 2, 2, 3, 2));
    EXPECT_TRUE(cluster.sent<AppendEntriesReply>(3).empty()) << "the term is not durable either";
    cluster.persist(2, 1);
    cluster.crash(2);
    cluster.restart(2);
    EXPECT_EQ(cluster.raft(2).term_at(LogIndex{3}), Term{2});
}

// ClickHouse#107556, #106220: catching up in bulk skipped a step that single entries took; a start with pipelining on
// got stuck. One entry a message, all in one, and from the log: the same end.
TEST(Shipped2026, ClickHouse_107556_BulkAndSingleEntriesLeadToTheSame) {
    constexpr uint64_t kEntries = 60;
    for (const uint64_t message_bytes : {uint64_t{1}, 1 * kMiB}) {
        for (const uint64_t cache_bytes : {uint64_t{0}, 1 * kMiB}) {
            Cluster cluster(3, [&](RaftConfig& config) {
                config.message_bytes_max = message_bytes;
                config.cache_bytes_max = cache_bytes;
            });
            ASSERT_TRUE(cluster.elect(1));
            cluster.isolate(3);
            for (uint64_t i = 0; i < kEntries; ++i)
                cluster.propose(1, fmt::format("entry {}", i));
            cluster.run_for(3 * kHb);
            cluster.heal();
            cluster.run_for(30 * kHb);
            EXPECT_EQ(cluster.raft(3).commit_index(), LogIndex{kEntries + 1}) << message_bytes << " " << cache_bytes;
            EXPECT_EQ(cluster.node(3).applied_index, LogIndex{kEntries + 1});
            cluster.check_logs();
        }
    }
}

// yugabyte#32876: with batches of one entry, catching up never reached the place where the logs part.
TEST(Shipped2026, yugabyte_32876_TinyBatchesReachADivergentTail) {
    Cluster cluster(3, [](RaftConfig& config) { config.message_bytes_max = 1; });
    std::vector<uint64_t> ours(40, 3);
    std::vector<uint64_t> theirs(60, 2);
    ours[0] = ours[1] = theirs[0] = theirs[1] = 1;
    load(cluster, 1, ours, 3);
    load(cluster, 2, ours, 3);
    load(cluster, 3, theirs, 2);
    ASSERT_TRUE(cluster.elect(1));
    const LogIndex last = cluster.raft(1).last_index();
    uint64_t beats = 0;
    for (; beats < 200 && cluster.raft(3).status().durable_index != last; ++beats)
        cluster.run_for(kHb);
    EXPECT_LT(beats, 10U) << "an entry a message, not an entry a heartbeat";
    EXPECT_EQ(cluster.raft(3).term_at(last), cluster.raft(1).term_at(last));
    cluster.check_logs();
}

// redpanda#29849: an index that is derived from the log was wrong after a truncation. The terms of a log that was
// replaced again and again are those of one that is read anew.
TEST(Shipped2026, redpanda_29849_DerivedTermsSurviveTruncation) {
    Cluster cluster(3);
    cluster.inject(append(1, 2, 1, 0, 0, make_log({1, 1, 1, 1, 1})));
    for (const std::vector<uint64_t>& terms :
         {std::vector<uint64_t>{1, 1, 2, 2, 2, 2}, {1, 1, 2, 3}, {1, 4, 4, 4, 4}, {1, 4, 4, 5, 5, 5, 5}}) {
        cluster.inject(append(terms.back() % 2 == 0 ? 3 : 1, 2, terms.back(), 0, 0, make_log(terms)));
        const Raft rebuilt(cluster.node(2).config, cluster.node(2).disk.recover(), cluster.now_ns());
        const Raft& core = cluster.raft(2);
        EXPECT_EQ(core.last_index(), LogIndex{terms.size()});
        EXPECT_EQ(rebuilt.last_index(), core.last_index());
        EXPECT_EQ(rebuilt.last_log_time_ms(), core.last_log_time_ms());
        for (LogIndex index{1}; index <= core.last_index(); ++index) {
            EXPECT_EQ(core.term_at(index), Term{terms[index.value() - 1]});
            EXPECT_EQ(rebuilt.term_at(index), core.term_at(index));
        }
    }
}

// cockroachdb#124225: a follower with less than its leader counts as matched has lost a sync. It is never counted for
// what comes after that. (sim/cluster_checker.h holds the invariant itself after every turn, as "Acknowledgement".)
TEST(Shipped2026, cockroach_124225_AFollowerThatLostASyncCountsForNothingNew) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    cluster.propose(1, "acknowledged");
    cluster.run_for(kHb);
    ASSERT_EQ(peer_status(cluster, 1, 3).match_index, LogIndex{2});
    cluster.crash(3);
    cluster.node(3).disk.entries.pop_back();
    cluster.restart(3);
    cluster.isolate(2);
    const ProposeResult next = cluster.propose(1, "more");
    cluster.run_for(Cluster::kElectionTimeoutNs / 2, {1});
    EXPECT_LT(cluster.raft(1).commit_index(), next.index);
    EXPECT_EQ(peer_status(cluster, 1, 3).match_index, LogIndex{2});
    cluster.heal();
    cluster.run_for(2 * kHb);
    EXPECT_EQ(cluster.raft(1).commit_index(), next.index);
}

}  // namespace
}  // namespace kvorum::raft::testing
