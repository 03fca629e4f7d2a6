// Answers peers that repair their damaged logs, from the log of a node that serves.
//
// Thread: the owning core. Suspension: an answer reads the log in the background; stop() is awaited before destruction.
// Limits: one answer at a time for each peer; a request that comes meanwhile is dropped, and repeated by the peer.
#pragma once

#include <set>

#include "base/ids.h"
#include "net/peer_codec.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/task.h"
#include "server/peers.h"
#include "wal/wal.h"

namespace kvorum::server {

class RepairAnswers {
 public:
    RepairAnswers(reactor::Reactor& reactor, wal::Wal& log, Peers& peers)
        : reactor_(reactor), log_(log), peers_(peers), tasks_(reactor) {}

    void on_request(NodeId from, const net::RepairRequest& request);
    reactor::Task<void> stop();

 private:
    reactor::Task<void> answer(NodeId from, net::RepairRequest request);
    reactor::Task<absl::StatusOr<net::RepairReply>> look_up(net::RepairRequest request);

    reactor::Reactor& reactor_;
    wal::Wal& log_;
    Peers& peers_;
    std::set<NodeId> answering_;
    reactor::TaskScope tasks_;
};

}  // namespace kvorum::server
