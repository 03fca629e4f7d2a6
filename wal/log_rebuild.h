// Makes a whole log out of a damaged one, entry by entry from its end back to its start: to the base that the damaged
// log names, or a later one that begin_at() gives, or else to entry 1.
//
// The end of the log names its last entry; each entry names the one before it by checksum. What the damaged files still
// hold is taken from there; what they lack is *needed*, by identity, and supplied by whoever has it: no leader has to
// say that it is right, because nothing else has that checksum. Only end_at() takes something away, and its caller must
// know that no entry that this node acknowledged counts for anything there (replica/repair_decision.h).
//
// Use: advance(), while needed() ask the peers and supply() or end_at(), advance() again; then write(), once.
//
// Thread: the reactor's. `log` outlives it. Suspension: advance(), find() and write() suspend; find() may run beside
// the others. Limits: supplied entries are held in memory, up to kSuppliedBytesMax; the disk must have room for a
// second log.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "base/units.h"
#include "raft/entry.h"
#include "raft/types.h"
#include "reactor/event.h"
#include "reactor/reactor.h"
#include "reactor/stop.h"
#include "reactor/task.h"
#include "wal/damaged_log.h"
#include "wal/wal.h"

namespace kvorum::wal {

class LogRebuild {
 public:
    static constexpr uint64_t kSuppliedBytesMax = 512 * kMiB;

    LogRebuild(reactor::Reactor& reactor, DamagedLog& log)
        : reactor_(reactor), log_(log), known_peers_(log.end().known_peers), base_(log.end().base), durable_(reactor) {
        end_at(log.end().last);
    }
    LogRebuild(const LogRebuild&) = delete;
    LogRebuild& operator=(const LogRebuild&) = delete;

    // Goes back as far as what is there reaches. DataLoss, Unavailable: the files do not give back what they gave
    // before, or contradict the base that they name.
    [[nodiscard]] reactor::Task<absl::Status> advance();
    // The entry without which it does not go on; none when the log is whole, down to its base. The term is zero when it
    // is not known.
    [[nodiscard]] std::optional<raft::EntryId> needed() const;
    // An entry that is, or will be, needed. ResourceExhausted: too many.
    [[nodiscard]] absl::Status supply(raft::EntryPtr entry);
    // A peer that was met for the first time during the repair.
    void note_peer(KnownPeer peer) { known_peers_.push_back(peer); }
    // The log ends with this entry, which is not above the one needed; zero: it has none. Starts over from there, with
    // what was supplied so far. What the base stands for is never taken away.
    void end_at(raft::EntryId last);
    // A snapshot that is durable on this disk stands for everything up to `base.last`: the log begins behind it, unless
    // it does so at a later base already. Entries that do not follow it were never committed, and are not kept. Starts
    // over.
    void begin_at(raft::LogBase base);

    // What stands before the log as it will be; zero: nothing.
    [[nodiscard]] const raft::LogBase& base() const { return base_; }
    // The last entry of the log as it will be.
    [[nodiscard]] const raft::EntryId& last() const { return last_; }
    [[nodiscard]] uint64_t supplied_count() const { return supplied_.size(); }
    // For peers that need it: the entry with this identity, wherever it is; else null.
    [[nodiscard]] reactor::Task<absl::StatusOr<raft::EntryPtr>> find(LogIndex index, uint64_t checksum);
    // What the new log has at `index`, which is not below its base, or its last entry if that is lower; nothing when
    // that is not known yet.
    [[nodiscard]] reactor::Task<absl::StatusOr<std::optional<raft::EntryId>>> entry_at(LogIndex index);

    // Writes the log beside the damaged one and commits it (wal/log_swap.h): the next Wal::open() finds it in its
    // place. The damaged log must be closed before that. needed() is none. ResourceExhausted: no room on the disk.
    // Cancelled: stopped.
    [[nodiscard]] reactor::Task<absl::Status> write(reactor::StopToken stop);

 private:
    // A part of the new log: entries of one run of the damaged log, or one that was supplied.
    struct Stretch {
        size_t run = 0;
        LogIndex first;
        LogIndex last;
        raft::EntryPtr supplied;
    };
    using Key = std::pair<LogIndex, uint64_t>;

    reactor::Task<absl::Status> take_stretch(DamagedLog::Found found);
    [[nodiscard]] absl::Status check_base();
    reactor::Task<absl::Status> copy(Wal& target, reactor::StopToken stop);
    reactor::Task<absl::Status> copy_run(Wal& target, Stretch stretch, reactor::StopToken stop);
    reactor::Task<absl::Status> append(Wal& target, raft::EntryList entries, reactor::StopToken stop);
    reactor::Task<absl::Status> wait_durable(Wal& target, uint64_t unit, reactor::StopToken stop);
    [[nodiscard]] raft::HardState hard_state() const;

    reactor::Reactor& reactor_;
    DamagedLog& log_;
    std::vector<KnownPeer> known_peers_;
    std::map<Key, raft::EntryPtr> supplied_;
    uint64_t supplied_bytes_ = 0;
    raft::LogBase base_;
    bool is_base_given_ = false;
    raft::EntryId last_;
    raft::EntryId next_;              // going back: what comes in front of the stretches; the base's at the start
    std::vector<Stretch> stretches_;  // from the end of the log
    raft::EntryId written_;           // the last entry of the new log so far
    reactor::Event durable_;
};

}  // namespace kvorum::wal
