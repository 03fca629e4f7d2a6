// The bytes of commands in the log: what is written is read back, anything else is refused.
#include "ops/log_record.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/text.h"
#include "ops/commands.h"
#include "ops/dump_payload.h"
#include "ops/families.h"
#include "tests/ops/database.h"
#include "tests/ops/random_commands.h"

namespace kvorum::ops {
namespace {

std::string encoded(std::string_view line, int64_t now_ms = 0) {
    const Words words = split(line);
    const std::vector<std::string_view> arguments(words.begin(), words.end());
    LogBuffer body;
    ResultText sink;
    EXPECT_TRUE(encode_write(operation_named(words[0]), arguments, now_ms, body, sink)) << line << sink.so_far();
    return std::string(body);
}

bool applies(std::string_view body, uint32_t command_count) {
    kv::Store store;
    store.advance(LogIndex(1), 0);
    store.put("a", "1", kv::kNoExpiry);
    DiscardingReplySink ignored;
    return apply_batch(store, LogIndex(2), 0, command_count, as_bytes(body),
                       [&](uint32_t) -> ReplySink& { return ignored; });
}

const char* const kOneOfEach[] = {"SET a v",
                                  "SET a v NX GET",
                                  "SET a v EX 10",
                                  "SET a v KEEPTTL",
                                  "SETNX a v",
                                  "GETSET a v",
                                  "GETDEL a",
                                  "GETEX a",
                                  "GETEX a PERSIST",
                                  "GETEX a EX 10",
                                  "GETEX a EX x",
                                  "GETEX a EX 0",
                                  "MSET a 1 b 2",
                                  "MSETNX a 1 b 2",
                                  "APPEND a v",
                                  "SETRANGE a 3 v",
                                  "INCR a",
                                  "INCRBY a 5",
                                  "INCRBYFLOAT a 1.5",
                                  "DEL a b",
                                  "EXPIRE a 10",
                                  "EXPIRE a 10 GT",
                                  "PERSIST a",
                                  "RENAME a b",
                                  "RENAMENX a b",
                                  "COPY a b",
                                  "COPY a b REPLACE",
                                  "FLUSHALL",
                                  "FLUSHDB",
                                  "SETEX a 10 v",
                                  "PSETEX a 10 v",
                                  "DECR a",
                                  "DECRBY a 5",
                                  "UNLINK a b",
                                  "PEXPIRE a 10",
                                  "EXPIREAT a 10",
                                  "PEXPIREAT a 10",
                                  "SETBIT a 7 1",
                                  "BITOP XOR a b a",
                                  "BITOP NOT b a",
                                  "SORT missing",
                                  "SORT missing STORE a",
                                  "BITFIELD a SET u8 0 1 GET i5 3 OVERFLOW SAT INCRBY u4 9 9"};

TEST(LogRecord, HasASampleHereOfEveryWrite) {
    for (const Operation& operation : kOperations) {
        if (operation.kind != OperationKind::kWrite || operation.name == "restore") continue;
        const bool found = std::ranges::any_of(
            kOneOfEach, [&](const char* line) { return equals_ignore_case(split(line)[0], operation.name); });
        EXPECT_TRUE(found) << operation.name;
    }
}

// Settings, and a command of each kind; RESTORE, which takes bytes, among them.
std::string one_batch(uint32_t& count) {
    LogBuffer batch;
    begin_batch({.memory_limit_bytes = 1 << 20, .hash_seed = 3}, batch);
    append_setting(kv::Setting::kTombstonesMax, 2, batch);
    append_setting(kv::Setting::kTombstoneBytesMax, 300, batch);
    append_setting(kv::Setting::kExpiriesPerEntryMax, 2, batch);
    for (const char* line : kOneOfEach)
        batch.append(encoded(line));
    const std::string payload = dump_payload("value");
    const std::vector<std::string_view> restore{"RESTORE", "b", "0", payload, "REPLACE"};
    ResultText sink;
    EXPECT_TRUE(encode_write(operation_of(OperationCode::kRestore), restore, 0, batch, sink));
    count = static_cast<uint32_t>(std::size(kOneOfEach)) + 1;
    return std::string(batch);
}

// Whatever becomes of it, the state is one afterwards.
ApplyProgress apply_to_an_empty_store(std::string_view body, uint32_t count) {
    const std::string copy(body);  // so that a sanitizer sees what reads beyond it
    kv::Store store;
    store.advance(LogIndex(1), 0);
    DiscardingReplySink ignored;
    const ReplyFor reply_for = [&](uint32_t) -> ReplySink& { return ignored; };
    EntryApply entry(store, count, as_bytes(copy));
    const ApplyProgress progress = entry.run(UINT64_MAX, {reply_for, [](uint32_t) {}, reply_for});
    store.check();
    return progress;
}

TEST(LogRecord, NoTruncationOfABatchApplies) {
    uint32_t count = 0;
    const std::string batch = one_batch(count);
    EXPECT_EQ(apply_to_an_empty_store(batch, count), ApplyProgress::kDone);
    for (size_t size = 0; size < batch.size(); ++size)
        EXPECT_NE(apply_to_an_empty_store(std::string_view(batch).substr(0, size), count), ApplyProgress::kDone);
}

TEST(LogRecord, EveryBitFlipOfABatchIsRefusedOrAppliesWithoutHarm) {
    uint32_t count = 0;
    std::string batch = one_batch(count);
    uint64_t refused = 0;
    uint64_t unknown = 0;
    for (size_t bit = 0; bit < batch.size() * 8; ++bit) {
        char& byte = batch[bit / 8];
        const char before = byte;
        byte = static_cast<char>(static_cast<uint8_t>(before) ^ (1u << (bit % 8)));
        const ApplyProgress progress = apply_to_an_empty_store(batch, count);
        refused += progress == ApplyProgress::kMalformed ? 1 : 0;
        unknown += progress == ApplyProgress::kUnknownOperation ? 1 : 0;
        byte = before;
    }
    EXPECT_GT(refused, batch.size());
    EXPECT_GT(unknown, count) << "a code of 16 bits has many neighbours that are no operation";
}

TEST(LogRecord, LaysOutItsFieldsAsDocumented) {
    EXPECT_EQ(encoded("SET key value"), std::string("\x01\0\0\0\x0c\0\0\0\x03\0\0\0keyvalue", 20));
    EXPECT_EQ(encoded("PEXPIREAT k 258 GT"), std::string("\x13\0\x04\0\x09\0\0\0\x02\x01\0\0\0\0\0\0k", 17));
    EXPECT_EQ(encoded("DEL a bc"), std::string("\x11\0\0\0\x0f\0\0\0\x02\0\0\0\x01\0\0\0a\x02\0\0\0bc", 23));
}

TEST(LogRecord, IsTheSameForCommandsThatMeanTheSame) {
    EXPECT_EQ(encoded("SET k v EX 10", 5), encoded("PSETEX k 10000 v", 5));
    EXPECT_EQ(encoded("SET k v EX 10", 5), encoded("SET k v PXAT 10005"));
    EXPECT_EQ(encoded("GETSET k v"), encoded("SET k v get"));
    EXPECT_EQ(encoded("DECRBY k 5"), encoded("INCRBY k -5"));
    EXPECT_EQ(encoded("UNLINK k"), encoded("DEL k"));
    EXPECT_EQ(encoded("FLUSHDB"), encoded("FLUSHALL ASYNC"));
}

TEST(LogRecord, AnErrorLeavesTheBatchAsItWas) {
    LogBuffer batch("before");
    ResultText sink;
    for (const char* line :
         {"SET k v FOO", "INCRBY k x", "MSET a 1 b", "EXPIRE k x", "COPY a a", "FLUSHALL x", "SETRANGE k -1 x"}) {
        const Words words = split(line);
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        EXPECT_FALSE(encode_write(operation_named(words[0]), arguments, 0, batch, sink)) << line;
        EXPECT_TRUE(sink.take().starts_with("failure")) << line;
    }
    EXPECT_EQ(batch, "before");
}

TEST(LogRecord, EveryCommandAppliesAndNoTruncationOfItDoes) {
    for (const char* line : kOneOfEach) {
        const std::string body = encoded(line);
        EXPECT_TRUE(applies(body, 1)) << line;
        for (size_t size = 0; size < body.size(); ++size) {
            EXPECT_FALSE(applies(std::string_view(body).substr(0, size), 1)) << line << " cut to " << size;
        }
    }
}

TEST(LogRecord, BytesBehindTheLastCommandAreRefused) {
    for (const char* line : kOneOfEach) {
        EXPECT_FALSE(applies(encoded(line) + '\0', 1)) << line;
        EXPECT_FALSE(applies(encoded(line), 0)) << line;
        EXPECT_FALSE(applies(encoded(line), 2)) << line;
    }
    EXPECT_TRUE(applies("", 0));
}

TEST(LogRecord, CodesAndFlagsThatAreNotInUseAreRefused) {
    for (const char* line : kOneOfEach) {
        std::string body = encoded(line);
        body[3] = '\x80';
        EXPECT_FALSE(applies(body, 1)) << line;
    }
    // Codes of commands that are recorded as others, of reads, and of none.
    for (const OperationCode code :
         {OperationCode::kSetnx, OperationCode::kIncr, OperationCode::kGet, OperationCode{0}, OperationCode{999}}) {
        LogBuffer body;
        RecordWriter(body, code, kNoFlags).tail("a");
        EXPECT_FALSE(applies(body, 1)) << static_cast<int>(code);
    }
}

// Of the one command of a body.
ApplyProgress progress_of(std::string_view body, uint16_t* unknown_operation = nullptr) {
    kv::Store store;
    store.advance(LogIndex(1), 0);
    DiscardingReplySink ignored;
    const ReplyFor reply_for = [&](uint32_t) -> ReplySink& { return ignored; };
    EntryApply entry(store, 1, as_bytes(body));
    const ApplyProgress progress = entry.run(UINT64_MAX, {reply_for, [](uint32_t) {}, reply_for});
    if (unknown_operation != nullptr) *unknown_operation = entry.unknown_operation();
    return progress;
}

TEST(LogRecord, AnOperationOfANewerVersionIsToldFromAMalformedOne) {
    for (const OperationCode code :
         {OperationCode{0}, OperationCode{999}, OperationCode{0x7fff}, OperationCode::kGet, OperationCode::kSetnx}) {
        LogBuffer body;
        RecordWriter(body, code, kNoFlags).tail("a");
        uint16_t number = 0;
        EXPECT_EQ(progress_of(body, &number), ApplyProgress::kUnknownOperation);
        EXPECT_EQ(number, static_cast<uint16_t>(code));
    }
    LogBuffer set;
    RecordWriter(set, OperationCode::kSet, uint16_t{0x8000}).sized("a").tail("v");
    EXPECT_EQ(progress_of(set), ApplyProgress::kMalformed);
    LogBuffer limit(encoded("SET a v"));
    RecordWriter(limit, OperationCode::kMemoryLimit, kNoFlags).integer(uint64_t{1});
    EXPECT_EQ(progress_of(limit.text().substr(encoded("SET a v").size())), ApplyProgress::kMalformed)
        << "no command follows";
}

TEST(LogRecord, MaySayWhoAskedForTheOperation) {
    constexpr OperationOrigin kOrigin{SessionId{0x1122334455667788}, 9};
    for (const char* line : kOneOfEach) {
        const Words words = split(line);
        const std::vector<std::string_view> arguments(words.begin(), words.end());
        LogBuffer body;
        ResultText sink;
        ASSERT_TRUE(encode_record(operation_named(words[0]), arguments, 0, RecordText(body, nullptr, kOrigin), sink));
        const std::string without = encoded(line);
        EXPECT_EQ(body.size(), without.size() + 16) << line << ": nothing without an origin";
        ByteReader reader(as_bytes(body));
        const LogRecord record = read_record(reader);
        EXPECT_TRUE(reader.finished());
        EXPECT_EQ(record.origin, kOrigin);
        ByteReader plain(as_bytes(without));
        EXPECT_EQ(record.code, read_record(plain).code) << line;
        EXPECT_TRUE(applies(body, 1)) << line;
        for (size_t size = 0; size < body.size(); ++size)
            EXPECT_FALSE(applies(std::string_view(body).substr(0, size), 1)) << line << " cut to " << size;
    }
}

TEST(LogRecord, LaysOutAnOriginBetweenHeaderAndPayload) {
    LogBuffer body;
    RecordWriter(RecordText(body, nullptr, OperationOrigin{SessionId{1}, 2}), OperationCode::kGetdel, kNoFlags)
        .tail("k");
    EXPECT_EQ(body, std::string("\x06\x80\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0k", 25));
}

TEST(LogRecord, SizesThatReachBeyondTheRecordAreRefused) {
    for (const uint32_t size : {2u, 100u, 0x7fffffffu, 0xffffffffu}) {
        LogBuffer set;
        RecordWriter(set, OperationCode::kSet, kNoFlags).integer(size).tail("a");
        EXPECT_FALSE(applies(set, 1));
        LogBuffer del;
        RecordWriter(del, OperationCode::kDel, kNoFlags).integer(size).sized("a");
        EXPECT_FALSE(applies(del, 1));
        LogBuffer mset;
        RecordWriter(mset, OperationCode::kMset, kNoFlags).integer(size).sized("a").sized("b");
        EXPECT_FALSE(applies(mset, 1));
    }
}

TEST(LogRecord, BytesBehindTheLastFieldOfARecordAreRefused) {
    LogBuffer del;
    RecordWriter(del, OperationCode::kDel, kNoFlags).integer(1u).sized("a").tail("x");
    EXPECT_FALSE(applies(del, 1));
    LogBuffer mset;
    RecordWriter(mset, OperationCode::kMset, kNoFlags).integer(1u).sized("a").sized("b").tail("x");
    EXPECT_FALSE(applies(mset, 1));
    LogBuffer flush;
    RecordWriter(flush, OperationCode::kFlushall, kNoFlags).tail("x");
    EXPECT_FALSE(applies(flush, 1));
}

TEST(LogRecord, AMalformedCommandChangesNothing) {
    kv::Store store;
    DiscardingReplySink ignored;
    LogBuffer body;
    RecordWriter(body, OperationCode::kMset, kNoFlags).integer(2u).sized("a").sized("1").sized("b");
    EXPECT_FALSE(
        apply_batch(store, LogIndex(1), 0, 1, as_bytes(body), [&](uint32_t) -> ReplySink& { return ignored; }));
    EXPECT_EQ(store.size(), 0u);
}

TEST(LogRecord, RandomDamageNeitherCrashesNorMakesATooLargeValue) {
    Prng prng(1);
    RandomCommands commands(2);
    DiscardingReplySink ignored;
    for (int round = 0; round < 20'000; ++round) {
        LogBuffer body;
        uint32_t count = 0;
        while (count < 3) {
            const auto words = commands.next();
            const Operation& operation = operation_named(words[0]);
            const std::vector<std::string_view> arguments(words.begin(), words.end());
            if (operation.kind == OperationKind::kWrite && encode_write(operation, arguments, 0, body, ignored))
                ++count;
        }
        for (uint64_t damages = 1 + prng.below(3); damages > 0; --damages) {
            body.data()[prng.below(body.size())] = static_cast<char>(prng.below(256));
        }
        kv::Store store;
        kvorum::maybe(
            apply_batch(store, LogIndex(1), 0, count, as_bytes(body), [&](uint32_t) -> ReplySink& { return ignored; }));
        EXPECT_LE(store.memory_bytes(), 2 * kv::kValueSizeMax);
    }
}

}  // namespace
}  // namespace kvorum::ops
