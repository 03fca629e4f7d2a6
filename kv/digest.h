// The parts of the state's hash. Private to the store.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/checksum.h"
#include "kv/record.h"

namespace kvorum::kv {

// Every bit of the result depends on every bit of `x`; different ones have different results.
inline uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

// `value_sum` is the checksum of the value from the record's meta_hash() on.
inline uint64_t digest(uint64_t key_hash, uint64_t value_sum) { return mix(key_hash ^ value_sum); }

// `value` is the record's, from wherever it is read faster.
inline uint64_t digest(uint64_t key_hash, const Record& record, std::string_view value) {
    return digest(key_hash, checksum64(as_bytes(value), record.meta_hash()));
}
inline uint64_t digest(uint64_t key_hash, const Record& record) { return digest(key_hash, record, record.value()); }

}  // namespace kvorum::kv
