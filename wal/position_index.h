// Where in the log an entry is: per segment the range of its live entries and a checkpoint at most every 1 MiB. No
// memory per entry, so it stays flat for as long as segments are released.
//
// An entry is live when no later entry of the log has replaced it or one before it. Of each segment the live entries
// are a contiguous range, and the ranges of the segments follow each other.
//
// The head of a segment *stands* while the entry that it names as the last one before it is part of the log. Only then
// may the log begin there: what else the head states of the log before it is as of that entry.
//
// Bytes of the log are those of its groups, and known to within kCheckpointEveryBytes.
//
// Thread: the owner's. Nothing here does I/O. Costs: questions about one index take O(log segments).
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/ids.h"

namespace kvorum::wal {

// The order in which records were written: by group, then by record in the group.
struct LogPosition {
    uint64_t group_sequence = 0;
    uint32_t record = 0;

    auto operator<=>(const LogPosition&) const = default;
};

struct GroupPlace {
    uint64_t segment_sequence = 0;
    uint64_t offset_bytes = 0;

    auto operator<=>(const GroupPlace&) const = default;
};

// A replacement: every entry at `index` or above that was written before `position` is dead.
struct Replacement {
    LogPosition position;
    LogIndex index;
};

// False when one of `replacements` (ascending in position and index, as replacements() gives them) has replaced the
// entry at `index` that was written at `position`.
[[nodiscard]] bool is_live(const std::vector<Replacement>& replacements, LogIndex index, LogPosition position);

class PositionIndex {
 public:
    static constexpr uint64_t kCheckpointEveryBytes = uint64_t{1} << 20;

    // Segments come in ascending order without gaps; `head_group` is the sequence of the segment's first group. Its
    // head names the entry at `before`, which goes on in this segment if `is_unfinished`.
    void start_segment(uint64_t segment_sequence, uint64_t head_group, LogIndex before = {},
                       bool is_unfinished = false);
    // Where the last segment's next group goes, or nothing more if another segment was started.
    void set_end(uint64_t offset_bytes);
    // An entry starts in the group at `place`, behind all entries noted before. It replaces any at its index and above.
    void note_entry(LogIndex index, LogPosition position, GroupPlace place);
    // The entry that goes on over the heads of segments is whole, or will never be.
    void finish_entry();
    void drop_unfinished_entry();
    // The log begins anew in the segment that is started next: everything written before `position` is dead.
    void begin_anew(LogPosition position);

    // The group from which a scan in log order meets the live entry at `index`; nothing when it is not in the retained
    // segments.
    [[nodiscard]] std::optional<GroupPlace> find(LogIndex index) const;
    [[nodiscard]] const std::vector<Replacement>& replacements() const { return replacements_; }
    // The first group behind segment `segment_sequence`'s last one.
    [[nodiscard]] uint64_t end_of(uint64_t segment_sequence) const;

    // All segments before the returned one may go when entries up to `up_to` are no longer needed and all groups up to
    // `durable_group` are durable: the next head is durable and stands, and so is every replacement that makes their
    // entries superfluous.
    [[nodiscard]] uint64_t releasable_before(LogIndex up_to, uint64_t durable_group) const;
    void drop_before(uint64_t segment_sequence);

    // Lowest and highest live index in the retained segments; none when there is no entry.
    [[nodiscard]] LogIndex first_index() const;
    [[nodiscard]] LogIndex last_index() const;
    [[nodiscard]] size_t segment_count() const { return segments_.size(); }
    // Of the log behind the entry at `index`; of all that is retained if that is not in it.
    [[nodiscard]] uint64_t bytes_behind(LogIndex index) const;
    // The highest known entry behind which there are at least `bytes` of log; none when the log has fewer.
    [[nodiscard]] LogIndex index_at_bytes_from_end(uint64_t bytes) const;

 private:
    struct Checkpoint {
        LogIndex index;
        uint64_t offset_bytes = 0;
    };
    enum class Head : uint8_t { kStands, kUnfinished, kReplaced };
    struct Segment {
        uint64_t sequence = 0;
        uint64_t head_group = 0;
        LogIndex before;  // as the head names it
        Head head = Head::kStands;
        uint64_t bytes_before = 0;  // of the log in all segments before it, released ones included
        uint64_t end_bytes = 0;
        LogIndex first_index;  // none: no live entry starts here
        LogIndex last_index;
        std::vector<Checkpoint> checkpoints;  // ascending in both
    };

    void replace_from(LogIndex index, LogPosition position);
    [[nodiscard]] const Segment* holder_of(LogIndex index) const;
    // The last one at or before the entry at `index`, which the segment holds.
    [[nodiscard]] static uint64_t checkpoint_of(const Segment& segment, LogIndex index);
    [[nodiscard]] uint64_t end_position() const { return segments_.back().bytes_before + segments_.back().end_bytes; }
    [[nodiscard]] size_t slot_of(uint64_t segment_sequence) const;

    std::deque<Segment> segments_;
    // Ascending in position and in index: an older replacement at the same or a higher index is implied by the newer
    // one.
    std::vector<Replacement> replacements_;
};

}  // namespace kvorum::wal
