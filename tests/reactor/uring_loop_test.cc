// What a turn costs, what ends its wait, and the queues of the ring when they are too small.
#include <pthread.h>
#include <signal.h>

#include <deque>
#include <thread>

#include "reactor/event.h"
#include "tests/reactor/uring_fixture.h"

namespace kvorum::reactor {
namespace {

struct RecordingOp final : IoOp {
    void on_completion(const IoCompletion& completion) override {
        ++completions;
        last = completion;
    }
    int completions = 0;
    IoCompletion last;
};

// A close of a descriptor that does not exist: the cheapest operation that always completes, with -EBADF.
void describe_cheap(IoOp& op) {
    op.code = IoCode::kClose;
    op.handle = 1 << 20;
}

TEST_F(UringTest, ManyOperationsOfATurnMakeOneSystemCall) {
    std::deque<RecordingOp> ops(100);
    backend->poll(0);
    const uint64_t enters_before = backend->stats().enters;
    const uint64_t submitted_before = backend->stats().submitted;
    for (RecordingOp& op : ops) {
        describe_cheap(op);
        backend->submit(op);
    }
    EXPECT_EQ(backend->stats().enters, enters_before) << "nothing reaches the kernel before poll()";
    backend->poll(0);
    EXPECT_EQ(backend->stats().enters, enters_before + 1);
    EXPECT_EQ(backend->stats().submitted, submitted_before + ops.size());
    for (const RecordingOp& op : ops) {
        EXPECT_EQ(op.completions, 1);
        EXPECT_EQ(op.last.result, -EBADF);
    }
}

TEST_F(UringTest, WaitingAndSubmittingAreTheSameSystemCall) {
    RecordingOp op;
    describe_cheap(op);
    backend->poll(0);
    const uint64_t enters_before = backend->stats().enters;
    backend->submit(op);
    backend->poll(UINT64_MAX);
    EXPECT_EQ(backend->stats().enters, enters_before + 1);
    EXPECT_EQ(op.completions, 1);
}

TEST_F(UringTest, ATurnWithNothingToDoMakesNoSystemCall) {
    backend->poll(0);
    const uint64_t enters_before = backend->stats().enters;
    for (int i = 0; i < 10; ++i)
        backend->poll(0);
    EXPECT_EQ(backend->stats().enters, enters_before);
}

TEST_F(UringTest, AWaitEndsAtItsDeadline) {
    const uint64_t deadline_ns = backend->monotonic_ns() + 5 * kMillisecondNs;
    backend->poll(deadline_ns);
    EXPECT_GE(backend->monotonic_ns(), deadline_ns);
}

TEST_F(UringTest, ADeadlineInThePastDoesNotWait) {
    backend->poll(1);
    SUCCEED();
}

TEST_F(UringTest, SleepsEndInTheOrderOfTheirDeadlines) {
    auto sleep_and_note = [](Reactor& r, uint64_t ms, std::vector<uint64_t>& into) -> Task<> {
        co_await r.sleep_for(ms * kMillisecondNs);
        into.push_back(ms);
    };
    std::vector<uint64_t> order;
    TaskScope scope(reactor);
    for (const uint64_t ms : {9, 3, 6})
        scope.spawn(sleep_and_note(reactor, ms, order));
    run_until_done(reactor, scope.join());
    EXPECT_THAT(order, ::testing::ElementsAre(3, 6, 9));
}

TEST_F(UringTest, AnotherThreadMayEndTheRun) {
    std::thread stopper([this] { reactor.request_stop(); });
    reactor.run();
    stopper.join();
    EXPECT_EQ(backend->in_flight(), 0);
}

TEST_F(UringTest, EachWakeEndsAWait) {
    for (int i = 0; i < 100; ++i) {
        backend->wake();
        backend->poll(UINT64_MAX);
    }
    SUCCEED() << "no wait was for ever";
}

Reactor* reactor_of_signal = nullptr;

TEST_F(UringTest, ASignalHandlerMayEndTheRun) {
    reactor_of_signal = &reactor;
    struct sigaction action{};
    action.sa_handler = [](int) { reactor_of_signal->request_stop(); };
    struct sigaction previous{};
    ASSERT_EQ(sigaction(SIGUSR1, &action, &previous), 0);
    const pthread_t self = pthread_self();
    std::thread sender([self] { pthread_kill(self, SIGUSR1); });
    reactor.run();
    sender.join();
    sigaction(SIGUSR1, &previous, nullptr);
}

TEST_F(UringTest, CancellingAnOperationThatIsDoneDoesNotTouchItsSuccessor) {
    RecordingOp first;
    RecordingOp second;
    describe_cheap(first);
    describe_cheap(second);
    backend->submit(first);
    backend->poll(UINT64_MAX);
    backend->submit(second);
    EXPECT_EQ(second.backend_slot, first.backend_slot);
    backend->cancel(first);
    backend->poll(UINT64_MAX);
    EXPECT_EQ(first.completions, 1);
    EXPECT_EQ(second.last.result, -EBADF);
}

TEST_F(UringTest, AnOperationCancelledBeforeThePollNeverReachesTheKernel) {
    RecordingOp op;
    describe_cheap(op);
    backend->poll(0);
    const uint64_t submitted_before = backend->stats().submitted;
    backend->submit(op);
    backend->cancel(op);
    backend->poll(UINT64_MAX);
    EXPECT_EQ(op.last.result, -ECANCELED);
    EXPECT_EQ(backend->stats().submitted, submitted_before);
}

TEST_F(UringTest, DestroyingABackendWithOperationsInFlightEndsTheProcess) {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            RecordingOp op;
            describe_cheap(op);
            const std::unique_ptr<UringBackend> other = make_backend();
            other->submit(op);
        },
        "in flight");
}

