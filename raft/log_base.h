// Where a log begins that is not kept from its first entry (thesis 5.1): the last entry that a snapshot stands for, and
// what the entries up to it state. The log names it, and so does each snapshot.
//
// Encoded (integers little-endian): u64 index, u64 term, u64 checksum, i64 log time, u16 proven level, u8 whether a
// configuration follows (u64 index, u32 size, body), u8 whether a raise of the level follows (the same).
//
// Thread: any; plain values. Errors: the decoder refuses what no writer produces.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "raft/log_facts.h"
#include "raft/types.h"

namespace kvorum::raft {

struct LogBase {
    EntryId last{};  // zero: the log begins with entry 1, and nothing else is said
    int64_t log_time_ms = 0;
    uint16_t proven_level = kFirstFeatureLevel;  // LogFacts::proven_level()
    std::optional<StatedFact<Configuration>> configuration{};
    std::optional<StatedFact<FeatureLevelRaise>> raise{};

    bool operator==(const LogBase&) const = default;
};

// Of a log whose entries up to `last` state `facts`.
[[nodiscard]] LogBase log_base_at(EntryId last, int64_t log_time_ms, const LogFacts& facts);
// Of a log that begins behind `base`.
[[nodiscard]] LogFacts facts_of(const LogBase& base);

[[nodiscard]] std::string encode_log_base(const LogBase& base);
[[nodiscard]] std::optional<LogBase> decode_log_base(Bytes bytes);

}  // namespace kvorum::raft
