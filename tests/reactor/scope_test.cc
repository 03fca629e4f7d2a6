#include "reactor/scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "reactor/sync_wait.h"
#include "tests/reactor/fake_backend.h"

namespace kvorum::reactor {
namespace {

using ::testing::ElementsAre;

class ScopeTest : public ::testing::Test {
 protected:
    static Task<> log_after(Reactor& reactor, uint64_t ns, StopToken stop, int id, std::vector<int>& log) {
        const bool slept = co_await reactor.sleep_for(ns, stop);
        log.push_back(slept ? id : -id);
    }

    FakeBackend backend;
    Reactor reactor{backend, {}};
    std::vector<int> log;
};

TEST_F(ScopeTest, JoinWaitsForAllOfItsTasks) {
    TaskScope scope(reactor);
    scope.spawn(log_after(reactor, 20, {}, 2, log));
    scope.spawn(log_after(reactor, 10, {}, 1, log));
    EXPECT_EQ(scope.size(), 2);
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre(1, 2));
    EXPECT_EQ(scope.size(), 0);
}

TEST_F(ScopeTest, ATaskStartsFromTheRunQueueNotInsideSpawn) {
    TaskScope scope(reactor);
    auto note = [](std::vector<int>& into) -> Task<> {
        into.push_back(1);
        co_return;
    };
    scope.spawn(note(log));
    EXPECT_TRUE(log.empty());
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(ScopeTest, StopEndsTheWaitsOfItsTasks) {
    TaskScope scope(reactor);
    scope.spawn(log_after(reactor, kSecondNs, scope.stop_token(), 1, log));
    scope.spawn(log_after(reactor, 10, {}, 2, log));
    reactor.turn(0);
    scope.request_stop();
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre(-1, 2));
}

TEST_F(ScopeTest, ATaskMaySpawnAnotherWhileTheScopeIsJoined) {
    TaskScope scope(reactor);
    auto spawn_one = [](Reactor& r, TaskScope& into, std::vector<int>& entries) -> Task<> {
        co_await r.sleep_for(5);
        into.spawn(log_after(r, 5, {}, 7, entries));
    };
    scope.spawn(spawn_one(reactor, scope, log));
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre(7));
}

TEST_F(ScopeTest, JoiningAnEmptyScopeDoesNotWait) {
    TaskScope scope(reactor);
    run_until_done(reactor, scope.join());
    EXPECT_EQ(scope.size(), 0);
}

TEST_F(ScopeTest, EndedTasksLeaveNoFrameBehind) {
    const uint64_t frames_before = frame_pool_stats().live_frames;
    TaskScope scope(reactor);
    for (int i = 0; i < 100; ++i)
        scope.spawn(log_after(reactor, 10, {}, i, log));
    run_until_done(reactor, scope.join());
    EXPECT_EQ(frame_pool_stats().live_frames, frames_before);
}

TEST_F(ScopeTest, DestroyedWithTasksInItItEndsTheProcess) {
    EXPECT_DEATH(
        {
            TaskScope scope(reactor);
            scope.spawn(log_after(reactor, 10, {}, 1, log));
        },
        "destroyed with 1 tasks in it");
}

}  // namespace
}  // namespace kvorum::reactor
