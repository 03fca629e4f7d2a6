#include "snapshot/snapshot_receiver.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/assert.h"
#include "snapshot/snapshot_format.h"

namespace kvorum::snapshot {

using reactor::StopToken;
using reactor::Task;

namespace {

constexpr uint32_t kFileMode = 0600;

}  // namespace

SnapshotReceiver::SnapshotReceiver(reactor::Reactor& reactor, std::string directory, ClusterId cluster, GroupId group,
                                   SnapshotIdentity identity)
    : reactor_(reactor),
      directory_(std::move(directory)),
      cluster_(cluster),
      group_(group),
      identity_(identity),
      path_(directory_ + "/" + receive_file_name(identity)),
      buffer_(kPieceBytes) {}

SnapshotReceiver::~SnapshotReceiver() { KVORUM_ASSERT(file_ == reactor::kNoHandle, "{} was not closed", path_); }

Task<absl::Status> SnapshotReceiver::begin(StopToken stop) {
    KVORUM_ASSERT(file_ == reactor::kNoHandle, "{} is begun twice", path_);
    if (identity_.size_bytes == 0 || identity_.size_bytes % kFileBlockBytes != 0)
        co_return absl::InvalidArgumentError(fmt::format("a snapshot of {} bytes", identity_.size_bytes));
    SnapshotLoader earlier(reactor_, path_, identity_.size_bytes);
    const uint64_t verified_bytes = co_await earlier.find_verified_bytes(stop);
    if (stop.stop_requested()) co_return absl::CancelledError("the receiving of a snapshot was stopped");
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_DIRECT;
    const int32_t opened = co_await reactor_.open(path_, flags, kFileMode);
    if (opened < 0) co_return io_error("open", path_, opened);
    file_ = opened;
    // What was read may be in a volatile cache only, left by a process that was killed.
    const int32_t synced = co_await reactor_.data_sync(file_);
    if (synced < 0) {
        const absl::Status closed = co_await close();
        static_cast<void>(closed);
        co_return io_error("fdatasync", path_, synced);
    }
    synced_bytes_ = verified_bytes / kFileBlockBytes * kFileBlockBytes;
    // So that a restart finds it.
    absl::Status status = co_await sync_directory(reactor_, directory_);
    if (!status.ok()) {
        const absl::Status closed = co_await close();
        static_cast<void>(closed);
    }
    co_return status;
}

Task<absl::Status> SnapshotReceiver::write(uint64_t offset, std::string piece) {
    KVORUM_ASSERT(file_ != reactor::kNoHandle, "{} is not open", path_);
    if (offset != synced_bytes_) {
        co_return absl::FailedPreconditionError(
            fmt::format("a piece at {}, the next one is at {}", offset, synced_bytes_));
    }
    const bool fits = !piece.empty() && piece.size() <= kPieceBytes && piece.size() % kFileBlockBytes == 0 &&
                      piece.size() <= identity_.size_bytes - synced_bytes_;
    if (!fits) co_return absl::InvalidArgumentError(fmt::format("a piece of {} bytes at {}", piece.size(), offset));
    std::memcpy(buffer_.bytes().data(), piece.data(), piece.size());
    absl::Status status =
        co_await write_piece(reactor_, file_, path_, &buffer_, piece.size(), offset, reactor::kIoDataSync);
    if (status.ok()) synced_bytes_ += piece.size();
    co_return status;
}

absl::Status SnapshotReceiver::judge(const LoadedSnapshot& loaded) const {
    const SnapshotHead& head = loaded.head;
    const SnapshotId id{head.base.last.index, head.base.last.term};
    if (loaded.checksum != identity_.checksum || id != identity_.id)
        return absl::DataLossError(fmt::format("{}: it is another snapshot than was said", path_));
    if (head.cluster != cluster_ || head.group != group_) {
        return absl::DataLossError(fmt::format("{}: it is of cluster {:016x} \"{}\", group {}", path_,
                                               head.cluster.value(), head.cluster_name, head.group));
    }
    return absl::OkStatus();
}

Task<absl::StatusOr<LoadedSnapshot>> SnapshotReceiver::finish(StopToken stop) {
    KVORUM_ASSERT(file_ != reactor::kNoHandle && all_synced(), "{} has {} bytes", path_, synced_bytes_);
    SnapshotLoader loader(reactor_, path_, identity_.size_bytes);
    absl::StatusOr<LoadedSnapshot> loaded = co_await loader.verify(stop);
    absl::Status status = loaded.ok() ? judge(*loaded) : loaded.status();
    if (!status.ok()) {
        const bool is_useless = absl::IsDataLoss(status) || absl::IsFailedPrecondition(status);
        absl::Status ended = co_await close();
        if (is_useless) ended = co_await remove_file(reactor_, path_);
        static_cast<void>(ended);
        co_return status;
    }
    const reactor::Handle file = std::exchange(file_, reactor::kNoHandle);
    const std::string to = directory_ + "/" + snapshot_file_name(identity_.id);
    status = co_await publish_file(reactor_, file, directory_, path_, to);
    if (!status.ok()) co_return status;
    co_return loaded;
}

Task<absl::Status> SnapshotReceiver::close() {
    const reactor::Handle file = std::exchange(file_, reactor::kNoHandle);
    if (file == reactor::kNoHandle) co_return absl::OkStatus();
    const int32_t closed = co_await reactor_.close(file);
    if (closed < 0) co_return io_error("close", path_, closed);
    co_return absl::OkStatus();
}

Task<absl::Status> SnapshotReceiver::abandon() {
    absl::Status status = co_await close();
    if (!status.ok()) co_return status;
    status = co_await remove_file(reactor_, path_);
    co_return status;
}

}  // namespace kvorum::snapshot
