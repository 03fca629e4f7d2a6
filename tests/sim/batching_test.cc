// How many commands go into a log entry, where disks are slow and where the network is.
#include <gtest/gtest.h>

#include "sim/world.h"

namespace kvorum::sim {
namespace {

// Of many clients without a pause, on a cluster with these delays of a message and of a disk operation.
double commands_per_entry(uint64_t message_ns, uint64_t disk_ns) {
    Scenario scenario = Scenario::calm(5, 3);
    scenario.safety_ns = 1 * kSecondNs;
    scenario.clients = 24;
    scenario.hot_keys = 10;
    scenario.think_ns = 50 * kMicrosecondNs;
    scenario.network.delay_ns_min = message_ns;
    scenario.network.delay_ns_spread = 0;
    scenario.backend.disk.delay_ns_min = disk_ns;
    scenario.backend.disk.delay_ns_max = disk_ns + 1;
    World world(scenario, false);
    const RunResult result = world.run();
    EXPECT_EQ(result.numbers.outcome, RunOutcome::kGreen) << result.what;
    return static_cast<double>(result.numbers.executed) / static_cast<double>(result.numbers.entries);
}

TEST(BatchingTest, WritesGatherWhileDisksAreBusy) {
    EXPECT_GT(commands_per_entry(20 * kMicrosecondNs, 1 * kMillisecondNs), 20);
}

// Who waits for the quorum first waits half a round trip more.
TEST(BatchingTest, BatchesFollowEachOtherWhereTheNetworkIsSlow) {
    EXPECT_LT(commands_per_entry(5 * kMillisecondNs, 100 * kMicrosecondNs), 5);
}

}  // namespace
}  // namespace kvorum::sim
