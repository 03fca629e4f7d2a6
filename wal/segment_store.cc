#include "wal/segment_store.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/mutants.h"
#include "wal/recovery.h"

namespace kvorum::wal {

using reactor::Handle;
using reactor::Task;

namespace {

constexpr uint64_t kZeroChunkBytes = 256 * kKiB;
constexpr uint32_t kFileMode = 0600;
constexpr uint64_t kDescriptorRetryNs = 10 * kMillisecondNs;

bool is_no_space(int32_t result) { return result == -ENOSPC || result == -EDQUOT; }

absl::Status io_error(const char* what, const std::string& path, int32_t result) {
    const std::string text = fmt::format("{} {}: {}", what, path, std::generic_category().message(-result));
    return is_no_space(result) ? absl::ResourceExhaustedError(text) : absl::UnavailableError(text);
}

}  // namespace

SegmentStore::SegmentStore(reactor::Reactor& reactor, const WalConfig& config)
    : reactor_(reactor),
      config_(config),
      segment_size_bytes_(config.segment_size_bytes),
      work_(reactor),
      retry_(work_),
      scope_(reactor) {}

size_t SegmentStore::slot_of(uint64_t sequence) const {
    KVORUM_ASSERT(!segments_.empty() && sequence >= segments_.front().sequence && sequence <= segments_.back().sequence,
                  "segment {}", sequence);
    return sequence - segments_.front().sequence;
}

std::string SegmentStore::path_of(uint64_t sequence) const {
    return config_.directory + "/" + config_.file_prefix + segment_file_name(sequence);
}
std::string SegmentStore::temporary_path() const {
    return config_.directory + "/" + config_.file_prefix + kTemporaryFileName;
}
int SegmentStore::open_flags() const { return O_RDWR | O_CLOEXEC | (config_.direct_io ? O_DIRECT : 0); }
uint64_t SegmentStore::next_sequence() const { return segments_.empty() ? 1 : segments_.back().sequence + 1; }

Handle SegmentStore::writable_handle(uint64_t sequence) const {
    const size_t slot = slot_of(sequence);
    KVORUM_ASSERT(slot + 1 >= live_count_ && segments_[slot].handle != reactor::kNoHandle, "segment {}", sequence);
    return segments_[slot].handle;
}

Task<absl::Status> SegmentStore::find_files() {
    const int32_t opened = co_await reactor_.open(config_.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (opened < 0) co_return io_error("open", config_.directory, opened);
    directory_ = opened;
    const auto listing = reactor_.backend().list_directory(config_.directory);
    if (!listing.ok()) co_return listing.status();
    std::vector<std::pair<uint64_t, uint64_t>> found;  // sequence, size
    for (const reactor::DirectoryEntry& file : *listing) {
        if (!file.name.starts_with(config_.file_prefix)) continue;
        const std::string_view name = std::string_view(file.name).substr(config_.file_prefix.size());
        if (name == kTemporaryFileName) {
            const int32_t removed = co_await reactor_.unlink(temporary_path());
            if (removed < 0) co_return io_error("remove", temporary_path(), removed);
        } else if (const uint64_t sequence = parse_segment_file_name(name); sequence != 0) {
            found.emplace_back(sequence, file.size_bytes);
        }
    }
    std::sort(found.begin(), found.end());
    if (!found.empty()) segment_size_bytes_ = found.front().second;
    for (const auto& [sequence, size_bytes] : found) {
        absl::Status status = check_file(sequence, size_bytes);
        if (!status.ok()) co_return status;
    }
    for (const auto& file : found) {
        absl::Status status = co_await add_durable_file(file.first);
        if (!status.ok()) co_return status;
    }
    if (!found.empty() && segment_size_bytes_ != config_.segment_size_bytes) {
        KVORUM_LOG(kWarn, "wal: {} keeps its segment size of {} bytes, the configuration says {}", config_.directory,
                   segment_size_bytes_, config_.segment_size_bytes);
    }
    absl::Status synced = co_await sync_directory();
    co_return synced;
}

absl::Status SegmentStore::check_file(uint64_t sequence, uint64_t size_bytes) const {
    const std::string name = path_of(sequence);
    if (size_bytes != segment_size_bytes_ || size_bytes == 0 || size_bytes % kBlockBytes != 0) {
        return absl::DataLossError(fmt::format("{}: {}: {} bytes where the others have {}", name,
                                               verdict_name(Verdict::kWrongSize), size_bytes, segment_size_bytes_));
    }
    return absl::OkStatus();
}

Task<absl::Status> SegmentStore::add_durable_file(uint64_t sequence) {
    const std::string path = path_of(sequence);
    if (!segments_.empty() && sequence != next_sequence()) {
        co_return absl::DataLossError(fmt::format("{}: {}: the segment before it is {}", path,
                                                  verdict_name(Verdict::kMissingSegment), segments_.back().sequence));
    }
    const absl::StatusOr<Handle> handle = co_await open_file(path);
    if (!handle.ok()) co_return handle.status();
    const int32_t synced = co_await reactor_.data_sync(*handle);
    co_await close_handle(*handle);
    if (synced < 0) co_return io_error("fdatasync", path, synced);
    segments_.push_back({sequence, reactor::kNoHandle, 0});
    co_return absl::OkStatus();
}

// A burst of clients may have taken every descriptor. They are refused and give them back; the log is worth the wait.
Task<int32_t> SegmentStore::open_when_possible(std::string path, int flags, uint32_t mode) {
    while (true) {
        const int32_t handle = co_await reactor_.open(path, flags, mode);
        if (handle != -EMFILE && handle != -ENFILE) co_return handle;
        KVORUM_LOG(kWarn, "wal: no descriptor is left to open {}: waits for one (raise ulimit -n)", path);
        const bool slept = co_await reactor_.sleep_for(kDescriptorRetryNs, scope_.stop_token());
        if (!slept) co_return handle;
    }
}

Task<absl::StatusOr<Handle>> SegmentStore::open_file(std::string path) {
    const int32_t handle = co_await open_when_possible(path, open_flags(), 0);
    if (handle == -EINVAL && config_.direct_io) {
        co_return absl::InvalidArgumentError(path + ": this file system does not support O_DIRECT");
    }
    if (handle < 0) co_return io_error("open", path, handle);
    co_return handle;
}

Task<absl::Status> SegmentStore::sync_directory() {
    if (is_mutant(Mutant::kDirSyncOmitted)) co_return absl::OkStatus();
    const int32_t synced = co_await reactor_.file_sync(directory_);
    if (synced < 0) co_return io_error("fsync", config_.directory, synced);
    co_return absl::OkStatus();
}

Task<absl::StatusOr<Handle>> SegmentStore::open_segment(uint64_t sequence) {
    absl::StatusOr<Handle> handle = co_await open_file(path_of(sequence));
    co_return handle;
}

Task<void> SegmentStore::close_segment(Handle handle) { co_await close_handle(handle); }

absl::Status SegmentStore::read_status(uint64_t sequence, int32_t result) const {
    if (result == -ENODATA) return absl::DataLossError(fmt::format("read {}: the file ends", path_of(sequence)));
    return result < 0 ? io_error("read", path_of(sequence), result) : absl::OkStatus();
}

Task<absl::Status> SegmentStore::open_log(size_t live_count) {
    KVORUM_ASSERT(live_count <= segments_.size());
    live_count_ = live_count;
    for (size_t slot = live_count == 0 ? 0 : live_count - 1; slot < segments_.size(); ++slot) {
        const absl::StatusOr<Handle> handle = co_await open_file(path_of(segments_[slot].sequence));
        if (!handle.ok()) co_return handle.status();
        segments_[slot].handle = *handle;
    }
    co_return absl::OkStatus();
}

// Two readers may open the same file at the same time; the second finds the first one's handle and takes it.
Task<absl::StatusOr<Handle>> SegmentStore::open_for_reading(uint64_t sequence) {
    KVORUM_ASSERT(segments_[slot_of(sequence)].pins > 0, "segment {} is not pinned", sequence);
    if (segments_[slot_of(sequence)].handle != reactor::kNoHandle) co_return segments_[slot_of(sequence)].handle;
    const absl::StatusOr<Handle> opened = co_await open_file(path_of(sequence));
    if (!opened.ok()) co_return opened.status();
    if (const Handle others = segments_[slot_of(sequence)].handle; others != reactor::kNoHandle) {
        co_await close_handle(*opened);
        co_return others;
    }
    segments_[slot_of(sequence)].handle = *opened;
    co_return *opened;
}

Task<absl::Status> SegmentStore::make_spare() {
    absl::Status made = co_await make_segment();
    const bool no_room = made.code() == absl::StatusCode::kResourceExhausted;
    if (no_room && !full_) KVORUM_LOG(kWarn, "wal: no room for a spare segment: {}", std::string(made.message()));
    if (no_room || made.ok()) full_ = no_room;
    co_return made;
}

Task<absl::Status> SegmentStore::make_segment() {
    const std::string path = temporary_path();
    const int32_t handle = co_await open_when_possible(path, open_flags() | O_CREAT | O_TRUNC, kFileMode);
    if (handle == -EINVAL && config_.direct_io) {
        co_return absl::InvalidArgumentError(config_.directory + ": this file system does not support O_DIRECT");
    }
    if (handle < 0) co_return io_error("create", path, handle);
    absl::Status status = co_await fill_with_zeros(handle);
    if (!status.ok()) {
        const int32_t closed = co_await reactor_.close(handle);
        const int32_t removed = co_await reactor_.unlink(path);
        if (closed < 0 || removed < 0) co_return io_error("remove", path, closed < 0 ? closed : removed);
        co_return status;
    }
    const uint64_t sequence = next_sequence();
    const int32_t renamed = co_await reactor_.rename(path, path_of(sequence));
    if (renamed < 0) co_return io_error("rename", path, renamed);
    status = co_await sync_directory();
    if (!status.ok()) co_return status;
    ++stats_.made;
    segments_.push_back({sequence, handle, 0});
    co_return absl::OkStatus();
}

Task<absl::Status> SegmentStore::fill_with_zeros(Handle handle) {
    const std::string path = temporary_path();
    const int32_t allocated = co_await reactor_.allocate(handle, 0, segment_size_bytes_);
    if (allocated < 0) co_return io_error("fallocate", path, allocated);
    if (zeros_.size() == 0) zeros_ = AlignedBuffer(std::min(kZeroChunkBytes, segment_size_bytes_));
    uint64_t offset = 0;
    while (offset < segment_size_bytes_) {
        const uint64_t length = std::min<uint64_t>(zeros_.size(), segment_size_bytes_ - offset);
        const int32_t result = co_await reactor_.write(handle, zeros_.bytes().first(length), offset);
        if (result < 0) co_return io_error("write", path, result);
        // A short write that ends inside a block cannot be continued with O_DIRECT: the block is written again.
        const uint64_t whole_blocks = static_cast<uint64_t>(result) / kBlockBytes * kBlockBytes;
        if (whole_blocks == 0) co_return io_error("write", path, -EIO);
        offset += whole_blocks;
        if (step_began_ns_.has_value()) step_began_ns_ = reactor_.now_ns();
    }
    const int32_t synced = co_await reactor_.file_sync(handle);
    if (synced < 0) co_return io_error("fsync", path, synced);
    co_return absl::OkStatus();
}

uint64_t SegmentStore::take_spare() {
    KVORUM_ASSERT(spare_ready());
    const uint64_t sequence = segments_[live_count_++].sequence;
    work_.set();
    return sequence;
}

void SegmentStore::release_before(uint64_t sequence) {
    KVORUM_ASSERT(live_count_ > 0 && sequence <= segments_[live_count_ - 1].sequence, "segment {}", sequence);
    released_before_ = std::max(released_before_, sequence);
    work_.set();
}

bool SegmentStore::has_recyclable() const {
    return live_count_ > 0 && segments_.front().sequence < released_before_ && segments_.front().pins == 0;
}

SegmentStore::Segment* SegmentStore::find_closable() {
    const auto last = segments_.begin() + static_cast<ptrdiff_t>(live_count_ == 0 ? 0 : live_count_ - 1);
    const auto found = std::find_if(segments_.begin(), last, [](const Segment& segment) {
        return segment.handle != reactor::kNoHandle && segment.pins == 0;
    });
    return found == last ? nullptr : &*found;
}

// The lowest file becomes the highest spare, or goes when there are twice as many as wanted: the surplus lets a log
// that is released as fast as it is written live on recycled files alone. The directory is synced before the next one
// is touched: the numbers that a crash leaves have no gap.
Task<absl::Status> SegmentStore::recycle_first() {
    Segment segment = segments_.front();
    segments_.pop_front();
    --live_count_;
    if (spare_count() >= size_t{2} * config_.spare_segments) {
        absl::Status deleted = co_await delete_first(segment);
        co_return deleted;
    }
    const std::string from = path_of(segment.sequence);
    const uint64_t sequence = next_sequence();
    const int32_t renamed = co_await reactor_.rename(from, path_of(sequence));
    if (renamed < 0) co_return io_error("rename", from, renamed);
    absl::Status status = co_await sync_directory();
    if (!status.ok()) co_return status;
    if (segment.handle == reactor::kNoHandle) {
        const absl::StatusOr<Handle> opened = co_await open_file(path_of(sequence));
        if (!opened.ok()) co_return opened.status();
        segment.handle = *opened;
    }
    ++stats_.recycled;
    full_ = false;
    segments_.push_back({sequence, segment.handle, 0});
    co_return absl::OkStatus();
}

Task<absl::Status> SegmentStore::delete_first(Segment segment) {
    const std::string path = path_of(segment.sequence);
    if (segment.handle != reactor::kNoHandle) co_await close_handle(segment.handle);
    const int32_t removed = co_await reactor_.unlink(path);
    if (removed < 0) co_return io_error("remove", path, removed);
    ++stats_.deleted;
    absl::Status status = co_await sync_directory();
    co_return status;
}

void SegmentStore::start_background() { scope_.spawn(maintain()); }

Task<void> SegmentStore::maintain() {
    bool try_again = false;  // although the disk was full the last time
    while (!scope_.stop_requested()) {
        const bool wants_spare = spare_count() < config_.spare_segments && (!full_ || try_again);
        if (!has_recyclable() && !wants_spare && find_closable() == nullptr) {
            work_.reset();
            if (full_) reactor_.arm(retry_, reactor_.now_ns() + config_.space_retry_ns);
            const bool woken = co_await work_.wait(scope_.stop_token());
            reactor_.cancel(retry_);
            if (!woken) co_return;
            try_again = true;
            continue;
        }
        try_again = false;
        step_began_ns_ = reactor_.now_ns();
        absl::Status status = co_await maintain_once();
        step_began_ns_.reset();
        if (!status.ok()) {
            reactor_.backend().halt(fmt::format("wal: cannot keep segments ready: {}", std::string(status.message())));
            co_return;
        }
    }
}

Task<absl::Status> SegmentStore::maintain_once() {
    if (has_recyclable()) {
        absl::Status recycled = co_await recycle_first();
        co_return recycled;
    }
    if (Segment* segment = find_closable(); segment != nullptr) {
        co_await close_handle(std::exchange(segment->handle, reactor::kNoHandle));
        co_return absl::OkStatus();
    }
    if (spare_count() >= config_.spare_segments) co_return absl::OkStatus();
    absl::Status made = co_await make_spare();
    if (made.code() == absl::StatusCode::kResourceExhausted) co_return absl::OkStatus();
    co_return made;
}

void SegmentStore::unpin(uint64_t sequence) {
    --segments_[slot_of(sequence)].pins;
    work_.set();
}

// What close() says of a file that was synced, or of one whose node is halted, changes nothing.
Task<void> SegmentStore::close_handle(Handle handle) {
    const int32_t result = co_await reactor_.close(handle);
    maybe(result < 0);
}

Task<void> SegmentStore::close_idle() {
    for (Segment& segment : segments_) {
        if (segment.handle != reactor::kNoHandle && segment.pins == 0)
            co_await close_handle(std::exchange(segment.handle, reactor::kNoHandle));
    }
}

Task<void> SegmentStore::close() {
    scope_.request_stop();
    co_await scope_.join();
    for (const Segment& segment : segments_) {
        KVORUM_ASSERT(segment.pins == 0, "segment {} is still read", segment.sequence);
        if (segment.handle != reactor::kNoHandle) co_await close_handle(segment.handle);
    }
    segments_.clear();
    live_count_ = 0;
    if (directory_ != reactor::kNoHandle) co_await close_handle(directory_);
    directory_ = reactor::kNoHandle;
}

}  // namespace kvorum::wal
