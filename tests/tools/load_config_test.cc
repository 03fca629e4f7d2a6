#include "tools/load_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/units.h"

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

TEST(LoadConfigTest, ReadsAUri) {
    LoadConfig config;
    ASSERT_TRUE(parse_uri("redis://user:pass:word@host:1234/5", config).ok());
    EXPECT_THAT(config.servers, ElementsAre(reactor::Endpoint{"host", 1234}));
    EXPECT_EQ(config.user, "user");
    EXPECT_EQ(config.password, "pass:word");
    EXPECT_EQ(config.database, 5U);
    ASSERT_TRUE(parse_uri("redis://host", config).ok());
    EXPECT_THAT(config.servers, ElementsAre(reactor::Endpoint{"host", 6379}));
    EXPECT_THAT(message(parse_uri("rediss://host", config)), HasSubstr("no TLS yet"));
    for (const char* wrong : {"", "host:1", "redis://", "redis://h:x", "redis://h:1/x"})
        EXPECT_THAT(message(parse_uri(wrong, config)), HasSubstr("give redis://USER")) << wrong;
}

// Each number at its ends and beyond: it runs, or the message names the flag.
TEST(LoadConfigTest, EveryNumberIsCheckedAtItsEnds) {
    struct Number {
        std::string_view flag;
        std::function<void(LoadConfig&, uint64_t)> set;
        uint64_t least;
        uint64_t most;
    };
    const std::vector<Number> numbers{
        {"--threads", [](LoadConfig& c, uint64_t n) { c.threads = static_cast<uint32_t>(n); }, 1, 256},
        {"--clients", [](LoadConfig& c, uint64_t n) { c.clients = static_cast<uint32_t>(n); }, 1, kClientsMax},
        {"--pipeline", [](LoadConfig& c, uint64_t n) { c.pipeline = static_cast<uint32_t>(n); }, 1, kPipelineMax},
        {"--data-size", [](LoadConfig& c, uint64_t n) { c.data_size_bytes = n; }, 1, 512 * kMiB},
        {"--data-offset", [](LoadConfig& c, uint64_t n) { c.data_offset_bytes = n; }, 0, 512 * kMiB},
        {"--test-time", [](LoadConfig& c, uint64_t n) { c.test_time_s = n; }, 0, kTestTimeSMax},
        {"--run-count", [](LoadConfig& c, uint64_t n) { c.runs = static_cast<uint32_t>(n); }, 1, kRunsMax},
        {"--key-maximum", [](LoadConfig& c, uint64_t n) { c.keys.maximum = n; }, 0, kKeyNumberMax},
        {"--port", [](LoadConfig& c, uint64_t n) { c.servers[0].port = static_cast<uint16_t>(n); }, 1, UINT16_MAX},
    };
    for (const Number& number : numbers) {
        for (const uint64_t value : {number.least, number.most}) {
            LoadConfig config = valid();
            number.set(config, value);
            EXPECT_TRUE(validate(config).ok()) << number.flag << ' ' << value;
        }
        for (const uint64_t value : {number.least - 1, number.most + 1}) {
            if (value == UINT64_MAX && number.least == 0) continue;
            if (number.flag == "--port" && value > UINT16_MAX) continue;  // no such number
            LoadConfig config = valid();
            number.set(config, value);
            EXPECT_THAT(message(validate(config)), HasSubstr(number.flag)) << value;
        }
    }
}

TEST(LoadConfigTest, TheLargestKeysCanBeDrawnByEachPattern) {
    LoadConfig config = valid();
    config.keys.minimum = 0;
    config.keys.maximum = kKeyNumberMax;
    ASSERT_TRUE(validate(config).ok());
    Prng prng(1);
    for (const char letter : std::string_view("RGSPZ")) {
        KeySequence keys(config.keys, *parse_key_pattern(std::string(1, letter)), 1, 3);
        for (int i = 0; i < 1000; ++i)
            EXPECT_LE(keys.next(prng), kKeyNumberMax) << letter;
    }
    config.keys.maximum = UINT64_MAX;
    EXPECT_THAT(message(validate(config)), HasSubstr("--key-maximum 18446744073709551615: give a number up to"));
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
    for (const double exponent : {0.0, -1.0, 5.1, std::nan(""), HUGE_VAL}) {
        config = valid();
        config.keys.zipf_exponent = exponent;
        EXPECT_THAT(message(validate(config)), HasSubstr("--key-zipf-exp"));
    }
    config = valid();
    config.keys.standard_deviation = -1;
    EXPECT_THAT(message(validate(config)), HasSubstr("--key-stddev"));
}

}  // namespace
}  // namespace kvorum::tools::load
