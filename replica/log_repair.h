// Repairs the damaged log of a node that is starting: before it votes, acknowledges or serves anything.
//
// The node listens to its peers and dials them, but takes no part in Raft: of their messages it drops all but those
// about repairs. It asks every peer for each entry that it lacks, by identity, and answers the same question from what
// is still sound here, so nodes that are damaged in different places repair each other without a leader. When nothing
// is missing any more the new log is written and takes the place of the old one, whose files are kept
// (wal/log_swap.h). replica/repair_decision.h says when a part of the log may be given up, and when it is lost.
//
// A log may begin at a base, and so may those of the peers. What lies below theirs they have only in a snapshot: then
// the newest of one of them is fetched, and the repaired log begins behind it.
//
// Thread: the owning core. Suspension: repair_log() ends when the log is repaired, when that is impossible, or soon
// after the reactor was asked to stop; while a peer that may have the entry does not answer, it waits. Limits: those of
// wal/log_rebuild.h.
#pragma once

#include "absl/status/status.h"
#include "config/config.h"
#include "net/output_stream.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "snapshot/snapshot_directory.h"
#include "wal/config.h"

namespace kvorum::replica {

// `log` is that of the node, which Wal::open() refused with DataLoss. `directory` holds the snapshots of the node, and
// is open: the repaired log begins behind the newest whole one. OK: open the log again. DataLoss: it is not a damage
// that can be repaired, or what is missing is lost everywhere; the message says what and where, and what to do. The
// files of the log are as they were. ResourceExhausted: no room. Cancelled: stopped.
[[nodiscard]] reactor::Task<absl::Status> repair_log(reactor::Reactor& reactor, net::OutputFlusher& flusher,
                                                     const NodeConfig& config, wal::WalConfig log,
                                                     snapshot::SnapshotDirectory& directory);

}  // namespace kvorum::replica
