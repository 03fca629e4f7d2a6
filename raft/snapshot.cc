// A log that does not begin at its first entry: what was released of it, and a snapshot that takes its place (thesis
// chapter 5).
#include <algorithm>

#include "base/assert.h"
#include "raft/impl.h"

namespace kvorum::raft {

void Raft::Impl::compact(LogIndex up_to) {
    KVORUM_ASSERT(up_to <= last_applied_ && up_to <= persists_.durable_index(),
                  "released to {}, applied {}, durable {}", up_to, last_applied_, persists_.durable_index());
    log_.compact(up_to);
}

InstallResult Raft::Impl::install_snapshot(const LogBase& base) {
    const EntryId last = base.last;
    if (last.index <= commit_index_ || role() == Role::kLeader) return InstallResult::kIgnored;
    const bool is_held = log_.term_at(last.index) == last.term;
    const bool is_same = is_held && log_.checksum_at(last.index).value_or(last.checksum) == last.checksum;
    // A term has one entry at an index.
    if (last.term.value() > kTermMax || is_held != is_same) {
        ++dropped_messages_.contradicting;
        return InstallResult::kIgnored;
    }
    // There was such a term, and its leader committed this.
    if (last.term > current_term()) become_follower(last.term, NodeId{});
    if (is_held) {
        advance_commit_index(last.index);
        return InstallResult::kKept;
    }
    // The entries behind it go too, if there are any: they follow another entry than the committed one. A leader of
    // before may have it that they do, so of what it proved to agree only what was committed stands.
    if (auto* follower = std::get_if<Follower>(&role_)) {
        follower->verified_index = std::min(follower->verified_index, commit_index_);
        follower->acked_index = LogIndex{};
    }
    output_.entries.clear();
    output_.begin_at = base;
    persists_.on_replaced(last.index);
    log_.begin_at(base);
    take_configuration();
    commit_index_ = handed_out_index_ = last.index;
    return InstallResult::kInstalled;
}

void Raft::Impl::on_snapshot_sent(NodeId id, EntryId snapshot) {
    Progress* peer = find_peer(id);
    if (peer == nullptr || peer->state != Progress::State::kSnapshot) return;
    if (snapshot.index > log_.last_index() || snapshot.index < log_.base_index()) return;
    peer->probe_from(snapshot.index);
    std::get<Leader>(role_).replication_due = true;
}

// Once it has entered this state, and with each heartbeat. The heartbeat asks whether the peer has what the log begins
// behind: the answer confirms rounds and promises silence in any case, and a peer that has it needs no snapshot.
void Raft::Impl::wait_for_snapshot(Leader& leader, Progress& peer, bool heartbeat_due) {
    if (peer.state != Progress::State::kSnapshot || heartbeat_due) output_.snapshot_sends.push_back(peer.id);
    if (peer.state != Progress::State::kSnapshot) peer.await_snapshot();
    if (heartbeat_due || peer.sent_round != leader.read_round) send_append(leader, peer, log_.base_index(), {});
}

}  // namespace kvorum::raft
