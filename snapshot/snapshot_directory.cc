#include "snapshot/snapshot_directory.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "snapshot/snapshot_format.h"

namespace kvorum::snapshot {

using reactor::StopToken;
using reactor::Task;

namespace {

bool is_newer(const SnapshotFile& a, const SnapshotFile& b) { return a.id > b.id; }

// Of a snapshot that was not finished.
bool is_leftover(std::string_view name) {
    return name.ends_with(kTemporarySuffix) && (name.starts_with("snapshot-") || name.starts_with("receive-"));
}

}  // namespace

SnapshotDirectory::SnapshotDirectory(reactor::Reactor& reactor, std::string directory)
    : reactor_(reactor), directory_(std::move(directory)) {}

Task<absl::Status> SnapshotDirectory::open() {
    const auto listing = reactor_.backend().list_directory(directory_);
    if (!listing.ok()) co_return listing.status();
    files_.clear();
    interrupted_receive_.reset();
    std::vector<std::string> leftovers;
    for (const reactor::DirectoryEntry& file : *listing) {
        if (const auto id = parse_snapshot_file_name(file.name); id.has_value())
            files_.push_back({*id, file.size_bytes, std::nullopt});
        if (is_leftover(file.name)) leftovers.push_back(file.name);
        const std::optional<SnapshotIdentity> received = parse_receive_file_name(file.name);
        if (received.has_value() && (!interrupted_receive_ || received->id > interrupted_receive_->id))
            interrupted_receive_ = received;
    }
    std::sort(files_.begin(), files_.end(), is_newer);
    for (const std::string& name : leftovers) {
        if (interrupted_receive_ && name == receive_file_name(*interrupted_receive_)) continue;
        absl::Status removed = co_await remove_file(reactor_, directory_ + "/" + name);
        if (!removed.ok()) co_return removed;
    }
    // What a killed process renamed last must not be believed and lost afterwards.
    absl::Status synced = co_await sync_directory(reactor_, directory_);
    co_return synced;
}

const SnapshotFile* SnapshotDirectory::newest_verified() const {
    const auto found = std::find_if(files_.begin(), files_.end(), [](const auto& file) { return file.is_verified(); });
    return found == files_.end() ? nullptr : &*found;
}

const SnapshotFile* SnapshotDirectory::find(SnapshotId id) const {
    const auto found = std::find_if(files_.begin(), files_.end(), [&](const auto& file) { return file.id == id; });
    return found == files_.end() ? nullptr : &*found;
}

SnapshotFile* SnapshotDirectory::find_mutable(const SnapshotId& id) { return const_cast<SnapshotFile*>(find(id)); }

std::string SnapshotDirectory::path_of(const SnapshotId& id) const { return directory_ + "/" + snapshot_file_name(id); }

void SnapshotDirectory::add(const SnapshotIdentity& identity, bool was_verified) {
    std::erase_if(files_, [&](const SnapshotFile& file) { return file.id == identity.id; });
    const SnapshotFile added{identity.id, identity.size_bytes,
                             was_verified ? std::optional(identity.checksum) : std::nullopt};
    files_.insert(std::upper_bound(files_.begin(), files_.end(), added, is_newer), added);
    if (interrupted_receive_ == identity) interrupted_receive_.reset();
}

Task<absl::StatusOr<LoadedSnapshot>> SnapshotDirectory::verify(SnapshotId id, StopToken stop) {
    const SnapshotFile* file = find(id);
    if (file == nullptr) co_return absl::NotFoundError(path_of(id));
    const uint64_t size_bytes = file->size_bytes;
    SnapshotLoader loader(reactor_, path_of(id), size_bytes);
    absl::StatusOr<LoadedSnapshot> loaded = co_await loader.verify(stop);
    if (!loaded.ok()) co_return loaded;
    const raft::EntryId& last = loaded->head.base.last;
    if (SnapshotId{last.index, last.term} != id)
        co_return absl::DataLossError(
            fmt::format("{}: it is of entry {} of term {}", path_of(id), last.index, last.term));
    // Meanwhile it may have been removed, or replaced by another of the same entry.
    SnapshotFile* verified = find_mutable(id);
    if (verified != nullptr && verified->size_bytes == size_bytes) verified->checksum = loaded->checksum;
    co_return loaded;
}

Task<absl::Status> SnapshotDirectory::remove_old() {
    const SnapshotFile* newest = newest_verified();
    if (newest == nullptr) co_return absl::OkStatus();
    std::vector<SnapshotId> old;
    for (size_t i = static_cast<size_t>(newest - files_.data()) + 2; i < files_.size(); ++i)
        old.push_back(files_[i].id);
    for (const SnapshotId& id : old) {
        absl::Status removed = co_await remove(id);
        if (!removed.ok()) co_return removed;
    }
    co_return absl::OkStatus();
}

Task<absl::Status> SnapshotDirectory::remove(SnapshotId id) {
    absl::Status removed = co_await remove_file(reactor_, path_of(id));
    if (!removed.ok()) co_return removed;
    std::erase_if(files_, [&](const SnapshotFile& file) { return file.id == id; });
    absl::Status synced = co_await sync_directory(reactor_, directory_);
    co_return synced;
}

Task<absl::StatusOr<SnapshotPiece>> SnapshotDirectory::read(SnapshotId id, uint64_t offset, uint64_t bytes_max) {
    const std::string path = path_of(id);
    const SnapshotFile* known = find(id);
    if (known == nullptr) co_return absl::NotFoundError(path);
    if (offset % kFileBlockBytes != 0 || offset >= known->size_bytes)
        co_return absl::InvalidArgumentError(fmt::format("{}: nothing can be read at {}", path, offset));
    const int32_t file = co_await reactor_.open(path, O_RDONLY | O_CLOEXEC | O_DIRECT, 0);
    if (file == -ENOENT) co_return absl::NotFoundError(path);
    if (file < 0) co_return io_error("open", path, file);
    SnapshotPiece piece{AlignedBuffer(bytes_max), 0};
    const int32_t result = co_await reactor_.read(file, piece.buffer.bytes(), offset);
    const int32_t closed = co_await reactor_.close(file);
    if (result < 0 || closed < 0) co_return io_error("read", path, result < 0 ? result : closed);
    piece.size_bytes = static_cast<uint64_t>(result) / kFileBlockBytes * kFileBlockBytes;
    if (piece.size_bytes == 0) co_return absl::DataLossError(fmt::format("{}: ends at {}", path, offset));
    co_return std::move(piece);
}

}  // namespace kvorum::snapshot
