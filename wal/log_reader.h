// Reads entries back from the segments, in log order, skipping those that were replaced. Every group is checked again
// as it is read. The file comes in windows of several reads in flight each; a read that goes on where another ended
// begins in what that one has left in its window.
//
// Thread: the reactor's. Suspends while it reads. The segments that `range` names are pinned by the caller until it
// ends. Memory: a window of up to kReadWindowBytesMax, or of one group.
#pragma once

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/aligned_buffer.h"
#include "base/units.h"
#include "raft/entry.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "wal/file_read.h"
#include "wal/format.h"
#include "wal/position_index.h"
#include "wal/segment_store.h"

namespace kvorum::wal {

inline constexpr uint64_t kReadWindowBytesMax = 2 * kMiB;

// What of a segment is in memory; of groups that are durable, so that it stays what is on the disk.
struct ReadWindow {
    AlignedBuffer buffer;
    uint64_t segment_sequence = 0;
    uint64_t offset_bytes = 0;
    uint64_t size_bytes = 0;

    // The bytes from `place` on; none when it is not in here.
    [[nodiscard]] MutableBytes from(GroupPlace place);
};

// Where a read ended.
struct ReadEnd {
    LogIndex next;     // none: nowhere
    GroupPlace place;  // a scan from here meets the live entry at `next`, whatever was replaced since
    ReadWindow window;
};

struct ReadRange {
    struct Segment {
        uint64_t sequence = 0;
        uint64_t end_bytes = 0;  // of the durable groups in it
    };
    std::vector<Segment> segments;  // ascending
    uint64_t offset_bytes = 0;      // of the group in the first segment where the scan starts
    std::vector<Replacement> replacements;
    LogIndex first;
    LogIndex last;
    uint64_t bytes_max = 0;
};

class LogReader {
 public:
    LogReader(reactor::Reactor& reactor, SegmentStore& store, ReadRange range, ReadWindow window = {})
        : store_(store), range_(std::move(range)), file_(reactor), window_(std::move(window)) {}

    // The live entries first..last, or fewer once bytes_max is reached, at least one. DataLoss when the disk gives back
    // something else.
    reactor::Task<absl::StatusOr<raft::EntryList>> read();
    // After a read that gave entries; once.
    [[nodiscard]] ReadEnd take_end();

 private:
    reactor::Task<absl::Status> load_group(ReadRange::Segment segment, uint64_t offset_bytes);
    reactor::Task<absl::Status> load(ReadRange::Segment segment, uint64_t offset_bytes, uint64_t length_bytes);
    [[nodiscard]] uint64_t window_bytes() const;
    uint64_t make_room(GroupPlace place, uint64_t length_bytes);
    [[nodiscard]] absl::Status take_group();
    [[nodiscard]] absl::Status take_record(const Record& record, LogPosition position);
    [[nodiscard]] absl::Status take_entry(Bytes encoded);
    [[nodiscard]] absl::Status take_piece(const Record& record);
    void add_entry(raft::EntryPtr entry);
    [[nodiscard]] bool wanted(Bytes encoded, LogPosition position) const;
    [[nodiscard]] bool done() const;
    [[nodiscard]] absl::Status damage(const char* what) const;

    SegmentStore& store_;
    ReadRange range_;
    FileRead file_;
    ReadWindow window_;
    LogIndex next_;   // behind the entries that were read
    GroupPlace end_;  // of the group that was looked at last; its place while there is more in it
    // The group at hand.
    GroupHeader header_;
    Bytes records_;

    raft::EntryList entries_;
    uint64_t entry_bytes_ = 0;
    bool collecting_ = false;  // pieces of a wanted entry
    raft::EntryAssembler assembler_;
};

}  // namespace kvorum::wal
