// The operations of one BITFIELD. Private to ops.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/reply_sink.h"
#include "ops/bits.h"
#include "ops/commands.h"

namespace kvorum::ops {

struct BitfieldOperation {
    enum class Kind : uint8_t { kGet, kSet, kIncrby };

    Kind kind = Kind::kGet;
    Overflow overflow = Overflow::kWrap;
    BitfieldType type;
    uint64_t offset = 0;
    int64_t value = 0;  // kSet, or by how much kIncrby

    [[nodiscard]] bool writes() const { return kind != Kind::kGet; }
    [[nodiscard]] uint64_t last_bit() const { return offset + type.bits - 1; }
};

// The words behind the key. False when a failure was reported.
[[nodiscard]] bool parse_bitfield(Arguments words, std::vector<BitfieldOperation>& operations, ReplySink& reply);
// Of what stands behind the key in the log: how long the value is at least after it, 0 when nothing is written. None
// when it is malformed.
[[nodiscard]] std::optional<uint64_t> bitfield_reach(ByteReader operations);

}  // namespace kvorum::ops
