// The port for snapshots: who offers one, who fetches one, and its parts. Thread: the owning core.
#pragma once

#include "base/ids.h"
#include "peers/snapshot_codec.h"

namespace kvorum::peers {

// False: not sent. Whoever offered offers again, whoever fetched fetches again.
class SnapshotSender {
 public:
    virtual ~SnapshotSender() = default;
    virtual bool send(NodeId peer, const SnapshotOffer& offer) = 0;
    virtual bool send(NodeId peer, const SnapshotReport& report) = 0;
    virtual bool send(NodeId peer, const SnapshotFetch& fetch) = 0;
    virtual bool send(NodeId peer, const SnapshotPart& part) = 0;
};

// Called from the run queue. The bytes of a part are valid during the call.
class SnapshotReceiver {
 public:
    virtual void on_snapshot_offer(NodeId from, const SnapshotOffer& offer) = 0;
    virtual void on_snapshot_report(NodeId from, const SnapshotReport& report) = 0;
    virtual void on_snapshot_fetch(NodeId from, const SnapshotFetch& fetch) = 0;
    virtual void on_snapshot_part(NodeId from, const SnapshotPart& part) = 0;

 protected:
    ~SnapshotReceiver() = default;
};

}  // namespace kvorum::peers
