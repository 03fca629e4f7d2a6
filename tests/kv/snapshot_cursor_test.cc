// A snapshot holds the state of its moment, whatever is written while it is taken.
#include "kv/snapshot_cursor.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "base/units.h"
#include "kv/store.h"

namespace kvorum::kv {
namespace {

struct KeptRecord {
    std::string key;
    std::string value;
    RecordFields fields;

    // Its own copies of key and value.
    explicit KeptRecord(const RecordFields& from) : key(from.key), value(from.value), fields(from) {}
    [[nodiscard]] RecordFields view() const {
        RecordFields view = fields;
        view.key = key;
        view.value = value;
        return view;
    }
};

class KeepingSink final : public SnapshotSink {
 public:
    void tombstone(std::string_view key, Revision revision) override {
        EXPECT_TRUE(records.empty());
        tombstones.emplace_back(key, revision);
    }
    void record(const RecordFields& fields) override { records.emplace_back(fields); }

    std::vector<std::pair<std::string, Revision>> tombstones;
    std::vector<KeptRecord> records;
};

std::string describe(const RecordFields& fields) {
    return fmt::format("{} {} {} {} {} {} {}", fields.key, fields.value, fields.expire_at_ms, fields.revision,
                       fields.create_revision, fields.version, fields.lease);
}

std::vector<std::string> contents(const Store& store) {
    std::vector<std::string> lines;
    store.for_each([&](std::string_view, const Record& record) { lines.push_back(describe(record.fields())); });
    store.for_each_tombstone(
        [&](std::string_view key, Revision revision) { lines.push_back(fmt::format("- {} {}", key, revision)); });
    return lines;
}

// A store that is written to, and a snapshot of it.
class SnapshotCursorTest : public testing::Test {
 protected:
    void next_entry(int64_t ms_passed = 1) {
        log_time_ms_ += ms_passed;
        store.advance(LogIndex{++index_}, log_time_ms_);
    }
    void put(const std::string& key, const std::string& value, int64_t expire_at_ms = kNoExpiry) {
        next_entry();
        store.put(key, value, expire_at_ms);
    }
    void fill(int keys) {
        for (int i = 0; i < keys; ++i)
            put("key" + std::to_string(i), "value" + std::to_string(i));
    }
    void begin() {
        contents_at_moment_ = contents(store);
        cursor = store.begin_snapshot(sink);
    }
    void finish() {
        while (!cursor->advance(16 * kKiB)) {
        }
    }
    [[nodiscard]] Store restored() const {
        Store copy;
        copy.restore_head(cursor->moment().head);
        for (const auto& [key, revision] : sink.tombstones)
            copy.restore_tombstone(key, revision);
        for (const KeptRecord& record : sink.records)
            copy.restore(record.view());
        return copy;
    }
    void expect_moment() const {
        const Store copy = restored();
        EXPECT_EQ(sink.records.size(), cursor->moment().key_count);
        EXPECT_EQ(copy.state_hash(), cursor->moment().state_hash);
        EXPECT_EQ(copy.applied_index(), cursor->moment().head.applied_index);
        EXPECT_EQ(copy.log_time_ms(), cursor->moment().head.log_time_ms);
        EXPECT_EQ(contents(copy), contents_at_moment_);
        copy.check();
        store.check();
    }
    void change_at_random(Prng& random);

    Store store;
    KeepingSink sink;
    std::unique_ptr<SnapshotCursor> cursor;

