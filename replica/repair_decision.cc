#include "replica/repair_decision.h"

#include <algorithm>
#include <tuple>

namespace kvorum::replica {

RepairDecision decide_repair(std::span<const RepairAnswer> answers, size_t peer_count, Term own_last_term) {
    const auto is_other = [](const RepairAnswer& answer) { return answer.outcome == peers::RepairOutcome::kOther; };
    raft::EntryId best;
    LogIndex snapshot;
    for (const RepairAnswer& answer : answers) {
        const bool is_lower = snapshot.is_none() || answer.at.index < snapshot;
        if (answer.outcome == peers::RepairOutcome::kInSnapshot && is_lower) snapshot = answer.at.index;
        const bool better = std::tuple(answer.at.term, answer.at.index) > std::tuple(best.term, best.index);
        if (is_other(answer) && better) best = answer.at;
    }
    if (best.term > own_last_term) return {RepairAction::kEndAt, best, {}};
    if (!snapshot.is_none()) return {RepairAction::kNeedsSnapshot, {}, snapshot};
    if (answers.size() < peer_count) return {};
    const bool nobody = peer_count > 0 && std::all_of(answers.begin(), answers.end(), is_other);
    if (nobody) return {RepairAction::kEndAt, best, {}};
    return {RepairAction::kLost, {}, {}};
}

}  // namespace kvorum::replica
