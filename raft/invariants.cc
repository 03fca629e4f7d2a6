#include "raft/invariants.h"

#include <algorithm>

#include "base/assert.h"
#include "raft/quorum.h"

namespace kvorum::raft {
namespace {

void check_log(const StateView& view) {
    const Log& log = *view.log;
    KVORUM_ASSERT(log.last_index() == view.last_index);
    const auto runs = log.term_runs();
    KVORUM_ASSERT(runs.empty() == (view.last_index == log.base_index()));
    for (size_t i = 0; i < runs.size(); ++i) {
        KVORUM_ASSERT(!runs[i].term.is_none() && runs[i].first_index <= view.last_index);
        if (i == 0) KVORUM_ASSERT(runs[0].first_index == log.base_index() + 1);
        if (i > 0) {
            KVORUM_ASSERT(runs[i].term > runs[i - 1].term);
            KVORUM_ASSERT(runs[i].first_index > runs[i - 1].first_index);
        }
    }
    KVORUM_ASSERT(log.last_term() <= view.hard_state.current_term, "last entry of term {}, current term {}",
                  log.last_term(), view.hard_state.current_term);
    // What is not durable cannot be read back from the log, so it must still be cached.
    KVORUM_ASSERT(log.first_cached_index() <= std::max(view.durable_index, log.base_index()) + 1,
                  "cached from {}, durable to {}", log.first_cached_index(), view.durable_index);
    KVORUM_ASSERT(log.base_index() <= view.commit_index, "the log begins behind {}, committed {}", log.base_index(),
                  view.commit_index);
    if (log.is_cached(view.last_index)) KVORUM_ASSERT(log.cached(view.last_index)->id() == log.last_id());
}

void check_follower(const StateView& view, const Follower& follower) {
    KVORUM_ASSERT(follower.leader != view.self);
    KVORUM_ASSERT(follower.acked_index <= follower.verified_index);
    KVORUM_ASSERT(follower.verified_index <= view.last_index);
    KVORUM_ASSERT(follower.acked_index <= view.durable_index, "acknowledged {}, durable {}", follower.acked_index,
                  view.durable_index);
}

void check_peer(const StateView& view, const Leader& leader, const Progress& peer) {
    KVORUM_ASSERT(peer.match_index < peer.next_index, "peer {}: match {} next {}", peer.id, peer.match_index,
                  peer.next_index);
    KVORUM_ASSERT(peer.next_index <= view.last_index + 1, "peer {}: next {} last {}", peer.id, peer.next_index,
                  view.last_index);
    KVORUM_ASSERT(peer.acked_round <= peer.sent_round && peer.sent_round <= leader.read_round);
    KVORUM_ASSERT((peer.inflights.count() == 0) == (peer.inflights.bytes() == 0));
    if (peer.state == Progress::State::kProbe || peer.state == Progress::State::kSnapshot)
        KVORUM_ASSERT(peer.inflights.count() == 0);
    if (peer.state == Progress::State::kReadingLog) KVORUM_ASSERT(!peer.outstanding_read.is_none());
}

void check_leader(const StateView& view, const Leader& leader) {
    KVORUM_ASSERT(view.hard_state.voted_for == view.self);
    KVORUM_ASSERT(view.log->last_term() == view.hard_state.current_term, "a leader's first entry is of its own term");
    for (const Progress& peer : leader.peers)
        check_peer(view, leader, peer);
    for (const NodeId member : view.members->all()) {
        const auto known = std::count_if(leader.peers.begin(), leader.peers.end(),
                                         [&](const Progress& peer) { return peer.id == member; });
        KVORUM_ASSERT(known == (member == view.self ? 0 : 1), "member {} is known {} times", member, known);
    }
    const auto* stated = view.log->facts().configurations.last();
    const bool is_settled = stated == nullptr || stated->index <= view.commit_index;
    if (view.commit_term == view.hard_state.current_term) {
        const LogIndex durable_on_quorum = reached_by_voters(*view.members, leader, view.self, view.durable_index,
                                                             [](const Progress& peer) { return peer.match_index; });
        // The voters before may have committed what those of the newest configuration do not hold yet.
        KVORUM_ASSERT(!is_settled || view.commit_index <= durable_on_quorum, "committed {}, durable on a quorum {}",
                      view.commit_index, durable_on_quorum);
        KVORUM_ASSERT(leader.early_reads.empty());
    } else {
        KVORUM_ASSERT(leader.reads.empty(), "a read index before an entry of the term is committed");
    }
    if (leader.lease_given_up) KVORUM_ASSERT(leader.lease_end_ns == 0 && leader.lease_rounds.empty());
    uint64_t round = 0;
    for (const PendingRead& read : leader.reads) {
        KVORUM_ASSERT(read.read_index <= view.commit_index && read.round <= leader.read_round);
        KVORUM_ASSERT(read.round == 0 || read.round >= round);
        round = read.round == 0 ? UINT64_MAX : read.round;
    }
}

}  // namespace

void check_state(const StateView& view) {
    KVORUM_ASSERT(view.last_applied <= view.handed_out_index, "applied {}, handed out {}", view.last_applied,
                  view.handed_out_index);
    KVORUM_ASSERT(view.handed_out_index <= view.commit_index);
    KVORUM_ASSERT(view.commit_index <= view.last_index, "committed {}, last {}", view.commit_index, view.last_index);
    KVORUM_ASSERT(view.durable_index <= view.last_index, "durable {}, last {}", view.durable_index, view.last_index);
    if (view.role == Role::kCandidate) KVORUM_ASSERT(view.hard_state.voted_for == view.self);
    KVORUM_ASSERT(view.silent_until_ns <= view.now_ns + view.hard_state.longest_silence_ms * kMillisecondNs,
                  "silent until {}, which is longer than {} ms from {}", view.silent_until_ns,
                  view.hard_state.longest_silence_ms, view.now_ns);
    if (view.log == nullptr) return;
    check_log(view);
    if (const auto* stated = view.log->facts().configurations.last(); stated != nullptr)
        KVORUM_ASSERT(*view.members == Members::of(stated->fact),
                      "the members are not those of the configuration in force");
    if (const auto* follower = std::get_if<Follower>(view.role_state)) check_follower(view, *follower);
    if (const auto* leader = std::get_if<Leader>(view.role_state)) check_leader(view, *leader);
}

void check_delta(const StateView& before, const StateView& after) {
    const Term term_before = before.hard_state.current_term;
    const Term term_after = after.hard_state.current_term;
    KVORUM_ASSERT(term_after >= term_before, "the term went from {} to {}", term_before, term_after);
    KVORUM_ASSERT(after.commit_index >= before.commit_index, "commit index went from {} to {}", before.commit_index,
                  after.commit_index);
    KVORUM_ASSERT(after.last_applied >= before.last_applied);
    KVORUM_ASSERT(after.silent_until_ns >= before.silent_until_ns, "a promised silence shrank from {} to {}",
                  before.silent_until_ns, after.silent_until_ns);
    KVORUM_ASSERT(after.handed_out_index >= before.handed_out_index);
    if (after.log != nullptr && before.commit_index >= after.log->base_index()) {
        KVORUM_ASSERT(after.log->term_at(before.commit_index) == before.commit_term, "the committed entry {} changed",
                      before.commit_index);
    }
    if (term_after != term_before) return;
    const NodeId voted_before = before.hard_state.voted_for;
    KVORUM_ASSERT(voted_before.is_none() || voted_before == after.hard_state.voted_for, "two votes in term {}",
                  term_after);
    if (before.role == Role::kLeader) {
        KVORUM_ASSERT(after.role == Role::kLeader || after.role == Role::kFollower);
        KVORUM_ASSERT(after.last_index >= before.last_index, "a leader never deletes entries");
    } else if (after.role == Role::kLeader) {
        KVORUM_ASSERT(before.role == Role::kCandidate, "a leader was a candidate before");
    }
}

}  // namespace kvorum::raft
