// Fetches one snapshot from another node, part by part, on the connection for snapshots.
//
// One part is under way at a time. One that does not come is asked for again; after kGiveUpNs without any the fetch
// fails, and what has come stays on disk: the next fetch of the same snapshot goes on behind it, also in a later
// process. The whole is verified, by loading it, before it counts.
//
// Thread: the owning core. Ownership: references outlive it. Suspension: fetch(), of which one runs at a time.
// Cancellation: `stop`. Errors: NotFound: the node has it no more, or has none; DataLoss: what came is damaged and was
// removed; Unavailable: no answer, or the disk refuses; FailedPrecondition: of another cluster.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "peers/snapshot_port.h"
#include "reactor/event.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "replica/snapshot_facts.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_loader.h"
#include "snapshot/snapshot_writer.h"

namespace kvorum::replica {

class SnapshotFetcher {
 public:
    SnapshotFetcher(reactor::Reactor& reactor, ClusterId cluster, peers::SnapshotSender& peers,
                    snapshot::SnapshotDirectory& directory, SnapshotFacts& facts);

    // `last` zero: the newest that `from` has. When it returns, the file is one of the directory's.
    [[nodiscard]] reactor::Task<absl::StatusOr<snapshot::LoadedSnapshot>> fetch(NodeId from, raft::EntryId last,
                                                                                reactor::StopToken stop);
    void on_part(NodeId from, const peers::SnapshotPart& part);

 private:
    static constexpr uint64_t kAskAgainNs = 500 * kMillisecondNs;
    static constexpr uint64_t kGiveUpNs = 10 * kSecondNs;

    struct Nudge : reactor::Timer {
        explicit Nudge(reactor::Event& target)
            : Timer([](Timer& self) { static_cast<Nudge&>(self).event.set(); }), event(target) {}
        reactor::Event& event;
    };
    // What is awaited, and came.
    struct Part {
        raft::EntryId last;
        uint64_t size_bytes = 0;
        std::string bytes;
    };

    [[nodiscard]] reactor::Task<absl::StatusOr<snapshot::LoadedSnapshot>> receive_and_take_in(NodeId from,
                                                                                              reactor::StopToken stop);
    [[nodiscard]] reactor::Task<absl::Status> receive(NodeId from, reactor::StopToken stop);
    [[nodiscard]] reactor::Task<absl::Status> open_file(raft::EntryId last);
    [[nodiscard]] reactor::Task<absl::StatusOr<Part>> next_part(NodeId from, reactor::StopToken stop);
    [[nodiscard]] reactor::Task<absl::Status> store_bytes(std::string bytes);
    [[nodiscard]] reactor::Task<absl::StatusOr<snapshot::LoadedSnapshot>> take_in(reactor::StopToken stop);

    reactor::Reactor& reactor_;
    const ClusterId cluster_;
    peers::SnapshotSender& peers_;
    snapshot::SnapshotDirectory& directory_;
    SnapshotFacts& facts_;
    reactor::Event came_;
    Nudge nudge_;

    // Of the fetch that runs.
    NodeId from_;
    raft::EntryId last_;
    uint64_t offset_ = 0;
    std::optional<Part> part_;
    std::unique_ptr<snapshot::SnapshotWriter> writer_;
};

}  // namespace kvorum::replica
