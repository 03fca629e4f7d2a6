#include "tools/load_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tools/load_plot.h"

namespace kvorum::tools::load {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

LoadConfig a_config() {
    LoadConfig config;
    config.servers = {{"127.0.0.1", 7001}};
    config.commands = {{.text = "SET __key__ __data__", .type = "Sets", .ratio = 1},
                       {.text = "GET __key__", .type = "Gets", .ratio = 10}};
    return config;
}

// Ten seconds: 1000 SETs of 1 ms and 4000 GETs of 2 ms, half of them misses; some failed; silence from 2 s to 3 s.
LoadStats some_stats() {
    LoadStats stats(2);
    stats.duration_ns = 10 * kSecondNs;
    stats.commands[0].ok = 1000;
    stats.commands[0].unknown = 20;
    stats.commands[0].latency.record(kMillisecondNs, 1000);
    stats.commands[1].ok = 4000;
    stats.commands[1].nulls = 2000;
    stats.commands[1].errors = 10;
    stats.commands[1].latency.record(2 * kMillisecondNs, 4000);
    stats.errors.add("CLUSTERDOWN No <leader>");
    stats.silences.on_ok(2 * kSecondNs);
    stats.silences.on_ok(3 * kSecondNs);
    stats.timeline.at(0).ok = 5000;
    stats.timeline.at(9 * kSecondNs).errors = 10;
    return stats;
}

TEST(LoadReportTest, TheTableHasMemtiersColumnsFirst) {
    const std::string text = text_report(a_config(), some_stats());
    EXPECT_THAT(text, ContainsRegex("Type +Ops/sec +Hits/sec +Misses/sec +Avg. Latency +p50 Latency +p99 Latency "
                                    "+p99.9 Latency +KB/sec +Errors/sec +Unknown/sec"));
    EXPECT_THAT(text, ContainsRegex("Sets +100.00 +--- +--- +1.00000 "));
    EXPECT_THAT(text, ContainsRegex("Gets +400.00 +200.00 +200.00 +2.00000 "));
    EXPECT_THAT(text, ContainsRegex("Totals +500.00 +200.00 +200.00 +1.80000 "));
}

TEST(LoadReportTest, OutcomesAndTheLongestGapAreTold) {
    const std::string text = text_report(a_config(), some_stats());
    EXPECT_THAT(text, HasSubstr("5000 ok, 10 error, 20 unknown"));
    EXPECT_THAT(text, HasSubstr("Longest gap without an OK: 2000.0 ms, from 0.000 s to 2.000 s"));
    EXPECT_THAT(text, HasSubstr("1 times CLUSTERDOWN: CLUSTERDOWN No <leader>"));
}

TEST(LoadReportTest, TheHistogramCanBeHiddenAndTheTimelineShown) {
    LoadConfig config = a_config();
    EXPECT_THAT(text_report(config, some_stats()), HasSubstr("Request Latency Distribution"));
    config.hide_histogram = true;
    config.timeline = true;
    EXPECT_THAT(text_report(config, some_stats()), Not(HasSubstr("Request Latency Distribution")));
    EXPECT_THAT(text_report(config, some_stats()), HasSubstr("Timeline, 100 ms a line"));
}

TEST(LoadReportTest, JsonHasMemtiersNames) {
    const nlohmann::json json = nlohmann::json::parse(json_report(a_config(), some_stats()));
    EXPECT_EQ(json["ALL STATS"]["Sets"]["Count"], 1000);
    EXPECT_DOUBLE_EQ(json["ALL STATS"]["Totals"]["Ops/sec"], 500);
    EXPECT_NEAR(json["ALL STATS"]["Gets"]["Percentile Latencies"]["p99.00"], 2, 0.05);
    EXPECT_EQ(json["run information"]["Threads count"], 4);
    EXPECT_EQ(json["Outcomes"]["unknown"], 20);
    EXPECT_EQ(json["Outcomes"]["timeline"]["slices"].size(), 91U);
}

TEST(LoadReportTest, ThePercentileFileEndsAtTheLargestValue) {
    const std::string text = hdr_percentiles(some_stats().totals().latency);
    EXPECT_THAT(text, ContainsRegex("Value +Percentile TotalCount 1/\\(1-Percentile\\)"));
    EXPECT_THAT(text, ContainsRegex("2.000 1.000000000000 +5000\n"));
    EXPECT_THAT(text, HasSubstr("#[Total count = 5000]"));
}

TEST(LoadReportTest, APlotIsOneFileThatNeedsNothingElse) {
    LoadConfig config = a_config();
    config.plot_file = "load.svg";
    EXPECT_THAT(plot(config, some_stats()), StartsWith("<svg "));
    config.plot_file = "load.html";
    const std::string html = plot(config, some_stats());
    EXPECT_THAT(html, StartsWith("<!doctype html>"));
    EXPECT_THAT(html, HasSubstr("longest gap without an OK 2000.0 ms"));
    EXPECT_THAT(html, HasSubstr("No &lt;leader&gt;")) << "what a server says is no markup";
    EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(LoadReportTest, ARunWithoutAnythingCanBeReported) {
    const LoadStats nothing(2);
    EXPECT_THAT(text_report(a_config(), nothing), HasSubstr("0 ok, 0 error, 0 unknown"));
    EXPECT_THAT(plot(a_config(), nothing), Not(HasSubstr("nan")));
    EXPECT_FALSE(json_report(a_config(), nothing).empty());
}

}  // namespace
}  // namespace kvorum::tools::load
