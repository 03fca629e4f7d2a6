// A deterministic cluster of Raft cores for tests: a network and a disk per node that do only what the test says.
//
// Everything is on one thread and nothing happens by itself: messages wait in the network until they are delivered or
// dropped, writes wait on the disk until they are persisted (or are persisted at once, the default), and time stands
// still until advance(). After every input the Output of a node is taken and carried out as raft/raft.h demands.
//
// The harness knows the ground truth, and checks against it all the time: at most one leader in a term, what is
// committed is durable on a majority and never changes, a leader holds all that is committed, no message leaves before
// what it promises is on disk, and reads see all that was committed when they were registered. A violation is a gtest
// failure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "raft/raft.h"

namespace kvorum {

template <typename Tag>
void PrintTo(StrongId<Tag> id, std::ostream* out) {
    *out << id.value();
}

}  // namespace kvorum

namespace kvorum::raft {

inline void PrintTo(const EntryId& id, std::ostream* out) {
    *out << fmt::format("{}/{} {:x}", id.index, id.term, id.checksum);
}

}  // namespace kvorum::raft

namespace kvorum::raft::testing {

// Of members that nobody has to reach.
inline Configuration configuration_of(const std::vector<NodeId>& voters) {
    Configuration configuration;
    for (const NodeId voter : voters)
        configuration.voters.push_back({.id = voter, .peer = {"host", 17001}, .client = {"host", 7001}});
    return configuration;
}

// What survives a crash.
struct Disk {
    HardState hard_state;
    LogBase base{};
    EntryList entries;   // the one behind the base first
    LogBase snapshot{};  // the newest; zero: none

    void write(const std::optional<HardState>& next, const std::optional<LogBase>& begin_at, const EntryList& appended);
    [[nodiscard]] RecoveredLog recover() const;
    [[nodiscard]] LogIndex last_index() const { return base.last.index + entries.size(); }
    // A node starts from no less: a snapshot is as good as the log that it stands for.
    [[nodiscard]] LogIndex last_remembered() const { return std::max(last_index(), snapshot.last.index); }
    // Null below the first entry and beyond the last one.
    [[nodiscard]] EntryPtr at(LogIndex index) const;
    // Also in the snapshot, as far as that can be told.
    [[nodiscard]] bool holds(const EntryId& id) const;
};

// One Output on its way to the disk.
struct PersistUnit {
    std::optional<HardState> hard_state;
    std::optional<LogBase> begin_at;
    EntryList entries;
    MessageList messages;  // leave when it is durable

    [[nodiscard]] bool needs_persist() const {
        return hard_state.has_value() || begin_at.has_value() || !entries.empty();
    }
};

struct NodeOptions {
    bool persist_at_once = true;
    bool apply_at_once = true;
    bool answer_log_reads_at_once = true;
    // A candidate's own vote comes back before on_persisted() instead of after it: the contract allows both.
    bool self_message_first = false;
    // Inputs gather, and no Output is taken, as long as this is set.
    bool hold_output = false;
};

// What was on disk when the leader asked; the answer may come much later.
struct AnsweredLogRead {
    Term term;  // of the leadership that asked
    LogRead read;
    EntryList entries;
};

// One on its way, of what the sender's state was when it was asked for.
struct SentSnapshot {
    uint64_t from = 0;
    uint64_t to = 0;
    uint64_t incarnation = 0;  // of the sender
    LogBase base;
};

struct Node {
    RaftConfig config;
    NodeOptions options;
    Disk disk;
    std::unique_ptr<Raft> raft;  // null while crashed
    std::deque<PersistUnit> units;
    std::vector<AnsweredLogRead> log_reads;  // the answer is still under way
    LogIndex committed_index;                // handed out since the last start
    LogIndex applied_index;
    uint64_t incarnation = 0;
    std::string unreadable;  // why Raft wants the node to end; empty: it does not
};

class Cluster {
 public:
    explicit Cluster(size_t node_count, const std::function<void(RaftConfig&)>& configure = {}, uint64_t seed = 1);
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    static constexpr uint64_t kElectionTimeoutNs = 1000 * kMillisecondNs;
    static constexpr uint64_t kHeartbeatNs = 100 * kMillisecondNs;

    [[nodiscard]] size_t size() const { return nodes_.size(); }
    [[nodiscard]] Node& node(uint64_t id) { return nodes_.at(id - 1); }
    [[nodiscard]] Raft& raft(uint64_t id) { return *node(id).raft; }
    [[nodiscard]] bool is_up(uint64_t id) { return node(id).raft != nullptr; }
    [[nodiscard]] uint64_t now_ns() const { return now_ns_; }

    // --- inputs ---
    // Time passes for all; only the nodes named (all if none are) notice by a tick.
    void advance(uint64_t duration_ns, const std::vector<uint64_t>& ticked = {});
    // Silence for as long as any election timeout lasts, and then this node is the first to notice.
    void campaign(uint64_t id);
    // campaign(), then whatever it takes: true if it leads.
    bool elect(uint64_t id);
    ProposeResult propose(uint64_t id, std::string text);
    TransferStart transfer(uint64_t id, uint64_t target = 0);
    // Registers a read under a new id; the status says whether it was taken.
    std::pair<ReadStatus, uint64_t> read(uint64_t id);
    void inject(const Message& message);  // straight into the receiver, past the network
    void persist(uint64_t id, size_t units = SIZE_MAX);
    void apply(uint64_t id);
    void answer_log_reads(uint64_t id);
    void hold_output(uint64_t id, bool hold);
    void crash(uint64_t id);
    void restart(uint64_t id);
    void stall_disk(uint64_t id, bool stalled);
    // A snapshot of what is applied; then the log releases what it stands for, but for the last `kept` entries.
    void compact(uint64_t id, uint64_t kept = 0);
    // The snapshot is on the disk of `id`.
    InstallResult install(uint64_t id, const LogBase& snapshot);
    // A node that joins, with the next id and an empty disk.
    uint64_t add_node();
    // Its disk is lost, and it starts again to join.
    void wipe(uint64_t id);
    ChangeResult change(uint64_t id, const ConfigurationChange& change);
    void unreachable(uint64_t id, uint64_t peer);
    void connected(uint64_t id, uint64_t peer);

