// What was typed behind `kvorum load`, and what it means: memtier_benchmark's flags, of which the last of its kind
// counts, and ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/load_config.h"

namespace kvorum::tools::load {

// As typed; `config` has what needs no understanding.
struct LoadArguments {
    LoadConfig config;
    std::string server = "127.0.0.1";
    uint16_t port = 6379;
    std::string servers;
    std::string uri;
    bool ipv4 = false;
    bool ipv6 = false;
    std::string protocol = "redis";
    std::string credentials;
    std::string requests;
    std::optional<uint64_t> test_time_s;
    std::string ratio = "1:10";
    std::string wait_ratio;
    std::string replicas;
    std::string wait_ms;
    std::string key_pattern = "R:R";
    std::string expiry_range;
    std::string percentiles;
    std::vector<std::string> commands;
    std::vector<uint32_t> command_ratios;
    std::vector<std::string> command_key_patterns;
    std::optional<uint64_t> rate;
    std::optional<uint64_t> rate_per_client;
    std::string arrivals;
    bool randomize = false;
};

// InvalidArgument: what is wrong, in words that say what to write instead. Blocks while names are resolved, if -4 or -6
// asks for an address of that kind.
[[nodiscard]] absl::StatusOr<LoadConfig> to_config(const LoadArguments& arguments);

}  // namespace kvorum::tools::load
