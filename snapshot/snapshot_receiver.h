// Receives a snapshot file from another node, in pieces at ascending offsets, so that a transfer that broke off goes on
// where it was, also after a restart of this node.
//
//   SnapshotReceiver receiver(reactor, directory, cluster, group, identity);
//   co_await receiver.begin(stop);                 // then tell the sender receiver.synced_bytes()
//   co_await receiver.write(offset, piece);        // ... until synced_bytes() is identity.size_bytes
//   co_await receiver.finish(stop);                // verified as a whole, and durable under its name
//
// The temporary file is named for the identity: size and checksum of the whole file. Another snapshot, also one of the
// same index from another node, is another file. What begin() finds of an earlier try is decoded from the first byte
// on, and only whole chunks without damage count: nothing is taken over that was only said to be there.
//
// Thread: the reactor's. Suspension: all calls; one at a time. Ownership: owns its file; close(), finish() or abandon()
// is awaited before it is destroyed. Errors: InvalidArgument, FailedPrecondition: what the sender sent has no place
// here, and nothing was written; DataLoss: all of it came and it is damaged or another snapshot than was said, so it
// was removed; ResourceExhausted, the disk is full; Unavailable, the system refused an operation. None ends a node.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/aligned_buffer.h"
#include "base/ids.h"
#include "reactor/reactor.h"
#include "reactor/stop.h"
#include "reactor/task.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/snapshot_loader.h"

namespace kvorum::snapshot {

class SnapshotReceiver {
 public:
    SnapshotReceiver(reactor::Reactor& reactor, std::string directory, ClusterId cluster, GroupId group,
                     SnapshotIdentity identity);
    SnapshotReceiver(const SnapshotReceiver&) = delete;
    SnapshotReceiver& operator=(const SnapshotReceiver&) = delete;
    ~SnapshotReceiver();

    [[nodiscard]] reactor::Task<absl::Status> begin(reactor::StopToken stop);
    // Everything before it is durable. The next piece begins there.
    [[nodiscard]] uint64_t synced_bytes() const { return synced_bytes_; }
    [[nodiscard]] bool all_synced() const { return synced_bytes_ == identity_.size_bytes; }
    [[nodiscard]] const SnapshotIdentity& identity() const { return identity_; }
    // At synced_bytes(), a multiple of kFileBlockBytes, at most kPieceBytes. Durable when it returns OK.
    [[nodiscard]] reactor::Task<absl::Status> write(uint64_t offset, std::string piece);
    [[nodiscard]] reactor::Task<absl::StatusOr<LoadedSnapshot>> finish(reactor::StopToken stop);
    // The file stays, for a later begin().
    [[nodiscard]] reactor::Task<absl::Status> close();
    [[nodiscard]] reactor::Task<absl::Status> abandon();

 private:
    [[nodiscard]] absl::Status judge(const LoadedSnapshot& loaded) const;

    reactor::Reactor& reactor_;
    const std::string directory_;
    const ClusterId cluster_;
    const GroupId group_;
    const SnapshotIdentity identity_;
    const std::string path_;
    reactor::Handle file_ = reactor::kNoHandle;
    AlignedBuffer buffer_;
    uint64_t synced_bytes_ = 0;
};

}  // namespace kvorum::snapshot
