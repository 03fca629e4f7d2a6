// Whole runs: seeds are green, the same seed is the same run, and what goes wrong is told apart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "base/mutants.h"
#include "sim/runner.h"

namespace kvorum::sim {
namespace {

RunnerConfig quiet(uint64_t first, uint64_t last) {
    RunnerConfig config;
    config.first_seed = first;
    config.last_seed = last;
    config.jobs = 2;
    config.seed_timeout_s = 300;
    config.show_progress = false;
    config.replay_command = "kvorum sim";
    return config;
}

// MariaDB Galera (Jepsen, March 2026): lost updates and stale reads without any fault. All checkers run here too.
TEST(RunTest, ACalmClusterServesEverythingAndLosesNothing) {
    Scenario scenario = Scenario::calm(5, 3);
    scenario.safety_ns = 10 * kSecondNs;
    World world(scenario, false);
    const RunResult result = world.run();
    EXPECT_EQ(result.numbers.outcome, RunOutcome::kGreen) << result.what;
    EXPECT_GT(result.numbers.executed, 200u);
    // The liveness phase breaks a node under the commands that it has at that moment, one a client.
    EXPECT_LE(result.numbers.unknown, scenario.clients);
}

TEST(RunTest, SeedsAreGreen) {
    const RunnerSummary summary = run_seeds(quiet(1, 12));
    EXPECT_EQ(summary.seeds, 12u);
    EXPECT_EQ(summary.first_outcome, RunOutcome::kGreen) << summary.first_what;
    EXPECT_GT(summary.total.executed, 6000u);
    EXPECT_GT(summary.total.disk_checks, 12u);
    // Histories are made to be checked easily: a step or two an operation.
    EXPECT_LT(summary.hardest_check_steps, 100'000u) << "seed " << summary.hardest_seed;
}

TEST(RunTest, TheSameSeedLeavesTheSameTrace) {
    RunnerConfig config = quiet(21, 23);
    config.repeat_one_in = 1;
    const RunnerSummary summary = run_seeds(config);
    EXPECT_EQ(summary.repeated, 3u);
    EXPECT_EQ(summary.first_outcome, RunOutcome::kGreen) << summary.first_what;
}

TEST(RunTest, DifferentSeedsLeaveDifferentTraces) {
    EXPECT_NE(run_seed(31, false).numbers.trace_hash, run_seed(32, false).numbers.trace_hash);
}

TEST(RunTest, ASeedThatTakesTooLongIsAFailure) {
    RunnerConfig config = quiet(1, 1);
    config.seed_timeout_s = 0;
    EXPECT_EQ(run_seeds(config).first_outcome, RunOutcome::kTimeout);
}

#if defined(KVORUM_MUTANTS)
// One mutant for each property of sim/cluster_checker.h: it is found, and the message names the property, or Raft's own
// invariants were faster (builds with KVORUM_VERIFY). All mutants: `./dev mutants`.
TEST(RunTest, AMutantIsFoundByThePropertyThatItBreaks) {
    constexpr std::pair<const char*, const char*> kMutants[] = {
        {"skip-wal-sync", "Election Durability"}, {"vote-not-persisted", "Election Durability"},
        {"ack-before-durable", "Durability"},     {"ack-received-on-heartbeat", "Acknowledgement"},
        {"commit-prior-term", "Commit Rule"},     {"ttl-by-local-clock", "Equal State"},
    };
    for (const auto& [mutant, message] : kMutants) {
        // It is meant for the children that run_seeds() forks.
        ASSERT_TRUE(activate_mutant(mutant));
        const RunnerSummary summary = run_seeds(quiet(1, 10));
        deactivate_mutant();
        EXPECT_THAT(summary.first_what,
                    testing::AnyOf(testing::HasSubstr(message), testing::HasSubstr("raft/invariants.cc")))
            << mutant;
    }
}
#endif

}  // namespace
}  // namespace kvorum::sim
