// Answers peers that repair their damaged logs, from the log of a node that serves.
//
// Thread: the owning core. Suspension: an answer reads the log in the background; stop() is awaited before destruction.
// Limits: one answer at a time for each peer; a request that comes meanwhile is dropped, and repeated by the peer.
#pragma once

#include <set>

#include "base/ids.h"
#include "peers/repair_port.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/task.h"
#include "wal/wal.h"

namespace kvorum::replica {

class RepairAnswers final : public peers::RepairReceiver {
 public:
    RepairAnswers(reactor::Reactor& reactor, wal::Wal& log, peers::RepairSender& peers)
        : reactor_(reactor), log_(log), peers_(peers), tasks_(reactor) {}

    void on_repair_request(NodeId from, const peers::RepairRequest& request) override;
    // To a question of the repair that is over.
    void on_repair_reply(NodeId /*from*/, peers::RepairReply /*reply*/) override {}
    reactor::Task<void> stop();

 private:
    reactor::Task<void> answer(NodeId from, peers::RepairRequest request);
    reactor::Task<absl::StatusOr<peers::RepairReply>> look_up(peers::RepairRequest request);

    reactor::Reactor& reactor_;
    wal::Wal& log_;
    peers::RepairSender& peers_;
    std::set<NodeId> answering_;
    reactor::TaskScope tasks_;
};

}  // namespace kvorum::replica
