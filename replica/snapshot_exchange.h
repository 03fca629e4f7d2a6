// Snapshots for and from the other nodes of a running group (thesis 5.2; peers/snapshot_codec.h).
//
// A leader offers its newest snapshot to each peer whose next entry it no longer has. A node that gets an offer which
// is ahead of what it knows to be committed fetches that snapshot, loads it, and has it installed; it tells the leader
// what came of it. Whoever has a snapshot gives parts of it to whoever asks, at most --snapshot-rate-mib to each.
//
// Thread: the owning core. Ownership: references outlive it; stop() is awaited before destruction. Suspension: none but
// in its tasks. Errors: a fetch that fails is logged and begun again by the next offer.
#pragma once

#include <map>
#include <set>
#include <span>

#include "config/config.h"
#include "peers/snapshot_port.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "replica/raft_driver.h"
#include "replica/snapshot_facts.h"
#include "replica/snapshot_fetcher.h"
#include "snapshot/snapshot_directory.h"

namespace kvorum::replica {

class SnapshotExchange final : public peers::SnapshotReceiver {
 public:
    SnapshotExchange(reactor::Reactor& reactor, const NodeConfig& config, ClusterId cluster, RaftDriver& driver,
                     peers::SnapshotSender& peers, snapshot::SnapshotDirectory& directory, SnapshotFacts& facts);

    // These peers need one. They will be named again.
    void offer_to(std::span<const NodeId> peers);
    reactor::Task<void> stop();

    // --- SnapshotReceiver ---
    void on_snapshot_offer(NodeId from, const peers::SnapshotOffer& offer) override;
    void on_snapshot_report(NodeId from, const peers::SnapshotReport& report) override;
    void on_snapshot_fetch(NodeId from, const peers::SnapshotFetch& fetch) override;
    void on_snapshot_part(NodeId from, const peers::SnapshotPart& part) override;

 private:
    reactor::Task<void> fetch_and_install(NodeId from, peers::SnapshotName name);
    reactor::Task<void> answer(NodeId from, peers::SnapshotFetch fetch);
    [[nodiscard]] peers::SnapshotName name_to_send(const peers::SnapshotName& asked) const;
    [[nodiscard]] uint64_t paced_ns(NodeId to, uint64_t bytes);

    reactor::Reactor& reactor_;
    const NodeConfig& config_;
    RaftDriver& driver_;
    peers::SnapshotSender& peers_;
    snapshot::SnapshotDirectory& directory_;
    SnapshotFacts& facts_;
    SnapshotFetcher fetcher_;
    bool fetching_ = false;
    std::set<NodeId> answering_;
    std::map<NodeId, uint64_t> free_at_ns_;  // when the next part may go there
    reactor::TaskScope tasks_;
};

}  // namespace kvorum::replica
