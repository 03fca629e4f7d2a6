// By which log each node is known to the others. Thread: the owning core; called from the run queue.
#pragma once

#include <cstddef>
#include <string_view>

#include "raft/types.h"

namespace kvorum::peers {

class Acquaintance {
 public:
    // A peer was met for the first time. Called before any message of it is handed on: when this is queued for the log
    // at once, nothing that the node does because of that peer, a vote or an entry, is on the disk without it.
    virtual void on_peer_met(raft::KnownPeer peer) = 0;
    // `peers` of the others, one of which just gave `reason`, know this node by another log than its own.
    virtual void on_known_by_other_log(size_t peers, std::string_view reason) = 0;

 protected:
    ~Acquaintance() = default;
};

}  // namespace kvorum::peers
