// COMMAND: what commands there are, from both tables, in the shapes of Redis 7.0.
#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>
#include <vector>

#include "base/glob.h"
#include "base/text.h"
#include "redis/command_context.h"
#include "redis/command_facts.h"

namespace kvorum::redis {
namespace {

// In the order in which Redis lists them.
constexpr std::array<std::pair<uint32_t, std::string_view>, 14> kFlagNames{{
    {kFlagWrite, "write"},
    {kFlagReadonly, "readonly"},
    {kFlagDenyOom, "denyoom"},
    {kFlagAdmin, "admin"},
    {kFlagNoScript, "noscript"},
    {kFlagBlocking, "blocking"},
    {kFlagLoading, "loading"},
    {kFlagStale, "stale"},
    {kFlagSkipSlowlog, "skip_slowlog"},
    {kFlagNoAsyncLoading, "no_async_loading"},
    {kFlagFast, "fast"},
    {kFlagNoAuth, "no_auth"},
    {kFlagMovableKeys, "movablekeys"},
    {kFlagAllowBusy, "allow_busy"},
}};

void reply_word_set(RespWriter& reply, std::span<const std::string_view> words) {
    reply.set(words.size());
    for (const std::string_view word : words)
        reply.status(word);
}

void reply_search(RespWriter& reply, std::string_view name, std::string_view type, uint64_t spec_size) {
    reply.bytes(name);
    reply.map(2);
    reply.bytes("type");
    reply.bytes(type);
    reply.bytes("spec");
    reply.map(spec_size);
}

void reply_key_spec(RespWriter& reply, const KeySpec& spec) {
    reply.map(spec.note.empty() ? 3 : 4);
    if (!spec.note.empty()) {
        reply.bytes("notes");
        reply.bytes(spec.note);
    }
    reply.bytes("flags");
    reply_word_set(reply, spec.flags);
    if (!spec.is_known) {
        reply_search(reply, "begin_search", "unknown", 0);
        reply_search(reply, "find_keys", "unknown", 0);
        return;
    }
    reply_search(reply, "begin_search", "index", 1);
    reply.bytes("index");
    reply.integer(spec.first);
    reply_search(reply, "find_keys", "range", 3);
    reply.bytes("lastkey");
    reply.integer(spec.last);
    reply.bytes("keystep");
    reply.integer(spec.step);
    reply.bytes("limit");
    reply.integer(0);
}

void reply_key_specs(RespWriter& reply, std::string_view keys) {
    const std::vector<KeySpec> specs = key_specs(keys);
    reply.set(specs.size());
    for (const KeySpec& spec : specs)
        reply_key_spec(reply, spec);
}

void reply_tips(RespWriter& reply, std::string_view tips) {
    const std::vector<std::string_view> words = split_words(tips);
    reply.set(words.size());
    for (const std::string_view word : words)
        reply.bytes(word);
}

void reply_command_info(RespWriter& reply, const CommandSpec& spec) {
    reply.list(10);
    reply.bytes(spec.name);
    reply.integer(spec.arity);
    reply.set(static_cast<uint64_t>(std::popcount(spec.flags)));
    for (const auto& [flag, name] : kFlagNames) {
        if ((spec.flags & flag) != 0) reply.status(name);
    }
    reply.integer(spec.first_key);
    reply.integer(spec.last_key);
    reply.integer(spec.key_step);
    reply_word_set(reply, split_words(spec.acl_categories));
    const CommandFacts facts = facts_of(spec.name);
    reply_tips(reply, facts.tips);
    reply_key_specs(reply, facts.keys);
    const auto subcommands = subcommands_of(spec.name);
    reply.set(subcommands.size());
    for (const CommandSpec& subcommand : subcommands)
        reply_command_info(reply, subcommand);
}

void reply_history(RespWriter& reply, std::string_view history) {
    const std::vector<std::string_view> changes = split_list(history);
    reply.set(changes.size());
    for (const std::string_view change : changes) {
        const size_t space = change.find(' ');
        reply.list(2);
        reply.bytes(change.substr(0, space));
        reply.bytes(change.substr(space + 1));
    }
}

void reply_deprecation(RespWriter& reply, std::string_view deprecated) {
    const size_t space = deprecated.find(' ');
    reply.bytes("doc_flags");
    reply_word_set(reply, std::array<std::string_view, 1>{"deprecated"});
    reply.bytes("deprecated_since");
    reply.bytes(deprecated.substr(0, space));
    reply.bytes("replaced_by");
    reply.bytes(deprecated.substr(space + 1));
}

void reply_command_docs(RespWriter& reply, const CommandSpec& spec) {
    const auto subcommands = subcommands_of(spec.name);
    const CommandFacts facts = facts_of(spec.name);
    const std::array<std::pair<std::string_view, std::string_view>, 4> fields{{
        {"summary", spec.summary},
        {"since", spec.since},
        {"group", spec.group},
        {"complexity", spec.complexity},
    }};
    const uint64_t field_count = spec.complexity.empty() ? 3 : 4;
    reply.bytes(spec.name);
    reply.map(field_count + (facts.deprecated.empty() ? 0 : 3) + (facts.history.empty() ? 0 : 1) +
              (facts.syntax.empty() ? 0 : 1) + (subcommands.empty() ? 0 : 1));
    for (const auto& [name, value] : std::span(fields).first(field_count)) {
        reply.bytes(name);
        reply.bytes(value);
    }
    if (!facts.deprecated.empty()) reply_deprecation(reply, facts.deprecated);
    if (!facts.history.empty()) {
        reply.bytes("history");
        reply_history(reply, facts.history);
    }
    if (!facts.syntax.empty()) {
        reply.bytes("arguments");
        reply_arguments(reply, facts.syntax);
    }
    if (subcommands.empty()) return;
    reply.bytes("subcommands");
    reply.map(subcommands.size());
    for (const CommandSpec& subcommand : subcommands)
        reply_command_docs(reply, subcommand);
}

template <typename Visit>
void for_each_command(const Visit& visit) {
    for (const CommandSpec& spec : data_commands())
        visit(spec);
    for (const CommandSpec& spec : server_commands())
        visit(spec);
}

size_t command_count() { return data_commands().size() + server_commands().size(); }

void reply_all_infos(RespWriter& reply) {
    reply.list(command_count());
    for_each_command([&](const CommandSpec& spec) { reply_command_info(reply, spec); });
}

struct Key {
    std::string_view name;
    std::vector<std::string_view> flags;
};
using Keys = std::vector<Key>;

// Where what a command does with its keys hangs on its arguments, as Redis tells it.
void refine(const CommandSpec& called, std::span<const std::string_view> command, Keys& keys) {
    const auto has = [&](std::string_view word, size_t from) {
        return std::any_of(command.begin() + static_cast<ptrdiff_t>(std::min(from, command.size())), command.end(),
                           [word](std::string_view argument) { return equals_ignore_case(argument, word); });
    };
    if (called.name == "set") {
        if (has("get", 3)) {
            keys.front().flags = {"RW", "access", "update"};
        } else {
            keys.front().flags = {"OW", "update"};
        }
    } else if (called.name == "bitfield") {
        if (has("set", 2) || has("incrby", 2)) {
            keys.front().flags = {"RW", "access", "update"};
        } else {
            keys.front().flags = {"RO", "access"};
        }
    } else if (called.name == "sort") {
        for (size_t i = 2; i + 1 < command.size(); ++i) {
            if (equals_ignore_case(command[i], "store")) keys.push_back({command[i + 1], {"OW", "update"}});
        }
    }
}

// The keys of the command that COMMAND GETKEYS asks about. Replies with the error and returns nothing when it has none.
std::optional<Keys> find_keys(CommandContext& context) {
    const auto command = context.arguments.subspan(2);
    const NamedCommand named = find_named_command(command);
    if (named.called == nullptr) {
        context.reply.error("ERR Invalid command specified");
        return std::nullopt;
    }
    const std::vector<KeySpec> specs = key_specs(facts_of(named.called->name).keys);
    if (specs.empty()) {
        context.reply.error("ERR The command has no key arguments");
        return std::nullopt;
    }
    if (!named.is_runnable) {
        context.reply.error("ERR Invalid number of arguments specified for command");
        return std::nullopt;
    }
    Keys keys;
    const auto count = static_cast<int64_t>(command.size());
    for (const KeySpec& spec : specs) {
        if (!spec.is_known) continue;
        const int64_t last = spec.last < 0 ? count + spec.last : spec.first + spec.last;
        for (int64_t i = spec.first; i <= last && i < count; i += spec.step)
            keys.push_back({command[static_cast<size_t>(i)], spec.flags});
    }
    refine(*named.called, command, keys);
    return keys;
}

bool has_category(const CommandSpec& spec, std::string_view category) {
    for (const std::string_view word : split_words(spec.acl_categories)) {
        if (equals_ignore_case(word.substr(1), category)) return true;
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
    context.reply.list(context.arguments.size() - 2);
    for (const std::string_view name : context.arguments.subspan(2)) {
        const CommandSpec* spec = find_command_or_subcommand(name);
        if (spec == nullptr) {
            context.reply.nothing();
        } else {
            reply_command_info(context.reply, *spec);
        }
    }
}

void run_command_docs(CommandContext& context) {
    std::vector<const CommandSpec*> specs;
    if (context.arguments.size() == 2) {
        for_each_command([&](const CommandSpec& spec) { specs.push_back(&spec); });
    }
    for (const std::string_view name : context.arguments.subspan(2)) {
        if (const CommandSpec* spec = find_command_or_subcommand(name); spec != nullptr) specs.push_back(spec);
    }
    context.reply.map(specs.size());
    for (const CommandSpec* spec : specs)
        reply_command_docs(context.reply, *spec);
}

void run_command_list(CommandContext& context) {
    const auto arguments = context.arguments;
    const bool filtered = arguments.size() == 5 && equals_ignore_case(arguments[2], "filterby");
    const std::string_view filter = filtered ? arguments[3] : std::string_view{};
    const bool by_module = equals_ignore_case(filter, "module");
    const bool by_category = equals_ignore_case(filter, "aclcat");
    const bool by_pattern = equals_ignore_case(filter, "pattern");
    if ((arguments.size() != 2 && !filtered) || (filtered && !by_module && !by_category && !by_pattern)) {
        context.reply.error(kSyntaxError);
        return;
    }
    std::vector<std::string_view> names;
    const auto consider = [&](const CommandSpec& spec) {
        const bool wanted = !filtered || (by_category && has_category(spec, arguments[4])) ||
                            (by_pattern && glob_matches(to_lower(arguments[4]), spec.name));
        if (wanted) names.push_back(spec.name);
    };
    for_each_command([&](const CommandSpec& spec) {
        consider(spec);
        for (const CommandSpec& subcommand : subcommands_of(spec.name))
            consider(subcommand);
    });
    context.reply.list(names.size());
    for (const std::string_view name : names)
        context.reply.bytes(name);
}

void run_command_getkeys(CommandContext& context) {
    const std::optional<Keys> keys = find_keys(context);
    if (!keys.has_value()) return;
    context.reply.list(keys->size());
    for (const Key& key : *keys)
        context.reply.bytes(key.name);
}

void run_command_getkeysandflags(CommandContext& context) {
    const std::optional<Keys> keys = find_keys(context);
    if (!keys.has_value()) return;
    context.reply.list(keys->size());
    for (const Key& key : *keys) {
        context.reply.list(2);
        context.reply.bytes(key.name);
        reply_word_set(context.reply, key.flags);
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

}  // namespace kvorum::redis
