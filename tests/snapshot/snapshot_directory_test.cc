// Which snapshots a directory has and keeps, and how one comes from another node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/snapshot/snapshot_files_test_util.h"

namespace kvorum::snapshot::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr SnapshotId id_of(uint64_t index, uint64_t term = 4) { return {LogIndex{index}, Term{term}}; }

TEST(SnapshotFileName, IsReadBackAndNothingElseIs) {
    const SnapshotId id = id_of(1234, 56);
    EXPECT_EQ(snapshot_file_name(id), "snapshot-0000000000001234-56.kvs");
    EXPECT_EQ(parse_snapshot_file_name(snapshot_file_name(id)), id);
    const SnapshotId large = id_of(UINT64_MAX, UINT64_MAX);
    EXPECT_EQ(parse_snapshot_file_name(snapshot_file_name(large)), large);
    for (const char* other : {"", "snapshot-", "snapshot-1234-56.kvs", "snapshot-0000000000001234-56.tmp",
                              "snapshot-0000000000001234-056.kvs", "snapshot-0000000000001234-56.kvsx",
                              "snapshot-0000000000000000-56.kvs", "snapshot-000000000000123x-56.kvs"})
        EXPECT_FALSE(parse_snapshot_file_name(other).has_value()) << other;
    const SnapshotIdentity identity{id, 8192, 0xabc};
    EXPECT_EQ(parse_receive_file_name(receive_file_name(identity)), identity);
    EXPECT_FALSE(parse_receive_file_name(snapshot_file_name(id)).has_value());
}

class SnapshotDirectoryTest : public testing::Test {
 protected:
    void make(uint64_t index) {
        kv::Store store;
        store.advance(LogIndex{index - 1}, 1);
        node.make_file(disk, snapshot_file_name(id_of(index)), snapshot_of(store));
    }
    std::vector<uint64_t> indexes() const {
        std::vector<uint64_t> indexes;
        for (const SnapshotFile& file : directory.files())
            indexes.push_back(file.id.index.value());
        return indexes;
    }

    sim::Disk disk{sim::DiskConfig{}};
    Node node{disk};
    SnapshotDirectory directory{node.reactor, kDirectory};
};

TEST_F(SnapshotDirectoryTest, ListsTheNewestFirstAndRemovesWhatWasNotFinished) {
    make(20);
    make(300);
    make(5);
    node.make_file(disk, temporary_file_name(id_of(400)), "x");
    node.make_file(disk, "wal-1.seg", "x");
    node.make_file(disk, receive_file_name({id_of(7), 4096, 1}), "x");
    node.make_file(disk, receive_file_name({id_of(8), 4096, 1}), "x");
    ASSERT_TRUE(node.run(directory.open()).ok());
    EXPECT_THAT(indexes(), ElementsAre(300, 20, 5));
    EXPECT_EQ(directory.newest_verified(), nullptr);
    EXPECT_EQ(directory.interrupted_receive()->id, id_of(8));
    EXPECT_THAT(names(disk), UnorderedElementsAre(snapshot_file_name(id_of(5)), snapshot_file_name(id_of(20)),
                                                  snapshot_file_name(id_of(300)), "wal-1.seg",
                                                  receive_file_name({id_of(8), 4096, 1})));
}

TEST_F(SnapshotDirectoryTest, NothingGoesBeforeOneWasVerified) {
    for (const uint64_t index : {10, 20, 30, 40})
        make(index);
    ASSERT_TRUE(node.run(directory.open()).ok());
    ASSERT_TRUE(node.run(directory.remove_old()).ok());
    EXPECT_THAT(indexes(), ElementsAre(40, 30, 20, 10));
}

TEST_F(SnapshotDirectoryTest, KeepsTheNewestVerifiedTheOneBeforeItAndAllNewerOnes) {
    for (const uint64_t index : {10, 20, 30, 40})
        make(index);
    ASSERT_TRUE(node.run(directory.open()).ok());
    ASSERT_TRUE(node.run(directory.verify(id_of(30), node.stop.token())).ok());
    EXPECT_EQ(directory.newest_verified()->id, id_of(30));
    ASSERT_TRUE(node.run(directory.remove_old()).ok());
    EXPECT_THAT(indexes(), ElementsAre(40, 30, 20));
    EXPECT_EQ(names(disk).size(), 3u);
}

