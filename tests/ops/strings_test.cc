#include <gtest/gtest.h>

#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

TEST(Get, OfAnAbsentKeyIsNull) {
    Database db;
    EXPECT_EQ(db("GET k"), nothing());
}

TEST(Set, IsSeenByGet) {
    Database db;
    EXPECT_EQ(db("SET k v"), done());
    EXPECT_EQ(db("get k"), bytes("v"));
}

TEST(Set, KeepsAnyBytes) {
    Database db;
    const std::string binary("a\0\r\n\xff", 5);
    EXPECT_EQ(db.run({"SET", binary, binary}), done());
    EXPECT_EQ(db.run({"GET", binary}), bytes(binary));
}

TEST(Set, TakesAnEmptyKeyAndAnEmptyValue) {
    Database db;
    EXPECT_EQ(db(R"(SET "" "")"), done());
    EXPECT_EQ(db(R"(GET "")"), bytes(""));
}

TEST(SetNx, SetsOnlyWhatIsAbsent) {
    Database db;
    EXPECT_EQ(db("SET k 1 NX"), done());
    EXPECT_EQ(db("SET k 2 nx"), nothing());
    EXPECT_EQ(db("GET k"), bytes("1"));
    EXPECT_EQ(db("SETNX k 3"), integer(0));
    EXPECT_EQ(db("SETNX other 3"), integer(1));
}

TEST(SetXx, SetsOnlyWhatIsThere) {
    Database db;
    EXPECT_EQ(db("SET k 1 XX"), nothing());
    EXPECT_EQ(db("SET k 1"), done());
    EXPECT_EQ(db("SET k 2 XX"), done());
    EXPECT_EQ(db("GET k"), bytes("2"));
}

TEST(SetGet, RepliesTheOldValueWhetherItSetsOrNot) {
    Database db;
    EXPECT_EQ(db("SET k 1 GET"), nothing());
    EXPECT_EQ(db("SET k 2 GET"), bytes("1"));
    EXPECT_EQ(db("SET k 3 NX GET"), bytes("2"));
    EXPECT_EQ(db("GET k"), bytes("2"));
    EXPECT_EQ(db("SET other 3 XX GET"), nothing());
    EXPECT_EQ(db("EXISTS other"), integer(0));
    EXPECT_EQ(db("GETSET k 4"), bytes("2"));
    EXPECT_EQ(db("GETSET other 4"), nothing());
}

TEST(Set, DropsTheOldDeadlineUnlessToldToKeepIt) {
    Database db;
    db("SET k 1 EX 100");
    EXPECT_EQ(db("SET k 2 KEEPTTL"), done());
    EXPECT_EQ(db("TTL k"), integer(100));
    EXPECT_EQ(db("SET k 3"), done());
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
    EXPECT_EQ(db("SETEX k 7 v"), done());
    EXPECT_EQ(db("PTTL k"), integer(7000));
    EXPECT_EQ(db("PSETEX k 7 v"), done());
    EXPECT_EQ(db("PTTL k"), integer(7));
}

TEST(Set, RefusesOptionsThatContradictEachOther) {
    Database db;
    for (const char* line : {"SET k v NX XX", "SET k v EX 1 PX 1", "SET k v EX 1 KEEPTTL", "SET k v PERSIST",
                             "SET k v EX", "SET k v FOO", "GETEX k EX 1 PERSIST", "GETEX k KEEPTTL", "GETEX k NX"}) {
        EXPECT_EQ(db(line), failed(Failure::kSyntax)) << line;
    }
    EXPECT_EQ(db("EXISTS k"), integer(0));
}

TEST(Set, TakesTheLastOfARepeatedOption) {
    Database db;
    EXPECT_EQ(db("SET k v EX 10 EX 20 NX NX"), done());
    EXPECT_EQ(db("TTL k"), integer(20));
}

