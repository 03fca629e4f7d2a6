// Payloads of RESTORE as Redis 7.0 writes them, compressed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "ops/crc64.h"

namespace kvorum::ops {

// `bytes` with version and checksum behind them.
inline std::string sealed_payload(std::string bytes) {
    bytes += std::string("\x0a\0", 2);
    const uint64_t sum = crc64(bytes);
    for (unsigned i = 0; i < 8; ++i)
        bytes += static_cast<char>(sum >> 8 * i);
    return bytes;
}

// Of `size` times the same byte: 3 bytes for every 264 of them.
inline std::string compressed_payload(char byte, size_t size) {
    constexpr size_t kRepetitionMax = 264;
    constexpr size_t kRepetitionMin = 9;  // with a length of its own
    std::string compressed{'\0', byte};
    size_t left = size - 1;
    while (left >= kRepetitionMin) {
        const size_t length = std::min(left, kRepetitionMax);
        compressed += {'\xe0', static_cast<char>(length - kRepetitionMin), '\0'};
        left -= length;
    }
    for (; left > 0; --left)
        compressed += {'\0', byte};
    std::string bytes("\0\xc3", 2);
    for (const size_t number : {compressed.size(), size}) {
        bytes += '\x80';
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes += static_cast<char>(number >> shift);
    }
    return sealed_payload(bytes + compressed);
}

}  // namespace kvorum::ops
