#include "tools/load_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tools/load_worker.h"

namespace kvorum::tools::load {
namespace {

constexpr auto kLookInterval = std::chrono::milliseconds(50);
constexpr uint64_t kLineIntervalNs = 500 * kMillisecondNs;

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

// SIGINT sets a flag. A second one ends the process, as it would without us.
class InterruptGuard {
 public:
    InterruptGuard() {
        interrupted = false;
        struct sigaction action = {};
        action.sa_handler = [](int /*signal*/) { interrupted = true; };
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        sigaction(SIGINT, &action, &before_);
        struct sigaction ignore = {};
        ignore.sa_handler = SIG_IGN;
        sigaction(SIGPIPE, &ignore, &pipe_before_);
    }
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;
    ~InterruptGuard() {
        sigaction(SIGINT, &before_, nullptr);
        sigaction(SIGPIPE, &pipe_before_, nullptr);
    }

 private:
    struct sigaction before_ = {};
    struct sigaction pipe_before_ = {};
};

struct Snapshot {
    uint64_t ok = 0;
    uint64_t errors = 0;
    uint64_t unknown = 0;
    uint64_t bytes = 0;
    uint64_t latency_sum_ns = 0;
    uint64_t start_ns = 0;
    uint64_t taken_ns = 0;
};

uint64_t monotonic_ns() {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

uint64_t unix_ms() {
    return static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1));
}

Snapshot take_snapshot(const std::vector<std::unique_ptr<Worker>>& workers) {
    Snapshot sum;
    for (const auto& worker : workers) {
        const LiveCounters& live = worker->live();
        sum.ok += live.ok.load(std::memory_order_relaxed);
        sum.errors += live.errors.load(std::memory_order_relaxed);
        sum.unknown += live.unknown.load(std::memory_order_relaxed);
        sum.bytes += live.bytes.load(std::memory_order_relaxed);
        sum.latency_sum_ns += live.latency_sum_ns.load(std::memory_order_relaxed);
        sum.start_ns = std::max(sum.start_ns, live.start_ns.load(std::memory_order_relaxed));
    }
    sum.taken_ns = monotonic_ns();
    return sum;
}

double per_second(uint64_t count, uint64_t duration_ns) {
    return duration_ns == 0 ? 0 : static_cast<double>(count) * 1e9 / static_cast<double>(duration_ns);
}

double mean_ms(uint64_t sum_ns, uint64_t count) {
    return count == 0 ? 0 : static_cast<double>(sum_ns) / static_cast<double>(count) / 1e6;
}

// One line on the terminal, rewritten in place; nothing where nobody looks.
class ProgressLine {
 public:
    explicit ProgressLine(const LoadConfig& config) : config_(config) {}

    void show(const Snapshot& now) {
        if (!is_terminal_ || now.start_ns == 0 || now.taken_ns - last_.taken_ns < kLineIntervalNs) return;
        const uint64_t since_start_ns = now.taken_ns - std::min(now.taken_ns, now.start_ns);
        const uint64_t since_last_ns = now.taken_ns - std::max(last_.taken_ns, now.start_ns);
        fmt::print(stderr,
                   "\r\033[K[{:3.0f}%, {:3} s] {} threads: {} ok, {:.0f} (avg: {:.0f}) ok/sec, {:.1f} MB/sec, {:.2f} "
                   "(avg: {:.2f}) ms, {} errors, {} unknown",
                   done_percent(now, since_start_ns), since_start_ns / kSecondNs, config_.threads, now.ok,
                   per_second(now.ok - last_.ok, since_last_ns), per_second(now.ok, since_start_ns),
                   per_second(now.bytes - last_.bytes, since_last_ns) / 1e6,
                   mean_ms(now.latency_sum_ns - last_.latency_sum_ns, now.ok - last_.ok),
                   mean_ms(now.latency_sum_ns, now.ok), now.errors, now.unknown);
        (void)std::fflush(stderr);
        last_ = now;
        shown_ = true;
    }
    void end() const {
        if (shown_) fmt::print(stderr, "\n");
    }

 private:
    [[nodiscard]] double done_percent(const Snapshot& now, uint64_t since_start_ns) const {
        if (config_.test_time_s > 0)
            return 100 * static_cast<double>(since_start_ns) / static_cast<double>(config_.test_time_s * kSecondNs);
        const double all = config_.all_keys ? static_cast<double>(config_.keys.count())
                                            : static_cast<double>(config_.requests_per_client) *
                                                  static_cast<double>(config_.total_clients());
        return 100 * static_cast<double>(now.ok + now.errors + now.unknown) / all;
    }

    const LoadConfig& config_;
    const bool is_terminal_ = isatty(STDERR_FILENO) == 1;
    bool shown_ = false;
    Snapshot last_;
};

// Counts the threads that have returned.
class Finish {
 public:
    void on_return() {
        const std::lock_guard lock(mutex_);
        ++returned_;
        changed_.notify_all();
    }
    // True when `count` have.
    [[nodiscard]] bool wait_for(size_t count, std::chrono::milliseconds timeout) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, timeout, [&] { return returned_ == count; });
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    size_t returned_ = 0;
};

}  // namespace

absl::StatusOr<LoadStats> run_load(const LoadConfig& config) {
    const InterruptGuard guard;
    StartLine start_line(config.threads);
    Finish finish;
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::thread> threads;
    workers.reserve(config.threads);
    threads.reserve(config.threads);
    for (uint32_t i = 0; i < config.threads; ++i)
        workers.push_back(std::make_unique<Worker>(config, i, start_line));
    for (const auto& worker : workers) {
        threads.emplace_back([&finish, &worker] {
            worker->run();
            finish.on_return();
        });
    }
    ProgressLine progress(config);
    bool was_interrupted = false;
    while (!finish.wait_for(workers.size(), kLookInterval)) {
        progress.show(take_snapshot(workers));
        if (!interrupted.exchange(false)) continue;
        was_interrupted = true;
        for (const auto& worker : workers)
            worker->request_stop();
    }
    for (std::thread& thread : threads)
        thread.join();
    progress.end();
    const uint64_t start_ns = take_snapshot(workers).start_ns;
    for (const auto& worker : workers) {
        if (!worker->status().ok()) return worker->status();
    }
    LoadStats merged = workers[0]->stats();
    for (size_t i = 1; i < workers.size(); ++i)
        merged.merge(workers[i]->stats());
    merged.start_unix_ms = unix_ms() - (monotonic_ns() - start_ns) / kMillisecondNs;
    merged.interrupted = was_interrupted;
    return merged;
}

}  // namespace kvorum::tools::load
