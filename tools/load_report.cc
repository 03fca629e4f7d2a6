#include "tools/load_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace kvorum::tools::load {
namespace {

constexpr double kNsPerMs = 1e6;

double to_ms(uint64_t ns) { return static_cast<double>(ns) / kNsPerMs; }
double to_ms(double ns) { return ns / kNsPerMs; }
double to_s(uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(kSecondNs); }

double rate(uint64_t count, const LoadStats& stats) {
    return stats.duration_ns == 0 ? 0 : static_cast<double>(count) / to_s(stats.duration_ns);
}

double kilobytes_rate(const CommandStats& command, const LoadStats& stats) {
    return rate(command.bytes_sent + command.bytes_received, stats) / static_cast<double>(kKiB);
}

bool is_get(const CommandSpec& command) { return command.type == "Gets"; }

// The rows of the report: each kind of request that was asked for, then the total.
struct Row {
    std::string type;
    const CommandStats& stats;
    bool has_hits;
};

template <typename Visit>
void for_each_row(const LoadConfig& config, const LoadStats& stats, const CommandStats& totals, Visit visit) {
    bool any_gets = false;
    for (size_t i = 0; i < config.commands.size(); ++i) {
        any_gets = any_gets || is_get(config.commands[i]);
        visit(Row{config.commands[i].type, stats.commands[i], is_get(config.commands[i])});
    }
    visit(Row{"Totals", totals, any_gets});
}

uint64_t get_misses(const LoadConfig& config, const LoadStats& stats, const Row& row) {
    if (row.type != "Totals") return row.stats.nulls;
    uint64_t misses = 0;
    for (size_t i = 0; i < config.commands.size(); ++i)
        misses += is_get(config.commands[i]) ? stats.commands[i].nulls : 0;
    return misses;
}

uint64_t get_hits(const LoadConfig& config, const LoadStats& stats, const Row& row) {
    if (row.type != "Totals") return row.stats.ok - row.stats.nulls;
    uint64_t hits = 0;
    for (size_t i = 0; i < config.commands.size(); ++i)
        hits += is_get(config.commands[i]) ? stats.commands[i].ok - stats.commands[i].nulls : 0;
    return hits;
}

std::string table(const LoadConfig& config, const LoadStats& stats) {
    std::string heading =
        fmt::format("{:<12}{:>14}{:>14}{:>14}{:>16}", "Type", "Ops/sec", "Hits/sec", "Misses/sec", "Avg. Latency");
    for (const double percentile : config.percentiles)
        heading += fmt::format("{:>16}", fmt::format("p{} Latency", percentile));
    heading += fmt::format("{:>14}{:>14}{:>14}", "KB/sec", "Errors/sec", "Unknown/sec");
    if (config.cluster_mode) heading += fmt::format("{:>14}", "MOVED/sec");
    const std::string rule(heading.size(), '=');
    std::string text = fmt::format("\nALL STATS\n{}\n{}\n{}\n", rule, heading, std::string(heading.size(), '-'));
    const CommandStats totals = stats.totals();
    for_each_row(config, stats, totals, [&](const Row& row) {
        text += fmt::format("{:<12}{:>14.2f}", row.type, rate(row.stats.ok, stats));
        text += row.has_hits ? fmt::format("{:>14.2f}{:>14.2f}", rate(get_hits(config, stats, row), stats),
                                           rate(get_misses(config, stats, row), stats))
                             : fmt::format("{:>14}{:>14}", "---", "---");
        text += fmt::format("{:>16.5f}", to_ms(row.stats.latency.mean()));
        for (const double percentile : config.percentiles)
            text += fmt::format("{:>16.5f}", to_ms(row.stats.latency.value_at(percentile / 100)));
        text += fmt::format("{:>14.2f}{:>14.2f}{:>14.2f}", kilobytes_rate(row.stats, stats),
                            rate(row.stats.errors, stats), rate(row.stats.unknown, stats));
        if (config.cluster_mode) text += fmt::format("{:>14.2f}", rate(row.stats.moved, stats));
        text += '\n';
    });
    return text;
}

std::string outcomes(const LoadConfig& config, const LoadStats& stats) {
    const CommandStats totals = stats.totals();
    std::string text = fmt::format("\nOutcomes in {:.3f} s: {} ok, {} error, {} unknown", to_s(stats.duration_ns),
                                   totals.ok, totals.errors, totals.unknown);
    if (totals.moved > 0) text += fmt::format(", {} MOVED", totals.moved);
    if (config.is_open_loop()) text += fmt::format(", {} never sent", stats.never_started);
    text += fmt::format("\nConnections: {} made, {} lost, {} attempts failed\n", stats.connects, stats.connections_lost,
                        stats.connect_failures);
    const SilenceLog::Silence gap = stats.silences.longest();
    text += gap.length_ns() == 0 ? std::string("Longest gap without an OK: below 1 ms\n")
                                 : fmt::format("Longest gap without an OK: {:.1f} ms, from {:.3f} s to {:.3f} s\n",
                                               to_ms(gap.length_ns()), to_s(gap.begin_ns), to_s(gap.end_ns));
    for (const auto& [word, kind] : stats.errors.kinds())
        text += fmt::format("{} times {}: {}\n", kind.count, word, kind.example);
    if (!config.is_open_loop()) return text;
    text += fmt::format(
        "Latency counts from when a request was due; from when it was sent: avg {:.3f} ms, p50 {:.3f} ms, p99 {:.3f} "
        "ms\n",
        to_ms(stats.service.mean()), to_ms(stats.service.value_at(0.5)), to_ms(stats.service.value_at(0.99)));
    if (stats.never_started > 0) {
        text += fmt::format(
            "The rate was not reached: {} requests were due when no client was free (--clients, --pipeline).\n",
            stats.never_started);
    }
    return text;
}

std::string distribution(const LoadConfig& config, const LoadStats& stats) {
    constexpr unsigned kSteps = 4;
    std::string text = "\nRequest Latency Distribution\nType     <= msec         Percent\n";
    text += std::string(72, '-') + "\n";
    for (size_t i = 0; i < config.commands.size(); ++i) {
        const Histogram& latency = stats.commands[i].latency;
        uint64_t previous_ns = UINT64_MAX;
        for (const double quantile : quantile_ladder(latency.count(), kSteps)) {
            const uint64_t value_ns = latency.value_at(quantile);
            if (value_ns == previous_ns) continue;
            previous_ns = value_ns;
            text += fmt::format("{:<8} {:>8.3f} {:>14.5f}\n", config.commands[i].type, to_ms(value_ns), quantile * 100);
        }
        text += "---\n";
    }
    return text;
}

std::string timeline_text(const LoadStats& stats) {
    const Timeline& timeline = stats.timeline;
    std::string text =
        fmt::format("\nTimeline, {} ms a line\n{:>10}{:>12}{:>10}{:>10}{:>14}{:>14}\n",
                    timeline.width_ns() / kMillisecondNs, "second", "ok", "error", "unknown", "avg ms", "max ms");
    for (size_t i = 0; i < timeline.slices().size(); ++i) {
        const Timeline::Slice& slice = timeline.slices()[i];
        const double mean_ns =
            slice.ok == 0 ? 0 : static_cast<double>(slice.latency_sum_ns) / static_cast<double>(slice.ok);
        text += fmt::format("{:>10.1f}{:>12}{:>10}{:>10}{:>14.3f}{:>14.3f}\n", to_s(i * timeline.width_ns()), slice.ok,
                            slice.errors, slice.unknown, to_ms(mean_ns), to_ms(slice.latency_ns_max));
    }
    return text;
}

// --- JSON ---

using Json = nlohmann::ordered_json;

Json row_json(const LoadConfig& config, const LoadStats& stats, const Row& row) {
    const CommandStats& command = row.stats;
    Json json{{"Count", command.ok}, {"Ops/sec", rate(command.ok, stats)}};
    json["Hits/sec"] = row.has_hits ? rate(get_hits(config, stats, row), stats) : 0.0;
    json["Misses/sec"] = row.has_hits ? rate(get_misses(config, stats, row), stats) : 0.0;
    if (config.cluster_mode) json["MOVED/sec"] = rate(command.moved, stats);
    json["Latency"] = to_ms(command.latency.mean());
    json["Average Latency"] = to_ms(command.latency.mean());
    json["Min Latency"] = to_ms(command.latency.min());
    json["Max Latency"] = to_ms(command.latency.max());
    json["KB/sec"] = kilobytes_rate(command, stats);
    Json percentiles;
    for (const double percentile : config.percentiles)
        percentiles[fmt::format("p{:.2f}", percentile)] = to_ms(command.latency.value_at(percentile / 100));
    json["Percentile Latencies"] = percentiles;
    json["Errors"] = command.errors;
    json["Unknown"] = command.unknown;
    return json;
}

Json configuration_json(const LoadConfig& config) {
    Json json{{"servers", Json::array()},
              {"cluster_mode", config.cluster_mode},
              {"threads", config.threads},
              {"clients", config.clients},
              {"pipeline", config.pipeline},
              {"requests", config.requests_per_client},
              {"test_time", config.test_time_s},
              {"data_size", config.data_size_bytes},
              {"random_data", config.random_data},
              {"key_prefix", config.keys.prefix},
              {"key_minimum", config.keys.minimum},
              {"key_maximum", config.keys.maximum},
              {"arrivals", config.arrivals == Arrivals::kClosedLoop ? "closed loop"
                           : config.arrivals == Arrivals::kConstant ? "constant"
                                                                    : "poisson"},
              {"rate", config.rate},
              {"rate_per_client", config.rate_per_client},
              {"commands", Json::array()}};
    for (const reactor::Endpoint& server : config.servers)
        json["servers"].push_back(server.to_string());
    for (const CommandSpec& command : config.commands) {
        json["commands"].push_back({{"command", command.text},
                                    {"ratio", command.ratio},
                                    {"key_pattern", std::string(1, key_pattern_letter(command.pattern))}});
    }
    return json;
}

Json outcomes_json(const LoadConfig& config, const LoadStats& stats) {
    const CommandStats totals = stats.totals();
    const SilenceLog::Silence gap = stats.silences.longest();
    Json json{{"ok", totals.ok},
              {"error", totals.errors},
              {"moved", totals.moved},
              {"unknown", totals.unknown},
              {"never_sent", stats.never_started},
              {"connections_made", stats.connects},
              {"connections_lost", stats.connections_lost},
              {"connect_failures", stats.connect_failures},
              {"longest_gap_ms", to_ms(gap.length_ns())},
              {"longest_gap_from_s", to_s(gap.begin_ns)}};
    for (const auto& [word, kind] : stats.errors.kinds())
        json["errors"][word] = {{"count", kind.count}, {"example", kind.example}};
    if (config.is_open_loop()) {
        json["service_ms"] = {{"average", to_ms(stats.service.mean())},
                              {"p50", to_ms(stats.service.value_at(0.5))},
                              {"p99", to_ms(stats.service.value_at(0.99))}};
    }
    Json slices = Json::array();
    for (const Timeline::Slice& slice : stats.timeline.slices())
        slices.push_back({slice.ok, slice.errors, slice.unknown, to_ms(slice.latency_ns_max)});
    json["timeline"] = {{"slice_ms", stats.timeline.width_ns() / kMillisecondNs},
                        {"columns", {"ok", "error", "unknown", "max_ms"}},
                        {"slices", slices}};
    return json;
}

}  // namespace

