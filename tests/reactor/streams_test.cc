#include "reactor/streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reactor/scope.h"
#include "reactor/sync_wait.h"
#include "tests/reactor/fake_backend.h"

namespace kvorum::reactor {
namespace {

using ::testing::ElementsAre;

class StreamsTest : public ::testing::Test {
 protected:
    // Takes chunks until one is no data; logs each.
    static Task<> receive_all(ReceiveStream& stream, StopToken stop, std::vector<std::string>& log) {
        while (true) {
            Chunk chunk = co_await stream.next(stop);
            if (chunk.result <= 0) {
                log.push_back(std::to_string(chunk.result));
                break;
            }
            log.emplace_back(as_text(chunk.bytes));
            stream.release(chunk);
        }
    }

    void data(IoOp& op, uint16_t buffer_id, const std::string& text, bool more = true) {
        backend.buffers[buffer_id] = text;
        backend.complete(
            op,
            {.result = static_cast<int32_t>(text.size()), .more = more, .has_buffer = true, .buffer_id = buffer_id});
    }

    // Armed, with nobody who waits.
    void arm(ReceiveStream& stream) {
        StopSource stop;
        scope.spawn(receive_all(stream, stop.token(), log));
        reactor.turn(0);
        stop.request_stop();
        run_until_done(reactor, scope.join());
        EXPECT_THAT(log, ElementsAre(std::to_string(-ECANCELED)));
        log.clear();
    }

    void close(ReceiveStream& stream) {
        auto close_stream = [](ReceiveStream& closing) -> Task<> { co_await closing.close(); };
        TaskScope closer(reactor);
        closer.spawn(close_stream(stream));
        reactor.turn(0);
        if (stream.in_flight) backend.complete(stream, -ECANCELED);
        run_until_done(reactor, closer.join());
    }

    FakeBackend backend;
    Reactor reactor{backend, {}};
    std::vector<std::string> log;
    TaskScope scope{reactor};
};

TEST_F(StreamsTest, ChunksComeInOrderAndGiveTheirBuffersBack) {
    ReceiveStream stream(reactor, 3);
    scope.spawn(receive_all(stream, {}, log));
    reactor.turn(0);
    IoOp& op = backend.only_op();
    data(op, 4, "one");
    data(op, 5, "two");
    backend.complete(op, 0);
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre("one", "two", "0"));
    EXPECT_THAT(backend.released, ElementsAre(4, 5));
}

TEST_F(StreamsTest, AReceiveThatTheKernelEndedWithDataIsArmedAgain) {
    ReceiveStream stream(reactor, 3);
    scope.spawn(receive_all(stream, {}, log));
    reactor.turn(0);
    data(backend.only_op(), 4, "last of its life", false);
    reactor.turn(0);
    EXPECT_TRUE(stream.in_flight);
    data(backend.only_op(), 5, "of the next", true);
    backend.complete(backend.only_op(), 0);
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre("last of its life", "of the next", "0"));
}

TEST_F(StreamsTest, TheEndOfTheStreamCanBeReadAgain) {
    ReceiveStream stream(reactor, 3);
    for (int i = 0; i < 2; ++i) {
        scope.spawn(receive_all(stream, {}, log));
        reactor.turn(0);
        if (stream.in_flight) backend.complete(backend.only_op(), -ECONNRESET);
        run_until_done(reactor, scope.join());
    }
    EXPECT_EQ(log, std::vector<std::string>(2, std::to_string(-ECONNRESET)));
}

TEST_F(StreamsTest, AStopEndsTheWaitAndLosesNothing) {
    ReceiveStream stream(reactor, 3);
    arm(stream);
    EXPECT_TRUE(backend.cancelled.empty());
    data(backend.only_op(), 4, "late");
    backend.complete(backend.only_op(), 0);
    scope.spawn(receive_all(stream, {}, log));
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre("late", "0"));
}

TEST_F(StreamsTest, PauseCancelsAndResumeArmsAgain) {
    ReceiveStream stream(reactor, 3);
    scope.spawn(receive_all(stream, {}, log));
    reactor.turn(0);
    stream.pause();
    EXPECT_THAT(backend.cancelled, ElementsAre(&stream));
    data(stream, 4, "was under way");
    backend.complete(stream, -ECANCELED);
    reactor.turn(0);
    EXPECT_THAT(log, ElementsAre("was under way"));
    EXPECT_FALSE(stream.in_flight);
    stream.resume();
    EXPECT_TRUE(stream.in_flight);
    backend.complete(stream, 0);
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre("was under way", "0"));
}

