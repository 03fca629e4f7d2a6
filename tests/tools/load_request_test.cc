#include "tools/load_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kvorum::tools::load {
namespace {

std::string request(const RequestTemplate& command) {
    std::string out = "before";
    command.append_to(out, {.key = "k-17", .data = "xxx", .expiry = "60"});
    return out.substr(6);
}

std::string compiled(std::string_view text) { return request(*RequestTemplate::compile(text)); }

TEST(LoadRequestTest, PlaceholdersBecomeArguments) {
    EXPECT_EQ(compiled("SET __key__ __data__"), "*3\r\n$3\r\nSET\r\n$4\r\nk-17\r\n$3\r\nxxx\r\n");
    EXPECT_EQ(compiled("SETEX __key__ __expiry__ __data__"),
              "*4\r\n$5\r\nSETEX\r\n$4\r\nk-17\r\n$2\r\n60\r\n$3\r\nxxx\r\n");
}

TEST(LoadRequestTest, PlaceholdersStandWithinArgumentsToo) {
    EXPECT_EQ(compiled("MSET a:__key__:__key__ <__data__>"),
              "*3\r\n$4\r\nMSET\r\n$11\r\na:k-17:k-17\r\n$5\r\n<xxx>\r\n");
}

TEST(LoadRequestTest, QuotesHoldWordsTogether) {
    EXPECT_EQ(compiled("SET __key__ \"a b\\n\""), "*3\r\n$3\r\nSET\r\n$4\r\nk-17\r\n$4\r\na b\n\r\n");
    EXPECT_EQ(compiled("PING"), "*1\r\n$4\r\nPING\r\n");
}

TEST(LoadRequestTest, KnowsWhatItUses) {
    const RequestTemplate command = *RequestTemplate::compile("append __key__ x");
    EXPECT_EQ(command.name(), "APPEND");
    EXPECT_TRUE(command.uses_key());
    EXPECT_FALSE(command.uses_data());
    EXPECT_FALSE(command.uses_expiry());
}

TEST(LoadRequestTest, RefusesWhatIsNoCommand) {
    for (const char* wrong : {"", "   ", "SET \"a", "SET a\nb"})
        EXPECT_TRUE(absl::IsInvalidArgument(RequestTemplate::compile(wrong).status())) << wrong;
}

TEST(LoadRequestTest, DataHasTheSizeAskedForAndKeysTheirPrefix) {
    LoadConfig config;
    config.data_size_bytes = 100;
    RequestData plain(config, 1);
    EXPECT_EQ(plain.data(), std::string(100, 'x'));
    EXPECT_EQ(plain.key(42), "memtier-42");
    EXPECT_EQ(plain.key(7), "memtier-7");
    config.random_data = true;
    config.expiry_s_min = config.expiry_s_max = 30;
    RequestData random(config, 1);
    const std::string first(random.data());
    EXPECT_EQ(first.size(), 100U);
    EXPECT_NE(first, std::string(random.data()));
    EXPECT_EQ(random.expiry(), "30");
}

}  // namespace
}  // namespace kvorum::tools::load
