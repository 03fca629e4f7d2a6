// Judges whether what the clients of a store saw is linearizable (Herlihy and Wing, 1990): whether there is one order
// of all executed operations, and of any of the unknown ones, that respects real time and in which every reply is the
// one that a single sequential store gives.
//
// Operations that definitely failed are left out, so a reply that only they explain makes a history not linearizable.
// Unknown operations that change nothing are left out too. The history is split by key (linearizability is local); keys
// that one operation names belong together. Each part is searched by itself, small ones first, see sim/linear_search.h.
//
// Cost: about linear in the length of a history; exponential in the worst case in the number of operations of one part
// that are open at the same time, unknown ones until the end. Unique values, and parts with few unknown operations
// other than plain SETs, make it cheap.
//
// Thread: any; no state is shared. The verdict and the text depend on the input alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "sim/history.h"

namespace kvorum::sim {

enum class Verdict : uint8_t {
    kLinearizable,
    kNotLinearizable,
    kGaveUp,  // a limit was reached and no part was found wrong: says nothing. To be run again with higher limits,
              // never a pass.
};

struct CheckLimits {
    uint64_t steps_max = 1'000'000'000;    // operations tried, in all parts together; some 10^6 a second
    uint64_t memory_bytes_max = 4 * kGiB;  // of one part's search; an estimate
};

// Why a history is not linearizable: everything up to just before the culprit's reply is, with that reply it is not.
struct Anomaly {
    std::vector<std::string> keys;  // of the part, sorted
    Operation culprit;
    size_t explained = 0;  // operations of the part that were answered before the culprit, all of which have an order
    std::vector<Operation> order;  // the end of one such order, at most kAnomalyOrderMax
    std::vector<std::pair<std::string, std::optional<std::string>>> state;  // the culprit's keys after that order
    std::vector<Operation>
        open;  // of the part, open at the time of the culprit's reply (unknown ones from long before included)
    std::vector<Operation> related;  // those that name a value which the culprit returned, whatever their outcome
};
inline constexpr size_t kAnomalyOrderMax = 12;

struct CheckReport {
    Verdict verdict = Verdict::kLinearizable;
    std::optional<Anomaly> anomaly;  // kNotLinearizable; none if the limits ended the search for the culprit
    std::string explanation;         // several lines for people; empty for a linearizable history
    size_t parts = 0;
    size_t operations = 0;  // that had to be considered
    uint64_t steps = 0;
    uint64_t memory_bytes_peak = 0;
};

// Every operation must be valid (see validate()).
[[nodiscard]] CheckReport check_linearizability(const History& history, const CheckLimits& limits = {});

}  // namespace kvorum::sim
