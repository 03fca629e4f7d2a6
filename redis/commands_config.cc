// CONFIG: Redis's own parameters where they mean something here, and every option of kvorumd under its own name.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <vector>

#include "base/glob.h"
#include "base/text.h"
#include "config/config_options.h"
#include "redis/command_context.h"

namespace kvorum::redis {
namespace {

constexpr std::string_view kImmutable = "can't set immutable config";
constexpr std::string_view kOnlyThisValue = "this server supports no other value";

void fail_set(CommandContext& context, std::string_view name, std::string_view why) {
    context.fail("ERR CONFIG SET failed (possibly related to argument '{}') - {}", name, why);
}

// The parameters to set, in the order given; replies with the error and returns nothing when one cannot be set at all.
std::optional<std::vector<ConfigParameter>> parameters_to_set(CommandContext& context) {
    std::vector<ConfigParameter> parameters;
    for (size_t i = 2; i < context.arguments.size(); i += 2) {
        const std::string_view name = context.arguments[i];
        const std::optional<ConfigParameter> parameter = find_config_parameter(to_lower(name));
        if (!parameter.has_value()) {
            context.fail("ERR Unknown option or number of arguments for CONFIG SET - '{}'", name);
            return std::nullopt;
        }
        if (parameter->change == ParameterChange::kNever) {
            fail_set(context, name, kImmutable);
            return std::nullopt;
        }
        const bool duplicate = std::any_of(parameters.begin(), parameters.end(),
                                           [&](const ConfigParameter& other) { return other.name == parameter->name; });
        if (duplicate) {
            fail_set(context, name, "duplicate parameter");
            return std::nullopt;
        }
        parameters.push_back(*parameter);
    }
    return parameters;
}

std::optional<std::string> set_parameter(const ConfigParameter& parameter, NodeConfig& config, std::string_view text) {
    if (parameter.change == ParameterChange::kAnyValue) return parameter.parse(config, text);
    if (equals_ignore_case(text, parameter.show(config))) return std::nullopt;
    return std::string{parameter.change == ParameterChange::kConstant ? kOnlyThisValue : kImmutable};
}

// Each name once, though some are Redis's and ours.
std::map<std::string_view, std::string> parameters_like(const NodeConfig& config, std::string_view pattern) {
    std::map<std::string_view, std::string> found;
    for (const ConfigParameter& parameter : redis_parameters()) {
        if (glob_matches(pattern, parameter.name)) found.emplace(parameter.name, parameter.show(config));
    }
    for (const ConfigOption& option : config_options()) {
        if (glob_matches(pattern, option.name)) found.emplace(option.name, option.show(config));
    }
    return found;
}

}  // namespace

void run_config_get(CommandContext& context) {
    std::map<std::string_view, std::string> found;
    for (const std::string_view pattern : context.arguments.subspan(2))
        found.merge(parameters_like(context.node.config(), to_lower(pattern)));
    context.reply.map(found.size());
    for (const auto& [name, value] : found) {
        context.reply.bytes(name);
        context.reply.bytes(value);
    }
}

// All or nothing, as in Redis: the values are tried on a copy first.
void run_config_set(CommandContext& context) {
    if (context.arguments.size() % 2 != 0) {
        context.reply.error(kSyntaxError);
        return;
    }
    const std::optional<std::vector<ConfigParameter>> parameters = parameters_to_set(context);
    if (!parameters.has_value()) return;
    NodeConfig after = context.node.config();
    for (size_t i = 0; i < parameters->size(); ++i) {
        const auto problem = set_parameter((*parameters)[i], after, context.arguments[2 * i + 3]);
        if (problem.has_value()) {
            fail_set(context, context.arguments[2 * i + 2], *problem);
            return;
        }
    }
    if (const std::vector<std::string> violations = after.validate(); !violations.empty()) {
        fail_set(context, context.arguments[2], violations.front());
        return;
    }
    const uint32_t clients_max = after.limits.clients_max;
    if (const uint32_t fitting = context.node.clients_that_fit(clients_max); fitting < clients_max) {
        fail_set(context, "maxclients",
                 fmt::format("The operating system is not able to handle the specified number of clients, try with {}",
                             fitting));
        return;
    }
    context.node.change_config(after);
    context.ok();
}

void run_config_resetstat(CommandContext& context) {
    context.node.reset_counters();
    context.ok();
}

void run_config_rewrite(CommandContext& context) {
    context.reply.error(
        "ERR CONFIG REWRITE is not supported: change the file that --config names, or the command line");
}

void run_config_help(CommandContext& context) {
    static constexpr auto kLines = std::to_array<std::string_view>({
        "GET <pattern>",
        "    Return parameters matching the glob-like <pattern> and their values.",
        "SET <directive> <value>",
        "    Set the configuration <directive> to <value>.",
        "RESETSTAT",
        "    Reset statistics reported by the INFO command.",
    });
    reply_help(context, kLines);
}

}  // namespace kvorum::redis
