// What a load draws beyond base/prng.h.
#pragma once

#include "base/prng.h"

namespace kvorum::tools::load {

// In (0, 1], so that its logarithm is finite.
[[nodiscard]] inline double draw_unit(Prng& prng) { return (static_cast<double>(prng.next() >> 11) + 1) * 0x1.0p-53; }

}  // namespace kvorum::tools::load
