// Fetches one snapshot from another node, part by part, on the connection for snapshots.
//
// One part is under way at a time. One that does not come is asked for again; after kGiveUpNs without any the fetch
// fails, and what has come stays on disk: the next fetch of the same bytes goes on behind it, also in a later process
// (snapshot/snapshot_receiver.h). The whole is verified, and then loaded, before it counts.
//
// Thread: the owning core. Ownership: references outlive it. Suspension: fetch(), of which one runs at a time.
// Cancellation: `stop`. Errors: NotFound: the node has it no more, or has none; DataLoss: what came is damaged and was
// removed; Unavailable: no answer, or the disk refuses; FailedPrecondition: of another cluster.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "kv/store.h"
#include "peers/snapshot_port.h"
#include "raft/log_base.h"
#include "reactor/event.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "replica/snapshot_facts.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_receiver.h"

namespace kvorum::replica {

// What a snapshot holds, in memory; the file is in the directory.
struct FetchedState {
    raft::LogBase base;
    kv::Store state;
};

class SnapshotFetcher {
 public:
    // `path`: of the directory.
    SnapshotFetcher(reactor::Reactor& reactor, ClusterId cluster, std::string path, peers::SnapshotSender& peers,
                    snapshot::SnapshotDirectory& directory, SnapshotFacts& facts);

    // `name` none: the newest that `from` has.
    [[nodiscard]] reactor::Task<absl::StatusOr<FetchedState>> fetch(NodeId from, peers::SnapshotName name,
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
        peers::SnapshotName name;
        std::string bytes;
    };

    [[nodiscard]] reactor::Task<absl::StatusOr<FetchedState>> receive_and_load(NodeId from, reactor::StopToken stop);
    [[nodiscard]] reactor::Task<absl::Status> receive(NodeId from, reactor::StopToken stop);
    [[nodiscard]] reactor::Task<absl::Status> learn_name(NodeId from, reactor::StopToken stop);
    [[nodiscard]] reactor::Task<absl::StatusOr<Part>> next_part(NodeId from, reactor::StopToken stop);
    [[nodiscard]] reactor::Task<absl::StatusOr<FetchedState>> load(reactor::StopToken stop);

    reactor::Reactor& reactor_;
    const ClusterId cluster_;
    const std::string path_;
    peers::SnapshotSender& peers_;
    snapshot::SnapshotDirectory& directory_;
    SnapshotFacts& facts_;
    reactor::Event came_;
    Nudge nudge_;

    // Of the fetch that runs.
    NodeId from_;
    peers::SnapshotName name_;
    uint64_t offset_ = 0;
    std::optional<Part> part_;
    std::unique_ptr<snapshot::SnapshotReceiver> receiver_;
};

}  // namespace kvorum::replica
