// Damage at rest, found at open and repaired: what is still there is kept, what is missing is asked for by identity,
// and the new log takes the place of the old one whatever crashes when.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "tests/wal/wal_test_util.h"
#include "wal/damaged_log.h"
#include "wal/format.h"
#include "wal/log_rebuild.h"
#include "wal/recovery.h"

namespace kvorum::wal::test {
namespace {

using testing::HasSubstr;

constexpr raft::HardState kPromise{Term{9}, NodeId{2}};

struct GroupAt {
    std::string path;
    uint64_t offset = 0;
    GroupHeader header;
};

// A log on a simulated disk, entries that were acknowledged, and the peers that have all of them.
class DamagedLogTest : public testing::Test {
 protected:
    // Each batch is one group.
    void write_log(const std::vector<size_t>& batches, size_t body_bytes = 1000) {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        for (const size_t count : batches)
            append(node, maker.next_batch(count, body_bytes));
        node.append_durably(kPromise, {});
        node.close();
    }
    void append(SimNode& node, const raft::EntryList& entries) {
        for (const raft::EntryPtr& entry : entries)
            peers[{entry->index(), entry->id().checksum}] = entry;
        node.append_durably(std::nullopt, entries);
    }

    [[nodiscard]] std::vector<GroupAt> groups() const {
        std::vector<GroupAt> all;
        for (const auto& [name, size_bytes] : disk.list(kDirectory)) {
            if (parse_segment_file_name(name) == 0) continue;
            const std::string path = std::string(kDirectory) + "/" + name;
            const std::string image = disk.contents(path);
            GroupHeader header;
            for (uint64_t offset = 0; offset < image.size(); offset += header.size_bytes()) {
                if (decode_group_header(as_bytes(image).subspan(offset), header) != GroupError::kNone) break;
                all.push_back({path, offset, header});
            }
        }
        return all;
    }
    // The group in which the entry at `index` is the last one.
    [[nodiscard]] GroupAt group_ending_at(uint64_t index) const {
        for (const GroupAt& group : groups()) {
            if (group.header.last.index == LogIndex{index}) return group;
        }
        ADD_FAILURE() << "no group ends at " << index;
        return {};
    }
    void flip_body(const GroupAt& group) {
        ASSERT_TRUE(disk.flip_bit(group.path, group.offset + GroupHeader::kEncodedSize + 20, 3));
    }
    void flip_header(const GroupAt& group) { ASSERT_TRUE(disk.flip_bit(group.path, group.offset + 40, 3)); }

    // What a node does: asks for what is missing, writes. Returns how many entries were asked for.
    static reactor::Task<absl::StatusOr<uint64_t>> rebuild_task(DamagedLogTest* test, reactor::Reactor* reactor) {
        absl::StatusOr<std::unique_ptr<DamagedLog>> log = co_await DamagedLog::open(*reactor, small_config());
        if (!log.ok()) co_return log.status();
        LogRebuild rebuild(*reactor, **log);
        rebuild.begin_at(test->snapshot);
        absl::Status status = co_await rebuild.advance();
        while (status.ok() && rebuild.needed().has_value()) {
            const raft::EntryId needed = *rebuild.needed();
            const auto it = test->peers.find({needed.index, needed.checksum});
            if (it == test->peers.end()) {
                status = absl::NotFoundError(fmt::format("entry {}", needed.index));
                break;
            }
            status = rebuild.supply(it->second);
            if (status.ok()) status = co_await rebuild.advance();
        }
        if (status.ok()) status = co_await rebuild.write({});
        co_await (*log)->close();
        if (!status.ok()) co_return status;
        co_return rebuild.supplied_count();
    }
    absl::StatusOr<uint64_t> rebuild() {
        SimNode node(disk);
        return reactor::run_until_done(node.reactor, rebuild_task(this, &node.reactor));
    }
    void expect_refused() {
        SimNode node(disk);
        EXPECT_EQ(node.open().code(), absl::StatusCode::kDataLoss);
    }
    void expect_whole() {
        SimNode node(disk);
        const absl::Status status = node.open();
        ASSERT_TRUE(status.ok()) << status;
        EXPECT_EQ(node.wal->recovered().hard_state, kPromise);
        EXPECT_EQ(node.read_all(), maker.ids());
        // It is a log like any other.
        const raft::EntryPtr next = maker.next();
        node.append_durably(std::nullopt, {next});
        EXPECT_EQ(node.wal->last_index(), next->index());
    }
    void expect_repaired_with(uint64_t supplied) {
        expect_refused();
        const absl::StatusOr<uint64_t> rebuilt = rebuild();
        ASSERT_TRUE(rebuilt.ok()) << rebuilt.status();
        EXPECT_EQ(*rebuilt, supplied);
        expect_whole();
    }

