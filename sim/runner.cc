#include "sim/runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/assert.h"
#include "base/mutants.h"

namespace kvorum::sim {
namespace {

using Clock = std::chrono::steady_clock;

static_assert(std::is_trivially_copyable_v<RunNumbers>);

constexpr std::string_view kResultMark("\0RESULT\0", 8);

struct Job {
    pid_t pid = -1;
    int pipe = -1;
    uint64_t seed = 0;
    bool is_repeat = false;
    uint64_t expected_hash = 0;
    bool timed_out = false;
    std::string output;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Not of real time: a busy machine makes no run fail.
double cpu_seconds_of(pid_t pid) {
    clockid_t clock{};
    timespec used{};
    if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return 0;
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

double children_cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written <= 0) return;
        bytes.remove_prefix(static_cast<size_t>(written));
    }
}

// Moves the heap, so that whatever depends on addresses comes out differently.
void disturb_addresses(uint64_t seed) {
    for (uint64_t i = 0; i < 200; ++i) {
        void* block = std::malloc(1 + (seed * 7919 + i * 104729) % 60000);
        if (block != nullptr) std::memset(block, 1, 1);
    }
}

[[noreturn]] void run_child(int pipe, uint64_t seed, bool is_repeat) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(pipe, STDERR_FILENO);
    if (is_repeat) disturb_addresses(seed);
    const RunResult result = run_seed(seed, false);
    std::string text(kResultMark);
    text.append(reinterpret_cast<const char*>(&result.numbers), sizeof(RunNumbers));
    text += result.what + "\n  " + result.scenario;
    write_all(pipe, text);
    ::_exit(0);
}

class Runner {
 public:
    explicit Runner(const RunnerConfig& config)
        : config_(config), next_seed_(config.first_seed), started_(Clock::now()) {}

    RunnerSummary run() {
        while (true) {
            while (jobs_.size() < config_.jobs && may_start())
                start(next_seed_++, false, 0);
            if (jobs_.empty()) break;
            wait_for_jobs();
            show_progress();
        }
        summary_.real_seconds = seconds_since(started_);
        summary_.cpu_seconds = children_cpu_seconds() - cpu_seconds_before_;
        return summary_;
    }

 private:
    [[nodiscard]] bool may_start() const {
        if (next_seed_ > config_.last_seed) return false;
        if (summary_.failures > 0 && !config_.keep_going) return false;
        return config_.minutes_max == 0 || seconds_since(started_) < static_cast<double>(config_.minutes_max) * 60;
    }

    void start(uint64_t seed, bool is_repeat, uint64_t expected_hash) {
        int ends[2];
        KVORUM_ASSERT(::pipe2(ends, O_CLOEXEC) == 0, "pipe: {}", std::strerror(errno));
        (void)std::fflush(stdout);
        const pid_t pid = ::fork();
        KVORUM_ASSERT(pid >= 0, "fork: {}", std::strerror(errno));
        if (pid == 0) run_child(ends[1], seed, is_repeat);
        ::close(ends[1]);
        Job job;
        job.pid = pid;
        job.pipe = ends[0];
        job.seed = seed;
        job.is_repeat = is_repeat;
        job.expected_hash = expected_hash;
        jobs_.push_back(std::move(job));
    }

    void wait_for_jobs() {
        std::vector<pollfd> waits;
        waits.reserve(jobs_.size());
        for (const Job& job : jobs_)
            waits.push_back({.fd = job.pipe, .events = POLLIN, .revents = 0});
        if (::poll(waits.data(), waits.size(), 200) < 0) return;
        std::vector<Job> finished;
        for (size_t i = 0; i < waits.size(); ++i) {
            Job& job = jobs_[i];
            if (!job.timed_out && cpu_seconds_of(job.pid) > static_cast<double>(config_.seed_timeout_s)) {
                job.timed_out = true;
                ::kill(job.pid, SIGKILL);
            }
            if ((waits[i].revents & (POLLIN | POLLHUP)) == 0) continue;
            char buffer[65536];
            const ssize_t count = ::read(job.pipe, buffer, sizeof(buffer));
            if (count > 0) {
                job.output.append(buffer, static_cast<size_t>(count));
                continue;
            }
            ::close(job.pipe);
            job.pipe = -1;
            finished.push_back(std::move(job));
        }
        std::erase_if(jobs_, [](const Job& job) { return job.pipe < 0; });
        for (const Job& job : finished)
            finish(job);
    }

