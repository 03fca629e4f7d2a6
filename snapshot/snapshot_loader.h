// Reads a snapshot file: restores a store of it, or only verifies it. The next piece is read while one is decoded.
//
//   SnapshotLoader loader(reactor, path, size_bytes);
//   absl::StatusOr<LoadedSnapshot> loaded = co_await loader.restore(&store, stop);
//
// Every checksum and count is verified (snapshot_decoder.h), and at the end of a restore that the store's state_hash()
// is that of the head. A store that was not restored whole is of no use: destroy it.
//
// Thread: the reactor's. Suspension: both calls; they yield whenever the turn's work is used up. Ownership: reactor and
// store outlive the call. Cancellation: Cancelled, soon. Errors: DataLoss, the file is damaged, with the byte and the
// reason; FailedPrecondition, of a newer program; NotFound or Unavailable, the system refused an operation.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "kv/store.h"
#include "reactor/event.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/stop.h"
#include "reactor/task.h"
#include "snapshot/snapshot_decoder.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/snapshot_head.h"

namespace kvorum::snapshot {

struct LoadedSnapshot {
    SnapshotHead head;
    uint64_t checksum = 0;  // SnapshotIdentity::checksum
    uint64_t records = 0;
    uint64_t raw_bytes = 0;
};

class SnapshotLoader {
 public:
    SnapshotLoader(reactor::Reactor& reactor, std::string path, uint64_t size_bytes);
    SnapshotLoader(const SnapshotLoader&) = delete;
    SnapshotLoader& operator=(const SnapshotLoader&) = delete;

    // One of them, once. The store is empty.
    [[nodiscard]] reactor::Task<absl::StatusOr<LoadedSnapshot>> restore(kv::Store* store, reactor::StopToken stop);
    [[nodiscard]] reactor::Task<absl::StatusOr<LoadedSnapshot>> verify(reactor::StopToken stop);
    // How much of a file from its beginning on is whole chunks without damage; 0 too when it cannot be read.
    [[nodiscard]] reactor::Task<uint64_t> find_verified_bytes(reactor::StopToken stop);

    [[nodiscard]] uint64_t bytes_read() const { return bytes_read_; }  // of size_bytes
    [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }

 private:
    struct Piece {
        AlignedBuffer buffer{kPieceBytes};
        int32_t result = 0;
    };

    reactor::Task<absl::Status> decode_file(SnapshotDecoder* decoder, reactor::StopToken stop);
    reactor::Task<absl::Status> decode_pieces(SnapshotDecoder* decoder, reactor::Handle file, reactor::StopToken stop);
    reactor::Task<absl::Status> decode_piece(SnapshotDecoder* decoder, Piece* piece, reactor::StopToken stop);
    reactor::Task<void> read_piece(reactor::Handle file, uint64_t offset, Piece* piece);
    absl::Status judge(Piece* piece) const;
    void begin_read(reactor::Handle file, uint64_t offset, Piece* piece);

    reactor::Reactor& reactor_;
    const std::string path_;
    const uint64_t size_bytes_;
    uint64_t bytes_read_ = 0;
    reactor::Event read_done_;
    reactor::TaskScope reads_;
};

}  // namespace kvorum::snapshot
