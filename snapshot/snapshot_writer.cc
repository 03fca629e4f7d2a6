#include "snapshot/snapshot_writer.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/turn_work.h"

namespace kvorum::snapshot {

using reactor::Handle;
using reactor::StopToken;
using reactor::Task;

namespace {

constexpr uint32_t kFileMode = 0600;
// zstd at its first level, in the unit of base/turn_work.h.
constexpr uint64_t kPackedBytesPerWork = 1;
constexpr uint64_t kWalkedBytesPerWork = 2;

}  // namespace

SnapshotWriter::SnapshotWriter(reactor::Reactor& reactor, std::string directory, kv::Store& store, SnapshotHead head)
    : reactor_(reactor),
      directory_(std::move(directory)),
      id_{head.base.last.index, head.base.last.term},
      cursor_(store.begin_snapshot(encoder_)),
      moment_(cursor_->moment()),
      buffer_(kPieceBytes) {
    head.moment = moment_;
    encoder_.begin(head);
}

Task<absl::StatusOr<SnapshotIdentity>> SnapshotWriter::run(StopToken stop) {
    KVORUM_ASSERT(!begun_, "a snapshot is written twice");
    begun_ = true;
    const std::string temporary = directory_ + "/" + temporary_file_name(id_);
    const std::string final_path = directory_ + "/" + snapshot_file_name(id_);
    const int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_DIRECT;
    const int32_t file = co_await reactor_.open(temporary, flags, kFileMode);
    if (file < 0) {
        cursor_.reset();
        co_return io_error("open", temporary, file);
    }
    absl::Status status = co_await write_file(file, stop);
    cursor_.reset();
    if (status.ok()) {
        status = co_await publish_file(reactor_, file, directory_, temporary, final_path);
    } else {
        const int32_t closed = co_await reactor_.close(file);
        static_cast<void>(closed);
    }
    if (!status.ok()) {
        // What cannot be removed now is removed at the next start.
        const absl::Status removed = co_await remove_file(reactor_, temporary);
        static_cast<void>(removed);
        co_return status;
    }
    co_return SnapshotIdentity{id_, bytes_written_, encoder_.file_checksum()};
}

Task<absl::Status> SnapshotWriter::write_file(Handle file, StopToken stop) {
    while (!all_packed_ || encoder_.bytes_to_take() > 0) {
        absl::Status status = co_await gather_piece(stop);
        if (!status.ok()) co_return status;
        const uint64_t size_bytes = encoder_.take(buffer_.bytes());
        status =
            co_await write_piece(reactor_, file, temporary_file_name(id_), &buffer_, size_bytes, bytes_written_, 0);
        if (!status.ok()) co_return status;
        bytes_written_ += size_bytes;
    }
    co_return absl::OkStatus();
}

Task<absl::Status> SnapshotWriter::gather_piece(StopToken stop) {
    while (!all_packed_ && encoder_.bytes_to_take() < kPieceBytes) {
        if (stop.stop_requested()) co_return absl::CancelledError("the snapshot was stopped");
        do_slice();
        co_await reactor_.yield();
    }
    if (stop.stop_requested()) co_return absl::CancelledError("the snapshot was stopped");
    co_return absl::OkStatus();
}

void SnapshotWriter::do_slice() {
    if (cursor_ != nullptr && encoder_.raw_bytes_waiting() < 2 * kSliceBytes) {
        const bool complete = cursor_->advance(kSliceBytes);
        counts_ = cursor_->counts();
        reactor_.work().add(TurnPart::kWalk, kSliceBytes / kWalkedBytesPerWork);
        if (complete) {
            cursor_.reset();
            encoder_.finish();
        }
    }
    const uint64_t waiting = encoder_.raw_bytes_waiting();
    const bool packed = encoder_.pack(kSliceBytes);
    reactor_.work().add(TurnPart::kOther, (waiting - encoder_.raw_bytes_waiting()) / kPackedBytesPerWork);
    all_packed_ = packed && cursor_ == nullptr;
}

}  // namespace kvorum::snapshot
