// Linearizable reads without the log: ReadIndex (thesis 6.4), and leases (6.4.1).
//
// Under a lease nobody can have been elected since. Every voter that answers an AppendEntries promises how long it will
// be silent towards candidates from when it got that; the leader, a voter too, is silent itself while it counts on
// itself. So until the end of a silence that a majority keeps, no other majority can elect anybody. The lease is that
// long, from when the round began that was answered, less what clocks may differ. What the nodes' election timeouts
// are, and whether they are equal, does not matter. A heartbeat's round renews the lease, at no message of its own.
//
// What is promised is kept (election.cc): a silence never shrinks, a restarted node waits for the longest that it may
// have promised, which was durable before it was promised, and nothing that becomes of a connection ends it.
//
// A read takes the commit index when it is registered, and is confirmed when a majority acknowledged a message that was
// sent after that. Rounds tell which: the reads of one Output share a new round, every AppendEntries carries the newest
// one, and an acknowledgement of round R proves leadership for the rounds up to R and for nothing that came later. A
// repeated message carries its round again, so a late acknowledgement of an old one never serves a newer read.
#include <algorithm>
#include <utility>

#include "base/mutants.h"
#include "raft/impl.h"
#include "raft/quorum.h"

namespace kvorum::raft {

bool Raft::Impl::has_lease(uint64_t clock_ns) const {
    const auto* leader = std::get_if<Leader>(&role_);
    return leader != nullptr && clock_ns < leader->lease_end_ns && log_.term_at(commit_index_) == current_term();
}

ReadStatus Raft::Impl::read_index(uint64_t id, uint64_t clock_ns) {
    auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr) return ReadStatus::kNotLeader;
    if (has_lease(clock_ns)) {
        output_.read_states.push_back({id, commit_index_});
        return ReadStatus::kAccepted;
    }
    // Before that, commit_index may lie below what an earlier leader has acknowledged.
    if (log_.term_at(commit_index_) != current_term() && !is_mutant(Mutant::kNoNoop)) {
        leader->early_reads.push_back(id);
    } else {
        leader->reads.push_back({.id = id, .read_index = commit_index_, .round = 0});
        leader->replication_due = true;
        if (is_mutant(Mutant::kReadBeforeRound)) {
            leader->reads.pop_back();
            output_.read_states.push_back({id, commit_index_});
        }
    }
    return ReadStatus::kAccepted;
}

// Who votes is changing: only a round of the voters that are in force renews it.
void Raft::Impl::end_lease(Leader& leader) const {
    leader.lease_end_ns = 0;
    leader.lease_rounds.clear();
    leader.lease_round_due = true;
}

void Raft::Impl::admit_early_reads(Leader& leader) {
    if (leader.early_reads.empty()) return;
    for (const uint64_t id : leader.early_reads)
        leader.reads.push_back({.id = id, .read_index = commit_index_, .round = 0});
    leader.early_reads.clear();
    leader.replication_due = true;
}

void Raft::Impl::begin_read_round(Leader& leader) {
    const bool has_new_reads = !leader.reads.empty() && leader.reads.back().round == 0;
    const bool may_renew = config_.clock_drift_percent > 0 && !leader.lease_given_up;
    const bool renews_lease = std::exchange(leader.lease_round_due, false) && may_renew;
    if (!has_new_reads && !renews_lease) return;
    if (!is_mutant(Mutant::kReuseReadToken) || leader.read_round == 0) ++leader.read_round;
    for (auto read = leader.reads.rbegin(); read != leader.reads.rend() && read->round == 0; ++read)
        read->round = leader.read_round;
    if (renews_lease) leader.lease_rounds.push_back({leader.read_round, now_ns_});
    if (is_alone() || is_mutant(Mutant::kReuseReadToken)) confirm_reads(leader);
}

void Raft::Impl::confirm_reads(Leader& leader) {
    const uint64_t confirmed = reached_by_voters(members_, leader, config_.self, leader.read_round,
                                                 [](const Progress& peer) { return peer.acked_round; });
    renew_lease(leader, confirmed);
    const auto end = std::find_if(leader.reads.begin(), leader.reads.end(),
                                  [&](const PendingRead& read) { return read.round == 0 || read.round > confirmed; });
    for (auto read = leader.reads.begin(); read != end; ++read)
        output_.read_states.push_back({read->id, read->read_index});
    leader.reads.erase(leader.reads.begin(), end);
}

uint64_t Raft::Impl::less_drift(uint64_t duration_ns) const {
    const uint32_t margin_percent = is_mutant(Mutant::kNoLeaseDriftMargin) ? 0 : config_.clock_drift_percent;
    return duration_ns / 100 * (100 - margin_percent);
}

// From the time at which the round began, not from that of its answer: the follower's silence may be as old as that.
void Raft::Impl::take_promise(const Leader& leader, Progress& peer, const AppendEntriesReply& reply) const {
    if (reply.silence_ns > 0) peer.silence_ns = reply.silence_ns;
    for (auto round = leader.lease_rounds.rbegin(); round != leader.lease_rounds.rend(); ++round) {
        if (round->round > reply.read_round) continue;
        peer.silent_until_ns = std::max(peer.silent_until_ns, round->begun_ns + less_drift(reply.silence_ns));
        return;
    }
}

// The end of a lease never goes back: a majority promised it.
void Raft::Impl::renew_lease(Leader& leader, uint64_t confirmed_round) {
    auto& rounds = leader.lease_rounds;
    while (rounds.size() > 1 && rounds[1].round <= confirmed_round)
        rounds.pop_front();
    if (rounds.empty() || rounds.front().round > confirmed_round) return;
    const uint64_t begun_ns = rounds.front().begun_ns;
    keep_silence(config_.self, begun_ns + config_.election_timeout_ns);
    uint64_t end_ns =
        reached_by_voters(members_, leader, config_.self, begun_ns + less_drift(config_.election_timeout_ns),
                          [](const Progress& peer) { return peer.silent_until_ns; });
    if (is_mutant(Mutant::kLeaseFromOwnTimeout)) end_ns = begun_ns + less_drift(config_.election_timeout_ns);
    leader.lease_end_ns = std::max(leader.lease_end_ns, end_ns);
}

void Raft::Impl::drop_reads(const Leader& leader) {
    auto& dropped = output_.dropped_reads;
    dropped.insert(dropped.end(), leader.early_reads.begin(), leader.early_reads.end());
    for (const PendingRead& read : leader.reads)
        dropped.push_back(read.id);
}

}  // namespace kvorum::raft