    QuietLog quiet;
    sim::Disk disk{sim::DiskConfig{}};
    EntryMaker maker;
    std::map<std::pair<LogIndex, uint64_t>, raft::EntryPtr> peers;
    raft::LogBase snapshot;  // on this disk
};

// A log that begins at a base, behind which 12 entries follow in one segment or several.
class DamagedLogAtABaseTest : public DamagedLogTest {
 protected:
    void write_log_at_a_base(size_t body_bytes = 1000) {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        append(node, maker.next_batch(5));
        while (maker.last_index() < LogIndex{50})
            maker.next();
        base = {.last = maker.ids().back(), .log_time_ms = maker.last_log_time_ms()};
        base.configuration = {LogIndex{1}, {.voters = {{kNode, {}, {"host", 17001}, {"host", 7001}}}}};
        node.wal->begin_at(base);
        for (int i = 0; i < 4; ++i)
            append(node, maker.next_batch(3, body_bytes));
        node.append_durably(kPromise, {});
        node.turn_until([&] { return node.wal->stats().segments_recycled + node.wal->stats().segments_deleted > 0; });
        node.close();
    }
    void release(uint64_t up_to) {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.wal->release_prefix(LogIndex{up_to});
        const uint64_t start_ns = node.backend.monotonic_ns();
        node.turn_until([&] { return node.backend.monotonic_ns() > start_ns + 20 * kMillisecondNs; });
        node.close();
    }
    void expect_whole_behind(const raft::EntryId& before) {
        SimNode node(disk);
        const absl::Status status = node.open();
        ASSERT_TRUE(status.ok()) << status;
        EXPECT_EQ(node.wal->recovered().hard_state, kPromise);
        EXPECT_EQ(node.wal->recovered().base.last, before);
        const auto* configuration = node.wal->recovered().facts.configurations.last();
        ASSERT_NE(configuration, nullptr);
        EXPECT_EQ(*configuration, *base.configuration);
        const auto behind = maker.ids().begin() + static_cast<ptrdiff_t>(before.index.value());
        EXPECT_EQ(node.read_all(), std::vector<raft::EntryId>(behind, maker.ids().end()));
    }