class TinyQueuesTest : public UringTest {
 protected:
    TinyQueuesTest() : UringTest({.sq_entries = 4, .cq_entries = 8}) {}
};

TEST_F(TinyQueuesTest, AFullSubmissionQueueCostsSystemCallsButLosesNothing) {
    std::deque<RecordingOp> ops(500);
    for (RecordingOp& op : ops) {
        describe_cheap(op);
        backend->submit(op);
    }
    while (backend->in_flight() > 0)
        backend->poll(UINT64_MAX);
    EXPECT_GT(backend->stats().enters, 1);
    for (const RecordingOp& op : ops)
        EXPECT_EQ(op.completions, 1);
}

TEST_F(TinyQueuesTest, AnOverflowedCompletionQueueIsFlushedAndLosesNothing) {
    constexpr size_t kSockets = 64;
    TaskScope connections(reactor);
    const uint16_t port = start_echo_server(connections);
    auto exchange = [](Reactor& r, uint16_t to, size_t& answered) -> Task<> {
        const int32_t socket = co_await r.connect(loopback(to));
        for (int round = 0; round < 20; ++round) {
            const std::string question(100, static_cast<char>('a' + round));
            const int32_t sent = co_await send_all(r, socket, question);
            EXPECT_EQ(sent, 0);
            const std::string answer = co_await receive_exactly(r, socket, question.size());
            EXPECT_EQ(answer, question);
        }
        co_await close_handle(r, socket);
        ++answered;
    };
    TaskScope clients(reactor);
    size_t answered = 0;
    for (size_t i = 0; i < kSockets; ++i)
        clients.spawn(exchange(reactor, port, answered));
    run_until_done(reactor, clients.join());
    EXPECT_EQ(answered, kSockets);
    EXPECT_GT(backend->stats().overflows, 0);
    EXPECT_GT(backend->stats().rearms, 0) << "the kernel ends multishot operations when completions overflow";
    stop_and_join(connections);
}

}  // namespace
}  // namespace kvorum::reactor
