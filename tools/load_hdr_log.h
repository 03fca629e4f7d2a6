// A histogram in the compressed form of HdrHistogram's logs (V2: counts as zigzag LEB128 with runs of zeros, zlib,
// base64), as memtier_benchmark puts it into its JSON: every HdrHistogram library decodes it.
//
// Values are microseconds from 1 us on, with three digits; the counts are ours, so they lie at the upper ends of our
// coarser steps. Pure; thread: any.
#pragma once

#include <string>

#include "base/histogram.h"

namespace kvorum::tools::load {

[[nodiscard]] std::string hdr_compressed_log(const Histogram& nanoseconds);

}  // namespace kvorum::tools::load
