// The messages between Raft nodes, as plain data. Their wire form is peers/raft_codec.h's business.
//
// Thesis figures 3.1 and 9.6 (pre-vote). Departures, each for a reason:
//  - AppendEntriesReply says how far the follower's log is *durable*, so an acknowledgement never counts bytes that a
//  power cut loses.
//  - AppendEntries carries a read round: an acknowledgement of round R confirms leadership for every read that was
//  registered before the leader sent R (ReadIndex, thesis 6.4). Rounds are numbered by the leader, rising within its
//  term and never used twice.
//  - AppendEntriesReply promises a silence: leases (6.4.1) count on what voters say, not on a timeout that they may not
//  share.
//  - AppendEntriesReply tells the feature level that its sender knows (raft/feature_level.h).
//  - RequestVote names the leader that asked for it, so that voters need not be silent for that leader's sake (3.10,
//  4.2.3).
//  - AppendEntriesReply tells a limit of memory, so that the leader can ask for no more than all voters can hold.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <variant>

#include "base/ids.h"
#include "base/units.h"
#include "raft/entry.h"
#include "raft/types.h"

namespace kvorum::raft {

inline constexpr uint64_t kSilenceNsMax = 600 * kSecondNs;

struct RequestVote {
    Term term{};  // the candidate's term; for a pre-vote the term it would campaign in
    bool pre_vote = false;
    LogIndex last_log_index{};
    Term last_log_term{};
    // Not none: the leader of the term before asked the candidate for this election (TimeoutNow). Never in a pre-vote.
    NodeId handed_over_by{};
};

struct RequestVoteReply {
    Term term{};  // the voter's current term; for a granted pre-vote the term asked about
    bool pre_vote = false;
    bool granted = false;
};

struct AppendEntries {
    Term term{};
    LogIndex prev_log_index{};
    Term prev_log_term{};
    LogIndex leader_commit{};
    uint64_t read_round = 0;
    EntryList entries{};  // consecutive from prev_log_index + 1; empty in a heartbeat
};

struct AppendEntriesReply {
    Term term{};
    bool success = false;
    // success: the last index of the answered AppendEntries that this follower holds *durably* and that matches the
    // leader's log.
    LogIndex match_index{};
    // !success: an index and term at or below the rejected prev_log_index from which the leader may try again.
    LogIndex rejected_prev_index{};
    LogIndex hint_index{};
    Term hint_term{};
    // The round of the AppendEntries that is answered; 0 when that was of an earlier term, whose rounds prove nothing.
    uint64_t read_round = 0;
    // From when it got the last AppendEntries of this leader, and so also from when it got the one of read_round, this
    // follower gives nobody else a vote for so long, by its own clock. At most kSilenceNsMax; 0: no promise.
    uint64_t silence_ns = 0;
    // What the follower's state machine may take (Raft::set_memory_limit); 0: as much as there is.
    uint64_t memory_limit_bytes = 0;
    uint16_t feature_level_max = 0;  // the highest that the follower's program knows; 0: it did not say
};

// Thesis 3.10: the leader of `term` asks a follower that holds its whole log to take over at once.
struct TimeoutNow {
    Term term{};
};

using MessageBody = std::variant<RequestVote, RequestVoteReply, AppendEntries, AppendEntriesReply, TimeoutNow>;

struct Message {
    NodeId from;
    NodeId to;
    MessageBody body;
    GroupId group = kFirstGroup;
};

// What a turn sends: mostly one to each of a few peers.
using MessageList = absl::InlinedVector<Message, 4>;

}  // namespace kvorum::raft
