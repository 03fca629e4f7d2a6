// A seeded pseudo-random generator (xoshiro256**, seeded by splitmix64): the same seed gives the same sequence on every
// machine. Every random decision of a node comes from a Prng that its owner was handed; nothing else may be a source of
// randomness. Thread: one owner.
#pragma once

#include <bit>
#include <cstdint>

#include "base/assert.h"

namespace kvorum {

class Prng {
 public:
    explicit Prng(uint64_t seed) {
        for (uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15ULL;
            uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
            word = z ^ (z >> 31);
        }
    }

    uint64_t next() {
        const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

    // A number in [0, bound). The bias of the multiply-shift is below 2^-32 for every bound used here.
    uint64_t below(uint64_t bound) {
        KVORUM_ASSERT(bound > 0);
        __extension__ using Wide = unsigned __int128;
        return static_cast<uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
    }

    // A number in [low, high], both included.
    uint64_t between(uint64_t low, uint64_t high) {
        KVORUM_ASSERT(low <= high, "low {} high {}", low, high);
        return low + below(high - low + 1);
    }

    // True with probability numerator / denominator.
    bool chance(uint64_t numerator, uint64_t denominator) { return below(denominator) < numerator; }

 private:
    uint64_t state_[4];
};

}  // namespace kvorum
