// The one checksum of Kvorum: XXH3, 64 bits. Not cryptographic: it finds damage by accident, not by an attacker.
// Thread: any. About 0.1 ns a byte on long inputs.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace kvorum {

[[nodiscard]] uint64_t checksum64(Bytes bytes);
[[nodiscard]] uint64_t checksum64(Bytes bytes, uint64_t seed);

}  // namespace kvorum
