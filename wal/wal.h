// The write-ahead log of one Raft group: what this node promised to remember, in order, on disk before anybody is told.
//
// Units go in, groups go to disk. A unit is a hard state, entries, or both, or a peer to remember, or a base to begin
// at; units are durable in the order of their queueing. While groups are being written, further units gather and leave
// together in the next group (group commit, without timers); at most groups_in_flight_max groups are unfinished at a
// time. An entry whose index is not above the last one's replaces that entry and everything behind it.
//
// What survives a crash is a prefix of the records appended, in order, that holds every unit reported durable. A unit
// is not atomic: of one that was not reported, the hard state and some first entries may survive.
//
// Thread: the reactor's, for everything.
// Ownership: the reactor and its backend outlive the Wal; close() must end before it is destroyed.
// Suspension: append() and all questions return at once; open(), read() and close() suspend; several read() may run.
// Errors: a failed write or sync ends the node through IoBackend::halt(). Nothing is reported durable afterwards, and
//   no sync is tried twice.
// Memory: groups_in_flight_max * group_bytes_max of buffers, the units that are not durable, a position index of some
//   bytes per MiB of log, and the window of the last read (kReadWindowBytesMax, or a group); two segments at open().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/histogram.h"
#include "base/ids.h"
#include "raft/entry.h"
#include "raft/log_base.h"
#include "raft/types.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "wal/config.h"
#include "wal/recovery.h"

namespace kvorum::wal {

// What was found at open: where the node goes on.
struct RecoveryReport {
    Founding founding;  // of a new log: as its configuration says
    raft::LogFacts facts;
    LogId log_id;  // of this log since its first day
    std::vector<KnownPeer> known_peers;
    raft::HardState hard_state;
    raft::EntryId last;            // zero when the log has no entry
    int64_t last_log_time_ms = 0;  // of `last`
    LogIndex first_index;          // the lowest entry that can be read; last.index + 1 when there is none
    // What stands before first_index, and a snapshot must stand for; zero when the log begins with entry 1.
    raft::LogBase base;
    raft::EntryId before_first;        // base.last
    std::vector<raft::TermRun> terms;  // of the entries from first_index to last.index

    // Of this process: higher than that of any process before it whose log reached the disk, whatever the clocks say;
    // the same as the last one's only if that one wrote nothing.
    uint64_t epoch = 0;

    Verdict verdict = Verdict::kEmpty;
    std::string verdict_message;
    uint64_t segments = 0;
    uint64_t groups = 0;
    uint64_t entries = 0;         // replayed, replaced ones included
    uint64_t entry_bytes = 0;     // of these, as encoded
    uint64_t groups_dropped = 0;  // unacknowledged groups that a cut dropped
    uint64_t bytes_scanned = 0;
    uint64_t duration_ns = 0;
};

struct WalStats {
    uint64_t units = 0;
    uint64_t groups = 0;
    uint64_t bytes = 0;  // written, headers and padding included
    uint64_t padding_bytes = 0;
    uint64_t syncs = 0;          // fdatasyncs, or durable writes
    Histogram group_latency_ns;  // from submission until durable
    Histogram group_bytes;
    SyncMethod method = SyncMethod::kCalibrate;
    bool registered_buffers = false;
    uint64_t segments = 0;       // in the log
    uint64_t spares = 0;         // ready ahead
    uint64_t segments_made = 0;  // zero-filled since open
    uint64_t segments_recycled = 0;
    uint64_t segments_deleted = 0;
    uint64_t waits_for_space = 0;  // times that a group had to wait for a spare
};

class Wal {
 public:
    // Locks the directory, looks at its storage (wal/storage.h), recovers (wal/recovery.h has the table), writes the
    // opening group, prepares spares, calibrates. Errors:
    //   InvalidArgument     the configuration
    //   FailedPrecondition  locked by another process; another cluster's name or log, node, format version, or a higher
    //                       feature level; storage that keeps nothing or that has no O_DIRECT
    //   DataLoss            damage: the message names file, byte offset, log index and reason; the files are as they
    //   were ResourceExhausted   no space for the first segment, or none for the opening group Unavailable         the
    //   system refused an operation
    [[nodiscard]] static reactor::Task<absl::StatusOr<std::unique_ptr<Wal>>> open(reactor::Reactor& reactor,
                                                                                  WalConfig config);
    ~Wal();
    Wal(const Wal&) = delete;
    Wal& operator=(const Wal&) = delete;