std::vector<double> quantile_ladder(uint64_t count, unsigned steps) {
    std::vector<double> ladder;
    if (count == 0) return ladder;
    double begin = 0;
    double left = 1;
    while (left * static_cast<double>(count) >= 1) {
        for (unsigned i = 0; i < steps; ++i)
            ladder.push_back(begin + left / 2 * i / steps);
        begin += left / 2;
        left /= 2;
    }
    ladder.push_back(1);
    return ladder;
}

std::string text_report(const LoadConfig& config, const LoadStats& stats) {
    std::string text = fmt::format("{:<9} Threads\n{:<9} Connections per thread\n", config.threads, config.clients);
    text += config.test_time_s > 0 ? fmt::format("{:<9} Seconds\n", config.test_time_s)
            : config.all_keys      ? fmt::format("{:<9} Requests, one for each key\n", config.keys.count())
                                   : fmt::format("{:<9} Requests per client\n", config.requests_per_client);
    if (config.is_open_loop()) {
        text += fmt::format("{:<9} Requests a second {}, {} arrivals\n", config.rate,
                            config.rate_per_client ? "of each client" : "of all clients",
                            config.arrivals == Arrivals::kPoisson ? "Poisson" : "constant");
    }
    text += table(config, stats) + outcomes(config, stats);
    if (!config.hide_histogram) text += distribution(config, stats);
    if (config.timeline) text += timeline_text(stats);
    return text;
}