    // --- network ---
    [[nodiscard]] const std::deque<Message>& network() const { return network_; }
    void deliver(size_t position);
    void drop(size_t position);
    void duplicate(size_t position);
    void drop_all() { network_.clear(); }
    // Delivers what is in flight now (to the nodes named, to all if none are), and nothing that this causes. True if
    // there was something.
    bool deliver_all(const std::vector<uint64_t>& only = {});
    void cut(uint64_t from, uint64_t to);  // one direction
    void isolate(uint64_t id);
    // Nodes in different groups do not hear each other; nodes in no group hear nobody.
    void partition(const std::vector<std::vector<uint64_t>>& groups);
    void heal() { cut_.clear(); }
    [[nodiscard]] bool is_cut(NodeId from, NodeId to) const;

    [[nodiscard]] const std::deque<SentSnapshot>& snapshots() const { return snapshots_; }
    void deliver_snapshot(size_t position);
    void drop_snapshot(size_t position) { snapshots_.erase(snapshots_.begin() + static_cast<ptrdiff_t>(position)); }

    // Delivers (snapshots too) and persists until nothing moves any more, at all nodes or at those named. Time stands
    // still.
    void settle(const std::vector<uint64_t>& only = {});
    // settle() and advance() in turn; only the nodes named (all if none are) notice the time.
    void run_for(uint64_t duration_ns, const std::vector<uint64_t>& ticked = {});

    // --- what happened ---
    [[nodiscard]] uint64_t leader();  // of the highest term, 0 if none
    [[nodiscard]] const std::vector<EntryId>& committed() const { return committed_; }
    [[nodiscard]] std::optional<ReadState> confirmed(uint64_t read_id) const;
    [[nodiscard]] bool was_dropped(uint64_t read_id) const { return dropped_reads_.contains(read_id); }
    // The entry at `index` of a node that is up: cached or from its disk.
    [[nodiscard]] EntryPtr entry(uint64_t id, LogIndex index);
    // Messages of one kind in flight to `to` (0: anyone).
    template <typename Body>
    [[nodiscard]] std::vector<Body> sent(uint64_t to = 0) const {
        std::vector<Body> bodies;
        for (const Message& message : network_) {
            if (to != 0 && message.to != NodeId{to}) continue;
            if (const auto* body = std::get_if<Body>(&message.body)) bodies.push_back(*body);
        }
        return bodies;
    }
    // Log matching over all disks and memories.
    void check_logs();
    // One line for everything that happens, if set.
    std::function<void(const std::string&)> trace;

 private:
    struct RegisteredRead {
        LogIndex committed_before;
        bool resolved = false;
    };

    void start(Node& node);
    void collect(Node& node);
    void carry_out(Node& node, Output output);
    void read_log(Node& node, const LogRead& read);
    void persist_front(Node& node);
    void release_ready(Node& node);
    void send(Node& node, const MessageList& messages);
    void send_to_self(Node& node, const MessageList& messages);
    void tell(const std::string& line) {
        if (trace) trace(line);
    }
    [[nodiscard]] bool is_durable_on_quorum(const EntryId& id, const Configuration& configuration) const;
    [[nodiscard]] const Configuration& configuration_at(LogIndex index) const;
    void check_leader(Node& node);
    void check_leaving(const Node& node, const Message& message);
    void check_committed(Node& node, CommittedRange range);
    void check_reads(Node& node, const Output& output);

    std::function<void(RaftConfig&)> configure_;
    Configuration founding_;
    std::vector<Node> nodes_;
    uint64_t seed_;
    uint64_t now_ns_ = 1;
    std::deque<Message> network_;
    std::set<std::pair<NodeId, NodeId>> cut_;
    std::deque<SentSnapshot> snapshots_;
    std::vector<EntryId> committed_;  // index 1 first
    std::vector<StatedFact<Configuration>> committed_configurations_;
    std::map<Term, NodeId> leaders_;
    std::map<uint64_t, RegisteredRead> reads_;
    std::map<uint64_t, ReadState> confirmed_reads_;
    std::set<uint64_t> dropped_reads_;
    uint64_t next_read_id_ = 1;
};

// For traces and expectations: "1->2 AppendEntries term=1 prev=0/0 commit=0 entries=[1/1 noop]".
[[nodiscard]] std::string describe(const Message& message);
[[nodiscard]] std::string describe(const EntryPtr& entry);

inline constexpr ClusterId kTestCluster{77};

// A sealed entry with a text as its body.
[[nodiscard]] EntryPtr make_entry(LogIndex index, Term term, const std::string& text, uint64_t prev_checksum,
                                  ClusterId cluster = kTestCluster);
// A chain of entries with the given terms, from index 1.
[[nodiscard]] EntryList make_log(const std::vector<uint64_t>& terms);

}  // namespace kvorum::raft::testing
