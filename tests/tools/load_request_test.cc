#include "tools/load_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kvorum::tools::load {
namespace {

std::string request(const RequestTemplate& command) {
    std::string out = "before";
    const std::vector<std::string> keys{"k-17", "k-5"};
    command.append_to(out, {.keys = keys, .data = "xxx", .expiry = "60", .replicas = "1", .wait_ms = "500"});
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
              "*3\r\n$4\r\nMSET\r\n$10\r\na:k-17:k-5\r\n$5\r\n<xxx>\r\n");
}

TEST(LoadRequestTest, EachKeyIsAnotherOne) {
    EXPECT_EQ(compiled("MGET __key__ __key__"), "*3\r\n$4\r\nMGET\r\n$4\r\nk-17\r\n$3\r\nk-5\r\n");
    EXPECT_EQ(RequestTemplate::compile("MGET __key__ __key__")->key_count(), 2U);
}

TEST(LoadRequestTest, WaitsHavePlaceholdersOfTheirOwn) {
    EXPECT_EQ(compiled("WAIT __replicas__ __wait_ms__"), "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$3\r\n500\r\n");
}

TEST(LoadRequestTest, AGreetingSaysWhoAndHow) {
    EXPECT_EQ(Greeting::of({}).replies, 0U);
    LoadConfig config;
    config.user = "u";
    config.password = "p";
    config.protocol = 3;
    config.database = 2;
    const Greeting greeting = Greeting::of(config);
    EXPECT_EQ(greeting.replies, 3U);
    EXPECT_EQ(
        greeting.bytes,
        "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n");
}

TEST(LoadRequestTest, QuotesHoldWordsTogether) {
    EXPECT_EQ(compiled("SET __key__ \"a b\\n\""), "*3\r\n$3\r\nSET\r\n$4\r\nk-17\r\n$4\r\na b\n\r\n");
    EXPECT_EQ(compiled("PING"), "*1\r\n$4\r\nPING\r\n");
}

TEST(LoadRequestTest, KnowsWhatItUses) {
    const RequestTemplate command = *RequestTemplate::compile("append __key__ x");
    EXPECT_EQ(command.name(), "APPEND");
    EXPECT_EQ(command.key_count(), 1U);
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
    EXPECT_THAT(plain.keys(std::vector<uint64_t>{42, 7}), testing::ElementsAre("memtier-42", "memtier-7"));
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
