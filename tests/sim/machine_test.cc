// Named scenarios: bugs that seeds found, each as small as it gets.
#include "sim/machine.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mutants.h"
#include "sim/scenario.h"

namespace kvorum::sim {
namespace {

class Cluster final : private MachineOwner {
 public:
    explicit Cluster(uint32_t nodes, uint64_t seed = 11)
        : scenario_(Scenario::calm(seed, nodes)), network_(events_, trace_, 3, scenario_.network, nodes) {
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
    [[nodiscard]] HostId leader() const {
        for (const auto& machine : machines_) {
            if (machine->serving() != nullptr && machine->serving()->raft().is_leader()) return machine->host();
        }
        return 0;
    }

 private:
    void on_turn(Machine& /*machine*/) override {}
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
    std::map<HostId, std::string> halts_;
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

// --- a lost data directory ---

TEST(WipedMachineTest, ItsNodeEndsItselfAndTheOthersGoOn) {
    for (HostId wiped = 1; wiped <= 3; ++wiped) {
        Cluster cluster(3);
        cluster.run_for(3 * kSecondNs);
        cluster.allow_halt(wiped);
        cluster.machine(wiped).wipe();
        cluster.machine(wiped).start();
        cluster.run_for(3 * kSecondNs);
        EXPECT_FALSE(cluster.machine(wiped).is_up());
        EXPECT_NE(cluster.halt_reason(wiped).find("its peers know another log"), std::string::npos);
        EXPECT_NE(cluster.leader(), 0u);
        EXPECT_NE(cluster.leader(), wiped);
        // A supervisor that starts it again changes nothing.
        cluster.machine(wiped).start();
        cluster.run_for(3 * kSecondNs);
        EXPECT_FALSE(cluster.machine(wiped).is_up());
    }
}

// The leader is down, one node was cut off from it, and the other one is wiped: who leads then? What the leader and the
// wiped one acknowledged, nobody else has.
HostId leader_without_the_one_that_knows(Cluster& cluster) {
    cluster.run_for(3 * kSecondNs);
    const HostId leader = cluster.leader();
    const HostId behind = leader % 3 + 1;
    const HostId wiped = behind % 3 + 1;
    cluster.cut_off(behind);
    cluster.run_for(kSecondNs);
    cluster.allow_halt(wiped);
    cluster.machine(wiped).wipe();
    cluster.machine(leader).crash(Network::Death::kPower, Disk::CrashMode::kLoseAll);
    cluster.network().unblock_all();
    cluster.machine(wiped).start();
    cluster.run_for(5 * kSecondNs);
    return cluster.leader();
}

TEST(WipedMachineTest, ItElectsNobodyWithANodeThatIsBehind) {
    Cluster cluster(3);
    EXPECT_EQ(leader_without_the_one_that_knows(cluster), 0u);
}

#if defined(KVORUM_MUTANTS)
TEST(WipedMachineTest, WithoutTheRefusalItWouldElectThatNode) {
    ASSERT_TRUE(activate_mutant("wiped-node-votes"));
    Cluster cluster(3);
    EXPECT_NE(leader_without_the_one_that_knows(cluster), 0u);
    active_mutant = Mutant::kNone;
}
#endif

TEST(WipedMachineTest, ItIsRefusedByANodeThatHasRestartedSinceItMetIt) {
    Cluster cluster(3);
    cluster.run_for(3 * kSecondNs);
    for (HostId host = 1; host <= 3; ++host)
        cluster.machine(host).crash(Network::Death::kPower, Disk::CrashMode::kLoseAll);
    cluster.allow_halt(3);
    cluster.machine(3).wipe();
    cluster.machine(1).start();
    cluster.machine(3).start();
    cluster.run_for(5 * kSecondNs);
    EXPECT_NE(cluster.halt_reason(3), "");
    EXPECT_EQ(cluster.leader(), 0u);
}

TEST(WipedMachineTest, ADirectoryOfAnotherClusterOfTheSameNameEndsOnlyItsOwnNode) {
    Cluster other(3, 12);
    other.run_for(3 * kSecondNs);
    other.machine(3).crash(Network::Death::kPower, Disk::CrashMode::kLoseAll);
    Cluster cluster(3);
    cluster.run_for(3 * kSecondNs);
    cluster.allow_halt(3);
    cluster.machine(3).wipe();
    cluster.machine(3).disk() = other.machine(3).disk();
    cluster.machine(3).start();
    cluster.run_for(3 * kSecondNs);
    EXPECT_FALSE(cluster.machine(3).is_up());
    EXPECT_NE(cluster.halt_reason(3).find("wiped or replaced"), std::string::npos);
    EXPECT_TRUE(cluster.machine(1).is_up());
    EXPECT_TRUE(cluster.machine(2).is_up());
    EXPECT_NE(cluster.leader(), 0u);
}

TEST(WipedMachineTest, ANewClusterWhoseNodesStartOneByOneIsWhole) {
    Cluster cluster(3);
    cluster.machine(3).wipe();
    cluster.run_for(3 * kSecondNs);
    EXPECT_NE(cluster.leader(), 0u);
    cluster.machine(3).start();
    cluster.run_for(3 * kSecondNs);
    ASSERT_NE(cluster.machine(3).serving(), nullptr);
    EXPECT_EQ(cluster.machine(3).serving()->last_applied(),
              cluster.machine(cluster.leader()).serving()->last_applied());
}

}  // namespace
}  // namespace kvorum::sim
