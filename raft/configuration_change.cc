#include "raft/configuration_change.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace kvorum::raft {
namespace {

using Members = std::vector<ConfiguredMember>;

Members::iterator find_in(Members& members, NodeId id) {
    return std::find_if(members.begin(), members.end(), [&](const auto& member) { return member.id == id; });
}

bool has(Members& members, NodeId id) { return find_in(members, id) != members.end(); }

void drop_from(Members& members, NodeId id) {
    if (const auto found = find_in(members, id); found != members.end()) members.erase(found);
}

// Nobody waits any more to take the place of who is no voter.
void forget_replaced(Configuration& next, NodeId gone) {
    for (ConfiguredMember& learner : next.learners) {
        if (learner.replaces == gone) learner.replaces = NodeId{};
    }
}

ChangeStatus add_learner(Configuration& next, const ConfiguredMember& member) {
    if (has(next.voters, member.id) || has(next.learners, member.id)) return ChangeStatus::kAlreadyMember;
    if (!member.replaces.is_none() && !has(next.voters, member.replaces)) return ChangeStatus::kNoSuchMember;
    next.learners.push_back(member);
    return ChangeStatus::kAccepted;
}

// `leaving`: the voter whose place it takes; none: nobody leaves.
ChangeStatus promote(Configuration& next, NodeId id, NodeId leaving) {
    const auto learner = find_in(next.learners, id);
    if (learner == next.learners.end()) return ChangeStatus::kNoSuchMember;
    if (leaving.is_none()) leaving = learner->replaces;
    ConfiguredMember voter = std::move(*learner);
    next.learners.erase(learner);
    voter.promote = false;
    voter.replaces = NodeId{};
    next.outgoing = next.voters;
    next.voters.push_back(std::move(voter));
    drop_from(next.voters, leaving);
    forget_replaced(next, leaving);
    return ChangeStatus::kAccepted;
}

ChangeStatus take_vote(Configuration& next, NodeId id, bool stays) {
    const auto voter = find_in(next.voters, id);
    if (voter == next.voters.end()) return ChangeStatus::kNoSuchMember;
    if (next.voters.size() == 1) return ChangeStatus::kLastVoter;
    next.outgoing = next.voters;
    if (stays) next.learners.push_back(*voter);
    next.voters.erase(voter);
    forget_replaced(next, id);
    return ChangeStatus::kAccepted;
}

ChangeStatus remove(Configuration& next, NodeId id) {
    if (!has(next.learners, id)) return take_vote(next, id, false);
    drop_from(next.learners, id);
    return ChangeStatus::kAccepted;
}

ChangeStatus update(Configuration& next, const ConfiguredMember& member) {
    Members& members = has(next.voters, member.id) ? next.voters : next.learners;
    const auto known = find_in(members, member.id);
    if (known == members.end()) return ChangeStatus::kNoSuchMember;
    known->peer = member.peer;
    known->client = member.client;
    known->zone = member.zone;
    if (!member.log_id.is_none()) known->log_id = member.log_id;
    return ChangeStatus::kAccepted;
}

ChangeStatus apply_to(Configuration& next, const ConfigurationChange& change) {
    using Kind = ConfigurationChange::Kind;
    switch (change.kind) {
        case Kind::kAddLearner: return add_learner(next, change.member);
        case Kind::kPromote: return promote(next, change.node, NodeId{});
        case Kind::kDemote: return take_vote(next, change.node, true);
        case Kind::kRemove: return remove(next, change.node);
        case Kind::kReplace:
            if (!has(next.voters, change.node)) return ChangeStatus::kNoSuchMember;
            return promote(next, change.by, change.node);
        case Kind::kUpdate: return update(next, change.member);
    }
    return ChangeStatus::kInvalid;
}

}  // namespace

const char* change_status_name(ChangeStatus status) {
    switch (status) {
        case ChangeStatus::kAccepted: return "accepted";
        case ChangeStatus::kNotLeader: return "not the leader";
        case ChangeStatus::kHandingOver: return "handing over";
        case ChangeStatus::kNotReady: return "not ready";
        case ChangeStatus::kInProgress: return "a change is in progress";
        case ChangeStatus::kNoSuchMember: return "no such member";
        case ChangeStatus::kAlreadyMember: return "already a member";
        case ChangeStatus::kLastVoter: return "the last voter";
        case ChangeStatus::kTooMany: return "too many members";
        case ChangeStatus::kNotCaughtUp: return "not caught up";
        case ChangeStatus::kUnchanged: return "unchanged";
        case ChangeStatus::kInvalid: return "invalid";
    }
    return "unknown";
}

PlannedChange plan_change(const Configuration& current, const ConfigurationChange& change) {
    KVORUM_ASSERT(current.outgoing.empty());
    PlannedChange planned{.next = current};
    planned.status = apply_to(planned.next, change);
    if (planned.status != ChangeStatus::kAccepted) return planned;
    if (planned.next == current) {
        planned.status = ChangeStatus::kUnchanged;
    } else if (planned.next.voters.size() > kMembersOfSetMax || planned.next.learners.size() > kMembersOfSetMax) {
        planned.status = ChangeStatus::kTooMany;
    } else if (planned.problem = problem(planned.next); !planned.problem.empty()) {
        planned.status = ChangeStatus::kInvalid;
    }
    return planned;
}

Configuration without_outgoing(Configuration joint) {
    joint.outgoing.clear();
    return joint;
}

}  // namespace kvorum::raft