TEST(Set, RefusesLifetimesThatAreNotPositiveOrDoNotFit) {
    Database db;
    const std::string invalid = failed(Failure::bad_expire_time("set"));
    EXPECT_EQ(db("SET k v EX 0"), invalid);
    EXPECT_EQ(db("SET k v PX -1"), invalid);
    EXPECT_EQ(db("SET k v EXAT 0"), invalid);
    EXPECT_EQ(db("SET k v EX 9223372036854775807"), invalid);
    EXPECT_EQ(db("SET k v PX 9223372036854775807"), invalid);
    EXPECT_EQ(db("SET k v EX 1.5"), failed(Failure::kNotAnInteger));
    EXPECT_EQ(db("SETEX k 0 v"), failed(Failure::bad_expire_time("setex")));
    EXPECT_EQ(db("PSETEX k 0 v"), failed(Failure::bad_expire_time("psetex")));
    EXPECT_EQ(db("EXISTS k"), integer(0));
}

TEST(Set, WithAPastDeadlineLeavesNoKey) {
    Database db;
    db("SET k old");
    EXPECT_EQ(db("SET k v PXAT 1"), done());
    EXPECT_EQ(db("EXISTS k"), integer(0));
    EXPECT_EQ(db("DBSIZE"), integer(0));
}

TEST(Set, RefusesKeysAndValuesAboveTheLimit) {
    Database db;
    const std::string too_long = failed(Failure::kTooLong);
    EXPECT_EQ(db.run({"SET", "k", std::string(kv::kValueSizeMax, 'v')}), done());
    EXPECT_EQ(db.run({"SET", "k", std::string(kv::kValueSizeMax + 1, 'v')}), too_long);
    EXPECT_EQ(db.run({"SET", std::string(kv::kKeySizeMax + 1, 'k'), "v"}), too_long);
    EXPECT_EQ(db("APPEND k x"), too_long);
    EXPECT_EQ(db("STRLEN k"), integer(kv::kValueSizeMax));
}

TEST(Mset, IsRefusedWhenItDoesNotFitIntoALogEntry) {
    Database db;
    const std::string value(kv::kValueSizeMax, 'v');
    const std::string reply = db.run({"MSET", "a", value, "b", value, "c", value});
    EXPECT_TRUE(reply.starts_with(fmt::format("failure {} ", static_cast<int>(Failure::kTooLarge)))) << reply;
    EXPECT_EQ(db("DBSIZE"), integer(0));
}

TEST(Getdel, RepliesTheValueAndDeletes) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("GETDEL k"), bytes("v"));
    EXPECT_EQ(db("GETDEL k"), nothing());
}

TEST(Getex, RepliesTheValueAndChangesTheDeadline) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("GETEX k EX 10"), bytes("v"));
    EXPECT_EQ(db("TTL k"), integer(10));
    EXPECT_EQ(db("GETEX k"), bytes("v"));
    EXPECT_EQ(db("TTL k"), integer(10));
    EXPECT_EQ(db("GETEX k PERSIST"), bytes("v"));
    EXPECT_EQ(db("TTL k"), integer(-1));
    EXPECT_EQ(db("GETEX k PXAT 1"), bytes("v"));
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
    EXPECT_EQ(db("GETEX k EX abc"), nothing());
    EXPECT_EQ(db("GETEX k EX 0"), nothing());
    db("SET k v");
    EXPECT_EQ(db("GETEX k EX abc"), failed(Failure::kNotAnInteger));
    EXPECT_EQ(db("GETEX k EX 0"), failed(Failure::bad_expire_time("getex")));
    EXPECT_EQ(db("TTL k"), integer(-1));
}

TEST(Mget, RepliesEachKeyInOrder) {
    Database db;
    db("SET a 1");
    EXPECT_EQ(db("MGET a b a"), list({bytes("1"), nothing(), bytes("1")}));
}

