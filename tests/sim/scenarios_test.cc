// Runs of one fault at a time, often, on an otherwise calm cluster: each is survived, and each shows the deliberate bug
// that it is there for.
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

TEST(FocusedFaultTest, EveryFaultAloneIsSurvived) {
    for (size_t i = 0; i < kFaultCount; ++i) {
        const auto fault = static_cast<Fault>(i);
        if (fault == Fault::kWipe) continue;
        const RunResult result = run_focused(100 + i, fault);
        EXPECT_EQ(result.numbers.outcome, RunOutcome::kGreen) << fault_name(fault) << ": " << result.what;
        uint64_t strikes = 0;
        for (const uint64_t count : result.numbers.faults[i])
            strikes += count;
        EXPECT_GT(strikes, 0u) << fault_name(fault);
    }
}

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
        if (!what.empty()) RecordProperty("seed", static_cast<int>(seed));
    }
    EXPECT_THAT(what, testing::HasSubstr(param.message));
}

INSTANTIATE_TEST_SUITE_P(Mutants, FaultForMutantTest,
                         testing::Values(Case{"slot-check-ignored", Fault::kForeignDisk, "its disk is that of", 10},
                                         Case{"header-checksum-ignored", Fault::kRot, "did not notice", 60},
                                         Case{"sync-error-retried", Fault::kSyncError, "Durability", 20},
                                         Case{"prevote-drops-lower-term", Fault::kElection, "did not serve", 80},
                                         Case{"read-before-round", Fault::kStaleLeader, "not linearizable", 40},
                                         Case{"reuse-read-token", Fault::kStaleLeader, "not linearizable", 40}),
                         [](const testing::TestParamInfo<Case>& param) {
                             std::string name = param.param.mutant;
                             std::erase(name, '-');
                             return name;
                         });
#endif

}  // namespace
}  // namespace kvorum::sim
