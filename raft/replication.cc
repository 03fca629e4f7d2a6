// A leader's side of the log: proposals, sending, and commitment (thesis 3.5, 3.6.2, 10.2.1).
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutants.h"
#include "raft/impl.h"
#include "raft/quorum.h"

namespace kvorum::raft {
namespace {

constexpr uint64_t kHeartbeatsPerSilence = 3;
// Whatever a voter says.
constexpr uint64_t kHeartbeatIntervalNsMin = 1 * kMillisecondNs;

}  // namespace

ProposeResult Raft::Impl::propose(EntryBuilder& builder) {
    if (role() != Role::kLeader) return {.status = ProposeStatus::kNotLeader};
    if (!transfer_target().is_none()) return {.status = ProposeStatus::kHandingOver};
    const size_t body_size_bytes = builder.body_size_bytes();
    const uint64_t uncommitted_bytes = log_.cached_bytes_above(commit_index_);
    // A batch larger than the limit must be possible while nothing else waits, or it would never be.
    if (uncommitted_bytes > 0 &&
        uncommitted_bytes + EntryHeader::kEncodedSize + body_size_bytes > config_.uncommitted_bytes_max) {
        return {.status = ProposeStatus::kOverloaded};
    }
    const LogIndex index = append_as_leader(builder);
    return {
        .status = ProposeStatus::kAccepted, .index = index, .term = current_term(), .body_size_bytes = body_size_bytes};
}

// The entry goes to the disk and to the peers in the same Output; it counts here only when it is durable here.
LogIndex Raft::Impl::append_as_leader(EntryBuilder& builder) {
    builder.set_log_time_ms(std::max(builder.log_time_ms(), log_.last_log_time_ms()));
    builder.set_feature_level(feature_level());
    EntryPtr entry = std::move(builder).seal(cluster_, config_.group, log_.last_index() + 1, current_term(),
                                             log_.last_id().checksum);
    const LogIndex index = entry->index();
    output_.entries.push_back(entry);
    log_.append(std::move(entry));
    std::get<Leader>(role_).replication_due = true;
    return index;
}

// As soon as all members have said under this leadership that they know a higher one.
void Raft::Impl::raise_feature_level_if_known() {
    const auto& leader = std::get<Leader>(role_);
    if (leader.transfer.has_value()) return;
    uint16_t level = config_.feature_level_max;
    if (level <= log_.facts().highest_level()) return;
    for (const Progress& peer : leader.peers) {
        if (members_.contains(peer.id)) level = std::min(level, peer.feature_level_max);
    }
    if (level <= log_.facts().highest_level()) return;
    EntryBuilder raise(EntryType::kFeatureLevel);
    raise.buffer().append(encode_feature_level({.level = level, .raised_by = config_.program_version}));
    append_as_leader(raise);
}

// An entry of an earlier term is never committed by counting, only below one of the current term (thesis 3.6.2,
// figure 3.7).
void Raft::Impl::maybe_commit() {
    auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr) return;
    const LogIndex durable_on_quorum = reached_by_voters(members_, *leader, config_.self, persists_.durable_index(),
                                                         [](const Progress& peer) { return peer.match_index; });
    if (durable_on_quorum <= commit_index_) return;
    if (log_.term_at(durable_on_quorum) != current_term() && !is_mutant(Mutant::kCommitPriorTerm)) return;
    advance_commit_index(durable_on_quorum);
    admit_early_reads(*leader);
    raise_feature_level_if_known();
    look_after_members();
}

Progress* Raft::Impl::find_peer(NodeId id) {
    auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr) return nullptr;
    for (Progress& peer : leader->peers) {
        if (peer.id == id) return &peer;
    }
    return nullptr;
}

bool Raft::Impl::answers(const Progress& peer) const {
    return now_ns_ - peer.last_heard_ns < config_.election_timeout_ns;
}

