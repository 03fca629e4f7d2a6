#include "ops/bits.h"

#include <bit>
#include <cstring>

#include "base/text.h"
#include "kv/store.h"

namespace kvorum::ops {
namespace {

constexpr uint64_t kBitsPerByte = 8;
constexpr uint64_t kRedisBytesMax = 512u << 20;  // its proto-max-bulk-len

std::optional<uint64_t> checked_offset(int64_t offset) {
    if (offset < 0 || static_cast<uint64_t>(offset) / kBitsPerByte >= kRedisBytesMax) return std::nullopt;
    return static_cast<uint64_t>(offset);
}

// The lowest `bits` bits of `value`, as a number of that type.
int64_t cut(BitfieldType type, uint64_t value) {
    const unsigned spare = 64u - type.bits;
    if (type.is_signed) return static_cast<int64_t>(value << spare) >> spare;
    return static_cast<int64_t>(value << spare >> spare);
}

}  // namespace

std::optional<uint64_t> parse_bit_offset(std::string_view text) {
    const auto number = parse_int64(text);
    return number ? checked_offset(*number) : std::nullopt;
}

std::optional<uint64_t> parse_bitfield_offset(std::string_view text, BitfieldType type) {
    const bool counts_numbers = text.starts_with('#');
    const auto number = parse_int64(text.substr(counts_numbers ? 1 : 0));
    if (!number) return std::nullopt;
    const uint64_t factor = counts_numbers ? type.bits : 1;
    return checked_offset(static_cast<int64_t>(static_cast<uint64_t>(*number) * factor));
}

bool bit_fits(uint64_t bit_offset) { return bit_offset / kBitsPerByte < kv::kValueSizeMax; }

bool bit_at(std::string_view bytes, uint64_t bit_offset) {
    const uint64_t byte = bit_offset / kBitsPerByte;
    if (byte >= bytes.size()) return false;
    return (static_cast<uint8_t>(bytes[byte]) >> (7 - bit_offset % kBitsPerByte) & 1) != 0;
}

void set_bit(std::string& bytes, uint64_t bit_offset, bool value) {
    char& byte = bytes[bit_offset / kBitsPerByte];
    const auto mask = static_cast<uint8_t>(0x80u >> bit_offset % kBitsPerByte);
    byte = static_cast<char>(value ? static_cast<uint8_t>(byte) | mask : static_cast<uint8_t>(byte) & ~mask);
}

uint64_t count_bits(std::string_view bytes) {
    uint64_t count = 0;
    for (; bytes.size() >= sizeof(uint64_t); bytes.remove_prefix(sizeof(uint64_t))) {
        uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof(word));
        count += static_cast<uint64_t>(std::popcount(word));
    }
    for (const char byte : bytes)
        count += static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(byte)));
    return count;
}

std::optional<BitfieldType> BitfieldType::parse(std::string_view text) {
    if (text.empty() || (text[0] != 'i' && text[0] != 'u')) return std::nullopt;
    const bool is_signed = text[0] == 'i';
    const auto bits = parse_int64(text.substr(1));
    if (!bits || *bits < 1 || *bits > (is_signed ? 64 : 63)) return std::nullopt;
    return BitfieldType{.is_signed = is_signed, .bits = static_cast<uint8_t>(*bits)};
}

int64_t BitfieldType::read(std::string_view bytes, uint64_t bit_offset) const {
    uint64_t value = 0;
    for (uint64_t i = 0; i < bits; ++i)
        value = value << 1 | (bit_at(bytes, bit_offset + i) ? 1 : 0);
    return cut(*this, value);
}

void BitfieldType::write(std::string& bytes, uint64_t bit_offset, int64_t value) const {
    for (uint64_t i = 0; i < bits; ++i)
        set_bit(bytes, bit_offset + i, (static_cast<uint64_t>(value) >> (bits - 1 - i) & 1) != 0);
}

// Holds the sum of any two fields.
__extension__ using Wide = __int128;

std::optional<int64_t> add_in_field(BitfieldType type, int64_t value, int64_t increment, Overflow overflow) {
    const Wide one = 1;
    const Wide least = type.is_signed ? -(one << (type.bits - 1)) : 0;
    const Wide most = (one << (type.is_signed ? type.bits - 1 : type.bits)) - 1;
    const Wide start = type.is_signed ? Wide{value} : Wide{static_cast<uint64_t>(value)};
    const Wide sum = start + increment;
    if (sum >= least && sum <= most) return static_cast<int64_t>(sum);
    switch (overflow) {
        case Overflow::kWrap: return cut(type, static_cast<uint64_t>(sum));
        case Overflow::kSaturate: {
            // What SET gives a short signed field is above it for Redis, too, when it lies further below than 63 bits
            // say.
            const bool wraps_in_redis = type.is_signed && type.bits < 64 && most - start > INT64_MAX;
            return static_cast<int64_t>(sum > most || wraps_in_redis ? most : least);
        }
        case Overflow::kFail: break;
    }
    return std::nullopt;
}

}  // namespace kvorum::ops
