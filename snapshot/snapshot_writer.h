// Takes a snapshot of a store into a file while the node goes on: `snapshot-*.tmp` in pieces of 1 MiB, fdatasync,
// rename to `.kvs`, fsync of the directory. What is not whole never has the name.
//
//   SnapshotWriter writer(reactor, directory, store, head);   // between two entries: this is the moment
//   absl::StatusOr<SnapshotIdentity> written = co_await writer.run(stop);
//
// Each turn does one slice: kSliceBytes of records and as much compressing, below 100 us.
//
// Thread: the reactor's. Suspension: run(). Ownership: reactor and store outlive it; the store is not assigned to while
// it is running. Cancellation: a stop ends it soon, with Cancelled. Errors: ResourceExhausted, the disk is full;
// Unavailable, the system refused an operation. After an error or a stop the temporary file is removed, as far as the
// system lets it be, and the store is no longer watched.
// Memory: 2 pieces, what the encoder holds, and pre-images: these come as fast as old records are changed, and wait for
// the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/aligned_buffer.h"
#include "base/units.h"
#include "kv/snapshot_cursor.h"
#include "kv/store.h"
#include "reactor/reactor.h"
#include "reactor/stop.h"
#include "reactor/task.h"
#include "snapshot/snapshot_encoder.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/snapshot_head.h"

namespace kvorum::snapshot {

class SnapshotWriter {
 public:
    static constexpr uint64_t kSliceBytes = 32 * kKiB;

    // `head` but for its moment, which is now: see Store::begin_snapshot().
    SnapshotWriter(reactor::Reactor& reactor, std::string directory, kv::Store& store, SnapshotHead head);
    SnapshotWriter(const SnapshotWriter&) = delete;
    SnapshotWriter& operator=(const SnapshotWriter&) = delete;

    // Once.
    [[nodiscard]] reactor::Task<absl::StatusOr<SnapshotIdentity>> run(reactor::StopToken stop);

    [[nodiscard]] const SnapshotId& id() const { return id_; }
    [[nodiscard]] const kv::SnapshotMoment& moment() const { return moment_; }
    [[nodiscard]] const kv::SnapshotCounts& counts() const { return counts_; }
    [[nodiscard]] uint64_t raw_bytes() const { return encoder_.raw_bytes(); }
    [[nodiscard]] uint64_t bytes_written() const { return bytes_written_; }

 private:
    reactor::Task<absl::Status> write_file(reactor::Handle file, reactor::StopToken stop);
    reactor::Task<absl::Status> gather_piece(reactor::StopToken stop);
    void do_slice();

    reactor::Reactor& reactor_;
    const std::string directory_;
    const SnapshotId id_;
    SnapshotEncoder encoder_;
    std::unique_ptr<kv::SnapshotCursor> cursor_;  // until all was given
    kv::SnapshotMoment moment_;
    kv::SnapshotCounts counts_;
    bool all_packed_ = false;
    AlignedBuffer buffer_;
    uint64_t bytes_written_ = 0;
    bool begun_ = false;
};

}  // namespace kvorum::snapshot