void Raft::Impl::handle(NodeId from, const AppendEntriesReply& reply) {
    if (reply.term.value() > kTermMax || reply.silence_ns > kSilenceNsMax) {
        ++dropped_messages_.malformed;
        return;
    }
    if (reply.term > current_term()) {
        become_follower(reply.term, NodeId{});
        return;
    }
    Progress* peer = find_peer(from);
    if (peer == nullptr || reply.term < current_term()) return;
    if (reply.read_round < peer->first_round) return;
    // Of this very leadership, so it can only be about what was sent.
    if (reply.match_index > log_.last_index() || reply.rejected_prev_index > log_.last_index() ||
        reply.read_round > peer->sent_round) {
        ++dropped_messages_.malformed;
        return;
    }
    auto& leader = std::get<Leader>(role_);
    peer->last_heard_ns = now_ns_;
    peer->connection_lost = false;
    leader.replication_due = true;
    take_promise(leader, *peer, reply);
    peer->memory_limit_bytes = reply.memory_limit_bytes;
    peer->feature_level_max = reply.feature_level_max;
    raise_feature_level_if_known();
    schedule_heartbeat(leader);
    if (reply.read_round > peer->acked_round) {
        peer->acked_round = reply.read_round;
        confirm_reads(leader);
    }
    if (reply.success) {
        const bool rose = peer->on_success(reply.match_index);
        peer->follow_catch_up(log_.last_index(), now_ns_, config_.election_timeout_ns);
        if (rose) maybe_commit();
        return;
    }
    if (peer->state == Progress::State::kSnapshot || !peer->is_news(reply.rejected_prev_index)) return;
    const LogIndex limit = std::min(reply.hint_index, reply.rejected_prev_index - 1);
    peer->probe_from(log_.last_index_of_term_at_most(limit, reply.hint_term));
}

uint64_t Raft::Impl::least_memory_limit() const {
    uint64_t least_bytes = memory_limit_bytes_;
    const auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr) return least_bytes;
    for (const Progress& peer : leader->peers) {
        if (!members_.contains(peer.id)) continue;
        const uint64_t limit_bytes = answers(peer) ? peer.memory_limit_bytes : 0;
        if (limit_bytes != 0 && (least_bytes == 0 || limit_bytes < least_bytes)) least_bytes = limit_bytes;
    }
    return least_bytes;
}

void Raft::Impl::on_peer_unreachable(NodeId id) {
    Progress* peer = find_peer(id);
    if (peer == nullptr) return;
    auto& leader = std::get<Leader>(role_);
    peer->connection_lost = true;
    if (peer->state == Progress::State::kSnapshot) return;
    if (leader.transfer.has_value() && leader.transfer->target == id) leader.transfer.reset();
    // Nothing is sent before the next heartbeat: what cannot be delivered would only be reported again at once.
    // Most likely it has what the log begins behind.
    peer->probe_from(std::max(peer->match_index, log_.base_index()));
    peer->set_probe(peer->next_index - 1, 0);
}

void Raft::Impl::on_peer_connected(NodeId id) {
    Progress* peer = find_peer(id);
    if (peer == nullptr) return;
    peer->connection_lost = false;
    if (peer->state != Progress::State::kProbe) return;
    peer->probe_outstanding = false;
    std::get<Leader>(role_).replication_due = true;
}

// A voter asks for votes when its silence is over, so a leader with a longer patience must not beat by its own.
void Raft::Impl::schedule_heartbeat(Leader& leader) const {
    uint64_t interval_ns = config_.heartbeat_interval_ns;
    for (const Progress& peer : leader.peers) {
        if (peer.silence_ns > 0) interval_ns = std::min(interval_ns, peer.silence_ns / kHeartbeatsPerSilence);
    }
    interval_ns = std::max(interval_ns, kHeartbeatIntervalNsMin);
    leader.heartbeat_at_ns = std::min(leader.heartbeat_at_ns, now_ns_ + interval_ns);
}

void Raft::Impl::replicate() {
    auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr || !leader->replication_due) return;
    leader->replication_due = false;
    begin_read_round(*leader);
    for (Progress& peer : leader->peers)
        replicate_to(*leader, peer);
    ask_target(*leader);
}

void Raft::Impl::replicate_to(Leader& leader, Progress& peer) {
    const bool heartbeat_due = std::exchange(peer.heartbeat_due, false);
    if (needs_snapshot(peer)) {
        wait_for_snapshot(leader, peer, heartbeat_due);
        return;
    }
    if (peer.state == Progress::State::kSnapshot) peer.probe_from(peer.next_index - 1);
    if (peer.state == Progress::State::kProbe && !peer.probe_outstanding) {
        send_probe(leader, peer);
        return;
    }
    if (peer.state == Progress::State::kReplicate) send_window(leader, peer);
    // A heartbeat is empty, also behind entries: those are acknowledged only when they are durable, and life must show
    // before that.
    if (!heartbeat_due && peer.sent_round == leader.read_round) return;
    // A reply cannot be told from one to this repeat, so what the first probe carried counts as lost.
    if (peer.state == Progress::State::kProbe) peer.set_probe(peer.next_index - 1, 0);
    send_append(leader, peer, peer.next_index - 1, {});
}

