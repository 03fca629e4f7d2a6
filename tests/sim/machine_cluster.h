// A few simulated machines with one cluster on them, for tests that do to it what they want.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/machine.h"
#include "sim/scenario.h"

namespace kvorum::sim {

class Cluster final : private MachineOwner {
 public:
    explicit Cluster(uint32_t nodes, uint64_t seed = 11) : Cluster(Scenario::calm(seed, nodes)) {}
    explicit Cluster(const Scenario& scenario)
        : scenario_(scenario), network_(events_, trace_, 3, scenario_.network, scenario_.nodes) {
        for (HostId host = 1; host <= scenario_.nodes; ++host) {
            machines_.push_back(std::make_unique<Machine>(scenario_.machine(host), events_, network_, trace_,
                                                          static_cast<MachineOwner&>(*this)));
            machines_.back()->start();
        }
    }

    Machine& machine(HostId host) { return *machines_[host - 1]; }
    Network& network() { return network_; }
    void run_for(uint64_t duration_ns) {
        const uint64_t until_ns = events_.now_ns() + duration_ns;
        while (events_.run_next(until_ns)) {
        }
    }
    // False: it was not met before `limit_ns` had passed.
    template <typename Condition>
    bool run_until(uint64_t limit_ns, Condition condition) {
        const uint64_t until_ns = events_.now_ns() + limit_ns;
        while (!condition()) {
            if (!events_.run_next(until_ns)) return condition();
        }
        return true;
    }
    // Both directions between two nodes.
    void cut(HostId a, HostId b) {
        network_.set_blocked(a, b, true);
        network_.set_blocked(b, a, true);
    }
    void cut_off(HostId host) {
        for (const auto& machine : machines_) {
            if (machine->host() != host) cut(host, machine->host());
        }
    }
    // This node may end itself; any other that does fails the test.
    void allow_halt(HostId host) { may_halt_.insert(host); }
    // Why it did; empty if it did not.
    [[nodiscard]] std::string halt_reason(HostId host) const {
        const auto found = halts_.find(host);
        return found == halts_.end() ? std::string() : found->second;
    }
    // The most work that any node has done in a turn so far.
    [[nodiscard]] uint64_t longest_turn_work() const { return longest_turn_work_; }
    [[nodiscard]] uint64_t now_ns() const { return events_.now_ns(); }
    [[nodiscard]] HostId leader() const {
        for (const auto& machine : machines_) {
            if (machine->serving() != nullptr && machine->serving()->raft().is_leader()) return machine->host();
        }
        return 0;
    }

 private:
    void on_turn(Machine& machine) override {
        longest_turn_work_ = std::max(longest_turn_work_, machine.work().total());
    }
    void on_refused(Machine& /*machine*/, const std::string& why) override { ADD_FAILURE() << why; }
    void on_halted(Machine& machine, const std::string& why) override {
        halts_[machine.host()] = why;
        if (!may_halt_.contains(machine.host())) ADD_FAILURE() << why;
    }
    void on_down(Machine& /*machine*/) override {}

    Scenario scenario_;
    EventQueue events_;
    Trace trace_{events_, false};
    Network network_;
    std::vector<std::unique_ptr<Machine>> machines_;
    std::set<HostId> may_halt_;
    uint64_t longest_turn_work_ = 0;
    std::map<HostId, std::string> halts_;
};

}  // namespace kvorum::sim
