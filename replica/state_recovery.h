// What a node starts from: the newest sound snapshot on its disk, and the log behind it.
//
// Thread: the owning core. Suspension: reads. Ownership: references outlive the call. Errors: DataLoss: the log begins
// behind a snapshot that is not here or not sound, or a damaged one stands for more than the log has: it is to be
// fetched from a peer (replica/snapshot_repair.h); the message says which. FailedPrecondition: a snapshot of another
// cluster.
#pragma once

#include "absl/status/statusor.h"
#include "kv/store.h"
#include "raft/raft.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "snapshot/snapshot_directory.h"
#include "wal/wal.h"

namespace kvorum::replica {

// Fills `state`, which is empty. Where the log does not hold the entry that the snapshot ends with, it begins anew
// behind the snapshot: a crash had come between the two.
[[nodiscard]] reactor::Task<absl::StatusOr<raft::RecoveredLog>> recover_state(reactor::Reactor& reactor, wal::Wal& wal,
                                                                              snapshot::SnapshotDirectory& directory,
                                                                              kv::Store& state);
// The same, with the state of a snapshot that says `base`, and stands for no less than the log's own base.
[[nodiscard]] reactor::Task<absl::StatusOr<raft::RecoveredLog>> begin_behind(reactor::Reactor& reactor, wal::Wal& wal,
                                                                             raft::LogBase base);

}  // namespace kvorum::replica
