// Apply is a pure function of (state, entry): what replicas, replays and snapshots rely on.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "ops/commands.h"
#include "tests/ops/database.h"
#include "tests/ops/random_commands.h"

namespace kvorum::ops {
namespace {

struct LoggedEntry {
    int64_t log_time_ms = 0;
    uint32_t command_count = 0;
    LogBuffer body;
};

// A log of random batches, with clock jumps that let keys fall due.
std::vector<LoggedEntry> random_log(uint64_t seed, int entry_count) {
    RandomCommands commands(seed);
    std::vector<LoggedEntry> log(1);
    begin_batch({.hash_seed = seed}, log[0].body);
    append_setting(kv::Setting::kTombstonesMax, 4, log[0].body);
    append_setting(kv::Setting::kTombstoneBytesMax, 4096, log[0].body);
    append_setting(kv::Setting::kExpiriesPerEntryMax, 3, log[0].body);
    int64_t now_ms = Database::kStartMs;
    DiscardingReplySink ignored;
    for (int i = 0; i < entry_count; ++i) {
        LoggedEntry entry;
        now_ms += static_cast<int64_t>(commands.prng().below(500'000));
        entry.log_time_ms = now_ms;
        for (uint64_t left = commands.prng().below(20); left > 0; --left) {
            const auto words = commands.next();
            const Operation& operation = operation_named(words[0]);
            if (operation.kind != OperationKind::kWrite) continue;
            const std::vector<std::string_view> arguments(words.begin(), words.end());
            if (encode_write(operation, arguments, now_ms, entry.body, ignored)) ++entry.command_count;
        }
        log.push_back(std::move(entry));
    }
    return log;
}

// Applies log[first, last) as the entries first + 1 and on; all replies one behind the other.
std::string apply(kv::Store& store, const std::vector<LoggedEntry>& log, size_t first, size_t last) {
    ResultText sink;
    for (size_t i = first; i < last; ++i) {
        uint32_t expected = 0;
        EXPECT_TRUE(apply_batch(store, LogIndex(i + 1), log[i].log_time_ms, log[i].command_count, as_bytes(log[i].body),
                                [&](uint32_t command) -> ReplySink& {
                                    EXPECT_EQ(command, expected++);
                                    return sink;
                                }));
        EXPECT_EQ(expected, log[i].command_count);
    }
    return sink.take();
}

TEST(Determinism, ReplicasThatApplyTheSameLogReplyAndEndAlike) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        const auto log = random_log(seed, 300);
        kv::Store a;
        kv::Store b;
        EXPECT_EQ(apply(a, log, 0, log.size()), apply(b, log, 0, log.size())) << "seed " << seed;
        EXPECT_EQ(a.state_hash(), b.state_hash()) << "seed " << seed;
        EXPECT_GT(a.size(), 0u);
    }
}

TEST(Determinism, AReplicaMayContinueFromASnapshotOfAnother) {
    const auto log = random_log(99, 400);
    kv::Store whole;
    apply(whole, log, 0, 200);
    kv::Store restored;
    restored.restore_head(whole.head());
    whole.for_each([&](std::string_view, const kv::Record& record) { restored.restore(record.fields()); });
    ASSERT_GT(whole.tombstone_count(), 0u);
    whole.for_each_tombstone(
        [&](std::string_view key, Revision revision) { restored.restore_tombstone(key, revision); });
    EXPECT_EQ(whole.state_hash(), restored.state_hash());

    EXPECT_EQ(apply(whole, log, 200, 400), apply(restored, log, 200, 400));
    EXPECT_EQ(whole.state_hash(), restored.state_hash());
    EXPECT_EQ(whole.next_expiry_ms(), restored.next_expiry_ms());
}

TEST(Determinism, RelativeTimesAreFixedWhenTheyAreEncoded) {
    const std::vector<std::string_view> arguments{"SET", "k", "v", "EX", "10"};
    LogBuffer body;
    DiscardingReplySink ignored;
    ASSERT_TRUE(encode_write(operation_of(OperationCode::kSet), arguments, 1'000'000, body, ignored));
    kv::Store store;
    ASSERT_TRUE(
        apply_batch(store, LogIndex(1), 1'005'000, 1, as_bytes(body), [&](uint32_t) -> ReplySink& { return ignored; }));
    EXPECT_EQ(store.find("k")->expire_at_ms(), 1'010'000);
}

}  // namespace
}  // namespace kvorum::ops
