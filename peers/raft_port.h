// The port for Raft's messages. Thread: the owning core.
#pragma once

#include "base/ids.h"
#include "raft/messages.h"

namespace kvorum::peers {

// A message to a peer that is not connected is dropped: Raft sends again.
class RaftSender {
 public:
    virtual ~RaftSender() = default;
    virtual void send(const raft::Message& message) = 0;
};

// Called from the run queue.
class RaftReceiver {
 public:
    virtual void on_raft_message(raft::Message message) = 0;
    // Messages to `peer` were dropped. At most once a turn.
    virtual void on_unreachable(NodeId peer) = 0;

 protected:
    ~RaftReceiver() = default;
};

}  // namespace kvorum::peers
