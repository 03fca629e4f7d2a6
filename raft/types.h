// The plain types of Raft that other rooms may use without linking the consensus core: hard state, entry identity,
// cluster members. Terms are those of Ongaro's thesis "Consensus: Bridging Theory and Practice".
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace kvorum::raft {

// Thesis figure 3.1: what must be on disk before a node answers a message that depends on it.
struct HardState {
    Term current_term;
    NodeId voted_for;  // none = no vote in current_term
    // The longest silence that this node may have promised to a leader (raft/read_index.cc): after a restart it waits
    // that long. Unlike the term it may go down again, once no promise of such a length is left.
    uint32_t longest_silence_ms = 0;

    bool operator==(const HardState&) const = default;
};

// What makes a log entry that entry and no other. `checksum` is EntryHeader::header_checksum, which covers the body's.
struct EntryId {
    LogIndex index;
    Term term;
    uint64_t checksum = 0;

    bool operator==(const EntryId&) const = default;
};

// One run of consecutive entries of one term: [first_index, next run's first_index). Terms ascend strictly from run to
// run.
struct TermRun {
    Term term;
    LogIndex first_index;

    bool operator==(const TermRun&) const = default;
};

// A peer, and the log that it had when this node first met it.
struct KnownPeer {
    NodeId node;
    LogId log_id;

    bool operator==(const KnownPeer&) const = default;
};

}  // namespace kvorum::raft
