// Leadership transfer (thesis 3.10): the leader takes no more proposals, brings one voter up to date and asks it to
// campaign at once, without a pre-vote and within the silence that voters promised.
//
// The lease goes first. Once it is withdrawn no read counts on that silence, so voters may break it for this leader's
// sake; and since the request may arrive however late, this leader takes no lease again before its term ends. A
// request that is older than its term moves nobody: who gets it must follow that leader in that term.
#include <algorithm>

#include "base/mutants.h"
#include "raft/impl.h"

namespace kvorum::raft {

TransferStart Raft::Impl::transfer_leadership(NodeId target, uint64_t now_ns) {
    advance_clock(now_ns);
    auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr) return {.status = TransferStatus::kNotLeader};
    if (leader->transfer.has_value()) return {.status = TransferStatus::kUnderWay, .target = leader->transfer->target};
    const bool anyone = target.is_none();
    const bool has_other = members_.voters != std::vector{config_.self};
    if (!has_other || (!anyone && (target == config_.self || !members_.is_voter(target))))
        return {.status = TransferStatus::kNoSuchVoter};
    const Progress* taker = anyone ? most_caught_up(*leader) : find_peer(target);
    if (taker == nullptr || !may_take_over(*taker)) return {.status = TransferStatus::kUnreachable};

    if (!is_mutant(Mutant::kLeaseKeptInTransfer)) {
        leader->lease_given_up = true;
        end_lease(*leader);
    }
    leader->transfer = Transfer{.target = taker->id, .deadline_ns = now_ns_ + config_.election_timeout_ns};
    leader->replication_due = true;
    return {.status = TransferStatus::kStarted, .target = taker->id};
}

NodeId Raft::Impl::transfer_target() const {
    const auto* leader = std::get_if<Leader>(&role_);
    return leader != nullptr && leader->transfer.has_value() ? leader->transfer->target : NodeId{};
}

bool Raft::Impl::may_take_over(const Progress& peer) const { return answers(peer) && !peer.connection_lost; }

Progress* Raft::Impl::most_caught_up(Leader& leader) const {
    Progress* most = nullptr;
    for (Progress& peer : leader.peers) {
        if (!members_.is_voter(peer.id)) continue;
        if (may_take_over(peer) && (most == nullptr || peer.match_index > most->match_index)) most = &peer;
    }
    return most;
}

// Once it holds all of this log: a log that ends earlier could lose against that of another voter.
void Raft::Impl::ask_target(Leader& leader) {
    if (!leader.transfer.has_value() || leader.transfer->asked) return;
    const Progress* target = find_peer(leader.transfer->target);
    if (target->match_index < log_.last_index()) return;
    leader.transfer->asked = true;
    output_.messages_now.push_back({config_.self, target->id, TimeoutNow{.term = current_term()}, config_.group});
    // The next leader has no word for a node that is no member.
    if (leader.leaves) become_follower(current_term(), NodeId{});
}

void Raft::Impl::expire_transfer(Leader& leader) const {
    if (leader.transfer.has_value() && now_ns_ >= leader.transfer->deadline_ns) leader.transfer.reset();
}

void Raft::Impl::handle(NodeId from, const TimeoutNow& request) {
    const auto* follower = std::get_if<Follower>(&role_);
    const bool is_of_my_leader = follower != nullptr && follower->leader == from && request.term == current_term();
    // A node whose disk hangs could not lead; the leader sees that no election comes.
    if (!is_of_my_leader || disk_stalled_ || !may_campaign()) return;
    become_candidate(from);
}

bool Raft::Impl::is_handed_over(const RequestVote& request) const {
    const NodeId by = request.handed_over_by;
    if (by.is_none() || by != leader() || request.term != current_term() + 1) return false;
    const auto* own = std::get_if<Leader>(&role_);
    return own == nullptr || own->lease_given_up;
}

}  // namespace kvorum::raft
