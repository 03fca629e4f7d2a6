#include "wal/damaged_log.h"

#include <fmt/format.h>

#include <utility>

#include "base/aligned_buffer.h"
#include "base/assert.h"
#include "wal/log_reader.h"
#include "wal/recovery.h"
#include "wal/segment_reader.h"

namespace kvorum::wal {

using reactor::Task;

Task<absl::StatusOr<std::unique_ptr<DamagedLog>>> DamagedLog::open(reactor::Reactor& reactor, WalConfig config) {
    std::unique_ptr<DamagedLog> log(new DamagedLog(reactor, std::move(config)));
    absl::Status status = co_await log->load();
    if (!status.ok()) {
        co_await log->close();
        co_return status;
    }
    co_return log;
}

Task<absl::Status> DamagedLog::load() {
    absl::Status status = co_await store_.find_files();
    if (!status.ok()) co_return status;
    PositionIndex index;
    LogScanner scanner(config_.node, index);
    SegmentReader reader(reactor_, store_);
    status = co_await reader.read_all(
        [&scanner](SegmentImage image) { return scanner.add_segment(image.sequence, image.bytes); });
    if (!status.ok()) co_return status;
    const ScanResult scan = scanner.finish();
    message_ = fmt::format("{}/{}", config_.directory, scan.message);
    if (is_accepted(scan.verdict)) co_return absl::FailedPreconditionError(message_);
    if (!scan.repairable) co_return absl::DataLossError(fmt::format("wal: {}; no file was changed", message_));
    status = co_await survey_files();
    if (!status.ok()) {
        co_return absl::DataLossError(fmt::format("wal: {}; it cannot be repaired: {}; no file was changed", message_,
                                                  std::string(status.message())));
    }
    if (end_.founding.has_value()) co_return check_founding(config_, *end_.founding, end_.group);
    co_return absl::OkStatus();
}

Task<absl::Status> DamagedLog::survey_files() {
    absl::Status surveyed;
    SegmentReader reader(reactor_, store_);
    absl::Status status = co_await reader.read_all([this, &surveyed](SegmentImage image) {
        surveyed = survey_.add_segment(image.sequence, image.bytes);
        return surveyed.ok();
    });
    if (status.ok()) status = surveyed;
    if (!status.ok()) co_return status;
    absl::StatusOr<SurveyedEnd> end = survey_.finish();
    if (!end.ok()) co_return end.status();
    end_ = *end;
    co_return absl::OkStatus();
}

Task<absl::StatusOr<std::optional<DamagedLog::Found>>> DamagedLog::find(LogIndex index, uint64_t checksum) {
    // Later runs hold what replaced earlier ones.
    for (size_t run = survey_.runs().size(); run-- > 0;) {
        const Replay& replay = survey_.runs()[run]->replay;
        if (!survey_.runs()[run]->holds(index)) continue;
        uint64_t found_checksum = replay.last().checksum;
        if (index != replay.last().index) {
            absl::StatusOr<raft::EntryList> entries = co_await read(run, index, index, 1);
            if (!entries.ok()) co_return entries.status();
            found_checksum = entries->front()->id().checksum;
        }
        if (found_checksum == checksum)
            co_return std::optional<Found>(Found{run, replay.first_index(), replay.before_first()});
    }
    co_return std::optional<Found>();
}

Task<absl::StatusOr<raft::EntryList>> DamagedLog::read(size_t run, LogIndex first, LogIndex last, uint64_t bytes_max) {
    const SoundRun& source = *survey_.runs()[run];
    KVORUM_ASSERT(source.holds(first) && source.holds(last), "entries {} to {} of run {}", first, last, run);
    const std::optional<GroupPlace> place = source.index.find(first);
    KVORUM_ASSERT(place.has_value(), "entry {} of run {}", first, run);
    ReadRange range;
    range.first = first;
    range.last = last;
    range.bytes_max = bytes_max;
    range.offset_bytes = place->offset_bytes;
    range.replacements = source.index.replacements();
    for (uint64_t sequence = place->segment_sequence; sequence <= source.last.segment_sequence; ++sequence) {
        range.segments.push_back({sequence, source.index.end_of(sequence)});
        store_.pin(sequence);
    }
    LogReader reader(reactor_, store_, std::move(range));
    absl::StatusOr<raft::EntryList> entries = co_await reader.read();
    for (uint64_t sequence = place->segment_sequence; sequence <= source.last.segment_sequence; ++sequence)
        store_.unpin(sequence);
    co_await store_.close_idle();
    co_return entries;
}

Task<void> DamagedLog::close() { co_await store_.close(); }

}  // namespace kvorum::wal
