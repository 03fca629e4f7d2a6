// A value as DUMP writes and RESTORE takes it: Redis' RDB form (version 10, Redis 7.0), a version and a CRC-64 behind
// it. Strings only. Private to kv.
//
// What is written is not compressed; what is read may be (LZF). Input is a stranger's: any bytes are taken, and sizes
// are checked before anything is allocated. Pure; thread: any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvorum::kv {

[[nodiscard]] std::string dump_payload(std::string_view value);
// The same of a large value, in parts: what stands in front of the value, the value itself, and what stands behind it,
// given the CRC-64 of both.
[[nodiscard]] std::string dump_head(uint64_t value_bytes);
[[nodiscard]] std::string dump_footer(uint64_t crc);

enum class DumpError {
    kNone,
    kChecksum,  // too short, from a later version, or changed on the way
    kFormat,    // not a string, or damaged
    kTooLong,   // a string above kValueSizeMax
};

// The CRC-64 that stands at the end of a payload is of these bytes.
[[nodiscard]] inline std::string_view summed_bytes(std::string_view payload) {
    return payload.substr(0, payload.size() - std::min(payload.size(), sizeof(uint64_t)));
}

// `storage` owns the value, unless it lies in `payload` as it is. `crc`: of summed_bytes(), if it is known already.
[[nodiscard]] DumpError parse_dump_payload(std::string_view payload, std::string& storage, std::string_view& value,
                                           std::optional<uint64_t> crc = std::nullopt);

}  // namespace kvorum::kv
