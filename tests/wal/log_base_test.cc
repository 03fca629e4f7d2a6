// Logs that are not kept from their first entry: what they begin behind, because what was before was released, or
// because a snapshot took its place.
#include <gtest/gtest.h>

#include "tests/wal/wal_test_util.h"

namespace kvorum::wal::test {
namespace {

using sim::FaultDecision;
using sim::FileOperation;

constexpr raft::HardState kPromise{Term{3}, NodeId{2}, 500};

class LogBaseTest : public testing::Test {
 protected:
    // The leader's log goes on to `index`, and this node gets a snapshot of it there.
    raft::LogBase snapshot_at(uint64_t index) {
        while (maker.last_index() < LogIndex{index})
            maker.next();
        raft::LogBase base{.last = maker.ids().back(), .log_time_ms = maker.last_log_time_ms()};
        base.configuration = {LogIndex{1}, {.voters = {{kNode, {}, {"host", 17001}, {"host", 7001}}}}};
        return base;
    }
    static void wait_durable(SimNode& node, uint64_t unit) {
        node.turn_until([&] { return node.wal->durable_unit() >= unit; });
    }
    [[nodiscard]] std::vector<raft::EntryId> ids_from(LogIndex first) const {
        return {maker.ids().begin() + static_cast<ptrdiff_t>(first.value()) - 1, maker.ids().end()};
    }
    void expect_begins_at(SimNode& node, const raft::LogBase& base) {
        const RecoveryReport& report = node.wal->recovered();
        EXPECT_EQ(report.base, base);
        EXPECT_EQ(report.before_first, base.last);
        EXPECT_EQ(report.first_index, base.last.index + 1);
        EXPECT_EQ(node.wal->first_index(), base.last.index + 1);
        EXPECT_EQ(report.facts.proven_level(), base.proven_level);
        const auto* configuration = report.facts.configurations.last();
        ASSERT_NE(configuration, nullptr);
        EXPECT_EQ(*configuration, *base.configuration);
        EXPECT_EQ(node.read_all(), ids_from(base.last.index + 1));
    }

    QuietLog log;
    sim::Disk disk{sim::DiskConfig{}};
    EntryMaker maker;
};

TEST_F(LogBaseTest, ALogGoesOnBehindItsBase) {
    raft::LogBase base;
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.append_durably(kPromise, maker.next_batch(10));
        base = snapshot_at(50);
        node.wal->begin_at(base);
        EXPECT_EQ(node.wal->first_index(), LogIndex{51}) << "at once";
        EXPECT_EQ(node.wal->last(), base.last);
        EXPECT_EQ(node.read(LogIndex{1}, LogIndex{10}).status().code(), absl::StatusCode::kOutOfRange);
        node.append_durably({}, maker.next_batch(5));
        EXPECT_EQ(node.read_all(), ids_from(LogIndex{51}));
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->recovered().hard_state, kPromise);
    EXPECT_EQ(node.wal->recovered().last, maker.ids().back());
    expect_begins_at(node, base);
}

TEST_F(LogBaseTest, ALogMayHaveNothingButItsBase) {
    raft::LogBase base;
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        base = snapshot_at(50);
        wait_durable(node, node.wal->begin_at(base));
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->recovered().last, base.last);
    EXPECT_EQ(node.wal->recovered().last_log_time_ms, base.log_time_ms);
    expect_begins_at(node, base);
    node.append_durably({}, maker.next_batch(3));
    EXPECT_EQ(node.read_all(), ids_from(LogIndex{51}));
}

TEST_F(LogBaseTest, ALogThatContradictsTheSnapshotIsGoneBehindItToo) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    node.append_durably({}, maker.next_batch(40));
    maker.rewind(LogIndex{10});
    const raft::LogBase base = snapshot_at(20);
    node.wal->begin_at(base);
    EXPECT_EQ(node.read(LogIndex{21}, LogIndex{30}).status().code(), absl::StatusCode::kOutOfRange);
    node.append_durably({}, maker.next_batch(2));
    EXPECT_EQ(node.read_all(), ids_from(LogIndex{21}));
    node.close();
    ASSERT_TRUE(node.open().ok());
    expect_begins_at(node, base);
}

TEST_F(LogBaseTest, UnitsOnBothSidesOfABaseKeepTheirOrder) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    node.wal->append(kPromise, maker.next_batch(3, 5000));
    const raft::LogBase first = snapshot_at(20);
    node.wal->begin_at(first);
    node.wal->append({}, maker.next_batch(3, 5000));
    const raft::LogBase second = snapshot_at(30);
    node.wal->begin_at(second);
    const raft::HardState later{Term{4}, kNode, 500};
    wait_durable(node, node.wal->append(later, maker.next_batch(3)));
    node.close();
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->recovered().hard_state, later);
    expect_begins_at(node, second);
}

TEST_F(LogBaseTest, TheSegmentsBeforeABaseGoWhenItIsDurable) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    for (int i = 0; i < 40; ++i)
        node.append_durably({}, maker.next_batch(2, 2000));
    ASSERT_GT(node.wal->stats().segments, 4U);
    const uint64_t before = node.wal->stats().segments;
    bool hangs = true;
    node.backend.set_fault_policy([&hangs](const FileOperation& op) {
        FaultDecision fault;
        if (hangs && op.code == reactor::IoCode::kDataSync) fault.kind = FaultDecision::Kind::kHang;
        return fault;
    });
    const uint64_t unit = node.wal->begin_at(snapshot_at(200));
    node.turn_until([&] { return node.backend.hung_count() > 0; });
    EXPECT_GE(node.wal->stats().segments, before);
    EXPECT_EQ(node.wal->bytes_behind(LogIndex{}), 0U);
    hangs = false;
    node.backend.release_hung();
    wait_durable(node, unit);
    node.turn_until([&] { return node.wal->stats().segments == 1; });
}

