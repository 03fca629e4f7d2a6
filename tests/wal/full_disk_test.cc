// The log on a disk without room: what it has promised room for, what waits, and how it comes back.
#include <cerrno>

#include <gtest/gtest.h>

#include "tests/wal/wal_test_util.h"

namespace kvorum::wal::test {
namespace {

class FullDiskTest : public testing::Test {
 protected:
    QuietLog log;
    sim::Disk disk{sim::DiskConfig{}};
    EntryMaker maker;

    void SetUp() override {
        node = std::make_unique<SimNode>(disk);
        ASSERT_TRUE(node->open().ok());
        disk.set_capacity_bytes(disk.used_bytes());
        // Until no spare is left and none can be made.
        while (!node->wal->low_on_space())
            node->append_durably({}, maker.next_batch(1, 2000));
    }
    std::unique_ptr<SimNode> node;
};

TEST_F(FullDiskTest, WhatWasAcceptedAndHardStatesStillFindRoom) {
    node->append_durably({}, maker.next_batch(1));
    const uint64_t vote = node->append_durably(raft::HardState{Term{9}, NodeId{2}}, {});
    EXPECT_EQ(node->wal->durable_unit(), vote);
}

TEST_F(FullDiskTest, EntriesWaitWhenTheReserveIsReachedAndGoOnWhenThereIsRoom) {
    uint64_t unit = 0;
    while (!node->wal->busy()) {
        unit = node->wal->append({}, maker.next_batch(1, 3000));
        for (int i = 0; i < 20; ++i)
            node->reactor.turn(node->backend.monotonic_ns() + kMillisecondNs);
    }
    EXPECT_LT(node->wal->durable_unit(), unit);
    disk.set_capacity_bytes(kGiB);
    node->turn_until([&] { return node->wal->durable_unit() == unit; });
    EXPECT_FALSE(node->wal->low_on_space());
    EXPECT_EQ(node->read_all(), maker.ids());
}

TEST_F(FullDiskTest, ReleasingASegmentEndsTheShortage) {
    node->wal->release_prefix(maker.last_index());
    node->turn_until([&] { return !node->wal->low_on_space(); });
    EXPECT_GT(node->wal->stats().segments_recycled, 0U);
}

// Simulator seed 2087 of November 2026: such a leader led for ever, because nobody could give its disk anything to
// write.
TEST_F(FullDiskTest, ADiskThatHangsIsNoticedAlthoughWritesAreRefused) {
    node->backend.set_fault_policy(
        [](const sim::FileOperation&) { return sim::FaultDecision{.kind = sim::FaultDecision::Kind::kHang}; });
    const auto is_stalled = [&] { return node->wal->is_stalled(node->backend.monotonic_ns()); };
    const uint64_t patience_end_ns = node->backend.monotonic_ns() + 10 * kSecondNs;
    node->turn_until([&] { return is_stalled() || node->backend.monotonic_ns() > patience_end_ns; });
    EXPECT_TRUE(is_stalled());
    node->backend.set_fault_policy({});
    node->backend.release_hung();
    node->turn_until([&] { return !is_stalled() || node->backend.monotonic_ns() > 2 * patience_end_ns; });
    EXPECT_FALSE(is_stalled());
}

TEST_F(FullDiskTest, TheNodeRestartsWithNoFreeByteTimeAndAgain) {
    while (!node->wal->busy()) {
        node->wal->append({}, maker.next_batch(1, 3000));
        for (int i = 0; i < 20; ++i)
            node->reactor.turn(node->backend.monotonic_ns() + kMillisecondNs);
    }
    const uint64_t durable_units = node->wal->durable_unit();
    node.reset();
    ASSERT_EQ(disk.free_bytes(), 0U);
    for (int restart = 0; restart < 20; ++restart) {
        SimNode again(disk, static_cast<uint64_t>(restart));
        ASSERT_TRUE(again.open().ok()) << restart;
        EXPECT_EQ(again.wal->last_index(), LogIndex{durable_units});
        EXPECT_TRUE(again.wal->low_on_space());
    }
}

TEST(FullDisk, WithoutALogIsAnError) {
    const QuietLog log;
    sim::Disk disk{sim::DiskConfig{.capacity_bytes = 10 * kKiB}};
    SimNode node(disk);
    EXPECT_EQ(node.open().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(node.backend.open_handles(), 0U);
}

}  // namespace
}  // namespace kvorum::wal::test
