// One run: a cluster, its clients and its bad luck, all from one seed.
//
// Phase 1, safety: faults as the scenario says, clients at work, checkers after every event. Phase 2, liveness: a drawn
// majority becomes healthy and connected, everything else is dead or cut off for ever; it must start, elect a
// leader of its own and serve a write and a read within kLivenessElections election timeouts. Phase 3: all heals; all
// nodes must come to one state, and everything acknowledged must be readable. At the end the history of all clients
// must be linearizable.
//
// Thread: one. A world is run once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/cluster_checker.h"
#include "sim/event_queue.h"
#include "sim/failure.h"
#include "sim/history.h"
#include "sim/machine.h"
#include "sim/nemesis.h"
#include "sim/network.h"
#include "sim/scenario.h"
#include "sim/sim_client.h"
#include "sim/trace.h"

namespace kvorum::sim {

inline constexpr uint64_t kLivenessElections = 20;

// Plain numbers, so that they can go through a pipe as they are.
struct RunNumbers {
    RunOutcome outcome = RunOutcome::kGreen;
    uint64_t trace_hash = 0;
    uint64_t simulated_ns = 0;
    uint64_t operations = 0;
    uint64_t executed = 0;
    uint64_t not_executed = 0;
    uint64_t unknown = 0;
    uint64_t elections = 0;
    uint64_t turns = 0;
    uint64_t disk_checks = 0;
    uint64_t entries = 0;
    uint64_t check_steps = 0;
    uint64_t liveness_ns = 0;  // how long phase 2 took
    NetworkStats network;
    FaultCounts faults{};
};

struct RunResult {
    RunNumbers numbers;
    std::string what;  // of the failure
    std::string scenario;
};

class World final : private MachineOwner {
 public:
    World(Scenario scenario, bool print_trace);
    ~World();

    [[nodiscard]] RunResult run();
    [[nodiscard]] const History& history() const { return history_; }
    [[nodiscard]] const std::vector<std::unique_ptr<Machine>>& machines() const { return machines_; }

 private:
    void on_turn(Machine& machine) override;
    void on_refused(Machine& machine, const std::string& why) override;
    void on_halted(Machine& machine, const std::string& why) override;
    void on_down(Machine& machine) override;

    void fail(RunOutcome outcome, std::string what);
    void fail_if_violated();
    [[nodiscard]] bool green() const { return result_.numbers.outcome == RunOutcome::kGreen; }
    // Runs until `until_ns` or a failure; true without one.
    bool run_until(uint64_t until_ns);
    template <typename Condition>
    bool run_until_met(uint64_t until_ns, Condition condition);
    void start_later(HostId host, uint64_t delay_ns);
    void schedule_log_check();

    void run_safety();
    void run_liveness();
    [[nodiscard]] bool is_out(HostId host) const;
    bool repair_disks();
    [[nodiscard]] std::set<HostId> draw_core();
    [[nodiscard]] bool is_awkward(const std::set<HostId>& core) const;
    [[nodiscard]] bool core_leads() const;
    void expect_service();
    void probe();
    void run_convergence();
    [[nodiscard]] bool converged() const;
    void read_all_keys();
    void check_history();
    [[nodiscard]] std::string describe_nodes() const;

    Scenario scenario_;
    EventQueue events_;
    Trace trace_;
    Network network_;
    ClusterChecker checker_;
    Prng random_;
    History history_;
    std::vector<std::unique_ptr<Machine>> machines_;
    std::vector<std::unique_ptr<SimClient>> clients_;
    std::unique_ptr<SimClient> prober_;
    std::unique_ptr<Nemesis> nemesis_;
    RunResult result_;

    // What becomes of the nodes outside the healthy core in phase 2, for ever.
    enum class Outside : uint8_t { kDead, kCutOff, kDeaf, kHungDisk, kCount };
    void break_outside(Machine& machine, Outside how);

    enum class Phase { kSafety, kLiveness, kConvergence };
    Phase phase_ = Phase::kSafety;
    std::set<HostId> core_;
    uint32_t probes_served_ = 0;
    HostId probe_target_ = 1;
    uint64_t probe_number_ = 0;
    std::set<HostId> wanted_;   // machines that are to be up
    std::set<HostId> gave_up_;  // wiped machines whose node ended itself
};

}  // namespace kvorum::sim
