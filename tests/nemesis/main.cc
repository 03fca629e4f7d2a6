// kvorum_nemesis: real processes under real faults. Runs each kind of fault for a while and prints a table.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/mutants.h"
#include "tests/nemesis/run.h"
#include "tools/table.h"

namespace kvorum::nemesis {
namespace {

constexpr int kExitGreen = 0;
constexpr int kExitUsage = 2;
constexpr int kExitNoService = 4;
constexpr int kExitWrong = 5;
constexpr int kExitInvalid = 8;
constexpr uint64_t kMsPerExpectedFault = 12'000;  // a longer run has to show more than one fault

struct Options {
    uint32_t seconds = 60;
    uint32_t nodes = 3;
    uint64_t seed = 0;
    bool brief = false;
    bool list = false;
    std::vector<std::string> only;
    std::string mutant;
};

int exit_code_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::kGreen: return kExitGreen;
        case Verdict::kInvalid: return kExitInvalid;
        case Verdict::kNoService: return kExitNoService;
        case Verdict::kWrong: return kExitWrong;
    }
    return kExitWrong;
}

int list_kinds() {
    for (const FaultKind& kind : all_faults())
        fmt::print("{:<12} {}\n", kind.name, kind.what);
    return kExitGreen;
}

RunConfig config_of(const Options& options) {
    RunConfig config;
    config.nodes = options.nodes;
    config.duration = std::chrono::seconds(options.seconds);
    config.fired_floor = std::max<uint64_t>(1, static_cast<uint64_t>(config.duration.count()) / kMsPerExpectedFault);
    if (!options.brief) return config;
    config.warm_up = milliseconds(400);
    config.timing = {.election = milliseconds(300),
                     .heartbeat = milliseconds(50),
                     .disk_stall = milliseconds(500),
                     .hold_max = milliseconds(800)};
    return config;
}

void print_table(const std::vector<RunResult>& results) {
    std::vector<std::vector<std::string>> rows{{"fault", "fired", "before/s", "ok", "not executed", "unknown",
                                                "longest gap", "ledger writes", "lost", "verdict"}};
    for (const RunResult& result : results) {
        rows.push_back({result.kind, fmt::format("{}/{}", result.fired, result.strikes),
                        std::to_string(result.rate_before), std::to_string(result.executed),
                        std::to_string(result.not_executed), std::to_string(result.unknown),
                        fmt::format("{} ms", result.longest_gap_ms), std::to_string(result.ledger_writes),
                        std::to_string(result.lost_writes), std::string(verdict_name(result.verdict))});
    }
    fmt::print("\n{}", tools::format_table(rows));
}

int run_all(const Options& options) {
    if (options.list) return list_kinds();
    std::vector<const FaultKind*> kinds;
    for (const std::string& name : options.only) {
        kinds.push_back(find_fault(name));
        if (kinds.back() == nullptr) {
            fmt::print(stderr, "kvorum_nemesis: there is no fault '{}'; see --list\n", name);
            return kExitUsage;
        }
    }
    for (const FaultKind& kind : all_faults()) {
        if (options.only.empty()) kinds.push_back(&kind);
    }
    if (!options.mutant.empty()) {
        // For the nodes, which inherit it; here the name is only checked.
        if (!activate_mutant(options.mutant)) {
            fmt::print(stderr, "kvorum_nemesis: there is no mutant '{}' in this build\n", options.mutant);
            return kExitUsage;
        }
        setenv("KVORUM_MUTANT", options.mutant.c_str(), 1);
    }
    RunConfig config = config_of(options);
    config.seed = options.seed != 0
                      ? options.seed
                      : static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    fmt::print("{} nodes, {} s a kind, seed {} (draws the faults and the commands; real time does the rest)\n",
               config.nodes, options.seconds, config.seed);
    std::vector<RunResult> results;
    Verdict worst = Verdict::kGreen;
    for (const FaultKind* kind : kinds) {
        fmt::print("{:<12} {}... ", kind->name, kind->what);
        (void)std::fflush(stdout);
        results.push_back(run_kind(*kind, config));
        const RunResult& result = results.back();
        fmt::print("{}\n", verdict_name(result.verdict));
        for (const std::string& problem : result.problems)
            fmt::print("    {}\n", problem);
        worst = std::max(worst, result.verdict);
    }
    print_table(results);
    fmt::print("{}\n", worst == Verdict::kGreen ? "all green" : verdict_name(worst));
    return exit_code_of(worst);
}

}  // namespace
}  // namespace kvorum::nemesis

int main(int argument_count, char** arguments) {
    CLI::App app("kvorum_nemesis: a cluster of real processes under real faults, judged by what its clients saw");
    kvorum::nemesis::Options options;
    app.add_option("--seconds", options.seconds, "of faults of each kind")->capture_default_str();
    app.add_option("--nodes", options.nodes, "of the cluster")->capture_default_str()->check(CLI::Range(3, 9));
    app.add_option("--only", options.only, "these kinds alone, as kill,pause")->delimiter(',');
    app.add_option("--seed", options.seed, "of the faults and commands; default: the time");
    app.add_option("--mutant", options.mutant, "turn on one deliberate bug in every node, to see that it is found");
    app.add_flag("--brief", options.brief, "short timeouts and faults, for a run of few seconds a kind");
    app.add_flag("--list", options.list, "name the kinds of faults");
    app.footer(
        "Exit codes: 0 all green; 2 wrong arguments; 4 the cluster did not come back; 5 a wrong result; 8 invalid: too "
        "few faults fired, or the cluster was too slow before them.");
    CLI11_PARSE(app, argument_count, arguments);
    return kvorum::nemesis::run_all(options);
}
