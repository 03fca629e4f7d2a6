// The log over a simulated disk: what it keeps, what it refuses, and what it does when the disk misbehaves.
#include <cerrno>

#include <gtest/gtest.h>

#include "tests/wal/wal_test_util.h"

namespace kvorum::wal::test {
namespace {

using reactor::IoCode;
using sim::FaultDecision;
using sim::FileOperation;

class WalSimTest : public testing::Test {
 protected:
    QuietLog log;
    sim::Disk disk{sim::DiskConfig{}};
    EntryMaker maker;
};

TEST_F(WalSimTest, NewLogIsEmpty) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->recovered().verdict, Verdict::kEmpty);
    EXPECT_EQ(node.wal->recovered().last, raft::EntryId{});
    EXPECT_EQ(node.wal->recovered().first_index, LogIndex{1});
    EXPECT_EQ(node.wal->first_index(), LogIndex{1});
}

TEST_F(WalSimTest, WhatWasDurableIsThereAfterAPowerCut) {
    const raft::HardState voted{Term{3}, NodeId{2}};
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.append_durably(voted, maker.next_batch(10));
        disk = disk.crash(1, sim::Disk::CrashMode::kLoseAll);
        node.backend.stop_node();
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    const RecoveryReport& report = node.wal->recovered();
    EXPECT_EQ(report.hard_state, voted);
    EXPECT_EQ(report.last, maker.ids().back());
    EXPECT_EQ(report.last_log_time_ms, 1010);
    EXPECT_EQ(report.terms, (std::vector<raft::TermRun>{{Term{1}, LogIndex{1}}}));
    EXPECT_EQ(node.read_all(), maker.ids());
}

TEST_F(WalSimTest, UnitsThatGatherWhileGroupsAreInFlightShareAGroup) {
    SimNode node(disk);
    WalConfig config = small_config();
    config.groups_in_flight_max = 1;
    ASSERT_TRUE(node.open(config).ok());
    const uint64_t groups_before = node.wal->stats().groups;
    node.wal->append({}, maker.next_batch(1));
    node.reactor.turn(0);
    node.reactor.turn(0);
    ASSERT_TRUE(node.wal->busy());
    for (int i = 0; i < 20; ++i)
        node.wal->append({}, maker.next_batch(1));
    node.append_durably({}, maker.next_batch(1));
    EXPECT_EQ(node.wal->stats().groups - groups_before, 2U);
}

TEST_F(WalSimTest, UnitsAreReportedInOrderAndNeverInsideAppend) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    std::vector<uint64_t> reported;
    bool appending = false;
    node.wal->set_durable_callback([&](uint64_t unit) {
        EXPECT_FALSE(appending);
        reported.push_back(unit);
    });
    for (int i = 0; i < 50; ++i) {
        appending = true;
        node.wal->append({}, maker.next_batch(2, 700));
        appending = false;
        node.reactor.turn(0);
    }
    node.turn_until([&] { return node.wal->durable_unit() == 50; });
    EXPECT_TRUE(std::is_sorted(reported.begin(), reported.end()));
    EXPECT_EQ(reported.back(), 50U);
    EXPECT_EQ(node.wal->groups_in_flight(), 0U);
}

TEST_F(WalSimTest, AnEntryLargerThanASegmentIsKept) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.append_durably({}, maker.next_batch(3));
        node.append_durably({}, maker.next_batch(1, 150 * kKiB));
        node.append_durably({}, maker.next_batch(3));
        EXPECT_EQ(node.read_all(), maker.ids());
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.read_all(), maker.ids());
}

