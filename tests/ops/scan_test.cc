#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

constexpr uint64_t kCursorEnd = uint64_t{1} << 53;

void fill(kv::Store& store, int first, int last) {
    for (int i = first; i < last; ++i)
        store.put("key:" + std::to_string(i), "v", kv::kNoExpiry);
}

kv::Store filled(int count, uint64_t hash_seed = 1) {
    kv::Store store;
    EXPECT_TRUE(store.set(kv::Setting::kHashSeed, hash_seed));
    store.advance(LogIndex(1), 1);
    fill(store, 0, count);
    return store;
}

TEST(Scan, RepliesNothingOfAnEmptyStore) {
    Database db;
    EXPECT_EQ(db("SCAN 0"), list({bytes("0"), list({})}));
}

TEST(Scan, EndsWithThePageThatHasTheLastKey) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("SCAN 0 COUNT 1"), list({bytes("0"), list({bytes("k")})}));
}

TEST(Scan, ReturnsEveryKeyExactlyOnceWhateverTheCount) {
    const kv::Store store = filled(5000);
    for (const uint64_t count : {1u, 7u, 10u, 1000u, 4999u, 5000u, 100'000u}) {
        std::set<std::string_view> seen;
        uint64_t cursor = 0;
        do {
            const kv::ScanPage page = store.scan(cursor, count);
            EXPECT_LE(page.keys.size(), count + 1);
            for (const std::string_view key : page.keys)
                EXPECT_TRUE(seen.insert(key).second) << key;
            EXPECT_LT(page.next_cursor, kCursorEnd);
            EXPECT_TRUE(page.next_cursor == 0 || page.next_cursor > cursor);
            cursor = page.next_cursor;
        } while (cursor != 0);
        EXPECT_EQ(seen.size(), 5000u);
    }
}

TEST(Scan, ReturnsWhatStaysThereThroughInsertsAndDeletes) {
    kv::Store store = filled(2000);
    std::set<std::string> seen;
    uint64_t cursor = 0;
    int step = 0;
    do {
        const kv::ScanPage page = store.scan(cursor, 10);
        for (const std::string_view key : page.keys)
            EXPECT_TRUE(seen.emplace(key).second) << key;
        cursor = page.next_cursor;
        // Half of the first keys go away as the scan runs, and others come.
        store.erase("key:" + std::to_string(1000 + step % 1000));
        fill(store, 10'000 + 10 * step, 10'010 + 10 * step);
        ++step;
    } while (cursor != 0);
    for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(seen.contains("key:" + std::to_string(i))) << i;
}

TEST(Scan, MeansTheSameOnEveryNode) {
    const kv::Store a = filled(3000);
    kv::Store b;
    b.advance(LogIndex(1), 1);
    for (int i = 2999; i >= 0; --i)
        fill(b, i, i + 1);
    for (uint64_t cursor = 0;;) {
        const kv::ScanPage page_a = a.scan(cursor, 13);
        const kv::ScanPage page_b = b.scan(cursor, 13);
        EXPECT_EQ(page_a.keys, page_b.keys);
        ASSERT_EQ(page_a.next_cursor, page_b.next_cursor);
        cursor = page_a.next_cursor;
        if (cursor == 0) break;
    }
}

TEST(Scan, OrderDependsOnTheSeedOfTheCluster) {
    EXPECT_NE(filled(100, 1).scan(0, 100).keys, filled(100, 2).scan(0, 100).keys);
}

TEST(Scan, TakesAnyCursor) {
    const kv::Store store = filled(100);
    EXPECT_TRUE(store.scan(kCursorEnd, 10).keys.empty());
    EXPECT_TRUE(store.scan(UINT64_MAX, 10).keys.empty());
    EXPECT_EQ(store.scan(UINT64_MAX, 10).next_cursor, 0u);
    EXPECT_EQ(store.scan(12345, 0).keys.size(), 1u);
}

TEST(Scan, FiltersByPatternAndType) {
    Database db;
    db("MSET user:1 a user:2 b other c");
    EXPECT_EQ(db("SCAN 0 MATCH other COUNT 100"), list({bytes("0"), list({bytes("other")})}));
    EXPECT_EQ(db("SCAN 0 match o* type STRING"), list({bytes("0"), list({bytes("other")})}));
    EXPECT_EQ(db("SCAN 0 TYPE hash"), list({bytes("0"), list({})}));
}

TEST(Scan, RefusesBadArguments) {
    Database db;
    EXPECT_EQ(db("SCAN x"), failed(Failure::kBadCursor));
    EXPECT_EQ(db("SCAN 0 COUNT 0"), failed(Failure::kSyntax));
    EXPECT_EQ(db("SCAN 0 COUNT x"), failed(Failure::kNotAnInteger));
    EXPECT_EQ(db("SCAN 0 MATCH"), failed(Failure::kSyntax));
    EXPECT_EQ(db("SCAN 0 FOO bar"), failed(Failure::kSyntax));
}

}  // namespace
}  // namespace kvorum::ops
