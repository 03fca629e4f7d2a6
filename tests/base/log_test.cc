#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/assert.h"

namespace kvorum {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

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
         {LogLevel::kDebug, LogLevel::kVerbose, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError, LogLevel::kOff}) {
        EXPECT_EQ(parse_log_level(log_level_name(level)), level);
    }
    EXPECT_EQ(parse_log_level("chatty"), std::nullopt);
}

class LogFileTest : public ::testing::Test {
 protected:
    LogFileTest() {
        ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
        std::filesystem::remove_all(path);
    }
    ~LogFileTest() override { std::filesystem::remove_all(path); }

    [[nodiscard]] std::string written() const {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }

    const std::string path =
        std::string("kvorum-log-test-") + ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(LogFileTest, LinesOfOnePlaceAreLimitedAndOthersAreNot) {
    const auto log_much = [this] {
        if (!log_to_file(path)) std::exit(1);
        start_log_thread();
        for (int i = 0; i < 100; ++i)
            KVORUM_LOG(kInfo, "again and again {}", i);
        KVORUM_LOG(kInfo, "once");
        flush_log();
        std::exit(0);
    };
    EXPECT_EXIT(log_much(), ::testing::ExitedWithCode(0), "");
    EXPECT_THAT(written(), HasSubstr(" info again and again 9\n"));
    EXPECT_THAT(written(), Not(HasSubstr("again and again 99")));
    EXPECT_THAT(written(), HasSubstr(" info once\n"));
}

TEST_F(LogFileTest, AnAssertionIsToldToTheFileAndToStderr) {
    const auto break_something = [this] {
        if (!log_to_file(path)) std::exit(1);
        start_log_thread();
        KVORUM_LOG(kInfo, "all is well");
        KVORUM_ASSERT(path.empty(), "{} is not empty", 7);
    };
    EXPECT_DEATH(break_something(), "kvorum: assertion failed: path.empty.*7 is not empty");
    EXPECT_THAT(written(), ContainsRegex("info all is well\n.* error kvorum: assertion failed: .*7 is not empty\n"));
}

TEST_F(LogFileTest, AStderrThatNobodyReadsKeepsNoAssertionFromEndingTheProcess) {
    const auto break_something = [] {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0 || ::dup2(ends[1], STDERR_FILENO) < 0) std::exit(1);
        start_log_thread();
        const std::string line(1000, 'x');
        for (int i = 0; i < 3000; ++i)
            log_line(LogLevel::kInfo, line);
        std::signal(SIGABRT, [](int) { ::_exit(42); });
        KVORUM_ASSERT(line.empty());
    };
    EXPECT_EXIT(break_something(), ::testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace kvorum