// A stream that is received from, and how much waited each time.
class PaceTest : public StreamsTest {
 protected:
    // `more`: another part of what waited follows.
    void receive(uint64_t bytes, bool more = false) {
        backend.buffers[4] = std::string(bytes, 'x');
        backend.complete(stream, {.result = static_cast<int32_t>(bytes),
                                  .more = true,
                                  .has_buffer = true,
                                  .buffer_id = 4,
                                  .more_waits = more});
        reactor.turn(0);
    }
    void receive_calmly(int times) {
        for (int i = 0; i < times; ++i)
            receive(100);
    }
    // The cancellation comes through.
    void expect_change_to(BufferGroup group) {
        EXPECT_EQ(backend.cancelled.size(), changes_ + 1);
        changes_ = backend.cancelled.size();
        backend.complete(stream, -ECANCELED);
        reactor.turn(0);
        ASSERT_TRUE(stream.in_flight);
        EXPECT_EQ(stream.buffers, group);
    }
    void expect_no_change() const { EXPECT_EQ(backend.cancelled.size(), changes_); }

    void begin() {
        scope.spawn(receive_all(stream, {}, log));
        reactor.turn(0);
        EXPECT_EQ(stream.buffers, BufferGroup::kBulk);
    }
    void end() {
        backend.complete(stream, 0);
        run_until_done(reactor, scope.join());
    }

    ReceiveStream stream{reactor, 3};

 private:
    size_t changes_ = 0;
};

TEST_F(PaceTest, WhoIsCalmForAWhileIsReceivedIntoCalmBuffers) {
    begin();
    receive_calmly(3);
    expect_no_change();
    receive(100);
    expect_change_to(BufferGroup::kCalm);
    receive_calmly(4);
    expect_no_change();
    end();
    EXPECT_EQ(log.size(), 9);
}

