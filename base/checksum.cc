#include "base/checksum.h"

#include <xxhash.h>

namespace kvorum {

uint64_t checksum64(Bytes bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }
uint64_t checksum64(Bytes bytes, uint64_t seed) { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed); }

}  // namespace kvorum
