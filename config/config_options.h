// The one table of options: kvorumd's flags, its config file, CONFIG GET and SET, validation, --help and the sample
// file all come from it. Beside it stand the names and forms that Redis gives to what it has too (redis_parameters.cc),
// for CONFIG alone.
//
// A value is text, as a user writes it; `parse` checks it and sets the field, `show` gives a text that `parse` takes
// and that means the same. Thread: any; the tables are constant.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace kvorum {

struct ConfigOption {
    std::string_view name;   // without the dashes: "data-dir"
    std::string_view group;  // heading in --help and in the sample file
    std::string_view value;  // what a value looks like, for --help: "MS", "SIZE", "forward|redirect"
    std::string_view help;   // what it does, and when to change it; without line breaks
    bool may_change_at_run_time;
    // The value of this option in `config`, as a user would write it; empty when it is not set.
    std::string (*show)(const NodeConfig& config);
    // Sets it. Returns what is wrong with `text` and what would be right ("'x' is not a number; give ..."), nothing
    // when it was set.
    std::optional<std::string> (*parse)(NodeConfig& config, std::string_view text);
};

[[nodiscard]] std::span<const ConfigOption> config_options();
// Null when there is none of that name (lower case).
[[nodiscard]] const ConfigOption* find_config_option(std::string_view name);
// Which values are not such as their option takes, in words.
[[nodiscard]] std::vector<std::string> values_out_of_range(const NodeConfig& config);
// What may change at run time, and nothing else. The values of `from` are such as their options take.
void copy_changeable_options(const NodeConfig& from, NodeConfig& to);

// What CONFIG SET may do with a parameter. To set what holds anyway is fine, but for kNever, so that tools may insist
// on it.
enum class ParameterChange : uint8_t {
    kAnyValue,
    kAtStart,   // another value only at the next start
    kConstant,  // there is no other value
    kNever,     // Redis refuses it too, whatever the value
};

// What CONFIG GET shows and CONFIG SET sets: an option, or Redis's name and form of one. The fields are ConfigOption's.
struct ConfigParameter {
    std::string_view name;
    ParameterChange change;
    std::string (*show)(const NodeConfig& config);
    std::optional<std::string> (*parse)(NodeConfig& config, std::string_view text);  // null but for kAnyValue
};

// Redis's parameters.
[[nodiscard]] std::span<const ConfigParameter> redis_parameters();
// Of either kind, Redis's first; none when there is none of that name (lower case).
[[nodiscard]] std::optional<ConfigParameter> find_config_parameter(std::string_view name);

// Bytes: "67108864", "64MiB", "64mb" (1024s, as in redis.conf), "64m" (1000s, as in redis.conf).
[[nodiscard]] std::optional<uint64_t> parse_size(std::string_view text);
// The shortest exact form: "64MiB", "1000".
[[nodiscard]] std::string format_size(uint64_t size_bytes);

}  // namespace kvorum
