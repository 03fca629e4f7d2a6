// A number used once, from the backend's source of chance. Thread: the backend's.
#pragma once

#include <cstring>

#include "peers/peer_secrets.h"
#include "reactor/io_backend.h"

namespace kvorum::peers {

[[nodiscard]] inline Nonce draw_nonce(reactor::IoBackend& backend) {
    Nonce nonce;
    for (size_t at = 0; at < nonce.size(); at += sizeof(uint64_t)) {
        const uint64_t drawn = backend.random_seed();
        std::memcpy(nonce.data() + at, &drawn, sizeof(drawn));
    }
    return nonce;
}

}  // namespace kvorum::peers
