// A value of megabytes is written, hashed and read in slices, and is the same as if all were done at once.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/turn_work.h"
#include "ops/long_read.h"
#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

constexpr size_t kLarge = 1'000'000;
constexpr uint64_t kStepWork = 100'000;
// A value is removed in one step.
constexpr uint64_t kStepWorkMax = 600'000;

std::string drawn(size_t size, uint32_t seed) {
    std::string text(size, '\0');
    for (char& c : text) {
        seed = seed * 1664525 + 1013904223;
        c = static_cast<char>(seed >> 24);
    }
    return text;
}

// Commands one by one, each an entry that is applied in steps.
class SlicedDatabase {
 public:
    std::string run(const Words& words) {
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        LogBuffer batch;
        ResultText sink;
        if (!encode_write(operation_named(words[0]), arguments, Database::kStartMs, batch, sink)) return sink.take();
        store.advance(store.applied_index() + 1, Database::kStartMs);
        EntryApply entry(store, 1, as_bytes(batch));
        const ReplyFor reply_for = [&](uint32_t) -> ReplySink& { return sink; };
        const ApplyReplies replies{reply_for, [](uint32_t) {}, reply_for};
        steps = 1;
        uint64_t before = store.work();
        while (entry.run(kStepWork, replies) == ApplyProgress::kMore) {
            EXPECT_LT(store.work() - before, kStepWorkMax) << words[0];
            before = store.work();
            store.end_turn();
            ++steps;
        }
        return sink.take();
    }

    kv::Store store;
    int steps = 0;
};

std::string value_of(const kv::Store& store, std::string_view key) {
    const kv::Record* record = store.find(key);
    return record == nullptr ? "(none)" : std::string(record->value());
}

TEST(LargeValue, WritesOfAllKindsEndAsWhenTheyAreCarriedOutAtOnce) {
    const std::string base = drawn(kLarge, 1);
    const std::string other = drawn(kLarge / 2, 2);
    const std::vector<Words> commands{
        {"SET", "a", base},
        {"SET", "a", other, "PX", "100000"},
        {"SET", "b", base},
        {"APPEND", "a", base},
        {"APPEND", "a", "+"},
        {"SETRANGE", "a", "1000", "patch"},
        {"SETRANGE", "a", "2000000", "behind the end"},
        {"SETBIT", "a", "7000001", "1"},
        {"SETBIT", "a", "20000000", "1"},
        {"BITFIELD", "a", "SET", "u8", "4095", "77", "INCRBY", "i64", "32700", "-9", "GET", "u8", "4095"},
        {"BITFIELD", "b", "GET", "u8", "400000000", "SET", "u3", "10000000", "5"},
        {"BITOP", "AND", "and", "a", "b"},
        {"BITOP", "OR", "or", "b", "a"},
        {"BITOP", "XOR", "xor", "a", "b", "absent"},
        {"BITOP", "NOT", "not", "a"},
        {"EXPIRE", "a", "1000"},
        {"PERSIST", "a"},
        {"COPY", "a", "copy"},
        {"RENAME", "a", "renamed"},
        {"RENAME", "renamed", "renamed"},
        {"MSET", "x", base, "y", "small", "z", other, "x", other},
        {"MSETNX", "x", base, "w", base},
        {"MSETNX", "v", base, "w", base},
        {"SET", "b", other, "GET"},
        {"GETSET", "b", base},
        {"GETEX", "b", "PX", "100000"},
        {"GETDEL", "b"},
        {"GETSET", "x", "small"},
        {"SET", "b", "small"},
        {"DEL", "v", "w", "x", "copy"},
    };
    Database whole;
    SlicedDatabase sliced;
    for (const Words& words : commands) {
        EXPECT_EQ(sliced.run(words), whole.run(words)) << words[0];
        sliced.store.check();
        EXPECT_EQ(sliced.store.size(), whole.store().size());
        for (const char* key : {"a", "b", "and", "or", "xor", "not", "copy", "renamed", "v", "w", "x", "y", "z"})
            ASSERT_EQ(value_of(sliced.store, key), value_of(whole.store(), key)) << words[0] << " " << key;
        EXPECT_EQ(sliced.store.state_hash(), whole.store().state_hash()) << words[0];
    }
}