TEST_F(SnapshotDirectoryTest, ADamagedOneIsNotVerified) {
    make(10);
    ASSERT_TRUE(disk.flip_bit(Node::path(snapshot_file_name(id_of(10))), 50, 1));
    ASSERT_TRUE(node.run(directory.open()).ok());
    EXPECT_TRUE(absl::IsDataLoss(node.run(directory.verify(id_of(10), node.stop.token())).status()));
    EXPECT_EQ(directory.newest_verified(), nullptr);
}

TEST_F(SnapshotDirectoryTest, AWholeOneUnderAnotherNameIsNotVerified) {
    kv::Store store;
    store.advance(LogIndex{9}, 1);
    node.make_file(disk, snapshot_file_name(id_of(11)), snapshot_of(store));
    ASSERT_TRUE(node.run(directory.open()).ok());
    EXPECT_TRUE(absl::IsDataLoss(node.run(directory.verify(id_of(11), node.stop.token())).status()));
}

class SnapshotReceiverTest : public testing::Test {
 protected:
    void SetUp() override {
        SnapshotDecoder decoder(visitor);
        decoder.feed(as_bytes(bytes));
        ASSERT_TRUE(decoder.decode(UINT64_MAX).ok());
        ASSERT_TRUE(decoder.complete());
        identity = {
            {decoder.head()->base.last.index, decoder.head()->base.last.term}, bytes.size(), decoder.file_checksum()};
        node = std::make_unique<Node>(disk);
        receiver = make_receiver();
    }
    void TearDown() override {
        if (receiver != nullptr) EXPECT_TRUE(node->run(receiver->close()).ok());
    }
    std::unique_ptr<SnapshotReceiver> make_receiver(uint64_t cluster = 0xc1u) {
        return std::make_unique<SnapshotReceiver>(node->reactor, kDirectory, ClusterId{cluster}, kFirstGroup, identity);
    }
    void begin() { ASSERT_TRUE(node->run(receiver->begin(node->stop.token())).ok()); }
    void receive_until(uint64_t end) {
        while (receiver->synced_bytes() < std::min<uint64_t>(end, bytes.size())) {
            const uint64_t at = receiver->synced_bytes();
            ASSERT_TRUE(node->run(receiver->write(at, bytes.substr(at, 64 * kKiB))).ok());
        }
    }
    // As after a power cut.
    void restart() {
        disk = disk.crash(1, sim::Disk::CrashMode::kLoseAll);
        ASSERT_TRUE(node->run(receiver->close()).ok());
        receiver.reset();
        node = std::make_unique<Node>(disk, 2);
        receiver = make_receiver();
    }
    auto finish() { return node->run(receiver->finish(node->stop.token())); }
    [[nodiscard]] std::string final_name() const { return snapshot_file_name(identity.id); }

    kv::Store store = random_store(31, 40'000, 30'000, 300);
    const std::string bytes = snapshot_of(store);
    IgnoringVisitor visitor;
    SnapshotIdentity identity;
    sim::Disk disk{sim::DiskConfig{}};
    std::unique_ptr<Node> node;
    std::unique_ptr<SnapshotReceiver> receiver;
};

TEST_F(SnapshotReceiverTest, WhatWasSentIsDurableUnderItsName) {
    begin();
    EXPECT_EQ(receiver->synced_bytes(), 0u);
    receive_until(bytes.size());
    const auto loaded = finish();
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->head.moment.state_hash, store.state_hash());
    EXPECT_THAT(disk.durable_names(kDirectory), ElementsAre(final_name()));
    EXPECT_EQ(disk.durable_contents(Node::path(final_name())), bytes);
    EXPECT_EQ(node->backend.open_handles(), 0u);
}

TEST_F(SnapshotReceiverTest, GoesOnAfterARestartWhereWholeChunksEnd) {
    begin();
    receive_until(3 * kMiB);
    const uint64_t synced = receiver->synced_bytes();
    restart();
    begin();
    EXPECT_GT(receiver->synced_bytes(), kMiB);
    EXPECT_LE(receiver->synced_bytes(), synced);
    receive_until(bytes.size());
    ASSERT_TRUE(finish().ok());
    EXPECT_EQ(disk.durable_contents(Node::path(final_name())), bytes);
}

