#include "wal/wal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/assert.h"
#include "base/byte_progress.h"
#include "base/log.h"
#include "wal/calibration.h"
#include "wal/group_writer.h"
#include "wal/log_reader.h"
#include "wal/log_swap.h"
#include "wal/position_index.h"
#include "wal/segment_reader.h"
#include "wal/segment_store.h"
#include "wal/storage.h"

namespace kvorum::wal {

using reactor::Task;

class Wal::Impl {
 public:
    Impl(reactor::Reactor& reactor, WalConfig config)
        : reactor_(reactor),
          config_(std::move(config)),
          store_(reactor_, config_),
          writer_(reactor_, config_, store_, index_) {
        writer_.set_progress_callback([this] { on_progress(); });
    }

    Task<absl::Status> open();
    Task<absl::StatusOr<raft::EntryList>> read(LogIndex first, LogIndex last, uint64_t bytes_max);
    Task<void> close();
    void release_prefix(LogIndex up_to);
    uint64_t begin_at(raft::LogBase base);
    [[nodiscard]] LogIndex first_index() const;
    [[nodiscard]] uint64_t bytes_behind(LogIndex index) const;
    [[nodiscard]] LogIndex index_at_bytes_from_end(uint64_t bytes) const;
    [[nodiscard]] WalStats stats() const;

    reactor::Reactor& reactor_;
    WalConfig config_;
    reactor::DeviceFacts storage_;
    PositionIndex index_;
    SegmentStore store_;
    GroupWriter writer_;
    RecoveryReport report_;
    std::function<void(uint64_t)> on_durable_;
    uint64_t reported_unit_ = 0;
    bool closed_ = false;

 private:
    [[nodiscard]] absl::Status prepare_storage();
    Task<absl::Status> start();
    Task<absl::StatusOr<GroupWriter::Start>> recover();
    Task<absl::Status> scan_files(LogScanner* scanner);
    [[nodiscard]] absl::Status check_feature_level(const raft::LogFacts& facts) const;
    void fill_report(const ScanResult& scan, const Replay& replay);
    void log_recovery(const ScanResult& scan) const;
    Task<void> choose_sync_method();
    Task<absl::Status> fill_spares();
    void on_progress();
    void try_release();
    [[nodiscard]] ReadRange plan_read(LogIndex first, LogIndex last, uint64_t bytes_max, GroupPlace place) const;
    size_t append_undurable(raft::EntryList& out, LogIndex first, LogIndex last, uint64_t bytes_max) const;

