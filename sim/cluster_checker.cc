#include "sim/cluster_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/durable_log.h"

namespace kvorum::sim {
namespace {

// More than a leader may have on the way to one peer: raft::RaftConfig::inflight_bytes_max and one message.
constexpr uint64_t kInflightBytesMax = 8 * kMiB + raft::kEntryBodySizeMax;
// Entries at the end of a log that are compared between nodes.
constexpr uint64_t kComparedEntries = 64;

}  // namespace

void ClusterChecker::report(std::string what) {
    if (!violation_.has_value()) violation_ = std::move(what);
}

void ClusterChecker::observe(const Machine& machine) {
    const server::Node& node = *machine.serving();
    NodeView& view = nodes_[machine.host()];
    if (view.incarnation != machine.incarnation()) {
        const Term term_before = view.term;
        const bool excused = view.excused;
        view = {.incarnation = machine.incarnation(),
                .commit_index = {},
                .applied = {},
                .term = {},
                .led_term = {},
                .excused = excused};
        view.term = Term{};
        maybe(term_before > node.raft().current_term());  // a term that was never made durable may be forgotten
    }
    const raft::Raft& raft = node.raft();
    if (raft.current_term() < view.term) {
        report(fmt::format("node {}: its term went from {} to {}", machine.host(), view.term, raft.current_term()));
    }
    view.term = raft.current_term();
    if (raft.is_leader()) check_leader(machine, raft, view);
    if (raft.commit_index() != view.commit_index) check_committed(machine, raft, view);
    if (node.last_applied() != view.applied) check_applied(machine, node, view);
}

void ClusterChecker::check_leader(const Machine& machine, const raft::Raft& raft, NodeView& view) {
    const Term term = raft.current_term();
    if (view.led_term == term) return;
    view.led_term = term;
    const auto [known, first] = leaders_.emplace(term, machine.host());
    if (!first && known->second != machine.host()) {
        report(fmt::format("Election Safety: node {} and node {} both lead in term {}", known->second, machine.host(),
                           term));
    }
    for (size_t i = committed_.size(); i > 0; --i) {
        const CommittedEntry& entry = committed_[i - 1];
        if (entry.seen_in >= term) continue;
        if (raft.term_at(LogIndex{i}) == entry.term) continue;
        report(
            fmt::format("Leader Completeness: node {} leads in term {} without the entry {} of term {}, committed in "
                        "term {} (it has term {})",
                        machine.host(), term, i, entry.term, entry.seen_in, raft.term_at(LogIndex{i})));
        return;
    }
    check_bounds(machine, raft);
}

void ClusterChecker::check_committed(const Machine& machine, const raft::Raft& raft, NodeView& view) {
    if (raft.commit_index() < view.commit_index) {
        report(fmt::format("node {}: its commit index went from {} to {}", machine.host(), view.commit_index,
                           raft.commit_index()));
        return;
    }
    for (LogIndex index = view.commit_index + 1; index <= raft.commit_index(); ++index) {
        const raft::EntryPtr cached = raft.cached_entry(index);
        const uint64_t checksum = cached == nullptr ? 0 : cached->id().checksum;
        const Term term = raft.term_at(index);
        if (index.value() > committed_.size()) {
            committed_.push_back({term, checksum, raft.current_term()});
            continue;
        }
        CommittedEntry& known = committed_[index.value() - 1];
        if (known.checksum == 0) known.checksum = checksum;
        if (known.term != term || (checksum != 0 && known.checksum != checksum)) {
            report(
                fmt::format("State Machine Safety: entry {} was committed with term {} checksum {:016x}, node {} has "
                            "term {} checksum {:016x}",
                            index, known.term, known.checksum, machine.host(), term, checksum));
            return;
        }
    }
    view.commit_index = raft.commit_index();
}

void ClusterChecker::check_applied(const Machine& machine, const server::Node& node, NodeView& view) {
    view.applied = node.last_applied();
    const uint64_t hash = node.store().state_hash();
    const auto [known, first] = state_hashes_.emplace(view.applied, std::pair(hash, machine.host()));
    if (first || known->second.first == hash) return;
    report(fmt::format("Equal state: having applied up to {}, node {} has state {:016x} and node {} has {:016x}",
                       view.applied, known->second.second, known->second.first, machine.host(), hash));
}

void ClusterChecker::check_bounds(const Machine& machine, const raft::Raft& raft) {
    for (const raft::PeerStatus& peer : raft.status().peers) {
        if (peer.inflight_bytes <= kInflightBytesMax) continue;
        report(fmt::format("Bounds: node {} has {} bytes on the way to node {}", machine.host(), peer.inflight_bytes,
                           peer.id));
    }
}

void ClusterChecker::check_logs(const std::vector<const Machine*>& machines) {
    for (size_t i = 0; i < machines.size(); ++i) {
        for (size_t j = i + 1; j < machines.size(); ++j) {
            const server::Node* a = machines[i]->serving();
            const server::Node* b = machines[j]->serving();
            if (a == nullptr || b == nullptr) continue;
            const LogIndex last = std::min(a->raft().last_index(), b->raft().last_index());
            bool matched = false;
            for (uint64_t back = 0; back < kComparedEntries && back < last.value(); ++back) {
                const raft::EntryPtr of_a = a->raft().cached_entry(last - back);
                const raft::EntryPtr of_b = b->raft().cached_entry(last - back);
                if (of_a == nullptr || of_b == nullptr) break;
                const bool equal = of_a->id() == of_b->id();
                if (of_a->term() == of_b->term() && !equal) {
                    report(fmt::format("Log Matching: nodes {} and {} hold different entries {} of term {}",
                                       machines[i]->host(), machines[j]->host(), last - back, of_a->term()));
                }
                if (matched && !equal) {
                    report(fmt::format("Log Matching: nodes {} and {} differ at {} below equal entries",
                                       machines[i]->host(), machines[j]->host(), last - back));
                }
                matched = matched || equal;
            }
        }
    }
}

bool ClusterChecker::disk_holds(const Machine& machine, LogIndex index, Term term) {
    if (nodes_[machine.host()].excused) return true;
    const DurableLog log(machine);
    if (!log.is_accepted() || log.replay().last().index < index) return false;
    Term found;
    for (const raft::TermRun& run : log.replay().terms()) {
        if (run.first_index <= index) found = run.term;
    }
    return found == term;
}

void ClusterChecker::check_disks(const std::vector<const Machine*>& machines) {
    if (committed_.empty()) return;
    ++disk_checks_;
    const LogIndex index{committed_.size()};
    const Term term = committed_.back().term;
    size_t holding = 0;
    for (const Machine* machine : machines)
        holding += disk_holds(*machine, index, term) ? 1 : 0;
    if (holding > machines.size() / 2) return;
    report(fmt::format(
        "Durability: entry {} of term {} is committed, but only {} of {} disks would have it after a power cut", index,
        term, holding, machines.size()));
}

}  // namespace kvorum::sim
