// BGSAVE, LASTSAVE, and the part of INFO about snapshots.
#include "base/text.h"
#include "redis/command_context.h"

namespace kvorum::redis {

// There is no rewriting of a log that SCHEDULE could wait for.
void run_bgsave(CommandContext& context) {
    const auto& arguments = context.arguments;
    if (arguments.size() > 2 || (arguments.size() == 2 && !equals_ignore_case(arguments[1], "schedule"))) {
        context.reply.error(kSyntaxError);
        return;
    }
    if (!context.node.save_snapshot()) {
        context.reply.error("ERR Background save already in progress");
        return;
    }
    context.reply.text("Background saving started");
}

void run_lastsave(CommandContext& context) { context.reply.integer(last_save_s(context.node)); }

// As Redis, whose data counts as saved when it starts.
int64_t last_save_s(NodeFacade& node) {
    const int64_t saved_ms = node.snapshots().last_saved_wall_ms;
    return (saved_ms != 0 ? saved_ms : node.counters().started_at_wall_ms) / 1000;
}

}  // namespace kvorum::redis
