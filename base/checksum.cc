// Compiled in: keys and small values are most of what is summed, and a call into the library costs as much as their
// sum.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checksum.h"

namespace kvorum {

uint64_t checksum64(Bytes bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }
uint64_t checksum64(Bytes bytes, uint64_t seed) { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed); }

}  // namespace kvorum
