// CLUSTER and ROLE: the Raft group, told as a Redis Cluster with one shard. The leader is the master of all slots, the
// other members are its replicas. While no leader is known, nobody serves a slot and the cluster is down.
#include <array>
#include <optional>
#include <vector>

#include "kv/text.h"
#include "server/command_context.h"

namespace kvorum::server {
namespace {

constexpr uint16_t kSlotCount = 16384;
constexpr uint16_t kLastSlot = kSlotCount - 1;

// What this node knows of the members, taken once for a command.
struct ClusterView {
    NodeFacade& node;
    const NodeConfig& config;
    raft::Status status;
    const Member* leader;

    explicit ClusterView(NodeFacade& facade)
        : node(facade), config(facade.config()), status(facade.raft_status()), leader(known_leader(facade, status)) {}

    [[nodiscard]] bool is_self(const Member& member) const { return member.id == status.self; }
    [[nodiscard]] bool is_leader(const Member& member) const { return leader != nullptr && member.id == leader->id; }
    // As far as this node can tell.
    [[nodiscard]] bool is_reachable(const Member& member) const {
        return is_self(member) || node.peer_connected(member.id);
    }
    [[nodiscard]] std::string name_of(const Member& member) const { return config.cluster_node_name(member.id); }

    // How much of the log a member has: known to the leader for all, to the others for themselves only.
    [[nodiscard]] LogIndex offset_of(const Member& member) const {
        if (is_self(member) || is_leader(member)) return status.commit_index;
        for (const raft::PeerStatus& peer : status.peers) {
            if (peer.id == member.id) return peer.match_index;
        }
        return LogIndex{};
    }

