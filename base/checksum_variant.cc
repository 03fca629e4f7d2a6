// Compiled once for each kind of vectors, with KVORUM_CHECKSUM_VARIANT as the name of what it defines (CMakeLists.txt).
// It uses no inline function that other files may use too: the linker keeps one of all copies, and the one from here
// would run into instructions that the processor may not have.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checksum_variants.h"

namespace kvorum {
namespace {

constexpr const char* kName = XXH_VECTOR == XXH_AVX2 ? "avx2" : "plain";

uint64_t sum(const void* bytes, size_t size_bytes, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, size_bytes, seed);
}

void add(void* state, const void* bytes, size_t size_bytes) {
    XXH3_64bits_update(static_cast<XXH3_state_t*>(state), bytes, size_bytes);
}

}  // namespace

extern const ChecksumVariant KVORUM_CHECKSUM_VARIANT;
const ChecksumVariant KVORUM_CHECKSUM_VARIANT{kName, sum, add};

}  // namespace kvorum
