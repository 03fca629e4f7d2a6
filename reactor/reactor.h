// One core's event loop: coroutines, timers and the operations of one IoBackend.
//
// A turn: (1) the backend takes everything that was submitted and delivers all completions, in one system call, waiting
// only if no work is ready; (2) timers that fell due fire; (3) ready coroutines run, with those they make ready, until
// none is left or a budget, of time or of work, is spent; (4) turn hooks run, stage by stage: they seal what the turn
// gathered.
// Whatever (3) and (4) submit leaves together in the next (1). Batching is what one turn gathers; nothing lingers.
//
// Nothing is resumed inside another's stack: completions, timers and events only schedule.
//
// Thread: run() and everything else belongs to the thread that made the reactor, except request_stop().
// Ownership: the backend outlives the reactor; the reactor outlives its tasks, scopes, events, streams and timers.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/turn_work.h"
#include "base/units.h"
#include "reactor/awaiters.h"
#include "reactor/io_backend.h"
#include "reactor/run_queue.h"
#include "reactor/stop.h"
#include "reactor/timers.h"
#include "reactor/turn_meter.h"

namespace kvorum::reactor {

// Called at the end of each turn. May submit and schedule; must not resume a coroutine.
class TurnHook {
 public:
    TurnHook() = default;
    TurnHook(const TurnHook&) = delete;
    TurnHook& operator=(const TurnHook&) = delete;
    virtual void on_turn_end() = 0;

 protected:
    ~TurnHook() = default;
};

// In this order: what is decided at the end of a turn is written to the log and sent in the same turn.
enum class TurnStage : uint8_t {
    kDrive,  // decides and carries out: may append to the log and to outputs
    kLog,    // starts the writes of what was appended
    kSend,   // starts the sends of what was queued
};
inline constexpr size_t kTurnStageCount = 3;

struct ReactorConfig {
    uint64_t shuffle_seed = 0;  // 0: the run queue is first in, first out; else shuffled by this seed
    uint64_t spin_ns =
        0;  // looks for completions this long before it sleeps, giving way to others; halves with each vain spin
    uint64_t work_budget = kTurnWorkBudget;
    uint64_t task_budget_ns = 500 * kMicrosecondNs;  // of step (3), by the backend's clock
};

struct ReactorStats {
    uint64_t turns = 0;
    uint64_t tasks_run = 0;
    uint64_t timers_fired = 0;
    uint64_t budgets_spent = 0;  // turns that ended with work left over
};

class Reactor {
 public:
    Reactor(IoBackend& backend, ReactorConfig config);
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;
    ~Reactor();

    // --- the loop ---
    void run();  // turns until stop() or request_stop()
    // One turn, which waits for the next timer or until `wait_until_ns` at most. True if it ran a task, fired a timer
    // or left work ready.
    bool turn(uint64_t wait_until_ns = UINT64_MAX);
    void stop() { stopping_ = true; }  // ends run() after this turn
    void request_stop() noexcept;      // the same from any thread or a signal handler
    [[nodiscard]] bool stop_requested() const { return stop_requested_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool idle() const { return ready_.empty() && next_turn_.empty(); }
    // When the next timer falls due; UINT64_MAX without one.
    [[nodiscard]] uint64_t next_deadline_ns() const { return timers_.next_deadline_ns(); }

    [[nodiscard]] IoBackend& backend() { return backend_; }
    [[nodiscard]] uint64_t now_ns() const { return now_ns_; }  // of this turn; monotonic
    [[nodiscard]] const ReactorStats& stats() const { return stats_; }
    // Of this turn; after it, until the next one begins. Ready coroutines wait for the next turn once it is used up.
    [[nodiscard]] TurnWork& work() { return work_; }
    [[nodiscard]] const TurnWork& work() const { return work_; }
    [[nodiscard]] TurnMeter& meter() { return meter_; }

    // From the next wait on, instead of ReactorConfig::spin_ns.
    void set_spin_ns(uint64_t spin_ns) {
        if (spin_ns != spin_ns_max_) spin_ns_max_ = spin_ns_ = spin_ns;
    }

    // --- work without a coroutine ---
    void schedule(Runnable& runnable) {
        ready_.push(runnable);
    }  // this turn, or the next if the budget is spent; at most once queued
    void schedule_next_turn(Runnable& runnable) { next_turn_.push(runnable); }
    void arm(Timer& timer, uint64_t deadline_ns) { timers_.arm(timer, deadline_ns); }
    void cancel(Timer& timer) { timers_.cancel(timer); }
    // The hook is removed before it is destroyed. Hooks of one stage must not depend on each other's order.
    void add_turn_hook(TurnHook& hook, TurnStage stage);
    void remove_turn_hook(TurnHook& hook);

    // --- awaitable operations: int32_t, >= 0 or -errno; buffers and iovecs outlive the await ---
    [[nodiscard]] PathAwaiter open(std::string path, int flags, uint32_t mode);
    [[nodiscard]] IoAwaiter close(Handle handle);
    [[nodiscard]] IoAwaiter read(Handle handle, MutableBytes into, uint64_t offset, uint8_t io_flags = 0);
    [[nodiscard]] IoAwaiter write(Handle handle, Bytes bytes, uint64_t offset, uint8_t io_flags = 0);
    [[nodiscard]] IoAwaiter data_sync(Handle handle);
    [[nodiscard]] IoAwaiter file_sync(Handle handle);
    [[nodiscard]] IoAwaiter allocate(Handle handle, uint64_t offset, uint64_t length_bytes);
    [[nodiscard]] PathAwaiter rename(std::string from, std::string to);
    [[nodiscard]] PathAwaiter unlink(std::string path);
    [[nodiscard]] ConnectAwaiter connect(Endpoint endpoint, StopToken stop = {});
    [[nodiscard]] IoAwaiter send(Handle handle, std::span<const iovec> pieces, StopToken stop = {});

    // --- time ---
    [[nodiscard]] SleepAwaiter sleep_until(uint64_t deadline_ns, StopToken stop = {});
    [[nodiscard]] SleepAwaiter sleep_for(uint64_t duration_ns, StopToken stop = {});
    [[nodiscard]] YieldAwaiter yield();  // goes on in the next turn, after completions were looked at

 private:
    void wait_for_work(uint64_t wait_until_ns);
    uint64_t run_ready_tasks();
    void run_turn_hooks();

    IoBackend& backend_;
    const ReactorConfig config_;
    RunQueue ready_;
    RunQueue next_turn_;
    TimerHeap timers_;
    std::array<std::vector<TurnHook*>, kTurnStageCount> turn_hooks_;  // nullptr: removed while hooks run
    uint64_t now_ns_ = 0;
    TurnWork work_;
    TurnMeter meter_;
    uint64_t spun_ns_ = 0;  // of this turn
    uint64_t spin_ns_max_ = 0;
    uint64_t spin_ns_ = 0;  // halves with each vain spin, back to the configured value when one finds work
    bool running_hooks_ = false;
    bool stopping_ = false;
    std::atomic<bool> stop_requested_ = false;
    ReactorStats stats_;
};

}  // namespace kvorum::reactor