// While the log is as long as its history, a descriptor per segment would run out.
TEST_F(WalSimTest, OpenFilesDoNotGrowWithTheLog) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    const auto settled_handles = [&node] {
        const uint64_t until_ns = node.backend.monotonic_ns() + kSecondNs;
        node.turn_until([&node, until_ns] { return node.backend.monotonic_ns() >= until_ns; });
        return node.backend.open_handles();
    };
    const size_t handles_of_new_log = settled_handles();
    for (int i = 0; i < 100; ++i)
        node.append_durably({}, maker.next_batch(4, 900));
    ASSERT_GT(node.wal->stats().segments, 10U);
    EXPECT_EQ(settled_handles(), handles_of_new_log);
    EXPECT_EQ(node.read_all(), maker.ids());
    EXPECT_EQ(settled_handles(), handles_of_new_log);
    node.close();
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(settled_handles(), handles_of_new_log);
    EXPECT_EQ(node.read_all(), maker.ids());
}

TEST_F(WalSimTest, ALaterEntryReplacesTheSuffix) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        for (int i = 0; i < 30; ++i)
            node.append_durably({}, maker.next_batch(2, 900));
        maker.rewind(LogIndex{25});
        node.append_durably(raft::HardState{Term{2}, NodeId{}}, maker.next_batch(3));
        EXPECT_EQ(node.read_all(), maker.ids());
        maker.rewind(LogIndex{27});
        node.append_durably({}, maker.next_batch(30, 400));
        EXPECT_EQ(node.read_all(), maker.ids());
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->recovered().last, maker.ids().back());
    EXPECT_EQ(node.wal->recovered().terms,
              (std::vector<raft::TermRun>{{Term{1}, LogIndex{1}}, {Term{2}, LogIndex{26}}, {Term{3}, LogIndex{28}}}));
    EXPECT_EQ(node.read_all(), maker.ids());
}

TEST_F(WalSimTest, ReadsStopAtTheByteLimitAndGiveAtLeastOneEntry) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    node.append_durably({}, maker.next_batch(20, 1000));
    EXPECT_EQ(node.read(LogIndex{5}, LogIndex{20}, 1)->size(), 1U);
    EXPECT_EQ(node.read(LogIndex{5}, LogIndex{20}, 3000)->size(), 3U);
    EXPECT_EQ(node.read(LogIndex{5}, LogIndex{9})->size(), 5U);
    EXPECT_EQ(node.read(LogIndex{21}, LogIndex{21}).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(WalSimTest, ReadsJoinWhatIsOnDiskWithWhatIsNotDurableYet) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    node.append_durably({}, maker.next_batch(10));
    node.wal->append({}, maker.next_batch(10));
    const auto entries = node.read(LogIndex{1}, LogIndex{20});
    ASSERT_TRUE(entries.ok());
    ASSERT_EQ(entries->size(), 20U);
    for (size_t i = 0; i < 20; ++i)
        EXPECT_EQ((*entries)[i]->id(), maker.ids()[i]);
}

