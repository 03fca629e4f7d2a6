// The count of bytes that limits of memory are held against, and what is refused by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/units.h"
#include "kv/memory_count.h"
#include "ops/dump_payload.h"
#include "ops/memory_limit.h"
#include "tests/ops/database.h"
#include "tests/ops/random_commands.h"

namespace kvorum::ops {
namespace {

const std::string kRefused = failed(Failure::kOutOfMemory);

// A key space whose writes are carried out under a limit.
class LimitedDatabase {
 public:
    std::string run(const Words& words) {
        ResultText sink;
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        LogBuffer batch;
        begin_batch({.memory_limit_bytes = limit_bytes}, batch);
        if (!encode_write(operation_named(words[0]), arguments, Database::kStartMs, batch, sink)) return sink.take();
        EXPECT_TRUE(apply_batch(store, store.applied_index() + 1, Database::kStartMs, 1, as_bytes(batch),
                                [&sink](uint32_t) -> ReplySink& { return sink; }));
        store.end_turn();
        return sink.take();
    }
    std::string operator()(std::string_view line) { return run(split(line)); }

    kv::Store store;
    uint64_t limit_bytes = 0;
};

TEST(CountedBytes, AreTheSumOverAllKeysAfterRandomCommands) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
        RandomCommands commands(seed);
        Database db(seed);
        for (int i = 0; i < 5000; ++i) {
            db.run(commands.next());
            if (i % 100 == 0) db.pass_ms(200'000);
            if (i % 250 != 0) continue;
            uint64_t sum = 0;
            db.store().for_each([&](std::string_view, const kv::Record& record) { sum += kv::counted_bytes(record); });
            ASSERT_EQ(db.store().counted_bytes(), sum) << "seed " << seed << " command " << i;
            db.store().check();
        }
        db("FLUSHALL");
        EXPECT_EQ(db.store().counted_bytes(), 0u);
    }
}

TEST(CountedBytes, AreEqualWhateverTheHistory) {
    Database grown;
    Database set_at_once;
    grown("APPEND k abc");
    grown("APPEND k def");
    grown("SET other x EX 100");
    grown("PERSIST other");
    grown("SET gone x");
    grown("DEL gone");
    set_at_once("SET k abcdef");
    set_at_once("SET other x");
    EXPECT_EQ(grown.store().counted_bytes(), set_at_once.store().counted_bytes());
}

TEST(CountedBytes, CountADueKeyUntilItIsRemoved) {
    Database db;
    db("SET k v PX 10");
    const uint64_t with_key = db.store().counted_bytes();
    db.pass_ms(20);
    EXPECT_EQ(db.store().counted_bytes(), with_key);
    db.tick();
    EXPECT_EQ(db.store().counted_bytes(), 0u);
}

// Limits are meant for memory that is really taken.
TEST(CountedBytes, AreNearWhatTheMapTakes) {
    for (const size_t value_bytes : {3u, 32u, 200u, 1000u, 4000u, 100'000u}) {
        Database db;
        const uint64_t empty_bytes = db.store().memory_bytes();
        const uint64_t keys = value_bytes < 1000 ? 100'000 : 2000;
        for (uint64_t i = 0; i < keys; ++i) {
            const int64_t expire_at_ms = i % 2 == 0 ? kv::kNoExpiry : INT64_MAX;
            // Changed once, as keys are that live for a while: so they keep some bytes about it.
            for (int times = 0; times < 2; ++times) {
                db.store().begin_operation();
                db.store().put(fmt::format("key:{:08}", i), std::string(value_bytes, 'v'), expire_at_ms);
            }
            db.store().end_turn();
        }
        const auto taken = static_cast<double>(db.store().memory_bytes() - empty_bytes);
        const auto counted = static_cast<double>(db.store().counted_bytes());
        EXPECT_LT(taken / counted, 1.25) << value_bytes;
        EXPECT_GT(taken / counted, 0.8) << value_bytes;
    }
}

TEST(CountedBytes, AreWhatMemoryUsageSays) {
    Database db;
    db("SET k v EX 100");
    db.run({"SET", "large", std::string(5000, 'v')});
    const auto usage = [&](std::string_view key) { return std::stoull(db.run({"MEMORY", "USAGE", std::string(key)})); };
    EXPECT_EQ(usage("k") + usage("large"), db.store().counted_bytes());
}

// A sample of each write command that succeeds on the keys of fill().
const std::map<std::string_view, std::string_view> kSamples{
    {"set", "SET k value"},
    {"setnx", "SETNX new v"},
    {"setex", "SETEX k 100 v"},
    {"psetex", "PSETEX k 1 v"},
    {"getset", "GETSET k v"},
    {"getdel", "GETDEL k"},
    {"getex", "GETEX k EX 100"},
    {"mset", "MSET a 1 b 2"},
    {"msetnx", "MSETNX a 1 b 2"},
    {"append", "APPEND k v"},
    {"setrange", "SETRANGE k 1 v"},
    {"incr", "INCR number"},
    {"decr", "DECR number"},
    {"incrby", "INCRBY number 2"},
    {"decrby", "DECRBY number 2"},
    {"incrbyfloat", "INCRBYFLOAT number 0.5"},
    {"del", "DEL k"},
    {"unlink", "UNLINK k"},
    {"expire", "EXPIRE k 100"},
    {"pexpire", "PEXPIRE k 100"},
    {"expireat", "EXPIREAT k 9999999999"},
    {"pexpireat", "PEXPIREAT k 9999999999999"},
    {"persist", "PERSIST k"},
    {"rename", "RENAME k l"},
    {"renamenx", "RENAMENX k l"},
    {"copy", "COPY k copy"},
    {"flushdb", "FLUSHDB"},
    {"flushall", "FLUSHALL"},
    {"setbit", "SETBIT k 1 1"},
    {"bitop", "BITOP NOT to k"},
    {"bitfield", "BITFIELD k SET u8 0 1"},
    {"sort", "SORT missing"},
};

Words sample_of(const Operation& operation) {
    if (operation.name == "restore") return {"RESTORE", "new", "0", dump_payload("v")};
    return split(kSamples.at(operation.name));
}

TEST(MemoryLimit, AboveItExactlyTheCommandsAreRefusedThatRedisCallsDenyoom) {
    for (const Operation& operation : kOperations) {
        if (operation.kind != OperationKind::kWrite) continue;
        LimitedDatabase db;
        db("MSET k value number 1");
        db.limit_bytes = db.store.counted_bytes() - 1;
        const uint64_t before = db.store.state_hash();
        const std::string reply = db.run(sample_of(operation));
        if (operation.may_grow()) {
            EXPECT_EQ(reply, kRefused) << operation.name;
            EXPECT_EQ(db.store.state_hash(), before) << operation.name;
        } else {
            EXPECT_FALSE(reply.starts_with("failure")) << operation.name << ": " << reply;
        }
    }
}

TEST(MemoryLimit, WithRoomNothingIsRefused) {
    for (const Operation& operation : kOperations) {
        if (operation.kind != OperationKind::kWrite) continue;
        LimitedDatabase db;
        db("MSET k value number 1");
        db.limit_bytes = db.store.counted_bytes() + 6 * kKiB;
        EXPECT_FALSE(db.run(sample_of(operation)).starts_with("failure")) << operation.name;
    }
}

TEST(MemoryLimit, ACommandIsRefusedThatWouldTakeTheStateAboveIt) {
    LimitedDatabase db;
    db.run({"SET", "large", std::string(100'000, 'v')});
    db.limit_bytes = db.store.counted_bytes() + 50'000;
    EXPECT_EQ(db.run({"SET", "k", std::string(60'000, 'v')}), kRefused);
    EXPECT_EQ(db.run({"APPEND", "large", std::string(60'000, 'v')}), kRefused);
    EXPECT_EQ(db("SETRANGE k 60000 x"), kRefused);
    EXPECT_EQ(db("SETRANGE k 16777000 x"), kRefused);
    EXPECT_EQ(db("SETBIT k 480000 1"), kRefused);
    EXPECT_EQ(db("BITFIELD k SET u8 480000 1"), kRefused);
    EXPECT_EQ(db("BITOP NOT k large"), kRefused);
    EXPECT_EQ(db("COPY large k"), kRefused);
    EXPECT_EQ(db.run({"RESTORE", "k", "0", dump_payload(std::string(60'000, 'v'))}), kRefused);
    EXPECT_EQ(db.run({"MSET", "a", std::string(30'000, 'v'), "b", std::string(30'000, 'v')}), kRefused);
    EXPECT_EQ(db.run({"RENAME", "large", std::string(60'000, 'n')}), kRefused);
    EXPECT_EQ(db.store.size(), 1u);
}

TEST(MemoryLimit, WhatIsThereMayBeReplacedByWhatIsNotLarger) {
    LimitedDatabase db;
    db.run({"SET", "large", std::string(100'000, 'v')});
    db("SET number 1");
    db.limit_bytes = db.store.counted_bytes();
    EXPECT_EQ(db.run({"SET", "large", std::string(100'000, 'w')}), done());
    EXPECT_EQ(db("SETRANGE large 99999 x"), integer(100000));
    EXPECT_EQ(db("SETBIT large 7 1"), integer(1));
    EXPECT_EQ(db("BITFIELD large SET u8 0 65"), list({integer(119)}));
    EXPECT_EQ(db("RENAME large l"), done());
}

TEST(MemoryLimit, StringsAboveTheirOwnLimitGetTheirOwnError) {
    LimitedDatabase db;
    db.limit_bytes = 1000;
    EXPECT_EQ(db("SETRANGE k 536870911 x"), failed(Failure::kTooLong));
}

TEST(MemoryLimit, AfterDeletesWritesGoOn) {
    LimitedDatabase db;
    db.limit_bytes = 100'000;
    int written = 0;
    while (db.run({"SET", fmt::format("k{}", written), std::string(100, 'v')}) == done())
        ++written;
    EXPECT_GT(written, 500);
    EXPECT_LE(db.store.counted_bytes(), db.limit_bytes);
    EXPECT_EQ(db("DEL k1 k2"), integer(2));
    EXPECT_EQ(db.run({"SET", "again", std::string(100, 'v')}), done());
}

TEST(MemoryLimit, NeverLetsTheStateGrowAboveItButByDeadlines) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
        RandomCommands commands(seed);
        LimitedDatabase db;
        uint64_t refused = 0;
        for (int i = 0; i < 4000; ++i) {
            if (i % 200 == 0) db.limit_bytes = commands.prng().between(1, 1000);
            const Words words = commands.next();
            if (operation_named(words[0]).kind != OperationKind::kWrite) continue;
            const uint64_t before = db.store.counted_bytes();
            if (db.run(words) == kRefused) ++refused;
            ASSERT_LE(db.store.counted_bytes(), std::max(before, db.limit_bytes) + kv::kCountedDeadlineBytes)
                << words[0];
        }
        EXPECT_GT(refused, 100u);
    }
}

TEST(MemoryLimit, IsOfItsBatchAlone) {
    LimitedDatabase db;
    db.limit_bytes = 1;
    EXPECT_EQ(db("SET k v"), kRefused);
    db.limit_bytes = 0;
    EXPECT_EQ(db("SET k v"), done());
}

TEST(MemoryLimit, StandsBeforeTheCommandsOfABatchAndIsNotCountedAmongThem) {
    LogBuffer batch;
    begin_batch({.memory_limit_bytes = 1000}, batch);
    DiscardingReplySink ignored;
    const std::vector<std::string_view> words{"SET", "the key", "v"};
    ASSERT_TRUE(encode_write(operation_of(OperationCode::kSet), words, 0, batch, ignored));
    kv::Store store;
    const EntryApply entry(store, 1, as_bytes(batch));
    EXPECT_EQ(entry.memory_limit_bytes(), 1000u);
}

TEST(MemoryLimit, IsNotToldWithoutOne) {
    LogBuffer batch;
    begin_batch({}, batch);
    EXPECT_EQ(batch, "") << "the batch is as builds wrote it that knew no limit";
}

TEST(MemoryLimit, InTheMiddleOfABatchIsMalformed) {
    LogBuffer batch;
    DiscardingReplySink ignored;
    const std::vector<std::string_view> words{"SET", "k", "v"};
    ASSERT_TRUE(encode_write(operation_of(OperationCode::kSet), words, 0, batch, ignored));
    begin_batch({.memory_limit_bytes = 1000}, batch);
    kv::Store store;
    EXPECT_FALSE(
        apply_batch(store, LogIndex(1), 0, 2, as_bytes(batch), [&](uint32_t) -> ReplySink& { return ignored; }));
}

}  // namespace
}  // namespace kvorum::ops
