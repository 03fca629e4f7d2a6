#include <array>

#include "redis/server_commands.h"

namespace kvorum::redis {
namespace {

constexpr uint16_t kSlotMask = 16384 - 1;

// CRC-16/XMODEM: polynomial 0x1021, start 0, not reflected (Redis Cluster specification, appendix A).
constexpr std::array<uint16_t, 256> make_crc16_table() {
    std::array<uint16_t, 256> table{};
    for (uint32_t byte = 0; byte < 256; ++byte) {
        uint32_t crc = byte << 8;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 0x8000u) != 0 ? (crc << 1) ^ 0x1021u : crc << 1;
        }
        table[byte] = static_cast<uint16_t>(crc);
    }
    return table;
}

constexpr auto kCrc16Table = make_crc16_table();

uint16_t crc16(std::string_view bytes) {
    uint32_t crc = 0;
    for (const char byte : bytes) {
        crc = ((crc << 8) ^ kCrc16Table[((crc >> 8) ^ static_cast<uint8_t>(byte)) & 0xff]) & 0xffff;
    }
    return static_cast<uint16_t>(crc);
}

// What stands between the first '{' and the first '}' behind it, when that is not empty; else the whole key.
std::string_view hashed_part(std::string_view key) {
    const size_t open = key.find('{');
    if (open == std::string_view::npos) return key;
    const size_t close = key.find('}', open + 1);
    if (close == std::string_view::npos || close == open + 1) return key;
    return key.substr(open + 1, close - open - 1);
}

}  // namespace

uint16_t hash_slot(std::string_view key) { return crc16(hashed_part(key)) & kSlotMask; }

}  // namespace kvorum::redis
