#include "base/log.h"

#include <gtest/gtest.h>

#include <vector>

namespace kvorum {
namespace {

class LogTest : public ::testing::Test {
 protected:
    LogTest() {
        set_log_sink([this](LogLevel, std::string_view line) { lines_.emplace_back(line); });
    }
    ~LogTest() override {
        set_log_sink({});
        set_log_level(LogLevel::kInfo);
    }
    std::vector<std::string> lines_;
};

TEST_F(LogTest, LinesBelowTheLevelAreNotWritten) {
    set_log_level(LogLevel::kWarn);
    KVORUM_LOG(kInfo, "quiet");
    KVORUM_LOG(kWarn, "node {} is slow", 2);
    EXPECT_EQ(lines_, std::vector<std::string>{"node 2 is slow"});
}

TEST_F(LogTest, LevelsAreParsedByTheNamesThatTheyPrint) {
    for (const LogLevel level :
         {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError, LogLevel::kOff}) {
        EXPECT_EQ(parse_log_level(log_level_name(level)), level);
    }
    EXPECT_EQ(parse_log_level("verbose"), std::nullopt);
}

}  // namespace
}  // namespace kvorum
