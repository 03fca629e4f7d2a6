#include "replica/log_repair.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "base/units.h"
#include "peers/peers.h"
#include "reactor/event.h"
#include "reactor/scope.h"
#include "replica/log_membership.h"
#include "replica/repair_decision.h"
#include "replica/snapshot_fetcher.h"
#include "replica/takes_no_part.h"
#include "wal/damaged_log.h"
#include "wal/log_rebuild.h"

namespace kvorum::replica {

using reactor::Task;

namespace {

constexpr uint64_t kAskIntervalNs = 200 * kMillisecondNs;
constexpr uint64_t kReportIntervalNs = 5 * kSecondNs;
// A node that knows that an entry is lost goes on answering for this long, so that the others learn it too.
constexpr uint64_t kLingerNs = 3 * kSecondNs;
// Who has not answered for so long is not waited for when another has a snapshot.
constexpr uint64_t kSnapshotGraceNs = 1 * kSecondNs;

class LogRepair final : private peers::RepairReceiver, private peers::LinkEvents, private peers::Acquaintance {
 public:
    LogRepair(reactor::Reactor& reactor, net::OutputFlusher& flusher, const NodeConfig& config, wal::DamagedLog& log,
              snapshot::SnapshotDirectory& directory, raft::LogBase snapshot)
        : reactor_(reactor),
          config_(config),
          log_(log),
          rebuild_(reactor, log),
          peers_(
              reactor, flusher, config,
              peers::PeerIdentity{log.end().cluster, log.end().epoch_max + 1, log.end().log_id, log.end().known_peers}),
          fetcher_(reactor, log.end().cluster, config.data_directory, peers_, directory, facts_),
          takes_parts_(fetcher_),
          changed_(reactor),
          tasks_(reactor) {
        rebuild_.begin_at(std::move(snapshot));
    }

    Task<absl::Status> run();

 private:
    [[nodiscard]] size_t peer_count() const { return config_.members.size() - 1; }
    Task<absl::Status> find_missing();
    Task<absl::Status> ask_peers();
    Task<absl::Status> take_step();
    Task<void> keep_asking();
    Task<void> answer(NodeId from, peers::RepairRequest request);
    Task<absl::StatusOr<peers::RepairReply>> look_up(peers::RepairRequest request);
    void ask();
    void report_waiting();
    void report_done() const;
    [[nodiscard]] std::string describe_answers() const;
    // The one that the repair is at; not to be asked once the log is whole.
    [[nodiscard]] raft::EntryId missing_entry() const;
    [[nodiscard]] absl::Status lost() const;
    Task<absl::Status> fetch_base(LogIndex at_least);
    void forget_answers();

    void on_repair_request(NodeId from, const peers::RepairRequest& request) override;
    void on_repair_reply(NodeId from, peers::RepairReply reply) override;
    void on_link_up(NodeId) override { ask(); }
    void on_link_room(NodeId) override {}
    void on_link_down(NodeId, uint64_t) override {}
    void on_peer_gone(NodeId) override {}
    void on_peer_met(raft::KnownPeer peer) override { rebuild_.note_peer(peer); }
    void on_known_by_other_log(size_t peers, std::string_view reason) override;

