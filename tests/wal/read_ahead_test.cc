// Reading a log in large pieces, ahead of who needs it: at the start, and when entries are read back.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <vector>

#include "tests/wal/wal_test_util.h"
#include "wal/file_read.h"

namespace kvorum::wal::test {
namespace {

using reactor::IoCode;
using sim::FaultDecision;
using sim::FileOperation;

class ReadAheadTest : public testing::Test {
 protected:
    // Small segments, of which the log has several.
    void write_log(size_t batches) {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        for (size_t i = 0; i < batches; ++i)
            node.append_durably({}, maker.next_batch(4, 1000));
        ASSERT_GT(node.wal->stats().segments, 3);
    }
    // Counts the reads of segments, and does to each what `decide` says.
    void watch_reads(SimNode& node, std::function<FaultDecision(const FileOperation&)> decide = {}) {
        node.backend.set_fault_policy([this, decide](const FileOperation& operation) -> FaultDecision {
            if (operation.code != IoCode::kRead) return {};
            bytes_read += operation.length_bytes;
            return decide ? decide(operation) : FaultDecision{};
        });
    }

    QuietLog log;
    sim::Disk disk{sim::DiskConfig{}};
    EntryMaker maker;
    uint64_t bytes_read = 0;
};

TEST_F(ReadAheadTest, EachSegmentIsReadOnceAtTheStart) {
    write_log(40);
    SimNode node(disk);
    watch_reads(node);
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->recovered().last, maker.ids().back());
    EXPECT_EQ(bytes_read, node.wal->recovered().bytes_scanned);
    EXPECT_EQ(node.wal->recovered().bytes_scanned % small_config().segment_size_bytes, 0);
}

TEST_F(ReadAheadTest, ShortReadsAreGoneOnWith) {
    write_log(20);
    SimNode node(disk);
    watch_reads(node, [](const FileOperation& operation) -> FaultDecision {
        if (operation.length_bytes <= kBlockBytes) return {};
        return {.kind = FaultDecision::Kind::kShort, .length_bytes = kBlockBytes};
    });
    ASSERT_TRUE(node.open().ok());
    EXPECT_EQ(node.wal->recovered().last, maker.ids().back());
    EXPECT_EQ(node.read_all(), maker.ids());
}

TEST_F(ReadAheadTest, ASegmentThatCannotBeReadEndsTheStartWhateverWasReadAhead) {
    write_log(40);
    for (const char* broken : {"1.seg", "2.seg", "4.seg"}) {
        SimNode node(disk);
        watch_reads(node, [broken](const FileOperation& operation) -> FaultDecision {
            if (!operation.path.ends_with(broken)) return {};
            return {.kind = FaultDecision::Kind::kError, .error = -EIO};
        });
        EXPECT_FALSE(node.open().ok()) << broken;
        EXPECT_EQ(node.backend.open_handles(), 0) << broken;
    }
}

TEST_F(ReadAheadTest, AReadThatGoesOnWhereTheLastOneEndedReadsNothingTwice) {
    write_log(40);
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    watch_reads(node);
    LogIndex next{1};
    std::vector<raft::EntryId> ids;
    while (next <= node.wal->last_index()) {
        const auto entries = node.read(next, node.wal->last_index(), 1);
        ASSERT_TRUE(entries.ok()) << entries.status();
        ASSERT_EQ(entries->size(), 1);
        ids.push_back(entries->front()->id());
        next = next + 1;
    }
    EXPECT_EQ(ids, maker.ids());
    EXPECT_LE(bytes_read, node.wal->recovered().bytes_scanned);
}

TEST_F(ReadAheadTest, ReadsOfTwoWhoTakeTurnsGiveEachItsOwn) {
    write_log(40);
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    const std::vector<raft::EntryId>& ids = maker.ids();
    const uint64_t half = ids.size() / 2;
    for (uint64_t i = 0; i < half; ++i) {
        for (const uint64_t at : {i, half + i}) {
            const auto entries = node.read(LogIndex{at + 1}, LogIndex{at + 1}, 1);
            ASSERT_TRUE(entries.ok()) << entries.status();
            EXPECT_EQ(entries->front()->id(), ids[at]);
        }
    }
}

TEST_F(ReadAheadTest, WhatWasAppendedSinceTheLastReadIsFound) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    for (uint64_t i = 1; i <= 60; ++i) {
        node.append_durably({}, maker.next_batch(1, 700));
        const auto entries = node.read(LogIndex{i}, LogIndex{i}, 1);
        ASSERT_TRUE(entries.ok()) << entries.status();
        EXPECT_EQ(entries->front()->id(), maker.ids().back());
    }
}

