#include "sim/cluster_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kvorum::sim {
namespace {

// One piece of work is begun before the budget is used up, and may be an entry's due keys or a page of a walk. And what
// gathered is sent at the end of the turn: up to 512 KiB to each of a few peers.
constexpr uint64_t kTurnWorkMax = kSimWorkBudget + 700'000 + 512 * kKiB * kSentWork;
// More than a leader may have on the way to one peer: raft::RaftConfig::inflight_bytes_max and one message.
constexpr uint64_t kInflightBytesMax = 8 * kMiB + raft::kEntryBodySizeMax;
// Entries at the end of a log that are compared between nodes.
constexpr uint64_t kComparedEntries = 64;
// Of so many advances of what is committed (called durable by one node), one is compared with the disks.
constexpr uint64_t kCommitsPerDiskCheck = 16;
constexpr uint64_t kDurablesPerDiskCheck = 128;

// A repair keeps the files that it replaces.
size_t count_files_set_aside(const Machine& machine) {
    const auto files = machine.disk().list(machine.node_config().data_directory);
    return static_cast<size_t>(
        std::count_if(files.begin(), files.end(), [](const auto& file) { return file.first.starts_with("damaged-"); }));
}

// What lay in a segment that was released is gone with it.
bool has_file(const Machine& machine, const std::string& path) {
    if (path.empty()) return true;
    const auto files = machine.disk().list(machine.node_config().data_directory);
    return std::any_of(files.begin(), files.end(), [&](const auto& file) { return path.ends_with("/" + file.first); });
}

}  // namespace

void ClusterChecker::report(std::string what) {
    if (!violation_.has_value()) violation_ = std::move(what);
}

void ClusterChecker::observe(const Machine& machine) {
    const node::Node& node = *machine.serving();
    const raft::Raft& raft = node.raft();
    const raft::Status status = raft.status();
    NodeView& view = nodes_[machine.host()];
    if (view.incarnation != machine.incarnation()) begin_incarnation(machine, status, view);
    check_lease_reads(machine, view);
    if (status.term < view.term)
        report(fmt::format("Memory: the term of node {} went from {} to {}", machine.host(), view.term, status.term));
    view.term = status.term;
    if (status.commit_index != view.commit_index) check_committed(machine, status, view);
    if (status.role == raft::Role::kLeader) {
        if (view.led_term != status.term) check_new_leader(machine, raft);
        view.led_term = status.term;
        check_acknowledged(machine, status);
    }
    check_durable(machine, status, view);
    check_turn(machine);
    if (node.last_applied() != view.applied) check_applied(machine, node, view);
}

// --- starts ---

void ClusterChecker::before_start(const Machine& machine) {
    NodeView& view = nodes_[machine.host()];
    view.starts_damaged = view.excused() && !view.may_start && has_file(machine, view.damaged_file);
    if (!view.excused()) view.found_on_disk = read_durable_log(machine);
}

void ClusterChecker::excuse_disk(const Machine& machine, std::string how, bool may_start, std::string file) {
    NodeView& view = nodes_[machine.host()];
    view.damage = std::move(how);
    view.may_start = may_start;
    view.damaged_file = std::move(file);
    view.files_set_aside = count_files_set_aside(machine);
}

void ClusterChecker::begin_incarnation(const Machine& machine, const raft::Status& status, NodeView& view) {
    if (view.starts_damaged && count_files_set_aside(machine) == view.files_set_aside)
        report(fmt::format("Memory: node {} started, and did not notice that {}", machine.host(), view.damage));
    check_memory(machine, status, view);
    NodeView fresh;
    fresh.incarnation = machine.incarnation();
    // What was damaged since the start is still so.
    if (!view.starts_damaged) {
        fresh.damage = view.damage;
        fresh.may_start = view.may_start;
        fresh.damaged_file = view.damaged_file;
        fresh.files_set_aside = view.files_set_aside;
    }
    view = std::move(fresh);
}

void ClusterChecker::check_memory(const Machine& machine, const raft::Status& status, const NodeView& view) {
    if (view.excused()) return;
    const raft::Raft& raft = machine.serving()->raft();
    const auto lost = [&](LogIndex index, Term term) {
        // Its place may have been taken by an entry of a later term before the node went down.
        return index >= raft.base_index() && raft.term_at(index) != term && raft.term_at(status.last_index) <= term;
    };
    if (lost(view.durable.index, view.durable.term)) {
        report(fmt::format(
            "Memory: node {} had called entry {} of term {} durable, and started again with a log that ends at {} of "
            "term {}",
            machine.host(), view.durable.index, view.durable.term, status.last_index, raft.term_at(status.last_index)));
    }
    if (!view.found_on_disk.has_value()) return;
    const DurableLog& found = *view.found_on_disk;
    if (lost(found.last.index, found.last.term)) {
        report(fmt::format("Memory: the disk of node {} had entry {} of term {}, its node starts without",
                           machine.host(), found.last.index, found.last.term));
    }
    const raft::HardState& durable = found.hard_state;
    const bool other_vote =
        status.term == durable.current_term && !durable.voted_for.is_none() && status.voted_for != durable.voted_for;
    if (status.term < durable.current_term || other_vote) {
        report(fmt::format("Memory: the disk of node {} had term {} with a vote for {}, its node starts with {} and {}",
                           machine.host(), durable.current_term, durable.voted_for, status.term, status.voted_for));
    }
}

