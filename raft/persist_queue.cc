#include "raft/persist_queue.h"

#include <algorithm>

#include "base/assert.h"
#include "base/mutants.h"

namespace kvorum::raft {

void PersistQueue::begin_unit(Term term, LogIndex index, uint64_t hard_version) {
    KVORUM_ASSERT(units_.empty() || units_.back().hard_version <= hard_version);
    units_.push_back({term, index, index, hard_version});
}

void PersistQueue::on_truncated(LogIndex first_removed) {
    const LogIndex last_kept = first_removed - 1;
    durable_index_ = std::min(durable_index_, last_kept);
    if (is_mutant(Mutant::kIgnoreAppendEpoch)) return;
    for (Unit& unit : units_)
        unit.valid_index = std::min(unit.valid_index, last_kept);
}

void PersistQueue::on_replaced(LogIndex base) {
    durable_index_ = base;
    for (Unit& unit : units_)
        unit.valid_index = LogIndex{};
}

bool PersistQueue::complete(Term term, LogIndex index) {
    const auto unit = std::find_if(units_.begin(), units_.end(),
                                   [&](const Unit& each) { return each.term == term && each.index == index; });
    if (unit == units_.end()) return false;
    for (auto each = units_.begin(); each <= unit; ++each) {
        durable_index_ = std::max(durable_index_, each->valid_index);
        durable_hard_version_ = each->hard_version;
    }
    units_.erase(units_.begin(), unit + 1);
    return true;
}

}  // namespace kvorum::raft
