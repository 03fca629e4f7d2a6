#include <gtest/gtest.h>

#include "tests/ops/database.h"

namespace kvorum::ops {
namespace {

TEST(ObjectEncoding, FollowsContentAndLength) {
    Database db;
    db.run({"MSET", "int", "-12", "short", std::string(44, 'x'), "long", std::string(45, 'x')});
    EXPECT_EQ(db("OBJECT ENCODING int"), bulk("int"));
    EXPECT_EQ(db("object encoding short"), bulk("embstr"));
    EXPECT_EQ(db("OBJECT ENCODING long"), bulk("raw"));
}

TEST(Object, OfAnAbsentKeyIsNull) {
    Database db;
    for (const char* word : {"ENCODING", "REFCOUNT", "IDLETIME", "FREQ"}) {
        EXPECT_EQ(db(fmt::format("OBJECT {} k", word)), null()) << word;
    }
}

TEST(Object, RefusesUnknownSubcommandsAndWrongCounts) {
    Database db;
    EXPECT_EQ(db("OBJECT FOO k"), error("ERR unknown subcommand 'FOO'. Try OBJECT HELP."));
    EXPECT_EQ(db("OBJECT ENCODING"), error("ERR wrong number of arguments for 'object|encoding' command"));
    EXPECT_EQ(db("OBJECT HELP k"), error("ERR wrong number of arguments for 'object|help' command"));
}

}  // namespace
}  // namespace kvorum::ops
