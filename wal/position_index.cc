#include "wal/position_index.h"

#include <algorithm>

#include "base/assert.h"

namespace kvorum::wal {

bool is_live(const std::vector<Replacement>& replacements, LogIndex index, LogPosition position) {
    const auto next = std::upper_bound(replacements.begin(), replacements.end(), position,
                                       [](LogPosition at, const Replacement& r) { return at < r.position; });
    // Indexes ascend, so the first replacement behind the entry is the one that reaches lowest.
    return next == replacements.end() || index < next->index;
}

void PositionIndex::start_segment(uint64_t segment_sequence, uint64_t head_group, LogIndex before, bool is_unfinished) {
    KVORUM_ASSERT(segments_.empty() || segments_.back().sequence + 1 == segment_sequence, "segment {}",
                  segment_sequence);
    Segment segment;
    segment.sequence = segment_sequence;
    segment.head_group = head_group;
    segment.before = before;
    segment.head = is_unfinished ? Head::kUnfinished : Head::kStands;
    segment.bytes_before = segments_.empty() ? 0 : end_position();
    segments_.push_back(std::move(segment));
}

void PositionIndex::set_end(uint64_t offset_bytes) {
    KVORUM_ASSERT(!segments_.empty());
    segments_.back().end_bytes = offset_bytes;
}

void PositionIndex::note_entry(LogIndex index, LogPosition position, GroupPlace place) {
    if (index <= last_index()) replace_from(index, position);
    Segment& segment = segments_[slot_of(place.segment_sequence)];
    if (segment.first_index.is_none()) segment.first_index = index;
    segment.last_index = index;
    auto& checkpoints = segment.checkpoints;
    if (checkpoints.empty() || place.offset_bytes - checkpoints.back().offset_bytes >= kCheckpointEveryBytes) {
        checkpoints.push_back({index, place.offset_bytes});
    }
}

void PositionIndex::finish_entry() {
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
        if (segment->head != Head::kUnfinished) break;
        segment->head = Head::kStands;
    }
}

void PositionIndex::drop_unfinished_entry() {
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
        if (segment->head != Head::kUnfinished) break;
        segment->head = Head::kReplaced;
    }
}

void PositionIndex::begin_anew(LogPosition position) {
    drop_unfinished_entry();
    replace_from(LogIndex{1}, position);
}

void PositionIndex::replace_from(LogIndex index, LogPosition position) {
    while (!replacements_.empty() && replacements_.back().index >= index)
        replacements_.pop_back();
    replacements_.push_back({position, index});
    for (Segment& segment : segments_) {
        // A large entry that replaces others goes on behind later heads, which name itself.
        const bool is_written_before = segment.head_group <= position.group_sequence;
        if (is_written_before && segment.before >= index) segment.head = Head::kReplaced;
    }
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
        if (segment->last_index.is_none()) continue;
        if (segment->last_index < index) break;
        while (!segment->checkpoints.empty() && segment->checkpoints.back().index >= index)
            segment->checkpoints.pop_back();
        if (segment->first_index >= index) {
            segment->first_index = segment->last_index = LogIndex{};
        } else {
            segment->last_index = index - 1;
        }
    }
}

// Segments without a live entry may lie between the others; they are few.
const PositionIndex::Segment* PositionIndex::holder_of(LogIndex index) const {
    size_t low = 0;
    size_t high = segments_.size();
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        size_t at = middle;
        while (at < high && segments_[at].first_index.is_none())
            ++at;
        if (at == high || index < segments_[at].first_index) {
            high = middle;
        } else if (index > segments_[at].last_index) {
            low = at + 1;
        } else {
            return &segments_[at];
        }
    }
    return nullptr;
}

