// Settings of the state: what the log says of how it is to be applied.
#include "kv/settings.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "ops/log_record.h"
#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

void add_set(LogBuffer& batch) {
    DiscardingReplySink ignored;
    const std::vector<std::string_view> words{"SET", "k", "v"};
    ASSERT_TRUE(encode_write(operation_of(OperationCode::kSet), words, 0, batch, ignored));
}

bool apply(kv::Store& store, std::string_view body, uint32_t command_count) {
    DiscardingReplySink ignored;
    return apply_batch(store, store.applied_index() + 1, 0, command_count, as_bytes(body),
                       [&](uint32_t) -> ReplySink& { return ignored; });
}

TEST(Settings, StandInFrontOfABatchAndAreNotCountedAmongItsCommands) {
    LogBuffer batch;
    begin_batch({.memory_limit_bytes = 1000, .hash_seed = 7}, batch);
    append_setting(kv::Setting::kTombstonesMax, 10, batch);
    begin_batch({.memory_limit_bytes = 2000}, batch);
    append_setting(kv::Setting::kTombstoneBytesMax, 11, batch);
    append_setting(kv::Setting::kExpiriesPerEntryMax, 12, batch);
    add_set(batch);
    kv::Store store;
    EXPECT_EQ(EntryApply(store, 1, as_bytes(batch)).memory_limit_bytes(), 2000u) << "of two the last one counts";
    EXPECT_EQ(store.settings().hash_seed, std::nullopt) << "nothing is applied yet";
    ASSERT_TRUE(apply(store, batch, 1));
    EXPECT_EQ(store.settings().hash_seed, 7u);
    EXPECT_EQ(store.settings().tombstones_max, 10u);
    EXPECT_EQ(store.settings().tombstone_bytes_max, 11u);
    EXPECT_EQ(store.settings().expiries_per_entry_max, 12u);
    EXPECT_EQ(store.revision(), Revision{1}) << "that of the command";
}

TEST(Settings, MayStandInAnEntryWithoutCommands) {
    LogBuffer batch;
    append_setting(kv::Setting::kTombstonesMax, 3, batch);
    kv::Store store;
    EXPECT_TRUE(apply(store, batch, 0));
    EXPECT_EQ(store.settings().tombstones_max, 3u);
}

TEST(Settings, ABatchWithoutAnyHoldsNothingOfThem) {
    LogBuffer batch;
    begin_batch({}, batch);
    EXPECT_EQ(batch, "");
}

TEST(Settings, BehindACommandTheyAreMalformed) {
    LogBuffer batch;
    add_set(batch);
    append_setting(kv::Setting::kTombstonesMax, 3, batch);
    kv::Store store;
    EXPECT_FALSE(apply(store, batch, 2));
    EXPECT_EQ(store.settings().tombstones_max, 0u);
}

TEST(Settings, WithABadFormAreMalformed) {
    std::array<LogBuffer, 6> bodies;
    append_setting(kv::Setting{0}, 1, bodies[0]);
    append_setting(kv::Setting{5}, 1, bodies[1]);
    append_setting(kv::Setting::kExpiriesPerEntryMax, 0, bodies[2]);
    RecordWriter(bodies[3], OperationCode::kSetting, 1).integer(uint16_t{2}).integer(uint64_t{1});
    RecordWriter(bodies[4], OperationCode::kSetting, kNoFlags).integer(uint16_t{2}).integer(uint64_t{1}).tail("x");
    RecordWriter(bodies[5], OperationCode::kMemoryLimit, kNoFlags).integer(uint64_t{0});
    for (const LogBuffer& body : bodies) {
        kv::Store store;
        const uint64_t before = store.state_hash();
        EXPECT_FALSE(apply(store, body, 0)) << &body - bodies.data();
        EXPECT_EQ(store.state_hash(), before);
    }
}

TEST(Settings, AreAPartOfTheStateHashAndOfASnapshot) {
    std::set<uint64_t> hashes{kv::Store().state_hash()};
    for (const kv::Setting setting : {kv::Setting::kHashSeed, kv::Setting::kTombstonesMax,
                                      kv::Setting::kTombstoneBytesMax, kv::Setting::kExpiriesPerEntryMax}) {
        kv::Store store;
        ASSERT_TRUE(store.set(setting, 5));
        EXPECT_TRUE(hashes.insert(store.state_hash()).second);
        kv::Store copy;
        copy.restore_head(store.head());
        EXPECT_EQ(copy.state_hash(), store.state_hash());
    }
}

TEST(Settings, TheNumberOfKeysThatAnEntryRemovesIsOne) {
    kv::Store store;
    ASSERT_TRUE(store.set(kv::Setting::kExpiriesPerEntryMax, 2));
    store.advance(LogIndex(1), 0);
    for (int i = 0; i < 5; ++i)
        store.put(std::to_string(i), "v", 10);
    EXPECT_EQ(store.advance(LogIndex(2), 10), 2u);
    EXPECT_EQ(store.advance(LogIndex(3), 10), 2u);
    EXPECT_EQ(store.advance(LogIndex(4), 10), 1u);
}

TEST(HashSeed, TheFirstOneCountsAndLaterOnesAreIgnored) {
    kv::Store store;
    ASSERT_TRUE(store.set(kv::Setting::kHashSeed, 0)) << "any number may be drawn";
    store.advance(LogIndex(1), 0);
    store.put("k", "v", kv::kNoExpiry);
    const uint64_t hash = store.state_hash();
    EXPECT_TRUE(store.set(kv::Setting::kHashSeed, 0));
    EXPECT_TRUE(store.set(kv::Setting::kHashSeed, 8)) << "of another leader, which knew of none either";
    EXPECT_EQ(store.settings().hash_seed, 0u);
    EXPECT_EQ(store.state_hash(), hash);
    store.check();
}

TEST(HashSeed, IsMalformedForAStateThatHasKeysAndNone) {
    kv::Store store;
    store.advance(LogIndex(1), 0);
    store.put("k", "v", kv::kNoExpiry);
    EXPECT_FALSE(store.set(kv::Setting::kHashSeed, 8));
    EXPECT_EQ(store.settings().hash_seed, std::nullopt);
}

TEST(HashSeed, OrdersTheScan) {
    const auto order = [](uint64_t seed) {
        Database db(seed);
        for (int i = 0; i < 100; ++i)
            db(fmt::format("SET k{} v", i));
        return db("SCAN 0 COUNT 1000");
    };
    EXPECT_EQ(order(1), order(1));
    EXPECT_NE(order(1), order(2));
}

TEST(HashSeed, StaysWhenEverythingIsFlushed) {
    Database db(5);
    db("SET k v");
    db("FLUSHALL");
    EXPECT_EQ(db.store().settings().hash_seed, 5u);
}

}  // namespace
}  // namespace kvorum::ops
