#include "redis/consistency_words.h"

#include <fmt/format.h>

#include "base/text.h"

namespace kvorum::redis {

using gateway::Consistency;

std::optional<gateway::ReadChoice> parse_read_choice(std::span<const std::string_view> words) {
    if (words.size() == 1 && equals_ignore_case(words[0], "linearizable")) return gateway::ReadChoice{};
    if (words.size() == 1 && equals_ignore_case(words[0], "stale")) return gateway::ReadChoice{Consistency::kStale};
    if (words.size() != 2 || !equals_ignore_case(words[0], "bounded")) return std::nullopt;
    const std::optional<int64_t> age_ms = parse_int64(words[1]);
    if (!age_ms.has_value() || *age_ms < 1 || *age_ms > static_cast<int64_t>(kBoundedAgeMsMax)) return std::nullopt;
    return gateway::ReadChoice{Consistency::kBounded, static_cast<uint64_t>(*age_ms)};
}

std::string read_choice_words(const gateway::ReadChoice& choice, char separator) {
    switch (choice.consistency) {
        case Consistency::kLinearizable: return "linearizable";
        case Consistency::kBounded: return fmt::format("bounded{}{}", separator, choice.age_ms_max);
        case Consistency::kStale: return "stale";
    }
    return {};
}

}  // namespace kvorum::redis
