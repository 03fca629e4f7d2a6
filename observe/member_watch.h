// What this node has seen of the members of its cluster: who led last, and since when it cannot reach one.
//
// It is one node's view and decides nothing about Raft. Clients are told from it: the slot map names the last known
// leader while there is none (a map without an owner makes cluster clients give up for good), and a member that stays
// unreachable goes from `fail?` to `fail`, as in a Redis Cluster.
//
// Thread: the owning core. Times are the reactor's monotonic nanoseconds.
#pragma once

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "base/ids.h"

namespace kvorum {

enum class MemberHealth : uint8_t {
    kOnline,
    kSuspected,  // not reached now
    kFailed,     // not reached for longer than an ordinary restart of a connection or an election takes
};

class MemberWatch {
 public:
    // Nobody was reached before `started_ns`; a member is failed when it has not been reached for `fail_after_ns`.
    MemberWatch(uint64_t started_ns, uint64_t fail_after_ns) : started_ns_(started_ns), fail_after_ns_(fail_after_ns) {}

    // None is ignored: it is the last one that counts.
    void saw_leader(NodeId leader) {
        if (!leader.is_none()) last_leader_ = leader;
    }
    // Called again and again; the first look that finds a member gone begins its absence.
    void saw(NodeId member, bool is_reachable, uint64_t now_ns);

    // None when there was never one.
    [[nodiscard]] NodeId last_leader() const { return last_leader_; }
    [[nodiscard]] MemberHealth health(NodeId member, uint64_t now_ns) const;

 private:
    static constexpr uint64_t kReachable = UINT64_MAX;

    uint64_t started_ns_;
    uint64_t fail_after_ns_;
    NodeId last_leader_;
    absl::flat_hash_map<NodeId, uint64_t> missing_since_ns_;  // kReachable: it is not
};

}  // namespace kvorum
