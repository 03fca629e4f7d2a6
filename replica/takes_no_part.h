// What a node does with the messages of its peers while it repairs its disk, and is no part of the cluster: nothing.
// Private to the repairs. Thread: the owning core.
#pragma once

#include <span>

#include "base/packed_command.h"
#include "peers/acquaintance.h"
#include "peers/forward_port.h"
#include "peers/link_events.h"
#include "peers/raft_port.h"
#include "peers/read_index_port.h"
#include "peers/repair_port.h"
#include "peers/snapshot_port.h"
#include "replica/snapshot_fetcher.h"

namespace kvorum::replica {

class TakesNoPart : public peers::RaftReceiver, public peers::ForwardReceiver, public peers::ReadIndexReceiver {
 public:
    virtual ~TakesNoPart() = default;
    void on_raft_message(raft::Message) override {}
    void on_unreachable(NodeId) override {}
    void on_forward_requests(NodeId, std::span<const peers::ForwardRequest>) override {}
    void on_large_request(NodeId, const peers::ForwardRequest&, PackedCommand) override {}
    void on_forward_credit(NodeId, const peers::ForwardCredit&) override {}
    void on_forward_replies(NodeId, std::span<const peers::ForwardReply>) override {}
    void on_read_index_request(NodeId, const peers::ReadIndexRequest&) override {}
    void on_read_index_reply(NodeId, const peers::ReadIndexReply&) override {}
};

// Takes what it has fetched.
class TakesSnapshotParts final : public peers::SnapshotReceiver {
 public:
    explicit TakesSnapshotParts(SnapshotFetcher& fetcher) : fetcher_(fetcher) {}
    void on_snapshot_offer(NodeId, const peers::SnapshotOffer&) override {}
    void on_snapshot_report(NodeId, const peers::SnapshotReport&) override {}
    void on_snapshot_fetch(NodeId, const peers::SnapshotFetch&) override {}
    void on_snapshot_part(NodeId from, const peers::SnapshotPart& part) override { fetcher_.on_part(from, part); }

 private:
    SnapshotFetcher& fetcher_;
};

}  // namespace kvorum::replica
