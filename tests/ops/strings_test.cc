#include <gtest/gtest.h>

#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

TEST(Get, OfAnAbsentKeyIsNull) {
    Database db;
    EXPECT_EQ(db("GET k"), null());
}

TEST(Set, IsSeenByGet) {
    Database db;
    EXPECT_EQ(db("SET k v"), ok());
    EXPECT_EQ(db("get k"), bulk("v"));
}

TEST(Set, KeepsAnyBytes) {
    Database db;
    const std::string bytes("a\0\r\n\xff", 5);
    EXPECT_EQ(db.run({"SET", bytes, bytes}), ok());
    EXPECT_EQ(db.run({"GET", bytes}), bulk(bytes));
}

TEST(Set, TakesAnEmptyKeyAndAnEmptyValue) {
    Database db;
    EXPECT_EQ(db(R"(SET "" "")"), ok());
    EXPECT_EQ(db(R"(GET "")"), bulk(""));
}

TEST(SetNx, SetsOnlyWhatIsAbsent) {
    Database db;
    EXPECT_EQ(db("SET k 1 NX"), ok());
    EXPECT_EQ(db("SET k 2 nx"), null());
    EXPECT_EQ(db("GET k"), bulk("1"));
    EXPECT_EQ(db("SETNX k 3"), integer(0));
    EXPECT_EQ(db("SETNX other 3"), integer(1));
}

TEST(SetXx, SetsOnlyWhatIsThere) {
    Database db;
    EXPECT_EQ(db("SET k 1 XX"), null());
    EXPECT_EQ(db("SET k 1"), ok());
    EXPECT_EQ(db("SET k 2 XX"), ok());
    EXPECT_EQ(db("GET k"), bulk("2"));
}

TEST(SetGet, RepliesTheOldValueWhetherItSetsOrNot) {
    Database db;
    EXPECT_EQ(db("SET k 1 GET"), null());
    EXPECT_EQ(db("SET k 2 GET"), bulk("1"));
    EXPECT_EQ(db("SET k 3 NX GET"), bulk("2"));
    EXPECT_EQ(db("GET k"), bulk("2"));
    EXPECT_EQ(db("SET other 3 XX GET"), null());
    EXPECT_EQ(db("EXISTS other"), integer(0));
    EXPECT_EQ(db("GETSET k 4"), bulk("2"));
    EXPECT_EQ(db("GETSET other 4"), null());
}

TEST(Set, DropsTheOldDeadlineUnlessToldToKeepIt) {
    Database db;
    db("SET k 1 EX 100");
    EXPECT_EQ(db("SET k 2 KEEPTTL"), ok());
    EXPECT_EQ(db("TTL k"), integer(100));
    EXPECT_EQ(db("SET k 3"), ok());
    EXPECT_EQ(db("TTL k"), integer(-1));
}

