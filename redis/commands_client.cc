// CLIENT: what a connection says of itself, and the list of the others.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <vector>

#include "base/text.h"
#include "redis/command_context.h"
#include "redis/consistency_words.h"

namespace kvorum::redis {
namespace {

// The one kind of client that there is here; the other three are known words with nobody in them.
constexpr std::array<std::string_view, 5> kClientTypes{"normal", "master", "replica", "slave", "pubsub"};

bool is_client_type(std::string_view text) {
    return std::any_of(kClientTypes.begin(), kClientTypes.end(),
                       [text](std::string_view type) { return equals_ignore_case(type, text); });
}

uint64_t seconds_between(uint64_t from_ns, uint64_t to_ns) {
    return to_ns <= from_ns ? 0 : (to_ns - from_ns) / kSecondNs;
}

std::string flags_of(const ClientState& client) {
    std::string flags;
    if (client.monitors) flags += 'O';
    if (client.tracking) flags += 't';
    if (client.readonly) flags += 'r';
    if (client.no_evict) flags += 'e';
    if (client.no_touch) flags += 'T';
    if (client.close_after_reply) flags += 'c';
    return flags.empty() ? "N" : flags;
}

// One line of CLIENT LIST, with Redis's fields in Redis's order and one more at the end; a field that means nothing
// here has Redis's value for "nothing". Replies lie in a list of buffers, so that of a fixed one (rbs, obl) nothing is
// in use.
std::string describe(const ClientState& client, CommandContext& context) {
    uint64_t argument_bytes = client.argument_bytes;
    if (client.id == context.client.id) {
        for (const std::string_view argument : context.arguments)
            argument_bytes += argument.size();
    }
    const uint64_t now_ns = context.node.now_ns();
    return fmt::format(
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf={} "
        "qbuf-free={} argv-mem={} multi-mem=0 rbs={} rbp=0 obl=0 oll={} omem={} tot-mem={} events=r cmd={} "
        "user=default redir={} resp={} lib-name={} lib-ver={} consistency={}\n",
        client.id, client.address, client.local_address, client.descriptor, client.name,
        seconds_between(client.connected_at_ns, now_ns), seconds_between(client.last_command_at_ns, now_ns),
        flags_of(client), client.query_buffer_bytes, client.query_buffer_free_bytes, argument_bytes,
        client.output_buffer_bytes, client.output_buffer_bytes == 0 ? 0 : 1, client.output_buffer_bytes,
        sizeof(client) + client.buffer_bytes() - client.argument_bytes + argument_bytes, client.last_command,
        client.tracking ? 0 : -1, client.protocol, client.library_name, client.library_version,
        read_choice_words(client.read_choice, ':'));
}

std::optional<uint64_t> parse_client_id(std::string_view text) {
    const std::optional<int64_t> id = parse_int64(text);
    if (!id.has_value() || *id <= 0) return std::nullopt;
    return static_cast<uint64_t>(*id);
}

struct KillFilter {
    std::optional<uint64_t> id;
    std::optional<std::string_view> address;
    std::optional<std::string_view> local_address;
    bool only_other_types = false;  // than normal: nobody
    bool skip_me = true;

