#include "base/checksum.h"

#include <xxhash.h>

#include "base/assert.h"

namespace kvorum {

uint64_t checksum64(Bytes bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }
uint64_t checksum64(Bytes bytes, uint64_t seed) { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed); }

void RunningChecksum::Free::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

RunningChecksum::RunningChecksum(uint64_t seed) : state_(XXH3_createState()) {
    KVORUM_ASSERT(state_ != nullptr, "no memory for a checksum");
    XXH3_64bits_reset_withSeed(state_.get(), seed);
}

void RunningChecksum::add(Bytes piece) { XXH3_64bits_update(state_.get(), piece.data(), piece.size()); }

uint64_t RunningChecksum::value() const { return XXH3_64bits_digest(state_.get()); }

}  // namespace kvorum