    raft::LogBase base;
};

TEST_F(DamagedLogAtABaseTest, IsRebuiltBehindIt) {
    write_log_at_a_base();
    flip_body(group_ending_at(56));
    expect_refused();
    EXPECT_EQ(rebuild().value_or(99), 3U);
    expect_whole_behind(base.last);
}

TEST_F(DamagedLogAtABaseTest, TheHeadOfTheFirstSegmentSaysWhereALogBeginsThatWasReleased) {
    write_log_at_a_base(4000);
    release(56);
    LogIndex first;
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        first = node.wal->first_index();
        ASSERT_GT(first, LogIndex{51});
    }
    const GroupAt damaged = group_ending_at(62);
    ASSERT_NE(damaged.offset, 0U);
    flip_body(damaged);
    expect_refused();
    const absl::StatusOr<uint64_t> rebuilt = rebuild();
    ASSERT_TRUE(rebuilt.ok()) << rebuilt.status();
    expect_whole_behind(maker.ids()[first.value() - 2]);
}

TEST_F(DamagedLogAtABaseTest, WhoseBaseIsLostAsksForWhatTheBaseStoodFor) {
    write_log_at_a_base();
    flip_body(groups().front());
    expect_refused();
    EXPECT_THAT(std::string(rebuild().status().message()), HasSubstr("entry 50")) << "nobody has it as an entry";
    snapshot = base;
    EXPECT_EQ(rebuild().value_or(99), 3U) << "the group of the head held three entries";
    expect_whole_behind(base.last);
}

TEST_F(DamagedLogAtABaseTest, ASnapshotStandsForWhatIsDamagedBelowIt) {
    write_log_at_a_base();
    flip_body(group_ending_at(56));
    peers.clear();
    snapshot = base;
    snapshot.last = maker.ids()[57];
    EXPECT_EQ(rebuild().value_or(99), 0U);
    expect_whole_behind(snapshot.last);
}

TEST_F(DamagedLogAtABaseTest, ASnapshotAboveAllOfTheLogIsAllThatIsLeft) {
    write_log_at_a_base();
    flip_body(group_ending_at(56));
    peers.clear();
    maker.next_batch(10);
    snapshot = base;
    snapshot.last = maker.ids().back();
    EXPECT_EQ(rebuild().value_or(99), 0U);
    expect_whole_behind(snapshot.last);
}

TEST_F(DamagedLogAtABaseTest, EntriesThatContradictTheSnapshotAreNotKept) {
    write_log_at_a_base();
    flip_body(group_ending_at(56));
    snapshot = base;
    maker.rewind(LogIndex{55});
    maker.next_batch(2);
    snapshot.last = maker.ids().back();
    ASSERT_TRUE(rebuild().ok());
    expect_whole_behind(snapshot.last);
}

TEST_F(DamagedLogTest, OnlyTheEntriesOfTheDamagedGroupAreAskedFor) {
    write_log({2, 3, 2, 1});
    flip_body(group_ending_at(5));
    expect_repaired_with(3);
}

TEST_F(DamagedLogTest, ADamagedHeaderHidesNoMoreThanItsGroup) {
    write_log({2, 3, 2, 1});
    flip_header(group_ending_at(5));
    expect_repaired_with(3);
}

TEST_F(DamagedLogTest, TheLastGroupThatHoldsEntriesIsMissedBecauseOfTheMarkBehindIt) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    append(node, maker.next_batch(2));
    node.append_durably(kPromise, {});
    append(node, maker.next_batch(1));
    node.close();
    flip_body(group_ending_at(3));
    expect_repaired_with(1);
}

TEST_F(DamagedLogTest, AHardStateIsKnownFromTheHeaderBehindIt) {
    write_log({1, 1});
    const std::vector<GroupAt> all = groups();
    ASSERT_GE(all.size(), 3U);
    flip_body(all[all.size() - 2]);  // before the mark: the promise
    expect_repaired_with(0);
}

TEST_F(DamagedLogTest, TheFirstHeadOfTheLog) {
    write_log({2, 2});
    flip_body(groups().front());
    expect_repaired_with(0);
}

TEST_F(DamagedLogTest, AHeadInTheMiddle) {
    write_log(std::vector<size_t>(12, 5));
    for (const GroupAt& group : groups()) {
        if (group.header.segment_sequence != 2 || group.offset != 0) continue;
        flip_header(group);
        expect_refused();
        ASSERT_TRUE(rebuild().ok());
        expect_whole();
        return;
    }
    FAIL() << "the log has one segment";
}

TEST_F(DamagedLogTest, SeveralPlaces) {
    write_log(std::vector<size_t>(12, 3));
    const std::vector<GroupAt> all{group_ending_at(6), group_ending_at(15), group_ending_at(18), group_ending_at(36)};
    for (const GroupAt& group : all)
        flip_body(group);
    expect_repaired_with(12);
}

TEST_F(DamagedLogTest, AllEntriesOfTheLog) {
    write_log({2, 2});
    const GroupAt second = group_ending_at(4);
    flip_body(group_ending_at(2));
    flip_body(second);
    expect_repaired_with(4);
}

