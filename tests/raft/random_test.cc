// Random schedules over the harness: messages dropped, duplicated and reordered, slow disks, crashes, partitions,
// process restarts, logs that are released, snapshots, and members that change. The harness checks safety after each
// step; at the end everything is healed and the cluster must converge.
//
// Each seed draws its own mix of faults and limits. A failure prints the seed; replay it alone with
// KVORUM_RAFT_SEED=<seed> (and KVORUM_RAFT_TRACE=1 to see it). KVORUM_RAFT_SEEDS=<count> runs more of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/checksum.h"
#include "base/prng.h"
#include "tests/raft/harness.h"

namespace kvorum::raft::testing {
namespace {

constexpr uint64_t kSeeds = 500;
constexpr int kSteps = 1200;
constexpr size_t kNodesMax = 7;

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// How often each thing happens, drawn once for a run: some runs have no crashes, some nothing but.
struct Weights {
    uint64_t deliver = 0;
    uint64_t reorder = 0;
    uint64_t drop = 0;
    uint64_t duplicate = 0;
    uint64_t persist = 0;
    uint64_t advance = 0;
    uint64_t propose = 0;
    uint64_t read = 0;
    uint64_t crash = 0;
    uint64_t restart = 0;
    uint64_t partition = 0;
    uint64_t heal = 0;
    uint64_t stall = 0;
    uint64_t unreachable = 0;
    uint64_t connected = 0;
    uint64_t apply = 0;
    uint64_t hold = 0;
    uint64_t transfer = 0;
    uint64_t compact = 0;
    uint64_t snapshot = 0;
    uint64_t change = 0;
};

class Schedule {
 public:
    explicit Schedule(uint64_t seed)
        : prng_(seed), weights_(draw_weights()), cluster_(draw_size(), draw_limits(), seed) {
        for (uint64_t id = 1; id <= cluster_.size(); ++id) {
            NodeOptions& options = cluster_.node(id).options;
            options.persist_at_once = prng_.chance(1, 4);
            options.apply_at_once = prng_.chance(1, 2);
            options.answer_log_reads_at_once = prng_.chance(1, 2);
            options.self_message_first = prng_.chance(1, 2);
        }
        cluster_.trace = [this](const std::string& line) {
            trace_hash_ = checksum64(as_bytes(line), trace_hash_);
            if (std::getenv("KVORUM_RAFT_TRACE") != nullptr) std::fprintf(stderr, "%s\n", line.c_str());
        };
    }

    void run() {
        for (int i = 0; i < kSteps && !::testing::Test::HasFailure(); ++i) {
            step();
            if (i % 100 == 0) cluster_.check_logs();
        }
        converge();
    }

    [[nodiscard]] uint64_t trace_hash() const { return trace_hash_; }
    [[nodiscard]] size_t committed() const { return cluster_.committed().size(); }
    [[nodiscard]] size_t changes() const { return changes_; }

 private:
    size_t draw_size() { return std::array<size_t, 6>{1, 2, 3, 3, 4, 5}[prng_.below(6)]; }

    Weights draw_weights() {
        const bool lossy = prng_.chance(1, 2);
        const bool crashing = prng_.chance(1, 2);
        const bool splitting = prng_.chance(1, 2);
        return {.deliver = 60,
                .reorder = prng_.chance(1, 2) ? 20u : 0u,
                .drop = lossy ? prng_.between(1, 10) : 0,
                .duplicate = lossy ? prng_.between(1, 10) : 0,
                .persist = prng_.between(5, 30),
                .advance = prng_.between(2, 10),
                .propose = prng_.between(2, 15),
                .read = prng_.between(1, 6),
                .crash = crashing ? 1u : 0u,
                .restart = 3,
                .partition = splitting ? 1u : 0u,
                .heal = 1,
                .stall = prng_.chance(1, 4) ? 1u : 0u,
                .unreachable = prng_.chance(1, 2) ? 2u : 0u,
                .connected = 1,
                .apply = prng_.between(1, 10),
                .hold = prng_.chance(1, 2) ? 5u : 0u,
                .transfer = prng_.chance(1, 2) ? prng_.between(1, 4) : 0,
                .compact = prng_.chance(1, 2) ? prng_.between(1, 4) : 0,
                .snapshot = prng_.between(1, 4),
                .change = prng_.chance(2, 3) ? prng_.between(1, 8) : 0};
    }

    std::function<void(RaftConfig&)> draw_limits() {
        const uint64_t message = prng_.between(1, 600);
        const uint64_t window = message * prng_.between(1, 8);
        const uint64_t messages = prng_.between(1, 8);
        const uint64_t cache = prng_.chance(1, 2) ? prng_.below(2000) : 1 * kMiB;
        const uint32_t drift_percent = prng_.chance(1, 2) ? 10 : 0;
        return [=](RaftConfig& config) {
            config.message_bytes_max = message;
            config.inflight_bytes_max = window;
            config.inflight_messages_max = messages;
            config.cache_bytes_max = cache;
            config.uncommitted_bytes_max = 4000;
            config.clock_drift_percent = drift_percent;
        };
    }

