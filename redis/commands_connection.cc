// PING, HELLO, AUTH and the rest of what concerns one connection only, and the few fixed answers (ACL WHOAMI, MODULE
// LIST, LOLWUT).
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "config/version.h"
#include "redis/command_context.h"

namespace kvorum::redis {
namespace {

constexpr std::string_view kWrongPassword = "WRONGPASS invalid username-password pair or user is disabled.";

constexpr std::string_view kHelloNeedsAuth =
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option "
    "can be used to authenticate the client and select the RESP protocol version at the same time";

// Replies and returns false when the password is wrong. Who was authenticated before stays so.
bool authenticate(CommandContext& context, std::string_view user, std::string_view password) {
    if (context.node.access().is_right(user, password)) {
        context.client.authenticated = true;
        return true;
    }
    context.client.reply_delay_ns = context.node.access().note_failure(context.client.address, context.node.now_ns());
    context.reply.error(kWrongPassword);
    return false;
}

bool is_authenticated(CommandContext& context) {
    return context.client.authenticated || !context.node.access().password_required();
}

void set_protocol(CommandContext& context, int protocol) {
    context.client.protocol = protocol;
    context.reply.set_version(protocol == 3 ? RespVersion::kResp3 : RespVersion::kResp2);
    // With RESP3 a client expects invalidation messages once it tracks, and there are none.
    if (protocol == 3) context.client.tracking = false;
}

// Carries the options of HELLO out as it meets them, as Redis does: those before a wrong one count. Replies with the
// error and returns false when one is wrong.
bool apply_hello_options(CommandContext& context, std::optional<int>& new_protocol) {
    const auto arguments = context.arguments;
    if (arguments.size() >= 2) {
        const std::optional<int64_t> protocol = parse_int64(arguments[1]);
        if (!protocol.has_value()) {
            context.reply.error("ERR Protocol version is not an integer or out of range");
            return false;
        }
        if (*protocol != 2 && *protocol != 3) {
            context.reply.error("NOPROTO unsupported protocol version");
            return false;
        }
        new_protocol = static_cast<int>(*protocol);
    }
    for (size_t i = 2; i < arguments.size(); ++i) {
        const size_t more = arguments.size() - i - 1;
        if (equals_ignore_case(arguments[i], "AUTH") && more >= 2) {
            if (!authenticate(context, arguments[i + 1], arguments[i + 2])) return false;
            i += 2;
        } else if (equals_ignore_case(arguments[i], "SETNAME") && more >= 1) {
            if (!check_client_word(context, arguments[i + 1], "Client names")) return false;
            context.client.name = arguments[i + 1];
            i += 1;
        } else {
            context.fail("ERR Syntax error in HELLO option '{}'", arguments[i]);
            return false;
        }
    }
    return true;
}

}  // namespace

bool check_client_word(CommandContext& context, std::string_view text, std::string_view what) {
    if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; })) return true;
    context.fail("ERR {} cannot contain spaces, newlines or special characters.", what);
    return false;
}

void run_ping(CommandContext& context) {
    if (context.arguments.size() > 2) {
        context.reply.error("ERR wrong number of arguments for 'ping' command");
    } else if (context.arguments.size() == 2) {
        context.reply.bytes(context.arguments[1]);
    } else {
        context.reply.status("PONG");
    }
}

void run_echo(CommandContext& context) { context.reply.bytes(context.arguments[1]); }

void run_quit(CommandContext& context) {
    context.client.close_after_reply = true;
    context.ok();
}

void run_reset(CommandContext& context) {
    ClientState& client = context.client;
    set_protocol(context, 2);
    client.name.clear();
    client.tracking = false;
    client.monitors = false;
    client.readonly = false;
    client.read_choice = {};
    client.no_evict = false;
    client.no_touch = false;
    client.replies_off = false;
    client.skips_next_reply = false;
    client.authenticated = !context.node.access().password_required();
    context.reply.status("RESET");
}

void run_hello(CommandContext& context) {
    std::optional<int> protocol;
    if (!apply_hello_options(context, protocol)) return;
    if (!is_authenticated(context)) {
        context.reply.error(kHelloNeedsAuth);
        return;
    }
    if (protocol.has_value()) set_protocol(context, *protocol);

    RespWriter& reply = context.reply;
    reply.map(7);
    reply.bytes("server");
    reply.bytes("redis");
    reply.bytes("version");
    reply.bytes(kRedisVersion);
    reply.bytes("proto");
    reply.integer(context.client.protocol);
    reply.bytes("id");
    reply.integer(static_cast<int64_t>(context.client.id));
    reply.bytes("mode");
    reply.bytes("cluster");
    reply.bytes("role");
    reply.bytes(redis_role(context.node.raft_status()) == "master" ? "master" : "replica");
    reply.bytes("modules");
    reply.list(0);
}

void run_auth(CommandContext& context) {
    const auto arguments = context.arguments;
    if (arguments.size() > 3) {
        context.reply.error(kSyntaxError);
    } else if (arguments.size() == 2 && !context.node.access().password_required()) {
        context.reply.error(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
            "configuration is "
            "correct?");
    } else if (authenticate(context, arguments.size() == 2 ? "default" : arguments[1], arguments.back())) {
        context.ok();
    }
}

void run_select(CommandContext& context) {
    const std::optional<int64_t> database = parse_int64(context.arguments[1]);
    if (!database.has_value()) {
        context.reply.error(kNotAnInteger);
    } else if (*database < INT32_MIN || *database > INT32_MAX) {
        context.reply.error("ERR value is out of range, value must between -2147483648 and 2147483647");
    } else if (*database != 0) {
        context.reply.error("ERR DB index is out of range");
    } else {
        context.ok();
    }
}

void run_time(CommandContext& context) {
    const int64_t now_us = context.node.wall_clock_us();
    context.reply.list(2);
    context.reply.bytes(std::to_string(now_us / 1'000'000));
    context.reply.bytes(std::to_string(now_us % 1'000'000));
}

void run_lolwut(CommandContext& context) {
    context.reply.text(
        fmt::format("      (o)\n"
                    "     /   \\        Two of three agree:\n"
                    "   (o)---(x)      it happened.\n"
                    "\n"
                    "Kvorum ver. {}, speaking as Redis ver. {}\n",
                    kKvorumVersion, kRedisVersion));
}

void run_monitor(CommandContext& context) {
    context.client.monitors = true;
    context.ok();
}

void run_module_list(CommandContext& context) { context.reply.list(0); }

void run_module_help(CommandContext& context) {
    static constexpr std::array<std::string_view, 2> kLines{"LIST",
                                                            "    Return a list of loaded modules: there are none."};
    reply_help(context, kLines);
}

void run_acl_whoami(CommandContext& context) { context.reply.bytes("default"); }

void run_acl_help(CommandContext& context) {
    static constexpr std::array<std::string_view, 2> kLines{
        "WHOAMI", "    Return the current connection username: there is only 'default'."};
    reply_help(context, kLines);
}

}  // namespace kvorum::redis
