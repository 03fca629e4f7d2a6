#include "ops/long_read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/turn_work.h"
#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

constexpr int kKeys = 5000;

class LongReadTest : public ::testing::Test {
 protected:
    LongReadTest() {
        for (int i = 0; i < kKeys; ++i)
            db(fmt::format("SET key:{} value:{}", i, i));
    }

    std::unique_ptr<LongRead> begin(const Words& words) {
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        const Operation& operation = operation_named(words[0]);
        EXPECT_TRUE(is_long_read(db.store().size(), operation, arguments)) << words[0];
        packed.clear();
        ByteWriter writer(packed);
        for (size_t i = 1; i < words.size(); ++i) {
            writer.write(static_cast<uint32_t>(words[i].size()));
            writer.write_text(words[i]);
        }
        return begin_long_read(db.store(), operation, arguments, words.size() - 1, ByteReader(as_bytes(packed)));
    }

    // The reply, made in steps of `work_max`.
    std::string reply(const Words& words, uint64_t work_max, int* steps = nullptr) {
        const std::unique_ptr<LongRead> read = begin(words);
        ResultText items;
        int count = 1;
        while (!read->run(work_max, items))
            ++count;
        if (steps != nullptr) *steps = count;
        ResultText head;
        read->write_head(head);
        return head.take() + items.take();
    }

    Words list(const char* name) {
        Words words{name};
        for (int i = 0; i < kKeys; i += 3)
            words.push_back(fmt::format("{}:{}", i % 2 == 0 ? "key" : "absent", i));
        return words;
    }

    Database db;
    std::string packed;
};

TEST_F(LongReadTest, RepliesAsWhenItIsCarriedOutAtOnce) {
    for (const Words& words :
         {Words{"KEYS", "*"}, Words{"KEYS", "*77*"}, Words{"SCAN", "0", "COUNT", "100000"},
          Words{"SCAN", "0", "COUNT", "2000", "MATCH", "*5"}, Words{"SCAN", "0", "COUNT", "2000", "TYPE", "list"},
          list("MGET"), list("EXISTS"), list("TOUCH")}) {
        int steps = 0;
        EXPECT_EQ(reply(words, 20'000, &steps), db.run(words)) << words[0];
        EXPECT_GT(steps, 1) << words[0];
    }
}

TEST_F(LongReadTest, AScanGoesOnWhereALongOneEnded) {
    const std::string first = reply({"SCAN", "0", "COUNT", "3000"}, 10'000);
    EXPECT_EQ(first, db("SCAN 0 COUNT 3000")) << "the cursor is the same";
    EXPECT_FALSE(first.starts_with(list_of(2) + bytes("0")));
}

TEST_F(LongReadTest, KeysThatStayAreListedOnceWhateverIsWrittenMeanwhile) {
    const std::unique_ptr<LongRead> keys = begin({"KEYS", "key:*"});
    ResultText items;
    for (int i = 0; !keys->run(10'000, items); ++i) {
        for (int j = 0; j < 200; ++j)
            db(fmt::format("SET other:{} v", i * 200 + j));
        db(fmt::format("DEL other:{}", i));
    }
    ResultText head;
    keys->write_head(head);
    EXPECT_EQ(head.take(), list_of(kKeys));
    const std::string text = items.take();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), kKeys);
}

TEST_F(LongReadTest, OnlyAListOfKeysNeedsOneState) {
    EXPECT_FALSE(begin({"KEYS", "*"})->needs_one_state());
    EXPECT_FALSE(begin({"SCAN", "0", "COUNT", "3000"})->needs_one_state());
    EXPECT_TRUE(begin(list("MGET"))->needs_one_state());
    EXPECT_TRUE(begin(list("EXISTS"))->needs_one_state());
}

TEST_F(LongReadTest, ShortOnesAreNot) {
    const auto is_long = [](uint64_t store_size, const Words& words) {
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        return is_long_read(store_size, operation_named(words[0]), arguments);
    };
    EXPECT_FALSE(is_long(10, {"KEYS", "*"}));
    EXPECT_FALSE(is_long(1'000'000, {"SCAN", "0"}));
    EXPECT_FALSE(is_long(1'000'000, {"SCAN", "0", "COUNT", "x"})) << "an error is replied at once";
    EXPECT_FALSE(is_long(1'000'000, {"MGET", "a", "b"}));
    EXPECT_FALSE(is_long(1'000'000, {"GET", "a"}));
    EXPECT_TRUE(is_long(1'000'000, {"SCAN", "0", "COUNT", "1000000"}));
}

}  // namespace
}  // namespace kvorum::ops
