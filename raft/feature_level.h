// What the entries of a log may hold: the lowest feature level that all members know, committed in the log.
//
// A cluster starts at level 1. Each voter tells the level of its program with its acknowledgements; when all of them
// know a higher one, the leader appends a kFeatureLevel entry, and from its commit on entries are written at that level
// (EntryHeader::feature_level). Nothing that a level brought is written before. A program that knows less than the
// level in force is refused by the log (wal/recovery.h), since it would misread what it finds there.
//
// Encoded body: u32 level, u16 size and the version of the program that raised it.
// Thread: any. Errors: the decoder refuses what no writer produces.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace kvorum::raft {

// Each cluster's, and that of a program that says nothing.
inline constexpr uint16_t kFirstFeatureLevel = 1;
inline constexpr size_t kRaisedByBytesMax = 64;

// The highest level that this program knows. In a file of its own, which tests replace by one that was compiled with
// another KVORUM_FEATURE_LEVEL.
[[nodiscard]] uint16_t known_feature_level();

struct FeatureLevelRaise {
    uint16_t level = kFirstFeatureLevel;
    std::string raised_by;  // the version of the program that led; 1 to kRaisedByBytesMax bytes

    bool operator==(const FeatureLevelRaise&) const = default;
};

[[nodiscard]] std::string encode_feature_level(const FeatureLevelRaise& raise);
[[nodiscard]] std::optional<FeatureLevelRaise> decode_feature_level(Bytes body);

// Why a program that knows levels up to `known_level` must not go on, for its operator. `raised_by` may be empty.
[[nodiscard]] std::string newer_level_reason(uint16_t level, std::string_view raised_by, uint16_t known_level);

}  // namespace kvorum::raft
