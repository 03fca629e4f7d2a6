// What a load tells of its run: the table that memtier_benchmark prints (its columns first, ours behind them), the
// latency distribution, the outcomes, the longest time without an OK; and percentile files that HdrHistogram's plotters
// read. JSON is load_json.h's.
//
// Pure functions of the statistics. Latencies are milliseconds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/load_config.h"
#include "tools/load_stats.h"

namespace kvorum::tools::load {

// A row of the table, and an object of the JSON.
struct ReportRow {
    std::string type;
    CommandStats stats = {};
    bool has_hits = false;
    uint64_t hits = 0;
    uint64_t misses = 0;
};

// Each kind of request that was asked for, and of a mix always SETs, GETs and WAITs; then the total.
[[nodiscard]] std::vector<ReportRow> report_rows(const LoadConfig& config, const LoadStats& stats);
// "p50.00", and with as many digits as it takes: "p99.999".
[[nodiscard]] std::string percentile_name(double percentile);

[[nodiscard]] std::string text_report(const LoadConfig& config, const LoadStats& stats, std::string_view title);
// Value (ms), percentile, count and 1/(1-percentile), a line each.
[[nodiscard]] std::string hdr_percentiles(const Histogram& histogram);

// The quantiles at which a distribution is shown: half of what is left, in `steps` steps each, up to the last value.
[[nodiscard]] std::vector<double> quantile_ladder(uint64_t count, unsigned steps);

}  // namespace kvorum::tools::load
