// What becomes of the connections to and from peers. Each pair of nodes has one for each direction: the link carries
// what this node sends, and on the peer's own connection come its messages and its answers.
//
// Thread: the owning core; called from the run queue.
#pragma once

#include <cstdint>

#include "base/ids.h"

namespace kvorum::peers {

class LinkEvents {
 public:
    virtual void on_link_up(NodeId peer) = 0;
    // There is room for more of a large command.
    virtual void on_link_room(NodeId peer) = 0;
    // Requests with ids from `first_unsent_request` on never left.
    virtual void on_link_down(NodeId peer, uint64_t first_unsent_request) = 0;
    // The peer's connection to us ended: no answer comes on it any more, and its clients' commands here are without an
    // owner.
    virtual void on_peer_gone(NodeId peer) = 0;

 protected:
    ~LinkEvents() = default;
};

}  // namespace kvorum::peers
