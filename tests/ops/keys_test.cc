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
    EXPECT_EQ(db("TYPE a"), status("string"));
    EXPECT_EQ(db("TYPE b"), status("none"));
}

TEST(Rename, MovesValueAndDeadline) {
    Database db;
    db("SET a 1 EX 100");
    db("SET b 2");
    EXPECT_EQ(db("RENAME a b"), done());
    EXPECT_EQ(db("GET b"), bytes("1"));
    EXPECT_EQ(db("TTL b"), integer(100));
    EXPECT_EQ(db("EXISTS a"), integer(0));
}

TEST(Rename, OfAnAbsentKeyIsAnError) {
    Database db;
    EXPECT_EQ(db("RENAME a b"), failed(Failure::kNoSuchKey));
    EXPECT_EQ(db("RENAME a a"), failed(Failure::kNoSuchKey));
    EXPECT_EQ(db("RENAMENX a b"), failed(Failure::kNoSuchKey));
}

TEST(Rename, ToItselfChangesNothing) {
    Database db;
    db("SET a 1");
    const uint64_t before = db.store().state_hash();
    EXPECT_EQ(db("RENAME a a"), done());
    EXPECT_EQ(db("RENAMENX a a"), integer(0));
    EXPECT_EQ(db("GET a"), bytes("1"));
    EXPECT_EQ(db.store().state_hash(), before);
}

TEST(Renamenx, LeavesADestinationThatIsThere) {
    Database db;
    db("MSET a 1 b 2");
    EXPECT_EQ(db("RENAMENX a b"), integer(0));
    EXPECT_EQ(db("MGET a b"), list({bytes("1"), bytes("2")}));
    EXPECT_EQ(db("RENAMENX a c"), integer(1));
    EXPECT_EQ(db("MGET a c"), list({nothing(), bytes("1")}));
}

TEST(Copy, CopiesValueAndDeadline) {
    Database db;
    db("SET a 1 EX 100");
    EXPECT_EQ(db("COPY a b"), integer(1));
    EXPECT_EQ(db("GET b"), bytes("1"));
    EXPECT_EQ(db("TTL b"), integer(100));
    EXPECT_EQ(db("TTL a"), integer(100));
}

TEST(Copy, ReplacesOnlyWhenTold) {
    Database db;
    db("MSET a 1 b 2");
    EXPECT_EQ(db("COPY a b"), integer(0));
    EXPECT_EQ(db("COPY a b DB 0 REPLACE"), integer(1));
    EXPECT_EQ(db("GET b"), bytes("1"));
    EXPECT_EQ(db("COPY absent b REPLACE"), integer(0));
    EXPECT_EQ(db("GET b"), bytes("1"));
}

TEST(Copy, RefusesOtherDatabasesAndItself) {
    Database db;
    EXPECT_EQ(db("COPY a b DB 1"), failed(Failure::kNoSuchDatabase));
    EXPECT_EQ(db("COPY a b DB x"), failed(Failure::kNotAnInteger));
    EXPECT_EQ(db("COPY a b DB"), failed(Failure::kSyntax));
    EXPECT_EQ(db("COPY a a"), failed(Failure::kSameKey));
}

TEST(Flush, RemovesEverything) {
    Database db;
    const uint64_t empty_bytes = db.store().memory_bytes();
    for (const char* line : {"FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC", "FLUSHDB sync"}) {
        db("MSET a 1 b 2");
        db("EXPIRE a 100");
        EXPECT_EQ(db(line), done());
        EXPECT_EQ(db("DBSIZE"), integer(0));
        EXPECT_EQ(db.store().keys_with_expiry(), 0u);
        while (db.store().end_turn()) {
        }
        EXPECT_EQ(db.store().memory_bytes(), empty_bytes);
    }
    EXPECT_EQ(db("FLUSHALL NOW"), failed(Failure::kSyntax));
    EXPECT_EQ(db("FLUSHALL SYNC SYNC"), failed(Failure::kSyntax));
}

TEST(Keys, RepliesAllThatMatch) {
    Database db;
    db("MSET user:1 a user:2 b other c");
    EXPECT_EQ(db("KEYS other"), list({bytes("other")}));
    EXPECT_EQ(db("KEYS nothing*"), list({}));
    EXPECT_TRUE(db("KEYS user:*").starts_with(list_of(2)));
    EXPECT_TRUE(db("KEYS *").starts_with(list_of(3)));
}

TEST(Randomkey, ChoosesEveryKeySometime) {
    Database db;
    EXPECT_EQ(db("RANDOMKEY"), nothing());
    db("MSET a 1 b 2 c 3");
    std::string seen;
    for (int i = 0; i < 3; ++i)
        seen += db("RANDOMKEY");
    for (const char* key : {"a", "b", "c"})
        EXPECT_NE(seen.find(bytes(key)), std::string::npos) << key;
}

}  // namespace
}  // namespace kvorum::ops
