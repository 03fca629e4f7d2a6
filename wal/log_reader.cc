#include "wal/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/units.h"
#include "wal/recovery.h"

namespace kvorum::wal {

using reactor::Task;

namespace {
constexpr uint64_t kWindowBytesMin = 64 * kKiB;
}  // namespace

bool LogReader::done() const {
    return !entries_.empty() && (entries_.back()->index() >= range_.last || entry_bytes_ >= range_.bytes_max);
}

absl::Status LogReader::damage(const char* what) const {
    return absl::DataLossError(
        fmt::format("{} offset {}: {}", segment_file_name(header_.segment_sequence), header_.offset_bytes, what));
}

MutableBytes ReadWindow::from(GroupPlace place) {
    const bool inside = place.segment_sequence == segment_sequence && place.offset_bytes >= offset_bytes &&
                        place.offset_bytes < offset_bytes + size_bytes;
    if (!inside) return {};
    const uint64_t at = place.offset_bytes - offset_bytes;
    return buffer.bytes().subspan(at, size_bytes - at);
}

Task<absl::StatusOr<raft::EntryList>> LogReader::read() {
    uint64_t offset = range_.offset_bytes;
    for (const ReadRange::Segment& segment : range_.segments) {
        while (!done() && offset < segment.end_bytes) {
            absl::Status status = co_await load_group(segment, offset);
            if (status.ok()) status = take_group();
            if (!status.ok()) co_return status;
            offset += header_.size_bytes();
        }
        offset = 0;
    }
    if (!done()) co_return absl::DataLossError(fmt::format("entry {} is not where it was written", range_.first));
    next_ = entries_.back()->index() + 1;
    co_return std::move(entries_);
}

ReadEnd LogReader::take_end() {
    KVORUM_ASSERT(!next_.is_none());
    return {next_, end_, std::move(window_)};
}

// Reads ahead in windows; a group that reaches beyond the window starts the next one.
Task<absl::Status> LogReader::load_group(ReadRange::Segment segment, uint64_t offset_bytes) {
    const GroupPlace place{segment.sequence, offset_bytes};
    if (window_.from(place).empty()) {
        absl::Status loaded = co_await load(segment, offset_bytes, window_bytes());
        if (!loaded.ok()) co_return loaded;
    }
    const GroupError error = decode_group_header(window_.from(place), header_);
    const bool belongs = error == GroupError::kNone && header_.segment_sequence == segment.sequence &&
                         header_.offset_bytes == offset_bytes;
    if (!belongs || offset_bytes + header_.size_bytes() > segment.end_bytes) {
        header_.segment_sequence = segment.sequence;
        header_.offset_bytes = offset_bytes;
        co_return damage("no group of this log where one was written");
    }
    if (header_.size_bytes() > window_.from(place).size()) {
        absl::Status loaded = co_await load(segment, offset_bytes, std::max(header_.size_bytes(), window_bytes()));
        if (!loaded.ok()) co_return loaded;
    }
    const std::optional<Bytes> records = group_records(header_, window_.from(place));
    if (!records.has_value()) co_return damage("the records of a group do not match its checksum");
    records_ = *records;
    co_return absl::OkStatus();
}

uint64_t LogReader::window_bytes() const {
    return align_up(std::clamp(range_.bytes_max, kWindowBytesMin, kReadWindowBytesMax), kBlockBytes);
}

// Makes a window that begins at `offset_bytes` and holds `length_bytes` at least, if the segment has as many.
Task<absl::Status> LogReader::load(ReadRange::Segment segment, uint64_t offset_bytes, uint64_t length_bytes) {
    const uint64_t length = std::min(length_bytes, segment.end_bytes - offset_bytes);
    const uint64_t kept = make_room({segment.sequence, offset_bytes}, length);
    const absl::StatusOr<reactor::Handle> handle = co_await store_.open_for_reading(segment.sequence);
    if (!handle.ok()) co_return handle.status();
    file_.begin(*handle, window_.buffer.bytes().subspan(kept, length - kept), offset_bytes + kept);
    const int32_t result = co_await file_.join();
    if (result < 0) {
        const std::string why = result == -ENODATA ? "the file ends" : std::generic_category().message(-result);
        co_return absl::DataLossError(
            fmt::format("read {} offset {}: {}", segment_file_name(segment.sequence), offset_bytes, why));
    }
    window_.size_bytes = length;
    co_return absl::OkStatus();
}

// Moves what the window has from `place` on to the front of one that can hold `length_bytes`; returns how much that is.
uint64_t LogReader::make_room(GroupPlace place, uint64_t length_bytes) {
    const MutableBytes kept = window_.from(place);
    KVORUM_ASSERT(kept.size() < length_bytes, "{} bytes are there, {} are wanted", kept.size(), length_bytes);
    if (window_.buffer.size() < length_bytes) {
        AlignedBuffer larger(std::max(length_bytes, kWindowBytesMin));
        std::copy(kept.begin(), kept.end(), larger.bytes().begin());
        window_.buffer = std::move(larger);
    } else {
        std::copy(kept.begin(), kept.end(), window_.buffer.bytes().begin());
    }
    window_.segment_sequence = place.segment_sequence;
    window_.offset_bytes = place.offset_bytes;
    window_.size_bytes = kept.size();
    return kept.size();
}

absl::Status LogReader::take_group() {
    RecordCursor cursor(records_);
    uint32_t number = 0;
    for (auto record = cursor.next(); record.has_value() && !done(); record = cursor.next()) {
        absl::Status status = take_record(*record, {header_.group_sequence, number});
        if (!status.ok()) return status;
        ++number;
    }
    end_ = {header_.segment_sequence, header_.offset_bytes};
    if (number == header_.record_count) end_.offset_bytes += header_.size_bytes();
    return cursor.malformed() ? damage("a group with unreadable records") : absl::OkStatus();
}

absl::Status LogReader::take_record(const Record& record, LogPosition position) {
    switch (record.kind) {
        case RecordKind::kSegmentHead:
        case RecordKind::kHardState:
        case RecordKind::kKnownPeer:
        case RecordKind::kFounding:
        case RecordKind::kConfiguration:
        case RecordKind::kFeatureLevel:
        case RecordKind::kBase: return absl::OkStatus();
        case RecordKind::kEntry:
            return wanted(record.payload, position) ? take_entry(record.payload) : absl::OkStatus();
        case RecordKind::kEntryFirst:
            collecting_ = wanted(record.payload, position);
            assembler_ = {};
            break;
        case RecordKind::kEntryMiddle:
        case RecordKind::kEntryLast: break;
    }
    return collecting_ ? take_piece(record) : absl::OkStatus();
}

absl::Status LogReader::take_piece(const Record& record) {
    Bytes piece = record.payload;
    raft::EntryPtr entry;
    const raft::EntryParseError error = assembler_.take(piece, entry);
    collecting_ = record.kind != RecordKind::kEntryLast;
    const raft::EntryParseError expected = collecting_ ? raft::EntryParseError::kShort : raft::EntryParseError::kNone;
    if (error != expected || !piece.empty()) return damage("the pieces of an entry do not match its checksum");
    if (entry != nullptr) add_entry(std::move(entry));
    return absl::OkStatus();
}

bool LogReader::wanted(Bytes encoded, LogPosition position) const {
    raft::EntryHeader header;
    if (raft::parse_entry_header(encoded, header) != raft::EntryParseError::kNone) return false;
    const LogIndex next = entries_.empty() ? range_.first : entries_.back()->index() + 1;
    return header.index == next && is_live(range_.replacements, header.index, position);
}

absl::Status LogReader::take_entry(Bytes encoded) {
    raft::EntryPtr entry;
    if (raft::Entry::parse(encoded, entry) != raft::EntryParseError::kNone)
        return damage("an entry does not match its checksum");
    add_entry(std::move(entry));
    return absl::OkStatus();
}

void LogReader::add_entry(raft::EntryPtr entry) {
    entry_bytes_ += entry->encoded().size();
    entries_.push_back(std::move(entry));
}

}  // namespace kvorum::wal
