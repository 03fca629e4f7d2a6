#include <gtest/gtest.h>

#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

TEST(ObjectEncoding, FollowsContentAndLength) {
    Database db;
    db.run({"MSET", "int", "-12", "short", std::string(44, 'x'), "long", std::string(45, 'x')});
    EXPECT_EQ(db("OBJECT ENCODING int"), bytes("int"));
    EXPECT_EQ(db("object encoding short"), bytes("embstr"));
    EXPECT_EQ(db("OBJECT ENCODING long"), bytes("raw"));
}

TEST(Object, OfAnAbsentKeyIsNull) {
    Database db;
    for (const char* word : {"ENCODING", "REFCOUNT", "IDLETIME", "FREQ"}) {
        EXPECT_EQ(db(fmt::format("OBJECT {} k", word)), nothing()) << word;
    }
}

TEST(Object, RefusesUnknownSubcommandsAndWrongCounts) {
    Database db;
    EXPECT_EQ(db("OBJECT FOO k"), failed(Failure::unknown_part("object", "FOO")));
    EXPECT_EQ(db("OBJECT ENCODING"), failed(Failure::wrong_operand_count("object|encoding")));
    EXPECT_EQ(db("OBJECT HELP k"), failed(Failure::wrong_operand_count("object|help")));
}

}  // namespace
}  // namespace kvorum::ops
