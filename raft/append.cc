// A follower's log: what AppendEntries may do to it (thesis 3.5), and when that is acknowledged.
//
// An acknowledgement counts only what is durable. An AppendEntries that brings new entries is acknowledged when they
// are durable, once for all that became durable together. Every other one is answered at once with what is durable by
// then: heartbeats, repeats, and those that open a read round, so that neither the leader's view of who lives nor a
// read waits for a disk.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutants.h"
#include "raft/impl.h"

namespace kvorum::raft {
namespace {

// What must hold between an entry and the one before it in any log.
bool can_follow(const EntryHeader& previous, const EntryHeader& next) {
    return next.index == previous.index + 1 && next.term >= previous.term &&
           next.prev_checksum == previous.header_checksum && next.log_time_ms >= previous.log_time_ms &&
           next.feature_level >= previous.feature_level;
}

bool state_what_their_types_say(const EntryList& entries) {
    return std::all_of(entries.begin(), entries.end(), [](const EntryPtr& entry) {
        LogFacts facts;
        return facts.note(entry->header(), entry->body());
    });
}

bool is_well_formed(const AppendEntries& request, ClusterId cluster, GroupId group) {
    if (request.term.is_none() || request.term.value() > kTermMax) return false;
    if (request.prev_log_index.is_none() != request.prev_log_term.is_none()) return false;
    if (request.prev_log_term > request.term) return false;
    const Entry* previous = nullptr;
    for (const EntryPtr& entry : request.entries) {
        if (entry == nullptr) return false;
        const EntryHeader& header = entry->header();
        if (header.cluster != cluster || header.group != group) return false;
        if (header.term > request.term || header.index.is_none()) return false;
        if (previous == nullptr) {
            if (header.index != request.prev_log_index + 1 || header.term < request.prev_log_term) return false;
        } else if (!can_follow(previous->header(), header)) {
            return false;
        }
        previous = entry.get();
    }
    return true;
}

}  // namespace

// The leader takes us for a program that knows more, as one did that ran here before: no later message could mend that.
bool Raft::Impl::is_readable(const AppendEntries& request) {
    const auto* raise = log_.facts().raises.last();
    for (const EntryPtr& entry : request.entries) {
        output_.unreadable = unreadable_reason(entry->header(), entry->body(), config_.feature_level_max,
                                               raise == nullptr ? std::string_view() : raise->fact.raised_by);
        if (!output_.unreadable.empty()) return false;
    }
    return true;
}

// Looks before anything is touched: a message that contradicts what is settled changes neither term nor log.
Raft::Impl::AppendCheck Raft::Impl::check_append(NodeId from, const AppendEntries& request) const {
    const AppendCheck contradiction{AppendVerdict::kContradiction};
    LogIndex settled = commit_index_;
    if (request.term == current_term()) {
        const NodeId known_leader = leader();
        if (!known_leader.is_none() && known_leader != from) return contradiction;
        // A leader never replaces entries in its own term (thesis 3.5, Leader Append-Only).
        if (const auto* follower = std::get_if<Follower>(&role_)) settled = std::max(settled, follower->verified_index);
    }
    const LogIndex prev = request.prev_log_index;
    if (prev > log_.last_index()) return {AppendVerdict::kMismatch};
    // What lies below the base is committed, so a leader's is the same.
    const LogIndex base = log_.base_index();
    if (prev >= base && log_.term_at(prev) != request.prev_log_term)
        return prev <= settled ? contradiction : AppendCheck{AppendVerdict::kMismatch};

    size_t first_new = 0;
    for (; first_new < request.entries.size(); ++first_new) {
        const EntryId id = request.entries[first_new]->id();
        if (id.index < base) continue;
        if (log_.term_at(id.index) != id.term) break;
        if (log_.checksum_at(id.index).value_or(id.checksum) != id.checksum) return contradiction;
    }
    if (first_new < request.entries.size()) {
        const EntryHeader& header = request.entries[first_new]->header();
        if (header.index <= settled) return contradiction;
        const LogIndex before = header.index - 1;
        if (log_.checksum_at(before).value_or(header.prev_checksum) != header.prev_checksum) return contradiction;
        if (before == log_.last_index() && header.log_time_ms < log_.last_log_time_ms()) return contradiction;
    }
    return {AppendVerdict::kAccept, first_new};
}

void Raft::Impl::handle(NodeId from, const AppendEntries& request) {
    if (!is_well_formed(request, cluster_, config_.group)) {
        ++dropped_messages_.malformed;
        return;
    }
    if (request.term < current_term()) {
        // So that a leader of the past learns of it. Nothing of the message goes back: its rounds and indexes belong to
        // another leadership, perhaps of the same node, and mean nothing in the term that the reply states.
        reply_to(from, AppendEntriesReply{.term = current_term()});
        return;
    }
    if (!is_readable(request)) return;
    if (!state_what_their_types_say(request.entries)) {
        ++dropped_messages_.malformed;
        return;
    }
    const AppendCheck check = check_append(from, request);
    if (check.verdict == AppendVerdict::kContradiction) {
        ++dropped_messages_.contradicting;
        return;
    }
    follow(from, request.term);
    if (check.verdict == AppendVerdict::kMismatch) {
        auto& follower = std::get<Follower>(role_);
        follower.seen_round = std::max(follower.seen_round, request.read_round);
        reject_append(from, request);
        return;
    }
    size_t first_new = check.first_new;
    if (is_mutant(Mutant::kTruncateOnAnyAppend) || is_mutant(Mutant::kTruncateCommitted)) {
        const LogIndex kept = is_mutant(Mutant::kTruncateCommitted) ? LogIndex{} : commit_index_;
        first_new = 0;
        while (first_new < request.entries.size() && request.entries[first_new]->index() <= kept)
            ++first_new;
    }
    append_new_entries(request, first_new);

    auto& follower = std::get<Follower>(role_);
    const LogIndex matched = request.prev_log_index + request.entries.size();
    follower.verified_index = std::max(follower.verified_index, matched);
    if (const LogIndex committed = std::min(request.leader_commit, matched); committed > commit_index_)
        advance_commit_index(committed);

    const bool brought_nothing = check.first_new == request.entries.size();
    const bool opens_round = request.read_round > follower.seen_round;
    follower.seen_round = std::max(follower.seen_round, request.read_round);
    if (!brought_nothing && !opens_round) return;  // acknowledge_persisted() will
    LogIndex held = std::min(matched, persists_.durable_index());
    if (is_mutant(Mutant::kAckReceivedOnHeartbeat)) held = matched;
    if (is_mutant(Mutant::kAckLastIndex)) held = persists_.durable_index();
    acknowledge(from, held, request.read_round);
}

void Raft::Impl::acknowledge(NodeId to, LogIndex durable, uint64_t read_round) {
    auto& follower = std::get<Follower>(role_);
    follower.acked_index = std::max(follower.acked_index, durable);
    reply_to(to, AppendEntriesReply{.term = current_term(),
                                    .success = true,
                                    .match_index = durable,
                                    .read_round = read_round,
                                    .silence_ns = follower.silence_ns,
                                    .memory_limit_bytes = memory_limit_bytes_,
                                    .feature_level_max = config_.feature_level_max});
}

// Also an AppendEntries that will be rejected is contact with a leader: else a follower that lags would go on calling
// for elections.
void Raft::Impl::follow(NodeId from, Term term) {
    const auto* known = std::get_if<Follower>(&role_);
    if (term > current_term() || known == nullptr || known->leader != from) become_follower(term, from);
    keep_silence(from, now_ns_ + config_.election_timeout_ns);
    std::get<Follower>(role_).silence_ns = silent_until_ns_ - now_ns_;
    settle_longest_silence();
    wait_for_leader();
}

// The hint skips all of this log's entries that are of later terms than the leader's at prev_log_index (thesis 3.5,
// end).
void Raft::Impl::reject_append(NodeId from, const AppendEntries& request) {
    const LogIndex hint = log_.last_index_of_term_at_most(request.prev_log_index, request.prev_log_term);
    reply_to(from, AppendEntriesReply{.term = current_term(),
                                      .success = false,
                                      .rejected_prev_index = request.prev_log_index,
                                      .hint_index = hint,
                                      .hint_term = log_.term_at(hint),
                                      .read_round = request.read_round,
                                      .silence_ns = std::get<Follower>(role_).silence_ns,
                                      .memory_limit_bytes = memory_limit_bytes_,
                                      .feature_level_max = config_.feature_level_max});
}

void Raft::Impl::append_new_entries(const AppendEntries& request, size_t first_new) {
    if (first_new == request.entries.size()) return;
    const LogIndex first_index = request.entries[first_new]->index();
    if (first_index <= log_.last_index()) {
        KVORUM_ASSERT(first_index > commit_index_, "truncating {} of committed {}", first_index, commit_index_);
        persists_.on_truncated(first_index);
        auto& unsent = output_.entries;
        while (!unsent.empty() && unsent.back()->index() >= first_index)
            unsent.pop_back();
    }
    const LogIndex stated_before = configuration_index();
    bool states_configuration = false;
    for (size_t i = first_new; i < request.entries.size(); ++i) {
        log_.append(request.entries[i]);
        output_.entries.push_back(request.entries[i]);
        states_configuration |= request.entries[i]->header().type == EntryType::kConfig;
    }
    if (states_configuration || configuration_index() != stated_before) take_configuration();
}

// The leader's entries that became durable since the last acknowledgement.
std::optional<LogIndex> Raft::Impl::owed_acknowledgement() const {
    const auto* follower = std::get_if<Follower>(&role_);
    if (follower == nullptr || follower->leader.is_none()) return std::nullopt;
    LogIndex durable = std::min(follower->verified_index, persists_.durable_index());
    if (is_mutant(Mutant::kAckLastIndex)) durable = persists_.durable_index();
    return durable > follower->acked_index ? std::optional(durable) : std::nullopt;
}

void Raft::Impl::acknowledge_persisted() {
    const std::optional<LogIndex> durable = owed_acknowledgement();
    if (!durable.has_value()) return;
    const auto& follower = std::get<Follower>(role_);
    acknowledge(follower.leader, *durable, follower.seen_round);
}

}  // namespace kvorum::raft
