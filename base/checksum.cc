// Compiled in: keys and small values are most of what is summed, and a call into the library costs as much as their
// sum.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checksum.h"
#include "base/checksum_variants.h"

namespace kvorum {
namespace {

// Shorter inputs are summed without vectors.
constexpr size_t kShortBytesMax = XXH3_MIDSIZE_MAX;

[[gnu::noinline]] uint64_t long_sum(Bytes bytes, uint64_t seed) {
    return checksum_variants().front()->sum(bytes.data(), bytes.size(), seed);
}

}  // namespace

uint64_t checksum64(Bytes bytes) {
    if (bytes.size() > kShortBytesMax) return long_sum(bytes, 0);
    return XXH3_64bits(bytes.data(), bytes.size());
}

uint64_t checksum64(Bytes bytes, uint64_t seed) {
    if (bytes.size() > kShortBytesMax) return long_sum(bytes, seed);
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

RunningChecksum::RunningChecksum(uint64_t seed) {
    static_assert(sizeof(XXH3_state_t) <= kStateBytes && alignof(XXH3_state_t) <= kStateAlignment);
    XXH3_64bits_reset_withSeed(reinterpret_cast<XXH3_state_t*>(state()), seed);
}

void RunningChecksum::add(Bytes piece) { checksum_variants().front()->add(state(), piece.data(), piece.size()); }

uint64_t RunningChecksum::value() const { return XXH3_64bits_digest(reinterpret_cast<const XXH3_state_t*>(state())); }

}  // namespace kvorum
