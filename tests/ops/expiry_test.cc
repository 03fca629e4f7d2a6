#include <gtest/gtest.h>

#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

TEST(Expire, SetsADeadlineInAllFourWays) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("EXPIRE k 100"), integer(1));
    EXPECT_EQ(db("PTTL k"), integer(100'000));
    EXPECT_EQ(db("PEXPIRE k 1500"), integer(1));
    EXPECT_EQ(db("PTTL k"), integer(1500));
    EXPECT_EQ(db("EXPIREAT k 1800000000"), integer(1));
    EXPECT_EQ(db("EXPIRETIME k"), integer(1'800'000'000));
    EXPECT_EQ(db("PEXPIREAT k 1800000000500"), integer(1));
    EXPECT_EQ(db("PEXPIRETIME k"), integer(1'800'000'000'500));
    EXPECT_EQ(db("EXPIRE absent 100"), integer(0));
}

TEST(Ttl, RoundsToTheNearestSecond) {
    Database db;
    db("SET k v PX 1499");
    EXPECT_EQ(db("TTL k"), integer(1));
    db("SET k v PX 1500");
    EXPECT_EQ(db("TTL k"), integer(2));
    db("SET k v PXAT 1800000000500");
    EXPECT_EQ(db("EXPIRETIME k"), integer(1'800'000'001));
}

TEST(Ttl, TellsAbsentKeysFromThoseWithoutDeadline) {
    Database db;
    db("SET k v");
    for (const char* word : {"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"}) {
        EXPECT_EQ(db(fmt::format("{} k", word)), integer(-1)) << word;
        EXPECT_EQ(db(fmt::format("{} absent", word)), integer(-2)) << word;
    }
}

TEST(Expiry, ComesWithLogTimeAlone) {
    Database db;
    db("SET k v PX 1000");
    db.pass_ms(5000);
    EXPECT_EQ(db("GET k"), bytes("v"));
    EXPECT_EQ(db("PTTL k"), integer(0));
    EXPECT_EQ(db.store().next_expiry_ms(), Database::kStartMs + 1000);
    db.tick();
    EXPECT_EQ(db("GET k"), nothing());
    EXPECT_EQ(db.store().next_expiry_ms(), std::nullopt);
}

TEST(Expiry, HappensBeforeTheCommandsOfTheEntryThatBringsTheTime) {
    Database db;
    db("SET k v PX 1000");
    db.pass_ms(1000);
    EXPECT_EQ(db("SET k new NX"), done());
    EXPECT_EQ(db("TTL k"), integer(-1));
}

TEST(Expiry, IsDueExactlyAtTheDeadline) {
    Database db;
    db("SET k v PX 1000");
    db.pass_ms(999);
    db.tick();
    EXPECT_EQ(db("EXISTS k"), integer(1));
    db.pass_ms(1);
    db.tick();
    EXPECT_EQ(db("EXISTS k"), integer(0));
}

TEST(Expiry, IsNotUndoneWhenAClockGoesBack) {
    Database db;
    db("SET k v PX 1000");
    db.pass_ms(1000);
    db.tick();
    db.pass_ms(-10'000);
    db.tick();
    EXPECT_EQ(db("GET k"), nothing());
    EXPECT_EQ(db.store().log_time_ms(), Database::kStartMs + 1000);
}

TEST(Expire, WithAPastTimeDeletes) {
    Database db;
    for (const char* line :
         {"EXPIRE k 0", "EXPIRE k -1", "PEXPIRE k -9223372036854775808", "EXPIREAT k 1", "PEXPIREAT k 0"}) {
        db("SET k v");
        EXPECT_EQ(db(line), integer(1)) << line;
        EXPECT_EQ(db("EXISTS k"), integer(0)) << line;
    }
}

TEST(Expire, ObeysItsConditions) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("EXPIRE k 100 XX"), integer(0));
    EXPECT_EQ(db("EXPIRE k 100 GT"), integer(0));
    EXPECT_EQ(db("EXPIRE k 100 LT"), integer(1));
    EXPECT_EQ(db("EXPIRE k 200 NX"), integer(0));
    EXPECT_EQ(db("EXPIRE k 200 LT"), integer(0));
    EXPECT_EQ(db("EXPIRE k 100 GT"), integer(0));
    EXPECT_EQ(db("EXPIRE k 200 XX GT"), integer(1));
    EXPECT_EQ(db("EXPIRE k 150 LT XX"), integer(1));
    EXPECT_EQ(db("TTL k"), integer(150));
    db("PERSIST k");
    EXPECT_EQ(db("EXPIRE k 100 NX"), integer(1));
}

TEST(Expire, RefusesBadTimesAndOptions) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("EXPIRE k x"), failed(Failure::kNotAnInteger));
    EXPECT_EQ(db("EXPIRE k 9223372036854775807"), failed(Failure::bad_expire_time("expire")));
    EXPECT_EQ(db("EXPIRE k -9223372036854775808"), failed(Failure::bad_expire_time("expire")));
    EXPECT_EQ(db("PEXPIRE k 9223372036854775807"), failed(Failure::bad_expire_time("pexpire")));
    EXPECT_EQ(db("EXPIREAT k 9223372036854775807"), failed(Failure::bad_expire_time("expireat")));
    EXPECT_EQ(db("EXPIRE k 1 FOO"), failed(Failure::unknown_option("FOO")));
    EXPECT_EQ(db("EXPIRE k 1 NX XX"), failed(Failure::kExclusiveConditions));
    EXPECT_EQ(db("EXPIRE k 1 GT LT"), failed(Failure::kGreaterAndLess));
    EXPECT_EQ(db("TTL k"), integer(-1));
}

TEST(Expire, TakesTheLargestTimeAsAlmostForEver) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("PEXPIREAT k 9223372036854775807"), integer(1));
    EXPECT_EQ(db.store().keys_with_expiry(), 1u);
    EXPECT_EQ(db("PERSIST k"), integer(1));
}

TEST(Expire, TakesEveryTimeThatFitsInto64Bits) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("PEXPIREAT k 9223372036854775807"), integer(1));
    EXPECT_EQ(db("PEXPIRETIME k"), integer(9'223'372'036'854'775'807));
    EXPECT_EQ(db("EXPIRETIME k"), integer(9'223'372'036'854'776));
    EXPECT_EQ(db("PERSIST k"), integer(1));
    EXPECT_EQ(db("TTL k"), integer(-1));
    EXPECT_EQ(db("SET k v PXAT 9223372036854775807"), done());
    EXPECT_EQ(db("PEXPIRETIME k"), integer(9'223'372'036'854'775'807));
    // The earliest time there is deletes the key, as every time in the past does.
    EXPECT_EQ(db("PEXPIREAT k -9223372036854775808"), integer(1));
    EXPECT_EQ(db("EXISTS k"), integer(0));
}

TEST(Expire, TakesAKeyWithoutADeadlineForOneThatLivesForEver) {
    Database db;
    db("SET k v");
    EXPECT_EQ(db("PEXPIREAT k 9223372036854775807 GT"), integer(0));
    EXPECT_EQ(db("PEXPIREAT k 9223372036854775807 LT"), integer(1));
}

TEST(Persist, RemovesADeadline) {
    Database db;
    db("SET k v EX 100");
    EXPECT_EQ(db("PERSIST k"), integer(1));
    EXPECT_EQ(db("PERSIST k"), integer(0));
    EXPECT_EQ(db("PERSIST absent"), integer(0));
    EXPECT_EQ(db("TTL k"), integer(-1));
    EXPECT_EQ(db.store().keys_with_expiry(), 0u);
}

}  // namespace
}  // namespace kvorum::ops
