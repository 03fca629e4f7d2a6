#include "tools/load_config.h"

#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "base/units.h"

namespace kvorum::tools::load {
namespace {

template <typename Number>
bool parse_number(std::string_view text, Number& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

std::vector<std::string> split(std::string_view text, char separator) {
    return absl::StrSplit(std::string(text), separator);
}

}  // namespace

absl::StatusOr<std::pair<uint32_t, uint32_t>> parse_ratio(std::string_view text) {
    const size_t colon = text.find(':');
    std::pair<uint32_t, uint32_t> ratio;
    const bool parsed = colon != std::string_view::npos && parse_number(text.substr(0, colon), ratio.first) &&
                        parse_number(text.substr(colon + 1), ratio.second);
    if (!parsed || (ratio.first == 0 && ratio.second == 0)) {
        return absl::InvalidArgumentError(fmt::format(
            "--ratio {}: give how many SETs and how many GETs follow each other, as SETS:GETS, for example 1:10",
            text));
    }
    return ratio;
}

absl::StatusOr<std::pair<KeyPattern, KeyPattern>> parse_key_patterns(std::string_view text) {
    if (text.size() == 3 && text[1] == ':') {
        const std::optional<KeyPattern> sets = parse_key_pattern(text.substr(0, 1));
        const std::optional<KeyPattern> gets = parse_key_pattern(text.substr(2));
        if (sets.has_value() && gets.has_value()) return std::pair{*sets, *gets};
    }
    return absl::InvalidArgumentError(
        fmt::format("--key-pattern {}: give one letter for SETs and one for GETs, as R:R; {}", text, kKeyPatternHelp));
}

absl::StatusOr<std::pair<uint64_t, uint64_t>> parse_range(std::string_view flag, std::string_view text) {
    const size_t dash = text.find('-');
    std::pair<uint64_t, uint64_t> range;
    const bool parsed = parse_number(text.substr(0, dash), range.first) &&
                        (dash == std::string_view::npos || parse_number(text.substr(dash + 1), range.second));
    if (dash == std::string_view::npos) range.second = range.first;
    if (!parsed || range.first == 0 || range.second < range.first) {
        return absl::InvalidArgumentError(
            fmt::format("{} {}: give the smallest and the largest, as 10-20, from 1 on", flag, text));
    }
    return range;
}

absl::StatusOr<std::vector<double>> parse_percentiles(std::string_view text) {
    std::vector<double> percentiles;
    for (const std::string& word : split(text, ',')) {
        double percentile = 0;
        if (!parse_number(word, percentile) || !(percentile > 0 && percentile <= 100)) {
            return absl::InvalidArgumentError(fmt::format(
                "--print-percentiles {}: '{}' is no percentile; give numbers above 0 and up to 100, as 50,99,99.9",
                text, word));
        }
        percentiles.push_back(percentile);
    }
    return percentiles;
}

absl::StatusOr<std::vector<reactor::Endpoint>> parse_servers(std::string_view text) {
    std::vector<reactor::Endpoint> servers;
    for (const std::string& word : split(text, ',')) {
        const std::optional<reactor::Endpoint> server = reactor::Endpoint::parse(word);
        if (!server.has_value()) {
            return absl::InvalidArgumentError(fmt::format(
                "--servers: '{}' is no address; give HOST:PORT, for example 127.0.0.1:7001,127.0.0.1:7002", word));
        }
        servers.push_back(*server);
    }
    return servers;
}

void parse_credentials(std::string_view text, LoadConfig& config) {
    const size_t colon = text.find(':');
    config.user = colon == std::string_view::npos ? "" : text.substr(0, colon);
    config.password = colon == std::string_view::npos ? text : text.substr(colon + 1);
}

absl::Status parse_uri(std::string_view text, LoadConfig& config) {
    const auto wrong = [&] {
        return absl::InvalidArgumentError(fmt::format(
            "--uri {}: give redis://USER:PASSWORD@HOST:PORT/DATABASE, of which all but HOST may be left out", text));
    };
    std::string_view rest = text;
    if (rest.starts_with("rediss://"))
        return absl::InvalidArgumentError("--uri rediss://...: Kvorum has no TLS yet; give redis://...");
    constexpr std::string_view kScheme = "redis://";
    if (!rest.starts_with(kScheme)) return wrong();
    rest.remove_prefix(kScheme.size());
    if (const size_t at = rest.rfind('@'); at != std::string_view::npos) {
        parse_credentials(rest.substr(0, at), config);
        rest.remove_prefix(at + 1);
    }
    if (const size_t slash = rest.find('/'); slash != std::string_view::npos) {
        const std::string_view database = rest.substr(slash + 1);
        if (!database.empty() && !parse_number(database, config.database)) return wrong();
        rest = rest.substr(0, slash);
    }
    if (rest.empty()) return wrong();
    const bool has_port = rest.find(':') != std::string_view::npos;
    const std::optional<reactor::Endpoint> server =
        reactor::Endpoint::parse(has_port ? std::string(rest) : std::string(rest) + ":6379");
    if (!server.has_value()) return wrong();
    config.servers = {*server};
    return absl::OkStatus();
}

namespace {

absl::Status validate_keys(const LoadConfig& config) {
    const KeyRange& keys = config.keys;
    for (const auto& [flag, number] : {std::pair{"--key-minimum", keys.minimum}, {"--key-maximum", keys.maximum}}) {
        if (number > kKeyNumberMax)
            return absl::InvalidArgumentError(
                fmt::format("{} {}: give a number up to {}", flag, number, kKeyNumberMax));
    }
    if (keys.maximum < keys.minimum) {
        return absl::InvalidArgumentError(
            fmt::format("--key-maximum {} is below --key-minimum {}", keys.maximum, keys.minimum));
    }
    const bool has_stray_median = keys.median != 0 && !(keys.median >= static_cast<double>(keys.minimum) &&
                                                        keys.median <= static_cast<double>(keys.maximum));
    if (has_stray_median) {
        return absl::InvalidArgumentError(
            fmt::format("--key-median {}: it lies outside of the keys from --key-minimum {} to --key-maximum {}",
                        keys.median, keys.minimum, keys.maximum));
    }
    if (!(keys.standard_deviation >= 0) || std::isinf(keys.standard_deviation))
        return absl::InvalidArgumentError(
            fmt::format("--key-stddev {}: give a number above 0", keys.standard_deviation));
    if (!(keys.zipf_exponent > 0 && keys.zipf_exponent <= kZipfExponentMax))
        return absl::InvalidArgumentError(
            fmt::format("--key-zipf-exp {}: give a number above 0 and up to {}", keys.zipf_exponent, kZipfExponentMax));
    return absl::OkStatus();
}

}  // namespace

absl::Status validate(const LoadConfig& config) {
    const auto outside = [](std::string_view flag, uint64_t value, uint64_t most) {
        return absl::InvalidArgumentError(fmt::format("{} {}: give a number from 1 to {}", flag, value, most));
    };
    constexpr uint32_t kThreadsMax = 256;
    constexpr uint64_t kDataBytesMax = 512 * kMiB;
    if (config.threads < 1 || config.threads > kThreadsMax) return outside("--threads", config.threads, kThreadsMax);
    if (config.clients < 1 || config.clients > kClientsMax) return outside("--clients", config.clients, kClientsMax);
    if (config.pipeline < 1 || config.pipeline > kPipelineMax)
        return outside("--pipeline", config.pipeline, kPipelineMax);
    if (config.data_size_bytes < 1 || config.data_size_bytes > kDataBytesMax)
        return outside("--data-size", config.data_size_bytes, kDataBytesMax);
    if (config.is_open_loop() && (config.rate < 1 || config.rate > kRateMax))
        return outside(config.rate_per_client ? "--rate-limiting" : "--rate", config.rate, kRateMax);
    if (config.data_offset_bytes > kDataBytesMax) {
        return absl::InvalidArgumentError(
            fmt::format("--data-offset {}: give a number up to {}", config.data_offset_bytes, kDataBytesMax));
    }
    if (config.test_time_s > kTestTimeSMax) return outside("--test-time", config.test_time_s, kTestTimeSMax);
    if (config.runs < 1 || config.runs > kRunsMax) return outside("--run-count", config.runs, kRunsMax);
    for (const reactor::Endpoint& server : config.servers) {
        if (server.port == 0) return outside("--port", server.port, UINT16_MAX);
    }
    return validate_keys(config);
}

}  // namespace kvorum::tools::load