TEST(Set, TakesADeadlineInAllFourWays) {
    Database db;
    db("SET k v EX 10");
    EXPECT_EQ(db("PTTL k"), integer(10'000));
    db("SET k v PX 1500");
    EXPECT_EQ(db("PTTL k"), integer(1500));
    db("SET k v EXAT 1800000000");
    EXPECT_EQ(db("PEXPIRETIME k"), integer(1'800'000'000'000));
    db("SET k v PXAT 1800000000001");
    EXPECT_EQ(db("PEXPIRETIME k"), integer(1'800'000'000'001));
    EXPECT_EQ(db("SETEX k 7 v"), ok());
    EXPECT_EQ(db("PTTL k"), integer(7000));
    EXPECT_EQ(db("PSETEX k 7 v"), ok());
    EXPECT_EQ(db("PTTL k"), integer(7));
}

TEST(Set, RefusesOptionsThatContradictEachOther) {
    Database db;
    for (const char* line : {"SET k v NX XX", "SET k v EX 1 PX 1", "SET k v EX 1 KEEPTTL", "SET k v PERSIST",
                             "SET k v EX", "SET k v FOO", "GETEX k EX 1 PERSIST", "GETEX k KEEPTTL", "GETEX k NX"}) {
        EXPECT_EQ(db(line), syntax_error()) << line;
    }
    EXPECT_EQ(db("EXISTS k"), integer(0));
}

TEST(Set, TakesTheLastOfARepeatedOption) {
    Database db;
    EXPECT_EQ(db("SET k v EX 10 EX 20 NX NX"), ok());
    EXPECT_EQ(db("TTL k"), integer(20));
}

TEST(Set, RefusesLifetimesThatAreNotPositiveOrDoNotFit) {
    Database db;
    const std::string invalid = error("ERR invalid expire time in 'set' command");
    EXPECT_EQ(db("SET k v EX 0"), invalid);
    EXPECT_EQ(db("SET k v PX -1"), invalid);
    EXPECT_EQ(db("SET k v EXAT 0"), invalid);
    EXPECT_EQ(db("SET k v EX 9223372036854775807"), invalid);
    EXPECT_EQ(db("SET k v PX 9223372036854775807"), invalid);
    EXPECT_EQ(db("SET k v EX 1.5"), not_integer());
    EXPECT_EQ(db("SETEX k 0 v"), error("ERR invalid expire time in 'setex' command"));
    EXPECT_EQ(db("PSETEX k 0 v"), error("ERR invalid expire time in 'psetex' command"));
    EXPECT_EQ(db("EXISTS k"), integer(0));
}

TEST(Set, WithAPastDeadlineLeavesNoKey) {
    Database db;
    db("SET k old");
    EXPECT_EQ(db("SET k v PXAT 1"), ok());
    EXPECT_EQ(db("EXISTS k"), integer(0));
    EXPECT_EQ(db("DBSIZE"), integer(0));
}

TEST(Set, RefusesKeysAndValuesAboveTheLimit) {
    Database db;
    const std::string too_long = error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    EXPECT_EQ(db.run({"SET", "k", std::string(kv::kValueSizeMax, 'v')}), ok());
    EXPECT_EQ(db.run({"SET", "k", std::string(kv::kValueSizeMax + 1, 'v')}), too_long);
    EXPECT_EQ(db.run({"SET", std::string(kv::kKeySizeMax + 1, 'k'), "v"}), too_long);
    EXPECT_EQ(db("APPEND k x"), too_long);
    EXPECT_EQ(db("STRLEN k"), integer(kv::kValueSizeMax));
}

TEST(Mset, IsRefusedWhenItDoesNotFitIntoALogEntry) {
    Database db;
    const std::string value(kv::kValueSizeMax, 'v');
    const std::string reply = db.run({"MSET", "a", value, "b", value, "c", value});
    EXPECT_TRUE(reply.starts_with("-ERR command of ")) << reply;
    EXPECT_EQ(db("DBSIZE"), integer(0));
}

TEST(Getdel, RepliesTheValueAndDeletes) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("GETDEL k"), bulk("v"));
    EXPECT_EQ(db("GETDEL k"), null());
}

TEST(Getex, RepliesTheValueAndChangesTheDeadline) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("GETEX k EX 10"), bulk("v"));
    EXPECT_EQ(db("TTL k"), integer(10));
    EXPECT_EQ(db("GETEX k"), bulk("v"));
    EXPECT_EQ(db("TTL k"), integer(10));
    EXPECT_EQ(db("GETEX k PERSIST"), bulk("v"));
    EXPECT_EQ(db("TTL k"), integer(-1));
    EXPECT_EQ(db("GETEX k PXAT 1"), bulk("v"));
    EXPECT_EQ(db("EXISTS k"), integer(0));
}

TEST(Getex, WithoutAnyEffectLeavesTheRevision) {
    Database db;
    db("SET k v");
    const Revision revision = db.store().find("k")->revision();
    db("GETEX k");
    db("GETEX k PERSIST");
    EXPECT_EQ(db.store().find("k")->revision(), revision);
    db("GETEX k EX 10");
    EXPECT_EQ(db.store().find("k")->revision(), revision + 1);
}

TEST(Getex, FindsFaultWithItsTimeOnlyWhenTheKeyIsThere) {
    Database db;
    EXPECT_EQ(db("GETEX k EX abc"), null());
    EXPECT_EQ(db("GETEX k EX 0"), null());
    db("SET k v");
    EXPECT_EQ(db("GETEX k EX abc"), not_integer());
    EXPECT_EQ(db("GETEX k EX 0"), error("ERR invalid expire time in 'getex' command"));
    EXPECT_EQ(db("TTL k"), integer(-1));
}