TEST_F(WalSimTest, ReleasedSegmentsBecomeSpares) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        for (int i = 0; i < 100; ++i) {
            node.append_durably(raft::HardState{Term{1}, kNode}, maker.next_batch(2, 2000));
            if (i >= 3) node.wal->release_prefix(maker.last_index() - 5);
        }
        EXPECT_GT(node.wal->stats().segments_recycled, 5U);
        EXPECT_LE(node.wal->stats().segments, 3U);
        EXPECT_LE(node.wal->stats().segments_made, 6U);
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->recovered().last, maker.ids().back());
    EXPECT_EQ(node.wal->recovered().hard_state, (raft::HardState{Term{1}, kNode}));
    const LogIndex first = node.wal->first_index();
    EXPECT_GT(first, LogIndex{1});
    EXPECT_LE(first, maker.last_index() - 4);
    const std::vector<raft::EntryId> ids = node.read_all();
    EXPECT_EQ(ids, std::vector<raft::EntryId>(maker.ids().begin() + static_cast<ptrdiff_t>(first.value()) - 1,
                                              maker.ids().end()));
    EXPECT_EQ(node.wal->recovered().before_first, maker.ids()[first.value() - 2]);
    EXPECT_EQ(node.read(first - 1, first).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(WalSimTest, TheLogIdStaysThroughRestartsAndIsNewInAnEmptyDirectory) {
    LogId first;
    for (uint64_t start = 1; start <= 3; ++start) {
        SimNode node(disk, start);
        ASSERT_TRUE(node.open().ok());
        const LogId log_id = node.wal->recovered().log_id;
        EXPECT_FALSE(log_id.is_none());
        if (start == 1) first = log_id;
        EXPECT_EQ(log_id, first);
    }
    sim::Disk wiped{{}};
    SimNode node(wiped, 4);
    ASSERT_TRUE(node.open().ok());
    EXPECT_NE(node.wal->recovered().log_id, first);
}

TEST_F(WalSimTest, TheLogIdAndKnownPeersOutliveTheSegmentsThatFirstHeldThem) {
    const std::vector<KnownPeer> peers{{NodeId{2}, LogId{22}}, {NodeId{3}, LogId{33}}};
    LogId log_id;
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        log_id = node.wal->recovered().log_id;
        EXPECT_TRUE(node.wal->recovered().known_peers.empty());
        for (const KnownPeer& peer : peers)
            node.wal->note_peer(peer);
        for (int i = 0; i < 100; ++i) {
            node.append_durably({}, maker.next_batch(2, 2000));
            if (i >= 3) node.wal->release_prefix(maker.last_index() - 5);
        }
        ASSERT_GT(node.wal->stats().segments_recycled, 5U);
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    ASSERT_GT(node.wal->first_index(), LogIndex{1});
    EXPECT_EQ(node.wal->recovered().log_id, log_id);
    EXPECT_EQ(node.wal->recovered().known_peers, peers);
}

TEST_F(WalSimTest, APeerIsNotedBeforeWhatIsAppendedAfterIt) {
    // Wherever a crash cuts the log: what came after the note is never there without it.
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    for (int i = 0; i < 8; ++i) {
        node.wal->append({}, maker.next_batch(1, 3000));
        if (i == 3) node.wal->note_peer({NodeId{2}, LogId{22}});
        node.reactor.turn(0);
    }
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        if (seed % 4 == 0) node.reactor.turn(node.backend.monotonic_ns() + 50 * kMicrosecondNs);
        sim::Disk left = disk.crash(seed);
        SimNode again(left, seed);
        ASSERT_TRUE(again.open().ok());
        if (again.wal->last_index() > LogIndex{4}) {
            EXPECT_EQ(again.wal->recovered().known_peers.size(), 1U) << "seed " << seed;
        }
    }
    EXPECT_GT(node.wal->durable_unit(), 5U);
}

TEST_F(WalSimTest, ASegmentIsNotRecycledBeforeTheNextHeadIsDurable) {
    const raft::HardState voted{Term{2}, NodeId{4}};
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    node.append_durably(voted, {});
    // The next head is the next group at the start of a file; preparing a spare writes all of it at once.
    node.backend.set_fault_policy([](const FileOperation& op) {
        FaultDecision fault;
        const bool head =
            op.code == IoCode::kWrite && op.offset == 0 && op.length_bytes < small_config().segment_size_bytes;
        if (head) fault.kind = FaultDecision::Kind::kHang;
        return fault;
    });
    LogIndex durable;
    for (int i = 0; i < 20 && node.backend.hung_count() == 0; ++i) {
        const uint64_t unit = node.wal->append({}, maker.next_batch(1, 3000));
        node.turn_until([&] { return node.wal->durable_unit() == unit || node.backend.hung_count() > 0; });
        if (node.wal->durable_unit() == unit) durable = maker.last_index();
    }
    ASSERT_EQ(node.backend.hung_count(), 1U);
    node.wal->release_prefix(durable);
    const uint64_t start_ns = node.backend.monotonic_ns();
    node.turn_until([&] { return node.backend.monotonic_ns() > start_ns + 20 * kMillisecondNs; });
    sim::Disk after = disk.crash(1, sim::Disk::CrashMode::kLoseAll);
    node.backend.set_fault_policy({});
    node.backend.release_hung();
    SimNode again(after);
    const absl::Status status = again.open();
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(again.wal->recovered().hard_state, voted);
    EXPECT_EQ(again.wal->last_index(), durable);
}

