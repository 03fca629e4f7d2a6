// How many clients fit into the descriptors that the process may have.
//
// Thread: the reactor's.
#pragma once

#include <cstdint>

#include "config/config.h"
#include "reactor/io_backend.h"

namespace kvorum {

// Connections on the peer port at once, strangers included.
inline constexpr uint32_t kPeerConnectionsMax = 64;

// As many of `wanted` as the node can serve, 1 at least: the limit of descriptors is raised if it may be. What the node
// itself needs is left out: its log, its peers, and clients that are being told that there are too many.
[[nodiscard]] uint32_t clients_that_fit(reactor::IoBackend& backend, const NodeConfig& config, uint32_t wanted);

}  // namespace kvorum
