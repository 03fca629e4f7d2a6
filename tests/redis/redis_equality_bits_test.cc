// The same commands to Redis 7 and to the state machine, as in redis_equality_test.cc, which says what may differ:
// bits, LCS, DUMP and RESTORE, SORT of what exists, MEMORY.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/prng.h"
#include "ops/dump_payload.h"
#include "tests/redis/redis_equality.h"

namespace kvorum::redis {
namespace {

TEST_F(RedisEquality, Bits) {
    compare(Words{"SET", "k", std::string("\x00\xff\xf0\x01\x80", 5)});
    compare(Words{"SET", "ones", "\xff\xff"});
    compare("SET empty \"\"");
    const std::vector<std::string> positions{"0",  "1",  "3",  "4",  "7",   "11",  "12",
                                             "39", "40", "-1", "-2", "-40", "-41", "x"};
    for (const std::string key : {"k", "ones", "empty", "absent"}) {
        for (const std::string& first : positions) {
            compare(Words{"BITPOS", key, "0", first});
            compare(Words{"BITPOS", key, "1", first});
            for (const std::string& last : positions) {
                for (const char* unit : {"BIT", "byte", "FOO"}) {
                    compare(Words{"BITCOUNT", key, first, last, unit});
                    compare(Words{"BITPOS", key, "0", first, last, unit});
                    compare(Words{"BITPOS", key, "1", first, last, unit});
                }
                compare(Words{"BITCOUNT", key, first, last});
                compare(Words{"BITPOS", key, "0", first, last});
            }
        }
    }
    compare_script(R"(
        BITCOUNT k; BITCOUNT; BITCOUNT k 0; BITCOUNT absent 0; BITCOUNT k 0 1 BIT x; BITPOS k 2; BITPOS k x; BITPOS k;
        BITPOS k 1 0 1 BIT x; BITPOS absent 0; BITPOS absent 1; BITPOS empty 0; BITPOS empty 1; BITPOS ones 0;
        SETBIT k 7 1; GET k; SETBIT k 100 1; GET k; STRLEN k; SETBIT new 0 0; GET new; SETBIT k 4294967296 1;
        SETBIT k -1 1; SETBIT k x 1; SETBIT k 0 2; SETBIT k 0 x; SETBIT k 0 01; SETBIT k 0; GETBIT k 0; GETBIT k 7;
        GETBIT k 4294967295; GETBIT k 4294967296; GETBIT k -1; GETBIT absent 5; GETBIT k; EXPIRE k 1000; SETBIT k 1 1;
        TTL k; BITOP AND d k ones; GET d; BITOP OR d k ones absent; GET d; BITOP XOR d k k; GET d; BITOP NOT d k;
        GET d; BITOP NOT d k k; BITOP FOO d k; BITOP AND d; BITOP AND d absent; EXISTS d; BITOP AND k ones; TTL k;
        BITOP OR ones ones ones k; GET ones; BITOP AND d ones k empty; GET d; BITOP NOT d empty; EXISTS d
    )");
}

TEST_F(RedisEquality, Bitfields) {
    for (const char* type : {"i1", "u1", "i5", "u7", "i8", "u8", "i16", "u63", "i64"}) {
        for (const char* overflow : {"WRAP", "SAT", "FAIL"}) {
            for (const char* number :
                 {"0", "1", "-1", "100", "-100", "255", "256", "9223372036854775807", "-9223372036854775808"}) {
                compare(fmt::format("BITFIELD f OVERFLOW {} SET {} 3 {}", overflow, type, number));
                compare("GET f");
                compare(fmt::format("BITFIELD f OVERFLOW {} INCRBY {} 3 {}", overflow, type, number));
                compare(fmt::format("BITFIELD f OVERFLOW {} INCRBY {} #2 {} GET {} #2", overflow, type, number, type));
                compare("GET f");
            }
        }
    }
    compare_script(R"(
        BITFIELD f; BITFIELD absent; EXISTS absent; BITFIELD absent GET u8 0 GET i8 100; EXISTS absent; BITFIELD;
        BITFIELD f GET u64 0; BITFIELD f GET i65 0; BITFIELD f GET u0 0; BITFIELD f GET x8 0; BITFIELD f GET u 0;
        BITFIELD f GET U8 0; BITFIELD f GET u8 -1; BITFIELD f GET u8 x; BITFIELD f GET u8 #x; BITFIELD f GET u8 #;
        BITFIELD f GET u8; BITFIELD f SET u8 0; BITFIELD f SET u8 0 x; BITFIELD f OVERFLOW; BITFIELD f OVERFLOW FOO;
        BITFIELD f OVERFLOW SAT; BITFIELD f FOO u8 0; BITFIELD f GET u8 4294967296; BITFIELD f GET u8 #536870912;
        BITFIELD f GET u8 4294967295; BITFIELD f SET u8 4294967296 1; EXPIRE f 1000; BITFIELD f SET u8 0 1; TTL f;
        BITFIELD n OVERFLOW FAIL INCRBY u2 100 9; STRLEN n; BITFIELD_RO f GET u8 0; BITFIELD_RO f SET u8 0 1;
        BITFIELD_RO f; BITFIELD_RO absent GET u8 0; BITFIELD_RO f INCRBY u8 0 1; BITFIELD_RO f OVERFLOW SAT GET u8 0;
        BITFIELD f SET i8 0 1 GET u64 0; GET f
    )");
}

TEST_F(RedisEquality, LongestCommonSubsequence) {
    compare_script(R"(
        SET a ohmytext; SET b mynewtext; LCS a b; LCS a b LEN; LCS a b IDX; LCS a b IDX MINMATCHLEN 4;
        LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN; LCS a b IDX WITHMATCHLEN; LCS a b LEN IDX; LCS a b WITHMATCHLEN;
        LCS a b MINMATCHLEN; LCS a b MINMATCHLEN x; LCS a b MINMATCHLEN -5 IDX; LCS a b FOO; LCS a; LCS a a; LCS a a IDX;
        LCS a absent; LCS a absent IDX; LCS absent absent LEN; SET e ""; LCS e a; LCS a e IDX
    )");
    Prng prng(11);
    for (int i = 0; i < 300; ++i) {
        for (const char* key : {"a", "b"}) {
            std::string text;
            for (uint64_t size = prng.below(40); size > 0; --size)
                text += static_cast<char>('a' + prng.below(3));
            compare(Words{"SET", key, text});
        }
        compare("LCS a b");
        compare("LCS a b IDX WITHMATCHLEN");
        compare("LCS a b IDX MINMATCHLEN 2");
    }
}

// Each takes what the other dumped, compressed or not.
TEST_F(RedisEquality, DumpAndRestore) {
    const std::vector<std::string> values{"",
                                          "a",
                                          "0",
                                          "127",
                                          "128",
                                          "-128",
                                          "-129",
                                          "32767",
                                          "32768",
                                          "-32769",
                                          "2147483647",
                                          "2147483648",
                                          "0123",
                                          "-0",
                                          "+1",
                                          "1.0",
                                          " 1",
                                          "abcdefghijklmnopqrst",
                                          "-2147483648",
                                          "-2147483649",
                                          std::string("\0\xff", 2)};
    for (const std::string& value : values) {
        compare(Words{"SET", "k", value});
        compare("DUMP k");
    }
    std::vector<std::string> long_values{std::string(21, 'a'), std::string(100'000, 'x'), std::string(64, 'q')};
    Prng prng(5);
    for (const uint64_t size : {63U, 64U, 5000U, 16383U, 16384U, 70'000U}) {
        std::string text;
        while (text.size() < size)
            text += fmt::format("{} and {} ", prng.below(50), prng.below(1000));
        long_values.push_back(text.substr(0, size));
    }
    for (const std::string& value : long_values) {
        compare(Words{"SET", "k", value});
        // "$<size>\r\n<payload>\r\n"
        const auto payload = [](const std::string& reply) {
            const size_t begin = reply.find('\n') + 1;
            return reply.substr(begin, reply.size() - begin - 2);
        };
        for (const std::string& dumped : {payload(redis_->run({"DUMP", "k"})), payload(db_.run({"DUMP", "k"}))}) {
            compare(Words{"RESTORE", "copy", "0", dumped, "REPLACE"});
            compare("GET copy");
        }
    }
}

// What is wrong with a RESTORE is told in Redis' order: options, the key, the time, the payload.
TEST_F(RedisEquality, RestoreFindsFault) {
    compare_script("DUMP absent; DUMP; RESTORE k 0; SET k v; SET other w PXAT 4102444800000");
    const std::string payload = ops::dump_payload("restored");
    std::string later = payload;
    later[later.size() - 10] = 11;
    const std::string sum(8, '\0');
    const std::vector<std::string> payloads{
        payload, later, payload.substr(1), payload.substr(0, payload.size() - 8) + sum, "", "short"};
    for (const std::string& bytes : payloads) {
        for (const char* ttl : {"0", "100000", "-1", "x"}) {
            for (const std::string options : {"", "REPLACE", "ABSTTL", "ABSTTL REPLACE", "IDLETIME 5", "IDLETIME -1",
                                              "IDLETIME x", "IDLETIME", "FREQ 5", "FREQ 256", "FREQ -1",
                                              "IDLETIME 5 FREQ 5", "FREQ 5 IDLETIME 5", "FOO", "REPLACE REPLACE"}) {
                for (const char* key : {"k", "new"}) {
                    Words words{"RESTORE", key, ttl, bytes};
                    for (const std::string& option : split(options))
                        words.push_back(option);
                    compare(words);
                    compare(Words{"GET", key});
                    compare(Words{"TTL", key});
                }
                compare("SET k v");
                compare("DEL new");
            }
        }
    }
    compare(Words{"RESTORE", "t", "4102444800000", payload, "ABSTTL"});
    compare("PEXPIRETIME t");
}

TEST_F(RedisEquality, SortOfNothing) {
    compare_script(R"(
        SORT absent; SORT absent LIMIT 0 5; SORT absent LIMIT 0; SORT absent LIMIT 0 x; SORT absent BY w GET # DESC ALPHA;
        SORT absent FOO; SORT; SET k v; SORT k; SORT k FOO; SORT k STORE d; SET d v; SORT absent STORE d; EXISTS d;
        SORT_RO absent; SORT_RO k; SORT_RO absent STORE d; SORT_RO absent ASC; SORT absent STORE
    )");
}

TEST_F(RedisEquality, MemoryOfAKey) {
    compare_script(R"(
        MEMORY; MEMORY HELP; MEMORY HELP x; MEMORY NOSUCH; MEMORY USAGE; MEMORY USAGE absent; MEMORY USAGE absent SAMPLES;
        MEMORY USAGE absent SAMPLES x; MEMORY USAGE absent SAMPLES -1; MEMORY USAGE absent FOO 1; MEMORY STATS x;
        MEMORY PURGE; MEMORY DOCTOR x
    )");
    const std::string value(100'000, 'x');
    compare(Words{"SET", "k", value});
    const std::string usage = db_.run({"MEMORY", "USAGE", "k"});
    EXPECT_GE(std::stoull(usage.substr(1)), value.size());
    EXPECT_LE(std::stoull(usage.substr(1)), value.size() + 100);
}

}  // namespace
}  // namespace kvorum::redis
