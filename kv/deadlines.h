// The order in which keys fall due. Private to the store.
//
// Thread: the owning core. Ownership: the records are the map's; an entry goes, or gets the new record, in the step in
// which its record is taken out of the map.
#pragma once

#include <absl/container/btree_set.h>

#include <cstdint>
#include <string_view>

#include "kv/record.h"

namespace kvorum::kv {

struct DeadlineView {
    int64_t expire_at_ms;
    std::string_view key;
};

// Of a record that is in the map.
struct Deadline {
    int64_t expire_at_ms;
    mutable const Record* record;  // changes with the value, the order does not

    operator DeadlineView() const { return {expire_at_ms, record->key()}; }  // NOLINT(google-explicit-constructor)
};

struct EarlierDeadline {
    using is_transparent = void;
    bool operator()(const DeadlineView& a, const DeadlineView& b) const {
        if (a.expire_at_ms != b.expire_at_ms) return a.expire_at_ms < b.expire_at_ms;
        return a.key < b.key;
    }
};

using Deadlines = absl::btree_set<Deadline, EarlierDeadline>;

// Nodes of the tree are three quarters full on average.
inline constexpr uint64_t kDeadlineBytes = sizeof(Deadline) * 4 / 3;

}  // namespace kvorum::kv