    // The leader first, as in Redis's SLOTS and SHARDS.
    [[nodiscard]] std::vector<const Member*> members_leader_first() const {
        std::vector<const Member*> members;
        if (leader != nullptr) members.push_back(leader);
        for (const Member& member : config.members) {
            if (!is_leader(member)) members.push_back(&member);
        }
        return members;
    }
};

// "<id> <ip:port@cport> <flags> <master> <ping-sent> <pong-recv> <epoch> <link-state> <slots>"
std::string describe_node(const ClusterView& view, const Member& member) {
    const bool reachable = view.is_reachable(member);
    const bool is_leader = view.is_leader(member);
    return fmt::format("{} {}:{}@{} {}{}{} {} 0 0 {} {}{}", view.name_of(member), member.client.host,
                       member.client.port, member.peer.port, view.is_self(member) ? "myself," : "",
                       is_leader ? "master" : "slave", reachable ? "" : ",fail?",
                       is_leader || view.leader == nullptr ? std::string{"-"} : view.name_of(*view.leader),
                       view.status.term, reachable ? "connected" : "disconnected", is_leader ? " 0-16383" : "");
}

void reply_slots_node(net::RespWriter& reply, const ClusterView& view, const Member& member) {
    reply.array(4);
    reply.bulk_string(member.client.host);
    reply.integer(member.client.port);
    reply.bulk_string(view.name_of(member));
    reply.map(0);
}

void reply_shard_node(net::RespWriter& reply, const ClusterView& view, const Member& member) {
    reply.map(7);
    reply.bulk_string("id");
    reply.bulk_string(view.name_of(member));
    reply.bulk_string("port");
    reply.integer(member.client.port);
    reply.bulk_string("ip");
    reply.bulk_string(member.client.host);
    reply.bulk_string("endpoint");
    reply.bulk_string(member.client.host);
    reply.bulk_string("role");
    reply.bulk_string(view.is_leader(member) ? "master" : "replica");
    reply.bulk_string("replication-offset");
    reply.integer(static_cast<int64_t>(view.offset_of(member).value()));
    reply.bulk_string("health");
    reply.bulk_string(view.is_reachable(member) ? "online" : "fail");
}

const Member* find_by_name(const ClusterView& view, std::string_view name) {
    for (const Member& member : view.config.members) {
        if (view.name_of(member) == name) return &member;
    }
    return nullptr;
}

// The slot that an argument names; replies with `out_of_range` and returns nothing when it is none.
std::optional<uint16_t> parse_slot(CommandContext& context, std::string_view text, std::string_view out_of_range) {
    const std::optional<int64_t> slot = kv::parse_int64(text);
    if (!slot.has_value()) {
        context.reply.error(kNotAnInteger);
        return std::nullopt;
    }
    if (*slot < 0 || *slot > kLastSlot) {
        context.reply.error(out_of_range);
        return std::nullopt;
    }
    return static_cast<uint16_t>(*slot);
}

void reply_leader_role(CommandContext& context, const ClusterView& view) {
    std::vector<const raft::PeerStatus*> active;
    for (const raft::PeerStatus& peer : view.status.peers) {
        if (peer.recently_active && view.config.find_member(peer.id) != nullptr) active.push_back(&peer);
    }
    context.reply.array(3);
    context.reply.bulk_string("master");
    context.reply.integer(static_cast<int64_t>(view.status.commit_index.value()));
    context.reply.array(active.size());
    for (const raft::PeerStatus* peer : active) {
        const Member& member = *view.config.find_member(peer->id);
        context.reply.array(3);
        context.reply.bulk_string(member.client.host);
        context.reply.bulk_string(std::to_string(member.client.port));
        context.reply.bulk_string(std::to_string(peer->match_index.value()));
    }
}

}  // namespace

void run_role(CommandContext& context) {
    const ClusterView view(context.node);
    if (view.status.role == raft::Role::kLeader) {
        reply_leader_role(context, view);
        return;
    }
    const bool connected = view.leader != nullptr && view.is_reachable(*view.leader);
    context.reply.array(5);
    context.reply.bulk_string("slave");
    context.reply.bulk_string(view.leader == nullptr ? std::string_view{} : view.leader->client.host);
    context.reply.integer(view.leader == nullptr ? 0 : view.leader->client.port);
    context.reply.bulk_string(connected ? "connected" : "connect");
    context.reply.integer(connected ? static_cast<int64_t>(view.status.last_applied.value()) : -1);
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
    const ClusterView view(context.node);
    const bool up = view.leader != nullptr;
    const int served = up ? kSlotCount : 0;
    context.reply.verbatim_text(
        fmt::format("cluster_state:{}\r\ncluster_slots_assigned:{}\r\ncluster_slots_ok:{}\r\ncluster_slots_pfail:0\r\n"
                    "cluster_slots_fail:0\r\ncluster_known_nodes:{}\r\ncluster_size:{}\r\ncluster_current_epoch:{}\r\n"
                    "cluster_my_epoch:{}\r\ncluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\n"
                    "total_cluster_links_buffer_limit_exceeded:0\r\n",
                    up ? "ok" : "fail", served, served, view.config.members.size(), up ? 1 : 0, view.status.term,
                    view.status.term));
}

void run_cluster_slots(CommandContext& context) {
    const ClusterView view(context.node);
    if (view.leader == nullptr) {
        context.reply.array(0);
        return;
    }
    std::vector<const Member*> members;
    for (const Member* member : view.members_leader_first()) {
        if (view.is_leader(*member) || view.is_reachable(*member)) members.push_back(member);
    }
    context.reply.array(1);
    context.reply.array(2 + members.size());
    context.reply.integer(0);
    context.reply.integer(kLastSlot);
    for (const Member* member : members)
        reply_slots_node(context.reply, view, *member);
}

void run_cluster_shards(CommandContext& context) {
    const ClusterView view(context.node);
    const std::vector<const Member*> members = view.members_leader_first();
    context.reply.array(1);
    context.reply.map(2);
    context.reply.bulk_string("slots");
    if (view.leader == nullptr) {
        context.reply.array(0);
    } else {
        context.reply.array(2);
        context.reply.integer(0);
        context.reply.integer(kLastSlot);
    }
    context.reply.bulk_string("nodes");
    context.reply.array(members.size());
    for (const Member* member : members)
        reply_shard_node(context.reply, view, *member);
}

void run_cluster_nodes(CommandContext& context) {
    const ClusterView view(context.node);
    std::string lines;
    for (const Member& member : view.config.members)
        lines += describe_node(view, member) + "\n";
    context.reply.verbatim_text(lines);
}

void run_cluster_myid(CommandContext& context) {
    const NodeConfig& config = context.node.config();
    context.reply.bulk_string(config.cluster_node_name(config.id));
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
    const std::optional<int64_t> count = kv::parse_int64(context.arguments[3]);
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
    const ClusterView view(context.node);
    const Member* master = find_by_name(view, context.arguments[2]);
    if (master == nullptr) {
        context.fail("ERR Unknown node {}", context.arguments[2]);
        return;
    }
    if (!view.is_leader(*master)) {
        context.reply.error("ERR The specified node is not a master");
        return;
    }
    context.reply.array(view.config.members.size() - 1);
    for (const Member& member : view.config.members) {
        if (member.id != master->id) context.reply.bulk_string(describe_node(view, member));
    }
}

void run_cluster_count_failure_reports(CommandContext& context) {
    const ClusterView view(context.node);
    if (find_by_name(view, context.arguments[2]) == nullptr) {
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

}  // namespace kvorum::server
