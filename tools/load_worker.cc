#include "tools/load_worker.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <utility>

#include "reactor/uring_backend.h"

namespace kvorum::tools::load {
namespace {

constexpr uint64_t kConnectTimeNsMax = 5 * kSecondNs;
// How long replies are waited for when the time is over, and when somebody has pressed Ctrl-C.
constexpr uint64_t kDrainNs = 5 * kSecondNs;
constexpr uint64_t kInterruptedDrainNs = kSecondNs;

uint64_t seed_of(const LoadConfig& config, uint64_t number) { return config.seed * 1'000'003 + number; }

}  // namespace

StartLine::StartLine(uint32_t workers) : barrier_(workers) {}

uint64_t StartLine::wait(bool ready, uint64_t now_ns) {
    if (!ready) failed_.store(true);
    uint64_t latest_ns = start_ns_.load();
    while (latest_ns < now_ns && !start_ns_.compare_exchange_weak(latest_ns, now_ns)) {
    }
    barrier_.arrive_and_wait();
    return failed_.load() ? 0 : start_ns_.load();
}

// The life of a worker, on its thread's stack.
class Worker::Run final : private reactor::TurnHook {
 public:
    Run(Worker& worker, reactor::Reactor& reactor)
        : worker_(worker),
          config_(worker.config_),
          reactor_(reactor),
          thread_(reactor, worker.config_, seed_of(worker.config_, worker.index_)) {
        if (config_.cluster_mode) topology_.emplace(reactor_, config_.servers, [this] { fill_all(); });
        thread_.topology = topology_.has_value() ? &*topology_ : nullptr;
        reactor_.add_turn_hook(*this, reactor::TurnStage::kDrive);
    }
    ~Run() { reactor_.remove_turn_hook(*this); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    void run() {
        make_pacers();
        make_clients();
        const absl::Status ready = connect_all();
        const uint64_t start_ns = worker_.start_line_.wait(ready.ok(), reactor_.backend().monotonic_ns());
        if (start_ns == 0) {
            worker_.status_ = ready;
            abort_all();
        } else {
            begin(start_ns);
        }
        while (thread_.scope.size() > 0)
            reactor_.turn(next_event_ns());
        thread_.stats.silences.finish(thread_.stats.duration_ns);
        worker_.stats_ = std::move(thread_.stats);
    }

 private:
    void make_pacers();
    void make_clients();
    absl::Status connect_all();
    void begin(uint64_t start_ns);
    void fill_all();
    void abort_all();
    void begin_ending(uint64_t drain_ns);
    [[nodiscard]] uint64_t next_event_ns() const;
    void on_turn_end() override;
    void publish();

    Worker& worker_;
    const LoadConfig& config_;
    reactor::Reactor& reactor_;
    LoadThread thread_;
    std::optional<Topology> topology_;
    std::vector<std::unique_ptr<Pacer>> pacers_;  // one, or one a client
    std::vector<std::unique_ptr<Client>> clients_;
    uint64_t end_ns_ = UINT64_MAX;
    uint64_t drained_ns_ = UINT64_MAX;
    bool interrupted_ = false;
};

void Worker::Run::make_pacers() {
    if (!config_.is_open_loop()) return;
    const uint32_t count = config_.rate_per_client ? config_.clients : 1;
    const uint64_t all = uint64_t{config_.threads} * count;
    for (uint32_t i = 0; i < count; ++i) {
        const uint64_t number = uint64_t{worker_.index_} * count + i;
        ScheduleShape shape{.arrivals = config_.arrivals};
        const auto total = static_cast<double>(config_.rate);
        shape.rate = config_.rate_per_client ? total : total / static_cast<double>(all);
        shape.phase = static_cast<double>(number) / static_cast<double>(all);
        shape.seed = seed_of(config_, number) + 1;
        pacers_.push_back(std::make_unique<Pacer>(reactor_, shape));
    }
}

void Worker::Run::make_clients() {
    for (uint32_t i = 0; i < config_.clients; ++i) {
        Pacer* pacer = pacers_.empty() ? nullptr : pacers_[i % pacers_.size()].get();
        const uint64_t number = uint64_t{worker_.index_} * config_.clients + i;
        clients_.push_back(std::make_unique<Client>(thread_, pacer, number));
    }
}

absl::Status Worker::Run::connect_all() {
    const uint64_t deadline_ns = reactor_.backend().monotonic_ns() + kConnectTimeNsMax;
    const auto time_is_left = [&] { return reactor_.now_ns() < deadline_ns && !reactor_.stop_requested(); };
    if (topology_.has_value()) {
        thread_.scope.spawn(topology_->keep_fresh());
        while (!topology_->knows_slots() && time_is_left())
            reactor_.turn(deadline_ns);
        if (!topology_->knows_slots()) {
            return absl::UnavailableError(
                fmt::format("no node tells who serves the slots (CLUSTER SLOTS): {}", topology_->last_error()));
        }
    }
    for (const auto& client : clients_)
        client->connect();
    while (thread_.clients_attempted < clients_.size() && time_is_left())
        reactor_.turn(deadline_ns);
    if (thread_.clients_connected > 0) return absl::OkStatus();
    return absl::UnavailableError(
        fmt::format("cannot connect to {}", thread_.connect_error.empty()
                                                ? config_.servers[0].to_string() + ": no answer within 5 s"
                                                : thread_.connect_error));
}

void Worker::Run::begin(uint64_t start_ns) {
    thread_.start_ns = start_ns;
    thread_.started = true;
    worker_.live_.start_ns.store(start_ns, std::memory_order_relaxed);
    if (config_.test_time_s > 0) end_ns_ = start_ns + config_.test_time_s * kSecondNs;
    for (const auto& pacer : pacers_)
        pacer->begin(start_ns, end_ns_);
    fill_all();
    for (const auto& client : clients_)
        client->finish_if_done();
    // What was written outside of a turn leaves at the end of one, which must not wait first.
    reactor_.turn(0);
}

void Worker::Run::fill_all() {
    for (const auto& client : clients_)
        client->fill();
}

void Worker::Run::abort_all() {
    for (const auto& client : clients_)
        client->abort();
    if (topology_.has_value()) topology_->stop();
}

uint64_t Worker::Run::next_event_ns() const { return std::min(end_ns_, drained_ns_); }

void Worker::Run::begin_ending(uint64_t drain_ns) {
    const uint64_t now_ns = reactor_.now_ns();
    for (const auto& pacer : pacers_)
        thread_.stats.never_started += pacer->take_missed(std::min(now_ns, end_ns_));
    if (!thread_.ending) thread_.stats.duration_ns = thread_.since_start(std::min(now_ns, end_ns_));
    thread_.ending = true;
    end_ns_ = UINT64_MAX;
    drained_ns_ = now_ns + drain_ns;
    for (const auto& client : clients_)
        client->finish_if_done();
}

void Worker::Run::on_turn_end() {
    if (!thread_.started) return;
    const uint64_t now_ns = reactor_.now_ns();
    if (!thread_.ending && now_ns >= end_ns_) begin_ending(kDrainNs);
    if (!interrupted_ && reactor_.stop_requested()) {
        interrupted_ = true;
        begin_ending(kInterruptedDrainNs);
    }
    if (now_ns >= drained_ns_) {
        drained_ns_ = UINT64_MAX;
        abort_all();
    }
    if (thread_.clients_finished == clients_.size() && topology_.has_value()) topology_->stop();
    publish();
}

void Worker::Run::publish() {
    CommandStats sum;
    uint64_t latency_sum_ns = 0;
    for (const CommandStats& command : thread_.stats.commands) {
        sum.ok += command.ok;
        sum.errors += command.errors + command.moved;
        sum.unknown += command.unknown;
        sum.bytes_sent += command.bytes_sent + command.bytes_received;
        latency_sum_ns += command.latency.sum();
    }
    LiveCounters& live = worker_.live_;
    const uint64_t outcomes = sum.ok + sum.errors + sum.unknown;
    const uint64_t published = live.ok.load(std::memory_order_relaxed) + live.errors.load(std::memory_order_relaxed) +
                               live.unknown.load(std::memory_order_relaxed);
    if (outcomes != published && !thread_.ending) thread_.stats.duration_ns = thread_.since_start(reactor_.now_ns());
    live.ok.store(sum.ok, std::memory_order_relaxed);
    live.errors.store(sum.errors, std::memory_order_relaxed);
    live.unknown.store(sum.unknown, std::memory_order_relaxed);
    live.bytes.store(sum.bytes_sent, std::memory_order_relaxed);
    live.latency_sum_ns.store(latency_sum_ns, std::memory_order_relaxed);
}

// --- the worker ---

Worker::Worker(const LoadConfig& config, uint32_t index, StartLine& start_line)
    : config_(config), index_(index), start_line_(start_line), stats_(config.commands.size()) {}

void Worker::run() {
    // The kernel may else be 50 us late with every moment of an open loop.
    const int precise = prctl(PR_SET_TIMERSLACK, 1);
    maybe(precise != 0);
    const absl::StatusOr<std::unique_ptr<reactor::UringBackend>> backend = reactor::UringBackend::create({});
    if (!backend.ok()) {
        status_ = backend.status();
        const uint64_t start_ns = start_line_.wait(false, 0);
        maybe(start_ns == 0);
        return;
    }
    reactor::Reactor reactor(**backend, {});
    {
        const std::lock_guard lock(mutex_);
        reactor_ = &reactor;
        if (stop_requested_) reactor.request_stop();
    }
    {
        Run run(*this, reactor);
        run.run();
    }
    const std::lock_guard lock(mutex_);
    reactor_ = nullptr;
}

void Worker::request_stop() {
    const std::lock_guard lock(mutex_);
    stop_requested_ = true;
    if (reactor_ != nullptr) reactor_->request_stop();
}

}  // namespace kvorum::tools::load
