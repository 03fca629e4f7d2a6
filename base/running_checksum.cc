#include <xxhash.h>

#include "base/assert.h"
#include "base/checksum.h"

namespace kvorum {

void RunningChecksum::Free::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

RunningChecksum::RunningChecksum(uint64_t seed) : state_(XXH3_createState()) {
    KVORUM_ASSERT(state_ != nullptr, "no memory for a checksum");
    XXH3_64bits_reset_withSeed(state_.get(), seed);
}

void RunningChecksum::add(Bytes piece) { XXH3_64bits_update(state_.get(), piece.data(), piece.size()); }

uint64_t RunningChecksum::value() const { return XXH3_64bits_digest(state_.get()); }

}  // namespace kvorum
