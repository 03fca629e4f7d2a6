// CRC-64 of Redis' files and payloads: Jones' polynomial, reflected, no inversion; "123456789" gives e9c6d914c4b8d9ca.
//
// Pure; thread: any. About 2 GB/s: 16 MiB take 8 ms.
#pragma once

#include <cstdint>
#include <string_view>

namespace kvorum::ops {

// `before`: of the bytes that stand in front of these.
[[nodiscard]] uint64_t crc64(std::string_view bytes, uint64_t before = 0);

}  // namespace kvorum::ops
