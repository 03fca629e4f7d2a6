// The port for Raft's messages. Thread: the owning core.
#pragma once

#include "raft/messages.h"

namespace kvorum::peers {

// A message to a peer that is not connected is dropped: Raft sends again.
class RaftSender {
 public:
    virtual ~RaftSender() = default;
    virtual void send(const raft::Message& message) = 0;
};

}  // namespace kvorum::peers
