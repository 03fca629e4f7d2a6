// Runs a load from start to end: its threads, the progress line, Ctrl-C, and the merging of what the threads saw.
//
// Thread: the caller's, which blocks. Signals: SIGINT ends the load and is given back afterwards. Errors: Unavailable
// when no server could be reached at the start; a server that goes later is what a load is there to see.
#pragma once

#include "absl/status/statusor.h"
#include "tools/load_config.h"
#include "tools/load_stats.h"

namespace kvorum::tools::load {

[[nodiscard]] absl::StatusOr<LoadStats> run_load(const LoadConfig& config);

}  // namespace kvorum::tools::load
