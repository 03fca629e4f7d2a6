// The simulated disk keeps exactly what it promised and, at a crash, nothing more than it may.
#include <cerrno>
#include <set>

#include <gtest/gtest.h>

#include "sim/disk.h"

namespace kvorum::sim {
namespace {

constexpr const char* kPath = "d/file";

class SimulatedDisk : public testing::Test {
 protected:
    void SetUp() override {
        disk.make_directory("d");
        directory = static_cast<Disk::InodeId>(disk.open("d", false, false));
        file = static_cast<Disk::InodeId>(disk.open(kPath, true, false));
        ASSERT_EQ(disk.allocate(file, 0, 64 * kKiB), 0);
        sync(file);
        sync(directory);
    }
    void sync(Disk::InodeId inode) { disk.complete_sync(disk.begin_sync(inode)); }
    void write(uint64_t offset, char value, size_t size = 4096, bool data_sync = false) {
        const std::string bytes(size, value);
        EXPECT_EQ(disk.complete_write(disk.begin_write(file, offset, as_bytes(bytes), data_sync)),
                  static_cast<int32_t>(size));
    }

    Disk disk{DiskConfig{}};
    Disk::InodeId directory = 0;
    Disk::InodeId file = 0;
};

TEST_F(SimulatedDisk, ReadsSeeCompletedWritesOnly) {
    const std::string bytes(4096, 'a');
    const auto ticket = disk.begin_write(file, 0, as_bytes(bytes), false);
    EXPECT_EQ(disk.contents(kPath)[0], '\0');
    disk.complete_write(ticket);
    EXPECT_EQ(disk.contents(kPath)[0], 'a');
}

TEST_F(SimulatedDisk, ASyncedWriteSurvivesEveryCrash) {
    write(0, 'a');
    sync(file);
    write(4096, 'b', 4096, true);
    for (uint64_t seed = 0; seed < 100; ++seed) {
        const std::string after = disk.crash(seed).contents(kPath);
        ASSERT_EQ(after.substr(0, 8192), std::string(4096, 'a') + std::string(4096, 'b'));
    }
}

TEST_F(SimulatedDisk, WhatASyncFailedToMakeDurableNoLaterOneDoes) {
    write(0, 'a');
    disk.fail_sync(file);
    sync(file);
    EXPECT_EQ(disk.durable_contents(kPath)[0], '\0');
}

// Simulator seed 1452 of November 2026: a log was blamed for believing such a sync.
TEST_F(SimulatedDisk, ASyncThatWasBegunBeforeAnotherFailsKeepsItsPromise) {
    write(0, 'a');
    const auto ticket = disk.begin_sync(file);
    disk.fail_sync(file);
    disk.complete_sync(ticket);
    EXPECT_EQ(disk.durable_contents(kPath)[0], 'a');
}

TEST_F(SimulatedDisk, TheDurableViewIsWhatAPowerCutLeavesAtWorst) {
    write(0, 'a');
    sync(file);
    write(4096, 'b', 4096, true);
    write(0, 'c');
    write(8192, 'd');
    const int64_t created = disk.open("d/other", true, false);
    ASSERT_GE(created, 0);
    ASSERT_EQ(disk.allocate(file, 0, 128 * kKiB), 0);
    const Disk after = disk.crash(1, Disk::CrashMode::kLoseAll);
    EXPECT_EQ(disk.durable_contents(kPath), after.contents(kPath));
    EXPECT_EQ(disk.durable_names("d"), std::vector<std::string>{"file"});
    EXPECT_EQ(after.list("d").size(), 1u);
}

TEST_F(SimulatedDisk, AnUnsyncedWriteMayBeKeptLostOrTorn) {
    write(0, 'a');
    sync(file);
    write(0, 'b');
    std::set<std::string> outcomes;
    for (uint64_t seed = 0; seed < 200; ++seed)
        outcomes.insert(disk.crash(seed).contents(kPath).substr(0, 4096));
    EXPECT_TRUE(outcomes.contains(std::string(4096, 'a')));
    EXPECT_TRUE(outcomes.contains(std::string(4096, 'b')));
    EXPECT_GT(outcomes.size(), 20U);
}

TEST_F(SimulatedDisk, ASyncDoesNotCoverAWriteThatCompletedAfterItBegan) {
    const auto sync_ticket = disk.begin_sync(file);
    write(0, 'b');
    disk.complete_sync(sync_ticket);
    EXPECT_EQ(disk.crash(1, Disk::CrashMode::kLoseAll).contents(kPath)[0], '\0');
}

TEST_F(SimulatedDisk, AWriteInFlightMayHaveReachedTheMedium) {
    const std::string bytes(4096, 'c');
    const auto ticket = disk.begin_write(file, 0, as_bytes(bytes), true);
    EXPECT_EQ(disk.crash(1, Disk::CrashMode::kKeepAll).contents(kPath)[0], 'c');
    EXPECT_EQ(disk.crash(1, Disk::CrashMode::kLoseAll).contents(kPath)[0], '\0');
    disk.complete_write(ticket);
}

TEST_F(SimulatedDisk, ARenameIsDurableOnlyWithTheDirectory) {
    EXPECT_EQ(disk.rename(kPath, "d/new"), 0);
    EXPECT_EQ(disk.crash(1, Disk::CrashMode::kLoseAll).list("d").at(0).first, "file");
    sync(directory);
    EXPECT_EQ(disk.crash(1, Disk::CrashMode::kLoseAll).list("d").at(0).first, "new");
}

TEST_F(SimulatedDisk, ASnapshotIsNotChangedByWhatFollows) {
    write(0, 'a');
    const Disk snapshot = disk;
    write(0, 'b');
    EXPECT_EQ(snapshot.contents(kPath)[0], 'a');
}

TEST_F(SimulatedDisk, AFullDiskRefusesAllocation) {
    disk.set_capacity_bytes(80 * kKiB);
    EXPECT_EQ(disk.allocate(file, 64 * kKiB, 64 * kKiB), -ENOSPC);
    EXPECT_EQ(disk.allocate(file, 64 * kKiB, 16 * kKiB), 0);
    EXPECT_EQ(disk.free_bytes(), 0U);
}

TEST_F(SimulatedDisk, ALostWriteIsAcknowledgedAndGone) {
    const std::string bytes(4096, 'a');
    EXPECT_EQ(disk.lose_write(disk.begin_write(file, 0, as_bytes(bytes), false)), 4096);
    EXPECT_EQ(disk.contents(kPath)[0], '\0');
}

TEST_F(SimulatedDisk, AFlippedBitIsDurable) {
    ASSERT_TRUE(disk.flip_bit(kPath, 100, 3));
    EXPECT_EQ(disk.crash(1, Disk::CrashMode::kLoseAll).contents(kPath)[100], '\x08');
    EXPECT_FALSE(disk.flip_bit("d/none", 0, 0));
}

}  // namespace
}  // namespace kvorum::sim
