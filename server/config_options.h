// The one table of options: kvorumd's flags, its config file, CONFIG GET and SET, --help and the sample file all come
// from it.
//
// A value is text, as a user writes it; `parse` checks it and sets the field. Thread: any; the table is constant.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/config.h"

namespace kvorum::server {

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

// Bytes: "67108864", "64MiB", "64mb" (1024s, as in redis.conf), "64m" (1000s, as in redis.conf).
[[nodiscard]] std::optional<uint64_t> parse_size(std::string_view text);
// The shortest exact form: "64MiB", "1000".
[[nodiscard]] std::string format_size(uint64_t size_bytes);

}  // namespace kvorum::server