    [[nodiscard]] bool takes(const ClientState& client, uint64_t own_id) const {
        if (skip_me && client.id == own_id) return false;
        return !only_other_types && (!id.has_value() || client.id == *id) &&
               (!address.has_value() || client.address == *address) &&
               (!local_address.has_value() || client.local_address == *local_address);
    }
};

// Sets one "option value" pair of CLIENT KILL; replies with the error and returns false when it is wrong.
bool parse_kill_option(CommandContext& context, std::string_view option, std::string_view value, KillFilter& filter) {
    if (equals_ignore_case(option, "id")) {
        filter.id = parse_client_id(value);
        if (filter.id.has_value()) return true;
        context.reply.error("ERR client-id should be greater than 0");
    } else if (equals_ignore_case(option, "type")) {
        filter.only_other_types = !equals_ignore_case(value, "normal");
        if (is_client_type(value)) return true;
        context.fail("ERR Unknown client type '{}'", value);
    } else if (equals_ignore_case(option, "addr")) {
        filter.address = value;
        return true;
    } else if (equals_ignore_case(option, "laddr")) {
        filter.local_address = value;
        return true;
    } else if (equals_ignore_case(option, "user")) {
        if (value == "default") return true;
        context.fail("ERR No such user '{}'", value);
    } else if (equals_ignore_case(option, "skipme") &&
               (equals_ignore_case(value, "yes") || equals_ignore_case(value, "no"))) {
        filter.skip_me = equals_ignore_case(value, "yes");
        return true;
    } else {
        context.reply.error(kSyntaxError);
    }
    return false;
}

size_t kill_clients(CommandContext& context, const KillFilter& filter) {
    std::vector<uint64_t> ids;
    context.node.visit_clients([&](ClientState& client) {
        if (filter.takes(client, context.client.id)) ids.push_back(client.id);
    });
    for (const uint64_t id : ids) {
        if (id == context.client.id) {
            context.client.close_after_reply = true;
        } else {
            (void)context.node.close_client(id);  // one that has closed itself meanwhile is as good as killed
        }
    }
    return ids.size();
}

// Sets `flag` from ON or OFF.
void set_switch(CommandContext& context, bool& flag) {
    const std::string_view value = context.arguments[2];
    if (!equals_ignore_case(value, "on") && !equals_ignore_case(value, "off")) {
        context.reply.error(kSyntaxError);
        return;
    }
    flag = equals_ignore_case(value, "on");
    context.ok();
}

}  // namespace

void run_client_id(CommandContext& context) { context.reply.integer(static_cast<int64_t>(context.client.id)); }

void run_client_getname(CommandContext& context) {
    if (context.client.name.empty()) {
        context.reply.nothing();
    } else {
        context.reply.bytes(context.client.name);
    }
}

void run_client_setname(CommandContext& context) {
    if (!check_client_word(context, context.arguments[2], "Client names")) return;
    context.client.name = context.arguments[2];
    context.ok();
}

void run_client_setinfo(CommandContext& context) {
    const std::string_view attribute = context.arguments[2];
    const bool is_name = equals_ignore_case(attribute, "lib-name");
    if (!is_name && !equals_ignore_case(attribute, "lib-ver")) {
        context.fail("ERR Unrecognized option '{}'", attribute);
        return;
    }
    if (!check_client_word(context, context.arguments[3], attribute)) return;
    (is_name ? context.client.library_name : context.client.library_version) = context.arguments[3];
    context.ok();
}

void run_client_info(CommandContext& context) {
    std::string line;
    // As CLIENT LIST sees it: what a connection has in its buffers is only looked at when somebody asks.
    context.node.visit_clients([&](ClientState& client) {
        if (client.id == context.client.id) line = describe(client, context);
    });
    context.reply.text(line);
}

void run_client_list(CommandContext& context) {
    const auto arguments = context.arguments;
    std::optional<std::vector<uint64_t>> ids;
    bool only_other_types = false;
    if (arguments.size() == 4 && equals_ignore_case(arguments[2], "type")) {
        if (!is_client_type(arguments[3])) {
            context.fail("ERR Unknown client type '{}'", arguments[3]);
            return;
        }
        only_other_types = !equals_ignore_case(arguments[3], "normal");
    } else if (arguments.size() > 3 && equals_ignore_case(arguments[2], "id")) {
        ids.emplace();
        for (const std::string_view text : arguments.subspan(3)) {
            const std::optional<uint64_t> id = parse_client_id(text);
            if (!id.has_value()) {
                context.reply.error("ERR Invalid client ID");
                return;
            }
            ids->push_back(*id);
        }
    } else if (arguments.size() != 2) {
        context.reply.error(kSyntaxError);
        return;
    }
    std::map<uint64_t, std::string> lines;
    context.node.visit_clients([&](ClientState& client) {
        const bool wanted = !ids.has_value() || std::find(ids->begin(), ids->end(), client.id) != ids->end();
        if (wanted && !only_other_types) lines[client.id] = describe(client, context);
    });
    std::string text;
    if (ids.has_value()) {
        // In the order and as often as asked.
        for (const uint64_t id : *ids)
            text += lines[id];
    } else {
        for (const auto& [id, line] : lines)
            text += line;
    }
    context.reply.text(text);
}

void run_client_kill(CommandContext& context) {
    const auto arguments = context.arguments;
    KillFilter filter;
    if (arguments.size() == 3) {  // the old form: an address, the own one included
        filter.address = arguments[2];
        filter.skip_me = false;
        if (kill_clients(context, filter) == 0) {
            context.reply.error("ERR No such client");
        } else {
            context.ok();
        }
        return;
    }
    for (size_t i = 2; i < arguments.size(); i += 2) {
        if (i + 1 == arguments.size()) {
            context.reply.error(kSyntaxError);
            return;
        }
        if (!parse_kill_option(context, arguments[i], arguments[i + 1], filter)) return;
    }
    context.reply.integer(static_cast<int64_t>(kill_clients(context, filter)));
}

void run_client_pause(CommandContext& context) {
    context.reply.error("ERR CLIENT PAUSE is not supported: a node cannot hold back what the other nodes accept");
}

void run_client_unpause(CommandContext& context) { context.ok(); }

void run_client_no_evict(CommandContext& context) { set_switch(context, context.client.no_evict); }
void run_client_no_touch(CommandContext& context) { set_switch(context, context.client.no_touch); }

void run_client_reply(CommandContext& context) {
    const std::string_view mode = context.arguments[2];
    ClientState& client = context.client;
    if (equals_ignore_case(mode, "on")) {
        client.replies_off = false;
        client.skips_reply = false;
        context.ok();
    } else if (equals_ignore_case(mode, "off")) {
        client.replies_off = true;
    } else if (equals_ignore_case(mode, "skip")) {
        client.skips_next_reply = !client.replies_off;
    } else {
        context.reply.error(kSyntaxError);
    }
}

void run_client_consistency(CommandContext& context) {
    const auto words = context.arguments.subspan(2);
    if (words.empty()) {
        context.reply.bytes(read_choice_words(context.client.read_choice, ' '));
        return;
    }
    const std::optional<gateway::ReadChoice> choice = parse_read_choice(words);
    if (!choice.has_value()) {
        context.fail(
            "ERR CLIENT CONSISTENCY takes LINEARIZABLE (reads show all that was acknowledged before them), BOUNDED "
            "<ms> "
            "with 1 to {} ms (they are at most that old), or STALE (whatever this node has)",
            kBoundedAgeMsMax);
        return;
    }
    context.client.read_choice = *choice;
    context.ok();
}

void run_client_help(CommandContext& context) {
    static constexpr auto kLines = std::to_array<std::string_view>({
        "CACHING (YES|NO)",
        "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes: not supported.",
        "CONSISTENCY [LINEARIZABLE | BOUNDED <ms> | STALE]",
        "    Set how old the state may be that reads of this connection are answered from, or return",
        "    what is set. LINEARIZABLE: as of the read. BOUNDED: at most <ms> milliseconds. STALE: whatever",
        "    this node has, also without a leader. Never older than what the connection has seen.",
        "GETREDIR",
        "    Return the client ID we are redirecting to when tracking is enabled.",
        "GETNAME",
        "    Return the name of the current connection.",
        "ID",
        "    Return the ID of the current connection.",
        "INFO",
        "    Return information about the current client connection.",
        "KILL <ip:port>",
        "    Kill connection made from <ip:port>.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Kill connections. Options are:",
        "    * ADDR <ip:port>",
        "      Kill connections made from the specified address",
        "    * LADDR <ip:port>",
        "      Kill connections made to specified local address",
        "    * ID <client-id>",
        "      Kill the connection of that id",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Kill connections by type.",
        "    * USER <username>",
        "      Kill connections authenticated by <username>.",
        "    * SKIPME (YES|NO)",
        "      Skip killing current connection (default: yes).",
        "LIST [options ...]",
        "    Return information about client connections. Options:",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Return clients of specified type.",
        "    * ID <client-id> [<client-id> [...]]",
        "      Return the clients of these ids.",
        "REPLY (ON|OFF|SKIP)",
        "    Control the replies sent to the current connection.",
        "SETINFO (LIB-NAME|LIB-VER) <value>",
        "    Set the name or version of the client library, as CLIENT LIST shows them.",
        "SETNAME <name>",
        "    Assign the name <name> to the current connection.",
        "TRACKING (ON|OFF)",
        "    Accepted from RESP2 connections; no invalidation messages are sent.",
        "TRACKINGINFO",
        "    Report tracking status for the current connection.",
        "NO-EVICT (ON|OFF)",
        "    Protect current client connection from eviction.",
        "NO-TOUCH (ON|OFF)",
        "    Commands of this connection do not change when a key was last used.",
    });
    reply_help(context, kLines);
}

}  // namespace kvorum::redis
