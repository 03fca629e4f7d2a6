// The parts of the state's hash. Private to the store.
//
// Thread: any.
#pragma once

#include <cstdint>

#include "kv/record.h"

namespace kvorum::kv {

// Every bit of the result depends on every bit of `x`; different ones have different results.
inline uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

// Of a record with this meta_hash() and value_sum().
inline uint64_t digest(uint64_t key_hash, uint64_t meta_hash, uint64_t value_sum) {
    return mix(key_hash ^ value_sum ^ mix(meta_hash));
}
inline uint64_t digest(uint64_t key_hash, const Record& record) {
    return digest(key_hash, record.meta_hash(), record.value_sum());
}

}  // namespace kvorum::kv
