// What a node knows in each role. A role change replaces the whole struct, so nothing of a past leadership can be read
// by mistake.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "base/assert.h"
#include "base/ids.h"
#include "raft/members.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "raft/raft.h"

namespace kvorum::raft {

struct Follower {
    NodeId leader;  // of the current term; none when unknown
    // What this leader's AppendEntries of this term proved to agree with its log, and what of that was acknowledged as
    // durable.
    LogIndex verified_index{};
    LogIndex acked_index{};
    uint64_t seen_round = 0;
    uint64_t silence_ns = 0;  // promised with its latest AppendEntries
};

// Who granted: a voter counts once, however often its reply arrives.
class VoteTally {
 public:
    void grant(NodeId voter) {
        for (const NodeId known : granted_) {
            if (known == voter) return;
        }
        granted_.push_back(voter);
    }
    // A majority of every set that is in force.
    [[nodiscard]] bool has_won(const Members& members) const {
        if (members.voters.empty() || !has_majority(members.voters)) return false;
        return !members.is_joint() || has_majority(members.outgoing);
    }

 private:
    [[nodiscard]] bool has_majority(const std::vector<NodeId>& voters) const {
        const auto granted = std::count_if(voters.begin(), voters.end(), [&](NodeId voter) {
            return std::find(granted_.begin(), granted_.end(), voter) != granted_.end();
        });
        return static_cast<size_t>(granted) >= majority_of(voters.size());
    }

    std::vector<NodeId> granted_;
};

struct PreCandidate {
    VoteTally votes;
};

struct Candidate {
    VoteTally votes;
};

// A read between registration and confirmation. Round 0: its round was not sent yet.
struct PendingRead {
    uint64_t id = 0;
    LogIndex read_index;
    uint64_t round = 0;
};

// A round that renews the lease: what acknowledges it promises a silence from when it began, or later.
struct LeaseRound {
    uint64_t round = 0;
    uint64_t begun_ns = 0;
};

// The leadership is being handed over.
struct Transfer {
    NodeId target;
    uint64_t deadline_ns = 0;
    bool asked = false;  // the target was told to campaign
};

struct Leader {
    // All members but this node, and those that left until they know it. A change of members moves them.
    std::vector<Progress> peers;
    uint64_t heartbeat_at_ns = 0;
    // Something happened that may allow sending; take_output() does it.
    bool replication_due = false;

    // The newest round that was sent. Rounds rise within the term, and a read is confirmed only by a round that began
    // after it came.
    uint64_t read_round = 0;
    std::vector<uint64_t> early_reads;  // came before an entry of this term was committed
    std::vector<PendingRead> reads;     // by round, those without one last

    bool lease_round_due = true;          // with the next AppendEntries
    std::deque<LeaseRound> lease_rounds;  // the newest that a majority acknowledged, if any, and those behind it
    uint64_t lease_end_ns = 0;
    bool lease_given_up = false;  // for the rest of the term

    std::optional<Transfer> transfer;
    bool leaves = false;  // it is no voter any more, and has tried to hand over
};

// As reached_by_every_majority(), of what the leader `self` has itself and knows of its peers.
template <typename T, typename OfPeer>
[[nodiscard]] T reached_by_voters(const Members& members, const Leader& leader, NodeId self, T own, OfPeer of_peer) {
    return reached_by_every_majority(members, [&](NodeId voter) -> T {
        if (voter == self) return own;
        const auto peer = std::find_if(leader.peers.begin(), leader.peers.end(),
                                       [&](const Progress& each) { return each.id == voter; });
        KVORUM_ASSERT(peer != leader.peers.end(), "no progress of voter {}", voter);
        return of_peer(*peer);
    });
}

using RoleState = std::variant<Follower, PreCandidate, Candidate, Leader>;

}  // namespace kvorum::raft