TEST_F(PaceTest, WhoFloodsIsReceivedIntoBuffersOfBulkAtOnce) {
    begin();
    receive_calmly(4);
    expect_change_to(BufferGroup::kCalm);
    receive(20'000, true);
    expect_no_change();
    receive(20'000, true);
    expect_change_to(BufferGroup::kBulk);
    end();
    EXPECT_EQ(log.size(), 7);
}

TEST_F(PaceTest, OneFloodIsForgottenOnlyAfterAsManyCalmTimesAsAtTheBeginning) {
    begin();
    receive_calmly(3);
    receive(40'000);
    receive_calmly(3);
    expect_no_change();
    receive(100);
    expect_change_to(BufferGroup::kCalm);
    end();
}

TEST_F(PaceTest, AChangeThatAPauseOvertakesComesWithItsEnd) {
    begin();
    stream.pause();
    EXPECT_EQ(backend.cancelled.size(), 1);
    receive_calmly(4);
    EXPECT_EQ(backend.cancelled.size(), 1);
    backend.complete(stream, -ECANCELED);
    reactor.turn(0);
    EXPECT_FALSE(stream.in_flight);
    stream.resume();
    EXPECT_TRUE(stream.in_flight);
    EXPECT_EQ(stream.buffers, BufferGroup::kCalm);
    end();
}

TEST_F(StreamsTest, AReservedStreamStaysWhereItIs) {
    ReceiveStream stream(reactor, 3, BuffersFrom::kReserved);
    scope.spawn(receive_all(stream, {}, log));
    reactor.turn(0);
    for (int i = 0; i < 10; ++i)
        data(stream, 4, "calm");
    reactor.turn(0);
    EXPECT_EQ(stream.buffers, BufferGroup::kReserved);
    EXPECT_TRUE(backend.cancelled.empty());
    backend.complete(stream, 0);
    run_until_done(reactor, scope.join());
}

// Else clients whose pipelines wait for a leader could hold every buffer, and the votes that make one not be received.
TEST_F(StreamsTest, APausedStreamHoldsNoBuffersAndLosesNothing) {
    ReceiveStream stream(reactor, 3);
    arm(stream);
    data(stream, 4, "before the pause");
    reactor.turn(0);
    stream.pause();
    data(stream, 5, "while it is cancelled");
    backend.complete(stream, -ECANCELED);
    reactor.turn(0);
    EXPECT_THAT(backend.released, ElementsAre(4, 5));
    stream.resume();
    scope.spawn(receive_all(stream, {}, log));
    reactor.turn(0);
    data(stream, 4, "after");
    backend.complete(stream, 0);
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre("before the pause", "while it is cancelled", "after", "0"));
}

TEST_F(StreamsTest, ResumedBeforeItsCancellationCameThroughItArmsAgain) {
    ReceiveStream stream(reactor, 3);
    scope.spawn(receive_all(stream, {}, log));
    reactor.turn(0);
    stream.pause();
    stream.resume();
    backend.complete(stream, -ECANCELED);
    reactor.turn(0);
    EXPECT_TRUE(stream.in_flight);
    EXPECT_TRUE(log.empty());
    backend.complete(stream, 0);
    run_until_done(reactor, scope.join());
    EXPECT_THAT(log, ElementsAre("0"));
}

TEST_F(StreamsTest, PausedAndResumedTwiceWithinOneCancellationItStopsReadingAtLast) {
    ReceiveStream stream(reactor, 3);
    scope.spawn(receive_all(stream, {}, log));
    reactor.turn(0);
    stream.pause();
    stream.resume();
    stream.pause();
    backend.complete(stream, -ECANCELED);
    reactor.turn(0);
    EXPECT_FALSE(stream.in_flight);
    stream.resume();
    backend.complete(stream, 0);
    run_until_done(reactor, scope.join());
}

TEST_F(StreamsTest, CloseWaitsForTheLastCompletionAndGivesUntakenBuffersBack) {
    ReceiveStream stream(reactor, 3);
    StopSource stop;
    scope.spawn(receive_all(stream, stop.token(), log));
    reactor.turn(0);
    stop.request_stop();
    run_until_done(reactor, scope.join());
    data(stream, 8, "nobody took this");
    close(stream);
    EXPECT_FALSE(stream.in_flight);
    EXPECT_THAT(backend.released, ElementsAre(8));
}

TEST_F(StreamsTest, ClosingOneThatWasNeverArmedAsksTheKernelNothing) {
    ReceiveStream stream(reactor, 3);
    close(stream);
    EXPECT_TRUE(backend.cancelled.empty());
}

TEST_F(StreamsTest, ReleasingAChunkTwiceReleasesItsBufferOnce) {
    ReceiveStream stream(reactor, 3);
    Chunk chunk{.result = 1, .bytes = {}, .buffer_id = 6, .has_buffer = true};
    stream.release(chunk);
    stream.release(chunk);
    EXPECT_THAT(backend.released, ElementsAre(6));
}

Task<> accept_into(AcceptStream& stream, StopToken stop, size_t count, std::vector<int32_t>& results) {
    for (size_t i = 0; i < count; ++i) {
        const int32_t result = co_await stream.next(stop);
        results.push_back(result);
    }
}

TEST_F(StreamsTest, AnAcceptThatFailedIsArmedAgainByTheNextCall) {
    AcceptStream stream(reactor, 3);
    std::vector<int32_t> results;
    scope.spawn(accept_into(stream, {}, 2, results));
    reactor.turn(0);
    backend.complete(backend.only_op(), -EMFILE);
    reactor.turn(0);
    EXPECT_TRUE(stream.in_flight);
    backend.complete(backend.only_op(), {.result = 9, .more = false});
    run_until_done(reactor, scope.join());
    EXPECT_THAT(results, ElementsAre(-EMFILE, 9));
}

TEST_F(StreamsTest, ClosingAnAcceptStreamClosesConnectionsThatNobodyTook) {
    AcceptStream stream(reactor, 3);
    std::vector<int32_t> results;
    scope.spawn(accept_into(stream, {}, 1, results));
    reactor.turn(0);
    for (const Handle connection : {9, 10})
        backend.complete(stream, {.result = connection, .more = true});
    run_until_done(reactor, scope.join());
    EXPECT_THAT(results, ElementsAre(9));
    auto close_stream = [](AcceptStream& closing) -> Task<> { co_await closing.close(); };
    scope.spawn(close_stream(stream));
    reactor.turn(0);
    backend.complete(stream, -ECANCELED);
    reactor.turn(0);
    EXPECT_EQ(backend.only_op().code, IoCode::kClose);
    EXPECT_EQ(backend.only_op().handle, 10);
    backend.complete(backend.only_op(), 0);
    run_until_done(reactor, scope.join());
}

}  // namespace
}  // namespace kvorum::reactor
