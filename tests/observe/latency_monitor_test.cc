// The stages of a write and the latency of commands, on a clock of the tests' own.
#include "observe/latency_monitor.h"

#include <gtest/gtest.h>

#include "base/units.h"

namespace kvorum {
namespace {

constexpr uint64_t kUs = kMicrosecondNs;

// Values are known to 1.6 %.
void expect_us(const Histogram& histogram, uint64_t expected_us, uint64_t expected_count) {
    EXPECT_EQ(histogram.count(), expected_count);
    EXPECT_NEAR(static_cast<double>(histogram.value_at(0.5)) / kUs, static_cast<double>(expected_us),
                static_cast<double>(expected_us) * 0.02);
}

TEST(LatencyMonitorTest, AnEntryCountsInEachStageOnceForEachOfItsCommands) {
    LatencyMonitor monitor;
    monitor.entry_proposed(LogIndex{7}, 3, 100 * kUs, 140 * kUs);
    monitor.entries_durable(LogIndex{7}, 440 * kUs);
    monitor.entries_committed(LogIndex{7}, 640 * kUs);
    monitor.entry_applied(LogIndex{7}, 650 * kUs);
    expect_us(monitor.stage(Stage::kQueue), 40, 3);
    expect_us(monitor.stage(Stage::kSync), 300, 3);
    expect_us(monitor.stage(Stage::kQuorum), 500, 3);
    expect_us(monitor.stage(Stage::kApply), 10, 3);
}

TEST(LatencyMonitorTest, TheOwnDiskMayBeLastToKnow) {
    LatencyMonitor monitor;
    monitor.entry_proposed(LogIndex{7}, 1, 100 * kUs, 100 * kUs);
    monitor.entries_committed(LogIndex{7}, 200 * kUs);
    EXPECT_EQ(monitor.stages_of(LogIndex{7}, 205 * kUs), "queue=0us sync=pending quorum=100us apply=5us");
    monitor.entry_applied(LogIndex{7}, 210 * kUs);
    EXPECT_EQ(monitor.stage(Stage::kSync).count(), 0u);
    monitor.entries_durable(LogIndex{7}, 900 * kUs);
    expect_us(monitor.stage(Stage::kSync), 800, 1);
    EXPECT_EQ(monitor.stages_of(LogIndex{7}, 900 * kUs), "") << "done with, so forgotten";
}

TEST(LatencyMonitorTest, OneSyncAndOneCommitMayCoverManyEntries) {
    LatencyMonitor monitor;
    for (uint64_t index = 1; index <= 3; ++index)
        monitor.entry_proposed(LogIndex{index}, 1, index * kUs, index * kUs);
    monitor.entries_durable(LogIndex{2}, 100 * kUs);
    monitor.entries_committed(LogIndex{3}, 100 * kUs);
    monitor.entries_durable(LogIndex{3}, 200 * kUs);
    EXPECT_EQ(monitor.stage(Stage::kSync).count(), 3u);
    EXPECT_EQ(monitor.stage(Stage::kQuorum).count(), 3u);
    EXPECT_EQ(monitor.stage(Stage::kSync).max(), 197 * kUs);
}

TEST(LatencyMonitorTest, WhatAFormerLeaderProposedIsNotTimedAgainstALaterCommit) {
    LatencyMonitor monitor;
    monitor.entry_proposed(LogIndex{7}, 1, 100 * kUs, 100 * kUs);
    monitor.leadership_lost();
    monitor.entries_committed(LogIndex{7}, 5000 * kUs);
    EXPECT_EQ(monitor.stage(Stage::kQuorum).count(), 0u);
    EXPECT_EQ(monitor.stages_of(LogIndex{7}, 5000 * kUs), "");
}

TEST(LatencyMonitorTest, CommandsOfOneTurnTakeAsLongAsTheTurn) {
    LatencyMonitor monitor;
    const std::string_view get = "get";
    const std::string_view ping = "ping";
    monitor.command_done_this_turn(get);
    monitor.command_done_this_turn(ping);
    monitor.command_done_this_turn(get);
    monitor.turn_ends(30 * kUs);
    monitor.turn_ends(900 * kUs);
    expect_us(*monitor.command("get"), 30, 2);
    expect_us(*monitor.command("ping"), 30, 1);
    EXPECT_EQ(monitor.command("set"), nullptr);
}

TEST(LatencyMonitorTest, AResetForgetsCommandsAndStages) {
    LatencyMonitor monitor;
    const std::string_view set = "set";
    monitor.command_done(set, 5 * kUs);
    monitor.entry_proposed(LogIndex{1}, 1, 0, 9 * kUs);
    monitor.reset();
    EXPECT_TRUE(monitor.commands().empty());
    EXPECT_EQ(monitor.stage(Stage::kQueue).count(), 0u);
    monitor.command_done(set, 7 * kUs);
    expect_us(*monitor.command("set"), 7, 1);
}

}  // namespace
}  // namespace kvorum
