#include "raft/raft.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutants.h"
#include "raft/impl.h"

namespace kvorum::raft {

static_assert(static_cast<size_t>(Role::kFollower) == 0 && static_cast<size_t>(Role::kPreCandidate) == 1 &&
                  static_cast<size_t>(Role::kCandidate) == 2 && static_cast<size_t>(Role::kLeader) == 3,
              "Role names the alternatives of RoleState");

Raft::Impl::Impl(const RaftConfig& config, const RecoveredLog& recovered, uint64_t now_ns)
    : config_(config),
      cluster_(recovered.cluster),
      prng_(config.seed),
      now_ns_(now_ns),
      hard_state_(recovered.hard_state),
      log_(recovered),
      persists_(recovered.last.index),
      commit_index_(recovered.applied.index),
      handed_out_index_(recovered.applied.index),
      last_applied_(recovered.applied.index) {
    const std::vector<std::string> violations = config.validate();
    KVORUM_ASSERT(violations.empty(), "{}", violations.front());
    KVORUM_ASSERT(!cluster_.is_none(), "a log of no cluster");
    KVORUM_ASSERT(
        recovered.base.last.index <= recovered.applied.index && recovered.applied.index <= recovered.last.index,
        "a log from {} to {}, applied to {}", recovered.base.last.index, recovered.last.index, recovered.applied.index);
    KVORUM_ASSERT(log_.last_term() <= current_term(), "the log holds term {}, the hard state {}", log_.last_term(),
                  current_term());
    // What was promised, and to whom, is not known any more; only how long it may last.
    inherited_until_ns_ = now_ns;
    if (!is_mutant(Mutant::kSilenceForgottenAtRestart))
        inherited_until_ns_ += hard_state_.longest_silence_ms * kMillisecondNs;
    // Nothing is promised before this is durable: every reply waits for that.
    HardState promising = hard_state_;
    promising.longest_silence_ms = std::max(promising.longest_silence_ms, own_silence_ms());
    set_hard_state(promising);
    take_configuration();
    if (is_sole_founder()) {
        election_at_ns_ = now_ns;  // nobody else to wait for
    } else {
        keep_silence(NodeId{}, inherited_until_ns_);
        restart_election_timer();
    }
    told_leadership_ = leadership();
}

void Raft::Impl::advance_clock(uint64_t now_ns) {
    KVORUM_ASSERT(now_ns >= now_ns_, "time went back from {} to {}", now_ns_, now_ns);
    now_ns_ = now_ns;
}

void Raft::Impl::step(const Message& message, uint64_t now_ns) {
    advance_clock(now_ns);
    // A request is judged whoever sends it: this node may not have heard yet who the members are (thesis 4.1). Replies
    // are counted for members.
    const bool is_reply = std::holds_alternative<RequestVoteReply>(message.body) ||
                          std::holds_alternative<AppendEntriesReply>(message.body);
    if (message.to != config_.self || message.from.is_none() || (is_reply && !may_reply(message.from))) {
        ++dropped_messages_.unknown_sender;
        return;
    }
    if (message.group != config_.group) {
        ++dropped_messages_.malformed;
        return;
    }
    // The only message to oneself is a candidate's own vote, once that is durable.
    if (message.from == config_.self && !std::holds_alternative<RequestVoteReply>(message.body)) {
        ++dropped_messages_.unknown_sender;
        return;
    }
    std::visit([&](const auto& body) { handle(message.from, body); }, message.body);
}

void Raft::Impl::tick(uint64_t now_ns) {
    advance_clock(now_ns);
    settle_longest_silence();
    if (auto* leader = std::get_if<Leader>(&role_)) {
        if (now_ns_ >= leader->heartbeat_at_ns) {
            leader->heartbeat_at_ns = UINT64_MAX;
            schedule_heartbeat(*leader);
            leader->replication_due = true;
            leader->lease_round_due = true;
            for (Progress& peer : leader->peers)
                peer.heartbeat_due = true;
        }
        expire_transfer(*leader);
        check_quorum(*leader);
        look_after_members();
        return;
    }
    if (now_ns_ < election_at_ns_) return;
    if (disk_stalled_) {
        restart_election_timer();
        return;
    }
    if (!may_campaign()) {
        restart_election_timer();
        become_follower(current_term(), NodeId{});
        return;
    }
    if (is_mutant(Mutant::kForgedTransfer) && role() == Role::kFollower && !leader().is_none()) {
        become_candidate(leader());
        return;
    }
    become_pre_candidate();
}

uint64_t Raft::Impl::next_deadline_ns() const {
    const auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr) return election_at_ns_;
    const uint64_t transfer_ns = leader->transfer.has_value() ? leader->transfer->deadline_ns : UINT64_MAX;
    return std::min(leader->heartbeat_at_ns, transfer_ns);
}

void Raft::Impl::reply_to(NodeId to, MessageBody body) {
    auto& outbox = is_hard_state_durable() ? output_.messages_now : output_.messages_after_persist;
    outbox.push_back({config_.self, to, std::move(body), config_.group});
}

