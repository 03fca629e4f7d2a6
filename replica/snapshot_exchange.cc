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
      fetcher_(reactor, cluster, peers, directory, facts),
      tasks_(reactor) {}

void SnapshotExchange::offer_to(std::span<const NodeId> peers) {
    const snapshot::SnapshotFile* newest = directory_.newest();
    if (newest == nullptr) return;
    for (const NodeId peer : peers) {
        const bool sent = peers_.send(
            peer, peers::SnapshotOffer{
                      .term = driver_.current_term(), .last = newest->last, .size_bytes = newest->size_bytes});
        maybe(!sent);
    }
}

// --- from others ---

void SnapshotExchange::on_snapshot_offer(NodeId from, const peers::SnapshotOffer& offer) {
    if (tasks_.stop_requested() || fetching_ || offer.term < driver_.current_term()) return;
    if (offer.last.index <= driver_.commit_index()) {
        const bool sent = peers_.send(from, peers::SnapshotReport{.last = offer.last, .installed = true});
        maybe(!sent);
        return;
    }
    fetching_ = true;
    KVORUM_LOG(kInfo, "snapshot: node {} leads and has no log before index {} any more: fetching {} bytes", from,
               offer.last.index, offer.size_bytes);
    tasks_.spawn(fetch_and_install(from, offer.last));
}

Task<void> SnapshotExchange::fetch_and_install(NodeId from, raft::EntryId last) {
    absl::StatusOr<snapshot::LoadedSnapshot> loaded = co_await fetcher_.fetch(from, last, tasks_.stop_token());
    fetching_ = false;
    if (tasks_.stop_requested()) co_return;
    if (!loaded.ok()) {
        KVORUM_LOG(kWarn, "snapshot: not fetched from node {}: {}", from, std::string(loaded.status().message()));
    } else {
        driver_.install_snapshot(loaded->head.base, std::move(loaded->state));
        ++facts_.installed;
        facts_.last_index = loaded->head.base.last.index;
        facts_.last_revision = loaded->head.moment.head.revision;
    }
    const bool sent = peers_.send(from, peers::SnapshotReport{.last = last, .installed = loaded.ok()});
    maybe(!sent);
}

void SnapshotExchange::on_snapshot_part(NodeId from, const peers::SnapshotPart& part) { fetcher_.on_part(from, part); }

// --- for others ---

void SnapshotExchange::on_snapshot_report(NodeId from, const peers::SnapshotReport& report) {
    if (report.installed) driver_.on_snapshot_sent(from, report.last);
}

void SnapshotExchange::on_snapshot_fetch(NodeId from, const peers::SnapshotFetch& fetch) {
    if (tasks_.stop_requested() || !answering_.insert(from).second) return;
    tasks_.spawn(answer(from, fetch));
}

Task<void> SnapshotExchange::answer(NodeId from, peers::SnapshotFetch fetch) {
    const snapshot::SnapshotFile* newest = directory_.newest();
    peers::SnapshotPart part{.last = fetch.last, .offset = fetch.offset, .bytes = {}};
    if (part.last.index.is_none() && newest != nullptr) part.last = newest->last;
    for (const snapshot::SnapshotFile& file : directory_.files()) {
        if (file.last == part.last) part.size_bytes = file.size_bytes;
    }
    absl::StatusOr<std::string> bytes = co_await directory_.read(part.last, fetch.offset, peers::kSnapshotPartBytesMax);
    if (bytes.ok() && part.offset <= part.size_bytes && bytes->size() <= part.size_bytes - part.offset &&
        (!bytes->empty() || part.offset == part.size_bytes)) {
        part.bytes = as_bytes(*bytes);
        const bool slept = co_await reactor_.sleep_until(paced_ns(from, bytes->size()), tasks_.stop_token());
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
