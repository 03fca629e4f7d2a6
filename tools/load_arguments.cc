#include "tools/load_arguments.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <fmt/format.h>
#include <netdb.h>

#include <memory>
#include <random>

#include "tools/load_request.h"

namespace kvorum::tools::load {
namespace {

template <typename T, typename Into>
absl::Status store(const absl::StatusOr<T>& parsed, Into& into) {
    if (parsed.ok()) into = *parsed;
    return parsed.status();
}

// "20-30", or nothing.
absl::Status read_range(std::string_view flag, const std::string& text, uint64_t& least, uint64_t& most) {
    if (text.empty()) return absl::OkStatus();
    std::pair<uint64_t, uint64_t> range;
    absl::Status parsed = store(parse_range(flag, text), range);
    least = range.first;
    most = range.second;
    return parsed;
}

// So many WAITs after so many SETs: SETs, WAITs and GETs keep their proportions in a round that is long enough for
// both.
absl::Status read_waits(const LoadArguments& arguments, std::pair<uint32_t, uint32_t>& ratio, LoadConfig& config) {
    if (arguments.wait_ratio.empty()) {
        if (arguments.replicas.empty() && arguments.wait_ms.empty()) return absl::OkStatus();
        return absl::InvalidArgumentError("--num-slaves and --wait-timeout: they are of WAIT; give --wait-ratio too");
    }
    std::pair<uint32_t, uint32_t> waits;
    absl::Status status = store(parse_ratio(arguments.wait_ratio), waits);
    if (!status.ok() || waits.first == 0 || ratio.first == 0) {
        return absl::InvalidArgumentError(
            fmt::format("--wait-ratio {}: give how many WAITs follow how many SETs, as SETS:WAITS, for example 10:1; "
                        "--ratio must have SETs",
                        arguments.wait_ratio));
    }
    if (waits.second == 0) return absl::OkStatus();
    const uint64_t rounds = waits.first;
    constexpr uint64_t kRatioMax = 1'000'000;
    if (rounds > kRatioMax || uint64_t{ratio.first} * rounds > kRatioMax ||
        uint64_t{ratio.second} * rounds > kRatioMax || uint64_t{waits.second} * ratio.first > kRatioMax) {
        return absl::InvalidArgumentError(
            fmt::format("--wait-ratio {}: together with --ratio {} its numbers are too large", arguments.wait_ratio,
                        arguments.ratio));
    }
    config.wait_replicas_min = config.wait_replicas_max = 1;
    status = read_range("--num-slaves", arguments.replicas, config.wait_replicas_min, config.wait_replicas_max);
    if (status.ok()) status = read_range("--wait-timeout", arguments.wait_ms, config.wait_ms_min, config.wait_ms_max);
    if (!status.ok()) return status;
    config.commands.push_back({.text = "WAIT __replicas__ __wait_ms__",
                               .type = "Waits",
                               .ratio = static_cast<uint32_t>(waits.second * ratio.first)});
    ratio = {static_cast<uint32_t>(ratio.first * rounds), static_cast<uint32_t>(ratio.second * rounds)};
    return absl::OkStatus();
}

absl::Status read_mix(const LoadArguments& arguments, LoadConfig& config) {
    if (!arguments.command_ratios.empty() || !arguments.command_key_patterns.empty())
        return absl::InvalidArgumentError(
            "--command-ratio and --command-key-pattern: they are of a --command; give one, or --ratio and "
            "--key-pattern for SETs and GETs");
    std::pair<uint32_t, uint32_t> ratio;
    std::pair<KeyPattern, KeyPattern> patterns;
    absl::Status status = store(parse_ratio(arguments.ratio), ratio);
    if (status.ok()) status = store(parse_key_patterns(arguments.key_pattern), patterns);
    if (status.ok()) status = read_waits(arguments, ratio, config);
    if (!status.ok()) return status;
    const uint64_t offset = config.data_offset_bytes;
    if (offset > 0 && config.expiry_s_max > 0)
        return absl::InvalidArgumentError(
            "--data-offset and --expiry-range: SETRANGE takes no expiry; give one of them");
    std::string set = "SET __key__ __data__";
    if (config.expiry_s_max > 0) set = "SETEX __key__ __expiry__ __data__";
    if (offset > 0) set = fmt::format("SETRANGE __key__ {} __data__", offset);
    const std::string get = offset > 0 ? fmt::format("GETRANGE __key__ {} -1", offset) : "GET __key__";
    if (ratio.second > 0) {
        config.commands.insert(
            config.commands.begin(),
            {.text = get, .type = "Gets", .has_hits = offset == 0, .ratio = ratio.second, .pattern = patterns.second});
    }
    if (ratio.first > 0) {
        config.commands.insert(config.commands.begin(),
                               {.text = set, .type = "Sets", .ratio = ratio.first, .pattern = patterns.first});
    }
    return absl::OkStatus();
}

// The rows of the report are told apart by their names.
std::string row_name(const LoadConfig& config, std::string_view command) {
    std::string name = absl::AsciiStrToLower(std::string(command));
    name[0] = absl::ascii_toupper(static_cast<unsigned char>(name[0]));
    name += 's';
    size_t same = 0;
    for (const CommandSpec& other : config.commands)
        same += other.type == name || other.type.starts_with(name + "-") ? 1 : 0;
    return same == 0 ? name : fmt::format("{}-{}", name, same + 1);
}

absl::Status read_command(const LoadArguments& arguments, size_t number, LoadConfig& config) {
    CommandSpec spec;
    spec.text = arguments.commands[number];
    const absl::StatusOr<RequestTemplate> compiled = RequestTemplate::compile(spec.text);
    if (!compiled.ok()) return compiled.status();
    if (config.cluster_mode && compiled->key_count() != 1) {
        return absl::InvalidArgumentError(
            fmt::format("--command '{}': --cluster-mode needs one __key__ in it, to choose the node", spec.text));
    }
    if (compiled->uses_expiry() && config.expiry_s_max == 0)
        return absl::InvalidArgumentError("--command with __expiry__: give --expiry-range too");
    spec.type = row_name(config, compiled->name());
    spec.has_hits = compiled->name() == "GET";
    if (!arguments.command_ratios.empty()) spec.ratio = arguments.command_ratios[number];
    if (spec.ratio == 0) return absl::InvalidArgumentError("--command-ratio 0: leave the command out instead");
    if (!arguments.command_key_patterns.empty()) {
        const std::string& letter = arguments.command_key_patterns[number];
        const std::optional<KeyPattern> pattern = parse_key_pattern(letter);
        if (!pattern.has_value())
            return absl::InvalidArgumentError(fmt::format("--command-key-pattern {}: {}", letter, kKeyPatternHelp));
        spec.pattern = *pattern;
    }
    config.commands.push_back(std::move(spec));
    return absl::OkStatus();
}

absl::Status read_commands(const LoadArguments& arguments, LoadConfig& config) {
    constexpr size_t kCommandsMax = 64;
    const size_t count = arguments.commands.size();
    if (count > kCommandsMax)
        return absl::InvalidArgumentError(fmt::format("--command: at most {} of them", kCommandsMax));
    const auto fits = [count](size_t given) { return given == 0 || given == count; };
    if (!fits(arguments.command_ratios.size()) || !fits(arguments.command_key_patterns.size())) {
        return absl::InvalidArgumentError(
            "--command-ratio and --command-key-pattern: give none, or one for each --command, in their order");
    }
    if (!arguments.wait_ratio.empty())
        return absl::InvalidArgumentError("--wait-ratio: it is of SETs; use --command \"WAIT 1 0\"");
    if (config.data_offset_bytes > 0)
        return absl::InvalidArgumentError("--data-offset: it is of SETs and GETs; write it into the --command");
    config.is_mix = false;
    for (size_t i = 0; i < count; ++i) {
        absl::Status read = read_command(arguments, i, config);
        if (!read.ok()) return read;
    }
    return absl::OkStatus();
}

absl::Status read_length(const LoadArguments& arguments, LoadConfig& config) {
    if (!arguments.requests.empty() && arguments.test_time_s.has_value())
        return absl::InvalidArgumentError("-n and --test-time: each of them ends the load; give one");
    if (arguments.test_time_s.has_value()) {
        config.test_time_s = *arguments.test_time_s;
        if (config.test_time_s == 0)
            return absl::InvalidArgumentError(
                "--test-time 0: give a number of seconds, or -n for a number of requests");
        config.requests_per_client = 0;
        return absl::OkStatus();
    }
    config.all_keys = arguments.requests == "allkeys";
    if (config.all_keys || arguments.requests.empty()) return absl::OkStatus();
    if (!absl::SimpleAtoi(arguments.requests, &config.requests_per_client) || config.requests_per_client == 0) {
        return absl::InvalidArgumentError(
            fmt::format("-n {}: give a number of requests for each client, or allkeys", arguments.requests));
    }
    return absl::OkStatus();
}

absl::Status read_rate(const LoadArguments& arguments, LoadConfig& config) {
    if (arguments.rate_per_client.has_value() && arguments.rate.has_value())
        return absl::InvalidArgumentError(
            "--rate and --rate-limiting: give --rate for all clients together, or --rate-limiting for each of them");
    config.rate_per_client = arguments.rate_per_client.has_value();
    const bool is_open = config.rate_per_client || arguments.rate.has_value();
    if (!is_open) {
        return arguments.arrivals.empty() ? absl::OkStatus()
                                          : absl::InvalidArgumentError(
                                                "--arrivals: it says how requests of a --rate "
                                                "arrive; give --rate too");
    }
    config.rate = config.rate_per_client ? *arguments.rate_per_client : *arguments.rate;
    config.arrivals = arguments.arrivals == "poisson" ? Arrivals::kPoisson : Arrivals::kConstant;
    return absl::OkStatus();
}

// An address of the family that was asked for, as numbers.
absl::Status resolve(int family, reactor::Endpoint& server) {
    addrinfo hints = {};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(server.host.c_str(), nullptr, &hints, &found);
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
    char text[NI_MAXHOST] = {};
    const bool resolved =
        error == 0 && found != nullptr &&
        getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) == 0;
    if (!resolved) {
        return absl::InvalidArgumentError(fmt::format("{}: {} has no such address: {}", family == AF_INET ? "-4" : "-6",
                                                      server.host, error == 0 ? "none found" : gai_strerror(error)));
    }
    server.host = text;
    return absl::OkStatus();
}

absl::Status read_servers(const LoadArguments& arguments, LoadConfig& config) {
    absl::Status status;
    if (!arguments.uri.empty()) {
        status = parse_uri(arguments.uri, config);
    } else if (!arguments.servers.empty()) {
        status = store(parse_servers(arguments.servers), config.servers);
    } else {
        config.servers = {{.host = arguments.server, .port = arguments.port}};
    }
    if (!arguments.credentials.empty()) parse_credentials(arguments.credentials, config);
    if (arguments.ipv4 && arguments.ipv6)
        return absl::InvalidArgumentError("-4 and -6: give one, or none to take what there is");
    if (!arguments.ipv4 && !arguments.ipv6) return status;
    for (reactor::Endpoint& server : config.servers) {
        if (status.ok()) status = resolve(arguments.ipv4 ? AF_INET : AF_INET6, server);
    }
    return status;
}

absl::Status read_protocol(const LoadArguments& arguments, LoadConfig& config) {
    if (arguments.protocol == "resp2") {
        config.protocol = 2;
    } else if (arguments.protocol == "resp3") {
        config.protocol = 3;
    } else if (arguments.protocol != "redis") {
        return absl::InvalidArgumentError(fmt::format(
            "--protocol {}: give redis, or resp2 or resp3 to begin with HELLO; memcached is not spoken here",
            arguments.protocol));
    }
    return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoadConfig> to_config(const LoadArguments& arguments) {
    LoadConfig config = arguments.config;
    if (arguments.randomize) config.seed = std::random_device()();
    absl::Status status = read_servers(arguments, config);
    if (status.ok()) status = read_protocol(arguments, config);
    if (status.ok())
        status = read_range("--expiry-range", arguments.expiry_range, config.expiry_s_min, config.expiry_s_max);
    if (status.ok() && !arguments.percentiles.empty())
        status = store(parse_percentiles(arguments.percentiles), config.percentiles);
    if (status.ok())
        status = arguments.commands.empty() ? read_mix(arguments, config) : read_commands(arguments, config);
    if (status.ok()) status = read_length(arguments, config);
    if (status.ok()) status = read_rate(arguments, config);
    if (status.ok()) status = validate(config);
    if (!status.ok()) return status;
    return config;
}

}  // namespace kvorum::tools::load
