// The search for one linearization of one partition: Wing and Gong's tree search with Lowe's memoisation ("Testing for
// linearizability", 2017), depth first.
//
// A node of the search is a configuration: which executed operations were placed, which unknown ones took effect, and
// the state. No configuration is entered twice. The placed set is stored as the first reply (in the order of replies)
// not yet placed, and which later ones were placed early: a few words, whatever the length of the history.
//
// What keeps the search short, each with its reason ("completion" is a way to place what is left):
// 1. An executed operation that changes nothing and fits now is placed at once, with no alternative: wherever a
//    completion has it, it may stand here.
// 2. Equal operations are interchangeable: of executed ones the one with the earliest reply goes first, of unknown ones
//    the one that was invoked first.
// 3. Unknown operations are tried last, and only where they may matter. Of all completions with the fewest unknown
//    operations take one that has them latest. In it every unknown operation changes the state; the next operation
//    that shares a key with it does not simply replace all that it wrote (it could be left out); and that next
//    operation comes no later than the next executed one (else it could stand behind that). An unknown operation that
//    still waits for the operation that it serves is *pending*; an executed operation may leave none pending.
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
