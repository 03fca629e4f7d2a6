// CONFIG: Redis's own parameters where they mean something here, and every option of kvorumd under its own name.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <vector>

#include "base/log.h"
#include "kv/glob.h"
#include "kv/text.h"
#include "server/command_context.h"
#include "server/config_options.h"

namespace kvorum::server {
namespace {

using Problem = std::optional<std::string>;

// What CONFIG GET shows and CONFIG SET sets. Without `set` it may not change at run time.
struct Parameter {
    std::string_view name;
    std::string (*show)(const NodeConfig& config);
    Problem (*set)(NodeConfig& config, std::string_view text);
};

template <typename Field>
Problem set_integer(Field& field, int64_t min, int64_t max, std::string_view text) {
    const std::optional<int64_t> value = kv::parse_int64(text);
    if (!value.has_value()) return "argument couldn't be parsed into an integer";
    if (*value < min || *value > max) return fmt::format("argument must be between {} and {} inclusive", min, max);
    field = static_cast<Field>(*value);
    return std::nullopt;
}

Problem set_maxclients(NodeConfig& config, std::string_view text) {
    return set_integer(config.limits.clients_max, 1, UINT32_MAX, text);
}
Problem set_timeout(NodeConfig& config, std::string_view text) {
    return set_integer(config.limits.idle_timeout_s, 0, INT32_MAX, text);
}

Problem set_slower_than(NodeConfig& config, std::string_view text) {
    return set_integer(config.limits.slowlog_slower_than_us, -1, INT64_MAX, text);
}
Problem set_slowlog_length(NodeConfig& config, std::string_view text) {
    return set_integer(config.limits.slowlog_entries_max, 0, INT64_MAX, text);
}

Problem set_memory(uint64_t& field, std::string_view text) {
    const std::optional<uint64_t> size_bytes = parse_size(text);
    if (!size_bytes.has_value()) return "argument must be a memory value";
    if (*size_bytes < kMiB) return fmt::format("argument must be between {} and {} inclusive", kMiB, INT64_MAX);
    field = *size_bytes;
    return std::nullopt;
}

Problem set_bulk_length(NodeConfig& config, std::string_view text) {
    return set_memory(config.limits.bulk_bytes_max, text);
}
Problem set_query_limit(NodeConfig& config, std::string_view text) {
    return set_memory(config.limits.query_bytes_max, text);
}

// Redis's four levels and our five: verbose and notice are both info.
Problem set_loglevel(NodeConfig& config, std::string_view text) {
    if (kv::equals_ignore_case(text, "debug")) {
        config.log_level = LogLevel::kDebug;
    } else if (kv::equals_ignore_case(text, "verbose") || kv::equals_ignore_case(text, "notice")) {
        config.log_level = LogLevel::kInfo;
    } else if (kv::equals_ignore_case(text, "warning")) {
        config.log_level = LogLevel::kWarn;
    } else {
        return "argument(s) must be one of the following: debug, verbose, notice, warning";
    }
    return std::nullopt;
}

std::string show_loglevel(const NodeConfig& config) {
    if (config.log_level == LogLevel::kDebug) return "debug";
    return config.log_level == LogLevel::kInfo ? "notice" : "warning";
}

// Redis can change these, we cannot: setting what holds anyway is fine, so that tools may insist on it.
constexpr std::string_view kOnlyThisValue = "this server supports no other value";

template <const auto& kValue>
Problem set_to_what_it_is(NodeConfig&, std::string_view text) {
    if (kv::equals_ignore_case(text, kValue)) return std::nullopt;
    return std::string{kOnlyThisValue};
}

constexpr std::string_view kNone;
constexpr std::string_view kYes = "yes";
constexpr std::string_view kAlways = "always";
constexpr std::string_view kZero = "0";
constexpr std::string_view kNoEviction = "noeviction";

template <const auto& kValue>
std::string show_constant(const NodeConfig&) {
    return std::string{kValue};
}

template <const auto& kValue>
constexpr Parameter fixed(std::string_view name) {
    return {name, show_constant<kValue>, set_to_what_it_is<kValue>};
}

constexpr std::string_view kOne = "1";

constexpr auto kRedisParameters = std::to_array<Parameter>({
    fixed<kNone>("save"),
    fixed<kYes>("appendonly"),
    fixed<kAlways>("appendfsync"),
    fixed<kZero>("maxmemory"),
    fixed<kNoEviction>("maxmemory-policy"),
    {"databases", show_constant<kOne>, nullptr},
    {"cluster-enabled", show_constant<kYes>, nullptr},
    {"bind", [](const NodeConfig& config) { return config.listen_endpoint().host; }, nullptr},
    {"port", [](const NodeConfig& config) { return std::to_string(config.listen_endpoint().port); }, nullptr},
    {"cluster-port", [](const NodeConfig& config) { return std::to_string(config.peer_listen_endpoint().port); },
     nullptr},
    {"cluster-node-timeout", [](const NodeConfig& config) { return std::to_string(config.election_timeout_ms); },
     nullptr},
    {"dir", [](const NodeConfig& config) { return config.data_directory; }, nullptr},
    {"logfile", [](const NodeConfig& config) { return config.log_file; }, nullptr},
    {"pidfile", [](const NodeConfig& config) { return config.pid_file; }, nullptr},
    {"loglevel", show_loglevel, set_loglevel},
    {"maxclients", [](const NodeConfig& config) { return std::to_string(config.limits.clients_max); }, set_maxclients},
    {"timeout", [](const NodeConfig& config) { return std::to_string(config.limits.idle_timeout_s); }, set_timeout},
    {"slowlog-log-slower-than",
     [](const NodeConfig& config) { return std::to_string(config.limits.slowlog_slower_than_us); }, set_slower_than},
    {"slowlog-max-len", [](const NodeConfig& config) { return std::to_string(config.limits.slowlog_entries_max); },
     set_slowlog_length},
    {"proto-max-bulk-len", [](const NodeConfig& config) { return std::to_string(config.limits.bulk_bytes_max); },
     set_bulk_length},
    {"client-query-buffer-limit",
     [](const NodeConfig& config) { return std::to_string(config.limits.query_bytes_max); }, set_query_limit},
});

std::optional<Parameter> find_parameter(std::string_view name) {
    for (const Parameter& parameter : kRedisParameters) {
        if (kv::equals_ignore_case(parameter.name, name)) return parameter;
    }
    const ConfigOption* option = find_config_option(to_lower(name));
    if (option == nullptr) return std::nullopt;
    return Parameter{option->name, option->show, option->may_change_at_run_time ? option->parse : nullptr};
}

template <typename Visit>
void for_each_parameter(const Visit& visit) {
    for (const Parameter& parameter : kRedisParameters)
        visit(parameter.name, parameter.show);
    for (const ConfigOption& option : config_options())
        visit(option.name, option.show);
}

// The config as it is now, with what has changed since the start.
NodeConfig current_config(NodeFacade& node) {
    NodeConfig config = node.config();
    config.log_level = log_level();
    config.access = node.access().config();
    return config;
}

void commit(NodeFacade& node, const NodeConfig& before, const NodeConfig& after) {
    NodeConfig& config = node.mutable_config();
    config.limits = after.limits;
    config.follower_mode = after.follower_mode;
    config.cluster_view = after.cluster_view;
    config.after_refused_select = after.after_refused_select;
    if (before.access != after.access) node.access().configure(after.access);
    if (before.log_level != after.log_level) set_log_level(after.log_level);
}

void fail_set(CommandContext& context, std::string_view name, std::string_view why) {
    context.fail("ERR CONFIG SET failed (possibly related to argument '{}') - {}", name, why);
}

// The parameters to set, in the order given; replies with the error and returns nothing when one cannot be set at all.
std::optional<std::vector<Parameter>> parameters_to_set(CommandContext& context) {
    std::vector<Parameter> parameters;
    for (size_t i = 2; i < context.arguments.size(); i += 2) {
        const std::string_view name = context.arguments[i];
        const std::optional<Parameter> parameter = find_parameter(name);
        if (!parameter.has_value()) {
            context.fail("ERR Unknown option or number of arguments for CONFIG SET - '{}'", name);
            return std::nullopt;
        }
        if (parameter->set == nullptr) {
            fail_set(context, name, "can't set immutable config");
            return std::nullopt;
        }
        const bool duplicate = std::any_of(parameters.begin(), parameters.end(),
                                           [&](const Parameter& other) { return other.name == parameter->name; });
        if (duplicate) {
            fail_set(context, name, "duplicate parameter");
            return std::nullopt;
        }
        parameters.push_back(*parameter);
    }
    return parameters;
}

}  // namespace

void run_config_get(CommandContext& context) {
    const NodeConfig config = current_config(context.node);
    std::map<std::string_view, std::string> found;
    for (const std::string_view argument : context.arguments.subspan(2)) {
        const std::string pattern = to_lower(argument);
        for_each_parameter([&](std::string_view name, auto show) {
            if (kv::glob_matches(pattern, name)) found.emplace(name, show(config));
        });
    }
    context.reply.map(found.size());
    for (const auto& [name, value] : found) {
        context.reply.bulk_string(name);
        context.reply.bulk_string(value);
    }
}

// All or nothing, as in Redis: the values are tried on a copy first.
void run_config_set(CommandContext& context) {
    if (context.arguments.size() % 2 != 0) {
        context.reply.error(kSyntaxError);
        return;
    }
    const std::optional<std::vector<Parameter>> parameters = parameters_to_set(context);
    if (!parameters.has_value()) return;
    const NodeConfig before = current_config(context.node);
    NodeConfig after = before;
    for (size_t i = 0; i < parameters->size(); ++i) {
        const Problem problem = (*parameters)[i].set(after, context.arguments[2 * i + 3]);
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
    commit(context.node, before, after);
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

}  // namespace kvorum::server