TEST(Mset, SetsAllAndDropsDeadlines) {
    Database db;
    db("SET a 0 EX 10");
    EXPECT_EQ(db("MSET a 1 b 2 a 3"), done());
    EXPECT_EQ(db("MGET a b"), list({bytes("3"), bytes("2")}));
    EXPECT_EQ(db("TTL a"), integer(-1));
}

TEST(Msetnx, SetsAllOrNothing) {
    Database db;
    db("SET b 0");
    EXPECT_EQ(db("MSETNX a 1 b 2"), integer(0));
    EXPECT_EQ(db("EXISTS a"), integer(0));
    EXPECT_EQ(db("MSETNX a 1 c 2 a 3"), integer(1));
    EXPECT_EQ(db("MGET a b c"), list({bytes("3"), bytes("0"), bytes("2")}));
}

TEST(Mset, RefusesAKeyWithoutItsValue) {
    Database db;
    EXPECT_EQ(db("MSET a 1 b"), failed(Failure::wrong_operand_count("mset")));
    EXPECT_EQ(db("MSETNX a 1 b"), failed(Failure::wrong_operand_count("msetnx")));
    EXPECT_EQ(db("DBSIZE"), integer(0));
}

TEST(Append, AddsToTheValueAndKeepsTheDeadline) {
    Database db;
    EXPECT_EQ(db("APPEND k ab"), integer(2));
    db("EXPIRE k 100");
    EXPECT_EQ(db("APPEND k cd"), integer(4));
    EXPECT_EQ(db("GET k"), bytes("abcd"));
    EXPECT_EQ(db("TTL k"), integer(100));
    EXPECT_EQ(db("STRLEN k"), integer(4));
    EXPECT_EQ(db("STRLEN absent"), integer(0));
}

TEST(Setrange, OverwritesAndFillsWithZeros) {
    Database db;
    EXPECT_EQ(db("SETRANGE k 3 abc"), integer(6));
    EXPECT_EQ(db("GET k"), bytes(std::string("\0\0\0abc", 6)));
    EXPECT_EQ(db("SETRANGE k 0 xy"), integer(6));
    EXPECT_EQ(db("GET k"), bytes(std::string("xy\0abc", 6)));
}

TEST(Setrange, OfNothingCreatesNothing) {
    Database db;
    EXPECT_EQ(db(R"(SETRANGE k 5 "")"), integer(0));
    EXPECT_EQ(db("EXISTS k"), integer(0));
}

TEST(Setrange, RefusesOffsetsOutOfRange) {
    Database db;
    EXPECT_EQ(db("SETRANGE k -1 v"), failed(Failure::kOffsetOutOfRange));
    EXPECT_EQ(db("SETRANGE k x v"), failed(Failure::kNotAnInteger));
    const std::string too_long = failed(Failure::kTooLong);
    EXPECT_EQ(db("SETRANGE k 16777216 v"), too_long);
    EXPECT_EQ(db("SETRANGE k 9223372036854775807 v"), too_long);
    EXPECT_EQ(db("EXISTS k"), integer(0));
    EXPECT_EQ(db("SETRANGE k 16777215 v"), integer(16'777'216));
}

TEST(Getrange, CountsFromBothEnds) {
    Database db;
    db("SET k abcdef");
    EXPECT_EQ(db("GETRANGE k 0 2"), bytes("abc"));
    EXPECT_EQ(db("GETRANGE k -3 -2"), bytes("de"));
    EXPECT_EQ(db("GETRANGE k 4 100"), bytes("ef"));
    EXPECT_EQ(db("GETRANGE k -100 0"), bytes("a"));
    EXPECT_EQ(db("GETRANGE k 3 1"), bytes(""));
    EXPECT_EQ(db("GETRANGE k 6 10"), bytes(""));
    EXPECT_EQ(db("SUBSTR k 1 1"), bytes("b"));
    EXPECT_EQ(db("GETRANGE absent 0 -1"), bytes(""));
    EXPECT_EQ(db("GETRANGE k a b"), failed(Failure::kNotAnInteger));
}

}  // namespace
}  // namespace kvorum::ops
