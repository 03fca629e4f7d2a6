// The snapshots of a data directory: which there are, which were verified, and which go.
//
// Kept are the newest that was verified, the one before it, and everything newer: so there is always a snapshot that is
// known to be whole, and another should the disk damage it. A file that is not kept is removed for good.
//
// The directory is listed once, by open(): what is written or received later is told by add().
//
// Thread: the reactor's. Suspension: what returns a Task. Ownership: none of the files is held open, so read() of one
// that was removed meanwhile is NotFound. Errors: Unavailable, the system refused an operation; DataLoss of verify().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/aligned_buffer.h"
#include "reactor/reactor.h"
#include "reactor/stop.h"
#include "reactor/task.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/snapshot_loader.h"

namespace kvorum::snapshot {

struct SnapshotFile {
    SnapshotId id{};
    uint64_t size_bytes = 0;
    std::optional<uint64_t> checksum{};  // SnapshotIdentity::checksum; known: it was verified as a whole

    [[nodiscard]] bool is_verified() const { return checksum.has_value(); }
};

struct SnapshotPiece {
    AlignedBuffer buffer;
    uint64_t size_bytes = 0;
};

class SnapshotDirectory {
 public:
    SnapshotDirectory(reactor::Reactor& reactor, std::string directory);

    // At the start, before anything is written there: lists the files and removes what was being written or received,
    // but for the newest that was being received.
    [[nodiscard]] reactor::Task<absl::Status> open();
    [[nodiscard]] const std::vector<SnapshotFile>& files() const { return files_; }  // the newest first
    [[nodiscard]] const SnapshotFile* newest_verified() const;                       // null: none
    [[nodiscard]] const SnapshotFile* find(SnapshotId id) const;
    [[nodiscard]] std::string path_of(const SnapshotId& id) const;
    // What open() left of a transfer that broke off.
    [[nodiscard]] const std::optional<SnapshotIdentity>& interrupted_receive() const { return interrupted_receive_; }

    // It is durable under its name. `was_verified`: somebody has read it back since.
    void add(const SnapshotIdentity& identity, bool was_verified);
    // Reads it, whole. DataLoss: it is damaged, and stays what it is: the caller decides.
    [[nodiscard]] reactor::Task<absl::StatusOr<LoadedSnapshot>> verify(SnapshotId id, reactor::StopToken stop);
    // What is older than the two that are kept. Without a verified one nothing goes.
    [[nodiscard]] reactor::Task<absl::Status> remove_old();
    [[nodiscard]] reactor::Task<absl::Status> remove(SnapshotId id);
    // `offset` and `bytes_max` are multiples of kFileBlockBytes; so many bytes, or what is left from there on.
    [[nodiscard]] reactor::Task<absl::StatusOr<SnapshotPiece>> read(SnapshotId id, uint64_t offset,
                                                                    uint64_t bytes_max = kPieceBytes);

 private:
    [[nodiscard]] SnapshotFile* find_mutable(const SnapshotId& id);

    reactor::Reactor& reactor_;
    const std::string directory_;
    std::vector<SnapshotFile> files_;
    std::optional<SnapshotIdentity> interrupted_receive_;
};

}  // namespace kvorum::snapshot
