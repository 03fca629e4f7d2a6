#include "redis/cluster_map.h"

#include <utility>

#include "base/bytes.h"
#include "base/checksum.h"
#include "redis/command_context.h"

namespace kvorum::redis {

std::string cluster_node_name(ClusterId cluster, NodeId node) {
    std::string identity;
    ByteWriter writer(identity);
    writer.write(cluster.value());
    writer.write(node.value());
    const Bytes bytes = as_bytes(identity);
    return fmt::format("{:016x}{:016x}{:08x}", checksum64(bytes, 1), checksum64(bytes, 2),
                       static_cast<uint32_t>(checksum64(bytes, 3)));
}

ClusterMap::ClusterMap(NodeFacade& node)
    : node_(node), config_(node.config()), status_(node.raft_status()), leader_(known_leader(node, status_)) {
    std::vector<const Member*> members;
    for (const Member& member : config_.members) {
        if (is_reachable(member)) members.push_back(&member);
    }
    const size_t live = members.size();
    for (const Member& member : config_.members) {
        if (!is_reachable(member)) members.push_back(&member);
    }
    const bool any_node_serves = config_.follower_mode == FollowerMode::kForward;
    if (any_node_serves && config_.cluster_view == ClusterView::kSpread) {
        spread_slots(members, live);
    } else {
        tell_one_shard(members);
    }
}

MemberHealth ClusterMap::health(const Member& member) const {
    return is_self(member) ? MemberHealth::kOnline : node_.members_seen().health(member.id, node_.now_ns());
}

LogIndex ClusterMap::offset_of(const Member& member) const {
    if (is_self(member) || (leader_ != nullptr && member.id == leader_->id)) return status_.commit_index;
    for (const raft::PeerStatus& peer : status_.peers) {
        if (peer.id == member.id) return peer.match_index;
    }
    return LogIndex{};
}

void ClusterMap::tell_one_shard(const std::vector<const Member*>& members) {
    const Member* owner = leader_;
    if (owner == nullptr) owner = config_.find_member(node_.members_seen().last_leader());
    if (owner == nullptr) owner = &config_.self();
    Shard shard{.master = owner, .replicas = {}, .slots = SlotRange{0, kSlotCount - 1}};
    for (const Member* member : members) {
        if (member->id != owner->id) shard.replicas.push_back(member);
    }
    shards_.push_back(std::move(shard));
}

void ClusterMap::spread_slots(const std::vector<const Member*>& members, size_t live) {
    const NodeId leader = leader_ != nullptr ? leader_->id : node_.members_seen().last_leader();
    std::optional<Shard> of_leader;
    for (size_t i = 0; i < members.size(); ++i) {
        Shard shard{.master = members[i], .replicas = {}, .slots = std::nullopt};
        if (i < live) {
            shard.slots = SlotRange{static_cast<uint16_t>(i * kSlotCount / live),
                                    static_cast<uint16_t>((i + 1) * kSlotCount / live - 1)};
        }
        if (i == live && of_leader.has_value()) shards_.push_back(*std::exchange(of_leader, std::nullopt));
        if (i < live && members[i]->id == leader) {
            of_leader = std::move(shard);
        } else {
            shards_.push_back(std::move(shard));
        }
    }
    if (of_leader.has_value()) shards_.push_back(*std::move(of_leader));
}

}  // namespace kvorum::redis
