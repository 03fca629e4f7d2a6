// What is written into a snapshot comes out of it, in slices and in any pieces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/snapshot/snapshot_test_util.h"

namespace kvorum::snapshot::test {
namespace {

SnapshotHead full_head() {
    SnapshotHead head = head_of({.head = {.applied_index = LogIndex{900},
                                          .log_time_ms = -5,
                                          .revision = Revision{70},
                                          .history_floor = Revision{6},
                                          .tombstone_floor = Revision{7},
                                          .settings = {.hash_seed = 0x77,
                                                       .tombstones_max = 10,
                                                       .tombstone_bytes_max = 11,
                                                       .expiries_per_entry_max = 12}},
                                 .state_hash = 0x8888,
                                 .key_count = 99,
                                 .tombstone_count = 10});
    head.group = GroupId{5};
    head.base.proven_level = 1;
    head.base.raise = {LogIndex{2}, raft::FeatureLevelRaise{.level = 2, .raised_by = "0.3.0"}};
    return head;
}

TEST(SnapshotHead, ComesBackWithAllItsFields) {
    const SnapshotHead head = full_head();
    const std::string bytes = encode_snapshot_head(head);
    const auto decoded = decode_snapshot_head(as_bytes(bytes));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->cluster, head.cluster);
    EXPECT_EQ(decoded->cluster_name, "test");
    EXPECT_EQ(decoded->group, GroupId{5});
    EXPECT_EQ(decoded->node, NodeId{3});
    EXPECT_EQ(decoded->base, head.base);
    EXPECT_EQ(decoded->moment.head.settings.hash_seed, 0x77u);
    EXPECT_EQ(decoded->moment.key_count, 99u);
    EXPECT_EQ(encode_snapshot_head(*decoded), bytes) << "so nothing is lost";
}

TEST(SnapshotHead, CutOffAnywhereIsNone) {
    const std::string bytes = encode_snapshot_head(full_head());
    for (size_t size = 0; size < bytes.size(); ++size)
        EXPECT_TRUE(absl::IsDataLoss(decode_snapshot_head(as_bytes(bytes).first(size)).status())) << size;
    EXPECT_FALSE(decode_snapshot_head(as_bytes(bytes + "x")).ok());
}

TEST(SnapshotHead, OfALaterFormatIsToldFromDamage) {
    std::string bytes = encode_snapshot_head(full_head());
    bytes[0] = 2;
    const absl::Status status = decode_snapshot_head(as_bytes(bytes)).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
}

TEST(SnapshotHead, ThatNoWriterMakesIsRefused) {
    const auto refuses = [](auto change) {
        SnapshotHead head = full_head();
        change(head);
        return !decode_snapshot_head(as_bytes(encode_snapshot_head(head))).ok();
    };
    EXPECT_FALSE(refuses([](SnapshotHead&) {}));
    EXPECT_TRUE(refuses([](SnapshotHead& head) { head.moment.head.history_floor = Revision{71}; }));
    EXPECT_TRUE(refuses([](SnapshotHead& head) { head.moment.head.tombstone_floor = Revision{71}; }));
    EXPECT_TRUE(refuses([](SnapshotHead& head) { head.moment.head.settings.expiries_per_entry_max = 0; }));
    EXPECT_TRUE(refuses([](SnapshotHead& head) { head.moment.tombstone_count = 11; }));
}

class CollectingVisitor final : public SnapshotVisitor {
 public:
    absl::Status head(const SnapshotHead&) override { return absl::OkStatus(); }
    absl::Status tombstone(std::string_view key, Revision revision) override {
        items.push_back(fmt::format("- {} {}", key, revision));
        return absl::OkStatus();
    }
    absl::Status record(const kv::RecordFields& fields) override {
        items.push_back(fmt::format("{} {} {} {} {} {} {}", fields.key, fields.value, fields.expire_at_ms,
                                    fields.revision, fields.create_revision, fields.version, fields.lease));
        return absl::OkStatus();
    }
    std::vector<std::string> items;
};

TEST(SnapshotCodec, RecordsAndTombstonesComeBackWithAllTheirFields) {
    SnapshotEncoder encoder;
    encoder.tombstone("gone", Revision{3});
    encoder.tombstone("", Revision{3});
    encoder.record({.key = "plain", .value = "v", .revision = Revision{9}, .create_revision = Revision{9}});
    encoder.record({.key = "k",
                    .value = "w",
                    .expire_at_ms = kv::kDeadlineMin,
                    .revision = Revision{70},
                    .create_revision = Revision{1},
                    .version = 5,
                    .lease = kv::LeaseId{8}});
    encoder.record({.key = "", .value = "", .revision = Revision{1}, .version = 2});
    SnapshotHead head = full_head();
    head.moment.key_count = 3;
    head.moment.tombstone_count = 2;
    encoder.begin(head);
    CollectingVisitor visitor;
    ASSERT_TRUE(decode_whole(finished(encoder), visitor).ok());
    EXPECT_THAT(visitor.items,
                testing::ElementsAre("- gone 3", "-  3", fmt::format("plain v {} 9 9 1 0", kv::kNoExpiry),
                                     fmt::format("k w {} 70 1 5 8", kv::kDeadlineMin),
                                     fmt::format("  {} 1 1 2 0", kv::kNoExpiry)));
}

TEST(SnapshotCodec, AStoreIsRestoredWhole) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        kv::Store store = random_store(seed, 20'000);
        RestoringVisitor visitor;
        const absl::Status status = decode_whole(snapshot_of(store), visitor);
        ASSERT_TRUE(status.ok()) << status;
        expect_equal(store, visitor.store);
    }
}