void Raft::Impl::set_hard_state(HardState next) {
    if (next == hard_state_) return;
    hard_state_ = next;
    ++hard_version_;
}

void Raft::Impl::set_term_and_vote(Term term, NodeId voted_for) {
    set_hard_state({term, voted_for, hard_state_.longest_silence_ms});
}

void Raft::Impl::on_persisted(Term term, LogIndex index) {
    if (!persists_.complete(term, index)) return;
    maybe_commit();
    evict();
}

void Raft::Impl::on_applied(LogIndex index) {
    KVORUM_ASSERT(index <= handed_out_index_, "applied {}, handed out to {}", index, handed_out_index_);
    last_applied_ = std::max(last_applied_, index);
    evict();
}

void Raft::Impl::advance_commit_index(LogIndex index) {
    KVORUM_ASSERT(index > commit_index_ && index <= log_.last_index());
    commit_index_ = index;
    evict();
}

// Everything up to the cap stays for lagging peers, whether they need it or not; beyond it the oldest go first.
void Raft::Impl::evict() {
    const LogIndex evictable = std::min({persists_.durable_index(), commit_index_, last_applied_});
    log_.evict(evictable, config_.cache_bytes_max);
}

bool Raft::Impl::has_output() const {
    if (const auto* leader = std::get_if<Leader>(&role_); leader != nullptr && leader->replication_due) return true;
    if (owed_acknowledgement().has_value()) return true;
    return hard_version_ != taken_hard_version_ || output_.begin_at.has_value() || !output_.snapshot_sends.empty() ||
           !output_.entries.empty() || !output_.messages_now.empty() || !output_.messages_after_persist.empty() ||
           commit_index_ > handed_out_index_ || !output_.read_states.empty() || !output_.unreadable.empty() ||
           !output_.dropped_reads.empty() || !output_.log_reads.empty() || leadership() != told_leadership_;
}

Output Raft::Impl::take_output() {
    replicate();
    acknowledge_persisted();
    Output output = std::exchange(output_, Output{});
    if (hard_version_ != taken_hard_version_) {
        output.hard_state = hard_state_;
        taken_hard_version_ = hard_version_;
        if (is_mutant(Mutant::kVoteNotPersisted)) output.hard_state->voted_for = NodeId{};
        if (is_mutant(Mutant::kTermNotPersisted)) output.hard_state.reset();
    }
    if (output.needs_persist()) {
        EntryId last = output.begin_at.has_value() ? output.begin_at->last : EntryId{};
        if (!output.entries.empty()) last = output.entries.back()->id();
        persists_.begin_unit(last.term, last.index, hard_version_);
    }
    if (commit_index_ > handed_out_index_) {
        output.committed = {handed_out_index_ + 1, commit_index_};
        handed_out_index_ = commit_index_;
    }
    output.leadership_changed = leadership() != told_leadership_;
    told_leadership_ = leadership();
    return output;
}

NodeId Raft::Impl::leader() const {
    if (const auto* follower = std::get_if<Follower>(&role_)) return follower->leader;
    return role() == Role::kLeader ? config_.self : NodeId{};
}

const Configuration& Raft::Impl::configuration() const {
    const auto* stated = log_.facts().configurations.last();
    return stated == nullptr ? config_.configuration : stated->fact;
}

Status Raft::Impl::status() const {
    Status status{.self = config_.self,
                  .role = role(),
                  .term = current_term(),
                  .voted_for = hard_state_.voted_for,
                  .leader = leader(),
                  .commit_index = commit_index_,
                  .last_applied = last_applied_,
                  .base_index = log_.base_index(),
                  .last_index = log_.last_index(),
                  .durable_index = persists_.durable_index(),
                  .configuration_index = configuration_index(),
                  .voters = members_.voters,
                  .outgoing = members_.outgoing,
                  .learners = members_.learners,
                  .change_in_progress = is_change_in_progress(),
                  .feature_level = feature_level(),
                  .transfer_target = transfer_target(),
                  .dropped_messages = dropped_messages_,
                  .peers = {}};
    if (const auto* leader_state = std::get_if<Leader>(&role_)) {
        for (const Progress& peer : leader_state->peers) {
            status.peers.push_back({.id = peer.id,
                                    .match_index = peer.match_index,
                                    .next_index = peer.next_index,
                                    .inflight_bytes = peer.inflights.bytes(),
                                    .recently_active = answers(peer),
                                    .votes = members_.votes(peer.id),
                                    .caught_up = is_caught_up(peer),
                                    .state = progress_state_name(peer.state)});
        }
    }
    return status;
}

StateView Raft::Impl::view() const {
    return {.self = config_.self,
            .role = role(),
            .hard_state = hard_state_,
            .now_ns = now_ns_,
            .silent_until_ns = silent_until_ns_,
            .commit_index = commit_index_,
            .commit_term = log_.term_at(commit_index_),
            .last_applied = last_applied_,
            .handed_out_index = handed_out_index_,
            .last_index = log_.last_index(),
            .durable_index = persists_.durable_index(),
            .log = &log_,
            .members = &members_,
            .role_state = &role_};
}

