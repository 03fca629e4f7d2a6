// How old the state may be that a session's reads are answered from. The session chooses; nothing else weakens a read.
//
//   linearizable   as of the moment of the read: this node leads, or asks who leads (replica/read_batcher.h)
//   bounded        at most so old: answered from this node's state if that is proved, else as a linearizable one
//   stale          whatever this node has, also when it knows no leader
//
// Weak reads never go behind what their session has seen or written (Lane::seen).
#pragma once

#include <cstdint>

namespace kvorum::gateway {

enum class Consistency : uint8_t { kLinearizable, kBounded, kStale };

struct ReadChoice {
    Consistency consistency = Consistency::kLinearizable;
    uint64_t age_ms_max = 0;  // kBounded

    [[nodiscard]] bool is_weak() const { return consistency != Consistency::kLinearizable; }
    bool operator==(const ReadChoice&) const = default;
};

}  // namespace kvorum::gateway