    void finish(const Job& job) {
        int status = 0;
        ::waitpid(job.pid, &status, 0);
        const size_t mark = job.output.rfind(kResultMark);
        RunNumbers numbers;
        std::string what;
        if (job.timed_out) {
            numbers.outcome = RunOutcome::kTimeout;
            what = fmt::format("took more than {} s of CPU time", config_.seed_timeout_s);
        } else if (mark == std::string::npos || job.output.size() < mark + kResultMark.size() + sizeof(RunNumbers)) {
            numbers.outcome = RunOutcome::kCrash;
            const char* signal_name = WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status)) : "ended early";
            what = fmt::format("the process ended: {}: {}", signal_name, job.output);
        } else {
            std::memcpy(&numbers, job.output.data() + mark + kResultMark.size(), sizeof(RunNumbers));
            what = job.output.substr(mark + kResultMark.size() + sizeof(RunNumbers));
        }
        if (job.is_repeat) {
            ++summary_.repeated;
            if (numbers.trace_hash == job.expected_hash) return;
            what = fmt::format("ran twice, with the traces {:016x} and {:016x}", job.expected_hash, numbers.trace_hash);
            numbers.outcome = RunOutcome::kDeterminism;
        } else {
            ++summary_.seeds;
            add(numbers);
            if (numbers.check_steps >= summary_.hardest_check_steps) {
                summary_.hardest_check_steps = numbers.check_steps;
                summary_.hardest_seed = job.seed;
            }
        }
        if (numbers.outcome != RunOutcome::kGreen) {
            report(job.seed, numbers.outcome, what);
        } else if (config_.repeat_one_in > 0 && job.seed % config_.repeat_one_in == 0) {
            start(job.seed, true, numbers.trace_hash);
        }
    }

    void add(const RunNumbers& numbers) {
        RunNumbers& total = summary_.total;
        total.simulated_ns += numbers.simulated_ns;
        total.operations += numbers.operations;
        total.executed += numbers.executed;
        total.not_executed += numbers.not_executed;
        total.unknown += numbers.unknown;
        total.elections += numbers.elections;
        total.turns += numbers.turns;
        total.disk_checks += numbers.disk_checks;
        total.entries += numbers.entries;
        total.check_steps += numbers.check_steps;
        total.liveness_ns = std::max(total.liveness_ns, numbers.liveness_ns);
        total.network.segments += numbers.network.segments;
        total.network.bytes += numbers.network.bytes;
        total.network.corrupted += numbers.network.corrupted;
        total.network.resets += numbers.network.resets;
        total.network.held_back += numbers.network.held_back;
        total.network.connects += numbers.network.connects;
        for (size_t fault = 0; fault < kFaultCount; ++fault) {
            for (size_t role = 0; role < kVictimRoleCount; ++role)
                total.faults[fault][role] += numbers.faults[fault][role];
        }
    }

    void report(uint64_t seed, RunOutcome outcome, const std::string& what) {
        if (outcome == RunOutcome::kTimeout && config_.pass_timeouts) {
            ++summary_.timeouts_passed;
            return;
        }
        ++summary_.failures;
        if (seed < summary_.first_failing_seed.value_or(UINT64_MAX)) {
            summary_.first_failing_seed = seed;
            summary_.first_outcome = outcome;
            summary_.first_what = what;
        }
        if (!config_.show_failures) return;
        fmt::print("FAILED seed {} ({}) commit {}: {}\n  replay: {} --seeds {} --trace\n", seed, outcome_name(outcome),
                   build_commit(), what, config_.replay_command, seed);
        (void)std::fflush(stdout);
    }

    void show_progress() {
        if (!config_.show_progress || seconds_since(shown_) < 10) return;
        shown_ = Clock::now();
        const double real_s = seconds_since(started_);
        const double simulated_s = static_cast<double>(summary_.total.simulated_ns) / 1e9;
        fmt::print("{} seeds in {:.0f} s, {:.1f} a second, {:.0f} simulated seconds a second, {} failures\n",
                   summary_.seeds, real_s, static_cast<double>(summary_.seeds) / real_s, simulated_s / real_s,
                   summary_.failures);
        (void)std::fflush(stdout);
    }

    const RunnerConfig& config_;
    uint64_t next_seed_;
    Clock::time_point started_;
    double cpu_seconds_before_ = children_cpu_seconds();
    Clock::time_point shown_ = Clock::now();
    std::vector<Job> jobs_;
    RunnerSummary summary_;
};

