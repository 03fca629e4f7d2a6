#include "ops/crc64.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace kvorum::ops {
namespace {

constexpr uint64_t kPolynomial = 0x95ac9329ac4bc9b5;  // ad93d23594c935a9, its bits in the other order
constexpr size_t kSlices = 16;                        // bytes a step

using Tables = std::array<std::array<uint64_t, 256>, kSlices>;

// tables[k][b]: what byte b does to the sum with k bytes behind it.
Tables make_tables() {
    Tables tables{};
    for (uint64_t byte = 0; byte < 256; ++byte) {
        uint64_t crc = byte;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 1) != 0 ? crc >> 1 ^ kPolynomial : crc >> 1;
        tables[0][byte] = crc;
    }
    for (size_t slice = 1; slice < kSlices; ++slice) {
        for (size_t byte = 0; byte < 256; ++byte)
            tables[slice][byte] = tables[slice - 1][byte] >> 8 ^ tables[0][tables[slice - 1][byte] & 0xff];
    }
    return tables;
}

}  // namespace

uint64_t crc64(std::string_view bytes, uint64_t before) {
    static const Tables kTables = make_tables();
    uint64_t crc = before;
    for (; bytes.size() >= kSlices; bytes.remove_prefix(kSlices)) {
        uint64_t low = 0;
        uint64_t high = 0;
        std::memcpy(&low, bytes.data(), sizeof(low));
        std::memcpy(&high, bytes.data() + sizeof(low), sizeof(high));
        low ^= crc;
        crc = 0;
        for (size_t i = 0; i < 8; ++i) {
            crc ^= kTables[15 - i][low >> 8 * i & 0xff];
            crc ^= kTables[7 - i][high >> 8 * i & 0xff];
        }
    }
    for (const char byte : bytes)
        crc = crc >> 8 ^ kTables[0][(crc ^ static_cast<uint8_t>(byte)) & 0xff];
    return crc;
}

}  // namespace kvorum::ops
