// COMMAND: what commands there are, from both tables, in the shapes of Redis 7.0.
#include <array>
#include <bit>
#include <optional>
#include <utility>
#include <vector>

#include "kv/glob.h"
#include "kv/text.h"
#include "server/command_context.h"

namespace kvorum::server {
namespace {

// In the order in which Redis lists them.
constexpr std::array<std::pair<uint32_t, std::string_view>, 12> kFlagNames{{
    {kv::kFlagWrite, "write"},
    {kv::kFlagReadonly, "readonly"},
    {kv::kFlagDenyOom, "denyoom"},
    {kv::kFlagAdmin, "admin"},
    {kv::kFlagNoScript, "noscript"},
    {kv::kFlagBlocking, "blocking"},
    {kv::kFlagLoading, "loading"},
    {kv::kFlagStale, "stale"},
    {kv::kFlagFast, "fast"},
    {kv::kFlagNoAuth, "no_auth"},
    {kv::kFlagMovableKeys, "movablekeys"},
    {kv::kFlagAllowBusy, "allow_busy"},
}};

std::vector<std::string_view> split_words(std::string_view words) {
    std::vector<std::string_view> result;
    while (!words.empty()) {
        const size_t end = words.find(' ');
        if (end != 0) result.push_back(words.substr(0, end));
        words = end == std::string_view::npos ? std::string_view{} : words.substr(end + 1);
    }
    return result;
}

void reply_word_set(net::RespWriter& reply, std::span<const std::string_view> words) {
    reply.set(words.size());
    for (const std::string_view word : words)
        reply.simple_string(word);
}

// How a command uses its keys. The tables know only whether it writes, so a write is said to do all that writes do.
std::vector<std::string_view> key_flags(const kv::CommandSpec& spec) {
    if (spec.kind == kv::CommandKind::kWrite) return {"RW", "access", "update"};
    return {"RO", "access"};
}

void reply_key_specs(net::RespWriter& reply, const kv::CommandSpec& spec) {
    reply.set(spec.first_key == 0 ? 0 : 1);
    if (spec.first_key == 0) return;
    reply.map(3);
    reply.bulk_string("flags");
    reply_word_set(reply, key_flags(spec));
    reply.bulk_string("begin_search");
    reply.map(2);
    reply.bulk_string("type");
    reply.bulk_string("index");
    reply.bulk_string("spec");
    reply.map(1);
    reply.bulk_string("index");
    reply.integer(spec.first_key);
    reply.bulk_string("find_keys");
    reply.map(2);
    reply.bulk_string("type");
    reply.bulk_string("range");
    reply.bulk_string("spec");
    reply.map(3);
    reply.bulk_string("lastkey");  // counted from the first key; negative: from the last argument
    reply.integer(spec.last_key < 0 ? spec.last_key : spec.last_key - spec.first_key);
    reply.bulk_string("keystep");
    reply.integer(spec.key_step);
    reply.bulk_string("limit");
    reply.integer(0);
}

void reply_command_info(net::RespWriter& reply, const kv::CommandSpec& spec) {
    reply.array(10);
    reply.bulk_string(spec.name);
    reply.integer(spec.arity);
    reply.set(static_cast<uint64_t>(std::popcount(spec.flags)));
    for (const auto& [flag, name] : kFlagNames) {
        if ((spec.flags & flag) != 0) reply.simple_string(name);
    }
    reply.integer(spec.first_key);
    reply.integer(spec.last_key);
    reply.integer(spec.key_step);
    reply_word_set(reply, split_words(spec.acl_categories));
    reply.set(0);  // tips
    reply_key_specs(reply, spec);
    const auto subcommands = subcommands_of(spec.name);
    reply.set(subcommands.size());
    for (const ServerCommand& subcommand : subcommands)
        reply_command_info(reply, subcommand.spec);
}

void reply_command_docs(net::RespWriter& reply, const kv::CommandSpec& spec) {
    const auto subcommands = subcommands_of(spec.name);
    const std::array<std::pair<std::string_view, std::string_view>, 4> fields{{
        {"summary", spec.summary},
        {"since", spec.since},
        {"group", spec.group},
        {"complexity", spec.complexity},
    }};
    const uint64_t field_count = spec.complexity.empty() ? 3 : 4;
    reply.bulk_string(spec.name);
    reply.map(field_count + (subcommands.empty() ? 0 : 1));
    for (const auto& [name, value] : std::span(fields).first(field_count)) {
        reply.bulk_string(name);
        reply.bulk_string(value);
    }
    if (subcommands.empty()) return;
    reply.bulk_string("subcommands");
    reply.map(subcommands.size());
    for (const ServerCommand& subcommand : subcommands)
        reply_command_docs(reply, subcommand.spec);
}

template <typename Visit>
void for_each_command(const Visit& visit) {
    for (const kv::CommandSpec& spec : kv::data_commands())
        visit(spec);
    for (const kv::CommandSpec& spec : server_commands())
        visit(spec);
}

size_t command_count() { return kv::data_commands().size() + server_commands().size(); }

void reply_all_infos(net::RespWriter& reply) {
    reply.array(command_count());
    for_each_command([&](const kv::CommandSpec& spec) { reply_command_info(reply, spec); });
}

// The command that COMMAND GETKEYS asks about and its keys. Replies with the error and returns nothing when there are
// none.
struct KeysOfCommand {
    const kv::CommandSpec* spec = nullptr;
    std::vector<std::string_view> keys;
};

std::optional<KeysOfCommand> find_keys(CommandContext& context) {
    const auto command = context.arguments.subspan(2);
    KeysOfCommand found{.spec = find_command(command[0]), .keys = {}};
    if (found.spec == nullptr) {
        context.reply.error("ERR Invalid command specified");
        return std::nullopt;
    }
    if (found.spec->first_key == 0) {
        context.reply.error("ERR The command has no key arguments");
        return std::nullopt;
    }
    if (!kv::arity_fits(*found.spec, command.size())) {
        context.reply.error("ERR Invalid number of arguments specified for command");
        return std::nullopt;
    }
    const auto count = static_cast<int64_t>(command.size());
    const int64_t last = found.spec->last_key < 0 ? count + found.spec->last_key : found.spec->last_key;
    for (int64_t i = found.spec->first_key; i <= last && i < count; i += found.spec->key_step) {
        found.keys.push_back(command[static_cast<size_t>(i)]);
    }
    return found;
}

bool has_category(const kv::CommandSpec& spec, std::string_view category) {
    for (const std::string_view word : split_words(spec.acl_categories)) {
        if (kv::equals_ignore_case(word.substr(1), category)) return true;
    }
    return false;
}

}  // namespace

void run_command(CommandContext& context) {
    if (context.arguments.size() == 1) {
        reply_all_infos(context.reply);
    } else {
        run_subcommand(context);
    }
}

void run_command_count(CommandContext& context) { context.reply.integer(static_cast<int64_t>(command_count())); }

void run_command_info(CommandContext& context) {
    if (context.arguments.size() == 2) {
        reply_all_infos(context.reply);
        return;
    }
    context.reply.array(context.arguments.size() - 2);
    for (const std::string_view name : context.arguments.subspan(2)) {
        const kv::CommandSpec* spec = find_command_or_subcommand(name);
        if (spec == nullptr) {
            context.reply.null();
        } else {
            reply_command_info(context.reply, *spec);
        }
    }
}

void run_command_docs(CommandContext& context) {
    std::vector<const kv::CommandSpec*> specs;
    if (context.arguments.size() == 2) {
        for_each_command([&](const kv::CommandSpec& spec) { specs.push_back(&spec); });
    }
    for (const std::string_view name : context.arguments.subspan(2)) {
        if (const kv::CommandSpec* spec = find_command_or_subcommand(name); spec != nullptr) specs.push_back(spec);
    }
    context.reply.map(specs.size());
    for (const kv::CommandSpec* spec : specs)
        reply_command_docs(context.reply, *spec);
}

void run_command_list(CommandContext& context) {
    const auto arguments = context.arguments;
    const bool filtered = arguments.size() == 5 && kv::equals_ignore_case(arguments[2], "filterby");
    const std::string_view filter = filtered ? arguments[3] : std::string_view{};
    const bool by_module = kv::equals_ignore_case(filter, "module");
    const bool by_category = kv::equals_ignore_case(filter, "aclcat");
    const bool by_pattern = kv::equals_ignore_case(filter, "pattern");
    if ((arguments.size() != 2 && !filtered) || (filtered && !by_module && !by_category && !by_pattern)) {
        context.reply.error(kSyntaxError);
        return;
    }
    std::vector<std::string_view> names;
    const auto consider = [&](const kv::CommandSpec& spec) {
        const bool wanted = !filtered || (by_category && has_category(spec, arguments[4])) ||
                            (by_pattern && kv::glob_matches(to_lower(arguments[4]), spec.name));
        if (wanted) names.push_back(spec.name);
    };
    for_each_command([&](const kv::CommandSpec& spec) {
        consider(spec);
        for (const ServerCommand& subcommand : subcommands_of(spec.name))
            consider(subcommand.spec);
    });
    context.reply.array(names.size());
    for (const std::string_view name : names)
        context.reply.bulk_string(name);
}

void run_command_getkeys(CommandContext& context) {
    const std::optional<KeysOfCommand> found = find_keys(context);
    if (!found.has_value()) return;
    context.reply.array(found->keys.size());
    for (const std::string_view key : found->keys)
        context.reply.bulk_string(key);
}

void run_command_getkeysandflags(CommandContext& context) {
    const std::optional<KeysOfCommand> found = find_keys(context);
    if (!found.has_value()) return;
    context.reply.array(found->keys.size());
    for (const std::string_view key : found->keys) {
        context.reply.array(2);
        context.reply.bulk_string(key);
        reply_word_set(context.reply, key_flags(*found->spec));
    }
}

void run_command_help(CommandContext& context) {
    static constexpr auto kLines = std::to_array<std::string_view>({
        "(no subcommand)",
        "    Return details about all Redis commands.",
        "COUNT",
        "    Return the total number of commands in this Redis server.",
        "LIST",
        "    Return a list of all commands in this Redis server.",
        "INFO [<command-name> ...]",
        "    Return details about multiple Redis commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "DOCS [<command-name> ...]",
        "    Return documentation details about multiple Redis commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "GETKEYS <full-command>",
        "    Return the keys from a full Redis command.",
        "GETKEYSANDFLAGS <full-command>",
        "    Return the keys and the access flags from a full Redis command.",
    });
    reply_help(context, kLines);
}

}  // namespace kvorum::server
