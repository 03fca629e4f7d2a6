// When keys were removed that are not there any more: the newest removals, up to a number and a size, and a floor at or
// below which a removal may be unknown. A part of the state, so that every replica answers alike when a key changed
// last (Store::last_change).
//
// A key that is put again has its own revision, and its tombstone goes. Thread: the owning core. Limits: both may be 0,
// and then nothing is stored and only the floor moves.
#pragma once

#include <absl/container/btree_map.h>

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace kvorum::kv {

class Tombstones {
 public:
    // What one counts for beside its key, by a formula that replicas share.
    static constexpr uint64_t kCountedBytes = 128;

    // Forgets the oldest beyond the limits; returns how many that were.
    uint64_t set_limits(uint64_t count_max, uint64_t bytes_max);
    // `revision` is not below those of before. The key has no tombstone.
    void add(std::string_view key, Revision revision) {
        if (count_max_ == 0) {
            floor_ = revision;
        } else {
            store(key, revision);
        }
    }
    void remove(std::string_view key) {
        if (!by_key_.empty()) take(key);
    }
    // All keys were removed: by `revision`, which becomes the floor.
    void clear(Revision revision);
    // Of a snapshot, before any is added, from the oldest on.
    void restore_floor(Revision floor) { floor_ = floor; }

    // None: there is no tombstone of it.
    [[nodiscard]] Revision find(std::string_view key) const;
    [[nodiscard]] Revision floor() const { return floor_; }
    [[nodiscard]] uint64_t counted_bytes() const { return bytes_; }
    [[nodiscard]] uint64_t count() const { return by_key_.size(); }
    // Does not depend on the order in which they came.
    [[nodiscard]] uint64_t hash() const { return hash_sum_; }
    // From the oldest on.
    void for_each(const std::function<void(std::string_view key, Revision revision)>& visit) const;
    // Frees a slice of what clear() removed. True when there is more.
    bool release_cleared();

 private:
    struct Tombstone {
        std::string key;
        Revision revision;
    };
    using Order = std::list<Tombstone>;

    void store(std::string_view key, Revision revision);
    void take(std::string_view key);
    void unlink(Order::iterator tombstone);
    uint64_t forget_beyond_limits();

    uint64_t count_max_ = 0;
    uint64_t bytes_max_ = 0;
    uint64_t bytes_ = 0;
    uint64_t hash_sum_ = 0;
    Revision floor_;
    Order order_;  // from the oldest on
    absl::btree_map<std::string_view, Order::iterator> by_key_;
    std::vector<absl::btree_map<std::string_view, Order::iterator>> cleared_keys_;
    Order cleared_;
};

}  // namespace kvorum::kv
