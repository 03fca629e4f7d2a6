// kvorum sim: the deterministic simulator of whole clusters (sim/world.h says what a run is).
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutants.h"
#include "sim/runner.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"

namespace kvorum::tools {
namespace {

struct SimOptions {
    std::string seeds = "1..100";
    uint64_t minutes = 0;
    uint32_t jobs = 0;
    uint64_t timeout_s = 120;
    std::string mutant;
    bool list_mutants = false;
    bool trace = false;
    bool keep_going = false;
};

bool parse_number(std::string_view text, uint64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

// "7" or "1..300".
bool parse_seeds(std::string_view text, uint64_t& first, uint64_t& last) {
    const size_t dots = text.find("..");
    if (dots == std::string_view::npos) {
        if (!parse_number(text, first)) return false;
        last = first;
        return true;
    }
    return parse_number(text.substr(0, dots), first) && parse_number(text.substr(dots + 2), last) && first <= last;
}

int list_mutants() {
    for (const MutantInfo& info : all_mutants())
        fmt::print("{:<34} {}\n", info.name, info.what);
    if (!kMutantsBuiltIn) fmt::print("(this program was built without them: configure with -DKVORUM_MUTANTS=ON)\n");
    return kExitDone;
}

int run_traced(uint64_t seed) {
    const sim::RunResult result = sim::run_seed(seed, true);
    fmt::print("\nseed {} commit {}: {}\n{}\n{}\ntrace {:016x}\n", seed, sim::build_commit(),
               sim::outcome_name(result.numbers.outcome), result.scenario, result.what, result.numbers.trace_hash);
    return static_cast<int>(result.numbers.outcome);
}

int usage(std::string_view what) {
    (void)std::fputs(fmt::format("kvorum sim: {}\n", what).c_str(), stderr);
    return kExitUsage;
}

int run_sim(const SimOptions& options) {
    if (options.list_mutants) return list_mutants();
    sim::RunnerConfig config;
    if (!parse_seeds(options.seeds, config.first_seed, config.last_seed)) {
        return usage(fmt::format("'{}' are no seeds: give one, as 7, or a range, as 1..300", options.seeds));
    }
    config.replay_command = "kvorum sim";
    if (!options.mutant.empty()) {
        if (!kMutantsBuiltIn)
            return usage("this program was built without mutants: configure with -DKVORUM_MUTANTS=ON");
        if (options.mutant != "all" && !activate_mutant(options.mutant))
            return usage(fmt::format("there is no mutant '{}'; see --list-mutants", options.mutant));
        config.replay_command += " --mutant " + options.mutant;
    }
    if (options.trace) {
        if (config.first_seed != config.last_seed) return usage("--trace is for one seed");
        return run_traced(config.first_seed);
    }
    config.minutes_max = options.minutes;
    config.jobs = options.jobs > 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency());
    config.keep_going = options.keep_going;
    config.seed_timeout_s = options.timeout_s;
    if (options.mutant == "all") return sim::run_mutants(config) == 0 ? kExitDone : kExitFailed;
    const sim::RunnerSummary summary = sim::run_seeds(config);
    return static_cast<int>(summary.first_outcome);
}

}  // namespace

void add_sim_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<SimOptions>();
    CLI::App* sim =
        app.add_subcommand("sim", "run simulated clusters from seeds, with faults, and check everything they do");
    sim->add_option("--seeds", options->seeds, "one seed, or a range A..B")->capture_default_str();
    sim->add_option("--minutes", options->minutes, "start no new seed after this many minutes");
    sim->add_option("--jobs", options->jobs, "seeds at a time; default: the number of cores");
    sim->add_option("--timeout", options->timeout_s, "seconds of CPU time that one seed may take")
        ->capture_default_str();
    sim->add_option("--mutant", options->mutant,
                    "turn on one deliberate bug, to see that it is found; all: one after the other");
    sim->add_flag("--list-mutants", options->list_mutants, "name the deliberate bugs");
    sim->add_flag("--trace", options->trace, "print every event of one seed");
    sim->add_flag("--keep-going", options->keep_going, "go on after a failure");
    sim->footer(
        "Exit codes: 0 all green; 3 a crash; 4 no progress; 5 a wrong result; 6 not deterministic; 7 a seed took too "
        "long.");
    sim->callback([options, &exit_code] { exit_code = run_sim(*options); });
}

}  // namespace kvorum::tools
