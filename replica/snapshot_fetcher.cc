#include "replica/snapshot_fetcher.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace kvorum::replica {

using reactor::Task;

SnapshotFetcher::SnapshotFetcher(reactor::Reactor& reactor, ClusterId cluster, peers::SnapshotSender& peers,
                                 snapshot::SnapshotDirectory& directory, SnapshotFacts& facts)
    : reactor_(reactor),
      cluster_(cluster),
      peers_(peers),
      directory_(directory),
      facts_(facts),
      came_(reactor),
      nudge_(came_) {}

Task<absl::StatusOr<snapshot::LoadedSnapshot>> SnapshotFetcher::fetch(NodeId from, raft::EntryId last,
                                                                      reactor::StopToken stop) {
    KVORUM_ASSERT(from_.is_none(), "two fetches at a time");
    from_ = from;
    last_ = last;
    offset_ = 0;
    facts_.fetching_from = from;
    facts_.fetched_bytes = facts_.fetch_size_bytes = 0;
    absl::StatusOr<snapshot::LoadedSnapshot> loaded = co_await receive_and_take_in(from, stop);
    reactor_.cancel(nudge_);
    if (writer_ != nullptr) co_await writer_->close(absl::IsDataLoss(loaded.status()));
    writer_.reset();
    part_.reset();
    from_ = facts_.fetching_from = NodeId{};
    co_return loaded;
}

Task<absl::StatusOr<snapshot::LoadedSnapshot>> SnapshotFetcher::receive_and_take_in(NodeId from,
                                                                                    reactor::StopToken stop) {
    absl::Status received = co_await receive(from, stop);
    if (!received.ok()) co_return received;
    auto loaded = co_await take_in(stop);
    co_return loaded;
}

Task<absl::Status> SnapshotFetcher::receive(NodeId from, reactor::StopToken stop) {
    while (true) {
        if (writer_ == nullptr && !last_.index.is_none()) {
            absl::Status opened = co_await open_file(last_);
            if (!opened.ok()) co_return opened;
        }
        absl::StatusOr<Part> part = co_await next_part(from, stop);
        if (!part.ok()) co_return part.status();
        if (part->last.index.is_none())
            co_return absl::NotFoundError(fmt::format("node {} has no such snapshot", from));
        if (last_.index.is_none()) {
            // Its name is known from here on; of its bytes some may be here from a fetch before.
            last_ = part->last;
            absl::Status opened = co_await open_file(last_);
            if (!opened.ok()) co_return opened;
            if (offset_ > 0) continue;
        }
        offset_ += part->bytes.size();
        facts_.fetched_bytes = offset_;
        facts_.fetch_size_bytes = part->size_bytes;
        absl::Status stored = co_await store_bytes(std::move(part->bytes));
        if (!stored.ok()) co_return stored;
        if (offset_ == part->size_bytes) co_return absl::OkStatus();
    }
}

Task<absl::Status> SnapshotFetcher::open_file(raft::EntryId last) {
    constexpr uint64_t kPiece = snapshot::SnapshotWriter::kPieceBytes;
    offset_ = directory_.fetched_bytes(last) / kPiece * kPiece;
    absl::StatusOr<std::unique_ptr<snapshot::SnapshotWriter>> writer = absl::UnknownError("");
    if (offset_ > 0) {
        KVORUM_LOG(kInfo, "snapshot: the one at index {} is fetched on from byte {}", last.index, offset_);
        writer = co_await snapshot::SnapshotWriter::go_on(reactor_, directory_.path(), last, snapshot::kFetchedSuffix,
                                                          offset_);
    } else {
        writer = co_await snapshot::SnapshotWriter::create(reactor_, directory_.path(), last, snapshot::kFetchedSuffix);
    }
    if (!writer.ok()) co_return writer.status();
    writer_ = *std::move(writer);
    co_return absl::OkStatus();
}

Task<absl::StatusOr<SnapshotFetcher::Part>> SnapshotFetcher::next_part(NodeId from, reactor::StopToken stop) {
    const uint64_t give_up_ns = reactor_.now_ns() + kGiveUpNs;
    while (!part_.has_value()) {
        if (stop.stop_requested()) co_return absl::CancelledError("stopped");
        if (reactor_.now_ns() >= give_up_ns)
            co_return absl::UnavailableError(fmt::format("node {} sends no more of its snapshot", from));
        came_.reset();
        const bool sent = peers_.send(from, peers::SnapshotFetch{.last = last_, .offset = offset_});
        maybe(!sent);
        reactor_.arm(nudge_, reactor_.now_ns() + kAskAgainNs);
        const bool woken = co_await came_.wait(stop);
        maybe(!woken);
    }
    co_return *std::exchange(part_, std::nullopt);
}

void SnapshotFetcher::on_part(NodeId from, const peers::SnapshotPart& part) {
    if (from_.is_none() || from != from_ || part_.has_value()) return;
    const bool is_none = part.last.index.is_none();
    const bool is_wanted = last_.index.is_none() || part.last == last_;
    if (!is_none && (!is_wanted || part.offset != offset_)) return;
    part_ = Part{part.last, part.size_bytes, std::string(as_text(part.bytes))};
    came_.set();
}

Task<absl::Status> SnapshotFetcher::store_bytes(std::string bytes) {
    Bytes rest = as_bytes(bytes);
    while (!rest.empty()) {
        writer_->take(rest);
        if (!writer_->is_full()) continue;
        absl::Status written = co_await writer_->write_piece();
        if (!written.ok()) co_return written;
    }
    co_return absl::OkStatus();
}

Task<absl::StatusOr<snapshot::LoadedSnapshot>> SnapshotFetcher::take_in(reactor::StopToken stop) {
    absl::Status sealed = co_await writer_->seal();
    if (!sealed.ok()) co_return sealed;
    const std::string path = writer_->path();
    absl::StatusOr<snapshot::LoadedSnapshot> loaded = co_await snapshot::load_snapshot(reactor_, path, stop);
    if (!loaded.ok()) co_return loaded;
    if (loaded->head.cluster != cluster_)
        co_return absl::FailedPreconditionError(fmt::format("{} is a snapshot of another cluster", path));
    if (loaded->head.base.last != last_) co_return absl::DataLossError(fmt::format("{} is of another entry", path));
    absl::StatusOr<snapshot::SnapshotFile> file = co_await writer_->publish();
    if (!file.ok()) co_return file.status();
    co_await directory_.adopt(*file);
    co_return loaded;
}

}  // namespace kvorum::replica
