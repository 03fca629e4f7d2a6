// Watches the nodes of a simulated cluster from outside and compares what they do with each other, with the past, and
// with what is really on their disks. The properties are those of thesis figure 3.2, and what Kvorum adds:
//   Election Safety         at most one leader a term
//   Leader Completeness     a new leader holds every entry that was committed in an earlier term
//   State Machine Safety    an index that one node saw committed is the same entry, by term and checksum, on every
//   node, for ever Log Matching            equal entries at an index mean equal entries before it (entries are chained
//   by checksum, so one comparison does) Equal state             two nodes that applied up to the same index have the
//   same state hash Durability              what is committed lies, synced, on the disks of a majority Bounds what
//   waits in a leader's windows stays below its limits
//
// Thread: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "server/node.h"
#include "sim/machine.h"

namespace kvorum::sim {

class ClusterChecker {
 public:
    explicit ClusterChecker(size_t nodes) : nodes_(nodes + 1) {}

    // After a turn of a node that serves.
    void observe(const Machine& machine);
    // Compares the logs in memory of all nodes, and what is committed with the disks. Costs a read of the disks.
    void check_disks(const std::vector<const Machine*>& machines);
    void check_logs(const std::vector<const Machine*>& machines);
    // While excused, the disk of `host` counts as if it held everything: it was damaged on purpose, and is not
    // repaired.
    void excuse_disk(HostId host, bool excused) { nodes_[host].excused = excused; }

    [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }
    [[nodiscard]] LogIndex committed_index() const { return LogIndex{committed_.size()}; }
    [[nodiscard]] uint64_t leaders_seen() const { return leaders_.size(); }
    [[nodiscard]] uint64_t disk_checks() const { return disk_checks_; }

 private:
    struct CommittedEntry {
        Term term;
        uint64_t checksum = 0;  // 0: not known yet
        Term seen_in;           // the term of the node that first knew it committed
    };
    struct NodeView {
        uint64_t incarnation = 0;
        LogIndex commit_index;
        LogIndex applied;
        Term term;
        Term led_term;
        bool excused = false;
    };

    void check_leader(const Machine& machine, const raft::Raft& raft, NodeView& view);
    void check_committed(const Machine& machine, const raft::Raft& raft, NodeView& view);
    void check_applied(const Machine& machine, const server::Node& node, NodeView& view);
    void check_bounds(const Machine& machine, const raft::Raft& raft);
    [[nodiscard]] bool disk_holds(const Machine& machine, LogIndex index, Term term);
    void report(std::string what);

    std::vector<NodeView> nodes_;  // by host
    std::map<Term, HostId> leaders_;
    std::vector<CommittedEntry> committed_;  // index 1 first
    std::map<LogIndex, std::pair<uint64_t, HostId>> state_hashes_;
    uint64_t disk_checks_ = 0;
    std::optional<std::string> violation_;
};

}  // namespace kvorum::sim
