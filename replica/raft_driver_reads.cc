// RaftDriver and reads: at the leader Raft is asked, at a follower the leader is, once for all reads of a turn. What a
// follower was told holds for the reads that it had when it asked, and is given up with all that waits for it when the
// leader or the term changes, or the connection breaks; its reads are asked again then, under a new id.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutants.h"
#include "replica/raft_driver.h"

namespace kvorum::replica {

void RaftDriver::register_open_reads(CommandOutcomes& outcomes) {
    if (is_answer_overdue()) answers_lost_ = true;
    if (std::exchange(answers_lost_, false)) drop_reads(outcomes);
    if (!reads_.can_register()) return;
    // Before the question: what it is answered with is not older than this.
    const uint64_t clock_ns = lease_clock_ns();
    const uint64_t id = reads_.open_id();
    if (raft_.is_leader()) {
        const raft::ReadStatus status = raft_.read_index(id, clock_ns);
        KVORUM_ASSERT(status == raft::ReadStatus::kAccepted);
        ++(raft_.has_lease(clock_ns) ? counters_.lease_reads : counters_.read_rounds);
        reads_.registered(clock_ns);
    } else if (ask_leader(id)) {
        ++counters_.read_questions;
        reads_.registered(clock_ns);
        if (is_mutant(Mutant::kFollowerReadWithoutQuestion)) reads_.confirmed(id, raft_.commit_index());
    } else {
        drop_reads(outcomes);
    }
}

bool RaftDriver::ask_leader(uint64_t id) {
    if (!takes_reads()) return false;
    gathering_.reads_asked(reads_.open_reads(), reactor_.now_ns());
    const peers::ReadIndexRequest request{.id = id, .leader_term = raft_.current_term(), .reads = reads_.open_reads()};
    if (read_peers_.send(raft_.leader(), request)) return true;
    unconnected_leader_ = raft_.leader();
    return false;
}

// Its own connection to us may have broken before it answered, or the answer was dropped for want of one.
bool RaftDriver::is_answer_overdue() const {
    const uint64_t asked_ns = reads_.oldest_asked_ns();
    return !raft_.is_leader() && asked_ns != 0 &&
           lease_clock_ns() > asked_ns + config_.election_timeout_ms * kMillisecondNs;
}

bool RaftDriver::takes_reads() const {
    return raft_.is_leader() || (!raft_.leader().is_none() && raft_.leader() != unconnected_leader_);
}

void RaftDriver::drop_reads(CommandOutcomes& outcomes) {
    std::vector<WaiterId> waiters;
    reads_.drop_all(waiters);
    if (!waiters.empty()) outcomes.reads_dropped(waiters);
}

// Those of other nodes as well, if this node led.
void RaftDriver::drop_reads_of_leader(CommandOutcomes& outcomes) {
    for (const ReadQuestion& question : questions_.take_all())
        answer(question, LogIndex{});
    if (is_mutant(Mutant::kReadIndexKeptOverTerms) && !raft_.is_leader()) {
        for (uint64_t id = reads_.open_id() - ReadBatcher::kRoundsInFlightMax; id < reads_.open_id(); ++id)
            reads_.confirmed(id, told_index_);
        return;
    }
    drop_reads(outcomes);
}

void RaftDriver::confirm_read(const raft::ReadState& read) {
    if (!ReadQuestions::is_question(read.id)) {
        reads_.confirmed(read.id, read.read_index);
    } else if (const auto question = questions_.take(read.id); question.has_value()) {
        answer(*question, read.read_index);
    }
}

// One that is not sent is asked again.
void RaftDriver::answer(const ReadQuestion& question, LogIndex read_index) {
    (void)read_peers_.send(
        question.from,
        peers::ReadIndexReply{.id = question.id, .read_index = read_index, .leader_clock_ms = log_clock_ms()});
}

void RaftDriver::on_read_index_request(NodeId from, const peers::ReadIndexRequest& request) {
    const bool leads = raft_.is_leader() && raft_.current_term() == request.leader_term;
    const std::optional<uint64_t> raft_id = leads ? questions_.add(from, request.id) : std::nullopt;
    if (!raft_id.has_value()) {
        answer({.raft_id = 0, .from = from, .id = request.id}, LogIndex{});
        return;
    }
    gathering_.reads_asked(request.reads, reactor_.now_ns());
    const uint64_t clock_ns = lease_clock_ns();
    const raft::ReadStatus status = raft_.read_index(*raft_id, clock_ns);
    KVORUM_ASSERT(status == raft::ReadStatus::kAccepted);
    ++(raft_.has_lease(clock_ns) ? counters_.lease_reads : counters_.read_rounds);
}

// One of an earlier leader, or of this one before its reads were dropped, names no reads that wait.
void RaftDriver::on_read_index_reply(NodeId from, const peers::ReadIndexReply& reply) {
    if (from != raft_.leader() || !reads_.waits_for(reply.id)) return;
    if (reply.read_index.is_none()) {
        answers_lost_ = true;
        return;
    }
    told_index_ = reply.read_index;
    told_clock_ms_ = reply.leader_clock_ms;
    told_clock_ns_ = reactor_.now_ns();
    reads_.confirmed(reply.id, reply.read_index);
}

void RaftDriver::on_answers_lost(NodeId peer) {
    questions_.forget(peer);
    if (peer == raft_.leader()) answers_lost_ = true;
}

void RaftDriver::release_ready_reads(CommandOutcomes& outcomes) {
    if (applier_.mid_entry()) return;
    ready_waiters_.clear();
    const uint64_t served_id = reads_.take_ready(applier_.last_applied(), ready_waiters_);
    if (!ready_waiters_.empty()) outcomes.reads_ready(served_id, ready_waiters_);
}

// Never the turn's own time, which may be from before a pause of the process.
uint64_t RaftDriver::lease_clock_ns() const {
    return is_mutant(Mutant::kCachedLeaseClock) ? last_turn_ns_ : reactor_.backend().monotonic_ns();
}

bool RaftDriver::may_read_now() const {
    return applier_.last_applied() >= raft_.commit_index() && raft_.has_lease(lease_clock_ns());
}

bool RaftDriver::is_at_most_old(uint64_t age_ns) const {
    const uint64_t known_ns = reads_.known_ns();
    return may_read_now() || (known_ns != 0 && lease_clock_ns() - known_ns <= age_ns);
}

// By the leader's clock, which the deadlines of keys count from.
int64_t RaftDriver::turn_clock_ms() {
    if (told_clock_ms_.has_value() && !raft_.is_leader()) {
        const uint64_t since_ns = reactor_.now_ns() - told_clock_ns_;
        return std::max(*told_clock_ms_ + static_cast<int64_t>(since_ns / kMillisecondNs), raft_.last_log_time_ms());
    }
    if (wall_clock_turn_ns_ != reactor_.now_ns()) {
        wall_clock_turn_ns_ = reactor_.now_ns();
        turn_wall_clock_ms_ = reactor_.backend().wall_clock_ms();
    }
    return std::max(turn_wall_clock_ms_, raft_.last_log_time_ms());
}

}  // namespace kvorum::replica
