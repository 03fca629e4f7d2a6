#include "raft/feature_level.h"

#ifndef KVORUM_FEATURE_LEVEL
#define KVORUM_FEATURE_LEVEL 1
#endif

namespace kvorum::raft {

// Alone here: whoever links another definition of it gets none of this file.
uint16_t known_feature_level() { return KVORUM_FEATURE_LEVEL; }

}  // namespace kvorum::raft
