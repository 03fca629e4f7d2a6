#include "snapshot/snapshot_directory.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/assert.h"
#include "base/log.h"
#include "wal/format.h"

namespace kvorum::snapshot {

using reactor::Task;

Task<absl::Status> SnapshotDirectory::open() {
    const auto listing = reactor_.backend().list_directory(path_);
    if (!listing.ok()) co_return listing.status();
    for (const reactor::DirectoryEntry& entry : *listing) {
        const std::string path = fmt::format("{}/{}", path_, entry.name);
        if (const auto last = parse_snapshot_file_name(entry.name, kSnapshotSuffix); last.has_value())
            files_.push_back({*last, path, entry.size_bytes});
        if (const auto last = parse_snapshot_file_name(entry.name, kFetchedSuffix); last.has_value())
            fetched_.push_back({*last, path, entry.size_bytes});
        if (parse_snapshot_file_name(entry.name, kUnfinishedSuffix).has_value()) co_await unlink(path);
    }
    std::sort(files_.begin(), files_.end(),
              [](const SnapshotFile& a, const SnapshotFile& b) { return a.last.index > b.last.index; });
    co_return absl::OkStatus();
}

Task<void> SnapshotDirectory::unlink(std::string path) {
    const int32_t removed = co_await reactor_.unlink(path);
    if (removed < 0)
        KVORUM_LOG(kWarn, "snapshot: cannot remove {}: {}", path, std::generic_category().message(-removed));
}

const SnapshotFile* SnapshotDirectory::find(const raft::EntryId& last) const {
    const auto found =
        std::find_if(files_.begin(), files_.end(), [&](const SnapshotFile& file) { return file.last == last; });
    return found == files_.end() ? nullptr : &*found;
}

uint64_t SnapshotDirectory::fetched_bytes(const raft::EntryId& last) const {
    const auto found =
        std::find_if(fetched_.begin(), fetched_.end(), [&](const SnapshotFile& file) { return file.last == last; });
    return found == fetched_.end() ? 0 : found->size_bytes;
}

Task<void> SnapshotDirectory::adopt(SnapshotFile file) {
    std::vector<SnapshotFile> before = std::exchange(files_, {std::move(file)});
    const raft::EntryId kept = files_.front().last;
    const std::vector<SnapshotFile> fetched = std::exchange(fetched_, {});
    before.insert(before.end(), fetched.begin(), fetched.end());
    for (const SnapshotFile& old : before) {
        // What was fetched in part is this file by now.
        if (old.last != kept) co_await unlink(old.path);
    }
}

Task<void> SnapshotDirectory::remove(raft::EntryId last) {
    const SnapshotFile* file = find(last);
    if (file == nullptr) co_return;
    const std::string path = file->path;
    std::erase_if(files_, [&](const SnapshotFile& each) { return each.last == last; });
    co_await unlink(path);
}

Task<absl::StatusOr<std::string>> SnapshotDirectory::read(raft::EntryId last, uint64_t offset, uint32_t bytes_max) {
    KVORUM_ASSERT(bytes_max % wal::kBlockBytes == 0, "{} bytes", bytes_max);
    const SnapshotFile* file = find(last);
    if (file == nullptr || offset % wal::kBlockBytes != 0) co_return absl::NotFoundError("no such snapshot");
    const std::string path = file->path;
    const int32_t handle = co_await reactor_.open(path, O_RDONLY | O_DIRECT | O_CLOEXEC, 0);
    if (handle < 0)
        co_return absl::NotFoundError(fmt::format("{}: {}", path, std::generic_category().message(-handle)));
    AlignedBuffer buffer(bytes_max);
    const int32_t result = co_await reactor_.read(handle, buffer.bytes(), offset);
    const int32_t closed = co_await reactor_.close(handle);
    if (result < 0 || closed < 0) {
        co_return absl::UnavailableError(
            fmt::format("{}: {}", path, std::generic_category().message(-(result < 0 ? result : closed))));
    }
    co_return std::string(as_text(Bytes(buffer.bytes()).first(static_cast<size_t>(result))));
}

}  // namespace kvorum::snapshot
