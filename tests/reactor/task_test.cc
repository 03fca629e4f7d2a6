#include "reactor/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "reactor/scope.h"
#include "reactor/sync_wait.h"
#include "tests/reactor/fake_backend.h"

namespace kvorum::reactor {
namespace {

class TaskTest : public ::testing::Test {
 protected:
    FakeBackend backend;
    Reactor reactor{backend, {}};
};

Task<int> count_start(int& starts) {
    ++starts;
    co_return starts;
}

TEST_F(TaskTest, DoesNotStartBeforeItIsAwaited) {
    int starts = 0;
    Task<int> task = count_start(starts);
    EXPECT_EQ(starts, 0);
    EXPECT_EQ(run_until_done(reactor, std::move(task)), 1);
}

TEST_F(TaskTest, OneThatNeverStartedFreesItsFrameAndArguments) {
    const uint64_t frames_before = frame_pool_stats().live_frames;
    auto argument = std::make_shared<int>(1);
    auto hold = [](std::shared_ptr<int> held) -> Task<int> { co_return *held; };
    {
        const Task<int> task = hold(argument);
        EXPECT_EQ(argument.use_count(), 2);
    }
    EXPECT_EQ(argument.use_count(), 1);
    EXPECT_EQ(frame_pool_stats().live_frames, frames_before);
}

Task<std::unique_ptr<int>> make_number(int value) { co_return std::make_unique<int>(value); }

Task<int> unwrap(int value) {
    const std::unique_ptr<int> number = co_await make_number(value);
    co_return *number;
}

TEST_F(TaskTest, ResultsMayBeMoveOnly) { EXPECT_EQ(run_until_done(reactor, unwrap(7)), 7); }

TEST_F(TaskTest, AMovedFromTaskLeavesOneOwnerOfTheFrame) {
    int starts = 0;
    Task<int> first = count_start(starts);
    Task<int> second = count_start(starts);
    second = std::move(first);
    EXPECT_EQ(run_until_done(reactor, std::move(second)), 1);
}

Task<> throw_error() {
    throw std::runtime_error("out of luck");
    co_return;
}

TEST_F(TaskTest, AnExceptionThatLeavesACoroutineEndsTheProcessAndSaysWhich) {
    EXPECT_DEATH(run_until_done(reactor, throw_error()), "no exception leaves a coroutine.*out of luck");
}

Task<> sleep_holding(Reactor& reactor, std::shared_ptr<int> held) {
    co_await reactor.sleep_for(kSecondNs);
    *held = 2;
}

Task<> sleep_deeply(Reactor& reactor, std::shared_ptr<int> held) {
    const std::shared_ptr<int> also_held = held;
    co_await sleep_holding(reactor, held);
}

struct NobodyAsks final : TaskObserver {
    void on_task_done() noexcept override {}
};

TEST_F(TaskTest, DestroyedWhileItSleepsItRunsEveryDestructorAndDisarmsItsTimer) {
    auto held = std::make_shared<int>(1);
    {
        NobodyAsks observer;
        Task<> task = sleep_deeply(reactor, held);
        task.start(observer);
        EXPECT_GT(held.use_count(), 2);
    }
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_EQ(reactor.next_deadline_ns(), UINT64_MAX);
}

Task<> close_something(Reactor& reactor) {
    const int32_t result = co_await reactor.close(3);
    EXPECT_EQ(result, 0);
}

TEST_F(TaskTest, DestroyedWhileTheBackendHasItsOperationItEndsTheProcess) {
    EXPECT_DEATH(
        {
            NobodyAsks observer;
            Task<> task = close_something(reactor);
            task.start(observer);
        },
        "destroyed before its last completion");
}

TEST_F(TaskTest, DestroyedBetweenItsWakeUpAndItsResumptionItLeavesTheRunQueue) {
    Event event(reactor);
    NobodyAsks observer;
    {
        auto wait = [](Event& awaited) -> Task<> { co_await awaited.wait(); };
        Task<> task = wait(event);
        task.start(observer);
        event.set();
        EXPECT_FALSE(reactor.idle());
    }
    EXPECT_TRUE(reactor.idle());
}

}  // namespace
}  // namespace kvorum::reactor