TEST_F(WalSimTest, ASegmentIsNotRecycledWhileItIsRead) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    for (int i = 0; i < 60; ++i)
        node.append_durably({}, maker.next_batch(2, 2000));
    auto task = node.wal->read(LogIndex{1}, LogIndex{100}, kGiB);
    struct Reading {
        static reactor::Task<void> run(reactor::Task<absl::StatusOr<raft::EntryList>> read, size_t* count) {
            const auto entries = co_await std::move(read);
            *count = entries.ok() ? entries->size() : 0;
        }
    };
    size_t count = 0;
    reactor::TaskScope scope(node.reactor);
    scope.spawn(Reading::run(std::move(task), &count));
    node.reactor.turn(0);
    node.wal->release_prefix(LogIndex{110});
    reactor::run_until_done(node.reactor, scope.join());
    EXPECT_EQ(count, 100U);
    node.turn_until([&] { return node.wal->stats().segments <= 3; });
}

TEST_F(WalSimTest, AnotherNodeIsRefused) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
    }
    SimNode node(disk);
    WalConfig config = small_config();
    config.node = NodeId{8};
    const absl::Status status = node.open(config);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(std::string(status.message()).find("wrong node"), std::string::npos) << status;
}

TEST_F(WalSimTest, DamageOfAcknowledgedDataIsRefusedAndNothingIsChanged) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        for (int i = 0; i < 5; ++i)
            node.append_durably({}, maker.next_batch(1));
    }
    const std::string path = std::string(kDirectory) + "/" + segment_file_name(1);
    ASSERT_TRUE(disk.flip_bit(path, 3 * kBlockBytes + 200, 3));
    const std::string before = disk.contents(path);
    SimNode node(disk);
    const absl::Status status = node.open();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    const std::string message(status.message());
    EXPECT_NE(message.find(segment_file_name(1)), std::string::npos) << message;
    EXPECT_NE(message.find("offset 12288"), std::string::npos) << message;
    EXPECT_NE(message.find("index 2"), std::string::npos) << message;
    EXPECT_EQ(disk.contents(path), before);
}

TEST_F(WalSimTest, ASegmentFileOfAnotherSizeIsRefused) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
    }
    const auto inode = disk.open(std::string(kDirectory) + "/" + segment_file_name(2), false, false);
    ASSERT_EQ(disk.allocate(static_cast<uint64_t>(inode), 0, 40 * kKiB), 0);
    SimNode node(disk);
    const absl::Status status = node.open();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_NE(std::string(status.message()).find("wrong segment size"), std::string::npos) << status;
}

TEST_F(WalSimTest, AMissingSegmentIsRefused) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        for (int i = 0; i < 30; ++i)
            node.append_durably({}, maker.next_batch(2, 2000));
    }
    ASSERT_EQ(disk.unlink(std::string(kDirectory) + "/" + segment_file_name(2)), 0);
    SimNode node(disk);
    const absl::Status status = node.open();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_NE(std::string(status.message()).find("missing segment"), std::string::npos) << status;
}

TEST_F(WalSimTest, AFailedWriteHaltsAndNothingMoreIsReported) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    node.append_durably({}, maker.next_batch(1));
    node.backend.set_fault_policy([](const FileOperation& op) {
        FaultDecision fault;
        if (op.code == IoCode::kWrite) fault = {FaultDecision::Kind::kError, -EIO, 0, 0};
        return fault;
    });
    const uint64_t unit = node.append_durably({}, maker.next_batch(1));
    EXPECT_TRUE(node.backend.halted());
    EXPECT_NE(node.backend.halt_reason().find("write"), std::string::npos);
    node.wal->append({}, maker.next_batch(1));
    for (int i = 0; i < 10; ++i)
        node.reactor.turn(node.backend.monotonic_ns() + kMillisecondNs);
    EXPECT_LT(node.wal->durable_unit(), unit);
}

