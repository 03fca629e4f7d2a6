// CLUSTER and ROLE: the Raft group, told as a Redis Cluster (redis/cluster_map.h says who is master of what).
#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <vector>

#include "base/text.h"
#include "redis/cluster_map.h"
#include "redis/command_context.h"

namespace kvorum::redis {
namespace {

std::string_view health_flag(MemberHealth health) {
    switch (health) {
        case MemberHealth::kOnline: return "";
        case MemberHealth::kSuspected: return ",fail?";
        case MemberHealth::kFailed: return ",fail";
    }
    return "";
}

// "<id> <ip:port@cport> <flags> <master> <ping-sent> <pong-recv> <epoch> <link-state> <slots>"
std::string describe_node(const ClusterMap& map, const Shard& shard, const Member& member) {
    const bool is_master = &member == shard.master;
    std::string line =
        fmt::format("{} {}:{}@{} {}{}{} {} 0 0 {} {}", map.name_of(member), member.client.host, member.client.port,
                    member.peer.port, map.is_self(member) ? "myself," : "", is_master ? "master" : "slave",
                    health_flag(map.health(member)), is_master ? std::string{"-"} : map.name_of(*shard.master),
                    map.status().term, map.is_reachable(member) ? "connected" : "disconnected");
    if (is_master && shard.slots.has_value())
        fmt::format_to(std::back_inserter(line), " {}-{}", shard.slots->first, shard.slots->last);
    return line;
}

template <typename Visit>
void for_each_node(const Shard& shard, const Visit& visit) {
    visit(*shard.master);
    for (const Member* replica : shard.replicas)
        visit(*replica);
}

void reply_slots_node(RespWriter& reply, const ClusterMap& map, const Member& member) {
    reply.list(4);
    reply.bytes(member.client.host);
    reply.integer(member.client.port);
    reply.bytes(map.name_of(member));
    reply.map(0);
}

void reply_shard_node(RespWriter& reply, const ClusterMap& map, const Shard& shard, const Member& member) {
    reply.map(7);
    reply.bytes("id");
    reply.bytes(map.name_of(member));
    reply.bytes("port");
    reply.integer(member.client.port);
    reply.bytes("ip");
    reply.bytes(member.client.host);
    reply.bytes("endpoint");
    reply.bytes(member.client.host);
    reply.bytes("role");
    reply.bytes(&member == shard.master ? "master" : "replica");
    reply.bytes("replication-offset");
    reply.integer(static_cast<int64_t>(map.offset_of(member).value()));
    reply.bytes("health");
    reply.bytes(map.is_reachable(member) ? "online" : "fail");
}

const Member* find_by_name(const ClusterMap& map, std::string_view name) {
    for (const Member& member : map.config().members) {
        if (map.name_of(member) == name) return &member;
    }
    return nullptr;
}

// The slot that an argument names; replies with `out_of_range` and returns nothing when it is none.
std::optional<uint16_t> parse_slot(CommandContext& context, std::string_view text, std::string_view out_of_range) {
    const std::optional<int64_t> slot = parse_int64(text);
    if (!slot.has_value()) {
        context.reply.error(kNotAnInteger);
        return std::nullopt;
    }
    if (*slot < 0 || *slot >= kSlotCount) {
        context.reply.error(out_of_range);
        return std::nullopt;
    }
    return static_cast<uint16_t>(*slot);
}

void reply_leader_role(CommandContext& context, const raft::Status& status) {
    const NodeConfig& config = context.node.config();
    std::vector<const raft::PeerStatus*> active;
    for (const raft::PeerStatus& peer : status.peers) {
        if (peer.recently_active && config.find_member(peer.id) != nullptr) active.push_back(&peer);
    }
    context.reply.list(3);
    context.reply.bytes("master");
    context.reply.integer(static_cast<int64_t>(status.commit_index.value()));
    context.reply.list(active.size());
    for (const raft::PeerStatus* peer : active) {
        const Member& member = *config.find_member(peer->id);
        context.reply.list(3);
        context.reply.bytes(member.client.host);
        context.reply.bytes(std::to_string(member.client.port));
        context.reply.bytes(std::to_string(peer->match_index.value()));
    }
}

}  // namespace

void run_role(CommandContext& context) {
    const raft::Status status = context.node.raft_status();
    if (status.role == raft::Role::kLeader) {
        reply_leader_role(context, status);
        return;
    }
    const Member* leader = known_leader(context.node, status);
    const bool connected = leader != nullptr && context.node.peer_connected(leader->id);
    context.reply.list(5);
    context.reply.bytes("slave");
    context.reply.bytes(leader == nullptr ? std::string_view{} : leader->client.host);
    context.reply.integer(leader == nullptr ? 0 : leader->client.port);
    context.reply.bytes(connected ? "connected" : "connect");
    context.reply.integer(connected ? static_cast<int64_t>(status.last_applied.value()) : -1);
}

void run_readonly(CommandContext& context) {
    context.client.readonly = true;
    context.ok();
}

void run_readwrite(CommandContext& context) {
    context.client.readonly = false;
    context.ok();
}

void run_asking(CommandContext& context) { context.ok(); }

void run_cluster_info(CommandContext& context) {
    const ClusterMap map(context.node);
    size_t slots_ok = 0;
    size_t slots_suspected = 0;
    size_t slots_failed = 0;
    size_t masters = 0;
    for (const Shard& shard : map.shards()) {
        if (!shard.slots.has_value()) continue;
        ++masters;
        switch (map.health(*shard.master)) {
            case MemberHealth::kOnline: slots_ok += shard.slots->size(); break;
            case MemberHealth::kSuspected: slots_suspected += shard.slots->size(); break;
            case MemberHealth::kFailed: slots_failed += shard.slots->size(); break;
        }
    }
    context.reply.text(
        fmt::format("cluster_state:{}\r\ncluster_slots_assigned:{}\r\ncluster_slots_ok:{}\r\ncluster_slots_pfail:{}\r\n"
                    "cluster_slots_fail:{}\r\ncluster_known_nodes:{}\r\ncluster_size:{}\r\ncluster_current_epoch:{}\r\n"
                    "cluster_my_epoch:{}\r\ncluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\n"
                    "total_cluster_links_buffer_limit_exceeded:0\r\n",
                    map.leader() != nullptr ? "ok" : "fail", kSlotCount, slots_ok, slots_suspected, slots_failed,
                    map.config().members.size(), masters, map.status().term, map.status().term));
}

void run_cluster_slots(CommandContext& context) {
    const ClusterMap map(context.node);
    size_t served = 0;
    for (const Shard& shard : map.shards())
        served += shard.slots.has_value() ? 1 : 0;
    context.reply.list(served);
    for (const Shard& shard : map.shards()) {
        if (!shard.slots.has_value()) continue;
        std::vector<const Member*> nodes{shard.master};
        std::copy_if(shard.replicas.begin(), shard.replicas.end(), std::back_inserter(nodes),
                     [&](const Member* replica) { return map.is_reachable(*replica); });
        context.reply.list(2 + nodes.size());
        context.reply.integer(shard.slots->first);
        context.reply.integer(shard.slots->last);
        for (const Member* node : nodes)
            reply_slots_node(context.reply, map, *node);
    }
}

void run_cluster_shards(CommandContext& context) {
    const ClusterMap map(context.node);
    context.reply.list(map.shards().size());
    for (const Shard& shard : map.shards()) {
        context.reply.map(2);
        context.reply.bytes("slots");
        context.reply.list(shard.slots.has_value() ? 2 : 0);
        if (shard.slots.has_value()) {
            context.reply.integer(shard.slots->first);
            context.reply.integer(shard.slots->last);
        }
        context.reply.bytes("nodes");
        context.reply.list(1 + shard.replicas.size());
        for_each_node(shard, [&](const Member& member) { reply_shard_node(context.reply, map, shard, member); });
    }
}

void run_cluster_nodes(CommandContext& context) {
    const ClusterMap map(context.node);
    std::string lines;
    for (const Shard& shard : map.shards())
        for_each_node(shard, [&](const Member& member) { lines += describe_node(map, shard, member) + "\n"; });
    context.reply.text(lines);
}

// Those on which this node sends; what it receives comes on the others' own.
void run_cluster_links(CommandContext& context) {
    std::vector<PeerLinkFacts> links;
    context.node.visit_peer_links([&](const PeerLinkFacts& link) { links.push_back(link); });
    context.reply.list(links.size());
    for (const PeerLinkFacts& link : links) {
        context.reply.map(6);
        context.reply.bytes("direction");
        context.reply.bytes("to");
        context.reply.bytes("node");
        context.reply.bytes(cluster_node_name(context.node.cluster(), link.peer));
        context.reply.bytes("create-time");
        context.reply.integer(link.connected_at_wall_ms);
        context.reply.bytes("events");
        context.reply.bytes(link.queued_bytes > 0 ? "rw" : "r");
        context.reply.bytes("send-buffer-allocated");
        context.reply.integer(static_cast<int64_t>(link.queued_bytes));
        context.reply.bytes("send-buffer-used");
        context.reply.integer(static_cast<int64_t>(link.queued_bytes));
    }
}

void run_cluster_myid(CommandContext& context) {
    context.reply.bytes(cluster_node_name(context.node.cluster(), context.node.config().id));
}

void run_cluster_keyslot(CommandContext& context) { context.reply.integer(hash_slot(context.arguments[2])); }

void run_cluster_countkeysinslot(CommandContext& context) {
    const std::optional<uint16_t> slot = parse_slot(context, context.arguments[2], "ERR Invalid slot");
    if (!slot.has_value()) return;
    // Every key is looked at, in one turn.
    constexpr uint64_t kKeysMax = 10'000;
    if (context.node.keyspace().keys > kKeysMax) {
        context.fail(
            "ERR CLUSTER COUNTKEYSINSLOT is not supported above {} keys: keys are not indexed by slot. Use SCAN.",
            kKeysMax);
        return;
    }
    context.reply.integer(static_cast<int64_t>(context.node.key_count_in_slot(*slot)));
}

void run_cluster_getkeysinslot(CommandContext& context) {
    constexpr std::string_view kOutOfRange = "ERR Invalid slot or number of keys";
    const std::optional<int64_t> count = parse_int64(context.arguments[3]);
    if (!count.has_value()) {
        context.reply.error(kNotAnInteger);
        return;
    }
    if (!parse_slot(context, context.arguments[2], kOutOfRange).has_value()) return;
    if (*count < 0) {
        context.reply.error(kOutOfRange);
        return;
    }
    context.reply.error("ERR CLUSTER GETKEYSINSLOT is not supported: keys are not indexed by slot. Use SCAN.");
}

void run_cluster_replicas(CommandContext& context) {
    const ClusterMap map(context.node);
    const Member* named = find_by_name(map, context.arguments[2]);
    if (named == nullptr) {
        context.fail("ERR Unknown node {}", context.arguments[2]);
        return;
    }
    for (const Shard& shard : map.shards()) {
        if (shard.master != named) continue;
        context.reply.list(shard.replicas.size());
        for (const Member* replica : shard.replicas)
            context.reply.bytes(describe_node(map, shard, *replica));
        return;
    }
    context.reply.error("ERR The specified node is not a master");
}

void run_cluster_count_failure_reports(CommandContext& context) {
    if (find_by_name(ClusterMap(context.node), context.arguments[2]) == nullptr) {
        context.fail("ERR Unknown node {}", context.arguments[2]);
    } else {
        context.reply.integer(0);
    }
}

void run_cluster_help(CommandContext& context) {
    static constexpr auto kLines = std::to_array<std::string_view>({
        "COUNT-FAILURE-REPORTS <node-id>",
        "    Return number of failure reports for <node-id>: always 0, Raft keeps none.",
        "COUNTKEYSINSLOT <slot>",
        "    Return the number of keys in <slot>.",
        "INFO",
        "    Return information about the cluster.",
        "KEYSLOT <key>",
        "    Return the hash slot for <key>.",
        "LINKS",
        "    Return information about all network links between this node and its peers.",
        "    Output format is an array where each array element is a map containing attributes of a link",
        "MYID",
        "    Return the node id.",
        "NODES",
        "    Return cluster configuration seen by node. Output format:",
        "    <id> <ip:port> <flags> <master> <pings> <pongs> <epoch> <link> <slot> ...",
        "REPLICAS <node-id>",
        "    Return <node-id> replicas.",
        "SLOTS",
        "    Return information about slots range mappings. Each range is made of:",
        "    start, end, master and replicas IP addresses, ports and ids",
        "SHARDS",
        "    Return information about slot range mappings and the nodes associated with them.",
    });
    reply_help(context, kLines);
}

}  // namespace kvorum::redis
