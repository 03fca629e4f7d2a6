// LATENCY, SLOWLOG and INFO latencystats. Shapes are those of redis-server 7.0.15.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/server_commands_fixture.h"

namespace kvorum::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class LatencyCommands : public ServerCommandsTest {
 protected:
    void time_set(uint64_t latency_us, int count = 1) {
        for (int i = 0; i < count; ++i)
            node_.latency_monitor.command_done(*find_command("set"), latency_us * kMicrosecondNs);
    }
    void log_slow(uint64_t duration_us, std::vector<std::string> arguments) {
        SlowCommand command;
        command.unix_time_s = 1'700'000'000;
        command.duration_us = duration_us;
        command.arguments = std::move(arguments);
        command.client_address = "127.0.0.1:50001";
        command.client_name = "worker";
        command.stages = "queue=1us sync=2us quorum=3us apply=4us";
        node_.slow_commands.add(command, node_.config_.limits.slowlog_entries_max);
    }
};

TEST_F(LatencyCommands, AHistogramCountsUpInPowersOfTwo) {
    time_set(3, 2);
    time_set(100);
    const net::ReplyValue reply = reply_to({"LATENCY", "HISTOGRAM", "SET"});
    ASSERT_THAT(reply.elements, SizeIs(2));
    EXPECT_EQ(reply.elements[0].text, "set");
    EXPECT_EQ(value_of(reply.elements[1], "calls").integer, 3);
    std::vector<int64_t> steps;
    for (const net::ReplyValue& step : value_of(reply.elements[1], "histogram_usec").elements)
        steps.push_back(step.integer);
    EXPECT_THAT(steps, ElementsAre(4, 2, 128, 3));
}

TEST_F(LatencyCommands, TheStagesOfAWriteHaveHistogramsToo) {
    time_set(3);
    node_.latency_monitor.entry_proposed(LogIndex{1}, 5, 0, 1000);
    const net::ReplyValue all = reply_to({"LATENCY", "HISTOGRAM"});
    EXPECT_EQ(all.elements[0].text, "set");
    EXPECT_EQ(all.elements[2].text, "stage:queue");
    EXPECT_EQ(value_of(all.elements[3], "calls").integer, 5);
    EXPECT_THAT(reply_to({"LATENCY", "HISTOGRAM", "stage:queue"}).elements, SizeIs(2));
    EXPECT_THAT(reply_to({"LATENCY", "HISTOGRAM", "stage:sync", "nosuch"}).elements, SizeIs(0));
}

TEST_F(LatencyCommands, InfoShowsPercentilesOfCommandsAndStages) {
    time_set(100);
    node_.latency_monitor.entry_proposed(LogIndex{1}, 5, 0, 64'000);
    const std::string info = text_of({"INFO", "latencystats"});
    EXPECT_THAT(info, HasSubstr("\r\nlatency_percentiles_usec_set:p50=100."));
    EXPECT_THAT(info, HasSubstr("\r\nlatency_stage_queue_usec:p50=64."));
    EXPECT_THAT(info, HasSubstr(",max=64.000,count=5\r\n"));
}

TEST_F(LatencyCommands, ASlowCommandTellsItsStagesBehindWhatRedisTells) {
    log_slow(12'345, {"set", "k"});
    const net::ReplyValue reply = reply_to({"SLOWLOG", "GET"});
    ASSERT_THAT(reply.elements, SizeIs(1));
    const net::ReplyValue& entry = reply.elements[0];
    ASSERT_THAT(entry.elements, SizeIs(7));
    EXPECT_EQ(entry.elements[0].integer, 0);
    EXPECT_EQ(entry.elements[1].integer, 1'700'000'000);
    EXPECT_EQ(entry.elements[2].integer, 12'345);
    EXPECT_THAT(texts(entry.elements[3]), ElementsAre("set", "k"));
    EXPECT_EQ(entry.elements[4].text, "127.0.0.1:50001");
    EXPECT_EQ(entry.elements[5].text, "worker");
    EXPECT_EQ(entry.elements[6].text, "queue=1us sync=2us quorum=3us apply=4us");
}

TEST_F(LatencyCommands, TheSlowlogKeepsTheNewestAndShowsTenUnlessAskedForMore) {
    node_.config_.limits.slowlog_entries_max = 12;
    for (uint64_t i = 0; i < 20; ++i)
        log_slow(i, {"set"});
    EXPECT_EQ(reply_to({"SLOWLOG", "LEN"}).integer, 12);
    EXPECT_THAT(reply_to({"SLOWLOG", "GET"}).elements, SizeIs(10));
    const net::ReplyValue all = reply_to({"SLOWLOG", "GET", "-1"});
    ASSERT_THAT(all.elements, SizeIs(12));
    EXPECT_EQ(all.elements[0].elements[0].integer, 19);
    EXPECT_EQ(text_of({"SLOWLOG", "RESET"}), "OK");
    EXPECT_EQ(reply_to({"SLOWLOG", "LEN"}).integer, 0);
    log_slow(1, {"set"});
    EXPECT_EQ(reply_to({"SLOWLOG", "GET"}).elements[0].elements[0].integer, 20) << "ids go on";
}

TEST_F(LatencyCommands, LongArgumentsAndLongListsAreCutAsRedisCutsThem) {
    const std::string long_one(130, 'x');
    EXPECT_THAT(loggable_arguments(std::vector<std::string_view>{"set", "k", long_one}),
                ElementsAre("set", "k", std::string(128, 'x') + "... (2 more bytes)"));
    const std::vector<std::string_view> many(40, "a");
    const std::vector<std::string> logged = loggable_arguments(many);
    ASSERT_THAT(logged, SizeIs(32));
    EXPECT_EQ(logged.back(), "... (9 more arguments)");
}

TEST_F(LatencyCommands, SecretsAreNotLogged) {
    EXPECT_THAT(loggable_arguments(std::vector<std::string_view>{"AUTH", "user", "password"}),
                ElementsAre("AUTH", "(redacted)", "(redacted)"));
    EXPECT_THAT(loggable_arguments(std::vector<std::string_view>{"hello", "3", "AUTH", "u", "p"}),
                ElementsAre("hello", "3", "AUTH", "(redacted)", "(redacted)"));
    EXPECT_THAT(loggable_arguments(std::vector<std::string_view>{"CONFIG", "SET", "RequirePass", "p", "timeout", "1"}),
                ElementsAre("CONFIG", "SET", "RequirePass", "(redacted)", "timeout", "1"));
}

TEST_F(LatencyCommands, WhatIsSlowIsSetAsInRedis) {
    EXPECT_EQ(config_get({"slowlog*"})["slowlog-log-slower-than"], "10000");
    EXPECT_EQ(text_of({"CONFIG", "SET", "slowlog-log-slower-than", "-1", "slowlog-max-len", "5"}), "OK");
    EXPECT_EQ(node_.config_.limits.slowlog_slower_than_us, -1);
    EXPECT_EQ(node_.config_.limits.slowlog_entries_max, 5u);
    EXPECT_THAT(text_of({"CONFIG", "SET", "slowlog-log-slower-than", "-2"}),
                HasSubstr("argument must be between -1 and 9223372036854775807 inclusive"));
}

}  // namespace
}  // namespace kvorum::server