    [[nodiscard]] const RecoveryReport& recovered() const;
    // What the log was made for, whatever the configuration says now.
    [[nodiscard]] ClusterId cluster() const { return recovered().founding.cluster; }

    // Queues one unit and returns its id: 1, 2, 3... It goes to disk at the end of this turn, or with a later group
    // when busy(). Entries follow each other; the first follows, or replaces from its index, what was appended before
    // (asserted: Raft's log never has a gap). A unit larger than a group is spread over several. After a failure the
    // unit is dropped: halt() was called.
    uint64_t append(std::optional<raft::HardState> hard_state, raft::EntryList entries);
    // Queues, as a unit, that `peer.node` is known by `peer.log_id` for as long as this log lives. Once for each node.
    uint64_t note_peer(KnownPeer peer);
    // Queues, as a unit, that the log begins anew behind `base`: all entries up to it are gone, and any above it, for a
    // snapshot that is durable on this disk stands for them; the next entry is that behind it, and none replaces them.
    // From now on the log is so to all who ask. The hard state stays. A crash leaves the log as it was or as it begins
    // here. Its segments go when that is durable. `base` is not below one that the log began at before (asserted).
    // While no spare is ready it waits for one.
    uint64_t begin_at(raft::LogBase base);
    // `callback(unit_id)`: all units up to unit_id are durable. From the run queue, never inside append(); ids ascend.
    void set_durable_callback(std::function<void(uint64_t unit_id)> callback);
    [[nodiscard]] uint64_t durable_unit() const;

    // The next unit will wait: groups_in_flight_max groups are unfinished, or there is no room.
    [[nodiscard]] bool busy() const;
    [[nodiscard]] uint32_t groups_in_flight() const;
    // How long the group that became durable last took, from its submission; 0 before the first.
    [[nodiscard]] uint64_t last_sync_ns() const;
    // Age of the oldest unit that is not durable; 0 when there is none. While writes are refused for lack of space, the
    // age of the present attempt to make some: a disk that hangs then would not be noticed by a write.
    [[nodiscard]] uint64_t oldest_unsynced_ns(uint64_t now_ns) const;
    [[nodiscard]] bool is_stalled(uint64_t now_ns) const;

    [[nodiscard]] LogIndex first_index() const;  // the lowest entry that read() can give
    [[nodiscard]] LogIndex last_index() const;   // the last appended
    // The last appended, or what stands before the log if it has no entry; zero: nothing does.
    [[nodiscard]] const raft::EntryId& last() const;
    // Bytes of log on disk behind the entry at `index`, to within kCheckpointEveryBytes (wal/position_index.h); all
    // that is kept if the entry is not in the log.
    [[nodiscard]] uint64_t bytes_behind(LogIndex index) const;
    // The highest entry that is known to have at least `bytes` behind it; none: the log has fewer.
    [[nodiscard]] LogIndex index_at_bytes_from_end(uint64_t bytes) const;

    // The entries from `first` to at most `last`, durable or not, until `bytes_max` encoded bytes are reached; at least
    // one. One that goes on where the last one ended reads nothing twice. OutOfRange: `first` is released or not in the
    // log. DataLoss: the disk does not give back what was written; the caller should halt.
    [[nodiscard]] reactor::Task<absl::StatusOr<raft::EntryList>> read(LogIndex first, LogIndex last,
                                                                      uint64_t bytes_max);

    // Entries up to `up_to` will not be read again: segments that hold nothing else become spares, in the background.
    // `up_to` must be durable.
    void release_prefix(LogIndex up_to);
    // No spare is left and the disk has no room for one: refuse writes now. What is left serves what was already
    // accepted, and hard states.
    [[nodiscard]] bool low_on_space() const;

    [[nodiscard]] WalStats stats() const;
    [[nodiscard]] const reactor::DeviceFacts& storage() const;

    // Waits until everything appended is durable (unless the log failed), ends the background work, closes the files.
    // Call once.
    [[nodiscard]] reactor::Task<void> close();

 private:
    class Impl;
    explicit Wal(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace kvorum::wal
