#include <fmt/format.h>

#include "base/assert.h"
#include "raft/feature_level.h"

namespace kvorum::raft {

std::string encode_feature_level(const FeatureLevelRaise& raise) {
    KVORUM_ASSERT(!raise.raised_by.empty() && raise.raised_by.size() <= kRaisedByBytesMax, "'{}'", raise.raised_by);
    std::string out;
    ByteWriter writer(out);
    writer.write(uint32_t{raise.level});
    writer.write(static_cast<uint16_t>(raise.raised_by.size()));
    writer.write_text(raise.raised_by);
    return out;
}

std::optional<FeatureLevelRaise> decode_feature_level(Bytes body) {
    ByteReader reader(body);
    const auto level = reader.read<uint32_t>();
    const auto size = reader.read<uint16_t>();
    const std::string_view raised_by = reader.read_text(size);
    if (!reader.finished() || level <= kFirstFeatureLevel || level > UINT16_MAX) return std::nullopt;
    if (raised_by.empty() || raised_by.size() > kRaisedByBytesMax) return std::nullopt;
    return FeatureLevelRaise{static_cast<uint16_t>(level), std::string(raised_by)};
}

std::string newer_level_reason(uint16_t level, std::string_view raised_by, uint16_t known_level) {
    return fmt::format(
        "the cluster is at feature level {}, raised by {}, and this program knows levels up to {}: run {} or a newer "
        "one on this node",
        level, raised_by.empty() ? "a newer version" : fmt::format("version {}", raised_by), known_level,
        raised_by.empty() ? "that version" : fmt::format("version {}", raised_by));
}

}  // namespace kvorum::raft
