// The bytes of commands in the log: what is written is read back, anything else is refused.
#include "ops/log_record.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/prng.h"
#include "ops/commands.h"
#include "tests/ops/database.h"
#include "tests/ops/random_commands.h"

namespace kvorum::ops {
namespace {

std::string encoded(std::string_view line, int64_t now_ms = 0) {
    const Words words = split(line);
    const std::vector<std::string_view> arguments(words.begin(), words.end());
    std::string body;
    ResultText sink;
    EXPECT_TRUE(encode_write(operation_named(words[0]), arguments, now_ms, body, sink)) << line << sink.so_far();
    return body;
}

bool applies(std::string_view body, uint32_t command_count) {
    kv::Store store(1);
    store.advance(LogIndex(1), 0);
    store.put("a", "1", kv::kNoExpiry);
    DiscardingReplySink ignored;
    return apply_batch(store, LogIndex(2), 0, command_count, as_bytes(body),
                       [&](uint32_t) -> ReplySink& { return ignored; });
}

const char* const kOneOfEach[] = {
    "SET a v",           "SET a v NX GET", "SET a v EX 10",    "SET a v KEEPTTL", "SETNX a v",    "GETSET a v",
    "GETDEL a",          "GETEX a",        "GETEX a PERSIST",  "GETEX a EX 10",   "GETEX a EX x", "GETEX a EX 0",
    "MSET a 1 b 2",      "MSETNX a 1 b 2", "APPEND a v",       "SETRANGE a 3 v",  "INCR a",       "INCRBY a 5",
    "INCRBYFLOAT a 1.5", "DEL a b",        "EXPIRE a 10",      "EXPIRE a 10 GT",  "PERSIST a",    "RENAME a b",
    "RENAMENX a b",      "COPY a b",       "COPY a b REPLACE", "FLUSHALL"};

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
    std::string batch = "before";
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
        std::string body;
        RecordWriter(body, code, kNoFlags).tail("a");
        EXPECT_FALSE(applies(body, 1)) << static_cast<int>(code);
    }
}

TEST(LogRecord, SizesThatReachBeyondTheRecordAreRefused) {
    for (const uint32_t size : {2u, 100u, 0x7fffffffu, 0xffffffffu}) {
        std::string set;
        RecordWriter(set, OperationCode::kSet, kNoFlags).integer(size).tail("a");
        EXPECT_FALSE(applies(set, 1));
        std::string del;
        RecordWriter(del, OperationCode::kDel, kNoFlags).integer(size).sized("a");
        EXPECT_FALSE(applies(del, 1));
        std::string mset;
        RecordWriter(mset, OperationCode::kMset, kNoFlags).integer(size).sized("a").sized("b");
        EXPECT_FALSE(applies(mset, 1));
    }
}

TEST(LogRecord, BytesBehindTheLastFieldOfARecordAreRefused) {
    std::string del;
    RecordWriter(del, OperationCode::kDel, kNoFlags).integer(1u).sized("a").tail("x");
    EXPECT_FALSE(applies(del, 1));
    std::string mset;
    RecordWriter(mset, OperationCode::kMset, kNoFlags).integer(1u).sized("a").sized("b").tail("x");
    EXPECT_FALSE(applies(mset, 1));
    std::string flush;
    RecordWriter(flush, OperationCode::kFlushall, kNoFlags).tail("x");
    EXPECT_FALSE(applies(flush, 1));
}

TEST(LogRecord, AMalformedCommandChangesNothing) {
    kv::Store store(1);
    DiscardingReplySink ignored;
    std::string body;
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
        std::string body;
        uint32_t count = 0;
        while (count < 3) {
            const auto words = commands.next();
            const Operation& operation = operation_named(words[0]);
            const std::vector<std::string_view> arguments(words.begin(), words.end());
            if (operation.kind == OperationKind::kWrite && encode_write(operation, arguments, 0, body, ignored))
                ++count;
        }
        for (uint64_t damages = 1 + prng.below(3); damages > 0; --damages) {
            body[prng.below(body.size())] = static_cast<char>(prng.below(256));
        }
        kv::Store store(1);
        kvorum::maybe(
            apply_batch(store, LogIndex(1), 0, count, as_bytes(body), [&](uint32_t) -> ReplySink& { return ignored; }));
        EXPECT_LE(store.memory_bytes(), 2 * kv::kValueSizeMax);
    }
}

}  // namespace
}  // namespace kvorum::ops
