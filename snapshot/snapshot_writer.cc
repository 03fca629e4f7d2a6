#include "snapshot/snapshot_writer.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "wal/format.h"

namespace kvorum::snapshot {

using reactor::Task;

namespace {

constexpr uint32_t kFileMode = 0600;

Task<int32_t> sync_directory(reactor::Reactor& reactor, std::string path) {
    const int32_t directory = co_await reactor.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (directory < 0) co_return directory;
    const int32_t synced = co_await reactor.file_sync(directory);
    const int32_t closed = co_await reactor.close(directory);
    co_return synced < 0 ? synced : closed;
}

}  // namespace

SnapshotWriter::SnapshotWriter(reactor::Reactor& reactor, std::string directory, raft::EntryId last,
                               std::string_view suffix)
    : reactor_(reactor),
      directory_(std::move(directory)),
      last_(last),
      path_(fmt::format("{}/{}", directory_, snapshot_file_name(last, suffix))) {}

SnapshotWriter::~SnapshotWriter() {
    KVORUM_ASSERT(file_ == reactor::kNoHandle, "the writer of {} was destroyed before it was closed", path_);
}

absl::Status SnapshotWriter::error(int32_t result) const {
    const std::string text = fmt::format("{}: {}", path_, std::generic_category().message(-result));
    return result == -ENOSPC || result == -EDQUOT ? absl::ResourceExhaustedError(text) : absl::UnavailableError(text);
}

Task<absl::StatusOr<std::unique_ptr<SnapshotWriter>>> SnapshotWriter::open(std::unique_ptr<SnapshotWriter> writer,
                                                                           int flags) {
    const int32_t file =
        co_await writer->reactor_.open(writer->path_, O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC | flags, kFileMode);
    if (file < 0) co_return writer->error(file);
    writer->file_ = file;
    co_return writer;
}

Task<absl::StatusOr<std::unique_ptr<SnapshotWriter>>> SnapshotWriter::create(reactor::Reactor& reactor,
                                                                             std::string directory, raft::EntryId last,
                                                                             std::string_view suffix) {
    std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(reactor, std::move(directory), last, suffix));
    const int32_t removed = co_await reactor.unlink(writer->path_);
    if (removed < 0 && removed != -ENOENT) co_return writer->error(removed);
    auto opened = co_await open(std::move(writer), 0);
    co_return opened;
}

Task<absl::StatusOr<std::unique_ptr<SnapshotWriter>>> SnapshotWriter::go_on(reactor::Reactor& reactor,
                                                                            std::string directory, raft::EntryId last,
                                                                            std::string_view suffix,
                                                                            uint64_t size_bytes) {
    KVORUM_ASSERT(size_bytes % kPieceBytes == 0, "{} bytes", size_bytes);
    std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(reactor, std::move(directory), last, suffix));
    writer->written_bytes_ = size_bytes;
    auto opened = co_await open(std::move(writer), 0);
    co_return opened;
}

void SnapshotWriter::take(Bytes& bytes) {
    const size_t taken = std::min(bytes.size(), room().size());
    if (taken > 0) std::memcpy(room().data(), bytes.data(), taken);
    filled(taken);
    bytes = bytes.subspan(taken);
}

Task<absl::Status> SnapshotWriter::write_piece() {
    KVORUM_ASSERT(is_full());
    absl::Status written = co_await write_out(kPieceBytes);
    co_return written;
}

Task<absl::Status> SnapshotWriter::write_out(size_t bytes) {
    size_t done = 0;
    while (done < bytes) {
        const Bytes rest = Bytes(piece_.bytes()).subspan(done, bytes - done);
        const int32_t result = co_await reactor_.write(file_, rest, written_bytes_ + done);
        if (result < 0) co_return error(result);
        // A short write ends anywhere; the next one begins where O_DIRECT can.
        const size_t step = static_cast<size_t>(result) / wal::kBlockBytes * wal::kBlockBytes;
        if (step == 0) co_return error(-EIO);
        done += step;
    }
    written_bytes_ += bytes;
    filled_bytes_ = 0;
    co_return absl::OkStatus();
}

Task<absl::Status> SnapshotWriter::seal() {
    if (filled_bytes_ > 0) {
        const size_t padded = align_up(filled_bytes_, wal::kBlockBytes);
        std::memset(piece_.bytes().data() + filled_bytes_, 0, padded - filled_bytes_);
        absl::Status written = co_await write_out(padded);
        if (!written.ok()) co_return written;
    }
    const int32_t synced = co_await reactor_.data_sync(file_);
    co_return synced < 0 ? error(synced) : absl::OkStatus();
}

Task<absl::StatusOr<SnapshotFile>> SnapshotWriter::publish() {
    const int32_t closed = co_await reactor_.close(std::exchange(file_, reactor::kNoHandle));
    if (closed < 0) co_return error(closed);
    const std::string path = fmt::format("{}/{}", directory_, snapshot_file_name(last_, kSnapshotSuffix));
    const int32_t renamed = co_await reactor_.rename(path_, path);
    if (renamed < 0) co_return error(renamed);
    const int32_t synced = co_await sync_directory(reactor_, directory_);
    if (synced < 0) co_return error(synced);
    co_return SnapshotFile{last_, path, written_bytes_};
}

Task<void> SnapshotWriter::close(bool remove) {
    if (file_ != reactor::kNoHandle) {
        const int32_t closed = co_await reactor_.close(std::exchange(file_, reactor::kNoHandle));
        maybe(closed < 0);
    }
    if (!remove) co_return;
    const int32_t removed = co_await reactor_.unlink(path_);
    maybe(removed < 0);
}

}  // namespace kvorum::snapshot