void Raft::Impl::send_probe(Leader& leader, Progress& peer) {
    uint64_t bytes = 0;
    // Entries ride along if they are at hand; finding the place where the logs agree does not need them.
    EntryList entries = cached_entries_from(peer.next_index, bytes);
    peer.set_probe(peer.next_index - 1 + entries.size(), bytes);
    send_append(leader, peer, peer.next_index - 1, std::move(entries));
}

void Raft::Impl::send_window(Leader& leader, Progress& peer) {
    while (peer.next_index <= log_.last_index() && !peer.inflights.is_full()) {
        if (!log_.is_cached(peer.next_index)) {
            request_log_read(peer);
            return;
        }
        uint64_t bytes = 0;
        EntryList entries = cached_entries_from(peer.next_index, bytes);
        const LogIndex prev = peer.next_index - 1;
        peer.next_index = prev + entries.size() + 1;
        peer.inflights.add(peer.next_index - 1, bytes);
        send_append(leader, peer, prev, std::move(entries));
    }
}

void Raft::Impl::send_append(Leader& leader, Progress& peer, LogIndex prev, EntryList entries) {
    peer.sent_round = leader.read_round;
    output_.messages_now.push_back({config_.self, peer.id,
                                    AppendEntries{.term = current_term(),
                                                  .prev_log_index = prev,
                                                  .prev_log_term = log_.term_at(prev),
                                                  .leader_commit = commit_index_,
                                                  .read_round = leader.read_round,
                                                  .entries = std::move(entries)},
                                    config_.group});
}

// As many as one message may carry, at least one if that is cached.
EntryList Raft::Impl::cached_entries_from(LogIndex first, uint64_t& bytes) const {
    EntryList entries;
    if (!log_.is_cached(first)) return entries;
    LogIndex end = first;
    for (; end <= log_.last_index(); ++end) {
        const uint64_t size = log_.cached(end)->encoded().size();
        if (end > first && bytes + size > config_.message_bytes_max) break;
        bytes += size;
    }
    entries.reserve(end - first);
    for (LogIndex index = first; index < end; ++index)
        entries.push_back(log_.cached(index));
    return entries;
}

void Raft::Impl::request_log_read(Progress& peer) {
    // The answer to an earlier read is still under way: what it brings is not wanted any more, but two reads at a time
    // are one too many.
    if (!peer.outstanding_read.is_none()) return;
    peer.state = Progress::State::kReadingLog;
    peer.outstanding_read = peer.next_index;
    output_.log_reads.push_back({.peer = peer.id,
                                 .first_index = peer.next_index,
                                 .last_index = log_.first_cached_index() - 1,
                                 .bytes_max = config_.message_bytes_max});
}

void Raft::Impl::on_log_read(NodeId id, LogIndex first_index, EntryList entries) {
    Progress* peer = find_peer(id);
    // Not asked for in this leadership, or answered already.
    if (peer == nullptr || peer->outstanding_read.is_none() || peer->outstanding_read != first_index) return;
    peer->outstanding_read = LogIndex{};
    auto& leader = std::get<Leader>(role_);
    leader.replication_due = true;
    if (peer->state != Progress::State::kReadingLog) return;
    peer->state = Progress::State::kReplicate;
    // The peer acknowledged these meanwhile, or the log no longer has what stands before them.
    if (peer->next_index != first_index || needs_snapshot(*peer)) return;
    if (!belongs_to_log(first_index, entries)) {
        // Not readable now: the next heartbeat asks again, and nothing before it.
        peer->probe_from(first_index - 1);
        peer->set_probe(peer->next_index - 1, 0);
        return;
    }
    uint64_t bytes = 0;
    for (const EntryPtr& entry : entries)
        bytes += entry->encoded().size();
    peer->next_index = first_index + entries.size();
    peer->inflights.add(peer->next_index - 1, bytes);
    send_append(leader, *peer, first_index - 1, std::move(entries));
}

// An answer may come from a read that began before this leadership, when the log held other entries.
bool Raft::Impl::belongs_to_log(LogIndex first_index, const EntryList& entries) const {
    LogIndex index = first_index;
    for (const EntryPtr& entry : entries) {
        if (entry == nullptr || entry->index() != index || log_.term_at(index) != entry->term()) return false;
        ++index;
    }
    return !entries.empty();
}

}  // namespace kvorum::raft
