#include "config/descriptors.h"

#include <algorithm>

namespace kvorum {
namespace {

// Standard streams, log, ring, listeners, the segment that is written and some that are read, and clients on their way
// out.
constexpr uint64_t kReserved = 64;

}  // namespace

uint32_t clients_that_fit(reactor::IoBackend& backend, const NodeConfig& config, uint32_t wanted) {
    uint64_t reserved = kReserved + 2 * uint64_t{config.wal_spare_segments};
    if (config.members.size() > 1) reserved += 2 * config.members.size() + kPeerConnectionsMax;
    const uint64_t limit = backend.allow_descriptors(wanted + reserved);
    const uint64_t left = limit - std::min(limit, reserved);
    return static_cast<uint32_t>(std::clamp<uint64_t>(left, 1, wanted));
}

}  // namespace kvorum
