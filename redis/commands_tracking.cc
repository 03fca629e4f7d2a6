// CLIENT TRACKING and its companions. Kvorum sends no invalidation messages. A RESP2 connection without REDIRECT gets
// none from Redis either, so there tracking is accepted; wherever a client would wait for messages in vain it is
// refused.
#include <optional>

#include "base/text.h"
#include "redis/command_context.h"

namespace kvorum::redis {
namespace {

struct TrackingOptions {
    std::optional<int64_t> redirect;
    bool broadcast = false;
    bool opt_in = false;
    bool opt_out = false;
    bool no_loop = false;
    bool has_prefix = false;

    [[nodiscard]] bool any() const {
        return redirect.has_value() || broadcast || opt_in || opt_out || no_loop || has_prefix;
    }
};

// Replies with the error and returns false when the options are wrong.
bool parse_tracking_options(CommandContext& context, TrackingOptions& options) {
    const auto arguments = context.arguments;
    for (size_t i = 3; i < arguments.size(); ++i) {
        const bool more = i + 1 < arguments.size();
        if (equals_ignore_case(arguments[i], "redirect") && more) {
            options.redirect = parse_int64(arguments[++i]);
            if (!options.redirect.has_value()) {
                context.reply.error(kNotAnInteger);
                return false;
            }
        } else if (equals_ignore_case(arguments[i], "bcast")) {
            options.broadcast = true;
        } else if (equals_ignore_case(arguments[i], "optin")) {
            options.opt_in = true;
        } else if (equals_ignore_case(arguments[i], "optout")) {
            options.opt_out = true;
        } else if (equals_ignore_case(arguments[i], "noloop")) {
            options.no_loop = true;
        } else if (equals_ignore_case(arguments[i], "prefix") && more) {
            options.has_prefix = true;
            ++i;
        } else {
            context.reply.error(kSyntaxError);
            return false;
        }
    }
    return true;
}

bool client_exists(NodeFacade& node, int64_t id) {
    bool found = false;
    node.visit_clients([&](ClientState& client) { found = found || client.id == static_cast<uint64_t>(id); });
    return found;
}

// What Redis refuses too, in its words; empty when it would not.
std::string_view combination_error(NodeFacade& node, const TrackingOptions& options) {
    if (options.redirect.has_value() && !client_exists(node, *options.redirect)) {
        return "ERR The client ID you want redirect to does not exist";
    }
    if (options.has_prefix && !options.broadcast) return "ERR PREFIX option requires BCAST mode to be enabled";
    if (options.broadcast && (options.opt_in || options.opt_out))
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    if (options.opt_in && options.opt_out) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    return {};
}

}  // namespace

void run_client_tracking(CommandContext& context) {
    const std::string_view mode = context.arguments[2];
    const bool on = equals_ignore_case(mode, "on");
    TrackingOptions options;
    if (!parse_tracking_options(context, options)) return;
    if (!on && !equals_ignore_case(mode, "off")) {
        context.reply.error(kSyntaxError);
        return;
    }
    if (on) {
        if (const std::string_view problem = combination_error(context.node, options); !problem.empty()) {
            context.reply.error(problem);
            return;
        }
        if (context.client.protocol == 3 || options.any()) {
            context.reply.error("ERR CLIENT TRACKING is not supported: this server sends no invalidation messages");
            return;
        }
    }
    context.client.tracking = on;
    context.ok();
}

void run_client_trackinginfo(CommandContext& context) {
    const bool tracking = context.client.tracking;
    context.reply.map(3);
    context.reply.bytes("flags");
    context.reply.set(1);
    context.reply.bytes(tracking ? "on" : "off");
    context.reply.bytes("redirect");
    context.reply.integer(tracking ? 0 : -1);
    context.reply.bytes("prefixes");
    context.reply.list(0);
}

void run_client_caching(CommandContext& context) {
    const std::string_view mode = context.arguments[2];
    if (!context.client.tracking) {
        context.reply.error(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode "
            "enabled");
    } else if (equals_ignore_case(mode, "yes")) {
        context.reply.error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    } else if (equals_ignore_case(mode, "no")) {
        context.reply.error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    } else {
        context.reply.error(kSyntaxError);
    }
}

void run_client_getredir(CommandContext& context) { context.reply.integer(context.client.tracking ? 0 : -1); }

}  // namespace kvorum::redis
