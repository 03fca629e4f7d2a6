// How many bytes a key counts for where the state is held against a limit of memory.
//
// A fixed formula over what replicas share, so that all of them count alike whatever their allocators do. It is a part
// of the log's meaning: commands are refused by it (ops/memory_limit.h), so it may not change for entries that exist.
// It comes near what a key takes in the map: its record, which is rounded up to a size class or lies in a block of its
// own, its slot, and its place in the order of deadlines. The sum that a large value keeps is not counted: it is less
// than 3 % of its record. Thread: any.
#pragma once

#include <cstdint>

#include "kv/record.h"

namespace kvorum::kv {

inline constexpr uint64_t kCountedSlotBytes = 16;
// Every key counts as one that was changed, which its record keeps 8 bytes of meta for, so that no change of a value
// makes the count depend on how often it was changed.
inline constexpr uint64_t kCountedHeaderBytes = 24;
inline constexpr uint64_t kCountedLeaseBytes = 8;
inline constexpr uint64_t kCountedDeadlineBytes = 32;  // in the record and in the order of deadlines
inline constexpr uint64_t kCountedClassBytes = 16;
// Records above this lie in blocks of coarser sizes, or of their own with about so much around them.
inline constexpr uint64_t kCountedLargeBytes = 1024;
inline constexpr uint64_t kCountedLargeBlockBytes = 48;

[[nodiscard]] constexpr uint64_t counted_bytes(uint64_t key_bytes, uint64_t value_bytes, bool has_deadline) {
    const uint64_t record_bytes = kCountedHeaderBytes + key_bytes + value_bytes;
    const uint64_t rounded_bytes = (record_bytes + kCountedClassBytes - 1) / kCountedClassBytes * kCountedClassBytes;
    return kCountedSlotBytes + rounded_bytes + (has_deadline ? kCountedDeadlineBytes : 0) +
           (record_bytes > kCountedLargeBytes ? kCountedLargeBlockBytes : 0);
}

[[nodiscard]] inline uint64_t counted_bytes(const Record& record) {
    return counted_bytes(record.key().size(), record.value_size(), record.expire_at_ms() != kNoExpiry) +
           (record.lease().is_none() ? 0 : kCountedLeaseBytes);
}

}  // namespace kvorum::kv
