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

void PositionIndex::start_segment(uint64_t segment_sequence, uint64_t head_group) {
    KVORUM_ASSERT(segments_.empty() || segments_.back().sequence + 1 == segment_sequence, "segment {}",
                  segment_sequence);
    segments_.push_back({segment_sequence, head_group, 0, {}, {}, {}});
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

void PositionIndex::replace_from(LogIndex index, LogPosition position) {
    while (!replacements_.empty() && replacements_.back().index >= index)
        replacements_.pop_back();
    replacements_.push_back({position, index});
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

std::optional<GroupPlace> PositionIndex::find(LogIndex index) const {
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
        if (segment->first_index.is_none() || index < segment->first_index) continue;
        if (index > segment->last_index) return std::nullopt;
        const auto& checkpoints = segment->checkpoints;
        auto next = std::upper_bound(checkpoints.begin(), checkpoints.end(), index,
                                     [](LogIndex wanted, const Checkpoint& c) { return wanted < c.index; });
        KVORUM_ASSERT(next != checkpoints.begin(), "segment {} has no checkpoint at or before {}", segment->sequence,
                      index);
        return GroupPlace{segment->sequence, std::prev(next)->offset_bytes};
    }
    return std::nullopt;
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
    size_t count = 0;
    while (count + 1 < segments_.size()) {
        const bool needed = !segments_[count].last_index.is_none() && segments_[count].last_index > up_to;
        if (needed || segments_[count + 1].head_group > durable_group) break;
        ++count;
    }
    return first + count;
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
