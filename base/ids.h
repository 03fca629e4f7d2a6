// The identities that travel through every layer. The first real Term and LogIndex is 1; 0 means "none".
#pragma once

#include "base/strong_id.h"

namespace kvorum {

using Term = StrongId<struct TermTag>;
using LogIndex = StrongId<struct LogIndexTag>;
using NodeId = StrongId<struct NodeIdTag>;
using ClusterId = StrongId<struct ClusterIdTag>;

}  // namespace kvorum