TEST(Mget, RepliesEachKeyInOrder) {
    Database db;
    db("SET a 1");
    EXPECT_EQ(db("MGET a b a"), array({bulk("1"), null(), bulk("1")}));
}

TEST(Mset, SetsAllAndDropsDeadlines) {
    Database db;
    db("SET a 0 EX 10");
    EXPECT_EQ(db("MSET a 1 b 2 a 3"), ok());
    EXPECT_EQ(db("MGET a b"), array({bulk("3"), bulk("2")}));
    EXPECT_EQ(db("TTL a"), integer(-1));
}

TEST(Msetnx, SetsAllOrNothing) {
    Database db;
    db("SET b 0");
    EXPECT_EQ(db("MSETNX a 1 b 2"), integer(0));
    EXPECT_EQ(db("EXISTS a"), integer(0));
    EXPECT_EQ(db("MSETNX a 1 c 2 a 3"), integer(1));
    EXPECT_EQ(db("MGET a b c"), array({bulk("3"), bulk("0"), bulk("2")}));
}

TEST(Mset, RefusesAKeyWithoutItsValue) {
    Database db;
    EXPECT_EQ(db("MSET a 1 b"), error("ERR wrong number of arguments for 'mset' command"));
    EXPECT_EQ(db("MSETNX a 1 b"), error("ERR wrong number of arguments for 'msetnx' command"));
    EXPECT_EQ(db("DBSIZE"), integer(0));
}

TEST(Append, AddsToTheValueAndKeepsTheDeadline) {
    Database db;
    EXPECT_EQ(db("APPEND k ab"), integer(2));
    db("EXPIRE k 100");
    EXPECT_EQ(db("APPEND k cd"), integer(4));
    EXPECT_EQ(db("GET k"), bulk("abcd"));
    EXPECT_EQ(db("TTL k"), integer(100));
    EXPECT_EQ(db("STRLEN k"), integer(4));
    EXPECT_EQ(db("STRLEN absent"), integer(0));
}

TEST(Setrange, OverwritesAndFillsWithZeros) {
    Database db;
    EXPECT_EQ(db("SETRANGE k 3 abc"), integer(6));
    EXPECT_EQ(db("GET k"), bulk(std::string("\0\0\0abc", 6)));
    EXPECT_EQ(db("SETRANGE k 0 xy"), integer(6));
    EXPECT_EQ(db("GET k"), bulk(std::string("xy\0abc", 6)));
}

TEST(Setrange, OfNothingCreatesNothing) {
    Database db;
    EXPECT_EQ(db(R"(SETRANGE k 5 "")"), integer(0));
    EXPECT_EQ(db("EXISTS k"), integer(0));
}

TEST(Setrange, RefusesOffsetsOutOfRange) {
    Database db;
    EXPECT_EQ(db("SETRANGE k -1 v"), error("ERR offset is out of range"));
    EXPECT_EQ(db("SETRANGE k x v"), not_integer());
    const std::string too_long = error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    EXPECT_EQ(db("SETRANGE k 16777216 v"), too_long);
    EXPECT_EQ(db("SETRANGE k 9223372036854775807 v"), too_long);
    EXPECT_EQ(db("EXISTS k"), integer(0));
    EXPECT_EQ(db("SETRANGE k 16777215 v"), integer(16'777'216));
}

TEST(Getrange, CountsFromBothEnds) {
    Database db;
    db("SET k abcdef");
    EXPECT_EQ(db("GETRANGE k 0 2"), bulk("abc"));
    EXPECT_EQ(db("GETRANGE k -3 -2"), bulk("de"));
    EXPECT_EQ(db("GETRANGE k 4 100"), bulk("ef"));
    EXPECT_EQ(db("GETRANGE k -100 0"), bulk("a"));
    EXPECT_EQ(db("GETRANGE k 3 1"), bulk(""));
    EXPECT_EQ(db("GETRANGE k 6 10"), bulk(""));
    EXPECT_EQ(db("SUBSTR k 1 1"), bulk("b"));
    EXPECT_EQ(db("GETRANGE absent 0 -1"), bulk(""));
    EXPECT_EQ(db("GETRANGE k a b"), not_integer());
}

}  // namespace
}  // namespace kvorum::ops
