// Stores, and their snapshots as bytes, for the tests of the room.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "kv/snapshot_cursor.h"
#include "kv/store.h"
#include "snapshot/snapshot_decoder.h"
#include "snapshot/snapshot_encoder.h"

namespace kvorum::snapshot::test {

inline std::string random_text(Prng& random, size_t size_bytes) {
    std::string text(size_bytes, '\0');
    for (char& byte : text)
        byte = static_cast<char>(random.next());
    return text;
}

inline SnapshotHead head_of(const kv::SnapshotMoment& moment) {
    raft::Configuration configuration;
    for (const uint64_t voter : {1, 2, 3})
        configuration.voters.push_back({.id = NodeId{voter}, .peer = {"host", 17001}, .client = {"host", 7001}});
    SnapshotHead head{.cluster = ClusterId{0xc1u}, .cluster_name = "test", .node = NodeId{3}, .moment = moment};
    head.base.last = {LogIndex{moment.head.applied_index.value() + 1}, Term{4}, 0x1234};
    head.base.log_time_ms = moment.head.log_time_ms;
    head.base.configuration = {LogIndex{1}, configuration};
    return head;
}

// Changes of all kinds, one an entry.
inline void change_at_random(kv::Store& store, Prng& random, uint64_t keys, uint64_t value_bytes_max) {
    store.advance(store.applied_index() + 1, store.log_time_ms() + static_cast<int64_t>(random.below(3)));
    const std::string key = "key" + std::to_string(random.below(keys));
    const uint64_t kind = random.below(10);
    if (kind < 7) {
        const int64_t deadline =
            random.below(3) == 0 ? store.log_time_ms() + 1 + static_cast<int64_t>(random.below(10'000)) : kv::kNoExpiry;
        store.put(key, random_text(random, random.below(value_bytes_max)), deadline);
    } else if (kind < 9) {
        store.erase(key);
    } else {
        store.set_expiry(key, store.log_time_ms() + static_cast<int64_t>(random.below(10'000)));
    }
}

inline kv::Store random_store(uint64_t seed, uint64_t changes, uint64_t keys = 1000, uint64_t value_bytes_max = 300) {
    Prng random(seed);
    kv::Store store;
    store.advance(LogIndex{1}, 1000);
    EXPECT_TRUE(store.set(kv::Setting::kHashSeed, seed));
    EXPECT_TRUE(store.set(kv::Setting::kTombstonesMax, 50));
    EXPECT_TRUE(store.set(kv::Setting::kTombstoneBytesMax, kMiB));
    for (uint64_t i = 0; i < changes; ++i)
        change_at_random(store, random, keys, value_bytes_max);
    return store;
}

inline void take_all(SnapshotEncoder& encoder, std::string& out) {
    const size_t before = out.size();
    out.resize(before + encoder.bytes_to_take());
    const size_t taken = encoder.take({reinterpret_cast<std::byte*>(out.data()) + before, out.size() - before});
    EXPECT_EQ(taken, out.size() - before);
}

// The whole file; `out` is what was taken already.
inline std::string finished(SnapshotEncoder& encoder, std::string out = {}) {
    encoder.finish();
    while (!encoder.pack(100'000))
        take_all(encoder, out);
    take_all(encoder, out);
    EXPECT_EQ(out.size() % kFileBlockBytes, 0u);
    EXPECT_EQ(encoder.file_bytes(), out.size());
    return out;
}

inline std::string snapshot_of(kv::Store& store) {
    SnapshotEncoder encoder;
    const auto cursor = store.begin_snapshot(encoder);
    encoder.begin(head_of(cursor->moment()));
    while (!cursor->advance(100'000)) {
    }
    return finished(encoder);
}

// A store of what it is told.
class RestoringVisitor final : public SnapshotVisitor {
 public:
    absl::Status head(const SnapshotHead& head) override {
        store.restore_head(head.moment.head);
        return absl::OkStatus();
    }
    absl::Status tombstone(std::string_view key, Revision revision) override {
        store.restore_tombstone(key, revision);
        return absl::OkStatus();
    }
    absl::Status record(const kv::RecordFields& fields) override {
        store.restore(fields);
        return absl::OkStatus();
    }
    kv::Store store;
};

class IgnoringVisitor final : public SnapshotVisitor {
 public:
    absl::Status head(const SnapshotHead&) override { return absl::OkStatus(); }
    absl::Status tombstone(std::string_view, Revision) override { return absl::OkStatus(); }
    absl::Status record(const kv::RecordFields&) override { return absl::OkStatus(); }
};

inline absl::Status decode_whole(std::string_view bytes, SnapshotVisitor& visitor, size_t piece_bytes = SIZE_MAX) {
    SnapshotDecoder decoder(visitor);
    for (size_t at = 0; at < bytes.size();) {
        const std::string_view piece = bytes.substr(at, piece_bytes);
        decoder.feed(as_bytes(piece));
        at += piece.size();
        const absl::StatusOr<bool> decoded = decoder.decode(UINT64_MAX);
        if (!decoded.ok()) return decoded.status();
        EXPECT_TRUE(*decoded);
    }
    return decoder.finish();
}

inline absl::Status decode_whole(std::string_view bytes) {
    IgnoringVisitor visitor;
    return decode_whole(bytes, visitor);
}

inline void expect_equal(const kv::Store& a, const kv::Store& b) {
    EXPECT_EQ(a.state_hash(), b.state_hash());
    EXPECT_EQ(a.size(), b.size());
    EXPECT_EQ(a.applied_index(), b.applied_index());
    EXPECT_EQ(a.log_time_ms(), b.log_time_ms());
    EXPECT_EQ(a.tombstone_count(), b.tombstone_count());
    EXPECT_EQ(a.keys_with_expiry(), b.keys_with_expiry());
    b.check();
}

}  // namespace kvorum::snapshot::test