TEST(SnapshotCodec, AnEmptyStoreIsRestored) {
    kv::Store store;
    store.advance(LogIndex{1}, 1);
    RestoringVisitor visitor;
    ASSERT_TRUE(decode_whole(snapshot_of(store), visitor).ok());
    expect_equal(store, visitor.store);
}

TEST(SnapshotCodec, WhatIsWrittenMeanwhileIsNotInIt) {
    kv::Store store = random_store(7, 20'000);
    Prng random(7);
    SnapshotEncoder encoder;
    std::string bytes;
    const auto cursor = store.begin_snapshot(encoder);
    encoder.begin(head_of(cursor->moment()));
    while (!cursor->advance(2000)) {
        for (int i = 0; i < 20; ++i)
            change_at_random(store, random, 1000, 300);
        encoder.pack(2000);
        take_all(encoder, bytes);
    }
    RestoringVisitor visitor;
    ASSERT_TRUE(decode_whole(finished(encoder, bytes), visitor).ok());
    EXPECT_EQ(visitor.store.state_hash(), cursor->moment().state_hash);
    EXPECT_GT(cursor->counts().pre_images, 0u);
}

TEST(SnapshotCodec, LargeValuesGoThroughManyChunks) {
    Prng random(3);
    kv::Store store;
    store.advance(LogIndex{1}, 1);
    store.put("large", random_text(random, kv::kValueSizeMax), kv::kNoExpiry);
    store.put(random_text(random, 3 * kMiB), std::string(5 * kMiB, 'x'), kv::kNoExpiry);
    store.put("exact", random_text(random, kChunkRawBytes), kv::kNoExpiry);
    RestoringVisitor visitor;
    const absl::Status status = decode_whole(snapshot_of(store), visitor, 100'000);
    ASSERT_TRUE(status.ok()) << status;
    expect_equal(store, visitor.store);
}

TEST(SnapshotCodec, PiecesOfAnySizeMakeNoDifference) {
    kv::Store store = random_store(5, 500, 200);
    const std::string bytes = snapshot_of(store);
    for (const size_t piece_bytes : {size_t{1}, size_t{7}, size_t{39}, size_t{41}, size_t{4096}, bytes.size()}) {
        RestoringVisitor visitor;
        ASSERT_TRUE(decode_whole(bytes, visitor, piece_bytes).ok()) << piece_bytes;
        expect_equal(store, visitor.store);
    }
}

TEST(SnapshotCodec, PackingStopsAfterASlice) {
    Prng random(1);
    SnapshotEncoder encoder;
    encoder.begin(head_of({.head = {.revision = Revision{1}}, .key_count = 1}));
    const std::string value = random_text(random, 3 * kMiB);
    encoder.record({.key = "k", .value = value, .revision = Revision{1}});
    for (uint64_t waiting = encoder.raw_bytes_waiting(); !encoder.pack(1); waiting = encoder.raw_bytes_waiting())
        EXPECT_LE(waiting - encoder.raw_bytes_waiting(), kPackSliceBytes);
    EXPECT_LT(encoder.raw_bytes_waiting(), kPackSliceBytes);
    IgnoringVisitor visitor;
    EXPECT_TRUE(decode_whole(finished(encoder), visitor).ok());
}

TEST(SnapshotCodec, DecodingStopsAfterASlice) {
    kv::Store store = random_store(2, 50'000, 20'000);
    const std::string bytes = snapshot_of(store);
    RestoringVisitor visitor;
    SnapshotDecoder decoder(visitor);
    decoder.feed(as_bytes(bytes));
    uint64_t before = 0;
    uint64_t slices = 0;
    for (bool done = false; !done; ++slices) {
        const auto decoded = decoder.decode(1);
        ASSERT_TRUE(decoded.ok());
        done = *decoded;
        EXPECT_LE(decoder.raw_bytes() - before, kPackSliceBytes);
        before = decoder.raw_bytes();
    }
    EXPECT_GT(slices, 20u);
    EXPECT_TRUE(decoder.finish().ok());
    expect_equal(store, visitor.store);
}

TEST(SnapshotCodec, WhatTheVisitorRefusesEndsTheDecoding) {
    class Refusing final : public SnapshotVisitor {
     public:
        absl::Status head(const SnapshotHead&) override { return absl::AbortedError("of another cluster"); }
        absl::Status tombstone(std::string_view, Revision) override { return absl::OkStatus(); }
        absl::Status record(const kv::RecordFields&) override { return absl::OkStatus(); }
    } visitor;
    kv::Store store = random_store(2, 100);
    EXPECT_TRUE(absl::IsAborted(decode_whole(snapshot_of(store), visitor)));
}

}  // namespace
}  // namespace kvorum::snapshot::test
