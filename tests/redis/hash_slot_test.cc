// Slots of keys, against the vectors of the Redis Cluster specification and of redis-server 7.0.15's CLUSTER KEYSLOT.
#include <gtest/gtest.h>

#include "redis/server_commands.h"

namespace kvorum::redis {
namespace {

TEST(HashSlot, IsTheCrcOfTheWholeKey) {
    EXPECT_EQ(hash_slot("123456789"), 0x31C3 % 16384);  // the check value of CRC-16/XMODEM
    EXPECT_EQ(hash_slot("foo"), 12182);
    EXPECT_EQ(hash_slot("a"), 15495);
    EXPECT_EQ(hash_slot(""), 0);
}

TEST(HashSlot, TakesOnlyWhatTheFirstBracesEnclose) {
    EXPECT_EQ(hash_slot("{foo}.one"), hash_slot("foo"));
    EXPECT_EQ(hash_slot("one.{foo}.two"), hash_slot("foo"));
    EXPECT_EQ(hash_slot("{foo}{bar}"), hash_slot("foo"));
    EXPECT_EQ(hash_slot("foo{{bar}}zap"), hash_slot("{bar"));
}

TEST(HashSlot, TakesTheWholeKeyWhenTheBracesEncloseNothing) {
    EXPECT_EQ(hash_slot("foo{}{bar}"), 8363);
    EXPECT_NE(hash_slot("foo{}{bar}"), hash_slot("bar"));
    EXPECT_NE(hash_slot("{foo"), hash_slot("foo"));
    EXPECT_NE(hash_slot("foo}{"), hash_slot("foo"));
}

TEST(HashSlot, ReadsBytesNotText) {
    EXPECT_EQ(hash_slot(std::string_view("\xff\0\x80", 3)), hash_slot(std::string("\xff\0\x80", 3)));
    EXPECT_NE(hash_slot(std::string_view("\xff\0\x80", 3)), hash_slot("\xff"));
}

}  // namespace
}  // namespace kvorum::redis
