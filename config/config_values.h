// How the values of options are read and shown: private to the tables (config_options.cc, redis_parameters.cc).
//
// A `parse` function takes text as a user wrote it and sets the field, or says what would be right; a `show` function
// gives text that `parse` takes and that means the same. kField is a pointer to a member of NodeConfig, Limits or
// AccessConfig. Thread: any.
#pragma once

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "config/config.h"
#include "config/config_options.h"

namespace kvorum {

using Problem = std::optional<std::string>;  // what is wrong with a value; none: it was set

template <auto kField, typename Config>
auto& field_of(Config& config) {
    if constexpr (std::is_invocable_v<decltype(kField), const NodeConfig&>) {
        return config.*kField;
    } else if constexpr (std::is_invocable_v<decltype(kField), const Limits&>) {
        return config.limits.*kField;
    } else {
        return config.access.*kField;
    }
}

// --- numbers ---

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

template <auto kField>
std::string show_number(const NodeConfig& config) {
    return fmt::format("{}", field_of<kField>(config));
}

template <auto kField, int64_t kMin, int64_t kMax>
Problem parse_count(NodeConfig& config, std::string_view text) {
    const std::optional<int64_t> value = parse_number<int64_t>(text);
    if (!value.has_value() || *value < kMin || *value > kMax)
        return fmt::format("'{}' does not fit; give a whole number from {} to {}", text, kMin, kMax);
    auto& field = field_of<kField>(config);
    field = static_cast<std::remove_reference_t<decltype(field)>>(*value);
    return std::nullopt;
}

template <auto kField>
std::string show_size(const NodeConfig& config) {
    return format_size(field_of<kField>(config));
}

template <auto kField, uint64_t kMin, uint64_t kMax>
Problem parse_size_field(NodeConfig& config, std::string_view text) {
    const std::optional<uint64_t> size_bytes = parse_size(text);
    if (!size_bytes.has_value()) {
        return fmt::format("'{}' is not a size; give bytes, or a number with KiB, MiB or GiB, for instance 64MiB",
                           text);
    }
    if (*size_bytes < kMin || *size_bytes > kMax)
        return fmt::format("'{}' does not fit; give {} to {}", text, format_size(kMin), format_size(kMax));
    field_of<kField>(config) = *size_bytes;
    return std::nullopt;
}

// --- words ---

template <typename Value, size_t kCount>
using Words = std::array<std::pair<std::string_view, Value>, kCount>;

inline constexpr Words<bool, 2> kYesNo{{{"yes", true}, {"no", false}}};

template <auto kField, const auto& kWords>
std::string show_word(const NodeConfig& config) {
    for (const auto& [word, value] : kWords) {
        if (value == field_of<kField>(config)) return std::string{word};
    }
    return {};
}

template <auto kField, const auto& kWords>
Problem parse_word(NodeConfig& config, std::string_view text) {
    std::string known;
    for (const auto& [word, value] : kWords) {
        if (equals_ignore_case(word, text)) {
            field_of<kField>(config) = value;
            return std::nullopt;
        }
        known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
    }
    return fmt::format("'{}' is not known; give one of: {}", text, known);
}

// --- texts and addresses ---

template <auto kField>
std::string show_text(const NodeConfig& config) {
    return field_of<kField>(config);
}

template <auto kField>
Problem parse_text(NodeConfig& config, std::string_view text) {
    field_of<kField>(config) = text;
    return std::nullopt;
}

template <auto kField>
std::string show_endpoint(const NodeConfig& config) {
    const auto& endpoint = field_of<kField>(config);
    return endpoint.has_value() ? endpoint->to_string() : std::string{};
}

template <auto kField>
Problem parse_endpoint(NodeConfig& config, std::string_view text) {
    if (text.empty()) {
        field_of<kField>(config).reset();
        return std::nullopt;
    }
    const auto endpoint = reactor::Endpoint::parse(text);
    if (!endpoint.has_value())
        return fmt::format("'{}' is not an address; give HOST:PORT, for instance 0.0.0.0:7001", text);
    field_of<kField>(config) = *endpoint;
    return std::nullopt;
}

}  // namespace kvorum
