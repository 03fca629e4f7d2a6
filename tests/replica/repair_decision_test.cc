// The table of replica/repair_decision.h, row by row, for the entry 10 of a log whose last entry was of term 5.
#include "replica/repair_decision.h"

#include <gtest/gtest.h>

#include <vector>

namespace kvorum::replica {
namespace {

constexpr Term kOwnLastTerm{5};

raft::EntryId entry(uint64_t index, uint64_t term) { return {LogIndex{index}, Term{term}, 100 * term + index}; }
RepairAnswer other(uint64_t from, raft::EntryId at) { return {NodeId{from}, peers::RepairOutcome::kOther, at}; }
RepairAnswer missing(uint64_t from) { return {NodeId{from}, peers::RepairOutcome::kMissing, {}}; }

RepairDecision decide(const std::vector<RepairAnswer>& answers, size_t peers) {
    return decide_repair(answers, peers, kOwnLastTerm);
}
void expect_end(const RepairDecision& decision, raft::EntryId end) {
    EXPECT_EQ(decision.action, RepairAction::kEndAt);
    EXPECT_EQ(decision.end, end);
}

TEST(RepairDecisionTest, AnEntryOfALaterTermSettlesItAlone) {
    expect_end(decide({other(2, entry(10, 6))}, 2), entry(10, 6));
    expect_end(decide({other(2, entry(8, 6)), missing(3)}, 2), entry(8, 6));
}

TEST(RepairDecisionTest, AnEntryOfTheSameOrAnEarlierTermAloneDoesNot) {
    // Thesis figure 3.7: the entry of term 3 here may have been overtaken by one of term 2 that term 5 committed.
    EXPECT_EQ(decide({other(2, entry(10, 3))}, 2).action, RepairAction::kWait);
    EXPECT_EQ(decide({other(2, entry(10, 5))}, 2).action, RepairAction::kWait);
}

TEST(RepairDecisionTest, WhenNobodyHasItTheLogEndsLikeTheMostUpToDateOne) {
    expect_end(decide({other(2, entry(10, 3)), other(3, entry(7, 5))}, 2), entry(7, 5));
    expect_end(decide({other(2, entry(9, 5)), other(3, entry(7, 5))}, 2), entry(9, 5));
    expect_end(decide({other(2, {}), other(3, {})}, 2), {});
}

TEST(RepairDecisionTest, ASilentPeerIsWaitedFor) {
    EXPECT_EQ(decide({}, 2).action, RepairAction::kWait);
    EXPECT_EQ(decide({missing(2)}, 2).action, RepairAction::kWait);
    EXPECT_EQ(decide({other(2, entry(9, 5)), other(3, entry(9, 5)), other(4, entry(9, 5))}, 4).action,
              RepairAction::kWait);
}

TEST(RepairDecisionTest, DamagedOnOneAndNowhereElseIsLost) {
    EXPECT_EQ(decide({missing(2), missing(3)}, 2).action, RepairAction::kLost);
    EXPECT_EQ(decide({other(2, entry(9, 5)), missing(3)}, 2).action, RepairAction::kLost);
}

TEST(RepairDecisionTest, BelowWhereAPeersLogBeginsASnapshotIsNeeded) {
    const auto in_snapshot = [](uint64_t from, uint64_t index) {
        return RepairAnswer{NodeId{from}, peers::RepairOutcome::kInSnapshot, {LogIndex{index}, {}, 0}};
    };
    const RepairDecision decision = decide({in_snapshot(2, 30), in_snapshot(3, 20)}, 2);
    EXPECT_EQ(decision.action, RepairAction::kNeedsSnapshot);
    EXPECT_EQ(decision.snapshot_at_least, LogIndex{20});
    EXPECT_EQ(decide({in_snapshot(2, 30), missing(3)}, 2).action, RepairAction::kNeedsSnapshot) << "it is not lost";
    EXPECT_EQ(decide({in_snapshot(2, 30)}, 2).action, RepairAction::kNeedsSnapshot);
    expect_end(decide({in_snapshot(2, 30), other(3, entry(10, 6))}, 2), entry(10, 6));
}

TEST(RepairDecisionTest, WithoutPeersItIsLost) { EXPECT_EQ(decide({}, 0).action, RepairAction::kLost); }

}  // namespace
}  // namespace kvorum::replica
