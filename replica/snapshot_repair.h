// Fetches a snapshot for a node that cannot start without one: its own is damaged or gone, and the log behind it does
// not begin early enough.
//
// The node listens to its peers and dials them, but takes no part in Raft, and asks one after another for its newest
// snapshot until one stands for enough. What a snapshot holds is committed, so it does not matter whose it is.
//
// Thread: the owning core. Suspension: until a snapshot was fetched; while no peer has one, it waits. Ownership:
// references outlive the call. Errors: DataLoss: there is no other node; Cancelled: the reactor was asked to stop; what
// the port or the disk refuses.
#pragma once

#include "absl/status/statusor.h"
#include "config/config.h"
#include "net/output_stream.h"
#include "peers/peers.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "replica/snapshot_fetcher.h"
#include "snapshot/snapshot_directory.h"

namespace kvorum::replica {

[[nodiscard]] reactor::Task<absl::StatusOr<FetchedState>> fetch_snapshot_to_start(
    reactor::Reactor& reactor, net::OutputFlusher& flusher, const NodeConfig& config, peers::PeerIdentity identity,
    snapshot::SnapshotDirectory& directory, LogIndex at_least);

}  // namespace kvorum::replica
