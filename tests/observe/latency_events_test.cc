// LATENCY's events: what is kept of them.
#include "observe/latency_events.h"

#include <gtest/gtest.h>

namespace kvorum {
namespace {

TEST(LatencyEventsTest, OfOneSecondTheWorstIsKept) {
    LatencyEvents events;
    events.add("command", {.unix_time_s = 10, .latency_ms = 5});
    events.add("command", {.unix_time_s = 10, .latency_ms = 9});
    events.add("command", {.unix_time_s = 10, .latency_ms = 3});
    events.add("command", {.unix_time_s = 11, .latency_ms = 4});
    const LatencyEvents::Series* series = events.find("command");
    ASSERT_NE(series, nullptr);
    ASSERT_EQ(series->samples.size(), 2u);
    EXPECT_EQ(series->samples.front().latency_ms, 9u);
    EXPECT_EQ(series->samples.back().latency_ms, 4u);
    EXPECT_EQ(series->highest_ms, 9u);
}

TEST(LatencyEventsTest, TheOldestMakeRoom) {
    LatencyEvents events;
    for (size_t i = 0; i <= LatencyEvents::kSamplesMax; ++i)
        events.add("command", {.unix_time_s = static_cast<int64_t>(i), .latency_ms = 1000 - i});
    const LatencyEvents::Series* series = events.find("command");
    ASSERT_NE(series, nullptr);
    EXPECT_EQ(series->samples.size(), LatencyEvents::kSamplesMax);
    EXPECT_EQ(series->samples.front().unix_time_s, 1);
    EXPECT_EQ(series->highest_ms, 1000u) << "of those that are gone too";
}

TEST(LatencyEventsTest, ResetForgetsOneOfThem) {
    LatencyEvents events;
    events.add("command", {.unix_time_s = 1, .latency_ms = 1});
    events.add("fast-command", {.unix_time_s = 1, .latency_ms = 1});
    EXPECT_TRUE(events.reset("command"));
    EXPECT_FALSE(events.reset("command"));
    EXPECT_EQ(events.find("command"), nullptr);
    EXPECT_EQ(events.series().size(), 1u);
}

}  // namespace
}  // namespace kvorum
