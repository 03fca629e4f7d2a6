// Watches the nodes of a simulated cluster from outside and compares what they do with each other, with the past, and
// with what is really on their disks. The properties are those of thesis figure 3.2, and what Kvorum adds:
//
//   Election Safety       at most one leader a term
//   Election Durability   a majority of disks would remember the vote for a leader, or a later term
//   Leader Completeness   a new leader holds every entry that was committed in an earlier term
//   Commit Rule           a leader advances its commit index only to entries of its own term
//   Acknowledgement       what a leader counts as held by a follower, that follower holds and calls durable
//   State Machine Safety  an index that one node saw committed is the same entry, by term and checksum, on every node,
//                         for ever
//   Log Matching          equal entries at an index mean equal entries before it (entries are chained by checksum, so
//                         one comparison does)
//   Equal State           two nodes that applied up to the same index have the same state hash
//   Durability            what is committed lies, synced, on the disks of a majority; what a node calls durable lies on
//                         its own
//   Memory                a node that starts again has the term, the vote and the entries that its disk had, and the
//                         entries that it had called durable; one whose disk was damaged repairs it
//   Turn                  no turn of a node does more work than fits into one (base/turn_work.h)
//   Count                 what a state is counted as, hash and bytes, is what it is when it is counted again
//   Bounds                what waits in a leader's windows stays below its limits
//
// Disks are read (sim/durable_log.h) at each election, at each start, whenever a machine went down, after truncations,
// and by chance when something is committed or called durable.
//
// Thread: one. Ownership: the machines outlive the checker.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/prng.h"
#include "node/node.h"
#include "sim/durable_log.h"
#include "sim/machine.h"

namespace kvorum::sim {

class ClusterChecker {
 public:
    ClusterChecker(const std::vector<std::unique_ptr<Machine>>& machines, size_t nodes, uint64_t seed)
        : machines_(machines), random_(seed), nodes_(nodes + 1) {}

    // After a turn of a node that serves.
    void observe(const Machine& machine);
    // Before a machine starts.
    void before_start(const Machine& machine);
    // Compares what is committed with the disks.
    void check_disks();
    // Compares the logs in memory of all nodes.
    void check_logs();
    // Each store against itself (kv::Store::check): a violation is an assertion that fails.
    void check_stores() const;
    // The disk of `host` was damaged as `how` says. Until its node has repaired it, it counts as if it held everything.
    // The node must not serve without having repaired it, unless only its peers can tell (`may_start`).
    // The damage is in `file`, and gone with it; empty: it is not in one file.
    void excuse_disk(const Machine& machine, std::string how, bool may_start, std::string file);
    // The disk of `host` failed an operation: the next things that its node calls durable are compared with it.
    void suspect_disk(HostId host) { nodes_[host].suspect_durable = kSuspectAdvances; }

    [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }
    [[nodiscard]] LogIndex committed_index() const { return LogIndex{committed_.size()}; }
    [[nodiscard]] uint64_t leaders_seen() const { return leaders_.size(); }
    [[nodiscard]] uint64_t disk_checks() const { return disk_checks_; }

 private:
    static constexpr uint32_t kSuspectAdvances = 4;

    struct CommittedEntry {
        Term term;
        uint64_t checksum = 0;  // 0: not known yet
        Term seen_in;           // the term of the node that first knew it committed
    };
    struct EntryPlace {
        LogIndex index;
        Term term;
    };
    struct NodeView {
        uint64_t incarnation = 0;
        LogIndex commit_index;
        LogIndex applied;
        Term term;
        Term led_term;
        uint64_t lease_reads = 0;
        EntryPlace last;
        EntryPlace durable;                       // as the node calls it; kept over a restart
        uint32_t suspect_durable = 0;             // so many advances of the durable index are compared with the disk
        std::optional<DurableLog> found_on_disk;  // before the start that is under way
        std::string damage;                       // of its disk; empty: none
        bool may_start = false;                   // all the same
        std::string damaged_file;
        bool starts_damaged = false;  // it was, before the start that is under way
        size_t files_set_aside = 0;   // by repairs before this damage

        [[nodiscard]] bool excused() const { return !damage.empty(); }
    };

    void begin_incarnation(const Machine& machine, const raft::Status& status, NodeView& view);
    void check_memory(const Machine& machine, const raft::Status& status, const NodeView& view);
    void check_new_leader(const Machine& machine, const raft::Raft& raft);
    void check_votes(const Machine& machine, Term term);
    void check_leases(Term newest);
    void check_lease_reads(const Machine& machine, NodeView& view);
    void check_acknowledged(const Machine& machine, const raft::Status& status);
    void check_durable(const Machine& machine, const raft::Status& status, NodeView& view);
    void check_committed(const Machine& machine, const raft::Status& status, NodeView& view);
    void check_turn(const Machine& machine);
    void check_applied(const Machine& machine, const node::Node& node, NodeView& view);
    void report(std::string what);

    const std::vector<std::unique_ptr<Machine>>& machines_;
    Prng random_;
    std::vector<NodeView> nodes_;  // by host
    std::map<Term, HostId> leaders_;
    std::vector<CommittedEntry> committed_;  // index 1 first
    std::map<LogIndex, std::pair<uint64_t, HostId>> state_hashes_;
    uint64_t disk_checks_ = 0;
    std::optional<std::string> violation_;
};

}  // namespace kvorum::sim
