// Who the members are, and how that changes: joint consensus (thesis 4.3), learners (4.2.1), and a leader that leaves
// (4.2.2).
//
// A reply is counted for the node that it is of. A node that was removed and came back has another log and the same id,
// and its earlier replies of the same term may still be under way: so a new member's first AppendEntries opens a new
// read round, and replies to rounds before that are not its own.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "raft/impl.h"

namespace kvorum::raft {

LogIndex Raft::Impl::configuration_index() const {
    const auto* stated = log_.facts().configurations.last();
    return stated == nullptr ? LogIndex{} : stated->index;
}

bool Raft::Impl::is_change_in_progress() const { return members_.is_joint() || configuration_index() > commit_index_; }

// Nobody else ever voted here, so nobody else may count on this node's silence.
bool Raft::Impl::is_sole_founder() const { return is_alone() && configuration_index() <= LogIndex{1}; }

bool Raft::Impl::is_alone() const { return members_.electorate() == std::vector{config_.self}; }

// Not this node any more once a configuration without its vote is committed. Until then its log may be the only one
// that can win.
bool Raft::Impl::may_campaign() const {
    if (members_.votes(config_.self)) return true;
    const auto* committed = log_.facts().configurations.last_at(commit_index_);
    const Configuration& known = committed == nullptr ? config_.configuration : committed->fact;
    return Members::of(known).votes(config_.self);
}

bool Raft::Impl::may_reply(NodeId node) const {
    if (members_.contains(node) || node == config_.self) return true;
    const auto* leader = std::get_if<Leader>(&role_);
    return leader != nullptr && std::any_of(leader->peers.begin(), leader->peers.end(),
                                            [&](const Progress& peer) { return peer.id == node; });
}

bool Raft::Impl::is_caught_up(const Progress& peer) const {
    return peer.caught_up && answers(peer) && now_ns_ - peer.catch_up_begun_ns <= config_.election_timeout_ns;
}

void Raft::Impl::take_configuration() { members_ = Members::of(configuration()); }

void Raft::Impl::add_peer(Leader& leader, NodeId id, LogIndex next_index) const {
    leader.peers.emplace_back(id, next_index, now_ns_,
                              Inflights(config_.inflight_messages_max, config_.inflight_bytes_max));
}

LogIndex Raft::Impl::append_configuration(const Configuration& configuration) {
    auto& leader = std::get<Leader>(role_);
    const Members before = members_;
    EntryBuilder builder(EntryType::kConfig);
    builder.buffer().append(encode_configuration(configuration));
    const LogIndex index = append_as_leader(builder);
    take_configuration();
    end_lease(leader);
    std::vector<NodeId> added = members_.all();
    std::erase_if(added, [&](NodeId id) { return id == config_.self || before.contains(id); });
    if (!added.empty()) ++leader.read_round;
    for (const NodeId id : added) {
        // It may have left just now.
        std::erase_if(leader.peers, [&](const Progress& peer) { return peer.id == id; });
        add_peer(leader, id, index);
        leader.peers.back().first_round = leader.read_round;
    }
    return index;
}

ChangeResult Raft::Impl::propose_change(const ConfigurationChange& change) {
    if (role() != Role::kLeader) return {.status = ChangeStatus::kNotLeader};
    if (!transfer_target().is_none()) return {.status = ChangeStatus::kHandingOver};
    // Else two leaders could each have a change in force that the other does not know (Ongaro, raft-dev, July 2015).
    if (log_.term_at(commit_index_) != current_term()) return {.status = ChangeStatus::kNotReady};
    if (is_change_in_progress()) return {.status = ChangeStatus::kInProgress};
    PlannedChange planned = plan_change(configuration(), change);
    if (planned.status != ChangeStatus::kAccepted)
        return {.status = planned.status, .problem = std::move(planned.problem)};
    for (const ConfiguredMember& voter : planned.next.voters) {
        const bool is_new = !members_.is_voter(voter.id);
        if (is_new && !is_caught_up(*find_peer(voter.id))) return {.status = ChangeStatus::kNotCaughtUp};
    }
    const LogIndex index = append_configuration(planned.next);
    return {.status = ChangeStatus::kAccepted, .index = index, .term = current_term()};
}

// What follows from a configuration that is committed. May end the leadership.
void Raft::Impl::look_after_members() {
    auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr || configuration_index() > commit_index_) return;
    if (log_.term_at(commit_index_) != current_term()) return;
    let_former_members_go(*leader);
    if (members_.is_joint()) {
        if (!leader->transfer.has_value()) append_configuration(without_outgoing(configuration()));
    } else if (!members_.is_voter(config_.self)) {
        leave_leadership(*leader);
    } else if (!leader->transfer.has_value()) {
        promote_learners(*leader);
    }
}

// With the news that they left, unless they do not answer any more.
void Raft::Impl::let_former_members_go(Leader& leader) {
    const LogIndex known_at = std::max(configuration_index(), log_.base_index());
    std::erase_if(leader.peers, [&](Progress& peer) {
        if (members_.contains(peer.id)) return false;
        const bool knows = peer.match_index >= known_at;
        if (knows) send_append(leader, peer, peer.match_index, {});
        return knows || !answers(peer);
    });
}

void Raft::Impl::promote_learners(const Leader& leader) {
    for (const Progress& peer : leader.peers) {
        const auto& learners = configuration().learners;
        const bool wanted = std::any_of(learners.begin(), learners.end(), [&](const ConfiguredMember& learner) {
            return learner.id == peer.id && learner.promote;
        });
        if (!wanted || !is_caught_up(peer)) continue;
        const PlannedChange planned =
            plan_change(configuration(), {.kind = ConfigurationChange::Kind::kPromote, .node = peer.id});
        if (planned.status != ChangeStatus::kAccepted) continue;
        append_configuration(planned.next);
        return;
    }
}

void Raft::Impl::leave_leadership(Leader& leader) {
    if (leader.transfer.has_value()) return;
    const bool tried = std::exchange(leader.leaves, true);
    if (!tried && transfer_leadership(NodeId{}, now_ns_).status == TransferStatus::kStarted) return;
    become_follower(current_term(), NodeId{});
}

}  // namespace kvorum::raft
