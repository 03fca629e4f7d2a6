// The search for one linearization of one partition: Wing and Gong's tree search with Lowe's memoisation ("Testing for
// linearizability", 2017), depth first.
//
// A node of the search is a configuration: which executed operations were placed, which unknown ones were used, and the
// state. The placed set is stored as what Lowe's just-in-time linearization needs: the first reply (in the order of
// replies) not yet placed, and which of the operations open at that moment were placed early. So a node takes a few
// words, whatever the length of the history.
//
// Operations of unknown outcome need not be placed, and each may be placed at any time after its invocation. Without
// care, n of them make 2^n configurations. What is done about them, each with its reason ("completion" is a way to
// place what is left):
// 1. Equal unknown operations form a class, used in the order of their invocations. They are interchangeable, and the
// earliest may stand
//    wherever a later one stands.
// 2. A node is skipped if one was visited with the same placed set and state and with a subset of its uses. Every
// completion of the
//    larger is one of the smaller, as unused operations may stay unused.
// 3. Unknown operations are placed only as a chain right before an executed one, and only in chains that no shorter or
// later placement
//    replaces: of all completions with the fewest uses take one that uses them latest. In it every use changes the
//    state; none is directly followed by an operation that overwrites, unseen, all it wrote (it could be left out);
//    each shares a key with a later member of the chain or with the executed operation (else it could stand behind it);
//    and no chain goes on after the point where an operation that changes nothing already fits. So if there is a
//    completion, there is one that the search tries.
// 4. A chain is followed only while what the executed operation requires of each key is there or may still come from an
// unused operation. And about executed operations:
// 5. One that changes nothing and fits now is placed at once, with no alternative: wherever a completion has it, it may
// stand here.
// 6. Doomed states are refused, see RegisterModel.
//
// Configurations are compared by value; hashes only find them. Thread: one owner. The result depends on the input
// alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/history.h"

namespace kvorum::sim {

// What a search may still spend; searches of one check share it.
struct SearchBudget {
    uint64_t steps_left = 0;  // operations tried
    uint64_t memory_bytes_max = 0;
    uint64_t memory_bytes_peak = 0;
};

enum class SearchVerdict : uint8_t { kFound, kNone, kGaveUp };

struct SearchResult {
    SearchVerdict verdict = SearchVerdict::kNone;
    std::vector<const Operation*>
        order;  // kFound: every executed operation and the unknown ones that took effect, in an order that explains all
};

// `operations` are executed or unknown, in any order. Limits: 2^32 - 2 operations.
[[nodiscard]] SearchResult find_linearization(std::span<const Operation* const> operations, SearchBudget& budget);

}  // namespace kvorum::sim
