#include "reactor/stop.h"

#include <gtest/gtest.h>

namespace kvorum::reactor {
namespace {

struct Counter final : StopCallback {
    void on_stop() noexcept override {
        ++calls;
        if (also_unwatch != nullptr) also_unwatch->unwatch();
    }
    int calls = 0;
    StopCallback* also_unwatch = nullptr;
};

TEST(Stop, ReachesEachCallbackOnce) {
    Counter first;
    Counter second;
    StopSource source;
    first.watch(source.token());
    second.watch(source.token());
    source.request_stop();
    source.request_stop();
    EXPECT_EQ(first.calls, 1);
    EXPECT_EQ(second.calls, 1);
}

TEST(Stop, DoesNotReachACallbackThatStoppedWatching) {
    Counter counter;
    StopSource source;
    counter.watch(source.token());
    counter.unwatch();
    source.request_stop();
    EXPECT_EQ(counter.calls, 0);
}

TEST(Stop, ACallbackMayTakeAnotherOneAway) {
    Counter first;
    Counter second;
    StopSource source;
    first.also_unwatch = &second;
    second.also_unwatch = &first;
    first.watch(source.token());
    second.watch(source.token());
    source.request_stop();
    EXPECT_EQ(first.calls + second.calls, 1);
}

TEST(Stop, ADefaultTokenNeverStops) {
    Counter counter;
    counter.watch(StopToken{});
    EXPECT_FALSE(StopToken{}.stop_requested());
    EXPECT_EQ(counter.calls, 0);
}

TEST(Stop, TheTokenTellsThatTheStopWasRequested) {
    StopSource source;
    const StopToken token = source.token();
    EXPECT_FALSE(token.stop_requested());
    source.request_stop();
    EXPECT_TRUE(token.stop_requested());
}

TEST(Stop, ASourceThatGoesBeforeItsCallbacksEndsTheProcess) {
    EXPECT_DEATH(
        {
            Counter counter;
            StopSource source;
            counter.watch(source.token());
        },
        "while somebody waits for it");
}

}  // namespace
}  // namespace kvorum::reactor
