// What must be true of one node after every step, and between two steps (in the manner of LogCabin's invariants class).
// A violation is a bug of ours and aborts.
//
// Raft takes a StateView before and after each input when KVORUM_VERIFY_ENABLED is defined; tests call the checks on
// made-up views.
#pragma once

#include <cstdint>
#include <span>

#include "raft/log.h"
#include "raft/members.h"
#include "raft/raft.h"
#include "raft/roles.h"
#include "raft/types.h"

namespace kvorum::raft {

// Borrows from the Raft object: valid until its next input. The pointers are null in a view that is kept for
// check_delta().
struct StateView {
    NodeId self;
    Role role = Role::kFollower;
    HardState hard_state;
    uint64_t now_ns = 0;
    uint64_t silent_until_ns = 0;
    LogIndex commit_index;
    Term commit_term;  // of the entry at commit_index
    LogIndex last_applied;
    LogIndex handed_out_index;  // up to here Output.committed told
    LogIndex last_index;
    LogIndex durable_index;
    const Log* log = nullptr;
    const Members* members = nullptr;
    const RoleState* role_state = nullptr;
};

void check_state(const StateView& view);
// `before.commit_term` must still be the term at `before.commit_index`: what is committed never changes.
void check_delta(const StateView& before, const StateView& after);

}  // namespace kvorum::raft
