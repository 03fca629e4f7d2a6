// What was handed out to be written and is not known to be durable yet, and what is.
//
// Each Output that has something to persist is a unit. A completion belongs to a unit, not to an index: an entry can be
// written, replaced, and written again with the same (term, index) while the first write is still in flight, and then
// the first completion proves nothing about the third. So each unit remembers how much of it is still part of the log,
// and truncation lowers that.
//
// Thread: the owning core. Bound: one small record a unit in flight.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace kvorum::raft {

class PersistQueue {
 public:
    explicit PersistQueue(LogIndex durable_index) : durable_index_(durable_index) {}

    // Every entry of the current log up to here is durable.
    [[nodiscard]] LogIndex durable_index() const { return durable_index_; }
    // The latest hard state that is durable, by the number that its unit was begun with.
    [[nodiscard]] uint64_t durable_hard_version() const { return durable_hard_version_; }

    // `term`/`index`: the last entry of the unit; none if it has no entries, and then `hard_version` is new.
    void begin_unit(Term term, LogIndex index, uint64_t hard_version);
    // Entries from `first_removed` on were replaced.
    void on_truncated(LogIndex first_removed);
    // A snapshot that is durable took the place of the log up to `base`, and of what came behind it.
    void on_replaced(LogIndex base);
    // The oldest unit in flight that ends with (term, index) is durable, and all before it. False if there is none
    // such.
    [[nodiscard]] bool complete(Term term, LogIndex index);

 private:
    struct Unit {
        Term term;
        LogIndex index;
        LogIndex valid_index;  // the log is unchanged since this unit up to here
        uint64_t hard_version;
    };

    std::vector<Unit> units_;
    LogIndex durable_index_;
    uint64_t durable_hard_version_ = 0;
};

}  // namespace kvorum::raft
