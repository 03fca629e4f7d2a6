#include "observe/member_watch.h"

namespace kvorum {

void MemberWatch::saw(NodeId member, bool is_reachable, uint64_t now_ns) {
    uint64_t& since_ns = missing_since_ns_.try_emplace(member, started_ns_).first->second;
    if (is_reachable) {
        since_ns = kReachable;
    } else if (since_ns == kReachable) {
        since_ns = now_ns;
    }
}

MemberHealth MemberWatch::health(NodeId member, uint64_t now_ns) const {
    const auto it = missing_since_ns_.find(member);
    const uint64_t since_ns = it == missing_since_ns_.end() ? started_ns_ : it->second;
    if (since_ns == kReachable) return MemberHealth::kOnline;
    return now_ns - since_ns < fail_after_ns_ ? MemberHealth::kSuspected : MemberHealth::kFailed;
}

}  // namespace kvorum