TEST(LargeValue, TheBytesAreWhatTheCommandSays) {
    const std::string base = drawn(kLarge, 1);
    SlicedDatabase db;
    db.run({"SET", "a", base});
    EXPECT_GT(db.steps, 3);
    db.run({"APPEND", "a", "+"});
    db.run({"SETRANGE", "a", std::to_string(kLarge + 300'000), "end"});
    db.run({"SETBIT", "a", "8", "1"});
    std::string expected = base + "+" + std::string(299'999, '\0') + "end";
    expected[1] = static_cast<char>(static_cast<uint8_t>(expected[1]) | 0x80u);
    EXPECT_EQ(value_of(db.store, "a"), expected);
    db.run({"BITOP", "NOT", "not", "a"});
    for (char& c : expected)
        c = static_cast<char>(~c);
    EXPECT_EQ(value_of(db.store, "not"), expected);
}

TEST(LargeValue, TheOldOneStaysUntilTheNewOneIsWhole) {
    kv::Store store;
    store.advance(LogIndex{1}, 0);
    store.put("k", "old", kv::kNoExpiry);
    const std::string value = drawn(kLarge, 1);
    store.begin_put("k", value, kv::kNoExpiry);
    ASSERT_TRUE(store.put_pending());
    const uint64_t hash = store.state_hash();
    EXPECT_FALSE(store.finish_put(kStepWork));
    store.end_turn();
    EXPECT_EQ(store.find("k")->value(), "old");
    EXPECT_EQ(store.state_hash(), hash);
    EXPECT_TRUE(store.finish_put(UINT64_MAX));
    EXPECT_EQ(store.find("k")->value(), value);
    store.check();
}

TEST(LargeValue, IsRepliedByAWriteHoweverManyReadsArePinned) {
    SlicedDatabase db;
    db.run({"SET", "large", drawn(kLarge, 1)});
    const std::string expected = bytes(drawn(kLarge, 1));
    const std::vector<std::string_view> arguments{"GET", "large"};
    std::vector<std::unique_ptr<LongRead>> reads;
    for (int i = 0; i < 100; ++i)
        reads.push_back(
            begin_long_read(db.store, operation_of(OperationCode::kGet), arguments, 1, ByteReader(Bytes{})));
    EXPECT_EQ(db.run({"GETDEL", "large"}), expected);
    EXPECT_GT(db.steps, 3);
}

class LargeValueReadTest : public ::testing::Test {
 protected:
    LargeValueReadTest() {
        db.run({"SET", "large", drawn(kLarge, 1)});
        db.run({"SET", "other", drawn(kLarge / 3, 2)});
        db.run({"SET", "small", "value"});
    }

    std::string in_steps(const Words& words) {
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        std::string packed;
        ByteWriter writer(packed);
        for (size_t i = 1; i < words.size(); ++i) {
            writer.write(static_cast<uint32_t>(words[i].size()));
            writer.write_text(words[i]);
        }
        const auto read = begin_long_read(db.store(), operation_named(words[0]), arguments, words.size() - 1,
                                          ByteReader(as_bytes(packed)));
        EXPECT_FALSE(read->needs_one_state());
        ResultText items;
        uint64_t before = 0;
        for (steps = 1; !read->run(kStepWork, items); ++steps) {
            EXPECT_LT(read->lookups().work - before, 2 * kStepWork);
            before = read->lookups().work;
        }
        ResultText head;
        read->write_head(head);
        return head.take() + items.take();
    }

    Database db;
    int steps = 0;
};

TEST_F(LargeValueReadTest, RepliesAsWhenItIsCarriedOutAtOnce) {
    for (const Words& words :
         {Words{"GET", "large"}, Words{"GETRANGE", "large", "1000", "-1000"}, Words{"SUBSTR", "large", "0", "-1"},
          Words{"DUMP", "large"}, Words{"MGET", "small", "large", "absent", "other", "large", "small"}}) {
        EXPECT_EQ(in_steps(words), db.run(words)) << words[0];
        EXPECT_GT(steps, 3) << words[0];
    }
    for (const Words& words : {Words{"GET", "absent"}, Words{"GETRANGE", "absent", "0", "5"}, Words{"DUMP", "absent"}})
        EXPECT_EQ(in_steps(words), db.run(words)) << words[0];
}

TEST_F(LargeValueReadTest, SeesTheValuesThatWereThereWhenItBegan) {
    const std::string packed_keys = std::string("\x05\0\0\0large\x05\0\0\0other", 18);
    const std::string expected = db.run({"MGET", "large", "other"});
    const std::vector<std::string_view> arguments{"MGET", "large", "other"};
    const auto read = begin_long_read(db.store(), operation_of(OperationCode::kMget), arguments, 2,
                                      ByteReader(as_bytes(packed_keys)));
    ResultText items;
    ASSERT_FALSE(read->run(kStepWork, items));
    db.run({"SET", "other", "changed"});
    ASSERT_FALSE(read->run(kStepWork, items));
    db.run({"FLUSHALL"});
    db.run({"SET", "large", drawn(kLarge, 9)});
    while (!read->run(kStepWork, items)) {
    }
    ResultText head;
    read->write_head(head);
    EXPECT_EQ(head.take() + items.take(), expected);
}

TEST_F(LargeValueReadTest, IsReadFromOneStateWhenTheStoreHasNoPinLeft) {
    const std::vector<std::string_view> arguments{"GET", "large"};
    std::vector<kv::StorePin> pins;
    while (db.store().has_pin_for_read())
        pins.push_back(db.store().pin());
    const auto begin = [&] {
        return begin_long_read(db.store(), operation_of(OperationCode::kGet), arguments, 1, ByteReader(Bytes{}));
    };
    EXPECT_TRUE(begin()->needs_one_state());
    pins.pop_back();
    EXPECT_FALSE(begin()->needs_one_state());
}

TEST_F(LargeValueReadTest, AReadAtOnceRepliesNothingWhenItsValuesAreTooLong) {
    const auto read = [&](const Words& words, uint64_t value_bytes_max) {
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        ResultText reply;
        const KeyLookups lookups =
            execute_read(db.store(), operation_named(words[0]), arguments, {.value_bytes_max = value_bytes_max}, reply);
        EXPECT_EQ(lookups.too_long, reply.so_far().empty());
        return lookups.too_long;
    };
    EXPECT_TRUE(read({"GET", "large"}, kLarge - 1));
    EXPECT_FALSE(read({"GET", "large"}, kLarge));
    EXPECT_TRUE(read({"DUMP", "large"}, 1000));
    EXPECT_TRUE(read({"GETRANGE", "large", "0", "1000"}, 1000));
    EXPECT_FALSE(read({"GETRANGE", "large", "0", "999"}, 1000));
    EXPECT_TRUE(read({"MGET", "small", "small"}, 9));
    EXPECT_FALSE(read({"MGET", "small", "small"}, 10));
    EXPECT_FALSE(read({"GET", "absent"}, 0));
    EXPECT_FALSE(read({"STRLEN", "large"}, 0));
}

}  // namespace
}  // namespace kvorum::ops
