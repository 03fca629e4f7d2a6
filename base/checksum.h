// The one checksum of Kvorum: XXH3, 64 bits. Not cryptographic: it finds damage by accident, not by an attacker.
// Thread: any. About 0.1 ns a byte on long inputs.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"

struct XXH3_state_s;

namespace kvorum {

[[nodiscard]] uint64_t checksum64(Bytes bytes);
[[nodiscard]] uint64_t checksum64(Bytes bytes, uint64_t seed);

// The same sum of bytes that come in pieces, however they were cut. One owner at a time.
class RunningChecksum {
 public:
    explicit RunningChecksum(uint64_t seed = 0);
    void add(Bytes piece);
    [[nodiscard]] uint64_t value() const;

 private:
    struct Free {
        void operator()(XXH3_state_s* state) const;
    };
    std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace kvorum
