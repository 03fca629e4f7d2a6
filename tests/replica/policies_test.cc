// The decisions beside the driver, by their numbers.
#include <gtest/gtest.h>

#include "replica/expiry_ticks.h"
#include "replica/gather_policy.h"

namespace kvorum::replica {
namespace {

constexpr uint64_t kSyncNs = kMillisecondNs;

struct GatherCase {
    const char* what;
    LogPace log;
    bool all_committed;
    size_t size_bytes;
    uint64_t ns_since_last_batch;
    bool takes;
};

class GatherRules : public ::testing::TestWithParam<GatherCase> {};

TEST_P(GatherRules, SayWhetherTheOpenBatchGoesToTheLog) {
    const GatherCase& rule = GetParam();
    GatherPolicy policy;
    policy.batch_appended(1, kSecondNs);
    EXPECT_EQ(policy.takes_batch(rule.log, rule.all_committed, rule.size_bytes, kSecondNs + rule.ns_since_last_batch),
              rule.takes)
        << rule.what;
}

constexpr size_t kSmall = 100;
constexpr size_t kLarge = GatherPolicy::kPipelinedBatchBytes;

INSTANTIATE_TEST_SUITE_P(
    Table, GatherRules,
    ::testing::Values(
        GatherCase{"nothing is under way", {false, 0, kSyncNs}, true, kSmall, 0, true},
        GatherCase{"a busy log takes nothing", {true, 4, kSyncNs}, true, kSmall, kSecondNs, false},
        GatherCase{"not even a large batch", {true, 4, kSyncNs}, false, kLarge, kSecondNs, false},
        GatherCase{"a small batch gathers while one before it waits", {false, 0, kSyncNs}, false, kSmall, 0, false},
        GatherCase{"a large one is worth its sync", {false, 1, kSyncNs}, false, kLarge, 0, true},
        GatherCase{"just below that it is not", {false, 1, kSyncNs}, false, kLarge - 1, 0, false},
        GatherCase{"a quorum that takes two syncs is slow", {false, 0, kSyncNs}, false, kSmall, 2 * kSyncNs, true},
        GatherCase{"one that takes less is not", {false, 0, kSyncNs}, false, kSmall, 2 * kSyncNs - 1, false},
        GatherCase{"a slow quorum is waited for while the disk is at it",
                   {false, 1, kSyncNs},
                   false,
                   kSmall,
                   2 * kSyncNs,
                   false}));

TEST(GatherPolicyTest, ManyCommandsInABatchMeanLoadAndNoSpinning) {
    GatherPolicy policy;
    policy.batch_appended(GatherPolicy::kSpinCommandsMax, 0);
    EXPECT_EQ(policy.spin_ns(500, 0), 500);
    policy.batch_appended(GatherPolicy::kSpinCommandsMax + 1, 0);
    EXPECT_EQ(policy.spin_ns(500, 0), 0);
}

TEST(GatherPolicyTest, ManyReadsThatWaitForOneAnswerMeanLoadForAWhile) {
    GatherPolicy policy;
    policy.reads_asked(GatherPolicy::kSpinCommandsMax, 0);
    EXPECT_EQ(policy.spin_ns(500, 0), 500);
    policy.reads_asked(GatherPolicy::kSpinCommandsMax + 1, 0);
    EXPECT_EQ(policy.spin_ns(500, GatherPolicy::kLoadEndsNs - 1), 0);
    EXPECT_EQ(policy.spin_ns(500, GatherPolicy::kLoadEndsNs), 500);
}

TEST(GatherPolicyTest, ASmallBatchBetweenLargeOnesDoesNotEndTheLoad) {
    GatherPolicy policy;
    policy.batch_appended(100, 0);
    policy.batch_appended(1, 1);
    EXPECT_TRUE(policy.is_under_load(1));
}

TEST(GatherPolicyTest, ManySmallBatchesEndTheLoad) {
    GatherPolicy policy;
    policy.batch_appended(100, 0);
    for (uint64_t i = 1; i <= 30; ++i)
        policy.batch_appended(1, i);
    EXPECT_FALSE(policy.is_under_load(30));
}

TEST(GatherPolicyTest, ThePauseAfterAllBatchesEndsTheLoad) {
    GatherPolicy policy;
    policy.batch_appended(100, 0);
    EXPECT_TRUE(policy.is_under_load(GatherPolicy::kLoadEndsNs - 1));
    EXPECT_FALSE(policy.is_under_load(GatherPolicy::kLoadEndsNs));
    policy.batch_appended(1, GatherPolicy::kLoadEndsNs);
    EXPECT_FALSE(policy.is_under_load(GatherPolicy::kLoadEndsNs)) << "it does not count on from before";
}

TEST(ExpiryTicksTest, AKeyIsDueWhenTheClockReachesItAndNoEntryHas) {
    const ExpiryTicks ticks;
    EXPECT_FALSE(ticks.is_due(100, 99, 0, {}));
    EXPECT_TRUE(ticks.is_due(100, 100, 0, {}));
    EXPECT_TRUE(ticks.is_due(100, 200, 99, {}));
    EXPECT_FALSE(ticks.is_due(100, 200, 100, {})) << "the entry is on its way";
}

TEST(ExpiryTicksTest, WhileDueKeysRemainAFewTicksAreOnTheirWay) {
    const ExpiryTicks ticks;
    TickFacts facts{.due_remain = true};
    EXPECT_TRUE(ticks.is_due(100, 200, 150, facts));
    facts.entries_on_the_way = ExpiryTicks::kTicksInFlightMax;
    EXPECT_FALSE(ticks.is_due(100, 200, 150, facts));
}

TEST(ExpiryTicksTest, WhileAnEntryIsAppliedInPartNothingIsSaidAboutDueKeys) {
    const ExpiryTicks ticks;
    EXPECT_FALSE(ticks.more_are_needed({.due_remain = true, .mid_entry = true}));
}

TEST(ExpiryTicksTest, ARefusedTickIsTriedAgainWhenAnEntryWasApplied) {
    ExpiryTicks ticks;
    ticks.proposed(false);
    EXPECT_FALSE(ticks.more_are_needed({.due_remain = true}));
    ticks.entry_applied();
    EXPECT_TRUE(ticks.more_are_needed({.due_remain = true}));
}

}  // namespace
}  // namespace kvorum::replica
