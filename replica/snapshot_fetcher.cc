#include "replica/snapshot_fetcher.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "snapshot/snapshot_loader.h"

namespace kvorum::replica {

using reactor::Task;

namespace {

snapshot::SnapshotIdentity identity_of(const peers::SnapshotName& name) {
    return {{name.index, name.term}, name.size_bytes, name.checksum};
}

}  // namespace

SnapshotFetcher::SnapshotFetcher(reactor::Reactor& reactor, ClusterId cluster, std::string path,
                                 peers::SnapshotSender& peers, snapshot::SnapshotDirectory& directory,
                                 SnapshotFacts& facts)
    : reactor_(reactor),
      cluster_(cluster),
      path_(std::move(path)),
      peers_(peers),
      directory_(directory),
      facts_(facts),
      came_(reactor),
      nudge_(came_) {}

Task<absl::StatusOr<FetchedState>> SnapshotFetcher::fetch(NodeId from, peers::SnapshotName name,
                                                          reactor::StopToken stop) {
    KVORUM_ASSERT(from_.is_none(), "two fetches at a time");
    from_ = facts_.fetching_from = from;
    name_ = name;
    facts_.fetched_bytes = facts_.fetch_size_bytes = 0;
    absl::StatusOr<FetchedState> fetched = co_await receive_and_load(from, stop);
    reactor_.cancel(nudge_);
    if (receiver_ != nullptr) {
        // What came stays for the next try.
        absl::Status closed = co_await receiver_->close();
        maybe(!closed.ok());
    }
    receiver_.reset();
    part_.reset();
    from_ = facts_.fetching_from = NodeId{};
    co_return fetched;
}

Task<absl::StatusOr<FetchedState>> SnapshotFetcher::receive_and_load(NodeId from, reactor::StopToken stop) {
    if (name_.is_none()) {
        absl::Status learned = co_await learn_name(from, stop);
        if (!learned.ok()) co_return learned;
    }
    absl::Status received = co_await receive(from, stop);
    if (!received.ok()) co_return received;
    auto fetched = co_await load(stop);
    co_return fetched;
}

// The first part of the newest one tells; its bytes come again, behind what is here of it already.
Task<absl::Status> SnapshotFetcher::learn_name(NodeId from, reactor::StopToken stop) {
    offset_ = 0;
    absl::StatusOr<Part> part = co_await next_part(from, stop);
    if (!part.ok()) co_return part.status();
    if (part->name.is_none()) co_return absl::NotFoundError(fmt::format("node {} has no snapshot", from));
    name_ = part->name;
    co_return absl::OkStatus();
}

Task<absl::Status> SnapshotFetcher::receive(NodeId from, reactor::StopToken stop) {
    receiver_ =
        std::make_unique<snapshot::SnapshotReceiver>(reactor_, path_, cluster_, kFirstGroup, identity_of(name_));
    facts_.fetch_size_bytes = name_.size_bytes;
    absl::Status begun = co_await receiver_->begin(stop);
    if (!begun.ok()) co_return begun;
    if (receiver_->synced_bytes() > 0)
        KVORUM_LOG(kInfo, "snapshot: goes on behind byte {} of {}", receiver_->synced_bytes(), name_.size_bytes);
    while (!receiver_->all_synced()) {
        offset_ = facts_.fetched_bytes = receiver_->synced_bytes();
        absl::StatusOr<Part> part = co_await next_part(from, stop);
        if (!part.ok()) co_return part.status();
        if (part->name.is_none()) co_return absl::NotFoundError(fmt::format("node {} has that snapshot no more", from));
        absl::Status written = co_await receiver_->write(offset_, std::move(part->bytes));
        if (!written.ok()) co_return written;
    }
    facts_.fetched_bytes = receiver_->synced_bytes();
    co_return absl::OkStatus();
}

Task<absl::StatusOr<SnapshotFetcher::Part>> SnapshotFetcher::next_part(NodeId from, reactor::StopToken stop) {
    const uint64_t give_up_ns = reactor_.now_ns() + kGiveUpNs;
    while (!part_.has_value()) {
        if (stop.stop_requested()) co_return absl::CancelledError("stopped");
        if (reactor_.now_ns() >= give_up_ns)
            co_return absl::UnavailableError(fmt::format("node {} sends no more of its snapshot", from));
        came_.reset();
        const bool sent = peers_.send(from, peers::SnapshotFetch{.name = name_, .offset = offset_});
        maybe(!sent);
        reactor_.arm(nudge_, reactor_.now_ns() + kAskAgainNs);
        const bool woken = co_await came_.wait(stop);
        maybe(!woken);
    }
    co_return *std::exchange(part_, std::nullopt);
}

void SnapshotFetcher::on_part(NodeId from, const peers::SnapshotPart& part) {
    if (from_.is_none() || from != from_ || part_.has_value()) return;
    const bool is_wanted = name_.is_none() || part.name == name_;
    if (!part.name.is_none() && (!is_wanted || part.offset != offset_)) return;
    part_ = Part{part.name, std::string(as_text(part.bytes))};
    came_.set();
}

Task<absl::StatusOr<FetchedState>> SnapshotFetcher::load(reactor::StopToken stop) {
    absl::StatusOr<snapshot::LoadedSnapshot> finished = co_await receiver_->finish(stop);
    if (!finished.ok()) co_return finished.status();
    const snapshot::SnapshotIdentity identity = identity_of(name_);
    directory_.add(identity, true);
    absl::Status removed = co_await directory_.remove_old();
    if (!removed.ok()) KVORUM_LOG(kWarn, "snapshot: {}", std::string(removed.message()));
    FetchedState fetched;
    snapshot::SnapshotLoader loader(reactor_, directory_.path_of(identity.id), identity.size_bytes);
    absl::StatusOr<snapshot::LoadedSnapshot> loaded = co_await loader.restore(&fetched.state, stop);
    if (!loaded.ok()) co_return loaded.status();
    fetched.base = loaded->head.base;
    co_return std::move(fetched);
}

}  // namespace kvorum::replica