    uint64_t any_node() { return prng_.between(1, cluster_.size()); }

    void step() {
        const Weights& w = weights_;
        uint64_t draw = prng_.below(w.deliver + w.reorder + w.drop + w.duplicate + w.persist + w.advance + w.propose +
                                    w.read + w.crash + w.restart + w.partition + w.heal + w.stall + w.unreachable +
                                    w.connected + w.apply + w.hold + w.transfer + w.compact + w.snapshot + w.change);
        const auto is = [&draw](uint64_t weight) {
            if (draw < weight) {
                draw = UINT64_MAX;
                return true;
            }
            if (draw != UINT64_MAX) draw -= weight;
            return false;
        };
        if (is(w.deliver)) return on_network(0);
        if (is(w.reorder)) return on_network(1);
        if (is(w.drop)) return on_network(2);
        if (is(w.duplicate)) return on_network(3);
        if (is(w.snapshot)) return on_snapshots();
        const uint64_t id = any_node();
        if (is(w.advance)) return advance();
        if (is(w.partition)) return split();
        if (is(w.heal)) return cluster_.heal();
        if (is(w.restart)) {
            if (!cluster_.is_up(id)) cluster_.restart(id);
            return;
        }
        if (!cluster_.is_up(id)) return;
        if (is(w.hold)) return cluster_.hold_output(id, prng_.chance(1, 3));
        if (is(w.persist)) return cluster_.persist(id, prng_.between(1, 3));
        if (is(w.propose)) return propose(id);
        if (is(w.read)) return static_cast<void>(cluster_.read(prng_.chance(1, 2) ? leader_or(id) : id));
        if (is(w.transfer)) return transfer(leader_or(id));
        if (is(w.compact)) return compact(id);
        if (is(w.change)) return change(leader_or(id));
        if (is(w.crash)) return cluster_.crash(prng_.chance(1, 3) ? leader_or(id) : id);
        if (is(w.stall)) return cluster_.stall_disk(id, prng_.chance(1, 3));
        if (is(w.unreachable)) return cluster_.unreachable(id, any_node());
        if (is(w.connected)) return cluster_.connected(id, any_node());
        cluster_.apply(id);
        cluster_.answer_log_reads(id);
    }

    uint64_t leader_or(uint64_t id) { return cluster_.leader() == 0 ? id : cluster_.leader(); }

    void on_network(int what) {
        if (cluster_.network().empty()) return advance();
        const size_t position = prng_.below(cluster_.network().size());
        if (what == 0) cluster_.deliver(0);
        if (what == 1) cluster_.deliver(position);
        if (what == 2) cluster_.drop(position);
        if (what == 3) cluster_.duplicate(position);
    }

    void advance() {
        const uint64_t duration_ns =
            prng_.chance(1, 20) ? prng_.below(3 * Cluster::kElectionTimeoutNs) : prng_.below(Cluster::kHeartbeatNs);
        if (prng_.chance(1, 4)) return cluster_.advance(duration_ns, {any_node()});
        cluster_.advance(duration_ns);
    }

    // Also to a leader that was replaced without knowing it.
    void propose(uint64_t id) {
        const uint64_t leader = cluster_.raft(id).is_leader() ? id : cluster_.leader();
        if (leader == 0) return;
        for (uint64_t count = prng_.between(1, 4); count > 0; --count) {
            static_cast<void>(cluster_.propose(leader, std::string(prng_.below(200), 'a')));
        }
    }

    // To anybody, or to whoever holds most; mostly it is refused or comes to nothing.
    void transfer(uint64_t id) { static_cast<void>(cluster_.transfer(id, prng_.chance(1, 2) ? 0 : any_node())); }

    // Mostly as late as the log allows, sometimes with all that followers may need.
    void compact(uint64_t id) { cluster_.compact(id, prng_.chance(1, 2) ? 0 : prng_.below(10)); }

    void on_snapshots() {
        if (cluster_.snapshots().empty()) return;
        const size_t position = prng_.below(cluster_.snapshots().size());
        if (prng_.chance(1, 4)) return cluster_.drop_snapshot(position);
        cluster_.deliver_snapshot(position);
    }

    // Sometimes whatever comes to mind, which is mostly refused; else one that makes sense.
    void change(uint64_t id) {
        using Kind = ConfigurationChange::Kind;
        const Status status = cluster_.raft(id).status();
        const std::vector<NodeId>& learners = status.learners;
        ConfigurationChange change{.kind = static_cast<Kind>(prng_.below(6)),
                                   .node = NodeId{any_node()},
                                   .by = NodeId{any_node()},
                                   .member = member(any_node())};
        if (prng_.chance(3, 4) && !status.voters.empty()) {
            const bool grows = status.voters.size() + learners.size() < 3 || prng_.chance(1, 3);
            change.kind = grows ? Kind::kAddLearner : Kind::kRemove;
            if (grows) change.member = member(stranger(status));
            if (!learners.empty() && prng_.chance(2, 3)) {
                change.kind = prng_.chance(1, 2) ? Kind::kPromote : Kind::kReplace;
                change.by = learners[prng_.below(learners.size())];
                change.node = change.kind == Kind::kPromote ? change.by : any_of(status.voters);
            }
        }
        if (cluster_.change(id, change).status == ChangeStatus::kAccepted) ++changes_;
    }