void print_summary(const RunnerSummary& summary) {
    const RunNumbers& total = summary.total;
    const double simulated_s = static_cast<double>(total.simulated_ns) / 1e9;
    fmt::print(
        "\n{} seeds, {} failures, {} run twice; {:.1f} simulated hours in {:.0f} s; {:.0f} simulated seconds per "
        "second "
        "of a core\n",
        summary.seeds, summary.failures, summary.repeated, simulated_s / 3600, summary.real_seconds,
        simulated_s / summary.cpu_seconds);
    fmt::print(
        "{} operations: {} executed, {} not executed, {} unknown; {} entries committed, {} leaders, {} disk "
        "comparisons, {} turns\n",
        total.operations, total.executed, total.not_executed, total.unknown, total.entries, total.elections,
        total.disk_checks, total.turns);
    fmt::print("checker: {} steps; the hardest history is that of seed {}, with {} steps\n", total.check_steps,
               summary.hardest_seed, summary.hardest_check_steps);
    fmt::print(
        "network: {} segments, {} bytes, {} connections, {} corrupted, {} resets, {} held back; slowest healthy "
        "majority: {} ms\n",
        total.network.segments, total.network.bytes, total.network.connects, total.network.corrupted,
        total.network.resets, total.network.held_back, total.liveness_ns / kMillisecondNs);
    fmt::print("{:<16}{:>10}{:>10}{:>10}{:>10}\n", "fault", "follower", "candidate", "leader", "down");
    for (size_t i = 0; i < kFaultCount; ++i) {
        const auto& of = total.faults[i];
        fmt::print("{:<16}{:>10}{:>10}{:>10}{:>10}\n", fault_name(static_cast<Fault>(i)), of[0], of[1], of[2], of[3]);
    }
}

}  // namespace

const char* build_commit() {
#if defined(KVORUM_COMMIT)
    return KVORUM_COMMIT;
#else
    return "unknown";
#endif
}

const char* outcome_name(RunOutcome outcome) {
    switch (outcome) {
        case RunOutcome::kGreen: return "green";
        case RunOutcome::kCrash: return "crash";
        case RunOutcome::kLiveness: return "liveness";
        case RunOutcome::kCorrectness: return "correctness";
        case RunOutcome::kDeterminism: return "determinism";
        case RunOutcome::kTimeout: return "timeout";
    }
    return "unknown";
}

RunResult run_seed(uint64_t seed, bool print_trace) {
    World world(Scenario::draw(seed), print_trace);
    return world.run();
}

namespace {

bool is_green_without_mutant(RunnerConfig config, uint64_t seed) {
    config.first_seed = config.last_seed = seed;
    return Runner(config).run().failures == 0;
}

// The first failure that the mutant explains, or nothing.
RunnerSummary hunt(const MutantInfo& mutant, RunnerConfig config) {
    while (true) {
        const bool active = activate_mutant(mutant.name);
        KVORUM_ASSERT(active, "{} is not built in", mutant.name);
        RunnerSummary summary = Runner(config).run();
        deactivate_mutant();
        if (!summary.first_failing_seed.has_value()) return summary;
        const uint64_t seed = *summary.first_failing_seed;
        if (is_green_without_mutant(config, seed)) return summary;
        fmt::print("seed {} fails without {} too: {}\n", seed, mutant.name, summary.first_what);
        config.first_seed = seed + 1;
    }
}

}  // namespace

uint64_t run_mutants(const RunnerConfig& config) {
    RunnerConfig quiet = config;
    quiet.keep_going = false;
    quiet.pass_timeouts = true;
    quiet.show_failures = quiet.show_progress = false;
    quiet.repeat_one_in = 0;
    uint64_t missed = 0;
    fmt::print("| mutant | seed | outcome | message |\n|---|---|---|---|\n");
    for (const MutantInfo& mutant : all_mutants()) {
        (void)std::fflush(stdout);
        const RunnerSummary summary = hunt(mutant, quiet);
        if (summary.first_failing_seed.has_value()) {
            const std::string what = summary.first_what.substr(0, summary.first_what.find('\n'));
            fmt::print("| {} | {} | {} | {} |\n", mutant.name, *summary.first_failing_seed,
                       outcome_name(summary.first_outcome), what);
        } else {
            ++missed;
            fmt::print("| {} | not in {} | | |\n", mutant.name, summary.seeds);
        }
    }
    fmt::print("\n{} of {} mutants found\n", all_mutants().size() - missed, all_mutants().size());
    return missed;
}

RunnerSummary run_seeds(const RunnerConfig& config) {
    RunnerSummary summary = Runner(config).run();
    if (config.show_progress) print_summary(summary);
    return summary;
}

}  // namespace kvorum::sim
