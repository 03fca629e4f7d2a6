// XXH3 on long inputs, compiled for each kind of vectors that a processor may have. All give the same sums. Private to
// the checksum.
//
// Thread: any. A variant may be called only where the processor has its vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kvorum {

struct ChecksumVariant {
    const char* name;
    uint64_t (*sum)(const void* bytes, size_t size_bytes, uint64_t seed);
    void (*add)(void* state, const void* bytes, size_t size_bytes);  // `state` is XXH3's
};

// Those that this processor can run, the fastest first; every processor can run the last one.
[[nodiscard]] std::span<const ChecksumVariant* const> checksum_variants();

}  // namespace kvorum
