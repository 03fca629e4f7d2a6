// The parts of the core on their own: log, progress, persist queue, quorum, invariants.
#include <gtest/gtest.h>

#include "raft/invariants.h"
#include "raft/log.h"
#include "raft/persist_queue.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "tests/raft/harness.h"

namespace kvorum::raft::testing {
namespace {

Log log_of(const std::vector<uint64_t>& terms) {
    Log log{RecoveredLog{}};
    for (const EntryPtr& entry : make_log(terms))
        log.append(entry);
    return log;
}

TEST(LogTest, AnEmptyLogHasNothing) {
    const Log log{RecoveredLog{}};
    EXPECT_TRUE(log.last_index().is_none());
    EXPECT_TRUE(log.term_at(LogIndex{}).is_none());
    EXPECT_TRUE(log.term_at(LogIndex{1}).is_none());
    EXPECT_EQ(log.checksum_at(LogIndex{}), 0u);
    EXPECT_FALSE(log.is_cached(LogIndex{}));
    EXPECT_FALSE(log.is_cached(LogIndex{1}));
}

TEST(LogTest, KnowsTheTermOfEveryEntry) {
    const std::vector<uint64_t> terms = {1, 1, 2, 4, 4, 4, 7};
    const Log log = log_of(terms);
    for (size_t i = 0; i < terms.size(); ++i)
        EXPECT_EQ(log.term_at(LogIndex{i + 1}), Term{terms[i]});
    EXPECT_TRUE(log.term_at(LogIndex{8}).is_none());
    EXPECT_EQ(log.term_runs().size(), 4u);
}

TEST(LogTest, AnEntryAtAKnownIndexReplacesTheRest) {
    Log log = log_of({1, 1, 2, 2});
    const uint64_t prev = log.cached(LogIndex{2})->id().checksum;
    log.append(make_entry(LogIndex{3}, Term{5}, "x", prev));
    EXPECT_EQ(log.last_index(), LogIndex{3});
    EXPECT_EQ(log.last_term(), Term{5});
    EXPECT_EQ(log.term_runs().size(), 2u);
    EXPECT_EQ(as_text(log.cached(LogIndex{3})->body()), "x");
}

TEST(LogTest, FindsTheLastIndexOfATerm) {
    const Log log = log_of({1, 1, 3, 3, 5});
    const auto find = [&](uint64_t limit, uint64_t term) {
        return log.last_index_of_term_at_most(LogIndex{limit}, Term{term}).value();
    };
    EXPECT_EQ(find(5, 9), 5u);
    EXPECT_EQ(find(5, 4), 4u);
    EXPECT_EQ(find(3, 4), 3u);
    EXPECT_EQ(find(5, 2), 2u);
    EXPECT_EQ(find(1, 2), 1u);
    EXPECT_EQ(find(9, 9), 5u);
    EXPECT_EQ(find(5, 0), 0u);
    EXPECT_EQ(find(0, 9), 0u);
}

TEST(LogTest, EvictsTheOldestAndKeepsTheLast) {
    Log log = log_of({1, 1, 1, 1});
    const uint64_t size = log.cached(LogIndex{1})->encoded().size();
    log.evict(LogIndex{2}, 0);
    EXPECT_EQ(log.first_cached_index(), LogIndex{3});
    EXPECT_EQ(log.cached_bytes_above(LogIndex{}), 2 * size);
    EXPECT_EQ(log.cached_bytes_above(LogIndex{3}), size);
    log.evict(LogIndex{4}, 0);
    EXPECT_EQ(log.first_cached_index(), LogIndex{4});
    EXPECT_EQ(log.term_at(LogIndex{1}), Term{1});
    EXPECT_FALSE(log.checksum_at(LogIndex{1}).has_value());
    EXPECT_TRUE(log.checksum_at(LogIndex{4}).has_value());
}

TEST(LogTest, TheCapIsForWhatMayGo) {
    Log log = log_of({1, 1, 1, 1, 1});
    const uint64_t size = log.cached(LogIndex{1})->encoded().size();
    log.evict(LogIndex{4}, 2 * size);
    EXPECT_EQ(log.first_cached_index(), LogIndex{3});
    log.evict(LogIndex{1}, 0);
    EXPECT_EQ(log.first_cached_index(), LogIndex{3});
}

TEST(LogTest, ARecoveredLogHasNoCacheAndGrowsOne) {
    const EntryList entries = make_log({1, 2, 3});
    Disk disk;
    disk.entries = {entries[0], entries[1]};
    Log log{disk.recover()};
    EXPECT_EQ(log.first_cached_index(), LogIndex{3});
    EXPECT_EQ(log.checksum_at(LogIndex{2}), entries[1]->id().checksum);
    EXPECT_EQ(log.cached_bytes_above(LogIndex{}), 0u);
    log.append(entries[2]);
    EXPECT_EQ(log.first_cached_index(), LogIndex{3});
    EXPECT_EQ(log.cached_bytes_above(LogIndex{}), entries[2]->encoded().size());
    log.append(make_entry(LogIndex{1}, Term{9}, "x", 0));
    EXPECT_EQ(log.first_cached_index(), LogIndex{1});
    EXPECT_EQ(log.last_index(), LogIndex{1});
}

TEST(PersistQueueTest, AUnitCompletesAllBeforeIt) {
    PersistQueue queue{LogIndex{}};
    queue.begin_unit(Term{1}, LogIndex{2}, 1);
    queue.begin_unit(Term{}, LogIndex{}, 2);
    queue.begin_unit(Term{1}, LogIndex{4}, 2);
    EXPECT_TRUE(queue.complete(Term{1}, LogIndex{4}));
    EXPECT_EQ(queue.durable_index(), LogIndex{4});
    EXPECT_EQ(queue.durable_hard_version(), 2u);
    EXPECT_FALSE(queue.complete(Term{1}, LogIndex{2}));
}

TEST(PersistQueueTest, TruncationLowersWhatUnitsInFlightProve) {
    PersistQueue queue{LogIndex{3}};
    queue.begin_unit(Term{1}, LogIndex{6}, 0);
    queue.on_truncated(LogIndex{3});
    EXPECT_EQ(queue.durable_index(), LogIndex{2});
    queue.begin_unit(Term{2}, LogIndex{3}, 0);
    EXPECT_TRUE(queue.complete(Term{1}, LogIndex{6}));
    EXPECT_EQ(queue.durable_index(), LogIndex{2});
    EXPECT_TRUE(queue.complete(Term{2}, LogIndex{3}));
    EXPECT_EQ(queue.durable_index(), LogIndex{3});
}

TEST(InflightsTest, AreBoundedByMessagesAndBytes) {
    Inflights inflights(3, 100);
    inflights.add(LogIndex{1}, 50);
    EXPECT_FALSE(inflights.is_full());
    inflights.add(LogIndex{2}, 50);
    EXPECT_TRUE(inflights.is_full());
    inflights.free_to(LogIndex{1});
    EXPECT_FALSE(inflights.is_full());
    inflights.add(LogIndex{5}, 1);
    inflights.add(LogIndex{6}, 1);
    EXPECT_TRUE(inflights.is_full());
    inflights.free_to(LogIndex{4});
    EXPECT_EQ(inflights.count(), 2u);
    EXPECT_EQ(inflights.bytes(), 2u);
    inflights.free_to(LogIndex{9});
    EXPECT_EQ(inflights.count(), 0u);
}

Progress progress_at(uint64_t match, uint64_t next) {
    Progress progress(NodeId{2}, LogIndex{next}, 0, Inflights(4, 1000));
    progress.match_index = LogIndex{match};
    return progress;
}

TEST(ProgressTest, SuccessOpensThePipeline) {
    Progress progress = progress_at(0, 5);
    progress.set_probe(LogIndex{7}, 30);
    EXPECT_TRUE(progress.on_success(LogIndex{4}));
    EXPECT_EQ(progress.state, Progress::State::kReplicate);
    EXPECT_EQ(progress.next_index,
              LogIndex{8});  // what the probe carried was received, and is in flight until it is durable
    EXPECT_EQ(progress.inflights.bytes(), 30u);
    EXPECT_FALSE(progress.on_success(LogIndex{4}));
    EXPECT_TRUE(progress.on_success(LogIndex{7}));
    EXPECT_EQ(progress.inflights.count(), 0u);
}

TEST(ProgressTest, MatchNeverGoesBackAndNextStaysAboveIt) {
    Progress progress = progress_at(6, 9);
    EXPECT_FALSE(progress.on_success(LogIndex{2}));
    EXPECT_EQ(progress.match_index, LogIndex{6});
    progress.probe_from(LogIndex{3});
    EXPECT_EQ(progress.next_index, LogIndex{7});
}

TEST(ProgressTest, ALateRejectionIsNoNews) {
    Progress progress = progress_at(4, 9);
    EXPECT_FALSE(progress.is_news(LogIndex{4}));
    EXPECT_TRUE(progress.is_news(LogIndex{8}));  // the probe
    EXPECT_FALSE(progress.is_news(LogIndex{6}));
    progress.state = Progress::State::kReplicate;
    EXPECT_TRUE(progress.is_news(LogIndex{6}));
    EXPECT_FALSE(progress.is_news(LogIndex{9}));
}

TEST(QuorumTest, AMajorityIsMoreThanHalf) {
    EXPECT_EQ(majority_of(1), 1u);
    EXPECT_EQ(majority_of(2), 2u);
    EXPECT_EQ(majority_of(3), 2u);
    EXPECT_EQ(majority_of(4), 3u);
    EXPECT_EQ(majority_of(5), 3u);
}

TEST(QuorumTest, FindsWhatAMajorityReached) {
    struct Case {
        std::vector<uint64_t> values;
        uint64_t reached;
    };
    for (const auto& [values, reached] : {Case{{7}, 7},
                                          {{3, 7}, 3},
                                          {{7, 3}, 3},
                                          {{1, 2, 3}, 2},
                                          {{9, 9, 0}, 9},
                                          {{9, 0, 0}, 0},
                                          {{1, 2, 3, 4}, 2},
                                          {{5, 4, 3, 2, 1}, 3},
                                          {{9, 9, 9, 1, 1}, 9},
                                          {{9, 9, 1, 1, 1}, 1}}) {
        QuorumValues<uint64_t> quorum;
        for (const uint64_t value : values)
            quorum.add(value);
        EXPECT_EQ(quorum.reached_by_majority(), reached);
    }
}

// The checks that watch the core in tests must see.
class InvariantsDeathTest : public ::testing::Test {
 protected:
    StateView before_{.self = NodeId{1},
                      .role = Role::kFollower,
                      .hard_state = {Term{3}, NodeId{2}},
                      .commit_index = LogIndex{5},
                      .commit_term = Term{3},
                      .last_applied = LogIndex{5},
                      .handed_out_index = LogIndex{5},
                      .last_index = LogIndex{8},
                      .durable_index = LogIndex{7}};
    StateView after_ = before_;
};

TEST_F(InvariantsDeathTest, GoodStatesPass) {
    check_state(before_);
    check_delta(before_, after_);
}

TEST_F(InvariantsDeathTest, TheTermNeverFalls) {
    after_.hard_state.current_term = Term{2};
    EXPECT_DEATH(check_delta(before_, after_), "the term went from 3 to 2");
}

TEST_F(InvariantsDeathTest, OneVotePerTerm) {
    after_.hard_state.voted_for = NodeId{3};
    EXPECT_DEATH(check_delta(before_, after_), "two votes in term 3");
}

TEST_F(InvariantsDeathTest, TheCommitIndexNeverFalls) {
    after_.commit_index = LogIndex{4};
    EXPECT_DEATH(check_delta(before_, after_), "commit index went from 5 to 4");
}

TEST_F(InvariantsDeathTest, NothingIsCommittedBeyondTheLog) {
    after_.commit_index = LogIndex{9};
    EXPECT_DEATH(check_state(after_), "committed 9, last 8");
}

TEST_F(InvariantsDeathTest, NothingIsDurableBeyondTheLog) {
    after_.durable_index = LogIndex{9};
    EXPECT_DEATH(check_state(after_), "durable 9, last 8");
}

TEST_F(InvariantsDeathTest, WhatIsCommittedDoesNotChange) {
    const Log log = log_of({1, 1, 2, 2, 2, 2, 2, 2});
    const RoleState role = Follower{};
    after_.log = &log;
    after_.role_state = &role;
    EXPECT_DEATH(check_delta(before_, after_), "the committed entry 5 changed");
}

TEST_F(InvariantsDeathTest, ALeaderNeverDeletes) {
    before_.role = after_.role = Role::kLeader;
    after_.last_index = LogIndex{7};
    EXPECT_DEATH(check_delta(before_, after_), "a leader never deletes entries");
}

}  // namespace
}  // namespace kvorum::raft::testing
