// What counts as a call, as refused and as failed. The same beside redis-server:
// tests/integration/introspection_test.cc.
#include "observe/command_statistics.h"

#include <gtest/gtest.h>

#include <map>

namespace kvorum {
namespace {

class CommandStatisticsTest : public ::testing::Test {
 protected:
    CommandCounts counts_of(std::string_view name) const {
        CommandCounts found;
        statistics_.visit_commands([&](std::string_view command, const CommandCounts& counts) {
            if (command == name) found = counts;
        });
        return found;
    }
    uint64_t errors_with(std::string_view code) const {
        uint64_t found = 0;
        statistics_.visit_errors([&](std::string_view error, uint64_t count) {
            if (error == code) found = count;
        });
        return found;
    }

    CommandStatistics statistics_;
};

TEST_F(CommandStatisticsTest, ACallThatEndsInAnErrorHasFailed) {
    EXPECT_TRUE(statistics_.answered("get", ""));
    EXPECT_TRUE(statistics_.answered("get", "WRONGTYPE"));
    EXPECT_EQ(counts_of("get").calls, 2u);
    EXPECT_EQ(counts_of("get").failed, 1u);
    EXPECT_EQ(counts_of("get").rejected, 0u);
    EXPECT_EQ(statistics_.calls(), 2u);
    EXPECT_EQ(statistics_.errors(), 1u);
    EXPECT_EQ(errors_with("WRONGTYPE"), 1u);
}

TEST_F(CommandStatisticsTest, WhatWasRefusedBeforeItWasCarriedOutIsNoCall) {
    for (const char* code : {"CLUSTERDOWN", "MOVED", "TRYAGAIN", "MISCONF", "OOM", "NOAUTH"})
        EXPECT_FALSE(statistics_.answered("set", code));
    statistics_.rejected("set", "ERR");
    EXPECT_EQ(counts_of("set").calls, 0u);
    EXPECT_EQ(counts_of("set").failed, 0u);
    EXPECT_EQ(counts_of("set").rejected, 7u);
    EXPECT_EQ(statistics_.calls(), 0u);
    EXPECT_EQ(statistics_.errors(), 7u);
}

TEST_F(CommandStatisticsTest, AnUnknownCommandIsAnErrorOfNobody) {
    statistics_.rejected("", "ERR");
    uint64_t commands = 0;
    statistics_.visit_commands([&](std::string_view, const CommandCounts&) { ++commands; });
    EXPECT_EQ(commands, 0u);
    EXPECT_EQ(errors_with("ERR"), 1u);
}

TEST_F(CommandStatisticsTest, TheNumberOfErrorCodesIsBounded) {
    for (size_t i = 0; i < 2 * CommandStatistics::kErrorCodesMax; ++i)
        statistics_.rejected("", "CODE" + std::to_string(i));
    size_t codes = 0;
    statistics_.visit_errors([&](std::string_view, uint64_t) { ++codes; });
    EXPECT_EQ(codes, CommandStatistics::kErrorCodesMax);
    EXPECT_EQ(statistics_.errors(), 2 * CommandStatistics::kErrorCodesMax);
}

TEST_F(CommandStatisticsTest, ResetBeginsAnew) {
    EXPECT_TRUE(statistics_.answered("get", ""));
    statistics_.reset();
    EXPECT_EQ(statistics_.calls(), 0u);
    EXPECT_TRUE(statistics_.answered("get", ""));
    EXPECT_EQ(counts_of("get").calls, 1u);
}

TEST(ErrorCodes, AreTheFirstWordOfAnErrorAndNothingElse) {
    EXPECT_EQ(error_code_of_line("CLUSTERDOWN no leader"), "CLUSTERDOWN");
}

}  // namespace
}  // namespace kvorum
