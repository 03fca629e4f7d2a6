// Brings the faults of a scenario upon a cluster, each at drawn times on a drawn victim (half the time the leader), and
// keeps them within what Kvorum promises to survive: any number of nodes may be down, cut off or slow at a time, but
// durable bytes are damaged on a minority only (the fault atlas), and never the last groups of a log, whose loss no
// local evidence can tell from a torn write (docs/guarantees.md).
//
// Thread: one. Ownership: everything given to it outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/prng.h"
#include "sim/cluster_checker.h"
#include "sim/machine.h"
#include "sim/scenario.h"

namespace kvorum::sim {

// What the victim was when a fault hit it.
enum class VictimRole : uint8_t { kFollower, kCandidate, kLeader, kDown, kCount };
inline constexpr size_t kVictimRoleCount = static_cast<size_t>(VictimRole::kCount);

using FaultCounts = std::array<std::array<uint64_t, kVictimRoleCount>, kFaultCount>;

class Nemesis {
 public:
    Nemesis(const Scenario& scenario, EventQueue& events, Network& network, Trace& trace, ClusterChecker& checker,
            std::vector<std::unique_ptr<Machine>>& machines);

    void start();
    // No new faults, and those that last end.
    void stop();
    // From now on no write or sync of this machine completes.
    void hang_for_ever(HostId host) { moods_[host].hang_next_sync = true; }
    // The machine came down by itself or by a fault; true if damage or an injected error explains that its node ended
    // with an error.
    [[nodiscard]] bool explains_error(HostId host) const {
        return moods_.at(host).rotten || moods_.at(host).errors > 0;
    }
    [[nodiscard]] bool is_rotten(HostId host) const { return moods_.at(host).rotten; }
    void on_start(HostId host) { moods_[host].errors = 0; }
    // A node that serves, in a later life than the one in which its disk was damaged, has repaired it.
    void on_serves(const Machine& machine);
    [[nodiscard]] const FaultCounts& counts() const { return counts_; }

 private:
    // What the disk of a machine is in for.
    struct Mood {
        bool rotten = false;
        uint64_t rotten_in_life = 0;
        LogIndex rotten_from;  // the entries that the damaged group holds a part of
        LogIndex rotten_to;
        bool hang_next_sync = false;
        bool fail_next_write = false;
        bool fail_next_sync = false;
        bool full = false;
        uint64_t errors = 0;  // that its present node has met
        uint64_t slow_until_ns = 0;
        uint64_t short_until_ns = 0;
    };

    void schedule(Fault fault);
    void strike(Fault fault);
    void strike_machine(Fault fault, Machine& victim);
    void strike_network(Fault fault);
    void strike_disk(Fault fault, Machine& victim);
    void count(Fault fault, const Machine& victim);
    [[nodiscard]] Machine& draw_victim();
    [[nodiscard]] HostId draw_other(HostId host);
    [[nodiscard]] uint64_t draw_duration_ns();
    void block_for(std::vector<std::pair<HostId, HostId>> links, uint64_t duration_ns);
    void block_both(std::vector<std::pair<HostId, HostId>>& links, HostId a, HostId b);
    void fill_disk(Machine& victim);
    void rot(Machine& victim);
    [[nodiscard]] bool damage_overlaps(LogIndex from, LogIndex to) const;
    [[nodiscard]] FaultDecision decide(HostId host, const FileOperation& operation);

    const Scenario& scenario_;
    EventQueue& events_;
    Network& network_;
    Trace& trace_;
    ClusterChecker& checker_;
    std::vector<std::unique_ptr<Machine>>& machines_;
    Prng random_;
    bool stopped_ = false;
    std::map<HostId, Mood> moods_;
    FaultCounts counts_{};
};

}  // namespace kvorum::sim
