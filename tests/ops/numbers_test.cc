#include <gtest/gtest.h>

#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

TEST(Incr, StartsAtZeroAndCountsBothWays) {
    Database db;
    EXPECT_EQ(db("INCR n"), integer(1));
    EXPECT_EQ(db("INCRBY n 41"), integer(42));
    EXPECT_EQ(db("DECR n"), integer(41));
    EXPECT_EQ(db("DECRBY n 50"), integer(-9));
    EXPECT_EQ(db("GET n"), bytes("-9"));
}

TEST(Incr, KeepsTheDeadline) {
    Database db;
    db("SET n 1 EX 100");
    db("INCR n");
    db("INCRBYFLOAT n 1");
    EXPECT_EQ(db("TTL n"), integer(100));
}

TEST(Incr, TakesOnlyCanonicalIntegers) {
    Database db;
    for (const char* value : {"abc", "+1", "01", "1.0", "-0", "9223372036854775808", "\"\"", "0x1"}) {
        db(fmt::format("SET n {}", value));
        EXPECT_EQ(db("INCR n"), failed(Failure::kNotAnInteger)) << value;
        EXPECT_EQ(db(fmt::format("INCRBY m {}", value)), failed(Failure::kNotAnInteger)) << value;
    }
    db.run({"SET", "n", " 1"});
    EXPECT_EQ(db("INCR n"), failed(Failure::kNotAnInteger));
    EXPECT_EQ(db("EXISTS m"), integer(0));
}

TEST(Incr, RefusesToOverflow) {
    Database db;
    const std::string overflow = failed(Failure::kSumOverflows);
    db("SET n 9223372036854775807");
    EXPECT_EQ(db("INCR n"), overflow);
    EXPECT_EQ(db("GET n"), bytes("9223372036854775807"));
    db("SET n -9223372036854775808");
    EXPECT_EQ(db("DECR n"), overflow);
    EXPECT_EQ(db("INCRBY n -1"), overflow);
    EXPECT_EQ(db("DECRBY n -9223372036854775808"), failed(Failure::kDecrementOverflows));
}

TEST(Incrbyfloat, FormatsForPeople) {
    Database db;
    EXPECT_EQ(db("INCRBYFLOAT f 10.5"), bytes("10.5"));
    EXPECT_EQ(db("INCRBYFLOAT f 0.1"), bytes("10.6"));
    EXPECT_EQ(db("INCRBYFLOAT f -5.6"), bytes("5"));
    EXPECT_EQ(db("INCRBYFLOAT f -5"), bytes("0"));
    EXPECT_EQ(db("INCRBYFLOAT f 3e3"), bytes("3000"));
    EXPECT_EQ(db("INCRBYFLOAT f 0x10"), bytes("3016"));
    EXPECT_EQ(db("GET f"), bytes("3016"));
}

TEST(Incrbyfloat, RefusesWhatIsNoFiniteNumber) {
    Database db;
    const std::string not_float = failed(Failure::kNotAFloat);
    EXPECT_EQ(db("INCRBYFLOAT f abc"), not_float);
    EXPECT_EQ(db("INCRBYFLOAT f nan"), not_float);
    EXPECT_EQ(db("INCRBYFLOAT f 1e99999"), not_float);
    EXPECT_EQ(db(R"(INCRBYFLOAT f "")"), not_float);
    EXPECT_EQ(db("INCRBYFLOAT f inf"), failed(Failure::kSumNotFinite));
    db("SET f abc");
    EXPECT_EQ(db("INCRBYFLOAT f 1"), not_float);
    EXPECT_EQ(db("GET f"), bytes("abc"));
}

}  // namespace
}  // namespace kvorum::ops