TEST_F(LogBaseTest, LaterSegmentsStateWhatTheLogBeginsBehind) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.wal->begin_at(snapshot_at(50));
        for (int i = 0; i < 40; ++i)
            node.append_durably(kPromise, maker.next_batch(2, 2000));
        node.wal->release_prefix(maker.last_index() - 5);
        node.turn_until([&] { return node.wal->stats().segments <= 3; });
        node.close();
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    const LogIndex first = node.wal->first_index();
    EXPECT_GT(first, LogIndex{100});
    raft::LogBase expected = snapshot_at(50);
    expected.last = maker.ids()[first.value() - 2];
    expected.log_time_ms = static_cast<int64_t>(1000 + first.value() - 1);
    expect_begins_at(node, expected);
}

TEST_F(LogBaseTest, ALogFromItsFirstEntryHasNoBase) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.append_durably({}, maker.next_batch(10));
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->recovered().base, raft::LogBase{});
}

TEST_F(LogBaseTest, AnEntryThatBeganInAReleasedSegmentIsWhatTheLogBeginsBehind) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    node.append_durably({}, maker.next_batch(3));
    node.append_durably({}, {maker.next(70 * kKiB)});
    node.append_durably({}, maker.next_batch(3));
    node.wal->release_prefix(LogIndex{4});
    node.turn_until([&] { return node.wal->stats().segments == 1; });
    EXPECT_EQ(node.wal->first_index(), LogIndex{5});
    node.close();
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->recovered().base.last, maker.ids()[3]);
    EXPECT_EQ(node.wal->recovered().base.log_time_ms, 1004);
    EXPECT_EQ(node.wal->first_index(), LogIndex{5});
    EXPECT_EQ(node.read_all(), ids_from(LogIndex{5}));
}

// A power cut leaves the beginning of a large entry, over several segments. Their heads name an entry that never was.
TEST_F(LogBaseTest, TheLogNeverBeginsInsideAnEntryThatACrashCutShort) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.append_durably({}, maker.next_batch(3));
        node.wal->append({}, {maker.next(200 * kKiB)});
        node.turn_until([&] { return node.wal->stats().segments == 4; });
        disk = disk.crash(1, sim::Disk::CrashMode::kLoseAll);
        node.backend.stop_node();
    }
    maker.rewind(LogIndex{3});
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    ASSERT_EQ(node.wal->last_index(), LogIndex{3});
    ASSERT_GE(node.wal->stats().segments, 3U);
    const uint64_t segments = node.wal->stats().segments;
    node.append_durably({}, maker.next_batch(2));
    node.wal->release_prefix(LogIndex{4});
    EXPECT_EQ(node.wal->stats().segments, segments);
    for (int i = 0; i < 10; ++i)
        node.append_durably({}, maker.next_batch(2, 5000));
    node.wal->release_prefix(maker.last_index());
    node.turn_until([&] { return node.wal->stats().segments == 1; });
    node.close();
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->last(), maker.ids().back());
    EXPECT_EQ(node.read_all(), ids_from(node.wal->first_index()));
}

TEST_F(LogBaseTest, SteadyWritingWithReleasesMakesNoNewSegments) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    const auto write_some = [&] {
        for (int i = 0; i < 200; ++i) {
            node.append_durably({}, maker.next_batch(1, 2000));
            node.wal->release_prefix(maker.last_index());
        }
    };
    write_some();
    const uint64_t made = node.wal->stats().segments_made;
    write_some();
    EXPECT_EQ(node.wal->stats().segments_made, made);
    EXPECT_GT(node.wal->stats().segments_recycled, 10U);
}

TEST_F(LogBaseTest, ALargeReleaseLeavesAFewSparesAndDeletesTheRest) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    for (int i = 0; i < 100; ++i)
        node.append_durably({}, maker.next_batch(2, 2000));
    ASSERT_GT(node.wal->stats().segments, 10U);
    node.wal->release_prefix(maker.last_index());
    node.turn_until([&] { return node.wal->stats().segments <= 2; });
    EXPECT_LE(node.wal->stats().spares, 2 * small_config().spare_segments);
    EXPECT_GT(node.wal->stats().segments_deleted, 5U);
}

TEST_F(LogBaseTest, BytesBehindAnEntryAreThoseOfTheLog) {
    SimNode node(disk);
    WalConfig config = small_config();
    config.segment_size_bytes = 4 * kMiB;
    ASSERT_TRUE(node.open(config).ok());
    for (int i = 0; i < 100; ++i)
        node.append_durably({}, maker.next_batch(8, 12'000));
    const auto near = [](uint64_t bytes, uint64_t expected) {
        return bytes + PositionIndex::kCheckpointEveryBytes >= expected &&
               bytes <= expected + PositionIndex::kCheckpointEveryBytes;
    };
    const uint64_t all = node.wal->bytes_behind(LogIndex{});
    EXPECT_TRUE(near(all, node.wal->stats().bytes)) << all;
    EXPECT_TRUE(near(node.wal->bytes_behind(LogIndex{400}), all / 2)) << node.wal->bytes_behind(LogIndex{400});
    EXPECT_EQ(node.wal->bytes_behind(maker.last_index()), 0U);
    const LogIndex kept = node.wal->index_at_bytes_from_end(2 * kMiB);
    EXPECT_GE(node.wal->bytes_behind(kept), 2 * kMiB);
    EXPECT_LE(node.wal->bytes_behind(kept), 2 * kMiB + 2 * PositionIndex::kCheckpointEveryBytes);
}

}  // namespace
}  // namespace kvorum::wal::test
