// A snapshot gets its name once it is whole and durable, whatever fails when; and what was written is read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/snapshot/snapshot_files_test_util.h"

namespace kvorum::snapshot::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SnapshotFiles : public testing::Test {
 protected:
    [[nodiscard]] std::string only_name() const { return snapshot_file_name(id_of(store)); }
    static SnapshotId id_of(const kv::Store& store) { return {store.applied_index() + 1, Term{4}}; }
    absl::StatusOr<LoadedSnapshot> load(Node& node, kv::Store* into) {
        SnapshotLoader loader(node.reactor, Node::path(only_name()), disk.contents(Node::path(only_name())).size());
        return node.run(loader.restore(into, node.stop.token()));
    }
    void expect_no_snapshot_is_taken() { EXPECT_TRUE(decode_whole(snapshot_of(store)).ok()); }

    sim::Disk disk{sim::DiskConfig{}};
    kv::Store store = random_store(21, 30'000, 20'000, 300);
};

TEST_F(SnapshotFiles, WhatWasWrittenIsRestored) {
    Node node(disk);
    const auto written = node.write(store);
    ASSERT_TRUE(written.ok()) << written.status();
    EXPECT_THAT(names(disk), ElementsAre(only_name()));
    EXPECT_EQ(disk.durable_contents(Node::path(only_name())).size(), written->size_bytes);
    EXPECT_EQ(node.backend.open_handles(), 0u);
    kv::Store copy;
    const auto loaded = load(node, &copy);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->checksum, written->checksum);
    expect_equal(store, copy);
}

