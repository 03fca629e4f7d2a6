#include "reactor/reactor.h"

#include <algorithm>

#include "base/assert.h"

namespace kvorum::reactor {
namespace {

// The clock is read once per this many tasks.
constexpr uint64_t kTasksPerClockRead = 64;

class CurrentQueue {
 public:
    explicit CurrentQueue(RunQueue& queue) : previous_(current_run_queue()) { set_current_run_queue(&queue); }
    CurrentQueue(const CurrentQueue&) = delete;
    CurrentQueue& operator=(const CurrentQueue&) = delete;
    ~CurrentQueue() { set_current_run_queue(previous_); }

 private:
    RunQueue* previous_;
};

}  // namespace

Reactor::Reactor(IoBackend& backend, ReactorConfig config)
    : backend_(backend),
      config_(config),
      ready_(config.shuffle_seed),
      now_ns_(backend.monotonic_ns()),
      work_(config.work_budget),
      spin_ns_max_(config.spin_ns),
      spin_ns_(config.spin_ns) {
    static_assert(std::atomic<bool>::is_always_lock_free, "request_stop() is called from signal handlers");
}

Reactor::~Reactor() = default;

void Reactor::run() {
    stopping_ = false;
    while (!stopping_ && !stop_requested_.load(std::memory_order_acquire))
        turn();
}

void Reactor::request_stop() noexcept {
    stop_requested_.store(true, std::memory_order_release);
    backend_.wake();
}

bool Reactor::turn(uint64_t wait_until_ns) {
    const CurrentQueue current(ready_);
    ++stats_.turns;
    work_.begin_turn();
    ready_.take_all(next_turn_);
    wait_for_work(wait_until_ns);
    now_ns_ = backend_.monotonic_ns();
    const uint64_t timers_fired = timers_.expire(now_ns_);
    const uint64_t tasks_run = run_ready_tasks();
    work_.end_input();
    run_turn_hooks();
    stats_.timers_fired += timers_fired;
    stats_.tasks_run += tasks_run;
    meter_.end_turn(backend_, std::exchange(spun_ns_, 0), work_);
    return timers_fired > 0 || tasks_run > 0 || !idle();
}

void Reactor::wait_for_work(uint64_t wait_until_ns) {
    if (!ready_.empty()) {
        backend_.poll(0);
        return;
    }
    const uint64_t deadline_ns = std::min(wait_until_ns, timers_.next_deadline_ns());
    if (spin_ns_ > 0) {
        const uint64_t spin_from_ns = backend_.monotonic_ns();
        const uint64_t spin_until_ns = std::min(deadline_ns, spin_from_ns + spin_ns_);
        uint64_t looked_at_ns = spin_from_ns;
        do {
            backend_.poll(0);
            if (!ready_.empty()) {
                spin_ns_ = spin_ns_max_;
                spun_ns_ = looked_at_ns - spin_from_ns;
                return;
            }
            backend_.give_way();
            looked_at_ns = backend_.monotonic_ns();
        } while (looked_at_ns < spin_until_ns && !stop_requested_.load(std::memory_order_relaxed));
        spun_ns_ = looked_at_ns - spin_from_ns;
        spin_ns_ /= 2;
    }
    backend_.poll(deadline_ns);
    // Something came soon after the spin was given up: worth trying again.
    if (spin_ns_max_ > 0 && !ready_.empty() && backend_.monotonic_ns() - now_ns_ < 2 * spin_ns_max_)
        spin_ns_ = spin_ns_max_;
}

uint64_t Reactor::run_ready_tasks() {
    uint64_t tasks_run = 0;
    while (Runnable* runnable = ready_.pop()) {
        runnable->run(*runnable);
        ++tasks_run;
        if (work_.used_up()) {
            ++stats_.budgets_spent;
            break;
        }
        if (tasks_run % kTasksPerClockRead == 0 && backend_.monotonic_ns() - now_ns_ > config_.task_budget_ns) {
            ++stats_.budgets_spent;
            break;
        }
    }
    return tasks_run;
}

void Reactor::run_turn_hooks() {
    running_hooks_ = true;
    for (std::vector<TurnHook*>& hooks : turn_hooks_) {
        for (size_t i = 0; i < hooks.size(); ++i) {
            if (hooks[i] != nullptr) hooks[i]->on_turn_end();
        }
    }
    running_hooks_ = false;
    for (std::vector<TurnHook*>& hooks : turn_hooks_)
        std::erase(hooks, nullptr);
}

void Reactor::add_turn_hook(TurnHook& hook, TurnStage stage) {
    turn_hooks_[static_cast<size_t>(stage)].push_back(&hook);
}

void Reactor::remove_turn_hook(TurnHook& hook) {
    for (std::vector<TurnHook*>& hooks : turn_hooks_) {
        if (running_hooks_) {
            std::replace(hooks.begin(), hooks.end(), &hook, static_cast<TurnHook*>(nullptr));
        } else {
            std::erase(hooks, &hook);
        }
    }
}

}  // namespace kvorum::reactor
