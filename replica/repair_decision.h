// What to do about an entry that a damaged log lacks, from what the peers said of it. Pure.
//
// The entry is known by its identity, so a peer that has it settles the matter, whoever leads. Without one, the log may
// only be given up from there on when no acknowledgement of this node counts, or will ever count, for what is given up:
//
//   kEndAt, later term   A peer's log has, there or below, an entry of a term above that of this node's last entry. An
//                        entry for whose commitment this node's acknowledgement counted is of at most the latter term,
//                        so by leader completeness the peer's log holds it up to that place: the log ends there.
//   kEndAt, nobody       Every peer says that its log is whole there and is another. The leader that could count this
//                        node's acknowledgement would hold the entry, and so would a majority if it was committed. Of
//                        an entry further down that was committed with this node's help some peer holds a copy, and
//                        then so does the log that is most up to date (last term, then index): the log ends with that.
//   kNeedsSnapshot       A peer's log begins above the entry, so everything up to there is committed and in its
//                        snapshot: with one of at least that entry, nothing below it is needed. Who has not answered
//                        may have the entry itself.
//   kLost                Every peer has answered, none has it, and one is damaged there itself: it may have been
//                        acknowledged and is nowhere. Only an operator can decide that it is given up.
//   kWait                Somebody has not answered.
//
// A log that ends like a peer's is one that this node could have received from the leader of that entry.
//
// Thread: any.
#pragma once

#include <cstddef>
#include <span>

#include "base/ids.h"
#include "peers/repair_codec.h"
#include "raft/types.h"

namespace kvorum::replica {

// The latest of one peer about the entry in question; kHeld never comes here.
struct RepairAnswer {
    NodeId from;
    peers::RepairOutcome outcome = peers::RepairOutcome::kMissing;
    raft::EntryId at;  // kOther, kInSnapshot
};

enum class RepairAction { kWait, kEndAt, kNeedsSnapshot, kLost };

struct RepairDecision {
    RepairAction action = RepairAction::kWait;
    raft::EntryId end{};           // kEndAt
    LogIndex snapshot_at_least{};  // kNeedsSnapshot: the lowest that lets a peer's log go on behind it
};

// `own_last_term` is that of the last entry which this node's log had, as its sound groups say.
[[nodiscard]] RepairDecision decide_repair(std::span<const RepairAnswer> answers, size_t peer_count,
                                           Term own_last_term);

}  // namespace kvorum::replica
