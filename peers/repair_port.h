// The port for the repair of damaged logs: questions for entries, and what others hold of them. Thread: the owning
// core.
#pragma once

#include "base/ids.h"
#include "peers/repair_codec.h"

namespace kvorum::peers {

// False: not sent. Whoever asked asks again.
class RepairSender {
 public:
    virtual ~RepairSender() = default;
    virtual bool send(NodeId peer, const RepairRequest& request) = 0;
    virtual bool send(NodeId peer, const RepairReply& reply) = 0;
};

// Called from the run queue.
class RepairReceiver {
 public:
    virtual void on_repair_request(NodeId from, const RepairRequest& request) = 0;
    virtual void on_repair_reply(NodeId from, RepairReply reply) = 0;

 protected:
    ~RepairReceiver() = default;
};

}  // namespace kvorum::peers
