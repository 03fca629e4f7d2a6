// Writes one snapshot's file: under a name that does not count, whole and durable, and only then under its own.
//
// The order that makes it safe (reliability of renames): all bytes, fdatasync, verification by whoever calls, rename,
// fsync of the directory. A crash in between leaves a file that nobody takes for a snapshot.
//
// Thread: the reactor's. Suspension: everything but the questions; one call at a time. Ownership: the reactor outlives
// the writer; close() or publish() must end before it is destroyed. Errors: ResourceExhausted when the disk is full,
// Unavailable for anything else that the system refused; nothing here ends the node. O_DIRECT, in pieces of
// kPieceBytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/aligned_buffer.h"
#include "base/bytes.h"
#include "base/units.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "snapshot/snapshot_file.h"

namespace kvorum::snapshot {

class SnapshotWriter {
 public:
    static constexpr size_t kPieceBytes = 1 * kMiB;

    // Of a new file; what was under its name is gone.
    [[nodiscard]] static reactor::Task<absl::StatusOr<std::unique_ptr<SnapshotWriter>>> create(
        reactor::Reactor& reactor, std::string directory, raft::EntryId last, std::string_view suffix);
    // Of one that a process before has begun, behind its `size_bytes`, a multiple of kPieceBytes.
    [[nodiscard]] static reactor::Task<absl::StatusOr<std::unique_ptr<SnapshotWriter>>> go_on(reactor::Reactor& reactor,
                                                                                              std::string directory,
                                                                                              raft::EntryId last,
                                                                                              std::string_view suffix,
                                                                                              uint64_t size_bytes);
    ~SnapshotWriter();
    SnapshotWriter(const SnapshotWriter&) = delete;
    SnapshotWriter& operator=(const SnapshotWriter&) = delete;

    // Where the next bytes go, until a piece is full: then it must be written before more are taken.
    [[nodiscard]] MutableBytes room() { return piece_.bytes().subspan(filled_bytes_); }
    void filled(size_t bytes) { filled_bytes_ += bytes; }
    // Takes bytes from the front of `bytes` as far as there is room.
    void take(Bytes& bytes);
    [[nodiscard]] bool is_full() const { return filled_bytes_ == kPieceBytes; }
    [[nodiscard]] reactor::Task<absl::Status> write_piece();
    // The last piece, padded with zeros to a whole block; durable.
    [[nodiscard]] reactor::Task<absl::Status> seal();
    // Of a sealed file that is sound.
    [[nodiscard]] reactor::Task<absl::StatusOr<SnapshotFile>> publish();
    // Without publish(): closes the file and removes it, or leaves it to go on with later.
    [[nodiscard]] reactor::Task<void> close(bool remove);

    [[nodiscard]] uint64_t size_bytes() const { return written_bytes_ + filled_bytes_; }
    [[nodiscard]] const std::string& path() const { return path_; }

 private:
    SnapshotWriter(reactor::Reactor& reactor, std::string directory, raft::EntryId last, std::string_view suffix);
    [[nodiscard]] static reactor::Task<absl::StatusOr<std::unique_ptr<SnapshotWriter>>> open(
        std::unique_ptr<SnapshotWriter> writer, int flags);
    [[nodiscard]] reactor::Task<absl::Status> write_out(size_t bytes);
    [[nodiscard]] absl::Status error(int32_t result) const;

    reactor::Reactor& reactor_;
    const std::string directory_;
    const raft::EntryId last_;
    const std::string path_;
    reactor::Handle file_ = reactor::kNoHandle;
    AlignedBuffer piece_{kPieceBytes};
    size_t filled_bytes_ = 0;
    uint64_t written_bytes_ = 0;
};

}  // namespace kvorum::snapshot