TEST_F(WalSimTest, AFailedSyncHaltsAndIsNotTriedAgain) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    int syncs = 0;
    node.backend.set_fault_policy([&](const FileOperation& op) {
        FaultDecision fault;
        if (op.code == IoCode::kDataSync && ++syncs == 1) fault = {FaultDecision::Kind::kError, -EIO, 0, 0};
        return fault;
    });
    const uint64_t unit = node.append_durably({}, maker.next_batch(1));
    for (int i = 0; i < 10; ++i)
        node.reactor.turn(node.backend.monotonic_ns() + kMillisecondNs);
    EXPECT_TRUE(node.backend.halted());
    EXPECT_EQ(syncs, 1);
    EXPECT_LT(node.wal->durable_unit(), unit);
}

TEST_F(WalSimTest, ASyncCoversOnlyWhatWasWrittenWhenItBegan) {
    // Two syncs hang; the first one ends, a third unit takes the buffer of the first, and then the second one ends.
    SimNode node(disk);
    WalConfig config = small_config();
    config.groups_in_flight_max = 2;
    ASSERT_TRUE(node.open(config).ok());
    int syncs = 0;
    node.backend.set_fault_policy([&](const FileOperation& op) {
        FaultDecision fault;
        if (op.code == IoCode::kDataSync && ++syncs <= 2) fault.kind = FaultDecision::Kind::kHang;
        return fault;
    });
    node.wal->append({}, maker.next_batch(1));
    node.turn_until([&] { return node.backend.hung_count() == 1; });
    node.wal->append({}, maker.next_batch(1));
    node.turn_until([&] { return node.backend.hung_count() == 2; });
    node.backend.release_hung(1);
    node.turn_until([&] { return node.wal->durable_unit() == 1; });
    node.wal->append({}, maker.next_batch(1));
    const uint64_t start_ns = node.backend.monotonic_ns();
    node.turn_until([&] { return node.backend.monotonic_ns() > start_ns + 10 * kMillisecondNs; });
    EXPECT_EQ(node.wal->durable_unit(), 1U) << "the third unit waits for the second";
    node.backend.release_hung();
    node.turn_until([&] { return node.wal->durable_unit() == 3; });
    sim::Disk after = disk.crash(1, sim::Disk::CrashMode::kLoseAll);
    SimNode again(after);
    ASSERT_TRUE(again.open(config).ok());
    EXPECT_EQ(again.read_all(), maker.ids());
}

TEST_F(WalSimTest, ARestartCertifiesWhatItRecovered) {
    // The last group of a log that rots looks like one in flight; once a process has started from it, it does not any
    // more.
    sim::Disk killed = disk;
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.append_durably({}, maker.next_batch(1));
        killed = disk.kill(1);
    }
    const std::string path = std::string(kDirectory) + "/" + segment_file_name(1);
    {
        sim::Disk rotten = killed;
        ASSERT_TRUE(rotten.flip_bit(path, kBlockBytes + 200, 3));
        SimNode node(rotten);
        ASSERT_TRUE(node.open().ok());
        EXPECT_EQ(node.wal->recovered().verdict, Verdict::kTornTail);
    }
    {
        SimNode node(killed);
        ASSERT_TRUE(node.open().ok());
    }
    ASSERT_TRUE(killed.flip_bit(path, kBlockBytes + 200, 3));
    SimNode node(killed);
    EXPECT_EQ(node.open().code(), absl::StatusCode::kDataLoss);
}