 private:
    uint64_t index_ = 0;
    int64_t log_time_ms_ = 1000;
    std::vector<std::string> contents_at_moment_;
};

// An entry of one operation or several.
void SnapshotCursorTest::change_at_random(Prng& random) {
    next_entry(static_cast<int64_t>(random.below(3)));
    const auto key = [&] { return "key" + std::to_string(random.below(3000)); };
    const uint64_t kind = random.below(1000);
    if (kind < 500) {
        const int64_t deadline =
            random.below(4) == 0 ? log_time_ms_ + 1 + static_cast<int64_t>(random.below(500)) : kNoExpiry;
        store.put(key(), std::string(random.below(400), 'a'), deadline);
    } else if (kind < 900) {
        store.erase(key());
    } else if (kind < 990) {
        store.set_expiry(key(), log_time_ms_ + static_cast<int64_t>(random.below(500)));
    } else if (kind < 999) {
        for (int i = 0; i < 20; ++i) {
            store.begin_operation();
            store.put(key(), "one of several", kNoExpiry);
            store.erase(key());
        }
    } else {
        store.clear();
    }
    if (random.below(50) == 0) store.end_turn();
}

TEST_F(SnapshotCursorTest, AQuietStoreIsGivenWhole) {
    fill(5000);
    begin();
    finish();
    expect_moment();
    EXPECT_EQ(cursor->counts().pre_images, 0u);
    EXPECT_EQ(cursor->counts().records, 5000u);
}

TEST_F(SnapshotCursorTest, AnEmptyStoreIsCompleteAtOnce) {
    begin();
    EXPECT_TRUE(cursor->advance(1));
    expect_moment();
}

TEST_F(SnapshotCursorTest, WhatChangesMeanwhileIsGivenAsItWas) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        Prng random(seed);
        store = Store();
        sink.records.clear();
        sink.tombstones.clear();
        next_entry();
        if (seed % 2 == 0) {
            ASSERT_TRUE(store.set(Setting::kTombstonesMax, 200));
            ASSERT_TRUE(store.set(Setting::kTombstoneBytesMax, kMiB));
        }
        for (uint64_t i = 0; i < 2000 + random.below(3000); ++i)
            change_at_random(random);
        begin();
        do {
            for (uint64_t i = random.below(100); i > 0; --i)
                change_at_random(random);
        } while (!cursor->advance(1 + random.below(20'000)));
        expect_moment();
        cursor.reset();
        if (HasFailure()) FAIL() << "seed " << seed;
    }
}

TEST_F(SnapshotCursorTest, SplitsMeanwhileHurtNothing) {
    fill(2000);
    begin();
    for (int i = 0; !cursor->advance(1000); ++i) {
        for (int j = 0; j < 1000; ++j)
            put(fmt::format("new{}-{}", i, j), "v");
    }
    expect_moment();
    EXPECT_GT(store.size(), 10'000u);
}

TEST_F(SnapshotCursorTest, MergesMeanwhileHurtNothing) {
    fill(20'000);
    begin();
    for (int i = 0; !cursor->advance(20'000);) {
        for (int j = 0; j < 500 && i < 20'000; ++i, ++j) {
            next_entry();
            store.erase("key" + std::to_string(i));
        }
    }
    expect_moment();
    EXPECT_GT(cursor->counts().pre_images, 1000u);
}

TEST_F(SnapshotCursorTest, KeysThatCollideAreGivenOnceEach) {
    // The store's first seed is known: the upper 11 bits of these agree, so their segment is a chain.
    std::vector<std::string> keys;
    for (uint64_t i = 0; keys.size() < 3000; ++i) {
        std::string key = std::to_string(i);
        if (checksum64(as_bytes(key), 1) >> 53 == 1029) keys.push_back(std::move(key));
    }
    for (const std::string& key : keys)
        put(key, "first");
    begin();
    for (size_t i = 0; !cursor->advance(3000); i += 7) {
        put(keys[i % keys.size()], "second");
        next_entry();
        store.erase(keys[(i + 3) % keys.size()]);
    }
    expect_moment();
}

TEST_F(SnapshotCursorTest, ADueKeyThatIsRemovedMeanwhileIsInTheSnapshot) {
    fill(3000);
    for (int i = 0; i < 3000; ++i)
        put("due" + std::to_string(i), "v", 1'000'000);
    begin();
    cursor->advance(1);
    next_entry(1'000'000);
    EXPECT_TRUE(store.due_remain());
    next_entry();
    cursor->advance(50'000);
    next_entry();
    finish();
    expect_moment();
}

TEST_F(SnapshotCursorTest, KeysThatAreDueAtTheMomentStayDue) {
    for (int i = 0; i < 3000; ++i)
        put("due" + std::to_string(i), "v", 1'000'000);
    next_entry(1'000'000);
    begin();
    finish();
    expect_moment();
    const Store copy = restored();
    EXPECT_EQ(copy.find("due2999"), nullptr);
    EXPECT_TRUE(copy.due_remain());
}

TEST_F(SnapshotCursorTest, FlushallMeanwhileLeavesTheSnapshotWhole) {
    fill(10'000);
    begin();
    cursor->advance(30'000);
    put("key1", "changed before");
    next_entry();
    store.clear();
    for (int i = 0; i < 3000; ++i)
        put("key" + std::to_string(i), "after");
    while (store.end_turn()) {
    }
    cursor->advance(30'000);
    next_entry();
    store.clear();
    while (store.end_turn()) {
    }
    finish();
    expect_moment();
}

TEST_F(SnapshotCursorTest, WhatFlushallRemovedIsFreedOnceItIsPassed) {
    const uint64_t empty_bytes = store.memory_bytes();
    fill(50'000);
    begin();
    next_entry();
    store.clear();
    while (store.end_turn()) {
    }
    EXPECT_GT(store.memory_bytes(), empty_bytes + kMiB);
    finish();
    expect_moment();
    while (store.end_turn()) {
    }
    EXPECT_EQ(store.memory_bytes(), empty_bytes);
}

TEST_F(SnapshotCursorTest, AnAbortInTheMiddleFreesWhatWasKept) {
    const uint64_t empty_bytes = store.memory_bytes();
    fill(50'000);
    begin();
    cursor->advance(10'000);
    next_entry();
    store.clear();
    cursor.reset();
    while (store.end_turn()) {
    }
    EXPECT_EQ(store.memory_bytes(), empty_bytes);
    sink.records.clear();
    fill(100);
    begin();
    finish();
    expect_moment();
}

TEST_F(SnapshotCursorTest, ASeedThatComesAfterFlushallDoesNotLoseThePlace) {
    fill(10'000);
    begin();
    cursor->advance(30'000);
    next_entry();
    store.clear();
    ASSERT_TRUE(store.set(Setting::kHashSeed, 77));
    fill(100);
    finish();
    expect_moment();
}

TEST_F(SnapshotCursorTest, ALargeValueThatIsBeingWrittenIsNotOfTheMoment) {
    fill(2000);
    const std::string old_value(600 * kKiB, 'o');
    put("large", old_value);
    begin();
    next_entry();
    const std::string new_value(3 * kMiB, 'n');
    store.begin_put("large", new_value, kNoExpiry);
    store.finish_put(1);
    ASSERT_TRUE(store.put_pending());
    cursor->advance(1000);
    ASSERT_TRUE(store.finish_put(UINT64_MAX));
    next_entry();
    store.set_expiry("large", 1'000'000);
    ASSERT_TRUE(store.put_pending());
    cursor->advance(1000);
    ASSERT_TRUE(store.finish_put(UINT64_MAX));
    finish();
    expect_moment();
    EXPECT_EQ(store.find("large")->value(), new_value);
}

TEST_F(SnapshotCursorTest, ASliceEndsNearItsLimit) {
    for (int i = 0; i < 5000; ++i)
        put("key" + std::to_string(i), std::string(1000, 'v'));
    begin();
    uint64_t before = 0;
    while (!cursor->advance(8000)) {
        EXPECT_LE(cursor->counts().bytes - before, 10'000u);
        before = cursor->counts().bytes;
    }
    expect_moment();
}

TEST_F(SnapshotCursorTest, ACompleteSnapshotIsNotToldOfChanges) {
    fill(10);
    begin();
    finish();
    put("key1", "other");
    next_entry();
    store.clear();
    EXPECT_EQ(sink.records.size(), 10u);
    EXPECT_TRUE(cursor->complete());
}

TEST_F(SnapshotCursorTest, AnotherSnapshotMayFollow) {
    fill(1000);
    begin();
    cursor->advance(1);
    cursor.reset();
    sink.records.clear();
    put("key5", "changed");
    begin();
    finish();
    expect_moment();
}

using SnapshotCursorDeathTest = SnapshotCursorTest;

TEST_F(SnapshotCursorDeathTest, NoSnapshotBeginsInTheMiddleOfAnEntry) {
    fill(10);
    begin();
    EXPECT_DEATH(store.put("key1", "of the same entry", kNoExpiry), "in the middle of an entry");
    store.put("new", "of the same entry", kNoExpiry);
    EXPECT_DEATH(next_entry(), "in the middle of an entry");
    cursor.reset();
}

TEST_F(SnapshotCursorDeathTest, ThereIsOneSnapshotAtATime) {
    begin();
    EXPECT_DEATH((void)store.begin_snapshot(sink), "while another is");
    cursor.reset();
}

}  // namespace
}  // namespace kvorum::kv
