// A picture of a run: latency by percentile, and throughput over time with errors, unknown outcomes and the longest
// gap. One file that needs nothing else: HTML around SVG, or the SVG alone, as the name of the file says.
#pragma once

#include <string>

#include "tools/load_config.h"
#include "tools/load_stats.h"

namespace kvorum::tools::load {

[[nodiscard]] std::string plot(const LoadConfig& config, const LoadStats& stats);

}  // namespace kvorum::tools::load
