// LATENCY, SLOWLOG and INFO latencystats. Shapes are those of redis-server 7.0.15.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/monitors.h"
#include "tests/redis/server_commands_fixture.h"

namespace kvorum::redis {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class LatencyCommands : public ServerCommandsTest {
 protected:
    void time_set(uint64_t latency_us, int count = 1) {
        for (int i = 0; i < count; ++i)
            node_.latency_monitor.command_done("set", latency_us * kMicrosecondNs);
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
    const ReplyValue reply = reply_to({"LATENCY", "HISTOGRAM", "SET"});
    ASSERT_THAT(reply.elements, SizeIs(2));
    EXPECT_EQ(reply.elements[0].text, "set");
    EXPECT_EQ(value_of(reply.elements[1], "calls").integer, 3);
    std::vector<int64_t> steps;
    for (const ReplyValue& step : value_of(reply.elements[1], "histogram_usec").elements)
        steps.push_back(step.integer);
    EXPECT_THAT(steps, ElementsAre(4, 2, 128, 3));
}

TEST_F(LatencyCommands, TheStagesOfAWriteHaveHistogramsToo) {
    time_set(3);
    node_.latency_monitor.entry_proposed(LogIndex{1}, 5, 0, 1000);
    const ReplyValue all = reply_to({"LATENCY", "HISTOGRAM"});
    EXPECT_EQ(all.elements[0].text, "set");
    EXPECT_EQ(all.elements[2].text, "stage:queue");
    EXPECT_EQ(value_of(all.elements[3], "calls").integer, 5);
    EXPECT_THAT(reply_to({"LATENCY", "HISTOGRAM", "stage:queue"}).elements, SizeIs(2));
    EXPECT_THAT(reply_to({"LATENCY", "HISTOGRAM", "stage:sync", "nosuch"}).elements, SizeIs(0));
}

TEST_F(LatencyCommands, AContainersNameStandsForItsSubcommands) {
    node_.latency_monitor.command_done("client|id", 1000);
    EXPECT_EQ(reply_to({"LATENCY", "HISTOGRAM", "CLIENT"}).elements.at(0).text, "client|id");
    EXPECT_EQ(reply_to({"LATENCY", "HISTOGRAM", "client|id"}).elements.at(0).text, "client|id");
    EXPECT_THAT(reply_to({"LATENCY", "HISTOGRAM", "clien"}).elements, SizeIs(0));
}

TEST_F(LatencyCommands, InfoShowsPercentilesOfCommandsAndStages) {
    time_set(100);
    node_.latency_monitor.entry_proposed(LogIndex{1}, 5, 0, 64'000);
    const std::string info = text_of({"INFO", "latencystats"});
    EXPECT_THAT(info, HasSubstr("\r\nlatency_percentiles_usec_set:p50=100."));
    EXPECT_THAT(info, HasSubstr("\r\nlatency_stage_queue_usec:p50=64."));
    EXPECT_THAT(info, HasSubstr(",max=64.000,count=5\r\n"));
}

// Six fields, as in Redis: a client library broke over a seventh.
TEST_F(LatencyCommands, ASlowCommandTellsItsStagesApartFromWhatRedisTells) {
    log_slow(12'345, {"set", "k"});
    const ReplyValue reply = reply_to({"SLOWLOG", "GET"});
    ASSERT_THAT(reply.elements, SizeIs(1));
    const ReplyValue& entry = reply.elements[0];
    ASSERT_THAT(entry.elements, SizeIs(6));
    EXPECT_EQ(entry.elements[0].integer, 0);
    EXPECT_EQ(entry.elements[1].integer, 1'700'000'000);
    EXPECT_EQ(entry.elements[2].integer, 12'345);
    EXPECT_THAT(texts(entry.elements[3]), ElementsAre("set", "k"));
    EXPECT_EQ(entry.elements[4].text, "127.0.0.1:50001");
    EXPECT_EQ(entry.elements[5].text, "worker");
    const ReplyValue stages = reply_to({"KVORUM", "SLOWLOG", "1"});
    ASSERT_THAT(stages.elements, SizeIs(1));
    EXPECT_EQ(stages.elements[0].elements[0].integer, 0);
    EXPECT_EQ(stages.elements[0].elements[1].text, "queue=1us sync=2us quorum=3us apply=4us");
}

TEST_F(LatencyCommands, TheSlowlogKeepsTheNewestAndShowsTenUnlessAskedForMore) {
    node_.config_.limits.slowlog_entries_max = 12;
    for (uint64_t i = 0; i < 20; ++i)
        log_slow(i, {"set"});
    EXPECT_EQ(reply_to({"SLOWLOG", "LEN"}).integer, 12);
    EXPECT_THAT(reply_to({"SLOWLOG", "GET"}).elements, SizeIs(10));
    const ReplyValue all = reply_to({"SLOWLOG", "GET", "-1"});
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

TEST_F(LatencyCommands, WhatIsKeptOfAWritesArgumentsShowsTheSame) {
    std::string packed;
    const std::vector<std::vector<std::string_view>> commands{{"set", "k", std::string_view("a\0b", 3)},
                                                              {"set", "k", ""},
                                                              std::vector<std::string_view>(32, "a"),
                                                              std::vector<std::string_view>(200, "a")};
    for (const auto& command : commands) {
        pack_loggable_arguments(command, packed);
        EXPECT_EQ(unpack_loggable_arguments(packed), loggable_arguments(command));
    }
    const std::string long_one(1000, 'x');
    const std::vector<std::string_view> with_long{"set", "k", long_one};
    pack_loggable_arguments(with_long, packed);
    EXPECT_EQ(unpack_loggable_arguments(packed), loggable_arguments(with_long));
    EXPECT_LT(packed.size(), 200u) << "no more than is shown";
}

TEST_F(LatencyCommands, EventsAreListedWithTheirWorst) {
    LatencyEvents& events = node_.latency_monitor.events();
    EXPECT_EQ(run({"LATENCY", "LATEST"}), "*0\r\n");
    EXPECT_EQ(run({"LATENCY", "HISTORY", "command"}), "*0\r\n");
    events.add("command", {.unix_time_s = 10, .latency_ms = 70});
    events.add("command", {.unix_time_s = 12, .latency_ms = 30});
    EXPECT_EQ(run({"LATENCY", "LATEST"}), "*1\r\n*4\r\n$7\r\ncommand\r\n:12\r\n:30\r\n:70\r\n");
    EXPECT_EQ(run({"LATENCY", "HISTORY", "command"}), "*2\r\n*2\r\n:10\r\n:70\r\n*2\r\n:12\r\n:30\r\n");
    EXPECT_THAT(text_of({"LATENCY", "GRAPH", "command"}),
                HasSubstr("command - high 70 ms, low 30 ms (all time high 70 ms)\n"));
    EXPECT_EQ(run({"LATENCY", "GRAPH", "nosuch"}), "-ERR No samples available for event 'nosuch'\r\n");
    EXPECT_EQ(run({"LATENCY", "RESET", "nosuch", "command"}), ":1\r\n");
    EXPECT_EQ(run({"LATENCY", "LATEST"}), "*0\r\n");
}

TEST_F(LatencyCommands, SecretsAreNotLogged) {
    EXPECT_THAT(loggable_arguments(std::vector<std::string_view>{"AUTH", "user", "password"}),
                ElementsAre("AUTH", "(redacted)", "(redacted)"));
    EXPECT_THAT(loggable_arguments(std::vector<std::string_view>{"hello", "3", "AUTH", "u", "p"}),
                ElementsAre("hello", "3", "AUTH", "(redacted)", "(redacted)"));
    EXPECT_THAT(loggable_arguments(std::vector<std::string_view>{"CONFIG", "SET", "RequirePass", "p", "timeout", "1"}),
                ElementsAre("CONFIG", "SET", "RequirePass", "(redacted)", "timeout", "1"));
}

TEST_F(LatencyCommands, AMonitorSeesArgumentsQuotedAndNoSecrets) {
    EXPECT_EQ(monitor_line(1'700'000'000'000'042, "127.0.0.1:1",
                           std::vector<std::string_view>{"set", "a\"b", std::string_view("\0\n\xff", 3)}),
              "1700000000.000042 [0 127.0.0.1:1] \"set\" \"a\\\"b\" \"\\x00\\n\\xff\"");
    EXPECT_EQ(monitor_line(0, "x", std::vector<std::string_view>{"auth", "secret"}),
              "0.000000 [0 x] \"auth\" \"(redacted)\"");
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
}  // namespace kvorum::redis
