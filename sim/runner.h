// Many seeds, each in a process of its own: a crash, a hang or a leak of one run touches no other, and every run starts
// from the same state.
//
// Thread: one. The caller has no other threads (it forks). Needs: fork, pipes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/world.h"

namespace kvorum::sim {

struct RunnerConfig {
    uint64_t first_seed = 1;
    uint64_t last_seed = 1;
    uint64_t minutes_max = 0;  // of real time; 0: no limit
    uint32_t jobs = 1;
    bool keep_going = false;     // after a failure
    bool pass_timeouts = false;  // a seed that takes too long is no failure
    bool show_failures = true;
    uint64_t seed_timeout_s = 120;  // of its process's CPU time: longer is a failure
    uint64_t repeat_one_in = 100;   // of this many seeds one is run twice and must leave the same trace; 0: none
    bool show_progress = true;
    std::string replay_command;  // what the user typed before the seeds: "kvorum sim --mutant x"
};

struct RunnerSummary {
    uint64_t seeds = 0;
    uint64_t failures = 0;
    uint64_t repeated = 0;
    uint64_t timeouts_passed = 0;
    RunOutcome first_outcome = RunOutcome::kGreen;
    std::optional<uint64_t> first_failing_seed;
    std::string first_what;
    double real_seconds = 0;
    double cpu_seconds = 0;     // of all processes that ran seeds
    RunNumbers total;           // sums; maxima of liveness_ns
    uint64_t hardest_seed = 0;  // the one whose history took the checker the most steps
    uint64_t hardest_check_steps = 0;
};

// One seed in this process. With `print_trace` every event goes to stdout.
[[nodiscard]] RunResult run_seed(uint64_t seed, bool print_trace);

// Prints failures, progress and a summary to stdout. The summary's first_outcome is the exit code to give.
[[nodiscard]] RunnerSummary run_seeds(const RunnerConfig& config);

// Turns on one mutant after the other (base/mutants.h) and runs seeds from the first until one fails that is green
// without the mutant. Prints a table in Markdown, a row when it is known, and returns how many mutants were not found.
// No mutant is on before and after.
[[nodiscard]] uint64_t run_mutants(const RunnerConfig& config);

// What the program was built from, as `git describe` says it; "unknown" without a repository.
[[nodiscard]] const char* build_commit();
[[nodiscard]] const char* outcome_name(RunOutcome outcome);

}  // namespace kvorum::sim
