// Runs of one fault at a time, often, on an otherwise calm cluster: each is survived.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/mutants.h"
#include "sim/world.h"

namespace kvorum::sim {
namespace {

RunResult run_focused(uint64_t seed, Fault fault) {
    World world(Scenario::focused(seed, 3, fault), false);
    return world.run();
}

class FocusedFaultTest : public testing::TestWithParam<Fault> {};

TEST_P(FocusedFaultTest, IsSurvivedAlone) {
    const RunResult result = run_focused(7, GetParam());
    EXPECT_EQ(result.numbers.outcome, RunOutcome::kGreen) << result.what;
    EXPECT_THAT(result.numbers.faults[static_cast<size_t>(GetParam())], testing::Contains(testing::Gt(0u)));
}

INSTANTIATE_TEST_SUITE_P(Faults, FocusedFaultTest,
                         testing::Values(Fault::kHalfOpen, Fault::kSwizzle, Fault::kStaleLeader, Fault::kElection,
                                         Fault::kReadError, Fault::kRot, Fault::kLostWrite, Fault::kForeignDisk,
                                         Fault::kTransfer),
                         [](const testing::TestParamInfo<Fault>& param) {
                             std::string name(fault_name(param.param));
                             std::erase(name, '-');
                             return name;
                         });

#if defined(KVORUM_MUTANTS)
TEST(FaultForMutantTest, AForeignDiskShowsThatGroupsAreNotAskedWhereTheyBelong) {
    std::string what;
    for (uint64_t seed = 1; seed <= 10 && what.empty(); ++seed) {
        ASSERT_TRUE(activate_mutant("slot-check-ignored"));
        what = run_focused(seed, Fault::kForeignDisk).what;
        deactivate_mutant();
    }
    EXPECT_THAT(what, testing::HasSubstr("its disk is that of"));
}

TEST(TransferForMutantTest, ALeaseThatIsKeptWhileTheLeadershipIsHandedOverIsSeen) {
    std::string what;
    for (uint64_t seed = 1; seed <= 10 && what.empty(); ++seed) {
        ASSERT_TRUE(activate_mutant("lease-kept-in-transfer"));
        what = run_focused(seed, Fault::kTransfer).what;
        deactivate_mutant();
    }
    EXPECT_THAT(what, testing::HasSubstr("Lease: node"));
}

TEST(LimitForMutantTest, ReplicasThatGoByTheirOwnLimitsOfMemoryComeApart) {
    std::string what;
    for (uint64_t seed = 1; seed <= 40 && what.empty(); ++seed) {
        const Scenario scenario = Scenario::draw(seed);
        if (scenario.memory_limits_bytes.empty()) continue;
        ASSERT_TRUE(activate_mutant("own-memory-limit"));
        what = World(scenario, false).run().what;
        deactivate_mutant();
    }
    EXPECT_THAT(what, testing::HasSubstr("Equal State"));
}
#endif

}  // namespace
}  // namespace kvorum::sim
