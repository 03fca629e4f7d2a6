// Recovery: what the bytes of a log say, decided by the table below and nothing else. Pure: the caller reads the files.
//
// What the writer guarantees, and the table relies on:
//   G1. A group is sealed only while fewer than groups_in_flight_max groups are unfinished, and names (`durable_group`) the last group up to
//       which everything was durable. So a group that lies groups_in_flight_max or more behind an unfinished one does not exist.
//   G2. The head of a segment is written only when every group of the segments before it is durable.
//   G3. Before a process serves, it makes what it recovered durable and writes one opening group, alone, with an epoch above every epoch found.
//       Groups of an older epoch behind it can never come back to life.
//   G4. A unit is acknowledged only when its groups and all groups before them are durable.
//
// Reading goes forward from the head of the lowest segment, from group to group. A group is *sound* when its header and body checksums match; it
// *belongs* here when cluster, node, segment and offset are those of the place where it was read; it *follows* when its sequence is one more
// than the last group's and it names that one's header checksum. The first place where no group is sound, belongs and follows is the *end*.
// h is the sequence that the group at the end should have had. From the end on, every block of this and all later segments is looked at for
// *witnesses*: sound headers that belong where they are, with the last group's epoch and a sequence above h, or with a newer epoch and a
// sequence other than h.
//
//   What is found                                                                  | Verdict                | What is done
//   -------------------------------------------------------------------------------|------------------------|------------------------------
//   A sound group that belongs and follows                                         | -                      | replayed
//   End: zeros, an older generation, or the segment is full; no witness            | kCleanEnd              | the log ends here
//   End: anything else; no witness (only groups in flight can look so, by G1 - or  | kTornTail              | cut here, logged: nothing in
//     the very last group rotted, which no local evidence can tell apart)          |                        |   it was acknowledged (G4)
//   End: witnesses, none of whose durable_group reaches h, all within the window   | kHole                  | cut here, witnesses and all;
//     (sequence < h + the witness's groups_in_flight_max)                          |                        |   G3 keeps them dead
//   End: a witness in this segment says that h was durable                         | kDamagedBelowMark      | refused, bytes kept
//   End: a witness at or beyond h + groups_in_flight_max                           | kDamagedOutsideWindow  | refused, bytes kept
//   End inside a segment, a witness in a later one says that h was durable (G2)    | kDamagedSegment        | refused, bytes kept
//   The head of a segment is not sound or missing, and a witness says it was       | kBadSegmentHead        | refused, bytes kept
//     durable; or a sound head contradicts the log before it or the file's size    |                        |
//   No sound group at all and the lowest segment is number 1: never opened         | kEmpty                 | a new log starts
//   No sound head in the lowest segment and it is not number 1                     | kBadSegmentHead        | refused, bytes kept
//   A gap in the numbers of the segment files                                      | kMissingSegment        | refused, bytes kept
//   A segment file whose size is not that of the others                            | kWrongSize             | refused, bytes kept
//   Where a group should be, a sound header of another cluster                     | kWrongCluster          | refused, bytes kept
//   Where a group should be, a sound header of another node                        | kWrongNode             | refused, bytes kept
//   Where a group should be, a sound header of another format version              | kUnknownVersion        | refused, bytes kept
//   A sound group that belongs here, not older, but does not follow; or a witness  | kBrokenGroupChain      | refused, bytes kept
//     of a newer epoch with a sequence below h                                     |                        |
//   A sound group whose records no writer produces                                 | kBadRecord             | refused, bytes kept
//   An entry that does not follow the one before it (gap, checksum, lower term)    | kBrokenEntryChain      | refused, bytes kept
//   A hard state with a lower term, or a second vote in a term                     | kHardStateBackwards    | refused, bytes kept
//
// A refused log is not changed. Crashing at any point of recovery and starting again gives the same verdict or, after the opening group
// became durable, kCleanEnd behind it.
//
// A client that could predict a node's segment number, offset and epoch could store a value that looks like a witness. The worst that this
// does is a refusal to start; no bytes of a client can be taken for a group of the log, because they would have to name the checksum of a
// header that was written after them.
//
// Thread: any. Limits: one segment is held in memory at a time, by the caller.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "wal/format.h"
#include "wal/position_index.h"
#include "wal/replay.h"

