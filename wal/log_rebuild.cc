#include "wal/log_rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/assert.h"
#include "wal/log_swap.h"

namespace kvorum::wal {

using reactor::Task;

namespace {
constexpr uint64_t kCopyBytes = 1 * kMiB;
}  // namespace

// --- going back ---

void LogRebuild::end_at(raft::EntryId last) {
    last_ = next_ = last.index > base_.last.index ? last : base_.last;
    stretches_.clear();
}

void LogRebuild::begin_at(raft::LogBase base) {
    if (base.last.index <= base_.last.index) return;
    base_ = std::move(base);
    is_base_given_ = true;
    end_at(last_);
}

Task<absl::Status> LogRebuild::advance() {
    while (next_.index > base_.last.index) {
        const auto supplied = supplied_.find(Key(next_.index, next_.checksum));
        if (supplied != supplied_.end()) {
            const raft::EntryPtr& entry = supplied->second;
            stretches_.push_back({0, next_.index, next_.index, entry});
            next_ = {next_.index - 1, Term{}, entry->header().prev_checksum};
            continue;
        }
        auto found = co_await log_.find(next_.index, next_.checksum);
        if (!found.ok()) co_return found.status();
        const std::optional<DamagedLog::Found>& place = *found;
        if (!place.has_value()) co_return absl::OkStatus();
        absl::Status taken = co_await take_stretch(*place);
        if (!taken.ok()) co_return taken;
    }
    co_return check_base();
}

Task<absl::Status> LogRebuild::take_stretch(DamagedLog::Found found) {
    const LogIndex last = next_.index;
    next_ = found.before;
    if (found.first <= base_.last.index) {
        auto entries = co_await log_.read(found.run, base_.last.index, base_.last.index, 1);
        if (!entries.ok()) co_return entries.status();
        next_ = entries->front()->id();
        found.first = base_.last.index + 1;
    }
    stretches_.push_back({found.run, found.first, last, nullptr});
    co_return absl::OkStatus();
}

// The walk has come down to the base.
absl::Status LogRebuild::check_base() {
    if (base_.last.index.is_none() || next_.checksum == base_.last.checksum) return absl::OkStatus();
    if (!is_base_given_) {
        return absl::DataLossError(
            fmt::format("wal: {}; it says that it begins behind entry {} (checksum {:016x}), and its entries follow "
                        "another one ({:016x}); no file was changed",
                        log_.message(), base_.last.index, base_.last.checksum, next_.checksum));
    }
    end_at(base_.last);
    return absl::OkStatus();
}

std::optional<raft::EntryId> LogRebuild::needed() const {
    if (next_.index <= base_.last.index) return std::nullopt;
    return next_;
}

absl::Status LogRebuild::supply(raft::EntryPtr entry) {
    supplied_bytes_ += entry->encoded().size();
    if (supplied_bytes_ > kSuppliedBytesMax) {
        return absl::ResourceExhaustedError(
            fmt::format("more than {} MiB of entries are missing", kSuppliedBytesMax / kMiB));
    }
    supplied_.emplace(Key(entry->index(), entry->id().checksum), std::move(entry));
    return absl::OkStatus();
}

// --- for peers ---

Task<absl::StatusOr<raft::EntryPtr>> LogRebuild::find(LogIndex index, uint64_t checksum) {
    const auto supplied = supplied_.find(Key(index, checksum));
    if (supplied != supplied_.end()) co_return supplied->second;
    auto found = co_await log_.find(index, checksum);
    if (!found.ok()) co_return found.status();
    const std::optional<DamagedLog::Found>& place = *found;
    if (!place.has_value()) co_return raft::EntryPtr();
    auto entries = co_await log_.read(place->run, index, index, 1);
    if (!entries.ok()) co_return entries.status();
    co_return entries->front();
}

Task<absl::StatusOr<std::optional<raft::EntryId>>> LogRebuild::entry_at(LogIndex index) {
    if (index >= last_.index) co_return std::optional<raft::EntryId>(last_);
    if (index == base_.last.index) co_return std::optional<raft::EntryId>(base_.last);
    const auto holds = [index](const Stretch& stretch) { return index >= stretch.first && index <= stretch.last; };
    const auto it = std::find_if(stretches_.begin(), stretches_.end(), holds);
    if (it == stretches_.end()) co_return std::optional<raft::EntryId>();
    if (it->supplied != nullptr) co_return std::optional<raft::EntryId>(it->supplied->id());
    auto entries = co_await log_.read(it->run, index, index, 1);
    if (!entries.ok()) co_return entries.status();
    co_return std::optional<raft::EntryId>(entries->front()->id());
}

// --- writing ---

// An end that a peer gave may be of a later term. No vote was given in that one, or this node would know the term.
raft::HardState LogRebuild::hard_state() const {
    const raft::HardState& promised = log_.end().hard_state;
    return last_.term > promised.current_term ? raft::HardState{last_.term, NodeId{}, promised.longest_silence_ms}
                                              : promised;
}

Task<absl::Status> LogRebuild::write(reactor::StopToken stop) {
    KVORUM_ASSERT(!needed().has_value());
    WalConfig config = log_.config();
    config.file_prefix = kRepairFilePrefix;
    config.cluster = log_.end().cluster;
    config.group = log_.end().group;
    config.first_log_id = log_.end().log_id;
    config.first_epoch = log_.end().epoch_max + 2;  // one above that under which the repair spoke to its peers
    config.segment_size_bytes = log_.segment_size_bytes();
    config.spare_segments = 1;
    if (config.sync == SyncMethod::kCalibrate) config.sync = SyncMethod::kDataSyncPerGroup;
    absl::StatusOr<std::unique_ptr<Wal>> target = co_await Wal::open(reactor_, config);
    if (!target.ok()) co_return target.status();
    absl::Status status = co_await copy(**target, stop);
    co_await (*target)->close();
    if (!status.ok()) co_return status;
    status = co_await commit_swap(reactor_, config.directory, config.first_epoch);
    co_return status;
}

Task<absl::Status> LogRebuild::copy(Wal& target, reactor::StopToken stop) {
    target.set_durable_callback([this](uint64_t) { durable_.set(); });
    written_ = base_.last;
    if (!base_.last.index.is_none()) target.begin_at(base_);
    for (const KnownPeer& peer : known_peers_)
        target.note_peer(peer);
    const uint64_t unit = target.append(hard_state(), {});
    absl::Status status = co_await wait_durable(target, unit, stop);
    if (!status.ok()) co_return status;
    for (auto stretch = stretches_.rbegin(); stretch != stretches_.rend(); ++stretch) {
        if (stretch->supplied != nullptr) {
            status = co_await append(target, {stretch->supplied}, stop);
        } else {
            status = co_await copy_run(target, *stretch, stop);
        }
        if (!status.ok()) co_return status;
    }
    if (written_.index != last_.index || written_.checksum != last_.checksum) {
        co_return absl::DataLossError(
            fmt::format("the repaired log ends at entry {} instead of {}", written_.index, last_.index));
    }
    co_return absl::OkStatus();
}

Task<absl::Status> LogRebuild::copy_run(Wal& target, Stretch stretch, reactor::StopToken stop) {
    while (stretch.first <= stretch.last) {
        auto entries = co_await log_.read(stretch.run, stretch.first, stretch.last, kCopyBytes);
        if (!entries.ok()) co_return entries.status();
        stretch.first = entries->back()->index() + 1;
        absl::Status status = co_await append(target, std::move(*entries), stop);
        if (!status.ok()) co_return status;
    }
    co_return absl::OkStatus();
}

// Ends when everything appended is durable, so that what is held stays small.
Task<absl::Status> LogRebuild::append(Wal& target, raft::EntryList entries, reactor::StopToken stop) {
    for (const raft::EntryPtr& entry : entries) {
        if (entry->index() != written_.index + 1 || entry->header().prev_checksum != written_.checksum) {
            co_return absl::DataLossError(
                fmt::format("entry {} does not follow entry {} any more", entry->index(), written_.index));
        }
        written_ = entry->id();
    }
    const uint64_t unit = target.append(std::nullopt, std::move(entries));
    absl::Status status = co_await wait_durable(target, unit, stop);
    co_return status;
}

Task<absl::Status> LogRebuild::wait_durable(Wal& target, uint64_t unit, reactor::StopToken stop) {
    durable_.reset();
    while (target.durable_unit() < unit) {
        if (target.low_on_space()) co_return absl::ResourceExhaustedError("no room on the disk for the repaired log");
        const bool woken = co_await durable_.wait(stop);
        if (!woken) co_return absl::CancelledError("stopped");
        durable_.reset();
    }
    co_return absl::OkStatus();
}

}  // namespace kvorum::wal
