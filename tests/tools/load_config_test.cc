#include "tools/load_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kvorum::tools::load {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string message(const absl::Status& status) { return std::string(status.message()); }

LoadConfig valid() {
    LoadConfig config;
    config.servers = {{.host = "127.0.0.1", .port = 6379}};
    return config;
}

TEST(LoadConfigTest, ReadsWhatMemtierWrites) {
    EXPECT_THAT(*parse_ratio("1:10"), Pair(1U, 10U));
    EXPECT_THAT(*parse_ratio("0:1"), Pair(0U, 1U));
    EXPECT_THAT(*parse_key_patterns("P:G"), Pair(KeyPattern::kParallel, KeyPattern::kGaussian));
    EXPECT_THAT(*parse_range("--expiry-range", "10-20"), Pair(10U, 20U));
    EXPECT_THAT(*parse_percentiles("50,99.9,100"), ElementsAre(50, 99.9, 100));
    EXPECT_THAT(*parse_servers("a:1,b:2"), ElementsAre(reactor::Endpoint{"a", 1}, reactor::Endpoint{"b", 2}));
}

TEST(LoadConfigTest, SaysWhatToWriteInstead) {
    for (const char* wrong : {"", "1", "0:0", "1:-1", "1:x", ":"})
        EXPECT_THAT(message(parse_ratio(wrong).status()), HasSubstr("for example 1:10")) << wrong;
    for (const char* wrong : {"", "R", "R:Q", "r:r", "R:R:R"})
        EXPECT_THAT(message(parse_key_patterns(wrong).status()), HasSubstr("as R:R")) << wrong;
    for (const char* wrong : {"", "0-5", "20-10", "1-x"})
        EXPECT_THAT(message(parse_range("--expiry-range", wrong).status()), HasSubstr("as 10-20")) << wrong;
    for (const char* wrong : {"", "0", "101", "50,,99", "fast"})
        EXPECT_THAT(message(parse_percentiles(wrong).status()), HasSubstr("as 50,99,99.9")) << wrong;
    EXPECT_THAT(message(parse_servers("127.0.0.1:1,nonsense").status()), HasSubstr("'nonsense' is no address"));
}

TEST(LoadConfigTest, RefusesWhatCannotBeRun) {
    EXPECT_TRUE(validate(valid()).ok());
    LoadConfig config = valid();
    config.clients = 0;
    EXPECT_THAT(message(validate(config)), HasSubstr("--clients 0: give a number from 1"));
    config = valid();
    config.keys.minimum = config.keys.maximum + 1;
    EXPECT_THAT(message(validate(config)), HasSubstr("--key-maximum"));
    config = valid();
    config.keys.median = 1e12;
    EXPECT_THAT(message(validate(config)), HasSubstr("--key-median"));
    config = valid();
    config.arrivals = Arrivals::kPoisson;
    EXPECT_THAT(message(validate(config)), HasSubstr("--rate 0"));
}

}  // namespace
}  // namespace kvorum::tools::load