TEST_F(SnapshotFiles, WritesGoOnMeanwhile) {
    Node node(disk);
    SnapshotWriter writer(node.reactor, kDirectory, store, head_of({.head = store.head()}));
    reactor::Task<absl::StatusOr<SnapshotIdentity>> task = writer.run(node.stop.token());
    reactor::TaskScope scope(node.reactor);
    struct Starter {
        static reactor::Task<void> run(reactor::Task<absl::StatusOr<SnapshotIdentity>> task, bool* ok) {
            const auto written = co_await std::move(task);
            *ok = written.ok();
        }
    };
    bool ok = false;
    const std::string name = only_name();
    scope.spawn(Starter::run(std::move(task), &ok));
    Prng random(1);
    while (scope.size() > 0) {
        for (int i = 0; i < 30; ++i)
            change_at_random(store, random, 20'000, 300);
        store.end_turn();
        node.reactor.turn(node.backend.monotonic_ns() + kMillisecondNs);
    }
    ASSERT_TRUE(ok);
    EXPECT_GT(writer.counts().pre_images, 100u);
    RestoringVisitor visitor;
    ASSERT_TRUE(decode_whole(disk.contents(Node::path(name)), visitor).ok());
    EXPECT_EQ(visitor.store.state_hash(), writer.moment().state_hash);
}

TEST_F(SnapshotFiles, AnErrorOfAnyOperationIsAStatusAndLeavesNothing) {
    uint64_t operations = 0;
    {
        sim::Disk copy = disk;
        Node node(copy);
        ASSERT_TRUE(node.write(store).ok());
        operations = node.backend.operation_count();
    }
    for (const int32_t error : {EIO, ENOSPC}) {
        for (uint64_t failing = 1; failing <= operations; ++failing) {
            sim::Disk copy = disk;
            Node node(copy);
            node.backend.set_fault_policy([&](const sim::FileOperation& operation) {
                return operation.number == failing ? error_of(-error) : sim::FaultDecision{};
            });
            const absl::Status status = node.write(store).status();
            const absl::StatusCode code =
                error == ENOSPC ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable;
            EXPECT_EQ(status.code(), code) << failing << " " << status;
            for (const std::string& name : names(copy)) {
                EXPECT_FALSE(name.ends_with(".tmp")) << failing;
                EXPECT_TRUE(decode_whole(copy.contents(Node::path(name))).ok()) << failing;
            }
            expect_no_snapshot_is_taken();
        }
    }
}

TEST_F(SnapshotFiles, ACrashAtAnyInstantLeavesNoneOrAWholeOne) {
    uint64_t instants = 0;
    Node node(disk);
    node.backend.set_observer([&](sim::IoMoment, const sim::FileOperation&) {
        ++instants;
        for (uint64_t seed = 0; seed < 3; ++seed) {
            const sim::Disk after = disk.crash(instants * 10 + seed);
            for (const std::string& name : names(after)) {
                if (name.ends_with(".kvs")) EXPECT_TRUE(decode_whole(after.contents(Node::path(name))).ok()) << name;
            }
        }
    });
    ASSERT_TRUE(node.write(store).ok());
    EXPECT_GT(instants, 10u);
    EXPECT_THAT(disk.durable_names(kDirectory), ElementsAre(only_name()));
}

TEST_F(SnapshotFiles, ShortWritesAndReadsAreGoneOnWith) {
    Node node(disk);
    node.backend.set_fault_policy([](const sim::FileOperation& operation) {
        const bool is_long = operation.length_bytes > 10'000;
        return is_long ? sim::FaultDecision{.kind = sim::FaultDecision::Kind::kShort,
                                            .length_bytes = operation.length_bytes / 2 + 100}
                       : sim::FaultDecision{};
    });
    ASSERT_TRUE(node.write(store).ok());
    kv::Store copy;
    const auto loaded = load(node, &copy);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    expect_equal(store, copy);
}

TEST_F(SnapshotFiles, AStopRemovesWhatWasWritten) {
    Node node(disk);
    node.backend.set_observer([&](sim::IoMoment, const sim::FileOperation& operation) {
        if (operation.code == reactor::IoCode::kWrite) node.stop.request_stop();
    });
    EXPECT_TRUE(absl::IsCancelled(node.write(store).status()));
    EXPECT_THAT(names(disk), IsEmpty());
    EXPECT_EQ(node.backend.open_handles(), 0u);
    expect_no_snapshot_is_taken();
}

TEST_F(SnapshotFiles, ADamagedFileIsNotLoaded) {
    Node node(disk);
    ASSERT_TRUE(node.write(store).ok());
    ASSERT_TRUE(disk.flip_bit(Node::path(only_name()), kMiB + 77, 3));
    kv::Store copy;
    EXPECT_TRUE(absl::IsDataLoss(load(node, &copy).status()));
}

TEST_F(SnapshotFiles, RecordsThatDoNotMakeUpTheStateAreRefused) {
    SnapshotEncoder encoder;
    encoder.record({.key = "k", .value = "v", .revision = Revision{1}});
    encoder.begin(head_of({.head = {.revision = Revision{1}}, .state_hash = 5, .key_count = 1}));
    Node node(disk);
    const SnapshotId id{LogIndex{1}, Term{4}};
    const std::string bytes = finished(encoder);
    node.make_file(disk, snapshot_file_name(id), bytes);
    kv::Store copy;
    SnapshotLoader loader(node.reactor, Node::path(snapshot_file_name(id)), bytes.size());
    const absl::Status status = node.run(loader.restore(&copy, node.stop.token())).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST_F(SnapshotFiles, ATombstoneThatComesTwiceIsRefused) {
    SnapshotEncoder encoder;
    encoder.tombstone("k", Revision{1});
    encoder.tombstone("k", Revision{1});
    kv::StateHead state{.revision = Revision{1}, .settings = {.tombstones_max = 9, .tombstone_bytes_max = kMiB}};
    encoder.begin(head_of({.head = state, .tombstone_count = 2}));
    Node node(disk);
    const std::string bytes = finished(encoder);
    node.make_file(disk, "x.kvs", bytes);
    kv::Store copy;
    SnapshotLoader loader(node.reactor, Node::path("x.kvs"), bytes.size());
    EXPECT_TRUE(absl::IsDataLoss(node.run(loader.restore(&copy, node.stop.token())).status()));
}

TEST_F(SnapshotFiles, AnErrorOfAnyReadIsAStatus) {
    Node whole(disk);
    ASSERT_TRUE(whole.write(store).ok());
    const uint64_t written_by = whole.backend.operation_count();
    kv::Store first;
    ASSERT_TRUE(load(whole, &first).ok());
    for (uint64_t failing = 1; failing <= whole.backend.operation_count() - written_by; ++failing) {
        Node node(disk);
        node.backend.set_fault_policy([&](const sim::FileOperation& operation) {
            return operation.number == failing ? error_of(-EIO) : sim::FaultDecision{};
        });
        kv::Store copy;
        EXPECT_TRUE(absl::IsUnavailable(load(node, &copy).status())) << failing;
    }
}

TEST_F(SnapshotFiles, LoadingIsStopped) {
    Node node(disk);
    ASSERT_TRUE(node.write(store).ok());
    node.stop.request_stop();
    kv::Store copy;
    EXPECT_TRUE(absl::IsCancelled(load(node, &copy).status()));
    EXPECT_EQ(node.backend.open_handles(), 0u);
}

}  // namespace
}  // namespace kvorum::snapshot::test
