#include "tools/load_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/prng.h"

namespace kvorum::tools::load {
namespace {

using testing::ElementsAre;
using Silence = SilenceLog::Silence;

constexpr uint64_t ms(uint64_t count) { return count * kMillisecondNs; }

SilenceLog log_of(const std::vector<uint64_t>& ok_ms, uint64_t end_ms) {
    SilenceLog log;
    for (const uint64_t at : ok_ms)
        log.on_ok(ms(at));
    log.finish(ms(end_ms));
    return log;
}

TEST(LoadStatsTest, TheLongestSilenceCountsFromTheStartAndToTheEnd) {
    EXPECT_EQ(log_of({10, 11, 50, 51}, 60).longest(), (Silence{ms(11), ms(50)}));
    EXPECT_EQ(log_of({40, 41}, 60).longest(), (Silence{0, ms(40)}));
    EXPECT_EQ(log_of({1}, 60).longest(), (Silence{ms(1), ms(60)}));
    EXPECT_EQ(log_of({}, 60).longest(), (Silence{0, ms(60)}));
}

TEST(LoadStatsTest, ThreadsAreSilentTogetherOnlyWhenEachIs) {
    SilenceLog one = log_of({0, 100, 200}, 200);
    one.intersect(log_of({0, 60, 180}, 200));
    EXPECT_THAT(one.silences(), ElementsAre(Silence{0, ms(60)}, Silence{ms(60), ms(100)}, Silence{ms(100), ms(180)},
                                            Silence{ms(180), ms(200)}));
}

TEST(LoadStatsTest, ManyShortSilencesMakeRoomForTheLongOnes) {
    SilenceLog log;
    log.on_ok(ms(500));
    for (uint64_t i = 0; i < 3 * SilenceLog::kSilencesMax; ++i)
        log.on_ok(ms(500 + 2 * i));
    EXPECT_LT(log.silences().size(), SilenceLog::kSilencesMax);
    EXPECT_EQ(log.longest(), (Silence{0, ms(500)}));
}

TEST(LoadStatsTest, ATimelineOfAnyLengthFitsAndLosesNoCount) {
    Timeline timeline;
    const uint64_t slices = 3 * Timeline::kSlicesMax;
    for (uint64_t i = 0; i < slices; ++i)
        ++timeline.at(i * Timeline::kFirstWidthNs).ok;
    EXPECT_EQ(timeline.width_ns(), 4 * Timeline::kFirstWidthNs);
    uint64_t ok = 0;
    for (const Timeline::Slice& slice : timeline.slices())
        ok += slice.ok;
    EXPECT_EQ(ok, slices);
}

TEST(LoadStatsTest, TimelinesOfDifferentWidthsMerge) {
    Timeline narrow;
    narrow.at(0).ok = 1;
    narrow.at(Timeline::kFirstWidthNs).ok = 2;
    Timeline wide;
    wide.at(Timeline::kSlicesMax * Timeline::kFirstWidthNs).ok = 8;
    ASSERT_EQ(wide.width_ns(), 2 * Timeline::kFirstWidthNs);
    Timeline other = wide;
    narrow.merge(wide);
    EXPECT_EQ(narrow.width_ns(), 2 * Timeline::kFirstWidthNs);
    EXPECT_EQ(narrow.slices()[0].ok, 3U);
    EXPECT_EQ(narrow.slices().back().ok, 8U);
}

TEST(LoadStatsTest, MergingThreadsEqualsCountingInOne) {
    Prng prng(3);
    LoadStats whole(1);
    std::vector<LoadStats> threads(3, LoadStats(1));
    for (int i = 0; i < 10'000; ++i) {
        const uint64_t latency_ns = prng.below(100'000'000);
        for (LoadStats* stats : {&whole, &threads[prng.below(3)]}) {
            ++stats->commands[0].ok;
            stats->commands[0].latency.record(latency_ns);
        }
    }
    threads[0].merge(threads[1]);
    threads[0].merge(threads[2]);
    const CommandStats merged = threads[0].totals();
    EXPECT_EQ(merged.ok, whole.totals().ok);
    for (const double quantile : {0.0, 0.5, 0.9, 0.99, 0.999, 1.0})
        EXPECT_EQ(merged.latency.value_at(quantile), whole.totals().latency.value_at(quantile)) << quantile;
}

TEST(LoadStatsTest, ErrorsAreCountedByTheirFirstWord) {
    ErrorTexts errors;
    errors.add("ERR one");
    errors.add("ERR two");
    errors.add("NOLEADER");
    for (int i = 0; i < 100; ++i)
        errors.add("KIND" + std::to_string(i) + " x");
    EXPECT_LE(errors.kinds().size(), ErrorTexts::kKindsMax + 1);
    ErrorTexts merged;
    merged.merge(errors);
    merged.merge(errors);
    EXPECT_EQ(merged.kinds().at("ERR").count, 4U);
    EXPECT_EQ(merged.kinds().at("ERR").example, "ERR one");
    EXPECT_GT(merged.kinds().at("(others)").count, 0U);
}

}  // namespace
}  // namespace kvorum::tools::load
