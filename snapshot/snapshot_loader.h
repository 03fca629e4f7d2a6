// Reads a snapshot's file: into a state, or only to see whether it is sound.
//
// Everything that the file says of itself is checked: each chunk's checksum, the one over all, the counts, and, of a
// state that was loaded, its hash. Nothing of a file that fails is used.
//
// Thread: the reactor's. Suspension: reads, and between slices of the work (kSliceBytes of the file each).
// Cancellation: `stop` ends it soon, with Cancelled. Errors: DataLoss names file, byte offset and reason; Unavailable:
// the system refused. Memory: one piece of the file, one chunk, and the state.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "kv/store.h"
#include "reactor/reactor.h"
#include "reactor/stop.h"
#include "reactor/task.h"
#include "snapshot/snapshot_head.h"

namespace kvorum::snapshot {

struct LoadedSnapshot {
    SnapshotHead head;
    kv::Store state;
};

// `progress_bytes`, unless null, outlives the call and counts what of the file is done.
[[nodiscard]] reactor::Task<absl::StatusOr<LoadedSnapshot>> load_snapshot(reactor::Reactor& reactor, std::string path,
                                                                          reactor::StopToken stop,
                                                                          uint64_t* progress_bytes = nullptr);
// Checksums, counts and order, without looking at what is in it.
[[nodiscard]] reactor::Task<absl::StatusOr<SnapshotHead>> verify_snapshot(reactor::Reactor& reactor, std::string path,
                                                                          reactor::StopToken stop);

}  // namespace kvorum::snapshot
