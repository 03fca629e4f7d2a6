#include "replica/snapshot_exchange.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace kvorum::replica {

using reactor::Task;

SnapshotExchange::SnapshotExchange(reactor::Reactor& reactor, const NodeConfig& config, ClusterId cluster,
                                   RaftDriver& driver, peers::SnapshotSender& peers,
                                   snapshot::SnapshotDirectory& directory, SnapshotFacts& facts)
    : reactor_(reactor),
      config_(config),
      driver_(driver),
      peers_(peers),
      directory_(directory),
      facts_(facts),
      fetcher_(reactor, cluster, config.data_directory, peers, directory, facts),
      tasks_(reactor) {}

void SnapshotExchange::offer_to(std::span<const NodeId> peers) {
    const peers::SnapshotName newest = name_to_send({});
    if (newest.is_none()) return;
    for (const NodeId peer : peers) {
        const bool sent = peers_.send(peer, peers::SnapshotOffer{.term = driver_.current_term(), .name = newest});
        maybe(!sent);
    }
}

// The one that is asked for, or the newest; none: there is no such one. Only what was verified goes out.
peers::SnapshotName SnapshotExchange::name_to_send(const peers::SnapshotName& asked) const {
    const snapshot::SnapshotFile* file =
        asked.is_none() ? directory_.newest_verified() : directory_.find({asked.index, asked.term});
    if (file == nullptr || !file->is_verified()) return {};
    const peers::SnapshotName name{file->id.index, file->id.term, file->size_bytes, *file->checksum};
    return asked.is_none() || asked == name ? name : peers::SnapshotName{};
}

// --- from others ---

void SnapshotExchange::on_snapshot_offer(NodeId from, const peers::SnapshotOffer& offer) {
    if (tasks_.stop_requested() || fetching_ || offer.term < driver_.current_term()) return;
    if (offer.name.index <= driver_.commit_index()) {
        const bool sent = peers_.send(from, peers::SnapshotReport{.name = offer.name, .installed = true});
        maybe(!sent);
        return;
    }
    fetching_ = true;
    KVORUM_LOG(
        kInfo,
        "snapshot: node {} leads, and its log lacks what comes next here: fetching the snapshot of index {}, {} bytes",
        from, offer.name.index, offer.name.size_bytes);
    tasks_.spawn(fetch_and_install(from, offer.name));
}

Task<void> SnapshotExchange::fetch_and_install(NodeId from, peers::SnapshotName name) {
    absl::StatusOr<FetchedState> fetched = co_await fetcher_.fetch(from, name, tasks_.stop_token());
    fetching_ = false;
    if (tasks_.stop_requested()) co_return;
    if (!fetched.ok()) {
        KVORUM_LOG(kWarn, "snapshot: not fetched from node {}: {}", from, std::string(fetched.status().message()));
    } else {
        ++facts_.installed;
        facts_.last_index = name.index;
        facts_.last_bytes = name.size_bytes;
        facts_.last_revision = fetched->state.revision();
        driver_.install_snapshot(fetched->base, std::move(fetched->state));
    }
    const bool sent = peers_.send(from, peers::SnapshotReport{.name = name, .installed = fetched.ok()});
    maybe(!sent);
}

void SnapshotExchange::on_snapshot_part(NodeId from, const peers::SnapshotPart& part) { fetcher_.on_part(from, part); }

// --- for others ---

void SnapshotExchange::on_snapshot_report(NodeId from, const peers::SnapshotReport& report) {
    if (report.installed) driver_.on_snapshot_sent(from, {report.name.index, report.name.term});
}

void SnapshotExchange::on_snapshot_fetch(NodeId from, const peers::SnapshotFetch& fetch) {
    if (tasks_.stop_requested() || !answering_.insert(from).second) return;
    tasks_.spawn(answer(from, fetch));
}

Task<void> SnapshotExchange::answer(NodeId from, peers::SnapshotFetch fetch) {
    peers::SnapshotPart part{.name = name_to_send(fetch.name), .offset = fetch.offset, .bytes = {}};
    absl::StatusOr<snapshot::SnapshotPiece> piece = absl::NotFoundError("");
    if (!part.name.is_none() && part.offset < part.name.size_bytes) {
        piece = co_await directory_.read({part.name.index, part.name.term}, part.offset, peers::kSnapshotPartBytesMax);
    }
    if (piece.ok()) {
        part.bytes =
            Bytes(piece->buffer.bytes()).first(std::min(piece->size_bytes, part.name.size_bytes - part.offset));
        const bool slept = co_await reactor_.sleep_until(paced_ns(from, part.bytes.size()), tasks_.stop_token());
        maybe(!slept);
    } else {
        part = peers::SnapshotPart{};
    }
    answering_.erase(from);
    if (tasks_.stop_requested()) co_return;
    if (peers_.send(from, part)) ++facts_.sent_parts;
}

// When `bytes` may go to this peer.
uint64_t SnapshotExchange::paced_ns(NodeId to, uint64_t bytes) {
    uint64_t& free_at_ns = free_at_ns_[to];
    const uint64_t now_ns = reactor_.now_ns();
    const uint64_t at_ns = std::max(free_at_ns, now_ns);
    const uint64_t rate = config_.snapshot_rate_mib * kMiB;
    free_at_ns = rate == 0 ? now_ns : at_ns + bytes * kSecondNs / rate;
    return at_ns;
}

Task<void> SnapshotExchange::stop() {
    tasks_.request_stop();
    co_await tasks_.join();
}

}  // namespace kvorum::replica
