#include "raft/log_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace kvorum::raft {

bool LogFacts::note(const EntryHeader& header, Bytes body) {
    if (header.type == EntryType::kConfig) {
        std::optional<Configuration> configuration = decode_configuration(body);
        if (!configuration.has_value()) return false;
        configurations.state(header.index, *std::move(configuration));
    } else if (header.type == EntryType::kFeatureLevel) {
        std::optional<FeatureLevelRaise> raise = decode_feature_level(body);
        if (!raise.has_value()) return false;
        raises.state(header.index, *std::move(raise));
    }
    proven_level_ = std::max(proven_level_, header.feature_level);
    return true;
}

void LogFacts::cut_from(LogIndex first_removed) {
    configurations.cut_from(first_removed);
    raises.cut_from(first_removed);
}

uint16_t LogFacts::level_at(LogIndex commit_index) const {
    const auto* committed = raises.last_at(commit_index);
    return committed == nullptr ? proven_level_ : std::max(proven_level_, committed->fact.level);
}

uint16_t LogFacts::highest_level() const {
    const auto* raise = raises.last();
    return raise == nullptr ? proven_level_ : std::max(proven_level_, raise->fact.level);
}

std::string unreadable_reason(const EntryHeader& header, Bytes body, uint16_t known_level, std::string_view raised_by) {
    std::optional<FeatureLevelRaise> raise;
    if (header.type == EntryType::kFeatureLevel) raise = decode_feature_level(body);
    if (!raise.has_value()) raise = FeatureLevelRaise{header.feature_level, std::string(raised_by)};
    if (const uint16_t level = std::max(raise->level, header.feature_level); level > known_level)
        return fmt::format("entry {}: {}", header.index, newer_level_reason(level, raise->raised_by, known_level));
    if (!is_known_entry_type(header.type)) {
        return fmt::format(
            "entry {} is of type {}, written at feature level {}, which this program does not know: run the version "
            "that wrote it or a newer one on this node",
            header.index, static_cast<uint16_t>(header.type), header.feature_level);
    }
    return {};
}

}  // namespace kvorum::raft
