#include "tools/load_hdr_log.h"

#include <absl/strings/escaping.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kvorum::tools::load {
namespace {

constexpr uint32_t kCookie = 0x1c849313;            // V2, words of any length
constexpr uint32_t kCompressedCookie = 0x1c849314;  // V2, zlib behind it
constexpr uint32_t kDigits = 3;
constexpr uint64_t kHighestUs = uint64_t{1} << 31;  // above what Histogram keeps
constexpr uint64_t kNsPerUs = 1000;

// Three digits need 2000 values at a resolution of one: 2048 steps in the first octaves, then 1024 in each.
constexpr unsigned kHalfBits = 10;
constexpr uint64_t kHalfCount = uint64_t{1} << kHalfBits;

size_t index_of(uint64_t value) {
    const auto bucket = static_cast<uint64_t>(std::bit_width(value | (2 * kHalfCount - 1))) - (kHalfBits + 1);
    return ((bucket + 1) << kHalfBits) + (value >> bucket) - kHalfCount;
}

template <typename Integer>
void append_big_endian(std::string& out, Integer value) {
    for (int shift = 8 * (static_cast<int>(sizeof(Integer)) - 1); shift >= 0; shift -= 8)
        out += static_cast<char>(value >> shift);
}

// Seven bits a byte, lowest first; the ninth byte, if it comes to that, has eight.
void append_zigzag(std::string& out, int64_t signed_value) {
    auto value = static_cast<uint64_t>((signed_value << 1) ^ (signed_value >> 63));
    for (int byte = 0; byte < 8 && value >= 0x80; ++byte) {
        out += static_cast<char>(value | 0x80);
        value >>= 7;
    }
    out += static_cast<char>(value);
}

std::string encode_counts(const std::vector<uint64_t>& counts) {
    std::string out;
    for (size_t i = 0; i < counts.size();) {
        size_t zeros = 0;
        while (i + zeros < counts.size() && counts[i + zeros] == 0)
            ++zeros;
        if (zeros > 1) {
            append_zigzag(out, -static_cast<int64_t>(zeros));
            i += zeros;
        } else {
            append_zigzag(out, static_cast<int64_t>(counts[i++]));
        }
    }
    return out;
}

uint32_t adler32(std::string_view bytes) {
    constexpr uint32_t kModulus = 65521;
    uint32_t low = 1;
    uint32_t high = 0;
    for (const char byte : bytes) {
        low = (low + static_cast<uint8_t>(byte)) % kModulus;
        high = (high + low) % kModulus;
    }
    return high << 16 | low;
}

// zlib without compression: the runs of zeros are what there was to save.
std::string zlib_stored(std::string_view bytes) {
    constexpr size_t kBlockMax = 65535;
    std::string out = "\x78\x01";
    const uint32_t checksum = adler32(bytes);
    do {
        const std::string_view block = bytes.substr(0, kBlockMax);
        bytes.remove_prefix(block.size());
        const auto size = static_cast<uint16_t>(block.size());
        out += static_cast<char>(bytes.empty() ? 1 : 0);  // the last one
        for (const uint16_t word : {size, static_cast<uint16_t>(~size)}) {
            out += static_cast<char>(word);
            out += static_cast<char>(word >> 8);
        }
        out += block;
    } while (!bytes.empty());
    append_big_endian(out, checksum);
    return out;
}

}  // namespace

std::string hdr_compressed_log(const Histogram& nanoseconds) {
    std::vector<uint64_t> counts;
    nanoseconds.for_each([&](uint64_t value_ns, uint64_t count) {
        const size_t index = index_of(std::clamp<uint64_t>(value_ns / kNsPerUs, 1, kHighestUs));
        counts.resize(std::max(counts.size(), index + 1));
        counts[index] += count;
    });
    const std::string payload = encode_counts(counts);
    std::string log;
    append_big_endian(log, kCookie);
    append_big_endian(log, static_cast<uint32_t>(payload.size()));
    append_big_endian(log, uint32_t{0});  // the first index is index 0
    append_big_endian(log, kDigits);
    append_big_endian(log, uint64_t{1});
    append_big_endian(log, kHighestUs);
    append_big_endian(log, std::bit_cast<uint64_t>(1.0));  // integers stand for themselves
    log += payload;
    const std::string compressed = zlib_stored(log);
    std::string out;
    append_big_endian(out, kCompressedCookie);
    append_big_endian(out, static_cast<uint32_t>(compressed.size()));
    return absl::Base64Escape(out + compressed);
}

}  // namespace kvorum::tools::load
