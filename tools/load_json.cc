#include "tools/load_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/load_hdr_log.h"
#include "tools/load_report.h"

namespace kvorum::tools::load {
namespace {

using Json = nlohmann::ordered_json;

double to_ms(double ns) { return ns / static_cast<double>(kMillisecondNs); }
double to_ms(uint64_t ns) { return to_ms(static_cast<double>(ns)); }
double to_s(uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(kSecondNs); }

double rate(uint64_t count, const LoadStats& stats) {
    return stats.duration_ns == 0 ? 0 : static_cast<double>(count) / to_s(stats.duration_ns);
}

double kilobytes(uint64_t bytes, const LoadStats& stats) { return rate(bytes, stats) / static_cast<double>(kKiB); }

Json second_json(const LoadConfig& config, const CommandSeconds::Second& second) {
    Json json{{"Bytes RX", second.bytes_received}, {"Bytes TX", second.bytes_sent}, {"Count", second.count()}};
    if (second.count() == 0) return json;
    json["Average Latency"] = to_ms(static_cast<double>(second.sum_ns()) / static_cast<double>(second.count()));
    json["Accumulated Latency"] = second.sum_ns() / kMillisecondNs;
    json["Min Latency"] = to_ms(second.min_ns());
    json["Max Latency"] = to_ms(second.max_ns());
    for (const double percentile : config.percentiles)
        json[percentile_name(percentile)] = to_ms(second.value_at(percentile / 100));
    return json;
}

Json percentiles_json(const LoadConfig& config, const Histogram& latency) {
    Json json;
    for (const double percentile : config.percentiles)
        json[percentile_name(percentile)] = to_ms(latency.value_at(percentile / 100));
    json["Histogram log format"] = {{"Compressed Histogram", hdr_compressed_log(latency)}};
    return json;
}

Json row_json(const LoadConfig& config, const LoadStats& stats, const ReportRow& row) {
    const CommandStats& command = row.stats;
    const uint64_t connection_errors = row.type == "Totals" ? stats.connections_lost + stats.connect_failures : 0;
    Json json{{"Count", command.ok},
              {"Ops/sec", rate(command.ok, stats)},
              {"Hits/sec", rate(row.hits, stats)},
              {"Misses/sec", rate(row.misses, stats)}};
    if (config.cluster_mode) json["MOVED/sec"] = rate(command.moved, stats);
    json["Connection Errors/sec"] = rate(connection_errors, stats);
    json["Connection Errors"] = connection_errors;
    json["Latency"] = to_ms(command.latency.mean());
    json["Average Latency"] = to_ms(command.latency.mean());
    json["Accumulated Latency"] = command.latency.sum() / kMillisecondNs;
    json["Min Latency"] = to_ms(command.latency.min());
    json["Max Latency"] = to_ms(command.latency.max());
    json["KB/sec"] = kilobytes(command.bytes_sent + command.bytes_received, stats);
    json["KB/sec RX/TX"] = json["KB/sec"];
    json["KB/sec RX"] = kilobytes(command.bytes_received, stats);
    json["KB/sec TX"] = kilobytes(command.bytes_sent, stats);
    Json series = Json::object();
    const std::vector<CommandSeconds::Second>& seconds = command.seconds.seconds();
    for (size_t i = 0; i < seconds.size(); ++i)
        series[std::to_string(i)] = second_json(config, seconds[i]);
    json["Time-Serie"] = std::move(series);
    json["Percentile Latencies"] = percentiles_json(config, command.latency);
    json["Errors"] = command.errors;
    json["Unknown"] = command.unknown;
    return json;
}

// "Sets" is the row, "SET" the distribution.
std::string distribution_name(std::string_view row_type) {
    const size_t plural = row_type.rfind('s');
    std::string name = fmt::format("{}{}", row_type.substr(0, plural), row_type.substr(plural + 1));
    for (char& c : name)
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

Json distribution_json(const Histogram& latency) {
    constexpr unsigned kSteps = 4;
    Json json = Json::array();
    for (const double quantile : quantile_ladder(latency.count(), kSteps))
        json.push_back({{"<=msec", to_ms(latency.value_at(quantile))}, {"percent", quantile * 100}});
    return json;
}

std::string pattern_text(const LoadConfig& config) {
    std::string text;
    for (const CommandSpec& command : config.commands)
        text += (text.empty() ? "" : ":") + std::string(1, key_pattern_letter(command.pattern));
    return text;
}

std::string ratio_text(const LoadConfig& config) {
    std::string text;
    for (const CommandSpec& command : config.commands)
        text += (text.empty() ? "" : ":") + std::to_string(command.ratio);
    return text;
}

Json configuration_json(const LoadConfig& config) {
    const std::string_view arrivals = config.arrivals == Arrivals::kClosedLoop ? "closed loop"
                                      : config.arrivals == Arrivals::kConstant ? "constant"
                                                                               : "poisson";
    Json json{{"server", config.servers.front().host},
              {"port", config.servers.front().port},
              {"protocol", config.protocol == 0 ? "redis" : fmt::format("resp{}", config.protocol)},
              {"run_count", config.runs},
              {"requests", config.requests_of_client()},
              {"rate_limit", config.rate_per_client ? config.rate : 0},
              {"clients", config.clients},
              {"threads", config.threads},
              {"test_time", config.test_time_s},
              {"ratio", ratio_text(config)},
              {"pipeline", config.pipeline},
              {"data_size", config.data_size_bytes},
              {"data_offset", config.data_offset_bytes},
              {"random_data", config.random_data},
              {"expiry_range", fmt::format("{}-{}", config.expiry_s_min, config.expiry_s_max)},
              {"key_prefix", config.keys.prefix},
              {"key_minimum", config.keys.minimum},
              {"key_maximum", config.keys.maximum},
              {"key_pattern", pattern_text(config)},
              {"key_stddev", config.keys.standard_deviation},
              {"key_median", config.keys.median},
              {"key_zipf_exp", config.keys.zipf_exponent},
              {"select-db", config.database},
              {"num-slaves", fmt::format("{}-{}", config.wait_replicas_min, config.wait_replicas_max)},
              {"wait-timeout", fmt::format("{}-{}", config.wait_ms_min, config.wait_ms_max)},
              {"cluster_mode", config.cluster_mode},
              {"arrivals", arrivals},
              {"rate", config.rate},
              {"rate_per_client", config.rate_per_client},
              {"servers", Json::array()},
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

Json result_json(const LoadConfig& config, const LoadStats& stats) {
    const uint64_t duration_ms = stats.duration_ns / kMillisecondNs;
    Json json;
    json["Runtime"] = {{"Start time", stats.start_unix_ms},
                       {"Finish time", stats.start_unix_ms + duration_ms},
                       {"Total duration", duration_ms},
                       {"Time unit", "MILLISECONDS"},
                       {"Interrupted", stats.interrupted ? "true" : "false"}};
    const std::vector<ReportRow> rows = report_rows(config, stats);
    for (const ReportRow& row : rows)
        json[row.type] = row_json(config, stats, row);
    for (const ReportRow& row : rows) {
        if (config.hide_histogram || row.type == "Totals") continue;
        json[distribution_name(row.type)] = distribution_json(row.stats.latency);
    }
    return json;
}

}  // namespace

std::string json_report(const LoadConfig& config,
                        const std::vector<std::pair<std::string, const LoadStats*>>& results) {
    Json json;
    json["configuration"] = configuration_json(config);
    json["run information"] = {{"Threads count", config.threads}, {"Connections per thread", config.clients}};
    if (config.test_time_s > 0) {
        json["run information"]["Test duration seconds"] = config.test_time_s;
    } else {
        json["run information"]["Requests per client"] = config.requests_of_client();
    }
    for (const auto& [title, stats] : results)
        json[title] = result_json(config, *stats);
    json["Outcomes"] = outcomes_json(config, *results.back().second);
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kvorum::tools::load
