// Byte and time units, so that a constant says what it is. Durations are nanoseconds in uint64_t, named *_ns, unless a
// name says *_ms.
#pragma once

#include <cstdint>

namespace kvorum {

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;

inline constexpr uint64_t kMicrosecondNs = 1000;
inline constexpr uint64_t kMillisecondNs = 1000 * kMicrosecondNs;
inline constexpr uint64_t kSecondNs = 1000 * kMillisecondNs;

}  // namespace kvorum
