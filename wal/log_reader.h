// Reads entries back from the segments, in log order, skipping those that were replaced. Every group is checked again
// as it is read.
//
// Thread: the reactor's. Suspends while it reads. The segments that `range` names are pinned by the caller until it
// ends.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/aligned_buffer.h"
#include "raft/entry.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "wal/format.h"
#include "wal/position_index.h"
#include "wal/segment_store.h"

namespace kvorum::wal {

struct ReadRange {
    struct Segment {
        uint64_t sequence = 0;
        uint64_t end_bytes = 0;  // of the groups in it
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
    LogReader(reactor::Reactor& reactor, SegmentStore& store, ReadRange range)
        : reactor_(reactor), store_(store), range_(std::move(range)) {}

    // The live entries first..last, or fewer once bytes_max is reached, at least one. DataLoss when the disk gives back
    // something else.
    reactor::Task<absl::StatusOr<raft::EntryList>> read();

 private:
    reactor::Task<absl::Status> load_group(ReadRange::Segment segment, uint64_t offset_bytes);
    reactor::Task<absl::Status> load(ReadRange::Segment segment, uint64_t offset_bytes, uint64_t length_bytes);
    [[nodiscard]] absl::Status take_group();
    [[nodiscard]] absl::Status take_record(const Record& record, LogPosition position);
    [[nodiscard]] absl::Status take_entry(Bytes encoded);
    [[nodiscard]] absl::Status take_piece(const Record& record);
    void add_entry(raft::EntryPtr entry);
    [[nodiscard]] bool wanted(Bytes encoded, LogPosition position) const;
    [[nodiscard]] bool done() const;
    [[nodiscard]] absl::Status damage(const char* what) const;

    reactor::Reactor& reactor_;
    SegmentStore& store_;
    ReadRange range_;
    AlignedBuffer window_;
    // What of the file is in the window.
    uint64_t window_segment_ = 0;
    uint64_t window_offset_ = 0;
    uint64_t window_bytes_ = 0;
    // The group at hand.
    GroupHeader header_;
    Bytes records_;

    raft::EntryList entries_;
    uint64_t entry_bytes_ = 0;
    bool collecting_ = false;  // pieces of a wanted entry
    raft::EntryAssembler assembler_;
};

}  // namespace kvorum::wal
