// The log as a group sees it: units go in, and one number says how far they are durable.
//
// Thread: the owning core. Suspension: read() alone; several may run. Errors: what cannot be written ends the node
// through IoBackend::halt(), and nothing is durable from then on.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "raft/entry.h"
#include "raft/log_base.h"
#include "raft/types.h"
#include "reactor/task.h"

namespace kvorum::replica {

class LogPort {
 public:
    LogPort() = default;
    LogPort(const LogPort&) = delete;
    LogPort& operator=(const LogPort&) = delete;
    virtual ~LogPort() = default;

    // Queues one unit, which leaves at the end of the turn, and returns its id. Ids ascend. An entry whose index is not
    // above the last one's replaces that entry and everything behind it.
    [[nodiscard]] virtual uint64_t append(std::optional<raft::HardState> hard_state, raft::EntryList entries) = 0;
    // Queues, as a unit, that the log begins anew behind `base`, for which a snapshot that is durable on this disk
    // stands: entries up to it, and any above it, are gone from now on. The hard state stays. Not below an earlier
    // base.
    [[nodiscard]] virtual uint64_t begin_at(raft::LogBase base) = 0;
    // Entries up to `up_to`, which are durable, will not be read again.
    virtual void release_prefix(LogIndex up_to) = 0;
    // All units up to this one are durable. Never falls, and never rises inside append().
    [[nodiscard]] virtual uint64_t durable_unit() const = 0;
    // The entries from `first` to at most `last`, durable or not, until `bytes_max` encoded bytes are reached; at least
    // one. DataLoss: the disk does not give back what was written.
    [[nodiscard]] virtual reactor::Task<absl::StatusOr<raft::EntryList>> read(LogIndex first, LogIndex last,
                                                                              uint64_t bytes_max) = 0;

    // The lowest entry that it still has.
    [[nodiscard]] virtual LogIndex first_index() const = 0;

    // --- what decides when to take a snapshot, and how much is kept behind it; to within 1 MiB ---
    // Bytes of log behind the entry at `index`; all that is kept if it is not in the log.
    [[nodiscard]] virtual uint64_t bytes_behind(LogIndex index) const = 0;
    // The highest entry that has at least `bytes` behind it; none: the log has fewer.
    [[nodiscard]] virtual LogIndex index_at_bytes_from_end(uint64_t bytes) const = 0;

    // --- what decides when to append more ---
    [[nodiscard]] virtual bool busy() const = 0;  // the next unit will wait
    [[nodiscard]] virtual uint32_t groups_in_flight() const = 0;
    // How long the group that became durable last took; 0 before the first.
    [[nodiscard]] virtual uint64_t last_sync_ns() const = 0;
    // Age of the oldest unit that is not durable; 0 when there is none.
    [[nodiscard]] virtual uint64_t oldest_unsynced_ns(uint64_t now_ns) const = 0;
    // What was accepted still has its place; writes that come are to be refused.
    [[nodiscard]] virtual bool low_on_space() const = 0;
};

}  // namespace kvorum::replica
