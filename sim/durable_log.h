// What a machine would know after a power cut at this instant: its log as read from the durable bytes of its disk, and
// nothing else. The ground truth for what its node says is durable.
//
// Thread: any, while nothing changes the disk.
#pragma once

#include <vector>

#include "raft/types.h"
#include "sim/machine.h"
#include "wal/format.h"

namespace kvorum::sim {

struct DurableLog {
    bool accepted = false;  // a node would start from it
    raft::HardState hard_state;
    std::vector<wal::KnownPeer> known_peers;
    raft::EntryId base;  // that a snapshot stands for; zero: the log begins with entry 1, or that is not known
    raft::EntryId last;
    std::vector<raft::TermRun> terms;  // of the entries that were read: the end of the log

    // None: there is no such entry, or it lies before what was read.
    [[nodiscard]] Term term_at(LogIndex index) const;
    raft::EntryId snapshot;  // the newest that is whole: a node starts from no less
    // That entry, or a snapshot that stands for it.
    [[nodiscard]] bool holds(LogIndex index, Term term) const {
        if (index == snapshot.index) return term == snapshot.term;
        return index < snapshot.index || term_at(index) == term;
    }
};

// Reads from the end of the log backwards, at least as far as the entry `from`; none: the last few segments.
[[nodiscard]] DurableLog read_durable_log(const Machine& machine, LogIndex from = {});

}  // namespace kvorum::sim
