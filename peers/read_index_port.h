// The port for reads that a follower answers itself: its questions to the leader, and the answers. Thread: the owning
// core.
#pragma once

#include "base/ids.h"
#include "peers/read_index_codec.h"

namespace kvorum::peers {

// A few bytes for all reads of a turn: there is room always. False: not connected, and nothing was sent.
class ReadIndexSender {
 public:
    virtual ~ReadIndexSender() = default;
    virtual bool send(NodeId peer, const ReadIndexRequest& request) = 0;
    virtual bool send(NodeId peer, const ReadIndexReply& reply) = 0;
};

// Called from the run queue.
class ReadIndexReceiver {
 public:
    virtual void on_read_index_request(NodeId from, const ReadIndexRequest& request) = 0;
    virtual void on_read_index_reply(NodeId from, const ReadIndexReply& reply) = 0;

 protected:
    ~ReadIndexReceiver() = default;
};

}  // namespace kvorum::peers
