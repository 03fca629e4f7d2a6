// Constants of the io_uring ABI that liburing 2.3 does not know yet. Each is used only where the kernel announces it in
// its features.
#pragma once

#include <cstdint>

namespace kvorum::reactor::uring_compat {

inline constexpr uint32_t kFeatureNoIowait = 1U << 17;  // Linux 6.15
inline constexpr uint32_t kEnterNoIowait = 1U << 7;  // waiting for completions is not accounted as waiting for a disk

}  // namespace kvorum::reactor::uring_compat