// --- leaders ---

void ClusterChecker::check_new_leader(const Machine& machine, const raft::Raft& raft) {
    const Term term = raft.current_term();
    const auto [known, first] = leaders_.emplace(term, machine.host());
    if (!first && known->second != machine.host()) {
        report(fmt::format("Election Safety: node {} and node {} both lead in term {}", known->second, machine.host(),
                           term));
    }
    for (size_t i = committed_.size(); i > 0 && i >= raft.base_index().value(); --i) {
        const CommittedEntry& entry = committed_[i - 1];
        if (entry.seen_in >= term) continue;
        if (raft.term_at(LogIndex{i}) == entry.term) continue;
        report(
            fmt::format("Leader Completeness: node {} leads in term {} without the entry {} of term {}, committed in "
                        "term {} (it has term {})",
                        machine.host(), term, i, entry.term, entry.seen_in, raft.term_at(LogIndex{i})));
        return;
    }
    if (first) check_votes(machine, term);
    if (first) check_leases(leaders_.rbegin()->first);
}

// While one has a lease, no other may be elected: asked at each election, of the clock that the leader would read now.
void ClusterChecker::check_leases(Term newest) {
    for (const auto& machine : machines_) {
        const node::Node* node = machine->serving();
        if (node == nullptr || node->raft().current_term() >= newest) continue;
        if (!node->raft().has_lease(machine->monotonic_ns())) continue;
        report(fmt::format("Lease: node {} has one in term {}, and node {} leads in term {}", machine->host(),
                           node->raft().current_term(), leaders_.at(newest), newest));
    }
}

// The same of what was done in this turn, which began in the term last seen: the clock that the node went by may not
// have been the right one.
void ClusterChecker::check_lease_reads(const Machine& machine, NodeView& view) {
    const uint64_t lease_reads = machine.serving()->counters().lease_reads;
    if (std::exchange(view.lease_reads, lease_reads) >= lease_reads || leaders_.empty()) return;
    const auto [newest, leader] = *leaders_.rbegin();
    if (newest <= view.term || leader == machine.host()) return;
    report(fmt::format("Lease: node {} served a read in term {} without asking, and node {} leads in term {}",
                       machine.host(), view.term, leader, newest));
}

void ClusterChecker::check_votes(const Machine& machine, Term term) {
    ++disk_checks_;
    size_t remembering = 0;
    for (const auto& voter : machines_) {
        const raft::HardState found = read_durable_log(*voter).hard_state;
        const bool remembers =
            found.current_term > term || (found.current_term == term && found.voted_for == machine.node_config().id);
        if (remembers || nodes_[voter->host()].excused()) ++remembering;
    }
    if (remembering > machines_.size() / 2) return;
    report(fmt::format(
        "Election Durability: node {} leads in term {}, but only {} of {} disks would remember that after a power cut",
        machine.host(), term, remembering, machines_.size()));
}

void ClusterChecker::check_acknowledged(const Machine& machine, const raft::Status& status) {
    const raft::Raft& leader = machine.serving()->raft();
    for (const raft::PeerStatus& peer : status.peers) {
        if (peer.inflight_bytes > kInflightBytesMax) {
            report(fmt::format("Bounds: node {} has {} bytes on the way to node {}", machine.host(),
                               peer.inflight_bytes, peer.id));
        }
        const node::Node* node = machines_[peer.id.value() - 1]->serving();
        if (node == nullptr || peer.match_index.is_none()) continue;
        const raft::Raft& follower = node->raft();
        if (follower.current_term() != status.term) continue;
        const LogIndex durable = follower.status().durable_index;
        const Term term = leader.term_at(peer.match_index);
        const bool is_compacted = peer.match_index < std::max(leader.base_index(), follower.base_index());
        if (durable >= peer.match_index && (is_compacted || follower.term_at(peer.match_index) == term)) continue;
        report(fmt::format(
            "Acknowledgement: the leader, node {} in term {}, counts entry {} of term {} as held by node {}, which has "
            "an entry of term {} there and calls {} durable",
            machine.host(), status.term, peer.match_index, term, peer.id, follower.term_at(peer.match_index), durable));
    }
}

// --- logs ---

