#include "tools/load_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tools/load_json.h"
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
                       {.text = "GET __key__", .type = "Gets", .has_hits = true, .ratio = 10}};
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

std::string report_of(const LoadConfig& config, const LoadStats& stats) {
    return json_report(config, {{"ALL STATS", &stats}});
}

TEST(LoadReportTest, TheTableHasMemtiersColumnsFirst) {
    const std::string text = text_report(a_config(), some_stats(), "ALL STATS");
    EXPECT_THAT(text, ContainsRegex("Type +Ops/sec +Hits/sec +Misses/sec +Avg. Latency +p50 Latency +p99 Latency "
                                    "+p99.9 Latency +KB/sec +Errors/sec +Unknown/sec"));
    EXPECT_THAT(text, ContainsRegex("Sets +100.00 +--- +--- +1.00000 "));
    EXPECT_THAT(text, ContainsRegex("Gets +400.00 +200.00 +200.00 +2.00000 "));
    EXPECT_THAT(text, ContainsRegex("Waits +0.00 +--- +--- +---"));
    EXPECT_THAT(text, ContainsRegex("Totals +500.00 +200.00 +200.00 +1.80000 "));
}

TEST(LoadReportTest, OutcomesAndTheLongestGapAreTold) {
    const std::string text = text_report(a_config(), some_stats(), "ALL STATS");
    EXPECT_THAT(text, HasSubstr("5000 ok, 10 error, 20 unknown"));
    EXPECT_THAT(text, HasSubstr("Longest gap without an OK: 2000.0 ms, from 0.000 s to 2.000 s"));
    EXPECT_THAT(text, HasSubstr("1 times CLUSTERDOWN: CLUSTERDOWN No <leader>"));
}

TEST(LoadReportTest, TheHistogramCanBeHiddenAndTheTimelineShown) {
    LoadConfig config = a_config();
    EXPECT_THAT(text_report(config, some_stats(), "ALL STATS"), HasSubstr("Request Latency Distribution"));
    config.hide_histogram = true;
    config.timeline = true;
    EXPECT_THAT(text_report(config, some_stats(), "ALL STATS"), Not(HasSubstr("Request Latency Distribution")));
    EXPECT_THAT(text_report(config, some_stats(), "ALL STATS"), HasSubstr("Timeline, 100 ms a line"));
}

TEST(LoadReportTest, JsonHasMemtiersNames) {
    const nlohmann::json json = nlohmann::json::parse(report_of(a_config(), some_stats()));
    EXPECT_EQ(json["ALL STATS"]["Sets"]["Count"], 1000);
    EXPECT_DOUBLE_EQ(json["ALL STATS"]["Totals"]["Ops/sec"], 500);
    EXPECT_NEAR(json["ALL STATS"]["Gets"]["Percentile Latencies"]["p99.00"], 2, 0.05);
    EXPECT_EQ(json["run information"]["Threads count"], 4);
    EXPECT_EQ(json["Outcomes"]["unknown"], 20);
    EXPECT_EQ(json["Outcomes"]["timeline"]["slices"].size(), 91U);
}

