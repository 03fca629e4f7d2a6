#include "tests/raft/harness.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "raft/quorum.h"

namespace kvorum::raft::testing {
namespace {

// An empty list names all.
bool includes(const std::vector<uint64_t>& ids, uint64_t id) {
    return ids.empty() || std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

void Disk::write(const std::optional<HardState>& next, const EntryList& appended) {
    if (next.has_value()) {
        EXPECT_GE(next->current_term, hard_state.current_term);
        hard_state = *next;
    }
    for (const EntryPtr& entry : appended) {
        const size_t position = entry->index().value() - 1;
        ASSERT_LE(position, entries.size()) << "a gap in the log";
        entries.resize(position);
        entries.push_back(entry);
    }
}

RecoveredLog Disk::recover() const {
    RecoveredLog recovered{.cluster = kTestCluster, .hard_state = hard_state};
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
    return id.index <= last_index() && entries[id.index.value() - 1]->id() == id;
}

Cluster::Cluster(size_t node_count, const std::function<void(RaftConfig&)>& configure, uint64_t seed) : seed_(seed) {
    nodes_.resize(node_count);
    for (size_t i = 0; i < node_count; ++i) {
        RaftConfig& config = nodes_[i].config;
        config.self = NodeId{i + 1};
        config.election_timeout_ns = kElectionTimeoutNs;
        config.heartbeat_interval_ns = kHeartbeatNs;
        for (size_t voter = 1; voter <= node_count; ++voter)
            config.voters.push_back(NodeId{voter});
        config.configuration = configuration_of(config.voters);
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
    node.committed_index = LogIndex{};
    node.applied_index = LogIndex{};
    node.raft = std::make_unique<Raft>(node.config, node.disk.recover(), now_ns_);
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
    node.disk.write(unit.hard_state, unit.entries);
    const EntryId last = unit.entries.empty() ? EntryId{} : unit.entries.back()->id();
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
        const EntryPtr& next = node.disk.entries[index.value() - 1];
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
        node.units.push_back({output.hard_state, output.entries, output.messages_after_persist});
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

// --- checks against the ground truth ---

uint64_t Cluster::leader() {
    uint64_t found = 0;
    for (Node& node : nodes_) {
        if (node.raft == nullptr || !node.raft->is_leader()) continue;
        if (found == 0 || node.raft->current_term() > raft(found).current_term()) found = node.config.self.value();
    }
    return found;
}

void Cluster::check_leader(Node& node) {
    const Raft& core = *node.raft;
    const std::string who = core.leader().is_none() ? "nobody" : fmt::format("{}", core.leader());
    tell(fmt::format("{} is {} of term {}, leader: {}", node.config.self, role_name(core.role()), core.current_term(),
                     who));
    if (!core.is_leader()) return;
    const auto [known, is_new] = leaders_.try_emplace(core.current_term(), node.config.self);
    EXPECT_EQ(known->second, node.config.self) << "two leaders in term " << core.current_term().value();
    if (!is_new) return;
    for (const EntryId& id : committed_) {
        EXPECT_EQ(core.term_at(id.index), id.term)
            << "the leader of term " << core.current_term().value() << ", node " << node.config.self.value()
            << ", lacks committed entry " << id.index.value();
    }
}

void Cluster::check_leaving(const Node& node, const Message& message) {
    const HardState& durable = node.disk.hard_state;
    const std::string what = describe(message);
    if (const auto* reply = std::get_if<AppendEntriesReply>(&message.body)) {
        EXPECT_GE(durable.current_term, reply->term) << what;
        EXPECT_GE(durable.longest_silence_ms * kMillisecondNs, reply->silence_ns) << "would be forgotten: " << what;
        if (!reply->success || reply->term != node.raft->current_term()) return;
        EXPECT_GE(node.disk.last_index(), reply->match_index) << "acknowledged what is not durable: " << what;
        if (reply->match_index.is_none() || node.disk.last_index() < reply->match_index) return;
        EXPECT_EQ(node.disk.entries[reply->match_index.value() - 1]->term(), node.raft->term_at(reply->match_index))
            << what;
    } else if (const auto* vote = std::get_if<RequestVoteReply>(&message.body)) {
        if (vote->pre_vote) return;
        EXPECT_GE(durable.current_term, vote->term) << what;
        if (vote->granted && durable.current_term == vote->term) {
            EXPECT_EQ(durable.voted_for, message.to) << what;
        }
    } else if (const auto* request = std::get_if<RequestVote>(&message.body)) {
        if (request->pre_vote) return;
        EXPECT_GE(durable.current_term, request->term) << what;
        if (durable.current_term == request->term) {
            EXPECT_EQ(durable.voted_for, node.config.self) << what;
        }
    }
}

EntryPtr Cluster::entry(uint64_t id, LogIndex index) {
    if (EntryPtr cached = raft(id).cached_entry(index); cached != nullptr) return cached;
    const Disk& disk = node(id).disk;
    if (index.is_none() || index > disk.last_index()) return nullptr;
    EntryPtr stored = disk.entries[index.value() - 1];
    EXPECT_EQ(stored->term(), raft(id).term_at(index)) << "neither cached nor on disk: " << index.value();
    return stored;
}

void Cluster::check_committed(Node& node, CommittedRange range) {
    const uint64_t self = node.config.self.value();
    tell(fmt::format("{} commits {}..{}", self, range.first_index, range.last_index));
    EXPECT_EQ(range.first_index, node.committed_index + 1);
    for (LogIndex index = range.first_index; index <= range.last_index; ++index) {
        const EntryPtr found = entry(self, index);
        ASSERT_NE(found, nullptr) << "node " << self << " committed " << index.value() << " and does not have it";
        if (index.value() <= committed_.size()) {
            EXPECT_EQ(committed_[index.value() - 1], found->id())
                << "node " << self << " committed another entry at " << index.value();
            continue;
        }
        committed_.push_back(found->id());
        const auto holders = static_cast<size_t>(std::count_if(
            nodes_.begin(), nodes_.end(), [&](const Node& each) { return each.disk.holds(found->id()); }));
        EXPECT_GE(holders, majority_of(nodes_.size()))
            << "entry " << index.value() << " is committed and not durable on a majority";
    }
    node.committed_index = range.last_index;
}

void Cluster::check_reads(Node& node, const Output& output) {
    for (const ReadState& state : output.read_states) {
        tell(fmt::format("{} confirms read {} at index {}", node.config.self, state.id, state.read_index));
        RegisteredRead& registered = reads_.at(state.id);
        EXPECT_FALSE(registered.resolved) << "read " << state.id << " was answered twice";
        EXPECT_GE(state.read_index, registered.committed_before) << "read " << state.id << " is stale";
        registered.resolved = true;
        confirmed_reads_[state.id] = state;
    }
    for (const uint64_t id : output.dropped_reads) {
        tell(fmt::format("{} drops read {}", node.config.self, id));
        EXPECT_FALSE(reads_.at(id).resolved) << "read " << id << " was answered twice";
        reads_.at(id).resolved = true;
        dropped_reads_.insert(id);
    }
}

std::optional<ReadState> Cluster::confirmed(uint64_t read_id) const {
    const auto found = confirmed_reads_.find(read_id);
    return found == confirmed_reads_.end() ? std::nullopt : std::optional(found->second);
}

void Cluster::check_logs() {
    for (size_t a = 0; a < nodes_.size(); ++a) {
        for (size_t b = a + 1; b < nodes_.size(); ++b) {
            const auto& left = nodes_[a].disk.entries;
            const auto& right = nodes_[b].disk.entries;
            bool must_agree = false;
            for (size_t i = std::min(left.size(), right.size()); i-- > 0;) {
                if (left[i]->term() == right[i]->term()) must_agree = true;
                if (must_agree) {
                    EXPECT_EQ(left[i]->id(), right[i]->id())
                        << "nodes " << a + 1 << " and " << b + 1 << " at " << i + 1;
                }
            }
        }
    }
}

// --- texts ---

std::string describe(const EntryPtr& entry) {
    const std::string_view body = as_text(entry->body());
    const EntryType type = entry->header().type;
    const std::string what(type == EntryType::kCommands ? body.substr(0, 20) : entry_type_name(type));
    return fmt::format("{}/{} {}", entry->index(), entry->term(), what);
}

std::string describe(const Message& message) {
    std::string text = fmt::format("{}->{} ", message.from, message.to);
    if (const auto* vote = std::get_if<RequestVote>(&message.body)) {
        text += fmt::format("{} term={} last={}/{}", vote->pre_vote ? "PreVote" : "RequestVote", vote->term,
                            vote->last_log_index, vote->last_log_term);
        if (!vote->handed_over_by.is_none()) text += fmt::format(" handed-over-by={}", vote->handed_over_by);
        return text;
    }
    if (const auto* timeout = std::get_if<TimeoutNow>(&message.body))
        return text + fmt::format("TimeoutNow term={}", timeout->term);
    if (const auto* vote_reply = std::get_if<RequestVoteReply>(&message.body)) {
        return text + fmt::format("{} term={} {}", vote_reply->pre_vote ? "PreVoteReply" : "RequestVoteReply",
                                  vote_reply->term, vote_reply->granted ? "granted" : "refused");
    }
    if (const auto* append = std::get_if<AppendEntries>(&message.body)) {
        text += fmt::format("AppendEntries term={} prev={}/{} commit={}", append->term, append->prev_log_index,
                            append->prev_log_term, append->leader_commit);
        if (append->read_round > 0) text += fmt::format(" round={}", append->read_round);
        std::string entries;
        for (const EntryPtr& entry : append->entries)
            entries += (entries.empty() ? "" : ", ") + describe(entry);
        return entries.empty() ? text : text + " [" + entries + "]";
    }
    const auto& reply = std::get<AppendEntriesReply>(message.body);
    text += reply.success ? fmt::format("AppendEntriesReply term={} match={}", reply.term, reply.match_index)
                          : fmt::format("AppendEntriesReply term={} rejected={} hint={}/{}", reply.term,
                                        reply.rejected_prev_index, reply.hint_index, reply.hint_term);
    if (reply.read_round > 0) text += fmt::format(" round={}", reply.read_round);
    return text;
}

EntryPtr make_entry(LogIndex index, Term term, const std::string& text, uint64_t prev_checksum, ClusterId cluster) {
    EntryBuilder builder(EntryType::kCommands);
    builder.buffer().append(text);
    builder.add_command_count(1);
    return std::move(builder).seal(cluster, kFirstGroup, index, term, prev_checksum);
}

EntryList make_log(const std::vector<uint64_t>& terms) {
    EntryList entries;
    uint64_t prev_checksum = 0;
    for (const uint64_t term : terms) {
        const LogIndex index{entries.size() + 1};
        entries.push_back(make_entry(index, Term{term}, fmt::format("e{}t{}", index, term), prev_checksum));
        prev_checksum = entries.back()->id().checksum;
    }
    return entries;
}

}  // namespace kvorum::raft::testing
