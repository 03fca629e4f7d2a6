#include "replica/snapshot_repair.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "reactor/scope.h"
#include "replica/takes_no_part.h"

namespace kvorum::replica {

using reactor::Task;

namespace {

constexpr uint64_t kPauseNs = 500 * kMillisecondNs;
constexpr uint64_t kLookNs = 100 * kMillisecondNs;

class SnapshotRepair final : private peers::RepairReceiver, private peers::LinkEvents, private peers::Acquaintance {
 public:
    SnapshotRepair(reactor::Reactor& reactor, net::OutputFlusher& flusher, const NodeConfig& config,
                   const peers::PeerIdentity& identity, snapshot::SnapshotDirectory& directory)
        : reactor_(reactor),
          config_(config),
          peers_(reactor, flusher, config, identity),
          fetcher_(reactor, identity.cluster, config.data_directory, peers_, directory, facts_),
          takes_parts_(fetcher_),
          tasks_(reactor) {}

    Task<absl::StatusOr<FetchedState>> run(LogIndex at_least);

 private:
    Task<absl::StatusOr<FetchedState>> ask_all(LogIndex at_least);
    Task<void> watch_for_stop();

    // Nobody is answered, and who is met is noted when the node starts.
    void on_repair_request(NodeId, const peers::RepairRequest&) override {}
    void on_repair_reply(NodeId, peers::RepairReply) override {}
    void on_link_up(NodeId) override {}
    void on_link_room(NodeId) override {}
    void on_link_down(NodeId, uint64_t) override {}
    void on_peer_gone(NodeId) override {}
    void on_peer_met(raft::KnownPeer) override {}
    void on_known_by_other_log(size_t, std::string_view) override {}

    reactor::Reactor& reactor_;
    const NodeConfig& config_;
    TakesNoPart takes_no_part_;
    SnapshotFacts facts_;
    peers::Peers peers_;
    SnapshotFetcher fetcher_;
    TakesSnapshotParts takes_parts_;
    reactor::TaskScope tasks_;
};

Task<absl::StatusOr<FetchedState>> SnapshotRepair::run(LogIndex at_least) {
    absl::Status started = peers_.start({takes_no_part_, takes_no_part_, static_cast<peers::RepairReceiver&>(*this),
                                         takes_parts_, static_cast<peers::LinkEvents&>(*this),
                                         static_cast<peers::Acquaintance&>(*this), takes_no_part_});
    if (!started.ok()) co_return started;
    tasks_.spawn(watch_for_stop());
    auto fetched = co_await ask_all(at_least);
    tasks_.request_stop();
    co_await tasks_.join();
    co_await peers_.stop();
    co_return fetched;
}

Task<absl::StatusOr<FetchedState>> SnapshotRepair::ask_all(LogIndex at_least) {
    while (!tasks_.stop_requested()) {
        for (const Member& member : config_.members) {
            if (member.id == config_.id) continue;
            absl::StatusOr<FetchedState> fetched = co_await fetcher_.fetch(member.id, {}, tasks_.stop_token());
            if (fetched.ok() && fetched->base.last.index >= at_least) co_return fetched;
            KVORUM_LOG(kWarn, "snapshot: one of index {} or later is needed: {}", at_least,
                       fetched.ok() ? fmt::format("that of node {} is at {}", member.id, fetched->base.last.index)
                                    : std::string(fetched.status().message()));
        }
        const bool slept = co_await reactor_.sleep_for(kPauseNs, tasks_.stop_token());
        maybe(!slept);
    }
    co_return absl::CancelledError("stopped while a snapshot was being fetched");
}

Task<void> SnapshotRepair::watch_for_stop() {
    while (true) {
        const bool slept = co_await reactor_.sleep_for(kLookNs, tasks_.stop_token());
        if (!slept) co_return;
        if (reactor_.stop_requested()) tasks_.request_stop();
    }
}

}  // namespace

Task<absl::StatusOr<FetchedState>> fetch_snapshot_to_start(reactor::Reactor& reactor, net::OutputFlusher& flusher,
                                                           const NodeConfig& config, peers::PeerIdentity identity,
                                                           snapshot::SnapshotDirectory& directory, LogIndex at_least) {
    if (config.members.size() == 1)
        co_return absl::DataLossError("there is no other node that could have the snapshot");
    SnapshotRepair repair(reactor, flusher, config, identity, directory);
    auto fetched = co_await repair.run(at_least);
    co_return fetched;
}

}  // namespace kvorum::replica
