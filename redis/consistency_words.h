// The words of CLIENT CONSISTENCY. Thread: any.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/read_choice.h"

namespace kvorum::redis {

inline constexpr uint64_t kBoundedAgeMsMax = 86'400'000;

// Of the words behind CLIENT CONSISTENCY, ignoring case: "linearizable", "bounded <ms>" with 1 to kBoundedAgeMsMax, or
// "stale". None: they are nothing of these.
[[nodiscard]] std::optional<gateway::ReadChoice> parse_read_choice(std::span<const std::string_view> words);
// As it is said, with `separator` between the words.
[[nodiscard]] std::string read_choice_words(const gateway::ReadChoice& choice, char separator);

}  // namespace kvorum::redis
