// A batch through the Raft core, without I/O: at the leader from the proposal to the commit, and at a follower from
// the AppendEntries to its acknowledgement.
#include "raft/raft.h"

#include <benchmark/benchmark.h>

#include <algorithm>

#include "bench/micro/batch.h"

namespace {

using namespace kvorum;
using namespace kvorum::raft;

constexpr uint64_t kNowNs = 10 * kSecondNs;  // later than any election timeout
constexpr NodeId kLeader{1};
constexpr NodeId kFollower{2};

RaftConfig config_of(NodeId self) {
    RaftConfig config;
    config.self = self;
    config.voters = {NodeId{1}, NodeId{2}, NodeId{3}};
    for (const NodeId voter : config.voters)
        config.configuration.voters.push_back({.id = voter, .peer = {"host", 17001}, .client = {"host", 7001}});
    return config;
}

// What a node without I/O does with an Output: its log is durable at once.
Output persist_at_once(Raft& raft) {
    Output output = raft.take_output();
    if (output.needs_persist()) {
        const EntryId last = output.entries.empty() ? EntryId{} : output.entries.back()->id();
        raft.on_persisted(last.term, last.index);
    }
    return output;
}

// Votes for whoever asks, and holds whatever is sent.
void answer(Raft& raft, const MessageList& messages) {
    for (const Message& message : messages) {
        Message reply{message.to, message.from, {}};
        if (message.to == raft.status().self) {
            raft.step(message, kNowNs);
            continue;
        }
        if (const auto* vote = std::get_if<RequestVote>(&message.body)) {
            reply.body = RequestVoteReply{.term = vote->term, .pre_vote = vote->pre_vote, .granted = true};
        } else if (const auto* append = std::get_if<AppendEntries>(&message.body)) {
            reply.body = AppendEntriesReply{.term = append->term,
                                            .success = true,
                                            .match_index = append->prev_log_index + append->entries.size(),
                                            .read_round = append->read_round};
        } else {
            continue;
        }
        raft.step(reply, kNowNs);
    }
}

void settle(Raft& raft) {
    while (raft.has_output()) {
        const Output output = persist_at_once(raft);
        answer(raft, output.messages_now);
        answer(raft, output.messages_after_persist);
        if (!output.committed.last_index.is_none()) raft.on_applied(output.committed.last_index);
    }
}

void raft_leader_commits_a_batch(benchmark::State& state) {
    Raft raft(config_of(kLeader), {.cluster = bench::kBenchCluster}, 0);
    raft.tick(kNowNs);
    settle(raft);
    KVORUM_ASSERT(raft.is_leader());
    const LogIndex before = raft.commit_index();
    for ([[maybe_unused]] auto _ : state) {
        EntryBuilder builder = bench::open_batch();
        KVORUM_ASSERT(raft.propose(builder).status == ProposeStatus::kAccepted);
        settle(raft);
    }
    KVORUM_ASSERT(raft.commit_index() == before + static_cast<uint64_t>(state.iterations()));
    state.SetItemsProcessed(state.iterations() * bench::kBatchCommands);
}
BENCHMARK(raft_leader_commits_a_batch);

void raft_follower_takes_a_batch(benchmark::State& state) {
    Raft raft(config_of(kFollower), {.cluster = bench::kBenchCluster}, 0);
    bench::EntryChain chain;
    AppendEntries append;
    append.term = Term{1};
    for ([[maybe_unused]] auto _ : state) {
        append.entries = {chain.next()};
        raft.step({kLeader, kFollower, append}, kNowNs);
        append.prev_log_index = append.prev_log_index + 1;
        append.prev_log_term = Term{1};
        append.leader_commit = append.prev_log_index;
        while (raft.has_output()) {
            const Output output = persist_at_once(raft);
            if (!output.committed.last_index.is_none()) raft.on_applied(output.committed.last_index);
        }
    }
    KVORUM_ASSERT(raft.last_index() == LogIndex{static_cast<uint64_t>(state.iterations())});
    state.SetItemsProcessed(state.iterations() * bench::kBatchCommands);
}
BENCHMARK(raft_follower_takes_a_batch);

}  // namespace