TEST_F(DamagedLogTest, AnEntryInPiecesThatLostOne) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    append(node, maker.next_batch(2));
    append(node, {maker.next(40'000)});
    append(node, maker.next_batch(1));
    node.append_durably(kPromise, {});
    node.close();
    const GroupAt last_piece = group_ending_at(3);
    flip_body(last_piece);
    expect_repaired_with(1);
}

TEST_F(DamagedLogTest, RecordsThatWereReplacedAreNotMissed) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    append(node, maker.next_batch(2));
    append(node, maker.next_batch(2));
    maker.rewind(LogIndex{2});
    append(node, maker.next_batch(3));
    node.append_durably(kPromise, {});
    node.close();
    flip_body(group_ending_at(4));
    expect_repaired_with(0);
}

TEST_F(DamagedLogTest, AReplacementThatWasHiddenIsFoundByTheChain) {
    // Entries 3 and 4 were replaced by ones in the damaged group; the entries in front of it look whole.
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    append(node, maker.next_batch(4));
    maker.rewind(LogIndex{2});
    append(node, maker.next_batch(3));
    append(node, maker.next_batch(1));
    node.append_durably(kPromise, {});
    node.close();
    flip_body(group_ending_at(5));
    expect_repaired_with(3);
}

TEST_F(DamagedLogTest, WithoutThePeersNothingIsChanged) {
    write_log({2, 3, 2, 1});
    flip_body(group_ending_at(5));
    peers.clear();
    const std::vector<std::pair<std::string, uint64_t>> before = disk.list(kDirectory);
    const absl::StatusOr<uint64_t> rebuilt = rebuild();
    EXPECT_THAT(std::string(rebuilt.status().message()), HasSubstr("entry 5"));
    EXPECT_EQ(disk.list(kDirectory), before);
    expect_refused();
}

TEST_F(DamagedLogTest, TheDamagedBytesAreKept) {
    write_log({2, 3});
    const GroupAt group = group_ending_at(2);
    flip_body(group);
    const std::string damaged = disk.contents(group.path);
    ASSERT_TRUE(rebuild().ok());
    expect_whole();
    bool kept = false;
    for (const auto& [name, size_bytes] : disk.list(kDirectory)) {
        if (!name.starts_with("damaged-")) continue;
        kept = kept || disk.contents(std::string(kDirectory) + "/" + name) == damaged;
    }
    EXPECT_TRUE(kept);
}

// Every I/O of a repair and of the start that carries out its swap, each with what a power cut leaves there.
// ClickHouse#113654: the old state was deleted before the new one had its name.
TEST_F(DamagedLogTest, ACrashAnywhereLeavesADamagedLogOrAWholeOne) {
    write_log({2, 3, 2, 1});
    flip_body(group_ending_at(5));
    const sim::Disk damaged = disk;
    uint64_t repaired_before_the_crash = 0;
    uint64_t points = 0;
    for (bool crashed = true; crashed; ++points) {
        disk = damaged;
        std::optional<sim::Disk> left;
        {
            SimNode node(disk, points + 1);
            uint64_t operations = 0;
            node.backend.set_fault_policy([&](const sim::FileOperation&) {
                if (operations++ == points) left = disk.crash(points);
                return sim::FaultDecision{};
            });
            const auto rebuilt = reactor::run_until_done(node.reactor, rebuild_task(this, &node.reactor));
            ASSERT_TRUE(rebuilt.ok()) << rebuilt.status();
            ASSERT_TRUE(node.open().ok());
        }
        crashed = left.has_value();
        if (!crashed) break;
        disk = *left;
        bool refused = false;
        {
            SimNode node(disk);
            const absl::Status status = node.open();
            refused = status.code() == absl::StatusCode::kDataLoss;
            ASSERT_TRUE(status.ok() || refused) << status;
        }
        if (refused) {
            ASSERT_TRUE(rebuild().ok()) << "after a crash at operation " << points;
        }
        repaired_before_the_crash += refused ? 0 : 1;
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok()) << "after a crash at operation " << points;
        ASSERT_EQ(node.read_all(), maker.ids()) << "after a crash at operation " << points;
        ASSERT_EQ(node.wal->recovered().hard_state, kPromise);
    }
    std::printf("%lu crash points, %lu of them behind the commit point\n", static_cast<unsigned long>(points),
                static_cast<unsigned long>(repaired_before_the_crash));
    EXPECT_GT(points, 50U);
    EXPECT_GT(repaired_before_the_crash, 5U);
    EXPECT_LT(repaired_before_the_crash, points);
}

TEST_F(DamagedLogTest, ALogOfAnotherNodeIsNotDamaged) {
    write_log({2});
    WalConfig config = small_config();
    config.node = NodeId{8};
    SimNode node(disk);
    const auto opened = reactor::run_until_done(node.reactor, DamagedLog::open(node.reactor, config));
    EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(opened.status().message()), HasSubstr("wrong node"));
}

}  // namespace
}  // namespace kvorum::wal::test
