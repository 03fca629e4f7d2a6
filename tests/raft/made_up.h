// Messages and states that tests make up, to put a node where a test needs it.
#pragma once

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/raft/harness.h"

namespace kvorum::raft::testing {

// The node restarts with entries of these terms (texts "e<index>t<term>") and this current term, no vote.
inline void load(Cluster& cluster, uint64_t id, const std::vector<uint64_t>& terms, uint64_t current_term) {
    cluster.node(id).disk.entries = make_log(terms);
    HardState& hard_state = cluster.node(id).disk.hard_state;
    hard_state.current_term = Term{current_term};
    hard_state.voted_for = NodeId{};
    cluster.crash(id);
    cluster.restart(id);
}

inline Message vote_request(uint64_t from, uint64_t to, uint64_t term, uint64_t last_index = 0,
                            uint64_t last_term = 0) {
    return {NodeId{from}, NodeId{to},
            RequestVote{.term = Term{term}, .last_log_index = LogIndex{last_index}, .last_log_term = Term{last_term}}};
}

inline Message pre_vote(uint64_t from, uint64_t to, uint64_t term, uint64_t last_index = 0, uint64_t last_term = 0) {
    Message message = vote_request(from, to, term, last_index, last_term);
    std::get<RequestVote>(message.body).pre_vote = true;
    return message;
}

inline Message append(uint64_t from, uint64_t to, uint64_t term, uint64_t prev_index = 0, uint64_t prev_term = 0,
                      EntryList entries = {}, uint64_t commit = 0) {
    return {NodeId{from}, NodeId{to},
            AppendEntries{.term = Term{term},
                          .prev_log_index = LogIndex{prev_index},
                          .prev_log_term = Term{prev_term},
                          .leader_commit = LogIndex{commit},
                          .entries = std::move(entries)}};
}

inline Message append_reply(uint64_t from, uint64_t to, AppendEntriesReply reply) {
    return {NodeId{from}, NodeId{to}, reply};
}

inline PeerStatus peer_status(Cluster& cluster, uint64_t leader, uint64_t peer) {
    for (const PeerStatus& each : cluster.raft(leader).status().peers) {
        if (each.id == NodeId{peer}) return each;
    }
    ADD_FAILURE() << leader << " has no peer " << peer;
    return {};
}

}  // namespace kvorum::raft::testing
