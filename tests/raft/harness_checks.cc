// What the harness checks against the ground truth.
#include <gtest/gtest.h>

#include <algorithm>

#include "raft/quorum.h"
#include "tests/raft/harness.h"

namespace kvorum::raft::testing {

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
        if (id.index < core.base_index()) continue;
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
        EXPECT_GE(node.disk.last_remembered(), reply->match_index) << "acknowledged what is not durable: " << what;
        if (reply->match_index.is_none() || node.disk.last_index() < reply->match_index) return;
        if (const EntryPtr held = node.disk.at(reply->match_index);
            held != nullptr && reply->match_index >= node.raft->base_index()) {
            EXPECT_EQ(held->term(), node.raft->term_at(reply->match_index)) << what;
        }
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
    EntryPtr stored = disk.at(index);
    if (stored == nullptr) return nullptr;
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
        if (found->header().type == EntryType::kConfig)
            committed_configurations_.push_back({index, *decode_configuration(found->body())});
        // The leader may have gone on to the next configuration since.
        EXPECT_TRUE(is_durable_on_quorum(found->id(), configuration_at(index)) ||
                    is_durable_on_quorum(found->id(), node.raft->configuration()))
            << "entry " << index.value() << " is committed and not durable on a majority";
    }
    node.committed_index = range.last_index;
}

const Configuration& Cluster::configuration_at(LogIndex index) const {
    const Configuration* found = &founding_;
    for (const auto& stated : committed_configurations_) {
        if (stated.index <= index) found = &stated.fact;
    }
    return *found;
}

bool Cluster::is_durable_on_quorum(const EntryId& id, const Configuration& configuration) const {
    return reached_by_every_majority(Members::of(configuration),
                                     [&](NodeId voter) { return nodes_.at(voter.value() - 1).disk.holds(id); });
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
            const Disk& left = nodes_[a].disk;
            const Disk& right = nodes_[b].disk;
            const LogIndex behind = std::max(left.base.last.index, right.base.last.index);
            bool must_agree = false;
            for (LogIndex i = std::min(left.last_index(), right.last_index()); i > behind; i = i - 1) {
                if (left.at(i)->term() == right.at(i)->term()) must_agree = true;
                if (must_agree) {
                    EXPECT_EQ(left.at(i)->id(), right.at(i)->id())
                        << "nodes " << a + 1 << " and " << b + 1 << " at " << i.value();
                }
            }
        }
    }
}

}  // namespace kvorum::raft::testing
