#include "reactor/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "reactor/scope.h"
#include "reactor/sync_wait.h"
#include "tests/reactor/fake_backend.h"

namespace kvorum::reactor {
namespace {

using ::testing::ElementsAre;

class EventTest : public ::testing::Test {
 protected:
    static Task<> wait(Event& event, StopToken stop, int id, std::vector<int>& woken) {
        const bool was_set = co_await event.wait(stop);
        woken.push_back(was_set ? id : -id);
    }

    FakeBackend backend;
    Reactor reactor{backend, {}};
    Event event{reactor};
    TaskScope scope{reactor};
    std::vector<int> woken;
};

TEST_F(EventTest, SetWakesAllWaitersInTheirOrder) {
    for (const int id : {1, 2, 3})
        scope.spawn(wait(event, {}, id, woken));
    reactor.turn(0);
    EXPECT_TRUE(woken.empty());
    event.set();
    EXPECT_TRUE(woken.empty()) << "nobody is resumed inside set()";
    run_until_done(reactor, scope.join());
    EXPECT_THAT(woken, ElementsAre(1, 2, 3));
}

TEST_F(EventTest, AWaiterThatWasWokenDoesNotMindAReset) {
    scope.spawn(wait(event, {}, 1, woken));
    reactor.turn(0);
    event.set();
    event.reset();
    run_until_done(reactor, scope.join());
    EXPECT_THAT(woken, ElementsAre(1));
}

TEST_F(EventTest, OnceSetItDoesNotMakeAnyoneWaitUntilReset) {
    event.set();
    scope.spawn(wait(event, {}, 1, woken));
    reactor.turn(0);
    EXPECT_THAT(woken, ElementsAre(1));
    event.reset();
    scope.spawn(wait(event, {}, 2, woken));
    reactor.turn(0);
    EXPECT_THAT(woken, ElementsAre(1));
    event.set();
    run_until_done(reactor, scope.join());
}

TEST_F(EventTest, AStopWakesOnlyThoseWhoWaitWithIt) {
    StopSource stop;
    scope.spawn(wait(event, stop.token(), 1, woken));
    scope.spawn(wait(event, {}, 2, woken));
    reactor.turn(0);
    stop.request_stop();
    reactor.turn(0);
    EXPECT_THAT(woken, ElementsAre(-1));
    event.set();
    run_until_done(reactor, scope.join());
    EXPECT_THAT(woken, ElementsAre(-1, 2));
}

TEST_F(EventTest, WithAStopRequestedBeforeNobodyWaits) {
    StopSource stop;
    stop.request_stop();
    scope.spawn(wait(event, stop.token(), 1, woken));
    run_until_done(reactor, scope.join());
    EXPECT_THAT(woken, ElementsAre(-1));
}

}  // namespace
}  // namespace kvorum::reactor
