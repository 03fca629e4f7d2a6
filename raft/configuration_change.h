// Changes of who the members are (thesis chapter 4), as an operator or the leader itself asks for them, and what each
// makes of a configuration.
//
// A change of the voters goes by joint consensus (4.3): the configuration that is proposed names the voters before as
// `outgoing`, and every majority is asked of both sets until the leader has left the joint state by itself. A change of
// learners, addresses or zones takes one entry.
//
// A node becomes a voter only by way of a learner (4.2.1): while it is empty it would hold up whatever needs it.
//
// Thread: any; plain values. Errors: a change that cannot be made of this configuration says why; nothing is asserted.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "raft/configuration.h"

namespace kvorum::raft {

struct ConfigurationChange {
    enum class Kind : uint8_t {
        kAddLearner,  // `member`; with `promote` the leader makes a voter of it by itself
        kPromote,     // the learner `node` becomes a voter, and the voter that it replaces leaves
        kDemote,      // the voter `node` becomes a learner
        kRemove,      // `node`, voter or learner
        kReplace,     // the voter `node` leaves, and the learner `by` takes its place
        kUpdate,      // addresses and zone of `member`, and its log id unless that is none
    };

    Kind kind = Kind::kUpdate;
    NodeId node{};
    NodeId by{};
    ConfiguredMember member{};
};

enum class ChangeStatus {
    kAccepted,
    kNotLeader,
    kHandingOver,   // the leadership is being handed over
    kNotReady,      // the leader has not committed an entry of its own term yet: ask again
    kInProgress,    // an earlier change is not complete
    kNoSuchMember,  // no member, or not one of the kind that this change is about
    kAlreadyMember,
    kLastVoter,    // nobody would vote any more
    kTooMany,      // more members than kMembersOfSetMax
    kNotCaughtUp,  // the learner does not keep up with the leader's log, or does not answer
    kUnchanged,    // nothing would change
    kInvalid,      // the members would not be valid: `problem` says why
};
[[nodiscard]] const char* change_status_name(ChangeStatus status);

struct PlannedChange {
    ChangeStatus status = ChangeStatus::kInvalid;
    Configuration next{};      // of kAccepted: what to propose
    std::string problem = {};  // of kInvalid
};

// `current` is not joint.
[[nodiscard]] PlannedChange plan_change(const Configuration& current, const ConfigurationChange& change);
// What follows a joint configuration once that is committed.
[[nodiscard]] Configuration without_outgoing(Configuration joint);

}  // namespace kvorum::raft