// --- the public face: each input is followed by the invariant checks in builds that have them ---

namespace {

// A template, because the class it watches is private to Raft.
template <typename Core>
class VerifyScope {
 public:
#if defined(KVORUM_VERIFY_ENABLED)
    explicit VerifyScope(const Core& core) : core_(core), before_(core.view()) {}
    ~VerifyScope() {
        const StateView after = core_.view();
        check_state(after);
        check_delta(before_, after);
    }

 private:
    const Core& core_;
    StateView before_;
#else
    explicit VerifyScope(const Core&) {}
#endif
};

}  // namespace

Raft::Raft(const RaftConfig& config, const RecoveredLog& recovered, uint64_t now_ns)
    : impl_(std::make_unique<Impl>(config, recovered, now_ns)) {}
Raft::~Raft() = default;

void Raft::step(const Message& message, uint64_t now_ns) {
    const VerifyScope verify(*impl_);
    impl_->step(message, now_ns);
}

void Raft::tick(uint64_t now_ns) {
    const VerifyScope verify(*impl_);
    impl_->tick(now_ns);
}

uint64_t Raft::next_deadline_ns() const { return impl_->next_deadline_ns(); }

ProposeResult Raft::propose(EntryBuilder& builder) {
    const VerifyScope verify(*impl_);
    return impl_->propose(builder);
}

ReadStatus Raft::read_index(uint64_t id, uint64_t clock_ns) {
    const VerifyScope verify(*impl_);
    return impl_->read_index(id, clock_ns);
}

bool Raft::has_lease(uint64_t clock_ns) const { return impl_->has_lease(clock_ns); }

TransferStart Raft::transfer_leadership(NodeId target, uint64_t now_ns) {
    const VerifyScope verify(*impl_);
    return impl_->transfer_leadership(target, now_ns);
}

ChangeResult Raft::propose_change(const ConfigurationChange& change) {
    const VerifyScope verify(*impl_);
    return impl_->propose_change(change);
}

NodeId Raft::transfer_target() const { return impl_->transfer_target(); }

void Raft::on_persisted(Term term, LogIndex index) {
    const VerifyScope verify(*impl_);
    impl_->on_persisted(term, index);
}

void Raft::on_applied(LogIndex index) {
    const VerifyScope verify(*impl_);
    impl_->on_applied(index);
}

void Raft::on_log_read(NodeId peer, LogIndex first_index, EntryList entries) {
    const VerifyScope verify(*impl_);
    impl_->on_log_read(peer, first_index, std::move(entries));
}

void Raft::compact(LogIndex up_to) {
    const VerifyScope verify(*impl_);
    impl_->compact(up_to);
}

InstallResult Raft::install_snapshot(const LogBase& base) {
    const VerifyScope verify(*impl_);
    return impl_->install_snapshot(base);
}

void Raft::on_snapshot_sent(NodeId peer, EntryId snapshot) {
    const VerifyScope verify(*impl_);
    impl_->on_snapshot_sent(peer, snapshot);
}

void Raft::on_peer_unreachable(NodeId peer) {
    const VerifyScope verify(*impl_);
    impl_->on_peer_unreachable(peer);
}

void Raft::on_peer_connected(NodeId peer) {
    const VerifyScope verify(*impl_);
    impl_->on_peer_connected(peer);
}

void Raft::set_disk_stalled(bool stalled) {
    const VerifyScope verify(*impl_);
    impl_->set_disk_stalled(stalled);
}

void Raft::set_memory_limit(uint64_t limit_bytes) { impl_->set_memory_limit(limit_bytes); }

bool Raft::has_output() const { return impl_->has_output(); }

Output Raft::take_output() {
    const VerifyScope verify(*impl_);
    return impl_->take_output();
}

Role Raft::role() const { return impl_->role(); }
Term Raft::current_term() const { return impl_->current_term(); }
NodeId Raft::leader() const { return impl_->leader(); }
LogIndex Raft::commit_index() const { return impl_->commit_index(); }
LogIndex Raft::last_index() const { return impl_->log().last_index(); }
int64_t Raft::last_log_time_ms() const { return impl_->log().last_log_time_ms(); }
uint64_t Raft::bytes_above(LogIndex index) const { return impl_->log().cached_bytes_above(index); }
uint64_t Raft::least_memory_limit() const { return impl_->least_memory_limit(); }
Term Raft::term_at(LogIndex index) const { return impl_->log().term_at(index); }
LogBase Raft::log_base_at(EntryId applied, int64_t log_time_ms) const {
    return raft::log_base_at(applied, log_time_ms, impl_->log().facts());
}
LogIndex Raft::base_index() const { return impl_->log().base_index(); }
const Configuration& Raft::configuration() const { return impl_->configuration(); }
uint16_t Raft::feature_level() const { return impl_->feature_level(); }
Status Raft::status() const { return impl_->status(); }

EntryPtr Raft::cached_entry(LogIndex index) const {
    const Log& log = impl_->log();
    return log.is_cached(index) ? log.cached(index) : nullptr;
}

}  // namespace kvorum::raft
