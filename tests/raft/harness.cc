#include "tests/raft/harness.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kvorum::raft::testing {
namespace {

// An empty list names all.
bool includes(const std::vector<uint64_t>& ids, uint64_t id) {
    return ids.empty() || std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

void Disk::write(const std::optional<HardState>& next, const std::optional<LogBase>& begin_at,
                 const EntryList& appended) {
    if (next.has_value()) {
        EXPECT_GE(next->current_term, hard_state.current_term);
        hard_state = *next;
    }
    if (begin_at.has_value()) {
        EXPECT_GE(snapshot.last.index, begin_at->last.index) << "no snapshot stands for what is dropped";
        base = *begin_at;
        entries.clear();
    }
    for (const EntryPtr& entry : appended) {
        ASSERT_GT(entry->index(), base.last.index);
        const size_t position = entry->index() - base.last.index - 1;
        ASSERT_LE(position, entries.size()) << "a gap in the log";
        entries.resize(position);
        entries.push_back(entry);
    }
}

RecoveredLog Disk::recover() const {
    RecoveredLog recovered{.cluster = kTestCluster,
                           .hard_state = hard_state,
                           .base = base,
                           .applied = base.last,
                           .last = base.last,
                           .last_log_time_ms = base.log_time_ms,
                           .facts = facts_of(base)};
    if (const EntryPtr last = at(snapshot.last.index); last != nullptr && last->id() == snapshot.last)
        recovered.applied = snapshot.last;
    for (const EntryPtr& entry : entries) {
        if (recovered.terms.empty() || recovered.terms.back().term != entry->term()) {
            recovered.terms.push_back({entry->term(), entry->index()});
        }
        EXPECT_TRUE(recovered.facts.note(entry->header(), entry->body()));
    }
    if (!entries.empty()) {
        recovered.last = entries.back()->id();
        recovered.last_log_time_ms = entries.back()->header().log_time_ms;
    }
    return recovered;
}

bool Disk::holds(const EntryId& id) const {
    if (id.index <= base.last.index || id.index <= snapshot.last.index) return true;
    const EntryPtr entry = at(id.index);
    return entry != nullptr && entry->id() == id;
}

EntryPtr Disk::at(LogIndex index) const {
    if (index <= base.last.index || index > last_index()) return nullptr;
    return entries[index - base.last.index - 1];
}

Cluster::Cluster(size_t node_count, const std::function<void(RaftConfig&)>& configure, uint64_t seed)
    : configure_(configure), seed_(seed) {
    nodes_.resize(node_count);
    for (size_t i = 0; i < node_count; ++i) {
        RaftConfig& config = nodes_[i].config;
        config.self = NodeId{i + 1};
        config.election_timeout_ns = kElectionTimeoutNs;
        config.heartbeat_interval_ns = kHeartbeatNs;
        for (size_t voter = 1; voter <= node_count; ++voter)
            config.voters.push_back(NodeId{voter});
        config.configuration = configuration_of(config.voters);
        founding_ = config.configuration;
        if (configure) configure(config);
        // As after an earlier start: what it may promise is on its disk.
        nodes_[i].disk.hard_state.longest_silence_ms =
            static_cast<uint32_t>(config.election_timeout_ns / kMillisecondNs);
        start(nodes_[i]);
    }
}

void Cluster::start(Node& node) {
    ++node.incarnation;
    node.config.seed = seed_ * 1000003 + node.config.self.value() * 101 + node.incarnation;
    node.units.clear();
    node.log_reads.clear();
    const RecoveredLog recovered = node.disk.recover();
    node.committed_index = node.applied_index = recovered.applied.index;
    node.raft = std::make_unique<Raft>(node.config, recovered, now_ns_);
    // It was installed, and the log was not durable that begins behind it.
    if (node.disk.snapshot.last.index > recovered.applied.index) install(node.config.self.value(), node.disk.snapshot);
}

uint64_t Cluster::add_node() {
    Node& node = nodes_.emplace_back();
    node.config.self = NodeId{nodes_.size()};
    node.config.election_timeout_ns = kElectionTimeoutNs;
    node.config.heartbeat_interval_ns = kHeartbeatNs;
    if (configure_) configure_(node.config);
    node.config.joins = true;
    node.disk.hard_state.longest_silence_ms = static_cast<uint32_t>(node.config.election_timeout_ns / kMillisecondNs);
    start(node);
    return nodes_.size();
}

void Cluster::wipe(uint64_t id) {
    Node& target = node(id);
    if (is_up(id)) crash(id);
    const uint32_t silence_ms = target.disk.hard_state.longest_silence_ms;
    target.disk = {};
    target.disk.hard_state.longest_silence_ms = silence_ms;
    target.config.joins = true;
    target.config.voters.clear();
    target.config.configuration = {};
    restart(id);
}

ChangeResult Cluster::change(uint64_t id, const ConfigurationChange& change) {
    const ChangeResult result = raft(id).propose_change(change);
    collect(node(id));
    return result;
}

// --- snapshots ---

void Cluster::compact(uint64_t id, uint64_t kept) {
    Node& target = node(id);
    const LogIndex applied = target.applied_index;
    Disk& disk = target.disk;
    if (const EntryPtr last = entry(id, applied); last != nullptr && applied > disk.snapshot.last.index)
        disk.snapshot = target.raft->log_base_at(last->id(), last->header().log_time_ms);
    // The log on disk does not begin there yet.
    if (disk.base.last.index < target.raft->base_index()) return;
    const LogIndex released = std::min({disk.snapshot.last.index, applied, target.raft->status().durable_index});
    if (released <= disk.base.last.index + kept) return;
    const LogIndex up_to = released - kept;
    const EntryPtr last = disk.at(up_to);
    ASSERT_NE(last, nullptr);
    disk.entries.erase(disk.entries.begin(),
                       disk.entries.begin() + static_cast<ptrdiff_t>(up_to - disk.base.last.index));
    disk.base = target.raft->log_base_at(last->id(), last->header().log_time_ms);
    target.raft->compact(up_to);
    tell(fmt::format("{} releases its log to {}", id, up_to));
    collect(target);
}

InstallResult Cluster::install(uint64_t id, const LogBase& snapshot) {
    Node& target = node(id);
    const LogIndex at = snapshot.last.index;
    if (at > target.disk.snapshot.last.index) target.disk.snapshot = snapshot;
    const InstallResult result = target.raft->install_snapshot(snapshot);
    constexpr const char* kWhat[] = {"ignores", "keeps its log under", "begins behind"};
    tell(fmt::format("{} {} the snapshot of {}/{}", id, kWhat[static_cast<int>(result)], at, snapshot.last.term));
    if (result == InstallResult::kInstalled) {
        target.committed_index = at;
        if (target.options.apply_at_once) {
            target.applied_index = at;
            target.raft->on_applied(at);
        }
    }
    collect(target);
    return result;
}

void Cluster::deliver_snapshot(size_t position) {
    const SentSnapshot sent = snapshots_.at(position);
    drop_snapshot(position);
    if (is_cut(NodeId{sent.from}, NodeId{sent.to}) || !is_up(sent.to)) return;
    install(sent.to, sent.base);
    if (!is_up(sent.from) || node(sent.from).incarnation != sent.incarnation) return;
    raft(sent.from).on_snapshot_sent(NodeId{sent.to}, sent.base.last);
    collect(node(sent.from));
}

// --- inputs ---

void Cluster::advance(uint64_t duration_ns, const std::vector<uint64_t>& ticked) {
    now_ns_ += duration_ns;
    for (Node& node : nodes_) {
        if (node.raft == nullptr || !includes(ticked, node.config.self.value())) continue;
        node.raft->tick(now_ns_);
        collect(node);
    }
}

void Cluster::campaign(uint64_t id) { advance(2 * kElectionTimeoutNs, {id}); }

bool Cluster::elect(uint64_t id) {
    campaign(id);
    settle();
    return raft(id).is_leader();
}

ProposeResult Cluster::propose(uint64_t id, std::string text) {
    EntryBuilder builder(EntryType::kCommands);
    builder.buffer().append(text);
    builder.add_command_count(1);
    const ProposeResult result = raft(id).propose(builder);
    collect(node(id));
    return result;
}

TransferStart Cluster::transfer(uint64_t id, uint64_t target) {
    const TransferStart start = raft(id).transfer_leadership(NodeId{target}, now_ns_);
    collect(node(id));
    return start;
}

std::pair<ReadStatus, uint64_t> Cluster::read(uint64_t id) {
    const uint64_t read_id = next_read_id_++;
    reads_[read_id] = {.committed_before = LogIndex{committed_.size()}};
    const ReadStatus status = raft(id).read_index(read_id, now_ns_);
    if (status != ReadStatus::kAccepted) reads_[read_id].resolved = true;
    collect(node(id));
    return {status, read_id};
}

void Cluster::inject(const Message& message) {
    Node& receiver = node(message.to.value());
    receiver.raft->step(message, now_ns_);
    collect(receiver);
}

void Cluster::persist(uint64_t id, size_t units) {
    Node& target = node(id);
    for (size_t done = 0; done < units && !target.units.empty(); ++done)
        persist_front(target);
    collect(target);
}

void Cluster::persist_front(Node& node) {
    PersistUnit unit = std::move(node.units.front());
    node.units.pop_front();
    node.disk.write(unit.hard_state, unit.begin_at, unit.entries);
    EntryId last = unit.begin_at.has_value() ? unit.begin_at->last : EntryId{};
    if (!unit.entries.empty()) last = unit.entries.back()->id();
    if (node.options.self_message_first) send_to_self(node, unit.messages);
    if (unit.needs_persist()) node.raft->on_persisted(last.term, last.index);
    if (!node.options.self_message_first) send_to_self(node, unit.messages);
    send(node, unit.messages);
    release_ready(node);
}

// Outputs without anything to persist, whose messages waited only for the units before.
void Cluster::release_ready(Node& node) {
    while (!node.units.empty() && !node.units.front().needs_persist()) {
        const MessageList messages = std::move(node.units.front().messages);
        node.units.pop_front();
        send_to_self(node, messages);
        send(node, messages);
    }
}

void Cluster::apply(uint64_t id) {
    Node& target = node(id);
    target.applied_index = target.committed_index;
    target.raft->on_applied(target.applied_index);
    collect(target);
}

void Cluster::read_log(Node& node, const LogRead& read) {
    AnsweredLogRead answer{node.raft->current_term(), read, {}};
    for (const AnsweredLogRead& other : node.log_reads) {
        EXPECT_FALSE(other.term == answer.term && other.read.peer == read.peer)
            << "two log reads at a time for one peer";
    }
    uint64_t bytes = 0;
    for (LogIndex index = read.first_index; index <= std::min(read.last_index, node.disk.last_index()); ++index) {
        const EntryPtr next = node.disk.at(index);
        if (next == nullptr) break;
        bytes += next->encoded().size();
        if (!answer.entries.empty() && bytes > read.bytes_max) break;
        answer.entries.push_back(next);
    }
    node.log_reads.push_back(std::move(answer));
}

void Cluster::answer_log_reads(uint64_t id) {
    Node& target = node(id);
    std::vector<AnsweredLogRead> answers = std::exchange(target.log_reads, {});
    for (AnsweredLogRead& answer : answers) {
        target.raft->on_log_read(answer.read.peer, answer.read.first_index, std::move(answer.entries));
    }
    collect(target);
}

void Cluster::hold_output(uint64_t id, bool hold) {
    node(id).options.hold_output = hold;
    collect(node(id));
}

void Cluster::crash(uint64_t id) {
    Node& target = node(id);
    target.raft.reset();
    target.units.clear();
    target.log_reads.clear();
    tell(fmt::format("{} crashes", id));
}

void Cluster::restart(uint64_t id) {
    ASSERT_FALSE(is_up(id));
    start(node(id));
    tell(fmt::format("{} restarts with {} entries", id, node(id).disk.entries.size()));
}

void Cluster::stall_disk(uint64_t id, bool stalled) {
    raft(id).set_disk_stalled(stalled);
    collect(node(id));
}

void Cluster::unreachable(uint64_t id, uint64_t peer) {
    raft(id).on_peer_unreachable(NodeId{peer});
    collect(node(id));
}

void Cluster::connected(uint64_t id, uint64_t peer) {
    raft(id).on_peer_connected(NodeId{peer});
    collect(node(id));
}

// --- network ---

void Cluster::deliver(size_t position) {
    const Message message = network_.at(position);
    drop(position);
    if (is_cut(message.from, message.to) || !is_up(message.to.value())) {
        tell(fmt::format("lost: {}", describe(message)));
        return;
    }
    tell(describe(message));
    inject(message);
}

void Cluster::drop(size_t position) { network_.erase(network_.begin() + static_cast<ptrdiff_t>(position)); }

void Cluster::duplicate(size_t position) { network_.push_back(network_.at(position)); }

bool Cluster::deliver_all(const std::vector<uint64_t>& only) {
    bool moved = false;
    size_t position = 0;
    for (size_t count = network_.size(); count > 0; --count) {
        if (!includes(only, network_.at(position).to.value())) {
            ++position;
            continue;
        }
        deliver(position);
        moved = true;
    }
    return moved;
}

void Cluster::cut(uint64_t from, uint64_t to) { cut_.insert({NodeId{from}, NodeId{to}}); }

void Cluster::isolate(uint64_t id) {
    for (uint64_t other = 1; other <= size(); ++other) {
        if (other == id) continue;
        cut(id, other);
        cut(other, id);
    }
}

void Cluster::partition(const std::vector<std::vector<uint64_t>>& groups) {
    heal();
    const auto group_of = [&](uint64_t id) {
        for (size_t i = 0; i < groups.size(); ++i) {
            if (std::find(groups[i].begin(), groups[i].end(), id) != groups[i].end()) return i + 1;
        }
        return size_t{0};
    };
    for (uint64_t from = 1; from <= size(); ++from) {
        for (uint64_t to = 1; to <= size(); ++to) {
            if (from != to && (group_of(from) != group_of(to) || group_of(from) == 0)) cut(from, to);
        }
    }
}

bool Cluster::is_cut(NodeId from, NodeId to) const { return cut_.contains({from, to}); }

void Cluster::settle(const std::vector<uint64_t>& only) {
    bool moved = true;
    while (moved) {
        moved = false;
        for (Node& node : nodes_) {
            if (node.raft == nullptr || node.units.empty() || !includes(only, node.config.self.value())) continue;
            persist(node.config.self.value());
            moved = true;
        }
        if (deliver_all(only)) moved = true;
        for (size_t i = snapshots_.size(); i-- > 0;) {
            if (!includes(only, snapshots_[i].to)) continue;
            deliver_snapshot(i);
            moved = true;
        }
    }
}

void Cluster::run_for(uint64_t duration_ns, const std::vector<uint64_t>& ticked) {
    const uint64_t end_ns = now_ns_ + duration_ns;
    while (now_ns_ < end_ns) {
        settle();
        advance(std::min(kHeartbeatNs / 2, end_ns - now_ns_), ticked);
    }
    settle();
}

// --- carrying out an Output ---

void Cluster::collect(Node& node) {
    while (node.raft != nullptr && !node.options.hold_output && node.raft->has_output())
        carry_out(node, node.raft->take_output());
}

void Cluster::carry_out(Node& node, Output output) {
    if (output.leadership_changed) check_leader(node);
    if (output.needs_persist() || !output.messages_after_persist.empty()) {
        node.units.push_back({output.hard_state, output.begin_at, output.entries, output.messages_after_persist});
    }
    if (!output.unreadable.empty()) node.unreadable = output.unreadable;
    send(node, output.messages_now);
    if (!output.committed.first_index.is_none()) {
        check_committed(node, output.committed);
        if (node.options.apply_at_once) {
            node.applied_index = node.committed_index;
            node.raft->on_applied(node.applied_index);
        }
    }
    check_reads(node, output);
    for (const LogRead& read : output.log_reads) {
        read_log(node, read);
    }
    for (const NodeId peer : output.snapshot_sends) {
        const uint64_t self = node.config.self.value();
        const bool is_under_way = std::any_of(snapshots_.begin(), snapshots_.end(), [&](const SentSnapshot& sent) {
            return sent.from == self && sent.to == peer.value();
        });
        if (is_under_way) continue;
        EXPECT_GE(node.disk.snapshot.last.index, node.disk.base.last.index);
        snapshots_.push_back({self, peer.value(), node.incarnation, node.disk.snapshot});
        tell(fmt::format("{} sends {} a snapshot of {}", self, peer, node.disk.snapshot.last.index));
    }
    if (node.options.answer_log_reads_at_once && !node.log_reads.empty()) answer_log_reads(node.config.self.value());
    release_ready(node);
    while (node.options.persist_at_once && !node.units.empty())
        persist_front(node);
}

void Cluster::send(Node& node, const MessageList& messages) {
    for (const Message& message : messages) {
        if (message.to == node.config.self) continue;
        check_leaving(node, message);
        network_.push_back(message);
    }
}

void Cluster::send_to_self(Node& node, const MessageList& messages) {
    for (const Message& message : messages) {
        if (message.to == node.config.self) node.raft->step(message, now_ns_);
    }
}

}  // namespace kvorum::raft::testing