    NodeId any_of(const std::vector<NodeId>& ids) { return ids[prng_.below(ids.size())]; }

    ConfiguredMember member(uint64_t id) {
        ConfiguredMember member{.id = NodeId{id}, .peer = {"host", 1}, .client = {"host", 2}};
        member.promote = prng_.chance(1, 2);
        if (member.promote && prng_.chance(1, 3)) member.replaces = NodeId{any_node()};
        return member;
    }

    // Somebody who is no member: a new node, or one that left.
    uint64_t stranger(const Status& status) {
        const uint64_t id = any_node();
        const auto knows = [&](const std::vector<NodeId>& ids) {
            return std::find(ids.begin(), ids.end(), NodeId{id}) != ids.end();
        };
        if (status.change_in_progress || knows(status.voters) || knows(status.learners))
            return cluster_.size() < kNodesMax ? cluster_.add_node() : id;
        return id;
    }

    void split() {
        if (prng_.chance(1, 3)) return cluster_.cut(any_node(), any_node());
        if (prng_.chance(1, 2)) return cluster_.isolate(any_node());
        std::vector<std::vector<uint64_t>> groups(2);
        for (uint64_t id = 1; id <= cluster_.size(); ++id)
            groups[prng_.below(2)].push_back(id);
        cluster_.partition(groups);
    }

    // Faults end; from now on a majority lives and hears each other, so there must be a leader, progress, and
    // agreement.
    void converge() {
        cluster_.heal();
        for (uint64_t id = 1; id <= cluster_.size(); ++id) {
            if (!cluster_.is_up(id)) cluster_.restart(id);
            cluster_.node(id).options = {};
            cluster_.stall_disk(id, false);
            cluster_.persist(id);
            cluster_.apply(id);
            cluster_.answer_log_reads(id);
        }
        cluster_.run_for(20 * Cluster::kElectionTimeoutNs);
        const uint64_t leader = cluster_.leader();
        ASSERT_NE(leader, 0u) << "no leader after healing";
        const ProposeResult result = cluster_.propose(leader, "last");
        ASSERT_EQ(result.status, ProposeStatus::kAccepted);
        const auto [status, read] = cluster_.read(leader);
        ASSERT_EQ(status, ReadStatus::kAccepted);
        cluster_.run_for(4 * Cluster::kHeartbeatNs);
        EXPECT_TRUE(cluster_.confirmed(read).has_value());
        const Status led = cluster_.raft(leader).status();
        EXPECT_FALSE(led.change_in_progress);
        const auto is_member = [&](uint64_t id) {
            return id == leader || std::any_of(led.peers.begin(), led.peers.end(),
                                               [&](const PeerStatus& peer) { return peer.id == NodeId{id}; });
        };
        for (uint64_t id = 1; id <= cluster_.size(); ++id) {
            const Status state = cluster_.raft(id).status();
            EXPECT_EQ(state.dropped_messages.contradicting, 0u) << "node " << id;
            EXPECT_EQ(state.dropped_messages.malformed, 0u) << "node " << id;
            if (!is_member(id)) continue;
            EXPECT_EQ(state.last_applied, result.index) << "node " << id;
            EXPECT_EQ(state.durable_index, result.index) << "node " << id;
            EXPECT_EQ(state.leader, NodeId{leader}) << "node " << id;
        }
        cluster_.check_logs();
    }

    Prng prng_;
    Weights weights_;
    Cluster cluster_;
    uint64_t trace_hash_ = 0;
    size_t changes_ = 0;
};

TEST(RandomSchedules, AreSafeAndConverge) {
    const uint64_t only = number_from_environment("KVORUM_RAFT_SEED", 0);
    const uint64_t first = only != 0 ? only : 1;
    const uint64_t count = only != 0 ? 1 : number_from_environment("KVORUM_RAFT_SEEDS", kSeeds);
    size_t committed = 0;
    size_t changes = 0;
    for (uint64_t seed = first; seed < first + count && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("KVORUM_RAFT_SEED={}", seed));
        Schedule schedule(seed);
        schedule.run();
        committed += schedule.committed();
        changes += schedule.changes();
    }
    // A run that commits nothing tests nothing.
    EXPECT_GT(committed, count * 10);
    if (only == 0) {
        EXPECT_GT(changes, count / 2);
    }
}

TEST(RandomSchedules, ASeedGivesTheSameScheduleTwice) {
    Schedule first(7);
    Schedule second(7);
    first.run();
    second.run();
    EXPECT_EQ(first.trace_hash(), second.trace_hash());
}

}  // namespace
}  // namespace kvorum::raft::testing