TEST_F(WalSimTest, AnIdleLogEndsWithAMarkSoThatRotOfItsLastUnitIsNoTornTail) {
    sim::Disk killed = disk;
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.append_durably({}, maker.next_batch(1));
        const uint64_t groups = node.wal->stats().groups;
        node.turn_until([&] { return node.wal->stats().groups > groups && node.wal->groups_in_flight() == 0; });
        EXPECT_EQ(node.wal->stats().groups, groups + 1);
        const uint64_t much_later_ns = node.backend.monotonic_ns() + 10 * small_config().idle_mark_ns;
        node.turn_until([&] { return node.backend.monotonic_ns() > much_later_ns; });
        EXPECT_EQ(node.wal->stats().groups, groups + 1) << "a mark needs no mark";
        killed = disk.kill(1);
    }
    ASSERT_TRUE(killed.flip_bit(std::string(kDirectory) + "/" + segment_file_name(1), kBlockBytes + 200, 3));
    SimNode node(killed);
    EXPECT_EQ(node.open().code(), absl::StatusCode::kDataLoss);
}

TEST_F(WalSimTest, AShortWriteGoesOn) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        int shortened = 0;
        node.backend.set_fault_policy([&](const FileOperation& op) {
            FaultDecision fault;
            const bool large = op.code == IoCode::kWrite && op.length_bytes > 2 * kBlockBytes;
            if (large && ++shortened % 2 == 1) fault = {FaultDecision::Kind::kShort, 0, 2 * kBlockBytes - 512, 0};
            return fault;
        });
        for (int i = 0; i < 5; ++i)
            node.append_durably({}, maker.next_batch(1, 14000));
        EXPECT_GT(shortened, 5);
        EXPECT_EQ(node.read_all(), maker.ids());
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.read_all(), maker.ids());
}

TEST_F(WalSimTest, AHungWriteShowsItsAge) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->oldest_unsynced_ns(node.backend.monotonic_ns()), 0U);
    node.backend.set_fault_policy([](const FileOperation& op) {
        FaultDecision fault;
        if (op.code == IoCode::kWrite) fault.kind = FaultDecision::Kind::kHang;
        return fault;
    });
    node.wal->append({}, maker.next_batch(1));
    const uint64_t start_ns = node.backend.monotonic_ns();
    node.turn_until([&] { return node.backend.monotonic_ns() >= start_ns + 3 * kSecondNs; });
    EXPECT_GE(node.wal->oldest_unsynced_ns(node.backend.monotonic_ns()), 3 * kSecondNs);
    EXPECT_TRUE(node.wal->is_stalled(node.backend.monotonic_ns()));
    node.backend.set_fault_policy({});
    node.backend.release_hung();
    node.turn_until([&] { return node.wal->durable_unit() == 1; });
    EXPECT_FALSE(node.wal->is_stalled(node.backend.monotonic_ns()));
}

TEST_F(WalSimTest, AHalfMadeSegmentIsRemoved) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
    }
    ASSERT_GT(disk.open(std::string(kDirectory) + "/wal-prepare.tmp", true, false), 0);
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    for (const auto& [name, size_bytes] : disk.list(kDirectory))
        EXPECT_EQ(size_bytes, 32 * kKiB) << name;
}

TEST_F(WalSimTest, BothSyncMethodsKeepWhatTheyReport) {
    for (const SyncMethod method : {SyncMethod::kDataSyncPerGroup, SyncMethod::kDsyncWrite, SyncMethod::kCalibrate}) {
        sim::Disk own_disk{sim::DiskConfig{}};
        EntryMaker own_maker;
        WalConfig config = small_config();
        config.sync = method;
        SimNode node(own_disk);
        ASSERT_TRUE(node.open(config).ok());
        EXPECT_NE(node.wal->stats().method, SyncMethod::kCalibrate);
        node.append_durably({}, own_maker.next_batch(10, 1000));
        sim::Disk after = own_disk.crash(1, sim::Disk::CrashMode::kLoseAll);
        SimNode again(after);
        ASSERT_TRUE(again.open(config).ok());
        EXPECT_EQ(again.read_all(), own_maker.ids());
    }
}

}  // namespace
}  // namespace kvorum::wal::test