    reactor::Reactor& reactor_;
    const NodeConfig& config_;
    wal::DamagedLog& log_;
    wal::LogRebuild rebuild_;
    TakesNoPart takes_no_part_;
    peers::Peers peers_;
    SnapshotFacts facts_;
    SnapshotFetcher fetcher_;
    TakesSnapshotParts takes_parts_;
    std::map<NodeId, RepairAnswer> answers_;       // about the entry needed now
    std::optional<uint64_t> snapshot_offered_ns_;  // when the first of them named one
    std::map<NodeId, uint64_t> supplied_by_;
    absl::Status supply_status_;  // what ends the repair
    std::set<NodeId> answering_;
    uint64_t reported_ns_ = 0;
    reactor::Event changed_;
    reactor::TaskScope tasks_;
};

Task<absl::Status> LogRepair::run() {
    KVORUM_LOG(kWarn, "the log is damaged: {}; its last entry was {} of term {}, its promise term {} vote {}",
               log_.message(), log_.end().last.index, log_.end().last.term, log_.end().hard_state.current_term,
               log_.end().hard_state.voted_for);
    tasks_.spawn(keep_asking());
    absl::Status status = co_await find_missing();
    if (status.ok()) status = co_await rebuild_.write(tasks_.stop_token());
    tasks_.request_stop();
    co_await tasks_.join();
    if (status.ok()) report_done();
    co_return status;
}

Task<absl::Status> LogRepair::find_missing() {
    absl::Status status = co_await rebuild_.advance();
    if (!status.ok() || !rebuild_.needed().has_value()) co_return status;
    if (peer_count() == 0) co_return lost();
    status = peers_.start({takes_no_part_, takes_no_part_, static_cast<peers::RepairReceiver&>(*this), takes_parts_,
                           static_cast<peers::LinkEvents&>(*this), static_cast<peers::Acquaintance&>(*this),
                           takes_no_part_});
    if (!status.ok()) co_return status;
    reported_ns_ = reactor_.now_ns();
    status = co_await ask_peers();
    co_await peers_.stop();
    co_return status;
}

Task<absl::Status> LogRepair::ask_peers() {
    while (rebuild_.needed().has_value()) {
        if (tasks_.stop_requested()) co_return absl::CancelledError("stopped while the log was being repaired");
        changed_.reset();
        absl::Status status = co_await take_step();
        if (!status.ok()) co_return status;
        if (!rebuild_.needed().has_value()) break;
        const bool woken = co_await changed_.wait(tasks_.stop_token());
        maybe(!woken);
    }
    co_return absl::OkStatus();
}

// Takes in what came, and decides.
Task<absl::Status> LogRepair::take_step() {
    if (!supply_status_.ok()) co_return supply_status_;
    const raft::EntryId before = missing_entry();
    absl::Status status = co_await rebuild_.advance();
    if (!status.ok()) co_return status;
    if (rebuild_.needed() != before) {
        forget_answers();
        ask();
        co_return absl::OkStatus();
    }
    std::vector<RepairAnswer> answers;
    answers.reserve(answers_.size());
    for (const auto& [node, given] : answers_)
        answers.push_back(given);
    const RepairDecision decision = decide_repair(answers, peer_count(), log_.end().last.term);
    switch (decision.action) {
        case RepairAction::kWait: report_waiting(); break;
        case RepairAction::kEndAt:
            KVORUM_LOG(kWarn, "repair: entry {} was never committed ({}); the log ends with entry {} of term {}",
                       before.index, describe_answers(), decision.end.index, decision.end.term);
            rebuild_.end_at(decision.end);
            forget_answers();
            status = co_await rebuild_.advance();
            ask();
            break;
        case RepairAction::kNeedsSnapshot: {
            if (!snapshot_offered_ns_.has_value()) snapshot_offered_ns_ = reactor_.now_ns();
            const bool may_wait = reactor_.now_ns() - *snapshot_offered_ns_ < kSnapshotGraceNs;
            if (may_wait && answers_.size() < peer_count()) break;
            status = co_await fetch_base(decision.snapshot_at_least);
            break;
        }
        case RepairAction::kLost: {
            status = lost();
            KVORUM_LOG(kError, "{}", std::string(status.message()));
            const bool slept = co_await reactor_.sleep_for(kLingerNs, tasks_.stop_token());
            maybe(!slept);
            break;
        }
    }
    co_return status;
}

raft::EntryId LogRepair::missing_entry() const {
    const std::optional<raft::EntryId> needed = rebuild_.needed();
    KVORUM_ASSERT(needed.has_value(), "the log is whole");
    return *needed;
}

absl::Status LogRepair::lost() const {
    const raft::EntryId needed = missing_entry();
    return absl::DataLossError(fmt::format(
        "wal: {}; entry {} (checksum {:016x}) is lost: {}. It may have been acknowledged, so this node does not go on "
        "without it; no file was changed. If a copy of this node's data directory, or of a peer's, has the entry, put "
        "it in the place of the damaged one",
        log_.message(), needed.index, needed.checksum,
        peer_count() == 0 ? "there is no other node" : "no node has it (" + describe_answers() + ")"));
}

// What is missing is only in snapshots any more: the log begins behind one that a peer has.
Task<absl::Status> LogRepair::fetch_base(LogIndex at_least) {
    KVORUM_LOG(kWarn, "repair: entry {} is missing, and what is left of it is in a snapshot of entry {} or a later one",
               missing_entry().index, at_least);
    for (const auto& [node, answer] : std::map<NodeId, RepairAnswer>(answers_)) {
        if (answer.outcome != peers::RepairOutcome::kInSnapshot) continue;
        absl::StatusOr<FetchedState> fetched = co_await fetcher_.fetch(node, {}, tasks_.stop_token());
        if (tasks_.stop_requested()) co_return absl::CancelledError("stopped while the log was being repaired");
        if (!fetched.ok()) {
            KVORUM_LOG(kWarn, "repair: no snapshot from node {}: {}", node, std::string(fetched.status().message()));
            continue;
        }
        rebuild_.begin_at(fetched->base);
        break;
    }
    forget_answers();
    absl::Status status = co_await rebuild_.advance();
    ask();
    co_return status;
}

void LogRepair::forget_answers() {
    answers_.clear();
    snapshot_offered_ns_.reset();
}

// --- asking ---

Task<void> LogRepair::keep_asking() {
    while (true) {
        const bool slept = co_await reactor_.sleep_for(kAskIntervalNs, tasks_.stop_token());
        if (!slept) co_return;
        if (reactor_.stop_requested()) {
            tasks_.request_stop();
            co_return;
        }
        ask();
        changed_.set();
    }
}

void LogRepair::ask() {
    const std::optional<raft::EntryId> needed = rebuild_.needed();
    if (!needed.has_value()) return;
    for (const Member& member : config_.members) {
        if (member.id == config_.id) continue;
        const bool sent = peers_.send(member.id, peers::RepairRequest{needed->index, needed->checksum});
        maybe(!sent);
    }
}

void LogRepair::on_repair_reply(NodeId from, peers::RepairReply reply) {
    const std::optional<raft::EntryId> needed = rebuild_.needed();
    const bool is_asked = needed.has_value() && needed->index == reply.index && needed->checksum == reply.checksum;
    if (!is_asked || !supply_status_.ok()) return;
    if (reply.outcome == peers::RepairOutcome::kHeld) {
        for (raft::EntryPtr& entry : reply.entries) {
            supply_status_ = rebuild_.supply(std::move(entry));
            if (!supply_status_.ok()) break;
            ++supplied_by_[from];
        }
    } else {
        answers_[from] = {from, reply.outcome, reply.at};
    }
    changed_.set();
}

void LogRepair::on_known_by_other_log(size_t peers, std::string_view reason) {
    if (!peers::is_outvoted(config_, peers)) return;
    supply_status_ = absl::FailedPreconditionError(peers::known_by_other_log_message(config_, reason));
    changed_.set();
}

std::string LogRepair::describe_answers() const {
    std::string text;
    for (const Member& member : config_.members) {
        if (member.id == config_.id) continue;
        const auto it = answers_.find(member.id);
        if (!text.empty()) text += ", ";
        if (it == answers_.end()) {
            text += fmt::format("node {} has not answered", member.id);
        } else if (it->second.outcome == peers::RepairOutcome::kMissing) {
            text += fmt::format("node {} is damaged there too", member.id);
        } else if (it->second.outcome == peers::RepairOutcome::kInSnapshot) {
            text += fmt::format("the log of node {} begins behind entry {}", member.id, it->second.at.index);
        } else {
            text += fmt::format("node {} has entry {} of term {}", member.id, it->second.at.index, it->second.at.term);
        }
    }
    return text;
}

void LogRepair::report_waiting() {
    if (reactor_.now_ns() - reported_ns_ < kReportIntervalNs) return;
    reported_ns_ = reactor_.now_ns();
    const raft::EntryId needed = missing_entry();
    KVORUM_LOG(kWarn, "repair: waits for entry {} (checksum {:016x}): {}", needed.index, needed.checksum,
               describe_answers());
}

void LogRepair::report_done() const {
    std::string sources;
    for (const auto& [node, count] : supplied_by_)
        sources += fmt::format("; {} from node {}", count, node);
    KVORUM_LOG(kWarn, "repair: the log is whole up to entry {}, {} entries were fetched{}", rebuild_.last().index,
               rebuild_.supplied_count(), sources);
}

// --- answering ---

void LogRepair::on_repair_request(NodeId from, const peers::RepairRequest& request) {
    if (tasks_.stop_requested() || !answering_.insert(from).second) return;
    tasks_.spawn(answer(from, request));
}

Task<void> LogRepair::answer(NodeId from, peers::RepairRequest request) {
    absl::StatusOr<peers::RepairReply> reply = co_await look_up(request);
    answering_.erase(from);
    if (!reply.ok()) co_return;
    const bool sent = peers_.send(from, *reply);
    maybe(!sent);
}

Task<absl::StatusOr<peers::RepairReply>> LogRepair::look_up(peers::RepairRequest request) {
    peers::RepairReply reply{request.index, request.checksum, peers::RepairOutcome::kMissing, {}, {}};
    absl::StatusOr<raft::EntryPtr> held = co_await rebuild_.find(request.index, request.checksum);
    if (!held.ok()) co_return held.status();
    if (*held != nullptr) {
        reply.outcome = peers::RepairOutcome::kHeld;
        reply.entries.push_back(*held);
        co_return reply;
    }
    if (request.index <= rebuild_.base().last.index) {
        reply.outcome = peers::RepairOutcome::kInSnapshot;
        reply.at = rebuild_.base().last;
        co_return reply;
    }
    const std::optional<raft::EntryId> needed = rebuild_.needed();
    if (needed.has_value() && needed->index == request.index && needed->checksum == request.checksum) co_return reply;
    absl::StatusOr<std::optional<raft::EntryId>> at = co_await rebuild_.entry_at(request.index);
    if (!at.ok()) co_return at.status();
    // What this log has there will be known when the walk has come so far.
    const std::optional<raft::EntryId>& known = *at;
    if (!known.has_value()) co_return absl::UnavailableError("not known yet");
    reply.outcome = peers::RepairOutcome::kOther;
    reply.at = *known;
    co_return reply;
}

// What the newest whole snapshot on this disk stands for; zero: there is none.
Task<raft::LogBase> base_on_disk(snapshot::SnapshotDirectory& directory) {
    const std::vector<snapshot::SnapshotFile> files = directory.files();
    for (const snapshot::SnapshotFile& file : files) {
        absl::StatusOr<snapshot::LoadedSnapshot> loaded = co_await directory.verify(file.id, {});
        if (loaded.ok()) co_return loaded->head.base;
    }
    co_return raft::LogBase{};
}

}  // namespace

Task<absl::Status> repair_log(reactor::Reactor& reactor, net::OutputFlusher& flusher, const NodeConfig& config,
                              wal::WalConfig log, snapshot::SnapshotDirectory& directory) {
    absl::StatusOr<std::unique_ptr<wal::DamagedLog>> damaged = co_await wal::DamagedLog::open(reactor, std::move(log));
    if (!damaged.ok()) co_return damaged.status();
    const wal::SurveyedEnd& end = (*damaged)->end();
    absl::Status status = check_log_membership(config, end.cluster, end.configuration ? &*end.configuration : nullptr);
    if (status.ok()) {
        raft::LogBase base = co_await base_on_disk(directory);
        LogRepair repair(reactor, flusher, config, **damaged, directory, std::move(base));
        status = co_await repair.run();
    }
    co_await (*damaged)->close();
    co_return status;
}

}  // namespace kvorum::replica
