#include "replica/gather_policy.h"

#include <algorithm>

namespace kvorum::replica {

// Under load a small batch may stand between large ones.
void GatherPolicy::batch_appended(uint32_t commands, uint64_t now_ns) {
    const uint32_t before = is_under_writes(now_ns) ? recent_commands_ - recent_commands_ / 4 : 0;
    recent_commands_ = std::max(commands, before);
    last_batch_ns_ = now_ns;
}

void GatherPolicy::reads_asked(uint32_t reads, uint64_t now_ns) {
    if (reads > kSpinCommandsMax) reads_until_ns_ = now_ns + kLoadEndsNs;
}

bool GatherPolicy::takes_batch(const LogPace& log, bool all_committed, size_t size_bytes, uint64_t now_ns) const {
    if (log.busy) return false;
    if (all_committed || size_bytes >= kPipelinedBatchBytes) return true;
    return log.groups_in_flight == 0 && now_ns - last_batch_ns_ >= kSyncsPerQuorumMax * log.last_sync_ns;
}

}  // namespace kvorum::replica
