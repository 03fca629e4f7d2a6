// Each test is something that a compiler has got wrong. Should one fail, no other result of this build means anything.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reactor/run_queue.h"
#include "reactor/task.h"

namespace kvorum::reactor {
namespace {

struct Done final : TaskObserver {
    void on_task_done() noexcept override { done = true; }
    bool done = false;
};

// The least that runs a task: a queue for continuations that are posted.
template <typename T>
T drive(Task<T> task) {
    RunQueue queue;
    set_current_run_queue(&queue);
    Done observer;
    task.start(observer);
    while (Runnable* runnable = queue.pop())
        runnable->run(*runnable);
    set_current_run_queue(nullptr);
    EXPECT_TRUE(observer.done);
    return task.take_result();
}

struct StackRange {
    uintptr_t low = UINTPTR_MAX;
    uintptr_t high = 0;
    void note() {
        const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
        low = std::min(low, here);
        high = std::max(high, here);
    }
    [[nodiscard]] uintptr_t bytes() const { return high - low; }
};

constexpr uintptr_t kStackBytesMax = 16 * 1024;

Task<uint64_t> same(uint64_t value, StackRange* stack) {
    stack->note();
    co_return value;
}

Task<uint64_t> sum(uint64_t count, StackRange* stack) {
    uint64_t total = 0;
    for (uint64_t i = 0; i < count; ++i) {
        const uint64_t value = co_await same(i, stack);
        total += value;
    }
    co_return total;
}

TEST(Canary, AMillionAwaitsThatFinishAtOnceDoNotGrowTheStack) {
    constexpr uint64_t kAwaits = 1'000'000;
    StackRange stack;
    EXPECT_EQ(drive(sum(kAwaits, &stack)), kAwaits * (kAwaits - 1) / 2);
    EXPECT_LT(stack.bytes(), kStackBytesMax);
}

#if !defined(KVORUM_POST_CONTINUATIONS)
Task<uint64_t> depth(uint64_t levels, StackRange* stack) {
    stack->note();
    if (levels == 0) co_return 0;
    const uint64_t below = co_await depth(levels - 1, stack);
    stack->note();
    co_return below + 1;
}

TEST(Canary, ALongChainOfTasksDoesNotGrowTheStackOnTheWayInNorOut) {
    constexpr uint64_t kLevels = 100'000;
    StackRange stack;
    EXPECT_EQ(drive(depth(kLevels, &stack)), kLevels);
    EXPECT_LT(stack.bytes(), kStackBytesMax);
}
#endif

int global_value = 0;

Task<> set_global() {
    global_value = 7;
    co_return;
}

Task<> without_locals() {
    co_await set_global();
    co_await set_global();
}

TEST(Canary, ACoroutineWithoutLocalsRunsToItsEnd) {
    global_value = 0;
    drive(without_locals());
    EXPECT_EQ(global_value, 7);
}

// Counts its own births and deaths.
struct Tracked {
    struct Counts {
        int born = 0;
        int died = 0;
    };
    explicit Tracked(Counts& to) : counts(&to) { ++counts->born; }
    Tracked(const Tracked& other) : counts(other.counts) { ++counts->born; }
    Tracked(Tracked&& other) noexcept : counts(other.counts) { ++counts->born; }
    Tracked& operator=(const Tracked&) = default;
    Tracked& operator=(Tracked&&) = default;
    ~Tracked() { ++counts->died; }
    Counts* counts;
};

template <typename Function>
Task<int> call(Function function, int argument) {
    const int result = co_await function(argument);
    co_return result;
}

Task<int> pass_lambda() {
    const int result = co_await call([](int x) -> Task<int> { co_return x + 1; }, 41);
    co_return result;
}

TEST(Canary, ALambdaInAnAwaitExpressionSurvivesTheAwait) { EXPECT_EQ(drive(pass_lambda()), 42); }

Task<int> take_by_value(Tracked tracked, std::string text) {
    const int born_before_end = tracked.counts->born;
    co_return born_before_end + static_cast<int>(text.size());
}

Task<> pass_temporaries(Tracked::Counts* counts) {
    const int result = co_await take_by_value(Tracked(*counts), std::string(100, 'x'));
    EXPECT_GT(result, 100);
}

TEST(Canary, TemporariesOfAnAwaitExpressionDieExactlyOnce) {
    Tracked::Counts counts;
    drive(pass_temporaries(&counts));
    EXPECT_GT(counts.born, 0);
    EXPECT_EQ(counts.born, counts.died);
}

struct Forever {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
};

Task<> suspend_holding(Tracked parameter, std::unique_ptr<Tracked> owned) {
    const Tracked local(parameter);
    std::vector<Tracked> many(3, *owned);
    co_await Forever{};
}

Task<> suspend_deeper(Tracked::Counts* counts) {
    const Tracked outer(*counts);
    co_await suspend_holding(Tracked(*counts), std::make_unique<Tracked>(*counts));
}

TEST(Canary, AFrameDestroyedWhileSuspendedRunsEveryDestructorOfTheWholeChain) {
    Tracked::Counts counts;
    {
        Done observer;
        Task<> task = suspend_deeper(&counts);
        task.start(observer);
        EXPECT_FALSE(observer.done);
        EXPECT_GT(counts.born, counts.died);
    }
    EXPECT_EQ(counts.born, counts.died);
    EXPECT_EQ(frame_pool_stats().live_frames, 0);
}

Task<std::unique_ptr<Tracked>> make_tracked(Tracked::Counts* counts) { co_return std::make_unique<Tracked>(*counts); }

Task<> drop_results(Tracked::Counts* counts) {
    for (int i = 0; i < 3; ++i) {
        const std::unique_ptr<Tracked> result = co_await make_tracked(counts);
        EXPECT_NE(result, nullptr);
    }
}

TEST(Canary, ResultsThatOwnMemoryDieExactlyOnce) {
    Tracked::Counts counts;
    drive(drop_results(&counts));
    EXPECT_EQ(counts.born, 3);
    EXPECT_EQ(counts.died, 3);
}

// A coroutine that nobody awaits, from the general allocator: it may end on another thread than it began on.
struct Wanderer {
    struct promise_type {
        Wanderer get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

// Once the handle is published the other thread may resume and finish the coroutine: whatever the compiler does with
// the awaiter or the frame after the store is a race.
struct HandOver {
    std::atomic<void*>& slot;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) const noexcept {
        slot.store(coroutine.address(), std::memory_order_release);
    }
    void await_resume() const noexcept {}
};

Wanderer wander(int hops, std::atomic<void*>* there, std::atomic<void*>* back, int* hops_done,
                std::atomic<bool>* finished) {
    for (int i = 0; i < hops; ++i) {
        co_await HandOver{*there};
        ++*hops_done;
        co_await HandOver{*back};
        ++*hops_done;
    }
    finished->store(true, std::memory_order_release);
}

void resume_until(const std::atomic<bool>& finished, std::atomic<void*>& slot) {
    while (!finished.load(std::memory_order_acquire)) {
        void* coroutine = slot.exchange(nullptr, std::memory_order_acquire);
        if (coroutine == nullptr) {
            std::this_thread::yield();
            continue;
        }
        std::coroutine_handle<>::from_address(coroutine).resume();
    }
}

TEST(Canary, AwaitSuspendMayHandTheCoroutineToAnotherThread) {
    constexpr int kHops = 2000;
    std::atomic<void*> there = nullptr;
    std::atomic<void*> back = nullptr;
    std::atomic<bool> finished = false;
    int hops_done = 0;
    std::thread other([&] { resume_until(finished, there); });
    wander(kHops, &there, &back, &hops_done, &finished);
    resume_until(finished, back);
    other.join();
    EXPECT_EQ(hops_done, 2 * kHops);
}

}  // namespace
}  // namespace kvorum::reactor
