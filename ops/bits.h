// Strings as rows of bits, the highest bit of the first byte first, as Redis counts them. Private to ops.
//
// Pure; thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvorum::ops {

// An offset in bits, within what Redis lets a string be (512 MiB).
[[nodiscard]] std::optional<uint64_t> parse_bit_offset(std::string_view text);

// Whether `bit_offset` lies in a value of the size that is allowed here.
[[nodiscard]] bool bit_fits(uint64_t bit_offset);

[[nodiscard]] bool bit_at(std::string_view bytes, uint64_t bit_offset);  // what lies behind the end is 0
// `bytes` reaches that far.
void set_bit(std::string& bytes, uint64_t bit_offset, bool value);

[[nodiscard]] uint64_t count_bits(std::string_view bytes);

// A number in a row of bits: BITFIELD's "i5", "u63".
struct BitfieldType {
    bool is_signed = false;
    uint8_t bits = 0;

    [[nodiscard]] static std::optional<BitfieldType> parse(std::string_view text);
    // The number at `bit_offset`, the bits of an unsigned one as they are.
    [[nodiscard]] int64_t read(std::string_view bytes, uint64_t bit_offset) const;
    void write(std::string& bytes, uint64_t bit_offset, int64_t value) const;
};

// BITFIELD's offset: in bits, or "#3" for the fourth number of the type.
[[nodiscard]] std::optional<uint64_t> parse_bitfield_offset(std::string_view text, BitfieldType type);

enum class Overflow : uint8_t { kWrap, kSaturate, kFail };

// `value` + `increment` as a number of that type; nothing when it does not fit and that is to fail.
[[nodiscard]] std::optional<int64_t> add_in_field(BitfieldType type, int64_t value, int64_t increment,
                                                  Overflow overflow);

}  // namespace kvorum::ops
