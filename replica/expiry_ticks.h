// Decides when a leader proposes an entry that does nothing but let log time advance, so that keys fall due although
// nobody writes.
//
// Pure: it is told the times and what is on its way. Thread: the owning core.
#pragma once

#include <cstdint>

namespace kvorum::replica {

// Of the group, while this node leads it.
struct TickFacts {
    bool due_remain = false;          // keys are due that no entry has removed yet
    bool mid_entry = false;           // an entry is applied in part
    uint64_t entries_on_the_way = 0;  // in the log and not applied
};

class ExpiryTicks {
 public:
    // While keys are due, so many entries are on their way that will remove some.
    static constexpr uint64_t kTicksInFlightMax = 4;

    // More keys are due than the entries on their way will remove.
    [[nodiscard]] bool more_are_needed(const TickFacts& facts) const {
        return facts.due_remain && !refused_ && !facts.mid_entry && facts.entries_on_the_way < kTicksInFlightMax;
    }
    // The earliest deadline of a key is `due_ms`; by the log's clock it is `now_ms`, and the last entry says
    // `last_log_time_ms`.
    [[nodiscard]] bool is_due(int64_t due_ms, int64_t now_ms, int64_t last_log_time_ms, const TickFacts& facts) const {
        if (due_ms > now_ms) return false;
        // An entry that is already in the log with a later time will expire the key; a second tick would say nothing
        // new.
        return last_log_time_ms < due_ms || more_are_needed(facts);
    }

    // Not accepted under overload: then batches carry the time forward, and no more are needed before an entry is
    // applied.
    void proposed(bool accepted) { refused_ = !accepted; }
    void entry_applied() { refused_ = false; }

 private:
    bool refused_ = false;
};

}  // namespace kvorum::replica
