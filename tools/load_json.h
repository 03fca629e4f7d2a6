// A run as JSON with the names of memtier_benchmark's --json-out-file, so that what reads its files reads ours:
// configuration, run information, ALL STATS with a row for each kind of request (Ops/sec, latencies in milliseconds,
// Time-Serie by second, percentiles, the compressed HdrHistogram), and the latency distributions. Beside them, Outcomes
// is ours: what was ok, refused or unknown, the longest gap, the timeline.
//
// Pure functions of the statistics.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/load_config.h"
#include "tools/load_stats.h"

namespace kvorum::tools::load {

// Several results in one file, each under its title: "ALL STATS", or of several runs the best, the worst, the average.
[[nodiscard]] std::string json_report(const LoadConfig& config,
                                      const std::vector<std::pair<std::string, const LoadStats*>>& results);

}  // namespace kvorum::tools::load
