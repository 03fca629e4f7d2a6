#include <gtest/gtest.h>

#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

TEST(Del, CountsWhatWasThere) {
    Database db;
    db("MSET a 1 b 2 c 3");
    EXPECT_EQ(db("DEL a x b a"), integer(2));
    EXPECT_EQ(db("UNLINK c c"), integer(1));
    EXPECT_EQ(db("DBSIZE"), integer(0));
}

TEST(Exists, CountsAKeyAsOftenAsItIsNamed) {
    Database db;
    db("SET a 1");
    EXPECT_EQ(db("EXISTS a b a"), integer(2));
    EXPECT_EQ(db("TOUCH a b a"), integer(2));
}

TEST(Type, IsStringOrNone) {
    Database db;
    db("SET a 1");
    EXPECT_EQ(db("TYPE a"), simple("string"));
    EXPECT_EQ(db("TYPE b"), simple("none"));
}

TEST(Rename, MovesValueAndDeadline) {
    Database db;
    db("SET a 1 EX 100");
    db("SET b 2");
    EXPECT_EQ(db("RENAME a b"), ok());
    EXPECT_EQ(db("GET b"), bulk("1"));
    EXPECT_EQ(db("TTL b"), integer(100));
    EXPECT_EQ(db("EXISTS a"), integer(0));
}

TEST(Rename, OfAnAbsentKeyIsAnError) {
    Database db;
    EXPECT_EQ(db("RENAME a b"), error("ERR no such key"));
    EXPECT_EQ(db("RENAME a a"), error("ERR no such key"));
    EXPECT_EQ(db("RENAMENX a b"), error("ERR no such key"));
}

TEST(Rename, ToItselfChangesNothing) {
    Database db;
    db("SET a 1");
    const uint64_t before = db.store().state_hash();
    EXPECT_EQ(db("RENAME a a"), ok());
    EXPECT_EQ(db("RENAMENX a a"), integer(0));
    EXPECT_EQ(db("GET a"), bulk("1"));
    EXPECT_EQ(db.store().state_hash(), before);
}

TEST(Renamenx, LeavesADestinationThatIsThere) {
    Database db;
    db("MSET a 1 b 2");
    EXPECT_EQ(db("RENAMENX a b"), integer(0));
    EXPECT_EQ(db("MGET a b"), array({bulk("1"), bulk("2")}));
    EXPECT_EQ(db("RENAMENX a c"), integer(1));
    EXPECT_EQ(db("MGET a c"), array({null(), bulk("1")}));
}

TEST(Copy, CopiesValueAndDeadline) {
    Database db;
    db("SET a 1 EX 100");
    EXPECT_EQ(db("COPY a b"), integer(1));
    EXPECT_EQ(db("GET b"), bulk("1"));
    EXPECT_EQ(db("TTL b"), integer(100));
    EXPECT_EQ(db("TTL a"), integer(100));
}

TEST(Copy, ReplacesOnlyWhenTold) {
    Database db;
    db("MSET a 1 b 2");
    EXPECT_EQ(db("COPY a b"), integer(0));
    EXPECT_EQ(db("COPY a b DB 0 REPLACE"), integer(1));
    EXPECT_EQ(db("GET b"), bulk("1"));
    EXPECT_EQ(db("COPY absent b REPLACE"), integer(0));
    EXPECT_EQ(db("GET b"), bulk("1"));
}

TEST(Copy, RefusesOtherDatabasesAndItself) {
    Database db;
    EXPECT_EQ(db("COPY a b DB 1"), error("ERR DB index is out of range"));
    EXPECT_EQ(db("COPY a b DB x"), not_integer());
    EXPECT_EQ(db("COPY a b DB"), syntax_error());
    EXPECT_EQ(db("COPY a a"), error("ERR source and destination objects are the same"));
}

TEST(Flush, RemovesEverything) {
    Database db;
    const uint64_t empty_bytes = db.store().memory_bytes();
    for (const char* line : {"FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC", "FLUSHDB sync"}) {
        db("MSET a 1 b 2");
        db("EXPIRE a 100");
        EXPECT_EQ(db(line), ok());
        EXPECT_EQ(db("DBSIZE"), integer(0));
        EXPECT_EQ(db.store().keys_with_expiry(), 0u);
        while (db.store().end_turn()) {
        }
        EXPECT_EQ(db.store().memory_bytes(), empty_bytes);
    }
    EXPECT_EQ(db("FLUSHALL NOW"), syntax_error());
    EXPECT_EQ(db("FLUSHALL SYNC SYNC"), syntax_error());
}

TEST(Keys, RepliesAllThatMatch) {
    Database db;
    db("MSET user:1 a user:2 b other c");
    EXPECT_EQ(db("KEYS other"), array({bulk("other")}));
    EXPECT_EQ(db("KEYS nothing*"), array({}));
    EXPECT_TRUE(db("KEYS user:*").starts_with("*2\r\n"));
    EXPECT_TRUE(db("KEYS *").starts_with("*3\r\n"));
}

TEST(Randomkey, ChoosesEveryKeySometime) {
    Database db;
    EXPECT_EQ(db("RANDOMKEY"), null());
    db("MSET a 1 b 2 c 3");
    std::string seen;
    for (int i = 0; i < 3; ++i)
        seen += db("RANDOMKEY");
    for (const char* key : {"a", "b", "c"})
        EXPECT_NE(seen.find(bulk(key)), std::string::npos) << key;
}

}  // namespace
}  // namespace kvorum::ops