TEST_F(ReadAheadTest, WhatWasReplacedSinceTheLastReadIsRead) {
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    node.append_durably({}, maker.next_batch(10, 700));
    ASSERT_TRUE(node.read(LogIndex{1}, LogIndex{5}, UINT64_MAX / 2).ok());
    maker.rewind(LogIndex{3});
    node.append_durably(raft::HardState{maker.term(), NodeId{}}, maker.next_batch(10, 700));
    const auto entries = node.read(LogIndex{6}, LogIndex{13}, UINT64_MAX / 2);
    ASSERT_TRUE(entries.ok()) << entries.status();
    for (const raft::EntryPtr& entry : *entries)
        EXPECT_EQ(entry->id(), maker.ids()[entry->index().value() - 1]);
    EXPECT_EQ(entries->size(), 8);
}

class FileReadTest : public ReadAheadTest {
 protected:
    // A file of these bytes, open.
    reactor::Handle make_file(SimNode& node, const std::vector<std::byte>& bytes) {
        EXPECT_TRUE(node.backend.make_directory(kDirectory).ok());
        return reactor::run_until_done(node.reactor, write_file(node.reactor, &bytes));
    }
    static reactor::Task<reactor::Handle> write_file(reactor::Reactor& reactor, const std::vector<std::byte>* bytes) {
        const reactor::Handle handle = co_await reactor.open(std::string(kDirectory) + "/file", O_RDWR | O_CREAT, 0600);
        const int32_t written = co_await reactor.write(handle, *bytes, 0);
        EXPECT_EQ(written, static_cast<int32_t>(bytes->size()));
        co_return handle;
    }
    static std::vector<std::byte> some_bytes(uint64_t count) {
        std::vector<std::byte> bytes(count);
        for (uint64_t i = 0; i < count; ++i)
            bytes[i] = static_cast<std::byte>(i / kBlockBytes + i);
        return bytes;
    }
    int32_t read(SimNode& node, reactor::Handle handle, MutableBytes into, uint64_t offset_bytes) {
        FileRead file(node.reactor);
        file.begin(handle, into, offset_bytes);
        return reactor::run_until_done(node.reactor, file.join());
    }
};

TEST_F(FileReadTest, FillsMemoryFromManyPieces) {
    SimNode node(disk);
    const std::vector<std::byte> bytes = some_bytes(5 * kReadPieceBytes + kBlockBytes);
    const reactor::Handle handle = make_file(node, bytes);
    std::vector<std::byte> into(bytes.size() - kBlockBytes);
    EXPECT_EQ(read(node, handle, into, kBlockBytes), 0);
    EXPECT_TRUE(std::equal(into.begin(), into.end(), bytes.begin() + kBlockBytes));
}

TEST_F(FileReadTest, SaysTheFirstErrorWhenAllReadsHaveEnded) {
    SimNode node(disk);
    const std::vector<std::byte> bytes = some_bytes(4 * kReadPieceBytes);
    const reactor::Handle handle = make_file(node, bytes);
    watch_reads(node, [](const FileOperation& operation) -> FaultDecision {
        if (operation.offset != kReadPieceBytes) return {};
        return {.kind = FaultDecision::Kind::kError, .error = -EIO};
    });
    std::vector<std::byte> into(bytes.size());
    EXPECT_EQ(read(node, handle, into, 0), -EIO);
    EXPECT_EQ(bytes_read, bytes.size());
}

TEST_F(FileReadTest, SaysThatTheFileEnds) {
    SimNode node(disk);
    const std::vector<std::byte> bytes = some_bytes(kBlockBytes);
    const reactor::Handle handle = make_file(node, bytes);
    std::vector<std::byte> into(2 * kBlockBytes);
    EXPECT_EQ(read(node, handle, into, 0), -ENODATA);
}

}  // namespace
}  // namespace kvorum::wal::test