std::string json_report(const LoadConfig& config, const LoadStats& stats) {
    Json json;
    json["configuration"] = configuration_json(config);
    json["run information"] = {{"Threads count", config.threads}, {"Connections per thread", config.clients}};
    if (config.test_time_s > 0) {
        json["run information"]["Test duration seconds"] = config.test_time_s;
    } else {
        json["run information"]["Requests per client"] = config.requests_per_client;
    }
    Json& all = json["ALL STATS"];
    all["Runtime"] = {{"Total duration", stats.duration_ns / kMillisecondNs}, {"Time unit", "MILLISECONDS"}};
    const CommandStats totals = stats.totals();
    for_each_row(config, stats, totals, [&](const Row& row) { all[row.type] = row_json(config, stats, row); });
    json["Outcomes"] = outcomes_json(config, stats);
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string hdr_percentiles(const Histogram& histogram) {
    constexpr unsigned kSteps = 5;
    std::string text =
        fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    for (const double quantile : quantile_ladder(histogram.count(), kSteps)) {
        const auto count = static_cast<uint64_t>(std::ceil(quantile * static_cast<double>(histogram.count())));
        text += fmt::format("{:>12.3f} {:>2.12f} {:>10}", to_ms(histogram.value_at(quantile)), quantile, count);
        text += quantile < 1 ? fmt::format(" {:>14.2f}\n", 1 / (1 - quantile)) : std::string("\n");
    }
    text += fmt::format("#[Mean    = {:>12.3f}, Max     = {:>12.3f}]\n#[Total count = {}]\n", to_ms(histogram.mean()),
                        to_ms(histogram.max()), histogram.count());
    return text;
}

}  // namespace kvorum::tools::load
