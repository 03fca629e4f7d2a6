// The parameters that Redis has too, under its names, in its forms and with its words for wrong values.
#include <array>

#include "config/config_options.h"
#include "config/config_values.h"

namespace kvorum {
namespace {

template <auto kField, int64_t kMin, int64_t kMax>
Problem parse_integer(NodeConfig& config, std::string_view text) {
    const std::optional<int64_t> value = parse_int64(text);
    if (!value.has_value()) return "argument couldn't be parsed into an integer";
    if (*value < kMin || *value > kMax) return fmt::format("argument must be between {} and {} inclusive", kMin, kMax);
    auto& field = field_of<kField>(config);
    field = static_cast<std::remove_reference_t<decltype(field)>>(*value);
    return std::nullopt;
}

template <auto kField, uint64_t kMin, uint64_t kMax>
Problem parse_memory(NodeConfig& config, std::string_view text) {
    const std::optional<uint64_t> size_bytes = parse_size(text);
    if (!size_bytes.has_value()) return "argument must be a memory value";
    if (*size_bytes < kMin || *size_bytes > kMax)
        return fmt::format("argument must be between {} and {} inclusive", kMin, kMax);
    field_of<kField>(config) = *size_bytes;
    return std::nullopt;
}

// Redis knows no "auto".
Problem parse_redis_memory_limit(NodeConfig& config, std::string_view text) {
    const std::optional<uint64_t> size_bytes = parse_size(text);
    if (!size_bytes.has_value()) return "argument must be a memory value";
    config.memory_bytes_max = size_bytes;
    return std::nullopt;
}

template <auto kField>
Problem parse_yes_no(NodeConfig& config, std::string_view text) {
    if (parse_word<kField, kYesNo>(config, text).has_value()) return "argument must be 'yes' or 'no'";
    return std::nullopt;
}

constexpr Words<LogLevel, 4> kRedisLogLevels{{{"debug", LogLevel::kDebug},
                                              {"verbose", LogLevel::kVerbose},
                                              {"notice", LogLevel::kInfo},
                                              {"warning", LogLevel::kWarn}}};

Problem parse_redis_log_level(NodeConfig& config, std::string_view text) {
    if (parse_word<&NodeConfig::log_level, kRedisLogLevels>(config, text).has_value())
        return "argument(s) must be one of the following: debug, verbose, notice, warning";
    return std::nullopt;
}

// Redis has no level above.
std::string show_redis_log_level(const NodeConfig& config) {
    if (config.log_level > LogLevel::kWarn) return "warning";
    return show_word<&NodeConfig::log_level, kRedisLogLevels>(config);
}

template <auto kField, int64_t kMin, int64_t kMax>
constexpr ConfigParameter integer(std::string_view name) {
    return {name, ParameterChange::kAnyValue, show_number<kField>, parse_integer<kField, kMin, kMax>};
}

template <auto kField, uint64_t kMin, uint64_t kMax>
constexpr ConfigParameter memory(std::string_view name) {
    return {name, ParameterChange::kAnyValue, show_number<kField>, parse_memory<kField, kMin, kMax>};
}

constexpr std::string_view kNone;
constexpr std::string_view kYes = "yes";
constexpr std::string_view kAlways = "always";
constexpr std::string_view kOne = "1";
constexpr std::string_view kNoEviction = "noeviction";

template <const auto& kValue>
std::string show_constant(const NodeConfig&) {
    return std::string{kValue};
}

template <const auto& kValue>
constexpr ConfigParameter fixed(std::string_view name, ParameterChange change = ParameterChange::kConstant) {
    return {name, change, show_constant<kValue>, nullptr};
}

using enum ParameterChange;

constexpr auto kParameters = std::to_array<ConfigParameter>({
    fixed<kNone>("save"),
    fixed<kYes>("appendonly"),
    fixed<kAlways>("appendfsync"),
    {"maxmemory", kAnyValue,
     [](const NodeConfig& config) { return fmt::format("{}", config.memory_bytes_max.value_or(0)); },
     parse_redis_memory_limit},
    fixed<kNoEviction>("maxmemory-policy"),
    fixed<kOne>("databases", kNever),
    fixed<kOne>("io-threads", kNever),
    fixed<kYes>("cluster-enabled", kNever),
    // Who leads says the vote; no node is configured to follow another.
    fixed<kNone>("replicaof", kNever),
    fixed<kNone>("slaveof", kNever),
    {"bind", kAtStart, [](const NodeConfig& config) { return config.listen_endpoint().host; }, nullptr},
    {"port", kAtStart, [](const NodeConfig& config) { return fmt::format("{}", config.listen_endpoint().port); },
     nullptr},
    {"cluster-port", kNever,
     [](const NodeConfig& config) { return fmt::format("{}", config.peer_listen_endpoint().port); }, nullptr},
    {"cluster-node-timeout", kAtStart, show_number<&NodeConfig::election_timeout_ms>, nullptr},
    {"dir", kAtStart, show_text<&NodeConfig::data_directory>, nullptr},
    {"logfile", kNever, show_text<&NodeConfig::log_file>, nullptr},
    {"pidfile", kNever, show_text<&NodeConfig::pid_file>, nullptr},
    {"loglevel", kAnyValue, show_redis_log_level, parse_redis_log_level},
    {"protected-mode", kAnyValue, show_word<&AccessConfig::protected_mode, kYesNo>,
     parse_yes_no<&AccessConfig::protected_mode>},
    integer<&Limits::clients_max, 1, UINT32_MAX>("maxclients"),
    integer<&Limits::idle_timeout_s, 0, INT32_MAX>("timeout"),
    integer<&Limits::tcp_keepalive_s, 0, INT32_MAX>("tcp-keepalive"),
    integer<&Limits::slowlog_slower_than_us, -1, INT64_MAX>("slowlog-log-slower-than"),
    integer<&Limits::slowlog_entries_max, 0, INT64_MAX>("slowlog-max-len"),
    integer<&Limits::latency_threshold_ms, 0, INT64_MAX>("latency-monitor-threshold"),
    memory<&Limits::bulk_bytes_max, kMiB, kQueryBytesMax>("proto-max-bulk-len"),
    memory<&Limits::query_bytes_max, kMiB, kQueryBytesMax>("client-query-buffer-limit"),
});

}  // namespace

std::span<const ConfigParameter> redis_parameters() { return kParameters; }

std::optional<ConfigParameter> find_config_parameter(std::string_view name) {
    for (const ConfigParameter& parameter : kParameters) {
        if (parameter.name == name) return parameter;
    }
    const ConfigOption* option = find_config_option(name);
    if (option == nullptr) return std::nullopt;
    return ConfigParameter{option->name,
                           option->may_change_at_run_time ? ParameterChange::kAnyValue : ParameterChange::kAtStart,
                           option->show, option->parse};
}

}  // namespace kvorum
