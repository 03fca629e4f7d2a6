// Majority arithmetic, shared by commitment (thesis 3.6.2), read rounds (6.4) and check-quorum (6.2).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/assert.h"
#include "base/mutants.h"
#include "raft/members.h"
#include "raft/raft.h"

namespace kvorum::raft {

[[nodiscard]] inline size_t majority_of(size_t voters) {
    if (is_mutant(Mutant::kQuorumOfHalf)) return std::max<size_t>(voters / 2, 1);
    return voters / 2 + 1;
}

// One value of every voter, for questions of the kind "what have most of them reached?". On the stack, at most
// kVotersMax values.
template <typename T>
class QuorumValues {
 public:
    void add(T value) {
        KVORUM_ASSERT(size_ < values_.size());
        values_[size_++] = value;
    }

    // The largest value that a majority has reached or passed. At least one value must have been added; reorders the
    // values.
    [[nodiscard]] T reached_by_majority() {
        KVORUM_ASSERT(size_ > 0);
        const auto end = values_.begin() + static_cast<ptrdiff_t>(size_);
        const auto nth = end - static_cast<ptrdiff_t>(majority_of(size_));
        std::nth_element(values_.begin(), nth, end);
        return *nth;
    }

 private:
    std::array<T, kVotersMax> values_{};
    size_t size_ = 0;
};

// What a majority of every set that is in force has reached. There is a voter.
template <typename ValueOf>
[[nodiscard]] auto reached_by_every_majority(const Members& members, ValueOf value_of) {
    using T = decltype(value_of(NodeId{}));
    const auto reached_by = [&](const std::vector<NodeId>& voters) {
        QuorumValues<T> values;
        for (const NodeId voter : voters)
            values.add(value_of(voter));
        return values.reached_by_majority();
    };
    const T reached = reached_by(members.voters);
    return members.is_joint() ? std::min(reached, reached_by(members.outgoing)) : reached;
}

}  // namespace kvorum::raft
