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
    if (log_.term_at(last.index) == last.term &&
        log_.checksum_at(last.index).value_or(last.checksum) == last.checksum) {
        advance_commit_index(last.index);
        return InstallResult::kKept;
    }
    // The entries behind it go too, if there are any: they follow another entry than the committed one.
    output_.entries.clear();
    output_.begin_at = base;
    persists_.on_replaced(last.index);
    log_.begin_at(base);
    commit_index_ = handed_out_index_ = last.index;
    if (auto* follower = std::get_if<Follower>(&role_)) {
        follower->verified_index = std::min(follower->verified_index, last.index);
        follower->acked_index = std::min(follower->acked_index, persists_.durable_index());
    }
    return InstallResult::kInstalled;
}

void Raft::Impl::on_snapshot_sent(NodeId id, EntryId snapshot) {
    Progress* peer = find_peer(id);
    if (peer == nullptr || peer->state != Progress::State::kSnapshot) return;
    if (snapshot.index > log_.last_index() || snapshot.index < log_.base_index()) return;
    peer->probe_from(snapshot.index);
    std::get<Leader>(role_).replication_due = true;
}

// Once it has entered this state, and with each heartbeat. The heartbeat's place is the one before the first entry,
// where all logs agree: its answer confirms rounds and promises silence, and acknowledges nothing.
void Raft::Impl::wait_for_snapshot(Leader& leader, Progress& peer, bool heartbeat_due) {
    if (peer.state != Progress::State::kSnapshot || heartbeat_due) output_.snapshot_sends.push_back(peer.id);
    if (peer.state != Progress::State::kSnapshot) peer.await_snapshot();
    if (heartbeat_due || peer.sent_round != leader.read_round) send_append(leader, peer, LogIndex{}, {});
}

}  // namespace kvorum::raft
