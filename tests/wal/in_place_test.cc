// Large entries that the log writes from where they lie, instead of copying them into a group.
#include <gtest/gtest.h>

#include "tests/wal/wal_test_util.h"

namespace kvorum::wal::test {
namespace {

constexpr size_t kLargeBytes = 40'000;

class InPlaceTest : public testing::Test {
 protected:
    // With room for groups of several large entries.
    static WalConfig config(std::string directory = kDirectory) {
        WalConfig config = small_config(std::move(directory));
        config.segment_size_bytes = 4 * kMiB;
        config.group_bytes_max = 1 * kMiB;
        return config;
    }
    // Nobody else may write there any more.
    static bool is_written_in_place(const raft::EntryPtr& entry) { return entry->claim_place().empty(); }
    [[nodiscard]] uint64_t groups() const { return node.wal->stats().groups; }

    QuietLog log;
    sim::Disk disk{sim::DiskConfig{}};
    EntryMaker maker;
    SimNode node{disk};
};

TEST_F(InPlaceTest, ALargeEntryThatLeavesAloneIsNotCopied) {
    ASSERT_TRUE(node.open(config()).ok());
    node.append_durably({}, maker.next_batch(1));  // a group that begins a segment has more in it
    const raft::EntryPtr entry = maker.next(kLargeBytes);
    node.append_durably({}, {entry});
    EXPECT_TRUE(is_written_in_place(entry));
    EXPECT_EQ(node.read_all(), maker.ids());
}

TEST_F(InPlaceTest, WhatWasWrittenSoIsThereAfterAPowerCut) {
    ASSERT_TRUE(node.open(config()).ok());
    for (size_t i = 0; i < 20; ++i)
        node.append_durably({}, maker.next_batch(1, 4000 + 3000 * i));
    disk = disk.crash(1, sim::Disk::CrashMode::kLoseAll);
    node.backend.stop_node();
    SimNode restarted(disk);
    ASSERT_TRUE(restarted.open(config()).ok());
    EXPECT_EQ(restarted.read_all(), maker.ids());
}

TEST_F(InPlaceTest, LargeEntriesThatAreQueuedTogetherShareAGroup) {
    ASSERT_TRUE(node.open(config()).ok());
    node.append_durably({}, maker.next_batch(1));
    const uint64_t before = groups();
    node.wal->append({}, {maker.next(kLargeBytes)});
    node.append_durably({}, maker.next_batch(2, kLargeBytes));
    EXPECT_EQ(groups() - before, 1u) << "a sync costs more than a copy";
    EXPECT_EQ(node.read_all(), maker.ids());
}

TEST_F(InPlaceTest, OneThatIsWorthASyncLeavesAloneAlsoWhenMoreIsQueued) {
    ASSERT_TRUE(node.open(config()).ok());
    node.append_durably({}, maker.next_batch(1));
    const raft::EntryPtr entry = maker.next(300'000);
    node.wal->append({}, {entry});
    node.append_durably({}, maker.next_batch(1));
    EXPECT_TRUE(is_written_in_place(entry));
    EXPECT_EQ(node.read_all(), maker.ids());
}

TEST_F(InPlaceTest, AHardStateThatComesWithItIsWrittenBeforeIt) {
    ASSERT_TRUE(node.open(config()).ok());
    node.append_durably({}, maker.next_batch(1));
    const raft::HardState voted{Term{3}, NodeId{2}};
    node.append_durably(voted, maker.next_batch(1, kLargeBytes));
    disk = disk.crash(1, sim::Disk::CrashMode::kLoseAll);
    node.backend.stop_node();
    SimNode restarted(disk);
    ASSERT_TRUE(restarted.open(config()).ok());
    EXPECT_EQ(restarted.wal->recovered().hard_state, voted);
    EXPECT_EQ(restarted.read_all(), maker.ids());
}

TEST_F(InPlaceTest, AnEntryThatAnotherLogWritesIsCopied) {
    sim::Disk other_disk{sim::DiskConfig{}};
    SimNode other(other_disk);
    ASSERT_TRUE(node.open(config()).ok());
    ASSERT_TRUE(other.open(config()).ok());
    const raft::EntryList first = maker.next_batch(1);
    const raft::EntryList large = maker.next_batch(1, kLargeBytes);
    for (SimNode* each : {&node, &other}) {
        each->append_durably({}, first);
        each->append_durably({}, large);
    }
    EXPECT_EQ(node.read_all(), maker.ids());
    EXPECT_EQ(other.read_all(), maker.ids());
}

TEST_F(InPlaceTest, ItIsWrittenThoughAnotherTookItsPlaceMeanwhile) {
    ASSERT_TRUE(node.open(config()).ok());
    node.append_durably({}, maker.next_batch(1));
    node.wal->append({}, maker.next_batch(1, kLargeBytes));  // the log alone holds it from here on
    node.reactor.turn(0);
    maker.rewind(LogIndex{1});
    node.append_durably({}, maker.next_batch(1, kLargeBytes));
    EXPECT_EQ(node.read_all(), maker.ids());
}

}  // namespace
}  // namespace kvorum::wal::test
