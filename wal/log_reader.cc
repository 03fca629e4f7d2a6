#include "wal/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/units.h"
#include "wal/recovery.h"

namespace kvorum::wal {

using reactor::Task;

namespace {
constexpr uint64_t kWindowBytesMin = 64 * kKiB;
constexpr uint64_t kWindowBytesMax = 1 * kMiB;
}  // namespace

bool LogReader::done() const {
    return !entries_.empty() && (entries_.back()->index() >= range_.last || entry_bytes_ >= range_.bytes_max);
}

absl::Status LogReader::damage(const char* what) const {
    return absl::DataLossError(
        fmt::format("{} offset {}: {}", segment_file_name(header_.segment_sequence), header_.offset_bytes, what));
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
    co_return std::move(entries_);
}

// Reads ahead in windows; a group that reaches beyond the window starts the next one.
Task<absl::Status> LogReader::load_group(ReadRange::Segment segment, uint64_t offset_bytes) {
    const bool in_window = segment.sequence == window_segment_ && offset_bytes >= window_offset_ &&
                           offset_bytes + kBlockBytes <= window_offset_ + window_bytes_;
    if (!in_window) {
        const uint64_t ahead =
            std::clamp(align_up(range_.bytes_max, kBlockBytes) + kBlockBytes, kWindowBytesMin, kWindowBytesMax);
        absl::Status loaded = co_await load(segment, offset_bytes, ahead);
        if (!loaded.ok()) co_return loaded;
    }
    Bytes here = window_.bytes().subspan(offset_bytes - window_offset_, window_offset_ + window_bytes_ - offset_bytes);
    const GroupError error = decode_group_header(here, header_);
    const bool belongs = error == GroupError::kNone && header_.segment_sequence == segment.sequence &&
                         header_.offset_bytes == offset_bytes;
    if (!belongs || offset_bytes + header_.size_bytes() > segment.end_bytes) {
        header_.segment_sequence = segment.sequence;
        header_.offset_bytes = offset_bytes;
        co_return damage("no group of this log where one was written");
    }
    if (header_.size_bytes() > here.size()) {
        absl::Status loaded = co_await load(segment, offset_bytes, std::max(header_.size_bytes(), kWindowBytesMin));
        if (!loaded.ok()) co_return loaded;
        here = window_.bytes().first(window_bytes_);
    }
    const std::optional<Bytes> records = group_records(header_, here);
    if (!records.has_value()) co_return damage("the records of a group do not match its checksum");
    records_ = *records;
    co_return absl::OkStatus();
}

Task<absl::Status> LogReader::load(ReadRange::Segment segment, uint64_t offset_bytes, uint64_t length_bytes) {
    const uint64_t length = std::min(length_bytes, segment.end_bytes - offset_bytes);
    if (window_.size() < length) window_ = AlignedBuffer(std::max(length, kWindowBytesMin));
    const absl::StatusOr<reactor::Handle> handle = co_await store_.open_for_reading(segment.sequence);
    if (!handle.ok()) co_return handle.status();
    uint64_t done_bytes = 0;
    while (done_bytes < length) {
        const MutableBytes into = window_.bytes().subspan(done_bytes, length - done_bytes);
        const int32_t result = co_await reactor_.read(*handle, into, offset_bytes + done_bytes);
        if (result <= 0) {
            const std::string why =
                result < 0 ? std::generic_category().message(-result) : std::string("the file ends");
            co_return absl::DataLossError(
                fmt::format("read {} offset {}: {}", segment_file_name(segment.sequence), offset_bytes, why));
        }
        done_bytes += static_cast<uint64_t>(result);
    }
    window_segment_ = segment.sequence;
    window_offset_ = offset_bytes;
    window_bytes_ = length;
    co_return absl::OkStatus();
}

absl::Status LogReader::take_group() {
    RecordCursor cursor(records_);
    uint32_t number = 0;
    for (auto record = cursor.next(); record.has_value() && !done(); record = cursor.next()) {
        absl::Status status = take_record(*record, {header_.group_sequence, number});
        if (!status.ok()) return status;
        ++number;
    }
    return cursor.malformed() ? damage("a group with unreadable records") : absl::OkStatus();
}

absl::Status LogReader::take_record(const Record& record, LogPosition position) {
    switch (record.kind) {
        case RecordKind::kSegmentHead:
        case RecordKind::kHardState:
        case RecordKind::kKnownPeer:
        case RecordKind::kFounding:
        case RecordKind::kConfiguration:
        case RecordKind::kFeatureLevel: return absl::OkStatus();
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
