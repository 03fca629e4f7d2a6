#include "replica/snapshotter.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace kvorum::replica {

using reactor::Task;

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
    if (saving()) {
        facts_.saved_keys = writer_->counts().records;
        facts_.preimage_bytes = writer_->counts().pre_image_bytes;
        // The store waits for that with taking the other state.
        if (applier_.restores() && !writer_stop_->stop_requested()) writer_stop_->request_stop();
        return;
    }
    if (applier_.mid_entry() || applier_.restores() || tasks_.stop_requested()) return;
    if (!requested_ && reactor_.now_ns() < look_at_ns_) return;
    look_at_ns_ = reactor_.now_ns() + kLookIntervalNs;
    if (is_due()) {
        begin();
    } else {
        release_log();
    }
}

bool Snapshotter::request() {
    if (saving() || requested_) return false;
    requested_ = true;
    retry_at_ns_ = 0;
    return true;
}

bool Snapshotter::is_due() const {
    if (applier_.last_applied().is_none() || reactor_.now_ns() < retry_at_ns_) return false;
    if (requested_) return true;
    const snapshot::SnapshotFile* newest = directory_.newest_verified();
    const LogIndex from = newest == nullptr ? LogIndex{} : newest->id.index;
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
            .moment = {}};
}

void Snapshotter::begin() {
    requested_ = false;
    const snapshot::SnapshotFile* newest = directory_.newest_verified();
    if (newest != nullptr && newest->id.index == applier_.last_applied()) {
        // Nothing happened since: it is as new as it can be.
        facts_.last_saved_wall_ms = reactor_.backend().wall_clock_ms();
        return;
    }
    writer_ = std::make_unique<snapshot::SnapshotWriter>(reactor_, config_.data_directory, store_, head());
    writer_stop_ = std::make_unique<reactor::StopSource>();
    facts_.saving = true;
    facts_.saving_since_ns = reactor_.now_ns();
    facts_.saved_keys = facts_.preimage_bytes = 0;
    KVORUM_LOG(kInfo, "snapshot: the state at index {} of term {}, {} keys, is being written", writer_->id().index,
               writer_->id().term, writer_->moment().key_count);
    tasks_.spawn(take());
}

Task<void> Snapshotter::take() {
    absl::StatusOr<snapshot::SnapshotIdentity> written = co_await write_and_verify();
    finished(written);
    writer_.reset();
    writer_stop_.reset();
}

Task<absl::StatusOr<snapshot::SnapshotIdentity>> Snapshotter::write_and_verify() {
    absl::StatusOr<snapshot::SnapshotIdentity> written = co_await writer_->run(writer_stop_->token());
    if (!written.ok()) co_return written;
    directory_.add(*written, false);
    absl::StatusOr<snapshot::LoadedSnapshot> verified = co_await directory_.verify(written->id, writer_stop_->token());
    if (absl::IsDataLoss(verified.status())) {
        absl::Status removed = co_await directory_.remove(written->id);
        maybe(!removed.ok());
    }
    if (!verified.ok()) co_return verified.status();
    absl::Status removed = co_await directory_.remove_old();
    if (!removed.ok()) co_return removed;
    co_return written;
}

void Snapshotter::finished(const absl::StatusOr<snapshot::SnapshotIdentity>& written) {
    facts_.saving = false;
    if (writer_stop_->stop_requested()) return;
    if (!written.ok()) {
        ++facts_.failed;
        facts_.last_error = std::string(written.status().message());
        retry_at_ns_ = reactor_.now_ns() + kRetryNs;
        KVORUM_LOG(kError, "snapshot: {}; the log is kept, and it is tried again in {} s", facts_.last_error,
                   kRetryNs / kSecondNs);
        return;
    }
    ++facts_.taken;
    facts_.last_error.clear();
    facts_.last_index = written->id.index;
    facts_.last_revision = writer_->moment().head.revision;
    facts_.last_bytes = written->size_bytes;
    facts_.last_saved_wall_ms = reactor_.backend().wall_clock_ms();
    facts_.last_duration_ms = (reactor_.now_ns() - facts_.saving_since_ns) / kMillisecondNs;
    facts_.preimage_bytes = writer_->counts().pre_image_bytes;
    KVORUM_LOG(kInfo, "snapshot: {} written and verified: {} bytes in {} ms, {} bytes were kept for writes meanwhile",
               directory_.path_of(written->id), written->size_bytes, facts_.last_duration_ms, facts_.preimage_bytes);
}

// What was released leaves the core only when the log on disk says so too.
void Snapshotter::release_log() {
    if (directory_.files().size() < 2) return;
    // With the one before the newest a node starts as well, should the newest be damaged.
    const LogIndex kept = directory_.files().back().id.index;
    if (raft_.status().durable_index < kept) return;
    const LogIndex behind =
        config_.snapshot_keep_log_bytes == 0 ? kept : log_.index_at_bytes_from_end(config_.snapshot_keep_log_bytes);
    const LogIndex up_to = std::min({behind, kept, applier_.last_applied()});
    if (up_to > released_to_) log_.release_prefix(released_to_ = up_to);
    const LogIndex first = log_.first_index();
    if (first > raft_.base_index() + 1) raft_.compact(first - 1);
}

Task<void> Snapshotter::stop() {
    tasks_.request_stop();
    if (writer_stop_ != nullptr) writer_stop_->request_stop();
    co_await tasks_.join();
}

}  // namespace kvorum::replica