uint64_t PositionIndex::checkpoint_of(const Segment& segment, LogIndex index) {
    const auto next = std::upper_bound(segment.checkpoints.begin(), segment.checkpoints.end(), index,
                                       [](LogIndex wanted, const Checkpoint& c) { return wanted < c.index; });
    KVORUM_ASSERT(next != segment.checkpoints.begin(), "segment {} has no checkpoint at or before {}", segment.sequence,
                  index);
    return std::prev(next)->offset_bytes;
}

std::optional<GroupPlace> PositionIndex::find(LogIndex index) const {
    const Segment* holder = holder_of(index);
    if (holder == nullptr) return std::nullopt;
    return GroupPlace{holder->sequence, checkpoint_of(*holder, index)};
}

uint64_t PositionIndex::bytes_behind(LogIndex index) const {
    if (index >= last_index()) return 0;
    const LogIndex next = std::max(index + 1, first_index());
    const Segment* holder = holder_of(next);
    KVORUM_ASSERT(holder != nullptr, "entry {} of {} to {}", next, first_index(), last_index());
    return end_position() - holder->bytes_before - checkpoint_of(*holder, next);
}

LogIndex PositionIndex::index_at_bytes_from_end(uint64_t bytes) const {
    if (segments_.empty() || bytes > end_position() - segments_.front().bytes_before) return LogIndex{};
    const uint64_t position = end_position() - bytes;
    auto segment = std::upper_bound(segments_.begin(), segments_.end(), position,
                                    [](uint64_t wanted, const Segment& s) { return wanted < s.bytes_before; });
    while (segment != segments_.begin()) {
        --segment;
        const auto& checkpoints = segment->checkpoints;
        const auto next = std::upper_bound(
            checkpoints.begin(), checkpoints.end(), position,
            [&](uint64_t wanted, const Checkpoint& c) { return wanted < segment->bytes_before + c.offset_bytes; });
        if (next != checkpoints.begin()) return std::prev(next)->index - 1;
    }
    return LogIndex{};
}

size_t PositionIndex::slot_of(uint64_t segment_sequence) const {
    KVORUM_ASSERT(!segments_.empty());
    const bool held = segment_sequence >= segments_.front().sequence && segment_sequence <= segments_.back().sequence;
    KVORUM_ASSERT(held, "segment {} of {} to {}", segment_sequence, segments_.front().sequence,
                  segments_.back().sequence);
    return segment_sequence - segments_.front().sequence;
}

uint64_t PositionIndex::end_of(uint64_t segment_sequence) const {
    return segments_[slot_of(segment_sequence)].end_bytes;
}

uint64_t PositionIndex::releasable_before(LogIndex up_to, uint64_t durable_group) const {
    KVORUM_ASSERT(!segments_.empty());
    const uint64_t first = segments_.front().sequence;
    if (!replacements_.empty() && replacements_.back().position.group_sequence > durable_group) return first;
    size_t releasable = 0;
    for (size_t count = 1; count < segments_.size(); ++count) {
        const Segment& last_gone = segments_[count - 1];
        const bool is_needed = !last_gone.last_index.is_none() && last_gone.last_index > up_to;
        if (is_needed || segments_[count].head_group > durable_group) break;
        if (segments_[count].head == Head::kStands) releasable = count;
    }
    return first + releasable;
}

void PositionIndex::drop_before(uint64_t segment_sequence) {
    while (!segments_.empty() && segments_.front().sequence < segment_sequence)
        segments_.pop_front();
    if (segments_.empty()) return;
    const uint64_t first_group = segments_.front().head_group;
    std::erase_if(replacements_, [&](const Replacement& r) { return r.position.group_sequence < first_group; });
}

LogIndex PositionIndex::first_index() const {
    for (const Segment& segment : segments_) {
        if (!segment.first_index.is_none()) return segment.first_index;
    }
    return LogIndex{};
}

LogIndex PositionIndex::last_index() const {
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
        if (!segment->last_index.is_none()) return segment->last_index;
    }
    return LogIndex{};
}

}  // namespace kvorum::wal
