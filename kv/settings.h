// What apply is told by the log and keeps in the state: every replica carries an entry out by the same settings, also
// at a replay years later under other options.
//
// A setting is changed by an operation record in front of a batch (ops/log_record.h). Numbers are in the log for ever:
// never renumber one, never use one again. Thread: any.
#pragma once

#include <cstdint>
#include <optional>

namespace kvorum::kv {

enum class Setting : uint16_t {
    // Drawn by the first leader, so that nobody outside can choose keys that collide. The first one counts: two leaders
    // may each have proposed one, and every later one is ignored. A state without one has no keys.
    kHashSeed = 1,
    kTombstonesMax = 2,
    kTombstoneBytesMax = 3,
    kExpiriesPerEntryMax = 4,  // not 0
};

struct StateSettings {
    std::optional<uint64_t> hash_seed{};  // of the map, and so of the order of SCAN
    uint64_t tombstones_max = 0;          // kv/tombstones.h
    uint64_t tombstone_bytes_max = 0;
    uint64_t expiries_per_entry_max = 1000;  // due keys that an entry removes at most
};

}  // namespace kvorum::kv
