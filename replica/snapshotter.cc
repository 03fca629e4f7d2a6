#include "replica/snapshotter.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "snapshot/snapshot_loader.h"

namespace kvorum::replica {

using reactor::Task;

namespace {

constexpr uint64_t kWorkPerByte = 3;  // to copy, pack and sum one

}  // namespace

Snapshotter::Snapshotter(reactor::Reactor& reactor, const NodeConfig& config, ClusterId cluster, LogPort& log,
                         kv::Store& store, raft::Raft& raft, const Applier& applier,
                         snapshot::SnapshotDirectory& directory, SnapshotFacts& facts)
    : reactor_(reactor),
      config_(config),
      cluster_(cluster),
      log_(log),
      store_(store),
      raft_(raft),
      applier_(applier),
      directory_(directory),
      facts_(facts),
      tasks_(reactor) {}

Snapshotter::~Snapshotter() = default;

void Snapshotter::run_turn() {
    facts_.log_first_index = log_.first_index();
    if (saving() || applier_.mid_entry() || applier_.restores() || tasks_.stop_requested()) return;
    if (is_due()) {
        begin();
    } else {
        release_log();
    }
}

bool Snapshotter::request() {
    if (saving()) return false;
    requested_ = true;
    retry_at_ns_ = 0;
    return true;
}

bool Snapshotter::is_due() const {
    if (applier_.last_applied().is_none() || reactor_.now_ns() < retry_at_ns_) return false;
    if (requested_) return true;
    const snapshot::SnapshotFile* newest = directory_.newest();
    const LogIndex from = newest == nullptr ? LogIndex{} : newest->last.index;
    if (applier_.last_applied() <= from) return false;
    const uint64_t size_bytes = newest == nullptr ? 0 : newest->size_bytes;
    return log_.bytes_behind(from) >= std::max(config_.snapshot_log_bytes, size_bytes);
}

snapshot::SnapshotHead Snapshotter::head() const {
    return {.cluster = cluster_,
            .cluster_name = config_.cluster_name,
            .group = kFirstGroup,
            .node = config_.id,
            .base = raft_.log_base_at(applier_.last_applied_id(), store_.log_time_ms()),
            .moment = cursor_->moment()};
}

void Snapshotter::begin() {
    requested_ = abandoned_ = false;
    const raft::EntryId last = applier_.last_applied_id();
    if (const auto* newest = directory_.newest(); newest != nullptr && newest->last == last) {
        // Nothing happened since: it is as new as it can be.
        facts_.last_saved_wall_ms = reactor_.backend().wall_clock_ms();
        return;
    }
    encoder_ = std::make_unique<snapshot::SnapshotEncoder>();
    cursor_ = store_.begin_snapshot(*encoder_);
    encoder_->begin(head());
    revision_ = store_.revision();
    facts_.saving = true;
    facts_.saving_since_ns = reactor_.now_ns();
    facts_.saved_keys = facts_.preimage_bytes = 0;
    tasks_.spawn(take(last));
}

Task<void> Snapshotter::take(raft::EntryId last) {
    KVORUM_LOG(kInfo, "snapshot: the state at index {} of term {}, {} keys, is being written", last.index, last.term,
               cursor_->moment().key_count);
    absl::StatusOr<snapshot::SnapshotFile> file = co_await write(last);
    cursor_.reset();
    encoder_.reset();
    if (file.ok()) co_await directory_.adopt(*file);
    finished(file);
}

void Snapshotter::finished(const absl::StatusOr<snapshot::SnapshotFile>& file) {
    const uint64_t duration_ns = reactor_.now_ns() - facts_.saving_since_ns;
    facts_.saving = false;
    if (tasks_.stop_requested() || abandoned_) return;
    if (!file.ok()) {
        ++facts_.failed;
        facts_.last_error = std::string(file.status().message());
        retry_at_ns_ = reactor_.now_ns() + kRetryNs;
        KVORUM_LOG(kError, "snapshot: {}; the log is kept, and it is tried again in {} s", facts_.last_error,
                   kRetryNs / kSecondNs);
        return;
    }
    ++facts_.taken;
    facts_.last_error.clear();
    facts_.last_index = file->last.index;
    facts_.last_revision = revision_;
    facts_.last_bytes = file->size_bytes;
    facts_.last_saved_wall_ms = reactor_.backend().wall_clock_ms();
    facts_.last_duration_ms = duration_ns / kMillisecondNs;
    KVORUM_LOG(kInfo, "snapshot: {} written and verified: {} bytes in {} ms, {} bytes were kept for writes meanwhile",
               file->path, file->size_bytes, facts_.last_duration_ms, facts_.preimage_bytes);
}

Task<absl::StatusOr<snapshot::SnapshotFile>> Snapshotter::write(raft::EntryId last) {
    auto created =
        co_await snapshot::SnapshotWriter::create(reactor_, directory_.path(), last, snapshot::kUnfinishedSuffix);
    if (!created.ok()) co_return created.status();
    snapshot::SnapshotWriter& writer = **created;
    absl::Status status = co_await write_records(writer);
    if (status.ok()) status = co_await writer.seal();
    if (status.ok()) {
        auto verified = co_await snapshot::verify_snapshot(reactor_, writer.path(), tasks_.stop_token());
        status = verified.status();
    }
    if (!status.ok()) {
        co_await writer.close(true);
        co_return status;
    }
    auto file = co_await writer.publish();
    if (!file.ok()) co_await writer.close(true);
    co_return file;
}

Task<absl::Status> Snapshotter::write_records(snapshot::SnapshotWriter& writer) {
    for (bool finished = false, done = false; !done;) {
        if (tasks_.stop_requested() || abandoned_) co_return absl::CancelledError("given up");
        if (!finished && cursor_->advance(kSliceBytes)) {
            encoder_->finish();
            finished = true;
        }
        const uint64_t waiting_bytes = encoder_->raw_bytes_waiting();
        // Pre-images come beside what the cursor gives.
        const bool packed = encoder_->pack(2 * kSliceBytes);
        reactor_.work().add(TurnPart::kSnapshot, std::min(waiting_bytes, 2 * kSliceBytes) * kWorkPerByte);
        done = finished && packed;
        facts_.saved_keys = cursor_->counts().records;
        facts_.preimage_bytes = cursor_->counts().pre_image_bytes;
        absl::Status written = co_await write_whole_chunks(writer);
        if (!written.ok()) co_return written;
        if (!done) co_await reactor_.yield();
    }
    co_return absl::OkStatus();
}

Task<absl::Status> Snapshotter::write_whole_chunks(snapshot::SnapshotWriter& writer) {
    while (encoder_->bytes_to_take() > 0) {
        writer.filled(encoder_->take(writer.room()));
        if (!writer.is_full()) continue;
        absl::Status written = co_await writer.write_piece();
        if (!written.ok()) co_return written;
    }
    co_return absl::OkStatus();
}

// What was released leaves the core only when the log on disk says so too.
void Snapshotter::release_log() {
    const snapshot::SnapshotFile* newest = directory_.newest();
    if (newest == nullptr || reactor_.now_ns() < release_at_ns_) return;
    release_at_ns_ = reactor_.now_ns() + kReleaseIntervalNs;
    if (raft_.status().durable_index < newest->last.index) return;
    const LogIndex behind = config_.snapshot_keep_log_bytes == 0
                                ? newest->last.index
                                : log_.index_at_bytes_from_end(config_.snapshot_keep_log_bytes);
    const LogIndex up_to = std::min({behind, newest->last.index, applier_.last_applied()});
    if (up_to > released_to_) log_.release_prefix(released_to_ = up_to);
    const LogIndex first = log_.first_index();
    if (first > raft_.base_index() + 1) raft_.compact(first - 1);
}

Task<void> Snapshotter::stop() {
    tasks_.request_stop();
    co_await tasks_.join();
}

}  // namespace kvorum::replica