TEST_F(SnapshotReceiverTest, GoesOnBeforeWhatTheDiskDamagedMeanwhile) {
    begin();
    receive_until(3 * kMiB);
    restart();
    ASSERT_TRUE(disk.flip_bit(Node::path(receive_file_name(identity)), kMiB + kMiB / 2, 1));
    begin();
    EXPECT_LE(receiver->synced_bytes(), kMiB + kMiB / 2);
    receive_until(bytes.size());
    ASSERT_TRUE(finish().ok());
    EXPECT_EQ(disk.durable_contents(Node::path(final_name())), bytes);
}

TEST_F(SnapshotReceiverTest, DamageOnTheWayIsFoundBeforeItHasAName) {
    begin();
    receive_until(kMiB);
    std::string piece = bytes.substr(receiver->synced_bytes(), 4096);
    piece[7] = static_cast<char>(piece[7] ^ 1);
    ASSERT_TRUE(node->run(receiver->write(receiver->synced_bytes(), piece)).ok());
    receive_until(bytes.size());
    EXPECT_TRUE(absl::IsDataLoss(finish().status()));
    EXPECT_THAT(names(disk), IsEmpty()) << "so the next try begins from the first byte";
}

TEST_F(SnapshotReceiverTest, OfAnotherClusterIsRefused) {
    receiver = make_receiver(0xbad);
    begin();
    receive_until(bytes.size());
    EXPECT_TRUE(absl::IsDataLoss(finish().status()));
    EXPECT_THAT(names(disk), IsEmpty());
}

TEST_F(SnapshotReceiverTest, AnotherSnapshotThanWasSaidIsRefused) {
    identity.checksum ^= 1;
    receiver = make_receiver();
    begin();
    receive_until(bytes.size());
    EXPECT_TRUE(absl::IsDataLoss(finish().status()));
}

TEST_F(SnapshotReceiverTest, PiecesThatHaveNoPlaceAreRefused) {
    begin();
    const std::string piece = bytes.substr(0, 4096);
    EXPECT_TRUE(absl::IsFailedPrecondition(node->run(receiver->write(4096, piece))));
    EXPECT_TRUE(absl::IsInvalidArgument(node->run(receiver->write(0, ""))));
    EXPECT_TRUE(absl::IsInvalidArgument(node->run(receiver->write(0, piece.substr(1)))));
    EXPECT_TRUE(absl::IsInvalidArgument(node->run(receiver->write(0, std::string(2 * kMiB, 'x')))));
    ASSERT_TRUE(node->run(receiver->write(0, piece)).ok());
    EXPECT_TRUE(absl::IsFailedPrecondition(node->run(receiver->write(0, piece))));
    receive_until(bytes.size());
    EXPECT_TRUE(absl::IsInvalidArgument(node->run(receiver->write(bytes.size(), piece))));
}

TEST_F(SnapshotReceiverTest, AFullDiskIsAStatusAndTheTransferGoesOnLater) {
    begin();
    receive_until(kMiB);
    disk.set_capacity_bytes(disk.used_bytes());
    node->backend.set_fault_policy([](const sim::FileOperation& operation) {
        return operation.code == reactor::IoCode::kWrite ? error_of(-ENOSPC) : sim::FaultDecision{};
    });
    const uint64_t at = receiver->synced_bytes();
    EXPECT_TRUE(absl::IsResourceExhausted(node->run(receiver->write(at, bytes.substr(at, 4096)))));
    EXPECT_EQ(receiver->synced_bytes(), at);
    node->backend.set_fault_policy({});
    disk.set_capacity_bytes(kGiB);
    receive_until(bytes.size());
    EXPECT_TRUE(finish().ok());
}

TEST_F(SnapshotReceiverTest, IsSentAsItIsReadFromADirectory) {
    node->make_file(disk, final_name(), bytes);
    SnapshotDirectory directory(node->reactor, kDirectory);
    ASSERT_TRUE(node->run(directory.open()).ok());
    std::string read;
    while (read.size() < bytes.size()) {
        auto piece = node->run(directory.read(identity.id, read.size()));
        ASSERT_TRUE(piece.ok()) << piece.status();
        read += as_text(piece->buffer.bytes().first(piece->size_bytes));
    }
    EXPECT_EQ(read, bytes);
    EXPECT_FALSE(node->run(directory.read(identity.id, bytes.size())).ok());
    EXPECT_FALSE(node->run(directory.read(identity.id, 77)).ok());
}

}  // namespace
}  // namespace kvorum::snapshot::test
