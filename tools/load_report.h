// What a load tells of its run: the table that memtier_benchmark prints (its columns first, ours behind them), the
// latency distribution, the outcomes, the longest time without an OK; the same as JSON with memtier's names; and
// percentile files that HdrHistogram's plotters read.
//
// Pure functions of the statistics. Latencies are milliseconds in text and in JSON.
#pragma once

#include <string>

#include "tools/load_config.h"
#include "tools/load_stats.h"

namespace kvorum::tools::load {

[[nodiscard]] std::string text_report(const LoadConfig& config, const LoadStats& stats);
[[nodiscard]] std::string json_report(const LoadConfig& config, const LoadStats& stats);
// Value (ms), percentile, count and 1/(1-percentile), a line each.
[[nodiscard]] std::string hdr_percentiles(const Histogram& histogram);

// The quantiles at which a distribution is shown: half of what is left, in `steps` steps each, up to the last value.
[[nodiscard]] std::vector<double> quantile_ladder(uint64_t count, unsigned steps);

}  // namespace kvorum::tools::load
