// A storm of cancellations: connections reset and scopes stopped at random moments, while receives, sends, connects and
// writes are in flight. The sanitizers see what our side frees too early; ~IoOp, the receive buffers and the backend
// assert on what the kernel still has.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/prng.h"
#include "tests/reactor/uring_fixture.h"

namespace kvorum::reactor {
namespace {

// Closing then resets the connection instead of ending it in order.
void reset_on_close(Handle socket) {
    const linger immediately{.l_onoff = 1, .l_linger = 0};
    EXPECT_EQ(setsockopt(socket, SOL_SOCKET, SO_LINGER, &immediately, sizeof(immediately)), 0);
}

struct Storm {
    Reactor& reactor;
    Prng random;
    uint16_t port = 0;
    uint64_t ended = 0;
};

// Sends and receives at once until it is stopped, resets its connection after a random number of exchanges, or the
// server closes.
Task<> stormy_client(Storm& storm, StopToken stop) {
    Reactor& reactor = storm.reactor;
    const int32_t socket = co_await reactor.connect(loopback(storm.port), stop);
    if (socket >= 0) {
        if (storm.random.chance(1, 2)) reset_on_close(socket);
        ReceiveStream stream(reactor, socket);
        for (uint64_t exchanges = storm.random.below(4); exchanges > 0; --exchanges) {
            const std::string bytes(1 + storm.random.below(100'000), 's');
            const int32_t sent = co_await send_all(reactor, socket, bytes, stop);
            if (sent < 0) break;
            Chunk chunk = co_await stream.next(stop);
            const bool keep_buffer_over_a_turn = chunk.result > 0 && storm.random.chance(1, 2);
            if (keep_buffer_over_a_turn) co_await reactor.yield();
            stream.release(chunk);
            if (chunk.result <= 0) break;
        }
        co_await stream.close();
        co_await close_handle(reactor, socket);
    }
    ++storm.ended;
}

class CancelStormTest : public UringTest {
 protected:
    CancelStormTest()
        : UringTest({.sq_entries = 16, .cq_entries = 32, .receive_buffers = {{{16, 4096}, {16, 4096}, {16, 4096}}}}) {}
};

TEST_F(CancelStormTest, TenThousandConnectionsCutAtRandomMomentsLeaveNothingBehind) {
    constexpr uint64_t kClients = 10'000;
    const uint64_t frames_before = frame_pool_stats().live_frames;
    Storm storm{.reactor = reactor, .random = Prng(20), .port = 0, .ended = 0};
    uint64_t spawned = 0;
    while (spawned < kClients) {
        TaskScope connections(reactor);
        storm.port = start_echo_server(connections);
        for (uint64_t wave = storm.random.between(1, 10); wave > 0; --wave) {
            TaskScope clients(reactor);
            const uint64_t count = storm.random.between(1, 40);
            for (uint64_t i = 0; i < count; ++i)
                clients.spawn(stormy_client(storm, clients.stop_token()));
            spawned += count;
            for (uint64_t turns = storm.random.below(30); turns > 0; --turns)
                reactor.turn(reactor.now_ns() + kMillisecondNs);
            stop_and_join(clients);
        }
        stop_and_join(connections);
    }
    EXPECT_EQ(storm.ended, spawned);
    EXPECT_EQ(backend->in_flight(), 0);
    EXPECT_EQ(frame_pool_stats().live_frames, frames_before);
    EXPECT_GT(backend->stats().enobufs, 0);
    EXPECT_GT(backend->stats().overflows, 0);
}

// A file operation that is cancelled may still happen: its memory must stay until the completion.
struct WriteOp final : IoOp {
    explicit WriteOp(Handle file) : memory(4096) {
        code = IoCode::kWrite;
        handle = file;
        buffer = memory.data();
        length_bytes = memory.size();
        flags = kIoDataSync;
    }
    void on_completion(const IoCompletion& completion) override {
        EXPECT_TRUE(completion.result == -ECANCELED || completion.result == 4096) << completion.result;
    }
    std::vector<std::byte> memory;
};

TEST_F(CancelStormTest, CancelledWritesEndInOneOfTwoWays) {
    std::string name = "kvorum-cancel-XXXXXX";
    const int file = ::mkostemp(name.data(), O_CLOEXEC);
    ASSERT_GE(file, 0);
    ::unlink(name.c_str());
    Prng random(21);
    for (int round = 0; round < 200; ++round) {
        std::deque<WriteOp> writes;
        for (int i = 0; i < 10; ++i) {
            WriteOp& write = writes.emplace_back(file);
            backend->submit(write);
            if (random.chance(1, 3)) backend->poll(0);
            if (random.chance(1, 2)) backend->cancel(write);
        }
        while (backend->in_flight() > 0)
            backend->poll(UINT64_MAX);
    }
    ::close(file);
}

}  // namespace
}  // namespace kvorum::reactor
