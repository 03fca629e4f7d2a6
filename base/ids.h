// The identities that travel through every layer. The first real Term and LogIndex is 1; 0 means "none".
#pragma once

#include "base/strong_id.h"

namespace kvorum {

using Term = StrongId<struct TermTag>;
using LogIndex = StrongId<struct LogIndexTag>;
using NodeId = StrongId<struct NodeIdTag>;
using ClusterId = StrongId<struct ClusterIdTag>;
// Of one log: drawn at random when it is created, so a node whose log is gone is not taken for the node that wrote it.
using LogId = StrongId<struct LogIdTag>;
// Of one replicated log and its state machine in a cluster. At most kGroupIdMax: it travels in 32 bits.
using GroupId = StrongId<struct GroupIdTag>;
inline constexpr uint64_t kGroupIdMax = UINT32_MAX;
// The one group that exists.
inline constexpr GroupId kFirstGroup{1};
// Of the replicated state: how many operations have changed something in it so far.
using Revision = StrongId<struct RevisionTag>;

}  // namespace kvorum
