// Answers peers that repair their damaged logs, from the log of a node that serves.
//
// Thread: the owning core. Suspension: an answer reads the log in the background; stop() is awaited before destruction.
// Limits: one answer at a time for each peer; a request that comes meanwhile is dropped, and repeated by the peer.
#pragma once

#include <set>

#include "base/ids.h"
#include "peers/peer_codec.h"
#include "peers/peers.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/task.h"
#include "wal/wal.h"

namespace kvorum::replica {

class RepairAnswers {
 public:
    RepairAnswers(reactor::Reactor& reactor, wal::Wal& log, peers::Peers& peers)
        : reactor_(reactor), log_(log), peers_(peers), tasks_(reactor) {}

    void on_request(NodeId from, const peers::RepairRequest& request);
    reactor::Task<void> stop();

 private:
    reactor::Task<void> answer(NodeId from, peers::RepairRequest request);
    reactor::Task<absl::StatusOr<peers::RepairReply>> look_up(peers::RepairRequest request);

    reactor::Reactor& reactor_;
    wal::Wal& log_;
    peers::Peers& peers_;
    std::set<NodeId> answering_;
    reactor::TaskScope tasks_;
};

}  // namespace kvorum::replica
