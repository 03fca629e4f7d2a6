// Recovery: what the bytes of a log say, decided by the table below and nothing else. Pure: the caller reads the files.
//
// clang-format off
// What the writer guarantees, and the table relies on:
//   G1. A group is sealed only while fewer than groups_in_flight_max groups are unfinished, and names (durable_group)
//       the last group up to which everything was durable. So no group is that many or more behind an unfinished one.
//   G2. The head of a segment is written only when every group of the segments before it is durable.
//   G3. Before a process serves, it makes what it recovered durable and writes one opening group, alone, with an epoch
//       above every epoch found. Groups of an older epoch behind it can never come back to life.
//   G4. A unit is acknowledged only when its groups and all groups before them are durable.
//   G5. A log that was idle for idle_mark_ns, or was closed, ends with a group that holds no unit, if there was room.
// clang-format on
//
// Reading goes forward from the head of the lowest segment, from group to group. A group is *sound* when its header and
// body checksums match; it *belongs* here when node, segment and offset are those of the place where it was read, and
// cluster and group those of the first sound group that does; it *follows* when its sequence is one more than the last
// group's and it names that one's header checksum. The first place where no group is sound, belongs and follows is the
// *end*. h is the sequence that the group at the end should have had. From the end on, every block of this and all
// later segments is looked at for *witnesses*: sound headers that belong where they are, with the last group's epoch
// and a sequence above h, or with a newer epoch and a sequence other than h.
//
// clang-format off
//   Accepted: the node starts from what was replayed, and the log goes on at the end.
//   kCleanEnd             | the end is zeros, an older generation, or a full segment; no witness
//   kTornTail             | the end is anything else; no witness. A group in flight (G1): nothing in it was
//                         | acknowledged (G4). Or the inside of an older generation's group. Or the very last group of
//                         | the log has rotted: no local evidence tells that from a group in flight, but G5 makes
//                         | sure that it rarely holds a unit. Cut here
//   kHole                 | witnesses, none of whose durable_group reaches h, all within the window (sequence below
//                         | h + the witness's groups_in_flight_max). Cut here, witnesses and all; G3 keeps them dead
//   kEmpty                | no group follows anywhere and the lowest segment is number 1: never opened. Starts anew
//
//   Refused: acknowledged data may be damaged, or it is not this node's log. Every byte is kept.
//   kDamagedBelowMark     | a witness in the segment of the end says that h was durable
//   kDamagedOutsideWindow | a witness at or beyond h + groups_in_flight_max
//   kDamagedSegment       | the end is inside a segment, and a witness in a later one says that h was durable (G2)
//   kBadSegmentHead       | a head is missing or not sound, and a witness says that it was durable; or a sound head
//                         | contradicts the log before it, its id, or the file's size; or the lowest segment is not
//                         | number 1 and has no sound head, or names an entry that was replaced, and no later head
//                         | tells where the log begins (wal/replay.h)
//   kMissingSegment       | a gap in the numbers of the segment files
//   kWrongSize            | a segment file whose size is not that of the others
//   kWrongCluster         | where a group should be, a sound header of another cluster or group than the log's first
//                         | one; or an entry of another cluster or group
//   kWrongNode            | where a group should be, a sound header of another node
//   kUnknownVersion       | where a group should be, a sound header of another format version
//   kNewerLevel           | an entry of a feature level or a type that only a newer version knows
//   kBrokenGroupChain     | a sound group that belongs here, not older, but does not follow; or a witness of a newer
//                         | epoch whose sequence is below h: what it had replaced is back
//   kBadRecord            | a sound group with records, or a header, that no writer produces
//   kBrokenEntryChain     | an entry that does not follow the one before it: index gap, previous checksum, lower term;
//                         | or one in the place of what a base record stands for
//   kHardStateBackwards   | a lower term, or a second vote in a term
// clang-format on
//
// A base record is part of a head, so all that the table says of heads is true of it: while it is not durable the log
// ends before it, as it was; afterwards it begins there, whatever is left of the segments before.
//
// A refused log is not changed. When sound groups show that others are not what was written (the damage verdicts, a
// head that is not sound, kBrokenGroupChain), wal/log_rebuild.h goes on from here.
//
// Crashing at any point of recovery and starting again gives the same verdict or, after
// the opening group became durable, kCleanEnd behind it.
//
// A client that could predict a node's segment number, offset and epoch could store a value that looks like a witness.
// The worst that this does is a refusal to start; no bytes of a client can be taken for a group of the log, because
// they would have to name the checksum of a header that was written after them.
//
// Thread: any. Limits: one segment is looked at at a time, which the caller holds in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "wal/config.h"
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
    kNewerLevel,
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

// FailedPrecondition: the log was made for a cluster of another name, or for another group, than `config` says.
[[nodiscard]] absl::Status check_founding(const WalConfig& config, const Founding& founding, GroupId group);

struct ScanResult {
    Verdict verdict = Verdict::kEmpty;
    std::string message;  // for operators: file, byte offset, log index, and why
    GroupPlace end;       // where the log ends, or where it is damaged
    // The last group of the log; meaningless for kEmpty.
    GroupHeader last_group;
    uint64_t epoch_max = 0;  // of every sound header that was seen
    uint64_t groups = 0;
    uint64_t witnesses = 0;  // behind the end
    uint64_t unfinished =
        0;  // groups that a cut drops: the witnesses, and the missing group itself where its header is sound
    // Refused for bytes that are not what was written: wal/log_rebuild.h may help.
    bool repairable = false;
    // The last group is an opening group that nothing of its epoch follows: it need not be written again.
    bool opened_and_unused = false;
};

class LogScanner {
 public:
    // `index` is filled as the scan goes and must outlive this object.
    LogScanner(NodeId node, PositionIndex& index) : node_(node), replay_(index), index_(index) {}

    // The next segment, in ascending order. `image` is the whole file. Returns false when the verdict is reached and no
    // more are needed.
    [[nodiscard]] bool add_segment(uint64_t segment_sequence, Bytes image);
    // After the last segment, or when add_segment() returned false.
    [[nodiscard]] ScanResult finish();

    [[nodiscard]] const Replay& replay() const { return replay_; }

 private:
    // What stands where a group should be.
    enum class Found { kNext, kNothing, kTorn, kRefused };

    Found look(Bytes image, GroupPlace place, GroupHeader& header, Bytes& records);
    Found check_place(const GroupHeader& header, GroupPlace place);
    [[nodiscard]] bool is_of_this_log(const GroupHeader& header);
    void read_forward(uint64_t segment_sequence, Bytes image);
    void find_witnesses(uint64_t segment_sequence, Bytes image, uint64_t from_bytes);
    void note_witness(const GroupHeader& header, GroupPlace place);
    void forget_witnesses();
    void judge_witnesses();
    void judge_damage(uint64_t missing);
    Found refuse(Verdict verdict, GroupPlace place, std::string why);
    Found refuse_damage(Verdict verdict, GroupPlace place, std::string why);

    ClusterId cluster_;  // as the first sound group names it; none before
    GroupId group_;
    NodeId node_;
    Replay replay_;
    PositionIndex& index_;

    bool refused_ = false;
    bool started_ = false;  // a group was replayed
    bool any_segment_ = false;
    bool ended_ = false;         // a segment's head did not follow: nothing later can be part of the log
    bool torn_inside_ = false;   // the end, inside a segment, looks like an unfinished group
    bool torn_head_ = false;     // the head behind the last segment looks like one
    bool contradicted_ = false;  // a newer epoch wrote groups in the place of ones that are in the log
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
};

}  // namespace kvorum::wal
