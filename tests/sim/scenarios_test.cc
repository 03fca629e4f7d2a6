// Runs of one fault at a time, often, on an otherwise calm cluster: each is survived.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/mutants.h"
#include "sim/world.h"

namespace kvorum::sim {
namespace {

RunResult run_focused(uint64_t seed, Fault fault) {
    World world(Scenario::focused(seed, 3, fault), false);
    return world.run();
}

class FocusedFaultTest : public testing::TestWithParam<Fault> {};

// Not every seed strikes with a rare one.
TEST_P(FocusedFaultTest, IsSurvivedAlone) {
    uint64_t strikes = 0;
    for (uint64_t seed = 7; seed < 17 && strikes == 0; ++seed) {
        const RunResult result = run_focused(seed, GetParam());
        EXPECT_EQ(result.numbers.outcome, RunOutcome::kGreen) << result.what;
        for (const uint64_t count : result.numbers.faults[static_cast<size_t>(GetParam())])
            strikes += count;
    }
    EXPECT_GT(strikes, 0u);
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
// What is found of a mutant in the scenarios of the first seeds, where scenario_of() has one for a seed; empty:
// nothing.
template <typename ScenarioOf>
std::string found_of(std::string_view mutant, uint64_t seeds, ScenarioOf scenario_of) {
    std::string what;
    for (uint64_t seed = 1; seed <= seeds && what.empty(); ++seed) {
        const std::optional<Scenario> scenario = scenario_of(seed);
        if (!scenario.has_value()) continue;
        EXPECT_TRUE(activate_mutant(mutant));
        what = World(*scenario, false).run().what;
        deactivate_mutant();
    }
    return what;
}

// Of those drawn, the ones with a list of its own for each node.
template <typename List>
auto drawn_with(List Scenario::* list) {
    return [list](uint64_t seed) -> std::optional<Scenario> {
        Scenario scenario = Scenario::draw(seed);
        if ((scenario.*list).empty()) return std::nullopt;
        return scenario;
    };
}

TEST(FaultForMutantTest, AForeignDiskShowsThatGroupsAreNotAskedWhereTheyBelong) {
    const auto foreign_disks = [](uint64_t seed) {
        return std::optional(Scenario::focused(seed, 3, Fault::kForeignDisk));
    };
    EXPECT_THAT(found_of("slot-check-ignored", 10, foreign_disks), testing::HasSubstr("its disk is that of"));
}

TEST(FaultForMutantTest, AHurriedChangeOfTimeoutsShowsThatPromisesAreForgotten) {
    EXPECT_THAT(found_of("silence-forgotten-at-restart", 60, drawn_with(&Scenario::election_timeouts_ms)),
                testing::HasSubstr("Lease"));
}

TEST(LoadForMutantTest, ReadersOfAnOldLeaderShowThatItDoesNotAskBeforeItAnswers) {
    const auto readers = [](uint64_t seed) {
        Scenario scenario = Scenario::focused(seed, 3, Fault::kStaleLeader);
        scenario.readers = scenario.clients / 2;
        return std::optional(scenario);
    };
    EXPECT_THAT(found_of("read-before-round", 20, readers), testing::HasSubstr("not linearizable"));
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
    EXPECT_THAT(found_of("own-memory-limit", 40, drawn_with(&Scenario::memory_limits_bytes)),
                testing::HasSubstr("Equal State"));
}
#endif

}  // namespace
}  // namespace kvorum::sim
