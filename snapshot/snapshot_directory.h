// The snapshots that lie in a node's data directory, newest first.
//
// Thread: the reactor's. Suspension: those that return tasks. Errors: Unavailable, what the system refused; NotFound: a
// snapshot that is not there any more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "snapshot/snapshot_file.h"

namespace kvorum::snapshot {

class SnapshotDirectory {
 public:
    SnapshotDirectory(reactor::Reactor& reactor, std::string path) : reactor_(reactor), path_(std::move(path)) {}

    // Once, before anything is asked. What a process before did not finish writing is removed; what it did not finish
    // fetching stays.
    [[nodiscard]] reactor::Task<absl::Status> open();

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const std::vector<SnapshotFile>& files() const { return files_; }
    [[nodiscard]] const SnapshotFile* newest() const { return files_.empty() ? nullptr : &files_.front(); }
    // How much of this one was fetched before; 0: nothing.
    [[nodiscard]] uint64_t fetched_bytes(const raft::EntryId& last) const;

    // `file` was published, and is sound: those before it are removed, and what was fetched of others.
    [[nodiscard]] reactor::Task<void> adopt(SnapshotFile file);
    // One that is damaged.
    [[nodiscard]] reactor::Task<void> remove(raft::EntryId last);
    // Up to `bytes_max` bytes from `offset`, a multiple of the block size. None at its end.
    [[nodiscard]] reactor::Task<absl::StatusOr<std::string>> read(raft::EntryId last, uint64_t offset,
                                                                  uint32_t bytes_max);

 private:
    [[nodiscard]] const SnapshotFile* find(const raft::EntryId& last) const;
    [[nodiscard]] reactor::Task<void> unlink(std::string path);

    reactor::Reactor& reactor_;
    const std::string path_;
    std::vector<SnapshotFile> files_;
    std::vector<SnapshotFile> fetched_;  // in part
};

}  // namespace kvorum::snapshot
