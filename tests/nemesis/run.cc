#include "tests/nemesis/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/units.h"
#include "sim/linearizability.h"
#include "tests/integration/ledger.h"
#include "tests/nemesis/workload.h"
#include "tools/node_status.h"

namespace kvorum::nemesis {
namespace {

using integration::wait_until;

constexpr auto kServiceDeadline = milliseconds(30'000);
constexpr uint64_t kCommandsAfterHealing = 100;
constexpr uint32_t kAskTimeoutMs = 1000;
constexpr auto kWriterPatience = milliseconds(2000);
constexpr sim::CheckLimits kCheckLimits{.steps_max = 400'000'000, .memory_bytes_max = 1 * kGiB};

std::vector<std::string> node_flags(const RunConfig& config) {
    const auto ms = [](milliseconds time) { return std::to_string(time.count()); };
    return {"--election-timeout-ms", ms(config.timing.election), "--heartbeat-interval-ms", ms(config.timing.heartbeat),
            "--disk-stall-ms", ms(config.timing.disk_stall), "--leader-wait-ms", "1500", "--outcome-wait-ms", "1500",
            // Small, so that a run passes many ends of segments.
            "--wal-segment-size", "1MiB"};
}

// A cluster behind a proxy, with what loads it.
struct Stage {
    Stage(const RunConfig& config, Prng& random)
        : cluster({.nodes = config.nodes,
                   .name = "nemesis",
                   .flags = node_flags(config),
                   .directory = directory.path(),
                   .command =
                       [this](uint32_t node) {
                           // Both ways to sync are in every cluster.
                           return std::vector<std::string>{integration::program_path("kvorumd_faulty"),
                                                           fault_socket(directory.path(), node), "--wal-sync",
                                                           node % 2 == 0 ? "dsync" : "fdatasync"};
                       }}),
          links(config.nodes, [this](uint32_t node) { return cluster.peer_port(node); }, random.next()) {
        cluster.route_peers([this](uint32_t from, uint32_t to) { return links.port(from, to); });
        cluster.start_all();
        (void)cluster.wait_for_leader();
    }

    [[nodiscard]] std::vector<reactor::Endpoint> endpoints() const {
        std::vector<reactor::Endpoint> all;
        for (uint32_t node = 1; node <= cluster.size(); ++node)
            all.push_back(cluster.endpoint(node));
        return all;
    }

    integration::TestDirectory directory;
    integration::Cluster cluster;
    PeerProxy links;
};

void strike_until(const FaultKind& kind, const RunConfig& config, Target& target, RunResult& result) {
    const auto end = std::chrono::steady_clock::now() + config.duration;
    do {
        ++result.strikes;
        result.fired += kind.strike(target) ? 1 : 0;
        hold(draw_hold(target, 200, 1000));
    } while (std::chrono::steady_clock::now() < end);
    if (result.fired < config.fired_floor) {
        result.add_problem(Verdict::kInvalid, fmt::format("{} faults met something, at least {} have to", result.fired,
                                                          config.fired_floor));
    }
    for (const std::string& problem : target.problems)
        result.add_problem(Verdict::kNoService, problem);
}

// Returns the nodes that serve again.
std::vector<uint32_t> heal(Stage& stage, const Workload& workload, RunResult& result) {
    stage.links.set_all({});
    stage.cluster.start_all();
    std::vector<uint32_t> serving;
    (void)wait_until(kServiceDeadline, [&] {
        serving.clear();
        for (uint32_t node = 1; node <= stage.cluster.size(); ++node) {
            if (tools::serves_reads(stage.cluster.endpoint(node), kAskTimeoutMs)) serving.push_back(node);
        }
        return serving.size() == stage.cluster.size();
    });
    if (serving.size() < stage.cluster.size()) {
        result.add_problem(Verdict::kNoService, fmt::format("{} of {} nodes serve again after all faults",
                                                            serving.size(), stage.cluster.size()));
    }
    const uint64_t goal = workload.executed() + kCommandsAfterHealing;
    if (!serving.empty() && !wait_until(kServiceDeadline, [&] { return workload.executed() >= goal; }))
        result.add_problem(Verdict::kNoService, "the clients are not served again");
    return serving;
}

void check_replicas(const Stage& stage, const std::vector<uint32_t>& serving, Workload& workload,
                    const integration::Ledger& ledger, RunResult& result) {
    if (serving.size() == stage.cluster.size() && !stage.cluster.wait_until_equal(kServiceDeadline))
        result.add_problem(Verdict::kWrong, "the nodes do not come to the same state at the same index");
    for (const uint32_t node : serving) {
        for (const std::string& problem : ledger.check(stage.cluster.endpoint(node))) {
            result.lost_writes += problem.starts_with("LOST") || problem.starts_with("COUNTER") ? 1 : 0;
            result.add_problem(Verdict::kWrong, fmt::format("read through node {}: {}", node, problem));
        }
        if (!workload.read_back(stage.cluster.endpoint(node), kServiceDeadline))
            result.add_problem(Verdict::kNoService,
                               fmt::format("node {} goes on answering a read with an error", node));
    }
    for (const std::string& reply : ledger.strange_replies())
        result.add_problem(Verdict::kWrong, fmt::format("a writer was told '{}'", reply));
}

void count_operations(const sim::History& history, uint64_t faults_began_ns, uint64_t faults_ended_ns,
                      RunResult& result) {
    std::vector<uint64_t> served_ns{faults_began_ns, faults_ended_ns};
    for (const sim::Operation& operation : history) {
        switch (operation.outcome) {
            case sim::Outcome::kExecuted: ++result.executed; break;
            case sim::Outcome::kNotExecuted: ++result.not_executed; break;
            case sim::Outcome::kUnknown: ++result.unknown; break;
        }
        const uint64_t at_ns = operation.completed_at_ns.value_or(0);
        const bool in_faults = at_ns > faults_began_ns && at_ns < faults_ended_ns;
        if (operation.outcome == sim::Outcome::kExecuted && in_faults) served_ns.push_back(at_ns);
    }
    std::sort(served_ns.begin(), served_ns.end());
    for (size_t i = 1; i < served_ns.size(); ++i)
        result.longest_gap_ms = std::max(result.longest_gap_ms, (served_ns[i] - served_ns[i - 1]) / kMillisecondNs);
}

void check_history(const sim::History& history, const std::string& directory, RunResult& result) {
    const sim::CheckReport report = sim::check_linearizability(history, kCheckLimits);
    if (report.verdict == sim::Verdict::kLinearizable) return;
    const std::string path = directory + "/history.txt";
    std::ofstream(path) << sim::format_history(history);
    if (report.verdict == sim::Verdict::kGaveUp) {
        result.add_problem(Verdict::kInvalid, fmt::format("the checker gave up on {}", path));
    } else {
        result.add_problem(Verdict::kWrong, fmt::format("{} is not linearizable:\n{}", path, report.explanation));
    }
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
    switch (verdict) {
        case Verdict::kGreen: return "green";
        case Verdict::kInvalid: return "INVALID";
        case Verdict::kNoService: return "NO SERVICE";
        case Verdict::kWrong: return "WRONG";
    }
    return "?";
}

void RunResult::add_problem(Verdict at_least, std::string what) {
    verdict = std::max(verdict, at_least);
    problems.push_back(std::move(what));
}

RunResult run_kind(const FaultKind& kind, const RunConfig& config) {
    RunResult result{.kind = std::string(kind.name), .seed = config.seed};
    Prng random(config.seed);
    Stage stage(config, random);
    Workload workload(stage.endpoints(), {.seed = random.next()});
    integration::Ledger ledger(stage.endpoints(), {1, 4}, kWriterPatience);

    hold(config.warm_up);
    result.rate_before = workload.executed() * 1000 / static_cast<uint64_t>(config.warm_up.count());
    if (result.rate_before < config.rate_floor) {
        result.add_problem(Verdict::kInvalid, fmt::format("{} commands a second before the first fault, under {}",
                                                          result.rate_before, config.rate_floor));
    }
    Target target{.cluster = stage.cluster, .links = stage.links, .random = random, .timing = config.timing};
    const uint64_t began_ns = Workload::now_ns();
    strike_until(kind, config, target, result);
    const std::vector<uint32_t> serving = heal(stage, workload, result);
    const uint64_t ended_ns = Workload::now_ns();
    workload.stop();
    ledger.stop();
    result.ledger_writes = ledger.acknowledged();

    check_replicas(stage, serving, workload, ledger, result);
    const sim::History history = workload.take_history();
    count_operations(history, began_ns, ended_ns, result);
    check_history(history, stage.directory.path(), result);
    if (result.verdict != Verdict::kGreen) stage.directory.keep();
    return result;
}

}  // namespace kvorum::nemesis