namespace kvorum::wal {

enum class Verdict {
    kCleanEnd,
    kTornTail,
    kHole,
    kEmpty,
    kDamagedBelowMark,
    kDamagedOutsideWindow,
    kDamagedSegment,
    kBadSegmentHead,
    kMissingSegment,
    kWrongSize,
    kWrongCluster,
    kWrongNode,
    kUnknownVersion,
    kBrokenGroupChain,
    kBadRecord,
    kBrokenEntryChain,
    kHardStateBackwards,
};
[[nodiscard]] std::string_view verdict_name(Verdict verdict);
// True when the node may start from what was read.
[[nodiscard]] bool is_accepted(Verdict verdict);

// "wal-0000000000000001.seg" and back; 0 for any other name.
[[nodiscard]] std::string segment_file_name(uint64_t segment_sequence);
[[nodiscard]] uint64_t parse_segment_file_name(std::string_view name);

struct ScanResult {
    Verdict verdict = Verdict::kEmpty;
    std::string message;  // for operators: file, byte offset, log index, and why
    GroupPlace end;       // where the log ends, or where it is damaged
    // The last group of the log; meaningless for kEmpty.
    GroupHeader last_group;
    uint64_t epoch_max = 0;  // of every sound header that was seen
    uint64_t groups = 0;
    uint64_t witnesses = 0;  // groups behind the end that a cut drops
    // The last group is an opening group that nothing of its epoch follows: it need not be written again.
    bool opened_and_unused = false;
};

class LogScanner {
   public:
    // `index` is filled as the scan goes and must outlive this object.
    LogScanner(ClusterId cluster, NodeId node, PositionIndex& index) : cluster_(cluster), node_(node), replay_(cluster, index), index_(index) {}

    // The next segment, in ascending order. `image` is the whole file. Returns false when the verdict is reached and no more are needed.
    [[nodiscard]] bool add_segment(uint64_t segment_sequence, Bytes image);
    // After the last segment, or when add_segment() returned false.
    [[nodiscard]] ScanResult finish();

    [[nodiscard]] const Replay& replay() const { return replay_; }

   private:
    // What stands where a group should be.
    enum class Found { kNext, kNothing, kTorn, kRefused };

    Found look(Bytes image, GroupPlace place, GroupHeader& header, Bytes& records);
    Found check_place(const GroupHeader& header, GroupPlace place);
    void read_forward(uint64_t segment_sequence, Bytes image);
    void find_witnesses(uint64_t segment_sequence, Bytes image, uint64_t from_bytes);
    void note_witness(const GroupHeader& header, GroupPlace place);
    void forget_witnesses();
    void judge_witnesses();
    void judge_damage(uint64_t missing);
    Found refuse(Verdict verdict, GroupPlace place, std::string why);

    ClusterId cluster_;
    NodeId node_;
    Replay replay_;
    PositionIndex& index_;

    bool refused_ = false;
    bool started_ = false;   // a group was replayed
    bool any_segment_ = false;
    bool ended_ = false;     // a segment's head did not follow: nothing later can be part of the log
    bool torn_inside_ = false;  // the end, inside a segment, looks like an unfinished group
    bool torn_head_ = false;    // the head behind the last segment looks like one
    bool contradicted_ = false; // a newer epoch wrote groups in the place of ones that are in the log
    uint64_t first_segment_ = 0;
    uint64_t last_segment_ = 0;
    uint64_t segment_size_bytes_ = 0;
    ScanResult result_;

    struct Witness {
        GroupHeader header;
        GroupPlace place;
    };
    // The witness with the highest durable mark, and the one with the highest sequence relative to its window.
    Witness highest_mark_;
    Witness farthest_;
    uint64_t lowest_witness_segment_ = 0;
    uint64_t unfinished_ = 0;  // sound headers behind the end that are not of an older generation: witnesses and the missing group itself
};

}  // namespace kvorum::wal
