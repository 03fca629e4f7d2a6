// KVORUM LEADER and KVORUM HELP. KVORUM SLOWLOG is in commands_latency.cc.
#include <array>
#include <optional>

#include "base/text.h"
#include "redis/command_context.h"

namespace kvorum::redis {
namespace {

void reply_no_leader_here(CommandContext& context) {
    const raft::Status status = context.node.raft_status();
    const Member* leader = known_leader(context.node, status);
    if (leader == nullptr) {
        context.reply.error("CLUSTERDOWN No leader is known: nothing was done");
    } else {
        context.fail("ERR this node does not lead: ask node {} at {}", leader->id, leader->client.to_string());
    }
}

void reply_transfer(CommandContext& context, NodeId target) {
    const raft::TransferStart start = context.node.transfer_leadership(target);
    switch (start.status) {
        case raft::TransferStatus::kStarted: context.ok(); return;
        case raft::TransferStatus::kNotLeader: reply_no_leader_here(context); return;
        case raft::TransferStatus::kUnderWay:
            context.fail("TRYAGAIN The leadership is being handed over to node {} already", start.target);
            return;
        case raft::TransferStatus::kNoSuchVoter:
            if (target.is_none()) {
                context.reply.error("ERR there is no other voter");
            } else {
                context.fail("ERR node {} is no other voter", target);
            }
            return;
        case raft::TransferStatus::kUnreachable:
            if (target.is_none()) {
                context.reply.error("TRYAGAIN No other voter answers");
            } else {
                context.fail("TRYAGAIN Node {} does not answer", target);
            }
            return;
    }
}

}  // namespace

void run_kvorum_leader(CommandContext& context) {
    const auto& arguments = context.arguments;
    if (arguments.size() > 4 || !equals_ignore_case(arguments[2], "transfer")) {
        context.reply.error(kSyntaxError);
        return;
    }
    if (arguments.size() == 3) return reply_transfer(context, NodeId{});
    const std::optional<int64_t> id = parse_int64(arguments[3]);
    if (!id.has_value() || *id < 1) {
        context.reply.error(kNotAnInteger);
        return;
    }
    reply_transfer(context, NodeId{static_cast<uint64_t>(*id)});
}

void run_kvorum_help(CommandContext& context) {
    static constexpr auto kLines = std::to_array<std::string_view>({
        "LEADER TRANSFER [<node-id>]",
        "    Hand the leadership over to this node, or to the one that holds most of the log. Only the leader does it, "
        "others name it.",
        "    The reply comes before it is done: INFO raft tells what came of it.",
        "SLOWLOG [<count>]",
        "    Return the stages in which the time of the top <count> entries of the slowlog went (default: 10, -1: "
        "all).",
        "    Entries are made of: id, stages.",
    });
    reply_help(context, kLines);
}

}  // namespace kvorum::redis
