#include "reactor/reactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reactor/event.h"
#include "reactor/scope.h"
#include "reactor/sync_wait.h"
#include "tests/reactor/fake_backend.h"

namespace kvorum::reactor {
namespace {

using ::testing::ElementsAre;

class ReactorTest : public ::testing::Test {
 protected:
    FakeBackend backend;
    Reactor reactor{backend, {}};
    std::vector<std::string> log;
};

struct LoggingHook final : TurnHook {
    explicit LoggingHook(std::vector<std::string>& entries) : log(entries) {}
    void on_turn_end() override { log.push_back("hook"); }
    std::vector<std::string>& log;
};

Task<> read_and_log(Reactor& reactor, std::vector<std::string>& log) {
    const int32_t result = co_await reactor.read(3, {}, 0);
    log.push_back("task " + std::to_string(result));
}

TEST_F(ReactorTest, ATurnPollsThenFiresTimersThenRunsTasksThenHooks) {
    struct LoggingTimer : Timer {
        explicit LoggingTimer(std::vector<std::string>& entries)
            : Timer([](Timer& timer) { static_cast<LoggingTimer&>(timer).log.push_back("timer"); }), log(entries) {}
        std::vector<std::string>& log;
    } timer(log);
    LoggingHook hook(log);
    TaskScope scope(reactor);
    scope.spawn(read_and_log(reactor, log));
    reactor.turn(0);
    reactor.add_turn_hook(hook, TurnStage::kDrive);
    reactor.arm(timer, reactor.now_ns());
    backend.complete(backend.only_op(), 7);
    backend.on_poll = [&] { log.push_back("poll"); };
    reactor.turn();
    EXPECT_THAT(log, ElementsAre("poll", "timer", "task 7", "hook"));
    reactor.remove_turn_hook(hook);
    run_until_done(reactor, scope.join());
}

TEST_F(ReactorTest, ACompletionDoesNotResumeInsidePoll) {
    TaskScope scope(reactor);
    scope.spawn(read_and_log(reactor, log));
    reactor.turn(0);
    backend.complete(backend.only_op(), 7);
    backend.poll(0);
    EXPECT_TRUE(log.empty());
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre("task 7"));
}

TEST_F(ReactorTest, WaitsUntilTheNextTimerAndNotWhileWorkIsReady) {
    TaskScope scope(reactor);
    auto sleep = [](Reactor& r) -> Task<> { co_await r.sleep_for(500); };
    scope.spawn(sleep(reactor));
    const uint64_t start_ns = backend.time_ns;
    reactor.turn();
    reactor.turn();
    EXPECT_THAT(backend.poll_deadlines_ns, ElementsAre(0, start_ns + 500));
    run_until_done(reactor, scope.join());
}

TEST_F(ReactorTest, TheCallersLimitShortensTheWait) {
    reactor.turn(2000);
    EXPECT_THAT(backend.poll_deadlines_ns, ElementsAre(2000));
}

TEST_F(ReactorTest, YieldGoesOnAfterTheNextPoll) {
    auto yield_twice = [](Reactor& r) -> Task<> {
        co_await r.yield();
        co_await r.yield();
    };
    run_until_done(reactor, yield_twice(reactor));
    EXPECT_EQ(backend.poll_deadlines_ns.size(), 3);
    EXPECT_THAT(backend.poll_deadlines_ns, ElementsAre(0, 0, 0)) << "a yield is work: nothing waits";
}

TEST_F(ReactorTest, ATurnEndsWhenItsTaskBudgetIsSpent) {
    struct Busy : Runnable {
        explicit Busy(Reactor& owner)
            : Runnable([](Runnable& self) {
                  auto& busy = static_cast<Busy&>(self);
                  ++busy.runs;
                  busy.reactor.schedule(busy);
              }),
              reactor(owner) {}
        Reactor& reactor;
        uint64_t runs = 0;
    } busy(reactor);
    backend.ns_per_clock_read = 100 * kMicrosecondNs;
    reactor.schedule(busy);
    EXPECT_TRUE(reactor.turn());
    EXPECT_EQ(reactor.stats().budgets_spent, 1);
    EXPECT_LT(busy.runs, 1000);
    const uint64_t runs_of_first_turn = busy.runs;
    reactor.turn();
    EXPECT_GT(busy.runs, runs_of_first_turn) << "what was left runs in the next turn";
}

TEST_F(ReactorTest, ATurnEndsWhenItsBudgetOfWorkIsSpent) {
    struct Heavy : Runnable {
        Heavy(Reactor& owner, std::vector<std::string>& entries, std::string its_name)
            : Runnable([](Runnable& self) {
                  auto& heavy = static_cast<Heavy&>(self);
                  heavy.log.push_back(heavy.name);
                  heavy.reactor.work().add(TurnPart::kRead, kTurnWorkBudget);
              }),
              reactor(owner),
              log(entries),
              name(std::move(its_name)) {}
        Reactor& reactor;
        std::vector<std::string>& log;
        std::string name;
    };
    Heavy first(reactor, log, "first");
    Heavy second(reactor, log, "second");
    reactor.schedule(first);
    reactor.schedule(second);
    EXPECT_TRUE(reactor.turn());
    EXPECT_THAT(log, ElementsAre("first"));
    reactor.turn();
    EXPECT_THAT(log, ElementsAre("first", "second")) << "each turn has a budget of its own";
}

TEST_F(ReactorTest, AStoppedSleepSaysSo) {
    StopSource stop;
    auto sleep = [](Reactor& r, StopToken token, std::vector<std::string>& entries) -> Task<> {
        const bool slept = co_await r.sleep_for(kSecondNs, token);
        entries.push_back(slept ? "slept" : "stopped");
    };
    TaskScope scope(reactor);
    scope.spawn(sleep(reactor, stop.token(), log));
    reactor.turn(0);
    stop.request_stop();
    reactor.turn(0);
    EXPECT_THAT(log, ElementsAre("stopped"));
    EXPECT_EQ(reactor.next_deadline_ns(), UINT64_MAX);
    run_until_done(reactor, scope.join());
}

Task<int32_t> connect(Reactor& reactor, StopToken stop) {
    const int32_t result = co_await reactor.connect({.host = "::1", .port = 1}, stop);
    co_return result;
}

TEST_F(ReactorTest, AStopCancelsTheOperationAndWaitsForItsLastCompletion) {
    StopSource stop;
    TaskScope scope(reactor);
    int32_t result = 0;
    auto store = [](Reactor& r, StopToken token, int32_t& into) -> Task<> { into = co_await connect(r, token); };
    scope.spawn(store(reactor, stop.token(), result));
    reactor.turn(0);
    IoOp& op = backend.only_op();
    stop.request_stop();
    EXPECT_THAT(backend.cancelled, ElementsAre(&op));
    reactor.turn(0);
    EXPECT_EQ(scope.size(), 1) << "still waiting for the backend";
    backend.complete(op, -ECANCELED);
    run_until_done(reactor, scope.join());
    EXPECT_EQ(result, -ECANCELED);
}

TEST_F(ReactorTest, AnOperationThatIsFasterThanItsCancellationKeepsItsResult) {
    StopSource stop;
    TaskScope scope(reactor);
    int32_t result = 0;
    auto store = [](Reactor& r, StopToken token, int32_t& into) -> Task<> { into = co_await connect(r, token); };
    scope.spawn(store(reactor, stop.token(), result));
    reactor.turn(0);
    stop.request_stop();
    backend.complete(backend.only_op(), 9);
    run_until_done(reactor, scope.join());
    EXPECT_EQ(result, 9);
}

TEST_F(ReactorTest, WithAStopRequestedBeforeNothingIsSubmitted) {
    StopSource stop;
    stop.request_stop();
    EXPECT_EQ(run_until_done(reactor, connect(reactor, stop.token())), -ECANCELED);
    EXPECT_TRUE(backend.submitted.empty());
}

TEST_F(ReactorTest, OperationsCarryWhatWasAskedFor) {
    std::array<std::byte, 16> buffer{};
    auto write = [](Reactor& r, Bytes bytes) -> Task<> {
        const int32_t result = co_await r.write(5, bytes, 4096, kIoDataSync);
        EXPECT_EQ(result, 16);
    };
    TaskScope scope(reactor);
    scope.spawn(write(reactor, buffer));
    reactor.turn(0);
    const IoOp& op = backend.only_op();
    EXPECT_EQ(op.code, IoCode::kWrite);
    EXPECT_EQ(op.handle, 5);
    EXPECT_EQ(op.offset, 4096);
    EXPECT_EQ(op.length_bytes, 16);
    EXPECT_EQ(op.buffer, buffer.data());
    EXPECT_EQ(op.flags, kIoDataSync);
    backend.complete(backend.only_op(), 16);
    run_until_done(reactor, scope.join());
}

TEST_F(ReactorTest, PathsLiveAsLongAsTheirOperation) {
    auto rename = [](Reactor& r) -> Task<> {
        const int32_t result =
            co_await r.rename("a path too long for the small string", "another path, just as long as that");
        EXPECT_EQ(result, 0);
    };
    TaskScope scope(reactor);
    scope.spawn(rename(reactor));
    reactor.turn(0);
    EXPECT_STREQ(backend.only_op().path, "a path too long for the small string");
    EXPECT_STREQ(backend.only_op().path_to, "another path, just as long as that");
    backend.complete(backend.only_op(), 0);
    run_until_done(reactor, scope.join());
}

struct RemovingHook final : TurnHook {
    RemovingHook(Reactor& owner, TurnHook& other) : reactor(owner), victim(other) {}
    void on_turn_end() override { reactor.remove_turn_hook(victim); }
    Reactor& reactor;
    TurnHook& victim;
};

TEST_F(ReactorTest, AHookMayRemoveOneThatWasStillToRun) {
    LoggingHook victim(log);
    RemovingHook remover(reactor, victim);
    reactor.add_turn_hook(remover, TurnStage::kDrive);
    reactor.add_turn_hook(victim, TurnStage::kDrive);
    reactor.turn(0);
    reactor.turn(0);
    EXPECT_TRUE(log.empty());
}

TEST_F(ReactorTest, HooksRunByTheirStageWhateverTheOrderOfTheirAdding) {
    struct NamedHook final : TurnHook {
        NamedHook(std::vector<std::string>& entries, std::string hook_name)
            : log(entries), name(std::move(hook_name)) {}
        void on_turn_end() override { log.push_back(name); }
        std::vector<std::string>& log;
        std::string name;
    } drive(log, "drive"), write(log, "log"), send(log, "send");
    reactor.add_turn_hook(send, TurnStage::kSend);
    reactor.add_turn_hook(drive, TurnStage::kDrive);
    reactor.add_turn_hook(write, TurnStage::kLog);
    reactor.turn(0);
    EXPECT_THAT(log, ElementsAre("drive", "log", "send"));
}

TEST_F(ReactorTest, AHookMayRemoveOneOfALaterStage) {
    LoggingHook victim(log);
    RemovingHook remover(reactor, victim);
    reactor.add_turn_hook(victim, TurnStage::kSend);
    reactor.add_turn_hook(remover, TurnStage::kDrive);
    reactor.turn(0);
    reactor.turn(0);
    EXPECT_TRUE(log.empty());
}

TEST_F(ReactorTest, RunEndsWithTheTurnOfStop) {
    struct Stopper final : TurnHook {
        explicit Stopper(Reactor& owner) : reactor(owner) {}
        void on_turn_end() override { reactor.stop(); }
        Reactor& reactor;
    } stopper(reactor);
    reactor.add_turn_hook(stopper, TurnStage::kDrive);
    reactor.run();
    EXPECT_EQ(reactor.stats().turns, 1);
}

TEST_F(ReactorTest, ARequestToStopWakesTheBackend) {
    reactor.request_stop();
    EXPECT_EQ(backend.wakes, 1);
    reactor.run();
    EXPECT_EQ(reactor.stats().turns, 0);
}

TEST_F(ReactorTest, SpinningLooksAgainBeforeItWaits) {
    Reactor spinning(backend, {.spin_ns = 10});
    backend.ns_per_clock_read = 5;
    backend.advance_to_deadline = false;
    spinning.turn();
    ASSERT_GE(backend.poll_deadlines_ns.size(), 2);
    EXPECT_EQ(backend.poll_deadlines_ns.front(), 0);
    EXPECT_EQ(backend.poll_deadlines_ns.back(), UINT64_MAX);
}

std::vector<int> order_of_tasks(uint64_t shuffle_seed) {
    FakeBackend backend;
    Reactor reactor(backend, {.shuffle_seed = shuffle_seed});
    TaskScope scope(reactor);
    std::vector<int> order;
    auto note = [](Reactor& r, int id, std::vector<int>& into) -> Task<> {
        co_await r.yield();
        into.push_back(id);
    };
    for (int id = 0; id < 10; ++id)
        scope.spawn(note(reactor, id, order));
    run_until_done(reactor, scope.join());
    return order;
}

TEST_F(ReactorTest, ASeedShufflesTheTasksTheSameWayEachTime) {
    EXPECT_THAT(order_of_tasks(0), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    EXPECT_NE(order_of_tasks(3), order_of_tasks(0));
    EXPECT_EQ(order_of_tasks(3), order_of_tasks(3));
}

}  // namespace
}  // namespace kvorum::reactor
