// Elections: pre-vote (thesis 9.6), votes (3.4, 3.6.1), check-quorum (6.2), and role changes.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutants.h"
#include "raft/impl.h"
#include "raft/quorum.h"

namespace kvorum::raft {
namespace {

bool is_well_formed(const RequestVote& request) {
    if (request.term.is_none() || request.term.value() > kTermMax) return false;
    if (request.last_log_index.is_none() != request.last_log_term.is_none()) return false;
    if (request.pre_vote && !request.handed_over_by.is_none()) return false;
    // Nobody has entries of a term that it would only begin.
    return request.last_log_term < request.term;
}

}  // namespace

void Raft::Impl::restart_election_timer() {
    election_jitter_ns_ = prng_.below(config_.election_timeout_ns);
    wait_for_leader();
}

// Never before the end of the promised silence: this node's own candidacy would break it like a vote for another.
void Raft::Impl::wait_for_leader() {
    election_at_ns_ = std::max(now_ns_ + config_.election_timeout_ns, silent_until_ns_) + election_jitter_ns_;
}

// Leaves the election timer alone, unless there was none: learning of a term is not hearing from its leader
// (thesis 3.4).
void Raft::Impl::become_follower(Term term, NodeId leader) {
    KVORUM_ASSERT(term >= current_term());
    if (const auto* was_leader = std::get_if<Leader>(&role_)) {
        drop_reads(*was_leader);
        output_.log_reads.clear();
        restart_election_timer();
    }
    if (term > current_term()) set_term_and_vote(term, NodeId{});
    role_ = Follower{.leader = leader};
}

void Raft::Impl::become_pre_candidate() {
    restart_election_timer();
    PreCandidate candidate;
    candidate.votes.grant(config_.self);
    const bool has_won = candidate.votes.has_won(members_);
    role_ = std::move(candidate);
    if (has_won) {
        become_candidate(NodeId{});
        return;
    }
    // Asks what would happen, promises nothing: neither term nor vote changes, nothing needs the disk.
    ask_for_votes({.term = current_term() + 1, .pre_vote = true}, output_.messages_now);
}

void Raft::Impl::become_candidate(NodeId handed_over_by) {
    KVORUM_ASSERT(!disk_stalled_);
    KVORUM_ASSERT(handed_over_by.is_none() ? role() == Role::kPreCandidate && now_ns_ >= silent_until_ns_
                                           : role() == Role::kFollower && leader() == handed_over_by);
    restart_election_timer();
    set_term_and_vote(current_term() + 1, config_.self);
    role_ = Candidate{};
    // Term and vote must be durable before anyone can count on them, this node included: its own vote comes back as a
    // message.
    ask_for_votes({.term = current_term(), .handed_over_by = handed_over_by}, output_.messages_after_persist);
    output_.messages_after_persist.push_back(
        {config_.self, config_.self, RequestVoteReply{.term = current_term(), .pre_vote = false, .granted = true},
         config_.group});
}

// `request` says all but how this log ends.
void Raft::Impl::ask_for_votes(RequestVote request, MessageList& outbox) const {
    request.last_log_index = log_.last_index();
    request.last_log_term = log_.last_term();
    for (const NodeId voter : members_.electorate()) {
        if (voter != config_.self) outbox.push_back({config_.self, voter, request, config_.group});
    }
}

void Raft::Impl::become_leader() {
    KVORUM_ASSERT(role() == Role::kCandidate);
    const LogIndex next_index = log_.last_index() + 1;
    Leader leader;
    leader.heartbeat_at_ns = now_ns_ + config_.heartbeat_interval_ns;
    for (const NodeId member : members_.all()) {
        if (member != config_.self) add_peer(leader, member, next_index);
    }
    role_ = std::move(leader);
    if (is_mutant(Mutant::kNoNoop)) return;
    // Commits what earlier terms left, and lets reads begin (thesis 3.6.2, 6.4). The first of all says who the members
    // are.
    if (log_.last_index().is_none()) {
        append_configuration(config_.configuration);
        return;
    }
    EntryBuilder first(EntryType::kNoop);
    append_as_leader(first);
}

void Raft::Impl::handle(NodeId from, const RequestVote& request) {
    if (!is_well_formed(request)) {
        ++dropped_messages_.malformed;
        return;
    }
    if (request.pre_vote) {
        answer_pre_vote(from, request);
        return;
    }
    // Not even the term is taken over: that would depose the leader that the silence is for.
    if (is_silent_towards(from) && !is_handed_over(request)) {
        reply_to(from, RequestVoteReply{.term = current_term(), .pre_vote = false, .granted = false});
        return;
    }
    if (request.term > current_term()) become_follower(request.term, NodeId{});
    const NodeId voted_for = hard_state_.voted_for;
    const bool granted = request.term == current_term() && leader().is_none() &&
                         (voted_for.is_none() || voted_for == from || is_mutant(Mutant::kTwoVotesPerTerm)) &&
                         is_log_up_to_date(request);
    if (granted) {
        if (role() != Role::kFollower) become_follower(current_term(), NodeId{});
        set_term_and_vote(current_term(), from);
        restart_election_timer();
    }
    reply_to(from, RequestVoteReply{.term = current_term(), .pre_vote = false, .granted = granted});
}

// Never silent: a candidate that lags behind in terms must learn ours, or it could neither win nor follow. Changes
// nothing here.
void Raft::Impl::answer_pre_vote(NodeId from, const RequestVote& request) {
    if (is_mutant(Mutant::kPrevoteDropsLowerTerm) && request.term <= current_term()) return;
    // A node whose disk hangs could not keep the promise, so it does not raise the hope.
    const bool granted = request.term > current_term() && !disk_stalled_ && role() != Role::kLeader &&
                         !is_silent_towards(from) && is_log_up_to_date(request);
    reply_to(from,
             RequestVoteReply{.term = granted ? request.term : current_term(), .pre_vote = true, .granted = granted});
}

// Who heard a leader elects no other until then, by its own clock (thesis 4.2.3), and says so in its reply: the
// leader's lease counts on it (6.4.1), so nothing but a new leader's own message takes it back, whatever terms, roles
// and connections come and go; only a leader that gave its lease up may ask for a vote all the same (transfer.cc).
// Never shrinks: a silence that lasts longer stays, although it may be of an earlier promise.
void Raft::Impl::keep_silence(NodeId towards, uint64_t until_ns) {
    silent_until_ns_ = std::max(silent_until_ns_, until_ns);
    silent_for_ = towards;
}

// A leader that asks for votes has stopped leading, so its own candidacy is not held against it.
bool Raft::Impl::is_silent_towards(NodeId candidate) const {
    const uint64_t kept_ns = is_mutant(Mutant::kSilenceShorterThanPromised) ? config_.election_timeout_ns / 2 : 0;
    return now_ns_ + kept_ns < silent_until_ns_ && (silent_for_.is_none() || silent_for_ != candidate);
}

uint32_t Raft::Impl::own_silence_ms() const {
    return static_cast<uint32_t>((config_.election_timeout_ns + kMillisecondNs - 1) / kMillisecondNs);
}

// Once what earlier options promised is over, only what this node promises now has to be remembered.
void Raft::Impl::settle_longest_silence() {
    if (hard_state_.longest_silence_ms == own_silence_ms() || now_ns_ < inherited_until_ns_) return;
    HardState settled = hard_state_;
    settled.longest_silence_ms = own_silence_ms();
    set_hard_state(settled);
}

// Thesis 3.6.1: later last term, or the same and at least as long.
bool Raft::Impl::is_log_up_to_date(const RequestVote& request) const {
    if (request.last_log_term != log_.last_term()) return request.last_log_term > log_.last_term();
    return request.last_log_index >= log_.last_index();
}

void Raft::Impl::handle(NodeId from, const RequestVoteReply& reply) {
    const bool from_self = from == config_.self;
    if (reply.term.value() > kTermMax || (from_self && (reply.pre_vote || reply.term > current_term()))) {
        ++dropped_messages_.malformed;
        return;
    }
    if (reply.pre_vote && reply.granted) {
        auto* candidate = std::get_if<PreCandidate>(&role_);
        // The term of a granted pre-vote is the one asked about: nobody is in it yet.
        if (candidate == nullptr || reply.term != current_term() + 1) return;
        candidate->votes.grant(from);
        if (candidate->votes.has_won(members_)) become_candidate(NodeId{});
        return;
    }
    if (reply.term > current_term()) {
        become_follower(reply.term, NodeId{});
        return;
    }
    auto* candidate = std::get_if<Candidate>(&role_);
    if (candidate == nullptr || reply.pre_vote || (!reply.granted && !is_mutant(Mutant::kSeenVoteIsGranted)) ||
        reply.term != current_term())
        return;
    candidate->votes.grant(from);
    if (candidate->votes.has_won(members_)) become_leader();
}

// A leader that a majority has not answered for an election timeout may have been replaced, and keeps others from
// electing.
void Raft::Impl::check_quorum(const Leader& leader) {
    if (is_mutant(Mutant::kNoCheckQuorum)) return;
    const uint64_t heard_ns = reached_by_voters(members_, leader, config_.self, now_ns_,
                                                [](const Progress& peer) { return peer.last_heard_ns; });
    if (now_ns_ - heard_ns >= config_.election_timeout_ns) become_follower(current_term(), NodeId{});
}

void Raft::Impl::set_disk_stalled(bool stalled) {
    if (stalled == disk_stalled_) return;
    disk_stalled_ = stalled;
    if (stalled && role() != Role::kFollower) become_follower(current_term(), NodeId{});
    if (!stalled && role() != Role::kLeader) restart_election_timer();
}

}  // namespace kvorum::raft
