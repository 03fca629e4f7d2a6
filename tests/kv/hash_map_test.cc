#include "kv/hash_map.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <string>
#include <vector>

#include "base/prng.h"

namespace kvorum::kv {
namespace {

// 28 slots: segments split, chain and merge all the time.
constexpr SegmentShape kTinyShape{.bucket_count = 2, .stash_count = 2};

class Subject {
 public:
    explicit Subject(SegmentShape shape) : map(1, shape) {}

    void put(std::string_view key, std::string_view value) { map.put({.key = key, .value = value}, map.hash(key)); }
    bool erase(std::string_view key) { return map.erase(key, map.hash(key)) != nullptr; }
    const Record* find(std::string_view key) const { return map.find(key, map.hash(key)); }

    // Every key once, in the order of their hashes.
    std::vector<std::string_view> keys_in_order() const {
        std::vector<std::string_view> keys;
        std::vector<HashedRecord> items;
        uint64_t hash = 0;
        uint64_t last = 0;
        do {
            hash = map.next_in_order(hash, items);
            for (const HashedRecord& item : items) {
                EXPECT_LE(last, item.hash);
                EXPECT_EQ(item.hash, map.hash(item.record->key()));
                last = item.hash;
                keys.push_back(item.record->key());
            }
        } while (hash != 0);
        return keys;
    }

