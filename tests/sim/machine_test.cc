// Named scenarios: bugs that seeds found, each as small as it gets.
#include "sim/machine.h"

#include <gtest/gtest.h>

#include <string>

#include "base/mutants.h"
#include "tests/sim/machine_cluster.h"

namespace kvorum::sim {
namespace {

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
