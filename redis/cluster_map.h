// The Raft group, told as a Redis Cluster: which member is listed as master of which slots.
//
//   leader   one shard: the leader, or while none is known the last one, owns all slots; the others are its replicas
//   spread   every member that can be reached owns an equal share of the slots, without replicas
//
// With --follower-mode redirect only the leader carries commands out, so it is always the first. With forward any node
// takes any command; `spread` then uses all nodes for connections and parsing, and a cluster client that lost a node
// finds another master, which some look for before they ask for the map again. A member that is gone has no slots in
// it: its share is nothing but traffic, so the others take it over at once. The leader is listed behind the others that
// live, because some clients depend on the first of the list (redis-py 4.3 cannot start again when that one is dead),
// and its death is the one that clients notice most.
//
// A node that never knew a leader lists itself as owner: it is there, and it answers CLUSTERDOWN, where another member
// may be dead. Taken once for a command, on the owning core; members borrow from the node's config.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "redis/server_commands.h"

namespace kvorum::redis {

inline constexpr uint16_t kSlotCount = 16384;

struct SlotRange {
    uint16_t first = 0;
    uint16_t last = 0;
    [[nodiscard]] uint16_t size() const { return static_cast<uint16_t>(last - first + 1); }
};

struct Shard {
    const Member* master = nullptr;
    std::vector<const Member*> replicas;  // those that can be reached first
    std::optional<SlotRange> slots;
};

// The 40 hex digits by which Redis Cluster clients know a node of that cluster.
[[nodiscard]] std::string cluster_node_name(ClusterId cluster, NodeId node);

class ClusterMap {
 public:
    explicit ClusterMap(NodeFacade& node);

    // Those with slots first.
    [[nodiscard]] const std::vector<Shard>& shards() const { return shards_; }
    [[nodiscard]] const raft::Status& status() const { return status_; }
    [[nodiscard]] const NodeConfig& config() const { return config_; }
    [[nodiscard]] const Member* leader() const { return leader_; }  // null: none is known now

    [[nodiscard]] bool is_self(const Member& member) const { return member.id == status_.self; }
    [[nodiscard]] MemberHealth health(const Member& member) const;
    [[nodiscard]] bool is_reachable(const Member& member) const { return health(member) == MemberHealth::kOnline; }
    [[nodiscard]] std::string name_of(const Member& member) const {
        return cluster_node_name(node_.cluster(), member.id);
    }
    // How much of the log a member has: known to the leader for all, to the others for themselves only.
    [[nodiscard]] LogIndex offset_of(const Member& member) const;

 private:
    void tell_one_shard(const std::vector<const Member*>& members);
    // The first `live` of them can be reached.
    void spread_slots(const std::vector<const Member*>& members, size_t live);

    NodeFacade& node_;
    const NodeConfig& config_;
    raft::Status status_;
    const Member* leader_;
    std::vector<Shard> shards_;
};

}  // namespace kvorum::redis