    LogIndex release_up_to_;
    // The log begins anew there once this unit is durable; what the index says until then may be of the log before.
    struct Beginning {
        uint64_t unit = 0;
        LogIndex base;
    };
    std::optional<Beginning> beginning_;
    ReadEnd last_read_;
};

// --- open ---

Task<absl::Status> Wal::Impl::open() {
    const std::vector<std::string> violations = config_.validate();
    if (!violations.empty()) co_return absl::InvalidArgumentError(fmt::format("wal: {}", fmt::join(violations, "; ")));
    absl::Status status = reactor_.backend().make_directory(config_.directory);
    if (status.ok()) status = reactor_.backend().lock_directory(config_.directory);
    if (status.ok()) status = prepare_storage();
    if (!status.ok()) co_return status;
    status = co_await start();
    if (!status.ok()) co_await close();
    co_return status;
}

absl::Status Wal::Impl::prepare_storage() {
    // First, because it decides whether direct I/O works.
    const bool in_place = reactor_.backend().disable_copy_on_write(config_.directory);
    const absl::StatusOr<reactor::DeviceFacts> facts = reactor_.backend().device_facts(config_.directory);
    if (!facts.ok()) return facts.status();
    storage_ = *facts;
    absl::Status usable = check_storage(storage_, config_.directory, config_.allow_volatile);
    if (!usable.ok()) return usable;
    if (in_place) {
        KVORUM_LOG(kInfo, "wal: {}: new segments are written in place (FS_NOCOW_FL): no copy-on-write",
                   config_.directory);
    }
    if (!storage_.volatile_because.empty()) {
        KVORUM_LOG(kWarn, "wal: {}: VOLATILE STORAGE is allowed: {}; what is acknowledged is lost with the power",
                   config_.directory, storage_.volatile_because);
    } else if (storage_.direct_io == reactor::DirectIo::kBuffered) {
        KVORUM_LOG(kWarn, "wal: {}: {} takes O_DIRECT but buffers underneath: slower syncs", config_.directory,
                   storage_.filesystem);
    }
    if (storage_.direct_io == reactor::DirectIo::kRefused) config_.direct_io = false;
    return absl::OkStatus();
}

Task<absl::Status> Wal::Impl::start() {
    absl::Status status = co_await finish_swap(reactor_, config_.directory);
    if (!status.ok()) co_return status;
    status = co_await store_.find_files();
    if (!status.ok()) co_return status;
    absl::StatusOr<GroupWriter::Start> where = co_await recover();
    if (!where.ok()) co_return where.status();
    const bool is_new = where->segment_sequence == 0;
    status = co_await store_.open_log(is_new ? 0 : where->segment_sequence - store_.first_sequence() + 1);
    if (!status.ok()) co_return status;
    if (!store_.spare_ready() && GroupWriter::needs_spare_to_open(*where, store_.segment_size_bytes())) {
        status = co_await store_.make_spare();
        if (!status.ok()) co_return status;
    }
    co_await choose_sync_method();
    const bool opened = co_await writer_.open(*where);
    if (!opened) co_return absl::UnavailableError("wal: the opening group could not be written");
    status = co_await fill_spares();
    if (!status.ok()) co_return status;
    store_.start_background();
    co_return absl::OkStatus();
}

Task<absl::StatusOr<GroupWriter::Start>> Wal::Impl::recover() {
    const uint64_t start_ns = reactor_.backend().monotonic_ns();
    LogScanner scanner(config_.node, index_);
    absl::Status loaded = co_await scan_files(&scanner);
    if (!loaded.ok()) co_return loaded;
    const ScanResult scan = scanner.finish();
    if (!is_accepted(scan.verdict)) {
        const bool foreign = scan.verdict == Verdict::kWrongCluster || scan.verdict == Verdict::kWrongNode ||
                             scan.verdict == Verdict::kUnknownVersion || scan.verdict == Verdict::kNewerLevel;
        const std::string text = fmt::format("wal: {}/{}; no file was changed", config_.directory, scan.message);
        co_return foreign ? absl::FailedPreconditionError(text) : absl::DataLossError(text);
    }
    if (const auto& founding = scanner.replay().founding(); founding.has_value()) {
        absl::Status usable = check_founding(config_, *founding, scan.last_group.group);
        if (usable.ok()) usable = check_feature_level(scanner.replay().facts());
        if (!usable.ok()) co_return usable;
    }
    fill_report(scan, scanner.replay());
    // The lowest bit only keeps it from being none.
    if (scan.verdict == Verdict::kEmpty) {
        const LogId given = config_.first_log_id;
        report_.log_id = given.is_none() ? LogId{reactor_.backend().random_seed() | 1} : given;
    }
    report_.duration_ns = reactor_.backend().monotonic_ns() - start_ns;
    log_recovery(scan);
    GroupWriter::Start start;
    start.epoch = scan.opened_and_unused ? scan.last_group.epoch : std::max(scan.epoch_max + 1, config_.first_epoch);
    report_.epoch = start.epoch;
    start.log_id = report_.log_id;
    start.founding = report_.founding;
    start.group = config_.group;
    if (scan.verdict == Verdict::kEmpty) co_return start;
    start.known_peers = report_.known_peers;
    start.facts = report_.facts;
    start.last_group = scan.last_group;
    start.segment_sequence = scan.end.segment_sequence;
    start.end_bytes = scan.end.offset_bytes;
    start.hard_state = report_.hard_state;
    start.last = report_.last;
    start.last_log_time_ms = report_.last_log_time_ms;
    start.opened = scan.opened_and_unused;
    co_return start;
}

Task<absl::Status> Wal::Impl::scan_files(LogScanner* scanner) {
    ByteProgress progress(store_.file_count() * store_.segment_size_bytes(), reactor_.backend().monotonic_ns());
    SegmentReader reader(reactor_, store_);
    absl::Status read = co_await reader.read_all([&](SegmentImage image) {
        report_.bytes_scanned += image.bytes.size();
        const bool more = scanner->add_segment(image.sequence, image.bytes);
        const auto words = progress.words_if_due(report_.bytes_scanned, reactor_.backend().monotonic_ns());
        if (words.has_value()) KVORUM_LOG(kInfo, "reading the log: {}", *words);
        return more;
    });
    co_return read;
}

// Of a raise that is not committed nobody has made use, but whoever wrote it may commit it any time.
absl::Status Wal::Impl::check_feature_level(const raft::LogFacts& facts) const {
    const auto* raise = facts.raises.last();
    const uint16_t known_level = raft::known_feature_level();
    if (raise == nullptr || raise->fact.level <= known_level) return absl::OkStatus();
    return absl::FailedPreconditionError(
        fmt::format("wal: {}: {}; no file was changed", config_.directory,
                    raft::newer_level_reason(raise->fact.level, raise->fact.raised_by, known_level)));
}

void Wal::Impl::log_recovery(const ScanResult& scan) const {
    const std::string text =
        fmt::format("wal: {}: {}; log {:016x}, term {}, last entry {}, {} groups in {} segments read in {} ms",
                    config_.directory, scan.message, report_.log_id, report_.hard_state.current_term,
                    report_.last.index, report_.groups, report_.segments, report_.duration_ns / kMillisecondNs);
    if (scan.unfinished > 0) {
        KVORUM_LOG(kWarn, "{}", text);
    } else {
        KVORUM_LOG(kInfo, "{}", text);
    }
}

void Wal::Impl::fill_report(const ScanResult& scan, const Replay& replay) {
    report_.founding = replay.founding().value_or(Founding{config_.cluster, config_.cluster_name});
    report_.facts = replay.facts();
    report_.log_id = replay.log_id();
    report_.known_peers = replay.known_peers();
    report_.hard_state = replay.hard_state();
    report_.last = replay.last();
    report_.last_log_time_ms = replay.last_log_time_ms();
    report_.first_index = replay.first_index();
    report_.base = replay.base();
    report_.before_first = replay.before_first();
    report_.terms = replay.terms();
    report_.verdict = scan.verdict;
    report_.verdict_message = scan.message;
    report_.segments = index_.segment_count();
    report_.groups = scan.groups;
    report_.entries = replay.entry_count();
    report_.entry_bytes = replay.entry_bytes();
    report_.groups_dropped = scan.unfinished;
}

Task<void> Wal::Impl::choose_sync_method() {
    std::string chosen{sync_method_name(config_.sync)};
    if (config_.sync != SyncMethod::kCalibrate) {
        writer_.set_sync_method(config_.sync);
    } else if (store_.spare_ready()) {
        const reactor::Handle scratch = store_.writable_handle(store_.first_sequence() + store_.file_count() - 1);
        const Calibration result =
            co_await calibrate(reactor_, scratch, store_.segment_size_bytes(), config_.calibration_ns);
        writer_.set_sync_method(result.method);
        chosen = result.to_string();
    }
    KVORUM_LOG(kInfo, "wal: {}: {}; {}", config_.directory, storage_.to_string(), chosen);
}

Task<absl::Status> Wal::Impl::fill_spares() {
    while (store_.spare_count() < config_.spare_segments) {
        absl::Status made = co_await store_.make_spare();
        if (made.code() == absl::StatusCode::kResourceExhausted) break;
        if (!made.ok()) co_return made;
    }
    co_return absl::OkStatus();
}

// --- progress and space ---

void Wal::Impl::on_progress() {
    if (beginning_.has_value() && writer_.durable_unit() >= beginning_->unit) {
        release_up_to_ = std::max(release_up_to_, beginning_->base);
        beginning_.reset();
    }
    try_release();
    if (writer_.durable_unit() == reported_unit_) return;
    reported_unit_ = writer_.durable_unit();
    if (on_durable_) on_durable_(reported_unit_);
}

void Wal::Impl::release_prefix(LogIndex up_to) {
    KVORUM_ASSERT(up_to <= writer_.last_appended().index, "release up to {} of a log up to {}", up_to,
                  writer_.last_appended().index);
    release_up_to_ = std::max(release_up_to_, up_to);
    try_release();
}

uint64_t Wal::Impl::begin_at(raft::LogBase base) {
    const LogIndex index = base.last.index;
    const uint64_t unit = writer_.begin_at(std::move(base));
    beginning_ = {unit, index};
    return unit;
}

void Wal::Impl::try_release() {
    if (release_up_to_.is_none()) return;
    const uint64_t before = index_.releasable_before(release_up_to_, writer_.durable_group());
    index_.drop_before(before);
    store_.release_before(before);
}

LogIndex Wal::Impl::first_index() const {
    if (beginning_.has_value()) return beginning_->base + 1;
    const LogIndex on_disk = index_.first_index();
    const LogIndex in_memory = writer_.undurable_count() > 0 ? writer_.undurable(0)->index() : LogIndex{};
    if (on_disk.is_none()) return in_memory.is_none() ? writer_.last_appended().index + 1 : in_memory;
    return in_memory.is_none() ? on_disk : std::min(on_disk, in_memory);
}

uint64_t Wal::Impl::bytes_behind(LogIndex index) const {
    return beginning_.has_value() ? 0 : index_.bytes_behind(index);
}

LogIndex Wal::Impl::index_at_bytes_from_end(uint64_t bytes) const {
    return beginning_.has_value() ? LogIndex{} : index_.index_at_bytes_from_end(bytes);
}

// --- reading ---

Task<absl::StatusOr<raft::EntryList>> Wal::Impl::read(LogIndex first, LogIndex last, uint64_t bytes_max) {
    const LogIndex newest = writer_.last_appended().index;
    if (first.is_none() || first > last || first > newest || first < first_index()) {
        co_return absl::OutOfRangeError(
            fmt::format("entries {} to {} of a log that has {} to {}", first, last, first_index(), newest));
    }
    last = std::min(last, newest);
    // What is not durable is taken from memory now, before anything can change.
    raft::EntryList tail;
    append_undurable(tail, first, last, bytes_max);
    const LogIndex memory_first = tail.empty() ? last + 1 : tail.front()->index();
    if (memory_first <= first) co_return tail;
    const LogIndex disk_last = writer_.undurable_count() > 0 ? std::min(last, writer_.undurable(0)->index() - 1) : last;
    std::optional<GroupPlace> place = index_.find(first);
    KVORUM_ASSERT(place.has_value(), "entry {} of {} to {}", first, first_index(), newest);
    ReadWindow window;
    if (last_read_.next == first) {
        place = std::max(*place, last_read_.place);
        window = std::exchange(last_read_, {}).window;
    }
    ReadRange range = plan_read(first, disk_last, bytes_max, *place);
    const uint64_t pin_first = range.segments.front().sequence;
    const uint64_t pin_last = range.segments.back().sequence;
    for (uint64_t sequence = pin_first; sequence <= pin_last; ++sequence)
        store_.pin(sequence);
    LogReader reader(reactor_, store_, std::move(range), std::move(window));
    absl::StatusOr<raft::EntryList> entries = co_await reader.read();
    if (entries.ok()) last_read_ = reader.take_end();
    for (uint64_t sequence = pin_first; sequence <= pin_last; ++sequence)
        store_.unpin(sequence);
    if (!entries.ok() || entries->back()->index() + 1 != memory_first) co_return entries;
    uint64_t bytes = 0;
    for (const raft::EntryPtr& entry : *entries)
        bytes += entry->encoded().size();
    for (raft::EntryPtr& entry : tail) {
        if (bytes >= bytes_max) break;
        bytes += entry->encoded().size();
        entries->push_back(std::move(entry));
    }
    co_return entries;
}

ReadRange Wal::Impl::plan_read(LogIndex first, LogIndex last, uint64_t bytes_max, GroupPlace place) const {
    ReadRange range;
    range.first = first;
    range.last = last;
    range.bytes_max = bytes_max;
    range.offset_bytes = place.offset_bytes;
    range.replacements = index_.replacements();
    // What is written at this moment may be old or new: none of it is looked at.
    const GroupPlace end = writer_.durable_end();
    for (uint64_t sequence = place.segment_sequence; sequence <= end.segment_sequence; ++sequence) {
        const bool is_last = sequence == end.segment_sequence;
        range.segments.push_back({sequence, is_last ? end.offset_bytes : index_.end_of(sequence)});
    }
    return range;
}

size_t Wal::Impl::append_undurable(raft::EntryList& out, LogIndex first, LogIndex last, uint64_t bytes_max) const {
    uint64_t bytes = 0;
    for (size_t i = 0; i < writer_.undurable_count(); ++i) {
        const raft::EntryPtr& entry = writer_.undurable(i);
        if (entry->index() < first || entry->index() > last) continue;
        if (!out.empty() && bytes >= bytes_max) break;
        bytes += entry->encoded().size();
        out.push_back(entry);
    }
    return out.size();
}

// --- the rest ---

WalStats Wal::Impl::stats() const {
    const GroupWriter::Stats& written = writer_.stats();
    WalStats stats;
    stats.units = written.units;
    stats.groups = written.groups;
    stats.bytes = written.bytes;
    stats.padding_bytes = written.padding_bytes;
    stats.syncs = written.syncs;
    stats.waits_for_space = written.waits_for_space;
    stats.group_latency_ns = written.group_latency_ns;
    stats.group_bytes = written.group_bytes;
    stats.method = writer_.sync_method();
    stats.registered_buffers = writer_.registered_buffers();
    stats.segments = store_.live_count();
    stats.spares = store_.spare_count();
    stats.segments_made = store_.stats().made;
    stats.segments_recycled = store_.stats().recycled;
    stats.segments_deleted = store_.stats().deleted;
    return stats;
}

Task<void> Wal::Impl::close() {
    KVORUM_ASSERT(!std::exchange(closed_, true));
    co_await writer_.stop();
    co_await store_.close();
}

Task<absl::StatusOr<std::unique_ptr<Wal>>> Wal::open(reactor::Reactor& reactor, WalConfig config) {
    auto impl = std::make_unique<Impl>(reactor, std::move(config));
    absl::Status status = co_await impl->open();
    if (!status.ok()) co_return status;
    co_return std::unique_ptr<Wal>(new Wal(std::move(impl)));
}

Wal::Wal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Wal::~Wal() = default;

const RecoveryReport& Wal::recovered() const { return impl_->report_; }
uint64_t Wal::append(std::optional<raft::HardState> hard_state, raft::EntryList entries) {
    return impl_->writer_.append(hard_state, std::move(entries));
}
uint64_t Wal::note_peer(KnownPeer peer) { return impl_->writer_.note_peer(peer); }
uint64_t Wal::begin_at(raft::LogBase base) { return impl_->begin_at(std::move(base)); }
void Wal::set_durable_callback(std::function<void(uint64_t unit_id)> callback) {
    impl_->on_durable_ = std::move(callback);
}
uint64_t Wal::durable_unit() const { return impl_->writer_.durable_unit(); }
bool Wal::busy() const { return impl_->writer_.busy(); }
uint32_t Wal::groups_in_flight() const { return impl_->writer_.groups_in_flight(); }
uint64_t Wal::oldest_unsynced_ns(uint64_t now_ns) const {
    const uint64_t oldest_ns = impl_->writer_.oldest_unsynced_ns(now_ns);
    return impl_->store_.low_on_space() ? std::max(oldest_ns, impl_->store_.step_ns(now_ns)) : oldest_ns;
}
uint64_t Wal::last_sync_ns() const { return impl_->writer_.last_sync_ns(); }
bool Wal::is_stalled(uint64_t now_ns) const { return oldest_unsynced_ns(now_ns) > impl_->config_.stall_limit_ns; }
LogIndex Wal::first_index() const { return impl_->first_index(); }
LogIndex Wal::last_index() const { return impl_->writer_.last_appended().index; }
const raft::EntryId& Wal::last() const { return impl_->writer_.last_appended(); }
uint64_t Wal::bytes_behind(LogIndex index) const { return impl_->bytes_behind(index); }
LogIndex Wal::index_at_bytes_from_end(uint64_t bytes) const { return impl_->index_at_bytes_from_end(bytes); }
Task<absl::StatusOr<raft::EntryList>> Wal::read(LogIndex first, LogIndex last, uint64_t bytes_max) {
    return impl_->read(first, last, bytes_max);
}
void Wal::release_prefix(LogIndex up_to) { impl_->release_prefix(up_to); }
bool Wal::low_on_space() const { return impl_->store_.low_on_space(); }
WalStats Wal::stats() const { return impl_->stats(); }
const reactor::DeviceFacts& Wal::storage() const { return impl_->storage_; }
Task<void> Wal::close() { return impl_->close(); }

}  // namespace kvorum::wal