// What a node calls durable, against its disk.
void ClusterChecker::check_durable(const Machine& machine, const raft::Status& status, NodeView& view) {
    const raft::Raft& raft = machine.serving()->raft();
    // After a cut, what was there and what replaces it are in flight together.
    if (view.last.index >= raft.base_index() && raft.term_at(view.last.index) != view.last.term)
        view.suspect_durable = kSuspectAdvances;
    view.last = {status.last_index, raft.term_at(status.last_index)};
    const EntryPlace durable{status.durable_index, raft.term_at(status.durable_index)};
    if (durable.index == view.durable.index && durable.term == view.durable.term) return;
    view.durable = durable;
    const bool suspect = view.suspect_durable > 0;
    if (suspect) --view.suspect_durable;
    if (durable.index.is_none() || view.excused() || (!suspect && !random_.chance(1, kDurablesPerDiskCheck))) return;
    ++disk_checks_;
    const DurableLog log = read_durable_log(machine, durable.index);
    if (durable.index < raft.base_index() || log.holds(durable.index, durable.term)) return;
    const Term found = log.term_at(durable.index);
    report(fmt::format("Durability: node {} calls entry {} of term {} durable, after a power cut there would be {}",
                       machine.host(), durable.index, durable.term,
                       found.is_none() ? std::string("none") : fmt::format("one of term {}", found)));
}

void ClusterChecker::check_committed(const Machine& machine, const raft::Status& status, NodeView& view) {
    const raft::Raft& raft = machine.serving()->raft();
    if (status.commit_index < view.commit_index) {
        report(fmt::format("State Machine Safety: the commit index of node {} went from {} to {}", machine.host(),
                           view.commit_index, status.commit_index));
        return;
    }
    const bool led_before = status.role == raft::Role::kLeader && view.led_term == status.term;
    if (led_before && raft.term_at(status.commit_index) != status.term) {
        report(fmt::format("Commit Rule: node {}, which leads in term {}, committed up to entry {} of term {}",
                           machine.host(), status.term, status.commit_index, raft.term_at(status.commit_index)));
        return;
    }
    bool is_new = false;
    for (LogIndex index = view.commit_index + 1; index <= status.commit_index; ++index) {
        const raft::EntryPtr cached = raft.cached_entry(index);
        const uint64_t checksum = cached == nullptr ? 0 : cached->id().checksum;
        const Term term = raft.term_at(index);
        // A snapshot stands for it, and whoever took that had seen it.
        if (index < raft.base_index()) continue;
        if (index.value() > committed_.size()) {
            committed_.push_back({term, checksum, status.term});
            is_new = true;
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
    view.commit_index = status.commit_index;
    if (is_new && random_.chance(1, kCommitsPerDiskCheck)) check_disks();
}

void ClusterChecker::check_applied(const Machine& machine, const node::Node& node, NodeView& view) {
    view.applied = node.last_applied();
    const uint64_t hash = node.state_hash();
    const auto [known, first] = state_hashes_.emplace(view.applied, std::pair(hash, machine.host()));
    if (first || known->second.first == hash) return;
    report(fmt::format("Equal State: having applied up to {}, node {} has state {:016x} and node {} has {:016x}",
                       view.applied, known->second.second, known->second.first, machine.host(), hash));
}

void ClusterChecker::check_turn(const Machine& machine) {
    const TurnWork& work = machine.work();
    if (work.total() <= kTurnWorkMax) return;
    report(
        fmt::format("Turn: node {} did {} units of work in one turn, {} of them '{}'; no input may hold it that long",
                    machine.host(), work.total(), work.total(work.heaviest()),
                    kTurnPartNames[static_cast<size_t>(work.heaviest())]));
}

void ClusterChecker::check_stores() const {
    for (const auto& machine : machines_) {
        if (machine->serving() != nullptr) machine->serving()->store().check();
    }
}

void ClusterChecker::check_logs() {
    for (size_t i = 0; i < machines_.size(); ++i) {
        for (size_t j = i + 1; j < machines_.size(); ++j) {
            const node::Node* a = machines_[i]->serving();
            const node::Node* b = machines_[j]->serving();
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
                                       machines_[i]->host(), machines_[j]->host(), last - back, of_a->term()));
                }
                if (matched && !equal) {
                    report(fmt::format("Log Matching: nodes {} and {} differ at {} below equal entries",
                                       machines_[i]->host(), machines_[j]->host(), last - back));
                }
                matched = matched || equal;
            }
        }
    }
}

void ClusterChecker::check_disks() {
    if (committed_.empty()) return;
    ++disk_checks_;
    const LogIndex index{committed_.size()};
    const Term term = committed_.back().term;
    size_t holding = 0;
    for (const auto& machine : machines_) {
        const bool excused = nodes_[machine->host()].excused();
        holding += excused || read_durable_log(*machine, index).holds(index, term) ? 1 : 0;
    }
    if (holding > machines_.size() / 2) return;
    report(fmt::format(
        "Durability: entry {} of term {} is committed, but only {} of {} disks would have it after a power cut", index,
        term, holding, machines_.size()));
}

}  // namespace kvorum::sim