    HashMap map;
};

// Keys whose hashes agree in their `bits` upper bits.
std::vector<std::string> keys_of_one_prefix(const HashMap& map, unsigned bits, size_t count) {
    std::vector<std::string> keys;
    for (uint64_t i = 0; keys.size() < count; ++i) {
        std::string key = std::to_string(i);
        if (map.hash(key) >> (64 - bits) == 5) keys.push_back(std::move(key));
    }
    return keys;
}

unsigned balanced_depth(const HashMap& map) { return static_cast<unsigned>(std::bit_width(map.segment_count())) - 1; }

using Model = std::map<std::string, std::string, std::less<>>;

void expect_equal(const Subject& subject, const Model& model) {
    ASSERT_EQ(subject.map.size(), model.size());
    for (const auto& [key, value] : model) {
        const Record* record = subject.find(key);
        ASSERT_NE(record, nullptr) << key;
        ASSERT_EQ(record->value(), value) << key;
    }
    const std::vector<std::string_view> keys = subject.keys_in_order();
    ASSERT_EQ(keys.size(), model.size());
    for (size_t rank = 0; rank < keys.size(); rank += 1 + keys.size() / 7)
        EXPECT_EQ(subject.map.at_rank(rank)->key(), keys[rank]);
}

void compare_with_model(SegmentShape shape, uint64_t seed, int steps, uint64_t key_count) {
    Prng prng(seed);
    Subject subject(shape);
    Model model;
    // The share of erasures changes, so that the map grows and shrinks again and again.
    uint64_t erasures_in_ten = 2;
    for (int step = 0; step < steps; ++step) {
        if (step % 997 == 0) erasures_in_ten = prng.between(1, 8);
        const std::string key = "key" + std::to_string(prng.below(key_count));
        if (prng.below(10) < erasures_in_ten) {
            ASSERT_EQ(subject.erase(key), model.erase(key) == 1);
        } else {
            const std::string value(prng.below(prng.chance(1, 100) ? 3000 : 60), static_cast<char>('a' + step % 26));
            subject.put(key, value);
            model.insert_or_assign(key, value);
        }
        if (prng.chance(1, 5000)) {
            subject.map.clear();
            model.clear();
        }
        if (prng.chance(1, 20)) subject.map.collect();
        if (prng.chance(1, 50)) subject.map.release_cleared();
        if (step % 4999 == 0) expect_equal(subject, model);
    }
    expect_equal(subject, model);
}

TEST(HashMapModel, ATinyMapThatSplitsAndMergesConstantly) {
    for (uint64_t seed = 1; seed <= 8; ++seed)
        compare_with_model(kTinyShape, seed, 30'000, 1500);
}

TEST(HashMapModel, AMapOfTheShippedShape) { compare_with_model({}, 99, 100'000, 20'000); }

TEST(HashMap, FindsWhatIsThereAndNothingElse) {
    Subject subject({});
    EXPECT_EQ(subject.find("a"), nullptr);
    EXPECT_FALSE(subject.erase("a"));
    subject.put("a", "1");
    subject.put("", "empty key");
    EXPECT_EQ(subject.find("a")->value(), "1");
    EXPECT_EQ(subject.find("")->value(), "empty key");
    EXPECT_EQ(subject.find("b"), nullptr);
    EXPECT_TRUE(subject.erase("a"));
    EXPECT_EQ(subject.find("a"), nullptr);
}

TEST(HashMap, ARecordKeepsItsPlaceWhileItsSegmentSplits) {
    Subject subject(kTinyShape);
    subject.put("k", "v");
    const Record* record = subject.find("k");
    for (int i = 0; i < 1000; ++i)
        subject.put(std::to_string(i), "v");
    EXPECT_GT(subject.map.segment_count(), 30u);
    EXPECT_EQ(subject.find("k"), record) << "splits copy pointers, never records";
}

TEST(HashMap, SegmentsAreWellFilledBeforeTheySplit) {
    Subject subject({});
    const uint64_t slots_per_segment = uint64_t{SegmentShape{}.bucket_count + SegmentShape{}.stash_count} * 7;
    uint64_t keys = 0;
    while (subject.map.segment_count() == 1)
        subject.put(std::to_string(keys++), "v");
    EXPECT_GT(keys, slots_per_segment * 7 / 10);
}

TEST(HashMap, NearlyEmptyNeighboursAreMerged) {
    Subject subject(kTinyShape);
    for (int i = 0; i < 2000; ++i)
        subject.put(std::to_string(i), "v");
    EXPECT_GT(subject.map.segment_count(), 64u);
    for (int i = 0; i < 2000; ++i)
        subject.erase(std::to_string(i));
    EXPECT_EQ(subject.map.segment_count(), 1u);
    EXPECT_EQ(subject.map.size(), 0u);
}

TEST(HashMap, KeysOfOneHashPrefixDoNotDoubleTheDirectoryWithoutEnd) {
    Subject subject(kTinyShape);
    const std::vector<std::string> keys = keys_of_one_prefix(subject.map, 14, 400);
    for (const std::string& key : keys) {
        subject.put(key, key);
        ASSERT_LE(subject.map.directory_depth(), balanced_depth(subject.map) + HashMap::kDepthSlack);
    }
    for (const std::string& key : keys)
        EXPECT_EQ(subject.find(key)->value(), key);
    EXPECT_EQ(subject.keys_in_order().size(), keys.size());
    EXPECT_LE(subject.map.segment_count(), 32u) << "what could not be parted by a split is chained";
    for (const std::string& key : keys)
        EXPECT_TRUE(subject.erase(key));
    EXPECT_EQ(subject.map.size(), 0u);
}

TEST(HashMap, AChainStaysUsableWhileTheRestOfTheMapGrows) {
    Subject subject(kTinyShape);
    const std::vector<std::string> chained = keys_of_one_prefix(subject.map, 12, 300);
    for (const std::string& key : chained)
        subject.put(key, key);
    for (int i = 0; i < 20'000; ++i)
        subject.put("other" + std::to_string(i), "v");
    for (const std::string& key : chained) {
        ASSERT_NE(subject.find(key), nullptr);
        EXPECT_EQ(subject.find(key)->value(), key);
    }
    EXPECT_EQ(subject.keys_in_order().size(), 20'300u);
}

TEST(HashMap, NothingIsFreedBeforeTheOwnerSaysSo) {
    Subject subject({});
    subject.put("k", "old");
    const Record* old = subject.find("k");
    subject.put("k", "new");
    subject.erase("k");
    EXPECT_EQ(old->value(), "old");
    EXPECT_EQ(subject.map.retired_count(), 2u);
    subject.map.collect();
    EXPECT_EQ(subject.map.retired_count(), 0u);
}

TEST(HashMap, MillionsOfSmallRecordsTakeLittleMoreThanTheirBytes) {
    constexpr int kKeys = 300'000;
    constexpr size_t kRecordBytes = 16 + 16 + 32;
    Subject subject({});
    for (int i = 0; i < kKeys; ++i) {
        std::string key = std::to_string(i);
        key.resize(16, '.');
        subject.put(key, std::string(32, 'v'));
        if (i % 1000 == 0) subject.map.collect();
    }
    subject.map.collect();
    EXPECT_LE(subject.map.memory_bytes() / kKeys, kRecordBytes + 24);
}

}  // namespace
}  // namespace kvorum::kv
