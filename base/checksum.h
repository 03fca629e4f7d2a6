// The one checksum of Kvorum: XXH3, 64 bits. Not cryptographic: it finds damage by accident, not by an attacker.
// Thread: any. On long inputs by the widest vectors of the processor (base/checksum_variants.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace kvorum {

[[nodiscard]] uint64_t checksum64(Bytes bytes);
[[nodiscard]] uint64_t checksum64(Bytes bytes, uint64_t seed);

// The same sum of bytes that come in pieces, however they were cut. One owner at a time; a copy goes on by itself.
class RunningChecksum {
 public:
    explicit RunningChecksum(uint64_t seed = 0);
    void add(Bytes piece);
    [[nodiscard]] uint64_t value() const;

 private:
    static constexpr size_t kStateBytes = 576;

    alignas(64) std::array<std::byte, kStateBytes> state_;  // XXH3_state_t
};

}  // namespace kvorum
