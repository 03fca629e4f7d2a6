// Named scenarios: bugs that seeds found, each as small as it gets.
#include "sim/machine.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "sim/scenario.h"

namespace kvorum::sim {
namespace {

class Cluster final : private MachineOwner {
 public:
    explicit Cluster(uint32_t nodes)
        : scenario_(Scenario::calm(11, nodes)), network_(events_, trace_, 3, scenario_.network, nodes) {
        for (HostId host = 1; host <= nodes; ++host) {
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
    [[nodiscard]] HostId leader() const {
        for (const auto& machine : machines_) {
            if (machine->serving() != nullptr && machine->serving()->raft().is_leader()) return machine->host();
        }
        return 0;
    }

 private:
    void on_turn(Machine& /*machine*/) override {}
    void on_refused(Machine& /*machine*/, const std::string& why) override { ADD_FAILURE() << why; }
    void on_halted(Machine& /*machine*/, const std::string& why) override { ADD_FAILURE() << why; }
    void on_down(Machine& /*machine*/) override {}

    Scenario scenario_;
    EventQueue events_;
    Trace trace_{events_, false};
    Network network_;
    std::vector<std::unique_ptr<Machine>> machines_;
};

TEST(MachineTest, ThreeNodesElectALeader) {
    Cluster cluster(3);
    cluster.run_for(3 * kSecondNs);
    EXPECT_NE(cluster.leader(), 0u);
}

TEST(MachineTest, ANodeThatCrashedAtAnyMomentOfItsStartUnwindsAndStartsAgain) {
    for (uint64_t at_us = 0; at_us < 20'000; at_us += 250) {
        Cluster cluster(3);
        cluster.run_for(at_us * kMicrosecondNs);
        cluster.machine(2).crash(Network::Death::kPower, Disk::CrashMode::kDrawn);
        EXPECT_FALSE(cluster.machine(2).is_up());
        cluster.machine(2).start();
        cluster.run_for(2 * kSecondNs);
        ASSERT_NE(cluster.machine(2).serving(), nullptr) << "crashed after " << at_us << " us";
    }
}

// Seeds 6, 8 and 24 of the first version: a node whose wall clock went back between two of its lives was refused by its
// peers for ever, because they took it for an earlier process than the one whose connection they still held.
TEST(MachineTest, ANodeComesBackAfterAPowerCutAlthoughItsClockWentBack) {
    Cluster cluster(3);
    cluster.run_for(3 * kSecondNs);
    cluster.machine(1).crash(Network::Death::kPower, Disk::CrashMode::kLoseAll);
    cluster.machine(1).clock().step_wall(-60'000);
    cluster.machine(1).start();
    cluster.run_for(100 * kMillisecondNs);
    // Without node 1 the others have no majority now.
    cluster.machine(2).crash(Network::Death::kPower, Disk::CrashMode::kLoseAll);
    cluster.run_for(5 * kSecondNs);
    EXPECT_NE(cluster.leader(), 0u);
}

}  // namespace
}  // namespace kvorum::sim
