#include "kv/store.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/reply_sink.h"
#include "base/turn_work.h"
#include "base/units.h"
#include "ops/commands.h"

namespace kvorum::kv {
namespace {

Store store_at(uint64_t index, int64_t log_time_ms = 1000) {
    Store store;
    store.advance(LogIndex(index), log_time_ms);
    return store;
}

TEST(Store, AdvanceRemovesWhatIsDueAndCountsIt) {
    Store store = store_at(1);
    store.put("a", "v", 2000);
    store.put("b", "v", 2001);
    store.put("c", "v", kNoExpiry);
    EXPECT_EQ(store.next_expiry_ms(), 2000);
    EXPECT_EQ(store.advance(LogIndex(2), 2000), 1u);
    EXPECT_EQ(store.find("a"), nullptr);
    EXPECT_EQ(store.size(), 2u);
    EXPECT_EQ(store.next_expiry_ms(), 2001);
}

TEST(Store, FollowsADeadlineThatMoves) {
    Store store = store_at(1);
    store.put("k", "v", 2000);
    store.set_expiry("k", 3000);
    store.put("k", "w", 4000);
    EXPECT_EQ(store.keys_with_expiry(), 1u);
    EXPECT_EQ(store.advance(LogIndex(2), 3999), 0u);
    store.put("k", "x", kNoExpiry);
    EXPECT_EQ(store.keys_with_expiry(), 0u);
    EXPECT_EQ(store.advance(LogIndex(3), 5000), 0u);
    EXPECT_NE(store.find("k"), nullptr);
}

TEST(Store, APastDeadlineRemovesTheKey) {
    Store store = store_at(1);
    store.put("k", "v", kNoExpiry);
    store.put("k", "w", 1000);
    EXPECT_EQ(store.find("k"), nullptr);
    store.put("k", "v", kNoExpiry);
    EXPECT_TRUE(store.set_expiry("k", -1));
    EXPECT_EQ(store.size(), 0u);
    EXPECT_FALSE(store.set_expiry("k", -1));
}

TEST(Store, LogTimeNeverGoesBack) {
    Store store = store_at(1, 1000);
    store.advance(LogIndex(2), 500);
    EXPECT_EQ(store.log_time_ms(), 1000);
}

TEST(StoreDeathTest, AnEntryIsNotAppliedTwice) {
    Store store = store_at(5);
    EXPECT_DEATH(store.advance(LogIndex(5), 1000), "assertion failed");
}

TEST(Store, MemoryGrowsWithWhatIsStoredAndAFreedRecordIsUsedAgain) {
    Store store = store_at(1);
    const uint64_t empty = store.memory_bytes();
    store.put("k", std::string(100'000, 'v'), kNoExpiry);
    EXPECT_GE(store.memory_bytes(), empty + 100'000);
    EXPECT_LE(store.memory_bytes(), empty + 101'000);
    store.put("k", "short", kNoExpiry);
    store.end_turn();
    const uint64_t one_short = store.memory_bytes();
    EXPECT_LE(one_short, empty + 4096);
    for (int i = 0; i < 10'000; ++i) {
        store.put("k", "other", kNoExpiry);
        store.end_turn();
    }
    EXPECT_EQ(store.memory_bytes(), one_short);
}

TEST(Store, ALargeBatchUsesTheMemoryAgainOfWhatItReplaces) {
    constexpr uint32_t kWrites = 1000;
    const std::string value(1000, 'v');
    LogBuffer body;
    DiscardingReplySink ignored;
    for (uint32_t i = 0; i < kWrites; ++i)
        ASSERT_TRUE(ops::encode_write(ops::operation_of(ops::OperationCode::kSet),
                                      std::vector<std::string_view>{"SET", "k", value}, 0, body, ignored));
    Store store;
    const uint64_t empty = store.memory_bytes();
    ASSERT_TRUE(ops::apply_batch(store, LogIndex(1), 0, kWrites, as_bytes(body),
                                 [&](uint32_t) -> ReplySink& { return ignored; }));
    EXPECT_LE(store.memory_bytes(), empty + 64 * kKiB) << "so it is still in the cache";
}

TEST(Store, ClearingGivesTheMemoryBackInSlices) {
    Store store = store_at(1);
    const uint64_t empty = store.memory_bytes();
    for (int i = 0; i < 50'000; ++i)
        store.put(std::to_string(i), std::string(i % 200, 'v'), i % 2 == 0 ? 5000 : kNoExpiry);
    store.put("large", std::string(5'000'000, 'v'), kNoExpiry);
    const uint64_t filled = store.memory_bytes();
    store.clear();
    EXPECT_EQ(store.size(), 0u);
    EXPECT_EQ(store.next_expiry_ms(), std::nullopt);
    store.put("new", "v", 2000);
    int slices = 1;
    while (store.end_turn()) {
        EXPECT_LT(store.memory_bytes(), filled);
        ++slices;
    }
    EXPECT_GT(slices, 5);
    EXPECT_LE(store.memory_bytes(), empty + 8192);
    EXPECT_EQ(store.advance(LogIndex(2), 5000), 1u);
}

TEST(Store, RecordsOfThisTurnOutliveTheirReplacementsAndTheClear) {
    Store store = store_at(1);
    store.put("k", "first", kNoExpiry);
    const Record* first = store.find("k");
    store.put("k", "second", kNoExpiry);
    const Record* second = store.find("k");
    store.clear();
    store.put("k", "third", kNoExpiry);
    EXPECT_EQ(first->value(), "first");
    EXPECT_EQ(second->value(), "second");
    EXPECT_EQ(store.find("k")->value(), "third");
}

TEST(Store, FindsABatchOfKeysAtOnce) {
    Store store = store_at(1);
    std::vector<std::string> names;
    for (int i = 0; i < 100; ++i)
        names.push_back(std::to_string(i));
    for (int i = 0; i < 100; i += 2)
        store.put(names[i], "v", kNoExpiry);
    const std::vector<std::string_view> keys(names.begin(), names.end());
    std::vector<const Record*> found(keys.size());
    store.find_batch(keys, found);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(found[i], store.find(keys[i])) << i;
}

TEST(StateHash, ChangesWithEachFieldOfARecord) {
    std::set<uint64_t> hashes{Store().state_hash()};
    const auto add = [&](const RecordFields& fields) {
        Store store;
        store.restore_head({.revision = Revision{9}});
        store.restore(fields);
        EXPECT_TRUE(hashes.insert(store.state_hash()).second) << fields.key << fields.value << fields.expire_at_ms;
    };
    const RecordFields plain{.key = "k", .value = "v", .revision = Revision{5}};
    add(plain);
    const auto add_with = [&](auto change) {
        RecordFields changed = plain;
        change(changed);
        add(changed);
    };
    add_with([](RecordFields& fields) { fields.key = "l"; });
    add_with([](RecordFields& fields) { fields.value = "w"; });
    add_with([](RecordFields& fields) { fields.expire_at_ms = 5000; });
    add_with([](RecordFields& fields) { fields.revision = Revision{6}; });
    add_with([](RecordFields& fields) { fields.create_revision = Revision{4}; });
    add_with([](RecordFields& fields) { fields.version = 2; });
    add_with([](RecordFields& fields) { fields.lease = LeaseId{1}; });
}

TEST(StateHash, ChangesWithEachFieldOfTheHeadThatIsOfTheState) {
    std::set<uint64_t> hashes;
    const auto add = [&](const StateHead& head) {
        Store store;
        store.restore_head(head);
        EXPECT_TRUE(hashes.insert(store.state_hash()).second) << head.revision.value();
    };
    add({});
    add({.revision = Revision{1}});
    add({.revision = Revision{2}});
    add({.history_floor = Revision{1}});
    add({.revision = Revision{1}, .history_floor = Revision{1}});
}

TEST(StateHash, IsThatOfWhatIsThereAndNotOfHowItCameAbout) {
    Store store = store_at(1);
    store.put("a", "1", kNoExpiry);
    store.begin_operation();
    store.put("b", "2", 2000);
    store.advance(LogIndex(2), 2000);
    Store same;
    same.restore_head(store.head());
    same.restore({.key = "a", .value = "1", .revision = Revision{1}});
    EXPECT_EQ(store.state_hash(), same.state_hash());
}

TEST(StateHash, IsOneHoweverALargeValueCameAbout) {
    for (const size_t bytes : {size_t{1}, Record::kSummedValueBytes - 1, Record::kSummedValueBytes, size_t{2000},
                               size_t{kSlicedValueBytes}, 3 * size_t{kSlicedValueBytes}}) {
        SCOPED_TRACE(bytes);
        const std::string value(bytes, 'v');
        const std::string other(bytes, 'w');
        Store whole = store_at(1);
        Store sliced = store_at(1);
        for (const std::string& text : {other, value, other, value}) {
            whole.put("k", text, 5000);
            sliced.begin_put("k", std::make_unique<PatchedValue>(text, 0, std::string_view()), text.size(), 5000);
            while (!sliced.finish_put(1))
                continue;
        }
        for (Store* store : {&whole, &sliced}) {
            ASSERT_TRUE(store->set_expiry("k", 9000));
            ASSERT_TRUE(store->finish_put(UINT64_MAX));
            store->put("gone", value, kNoExpiry);
            ASSERT_TRUE(store->erase("gone"));
            store->check();
        }
        Store same;
        same.restore_head(whole.head());
        same.restore({.key = "k", .value = value, .expire_at_ms = 9000, .revision = Revision{1}});
        EXPECT_EQ(whole.state_hash(), same.state_hash());
        EXPECT_EQ(sliced.state_hash(), same.state_hash());
    }
}

TEST(StateHash, OfALargeValueChangesWithEachOfItsBits) {
    std::string value(Record::kSummedValueBytes, 'v');
    std::set<uint64_t> hashes;
    for (size_t bit = 0; bit < value.size() * 8; ++bit) {
        const char kept = value[bit / 8];
        value[bit / 8] = static_cast<char>(kept ^ (1 << (bit % 8)));
        Store store = store_at(1);
        store.put("k", value, kNoExpiry);
        EXPECT_TRUE(hashes.insert(store.state_hash()).second) << bit;
        value[bit / 8] = kept;
    }
}

TEST(StateHash, IsHeldAgainstTheValuesAndNotAgainstTheirKeptSums) {
    const std::string value(Record::kSummedValueBytes, 'v');
    Store store = store_at(1);
    store.restore({.key = "k", .value = value, .revision = Revision{1}, .value_sum = 7});
    EXPECT_DEATH(store.check(), "kept 0000000000000007");
}

TEST(Store, ToReplaceOrRemoveALargeValueCostsOnlyItsMemory) {
    const std::string value(1 * kMiB, 'v');
    Store store = store_at(1);
    store.put("k", value, kNoExpiry);
    const auto work_of = [&store](auto change) {
        const uint64_t before = store.work();
        change();
        return store.work() - before;
    };
    EXPECT_LE(work_of([&] { store.put("k", "small", kNoExpiry); }),
              kKeyWriteWork + value.size() / kFreedBytesPerWork + 2);
    store.put("k", value, kNoExpiry);
    EXPECT_LE(work_of([&] { store.erase("k"); }), kKeyWriteWork + value.size() / kFreedBytesPerWork);
}

TEST(Restore, RebuildsTheSameState) {
    Store original = store_at(1);
    original.put("a", "1", kNoExpiry);
    original.advance(LogIndex(2), 1500);
    original.put("b", "2", 9000);
    original.begin_operation();
    original.put("a", "3", kNoExpiry);

    Store copy;
    copy.restore_head(original.head());
    original.for_each([&](std::string_view, const Record& record) { copy.restore(record.fields()); });
    EXPECT_EQ(copy.state_hash(), original.state_hash());
    EXPECT_EQ(copy.applied_index(), LogIndex(2));
    EXPECT_EQ(copy.log_time_ms(), 1500);
    EXPECT_EQ(copy.revision(), Revision{3});
    EXPECT_EQ(copy.next_expiry_ms(), 9000);
    for (Store* store : {&original, &copy}) {
        store->advance(LogIndex(3), 1500);
        store->put("a", "4", kNoExpiry);
    }
    EXPECT_EQ(copy.find("a")->version(), 3u);
    EXPECT_EQ(copy.state_hash(), original.state_hash()) << "and it goes on alike";
}

TEST(Restore, KeepsLeasesThatNoOperationSetsYet) {
    Store store;
    store.restore_head({.revision = Revision{1}});
    store.restore({.key = "k", .value = "v", .revision = Revision{1}, .lease = LeaseId{7}});
    store.check();
    EXPECT_EQ(store.find("k")->lease(), LeaseId{7});
    const uint64_t leased_bytes = store.counted_bytes();
    store.begin_operation();
    store.set_expiry("k", 5000);
    EXPECT_EQ(store.find("k")->lease(), LeaseId{7});
    store.begin_operation();
    store.put("k", "v", kNoExpiry);
    EXPECT_EQ(store.find("k")->lease(), LeaseId{});
    EXPECT_EQ(store.counted_bytes(), leased_bytes - 8);
}

// Equal states that came about differently: their tables are laid out differently in memory.
class SameStateTwice : public ::testing::Test {
 protected:
    static constexpr int kCount = 20'000;

    SameStateTwice() {
        for (int i = 0; i < kCount; ++i) {
            ascending.put(std::to_string(i), "v", kNoExpiry);
            descending.put(std::to_string(kCount - 1 - i), "v", kNoExpiry);
        }
    }

    Store ascending = store_at(1);
    Store descending = store_at(1);
};

TEST_F(SameStateTwice, IsVisitedInTheSameOrder) {
    std::vector<std::string_view> a;
    std::vector<std::string_view> b;
    ascending.for_each([&](std::string_view key, const Record&) { a.push_back(key); });
    descending.for_each([&](std::string_view key, const Record&) { b.push_back(key); });
    EXPECT_EQ(a.size(), static_cast<size_t>(kCount));
    EXPECT_EQ(a, b);
}

TEST_F(SameStateTwice, HasOneHash) { EXPECT_EQ(ascending.state_hash(), descending.state_hash()); }

TEST_F(SameStateTwice, GivesTheSameRandomKeys) {
    for (uint64_t random = 0; random < 1000; ++random) {
        EXPECT_EQ(ascending.random_key(random), descending.random_key(random));
    }
}

TEST(RandomKey, IsUniform) {
    Store store = store_at(1);
    for (int i = 0; i < 100; ++i)
        store.put(std::to_string(i), "v", kNoExpiry);
    std::map<std::string_view, int> counts;
    for (uint64_t random = 0; random < 1000; ++random)
        ++counts[*store.random_key(random)];
    EXPECT_EQ(counts.size(), 100u);
    for (const auto& [key, count] : counts)
        EXPECT_EQ(count, 10) << key;
}

}  // namespace
}  // namespace kvorum::kv
