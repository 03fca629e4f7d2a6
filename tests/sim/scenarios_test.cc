// Runs of one fault at a time, often, on an otherwise calm cluster: each is survived, and shows the deliberate bug that
// it is there for.
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
                                         Fault::kReadError, Fault::kRot, Fault::kLostWrite, Fault::kForeignDisk),
                         [](const testing::TestParamInfo<Fault>& param) {
                             std::string name(fault_name(param.param));
                             std::erase(name, '-');
                             return name;
                         });

#if defined(KVORUM_MUTANTS)
struct Case {
    const char* mutant;
    Fault fault;
    const char* message;
    uint64_t seeds;
};

class FaultForMutantTest : public testing::TestWithParam<Case> {};

TEST_P(FaultForMutantTest, ShowsIt) {
    const Case& param = GetParam();
    std::string what;
    for (uint64_t seed = 1; seed <= param.seeds && what.empty(); ++seed) {
        ASSERT_TRUE(activate_mutant(param.mutant));
        what = run_focused(seed, param.fault).what;
        deactivate_mutant();
    }
    EXPECT_THAT(what, testing::HasSubstr(param.message));
}

INSTANTIATE_TEST_SUITE_P(Mutants, FaultForMutantTest,
                         testing::Values(Case{"slot-check-ignored", Fault::kForeignDisk, "its disk is that of", 10},
                                         Case{"prevote-drops-lower-term", Fault::kElection, "did not serve", 20},
                                         Case{"reuse-read-token", Fault::kStaleLeader, "not linearizable", 20}),
                         [](const testing::TestParamInfo<Case>& param) {
                             std::string name = param.param.mutant;
                             std::erase(name, '-');
                             return name;
                         });
#endif

}  // namespace
}  // namespace kvorum::sim
