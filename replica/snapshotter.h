// Writes the state of a group to disk, again and again, so that the log before it can go (thesis 5.1).
//
// When: as soon as so much log lies behind the newest snapshot as --snapshot-log-size says, and not less than that
// snapshot's own size, so that what is written twice stays a share of what is written (5.1.3); or when it is asked for.
// How: one moment of the state between two entries, written in slices while the node serves
// (snapshot/snapshot_writer.h). The file is read again and verified before it counts, before older ones go, and before
// any log goes. Two are kept, and the log behind the older one, so that a node starts also if the newest was damaged;
// --snapshot-keep-log-size stays in any case, for followers that lag.
//
// Thread: the owning core. Ownership: all references outlive it; stop() is awaited before destruction. Suspension: none
// but in the task that writes. Errors: a snapshot that cannot be written is told in the facts and the log, and tried
// again after kRetryNs; nothing else depends on it, but the log grows meanwhile.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "kv/store.h"
#include "raft/raft.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "replica/applier.h"
#include "replica/log_port.h"
#include "replica/snapshot_facts.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_head.h"
#include "snapshot/snapshot_writer.h"

namespace kvorum::replica {

class Snapshotter {
 public:
    Snapshotter(reactor::Reactor& reactor, const NodeConfig& config, ClusterId cluster, LogPort& log, kv::Store& store,
                raft::Raft& raft, const Applier& applier, snapshot::SnapshotDirectory& directory, SnapshotFacts& facts);
    ~Snapshotter();

    // Begins one that is due, gives up one whose state is about to be replaced, and gives log back. At the end of a
    // turn.
    void run_turn();
    // One will begin soon. False: one is being taken, or was asked for and will begin.
    bool request();
    [[nodiscard]] bool saving() const { return writer_ != nullptr; }
    reactor::Task<void> stop();

 private:
    static constexpr uint64_t kRetryNs = 10 * kSecondNs;
    static constexpr uint64_t kLookIntervalNs = 20 * kMillisecondNs;

    [[nodiscard]] bool is_due() const;
    void begin();
    [[nodiscard]] snapshot::SnapshotHead head() const;
    void release_log();
    reactor::Task<void> take();
    reactor::Task<absl::StatusOr<snapshot::SnapshotIdentity>> write_and_verify();
    void finished(const absl::StatusOr<snapshot::SnapshotIdentity>& written);

    reactor::Reactor& reactor_;
    const NodeConfig& config_;
    const ClusterId cluster_;
    LogPort& log_;
    kv::Store& store_;
    raft::Raft& raft_;
    const Applier& applier_;
    snapshot::SnapshotDirectory& directory_;
    SnapshotFacts& facts_;
    reactor::TaskScope tasks_;

    bool requested_ = false;
    uint64_t retry_at_ns_ = 0;
    uint64_t look_at_ns_ = 0;  // when to look again
    LogIndex released_to_;
    std::unique_ptr<snapshot::SnapshotWriter> writer_;  // of the one that is being taken
    std::unique_ptr<reactor::StopSource> writer_stop_;
};

}  // namespace kvorum::replica