TEST(LoadReportTest, JsonHasEverythingThatReadersOfMemtiersFilesLookFor) {
    LoadStats stats = some_stats();
    stats.start_unix_ms = 1'700'000'000'000;
    stats.connections_lost = 3;
    stats.commands[0].bytes_sent = 20 * kKiB;
    stats.commands[0].bytes_received = 10 * kKiB;
    CommandSeconds::Second& second = stats.commands[0].seconds.at(kSecondNs);
    second.bytes_sent = 7;
    second.record(kMillisecondNs);
    const nlohmann::json json = nlohmann::json::parse(report_of(a_config(), stats));
    const nlohmann::json& all = json.at("ALL STATS");
    EXPECT_EQ(all.at("Runtime").at("Start time"), 1'700'000'000'000);
    EXPECT_EQ(all.at("Runtime").at("Finish time"), 1'700'000'010'000);
    EXPECT_EQ(all.at("Runtime").at("Total duration"), 10'000);
    for (const char* row : {"Sets", "Gets", "Waits", "Totals"}) {
        for (const char* name :
             {"Count", "Ops/sec", "Hits/sec", "Misses/sec", "Connection Errors/sec", "Connection Errors", "Latency",
              "Average Latency", "Accumulated Latency", "Min Latency", "Max Latency", "KB/sec", "KB/sec RX/TX",
              "KB/sec RX", "KB/sec TX", "Time-Serie", "Percentile Latencies"})
            EXPECT_TRUE(all.at(row).contains(name)) << row << ' ' << name;
    }
    EXPECT_EQ(all.at("Totals").at("Connection Errors"), 3);
    EXPECT_DOUBLE_EQ(all.at("Sets").at("KB/sec TX"), 2);
    EXPECT_DOUBLE_EQ(all.at("Sets").at("KB/sec RX"), 1);
    EXPECT_DOUBLE_EQ(all.at("Sets").at("KB/sec RX/TX"), 3);
    EXPECT_DOUBLE_EQ(all.at("Sets").at("Accumulated Latency"), 1000);
    const nlohmann::json& in_second = all.at("Sets").at("Time-Serie").at("1");
    EXPECT_EQ(in_second.at("Count"), 1);
    EXPECT_EQ(in_second.at("Bytes TX"), 7);
    EXPECT_NEAR(in_second.at("p99.00"), 1, 0.06);
    EXPECT_TRUE(all.at("SET").at(0).contains("<=msec"));
    EXPECT_EQ(json.at("configuration").at("ratio"), "1:10");
    EXPECT_EQ(json.at("configuration").at("protocol"), "redis");
}

TEST(LoadReportTest, EachPercentileHasAKeyOfItsOwn) {
    EXPECT_EQ(percentile_name(50), "p50.00");
    EXPECT_EQ(percentile_name(99.9), "p99.90");
    EXPECT_EQ(percentile_name(99.999), "p99.999");
    EXPECT_EQ(percentile_name(99.9999), "p99.9999");
    EXPECT_EQ(percentile_name(100), "p100.00");
}

TEST(LoadReportTest, ASecondGetHasHitsToo) {
    LoadConfig config = a_config();
    config.is_mix = false;
    config.commands = {{.text = "GET __key__", .type = "Gets", .has_hits = true},
                       {.text = "GET x__key__", .type = "Gets-2", .has_hits = true}};
    const std::string text = text_report(config, some_stats(), "ALL STATS");
    EXPECT_THAT(text, ContainsRegex("Gets-2 +400.00 +200.00 +200.00"));
    EXPECT_THAT(text, Not(HasSubstr("Waits")));
    EXPECT_THAT(report_of(config, some_stats()), HasSubstr("\"GET-2\""));
}

TEST(LoadReportTest, RequestsPerClientOfAllKeysAreWhatCoversThemOnce) {
    LoadConfig config = a_config();
    config.all_keys = true;
    config.threads = 2;
    config.clients = 3;
    config.keys.minimum = 1;
    config.keys.maximum = 1000;
    EXPECT_THAT(text_report(config, some_stats(), "ALL STATS"), HasSubstr("167       Requests per client"));
    const nlohmann::json json = nlohmann::json::parse(report_of(config, some_stats()));
    EXPECT_EQ(json["run information"]["Requests per client"], 167);
}

TEST(LoadReportTest, RunsTogetherHaveTheRateOfAll) {
    LoadStats all = some_stats();
    all.append(some_stats());
    EXPECT_EQ(all.duration_ns, 20 * kSecondNs);
    EXPECT_EQ(all.totals().ok, 10'000U);
    EXPECT_TRUE(all.timeline.slices().empty());
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
    EXPECT_THAT(text_report(a_config(), nothing, "ALL STATS"), HasSubstr("0 ok, 0 error, 0 unknown"));
    EXPECT_THAT(plot(a_config(), nothing), Not(HasSubstr("nan")));
    EXPECT_FALSE(report_of(a_config(), nothing).empty());
}

}  // namespace
}  // namespace kvorum::tools::load
