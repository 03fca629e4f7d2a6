// An entry that is applied in steps is the entry that is applied at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/turn_work.h"
#include "base/units.h"
#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

using ::testing::ElementsAre;

struct Batch {
    LogBuffer body;
    uint32_t count = 0;

    void add(const Words& words) {
        DiscardingReplySink refused;
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        const bool encoded = encode_write(operation_named(words[0]), arguments, Database::kStartMs, body, refused);
        KVORUM_ASSERT(encoded);
        ++count;
    }
};

Words mset(int first, int count, const std::string& value, const char* name = "MSET") {
    Words words{name};
    for (int i = first; i < first + count; ++i) {
        words.push_back(fmt::format("key:{}", i));
        words.push_back(value);
    }
    return words;
}

Words del(int first, int count) {
    Words words{"DEL"};
    for (int i = first; i < first + count; ++i)
        words.push_back(fmt::format("key:{}", i));
    return words;
}

// All kinds of commands, short and long ones.
Batch draw_batch(Prng& prng) {
    Batch batch;
    for (uint64_t left = 1 + prng.below(40); left > 0; --left) {
        const int first = static_cast<int>(prng.below(3000));
        switch (prng.below(8)) {
            case 0: batch.add(mset(first, 1500, "long")); break;
            case 1: batch.add(mset(first, 1500, "absent", "MSETNX")); break;
            case 2: batch.add(del(first, 2000)); break;
            case 3: batch.add(mset(first, 3, "short")); break;
            case 4: batch.add(del(first, 3)); break;
            case 5: batch.add({"FLUSHALL"}); break;
            default: batch.add({"INCR", fmt::format("counter:{}", first % 10)}); break;
        }
    }
    return batch;
}

// Applies the batch in steps of `work_max`; all that was said, in order.
std::string apply_in_steps(kv::Store& store, const Batch& batch, uint64_t work_max, int* steps = nullptr) {
    ResultText sink;
    EntryApply entry(store, batch.count, as_bytes(batch.body));
    const ReplyFor reply_for = [&](uint32_t) -> ReplySink& { return sink; };
    const ApplyReplies replies{reply_for, [](uint32_t) {}, reply_for};
    ApplyProgress progress = ApplyProgress::kMore;
    int count = 0;
    for (; progress == ApplyProgress::kMore; ++count) {
        progress = entry.run(work_max, replies);
        store.end_turn();
    }
    EXPECT_EQ(progress, ApplyProgress::kDone);
    if (steps != nullptr) *steps = count;
    return sink.take();
}

TEST(EntryApply, StepsOfAnySizeEndAlike) {
    Prng prng(7);
    kv::Store whole;
    kv::Store stepped;
    for (uint64_t index = 1; index <= 60; ++index) {
        const Batch batch = draw_batch(prng);
        ResultText sink;
        ASSERT_TRUE(apply_batch(whole, LogIndex(index), 0, batch.count, as_bytes(batch.body),
                                [&](uint32_t) -> ReplySink& { return sink; }));
        stepped.advance(LogIndex(index), 0);
        EXPECT_EQ(apply_in_steps(stepped, batch, 1 + prng.below(200'000)), sink.take());
        ASSERT_EQ(stepped.state_hash(), whole.state_hash()) << index;
    }
}

TEST(EntryApply, AStepDoesAboutTheWorkThatItMay) {
    constexpr int kKeys = 20'000;
    kv::Store store;
    store.advance(LogIndex(1), 0);
    Batch batch;
    batch.add(mset(0, kKeys, "value"));
    EntryApply entry(store, batch.count, as_bytes(batch.body));
    DiscardingReplySink sink;
    const ReplyFor reply_for = [&](uint32_t) -> ReplySink& { return sink; };
    const ApplyReplies replies{reply_for, [](uint32_t) {}, reply_for};
    constexpr uint64_t kWorkMax = 100'000;
    int steps = 0;
    for (ApplyProgress progress = ApplyProgress::kMore; progress == ApplyProgress::kMore; ++steps) {
        const uint64_t before = store.work();
        progress = entry.run(kWorkMax, replies);
        EXPECT_LE(store.work() - before, kWorkMax + 20 * kKeyWriteWork);
    }
    EXPECT_EQ(store.size(), kKeys);
    EXPECT_GE(steps, static_cast<int>(kKeys * kKeyWriteWork / kWorkMax));
}

TEST(EntryApply, ALongCommandIsAnnouncedAndRepliesWhenItIsDone) {
    kv::Store store;
    store.advance(LogIndex(1), 0);
    Batch batch;
    batch.add({"SET", "a", "1"});
    batch.add(mset(0, 2000, "value"));
    batch.add({"SET", "b", "2"});
    std::vector<std::string> calls;
    DiscardingReplySink sink;
    const ReplyFor reply_for = [&](uint32_t command) -> ReplySink& {
        calls.push_back(fmt::format("reply {} at {} keys", command, store.size()));
        return sink;
    };
    const ApplyReplies replies{
        reply_for,
        [&](uint32_t command) { calls.push_back(fmt::format("before {} at {} keys", command, store.size())); },
        reply_for};
    EntryApply entry(store, batch.count, as_bytes(batch.body));
    while (entry.run(10'000, replies) == ApplyProgress::kMore) {
    }
    EXPECT_THAT(calls,
                ElementsAre("reply 0 at 0 keys", "before 1 at 1 keys", "reply 1 at 2001 keys", "reply 2 at 2001 keys"));
}

TEST(EntryApply, WhatLargeValuesReplaceIsFreedBeforeTheNextOne) {
    constexpr size_t kLargeBytes = 4'000'000;
    kv::Store store;
    store.advance(LogIndex(1), 0);
    Batch batch;
    batch.add({"SET", "k", std::string(kLargeBytes, 'v')});
    for (int i = 0; i < 12; ++i)
        batch.add({"SETRANGE", "k", "0", "x"});
    EntryApply entry(store, batch.count, as_bytes(batch.body));
    DiscardingReplySink sink;
    uint64_t most_bytes = 0;
    const ReplyFor reply_for = [&](uint32_t) -> ReplySink& {
        most_bytes = std::max(most_bytes, store.memory_bytes());
        return sink;
    };
    const ApplyReplies replies{reply_for, [](uint32_t) {}, reply_for};
    EXPECT_EQ(entry.run(UINT64_MAX, replies), ApplyProgress::kDone);
    EXPECT_LE(most_bytes, 2 * kLargeBytes + kMiB);
}

TEST(EntryApply, AMalformedLongCommandChangesNothing) {
    kv::Store store;
    store.advance(LogIndex(1), 0);
    Batch batch;
    batch.add(mset(0, 2000, "value"));
    batch.body.data()[8 + 4] = 9;  // the size of the first key is another: what follows does not fit
    EntryApply entry(store, batch.count, as_bytes(batch.body));
    DiscardingReplySink sink;
    const ReplyFor reply_for = [&](uint32_t) -> ReplySink& { return sink; };
    const ApplyReplies replies{reply_for, [](uint32_t) {}, reply_for};
    ApplyProgress progress = ApplyProgress::kMore;
    while (progress == ApplyProgress::kMore)
        progress = entry.run(5'000, replies);
    EXPECT_EQ(progress, ApplyProgress::kMalformed);
    EXPECT_EQ(store.size(), 0);
}

}  // namespace
}  // namespace kvorum::ops
