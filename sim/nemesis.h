// Brings the faults of a scenario upon a cluster, each at drawn times on a drawn victim (half the time the leader), and
// keeps them within what Kvorum promises to survive: any number of nodes may be down, cut off or slow at a time, but
// durable bytes are damaged or lost on a minority only, or, in half of the runs, rot on every disk but no record on two
// (the fault atlas); a node never starts again from a log whose last groups were damaged (no local evidence can tell
// that from a torn write), and no disk is wiped of a node that another has not met yet (docs/guarantees.md).
//
// Thread: one. Ownership: everything given to it outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
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
    // As the last thing before stop(), which must follow within a few election timeouts.
    void strike_election() { strike(Fault::kElection); }
    // After each turn of a node that serves.
    void on_turn(Machine& machine);
    // From now on no write or sync of this machine completes.
    void hang_for_ever(HostId host) { moods_[host].hang_next_sync = true; }
    // The machine came down by itself or by a fault; true if damage or an injected error explains that its node ended
    // with an error.
    [[nodiscard]] bool explains_error(HostId host) const {
        return moods_.at(host).rotten || moods_.at(host).errors > 0;
    }
    // Its disk was damaged, and its node did not repair that yet.
    [[nodiscard]] bool is_rotten(HostId host) const { return moods_.at(host).rotten; }
    // Its disk was emptied: its node may start, and must end itself.
    [[nodiscard]] bool is_wiped(HostId host) const { return moods_.at(host).wiped; }
    // For the rest of the run.
    [[nodiscard]] bool is_gone(HostId host) const { return is_wiped(host) || moods_.at(host).foreign; }
    // Is there enough of the log behind the damage for its node to notice? Else it must not start.
    [[nodiscard]] bool shows_damage(HostId host) const;
    // A node that serves, in a later life than the one in which its disk was damaged, has repaired it.
    void on_serves(const Machine& machine);
    void on_start(HostId host);
    // Errors that were injected since it was started.
    [[nodiscard]] bool had_error(HostId host) const { return moods_.at(host).errors > 0; }
    // It went down by a fault after which it is started again at once; asked once.
    [[nodiscard]] bool take_quick_restart(HostId host) { return std::exchange(moods_[host].restarts_at_once, false); }
    [[nodiscard]] const FaultCounts& counts() const { return counts_; }

 private:
    // What the disk of a machine is in for.
    struct Mood {
        bool may_rot = false;
        bool rotten = false;
        bool wiped = false;
        bool foreign = false;
        uint64_t rotten_in_life = 0;
        LogIndex rotten_from;  // the entries that the damage is in
        LogIndex rotten_to;
        bool hang_next_sync = false;
        bool fail_next_write = false;
        bool fail_next_sync = false;
        bool fail_next_read = false;
        bool lose_next_write = false;
        bool lost_a_write = false;
        uint64_t written_since_bytes = 0;  // to the log, after the lost write
        bool full = false;
        bool restarts_at_once = false;
        uint64_t errors = 0;  // that its present node has met
        uint64_t slow_until_ns = 0;
        uint64_t short_until_ns = 0;
    };

    void schedule(Fault fault);
    // What CONFIG SET maxmemory does, at one node.
    void schedule_memory_limit();
    [[nodiscard]] uint64_t draw_memory_limit() {
        return scenario_.memory_limits_bytes[random_.below(scenario_.memory_limits_bytes.size())];
    }
    void strike(Fault fault);
    void strike_machine(Fault fault, Machine& victim);
    void strike_network(Fault fault);
    void strike_disk(Fault fault, Machine& victim);
    // Within the fault atlas.
    void strike_durable_bytes(Fault fault);
    void half_open(HostId host);
    void swizzle();
    void keep_stale(HostId leader);
    void disturb_election(Machine& victim);
    void change_rolling(HostId leader);
    void restart_with(Machine& machine, uint32_t timeout_ms, uint64_t after_ns);
    void transfer(Machine& leader);
    [[nodiscard]] uint32_t draw_election_timeout_ms();
    void damage(HostId host, std::string how, std::string file);
    void replace_disk(Fault fault, Machine& victim);
    void decide_damage(Mood& mood, HostId host, const FileOperation& operation, FaultDecision& decision);
    void count(Fault fault, const Machine& victim);
    [[nodiscard]] Machine& draw_victim();
    [[nodiscard]] Machine& leader_or_any();
    [[nodiscard]] HostId draw_other(HostId host);
    [[nodiscard]] uint64_t draw_duration_ns();
    void block_for(std::vector<std::pair<HostId, HostId>> links, uint64_t duration_ns);
    void block_both(std::vector<std::pair<HostId, HostId>>& links, HostId a, HostId b);
    void fill_disk(Machine& victim);
    void rot(Machine& victim);
    [[nodiscard]] bool damage_overlaps(LogIndex from, LogIndex to) const;
    [[nodiscard]] bool is_known_to_all(const Machine& machine) const;
    [[nodiscard]] FaultDecision decide(HostId host, const FileOperation& operation);

    const Scenario& scenario_;
    EventQueue& events_;
    Network& network_;
    Trace& trace_;
    ClusterChecker& checker_;
    std::vector<std::unique_ptr<Machine>>& machines_;
    Prng random_;
    bool stopped_ = false;
    bool rots_everywhere_ = false;
    uint64_t election_until_ns_ = 0;                   // of kElection
    std::map<HostId, std::pair<Term, NodeId>> votes_;  // as last seen, term and vote
    std::map<HostId, Mood> moods_;
    FaultCounts counts_{};
};

}  // namespace kvorum::sim
