#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "tests/reactor/uring_fixture.h"

namespace kvorum::reactor {
namespace {

Task<std::string> echo_once(Reactor& reactor, uint16_t port, std::string payload) {
    const int32_t socket = co_await reactor.connect(loopback(port));
    EXPECT_GE(socket, 0);
    TaskScope sender(reactor);
    const size_t size_bytes = payload.size();
    auto send_payload = [](Reactor& r, Handle to, std::string bytes) -> Task<> {
        const int32_t sent = co_await send_all(r, to, std::move(bytes));
        EXPECT_EQ(sent, 0);
    };
    sender.spawn(send_payload(reactor, socket, std::move(payload)));
    std::string answer = co_await receive_exactly(reactor, socket, size_bytes);
    co_await sender.join();
    co_await close_handle(reactor, socket);
    co_return answer;
}

std::string pattern(size_t size_bytes, size_t seed) {
    std::string bytes(size_bytes, '\0');
    for (size_t i = 0; i < size_bytes; ++i)
        bytes[i] = static_cast<char>((i * 31 + seed) % 251);
    return bytes;
}

TEST_F(UringTest, WhatAClientSendsComesBackFromTheEchoServer) {
    TaskScope connections(reactor);
    const uint16_t port = start_echo_server(connections);
    EXPECT_EQ(run_until_done(reactor, echo_once(reactor, port, "hello")), "hello");
    stop_and_join(connections);
}

TEST_F(UringTest, APayloadOfManyBuffersArrivesWholeAndInOrder) {
    TaskScope connections(reactor);
    const uint16_t port = start_echo_server(connections);
    const std::string payload = pattern(8 * kMiB, 1);
    EXPECT_TRUE(run_until_done(reactor, echo_once(reactor, port, payload)) == payload);
    stop_and_join(connections);
}

Task<> expect_echo(Reactor& reactor, uint16_t port, size_t seed, size_t& answered) {
    const std::string payload = pattern(1 + seed * 97 % 40000, seed);
    const std::string answer = co_await echo_once(reactor, port, payload);
    EXPECT_TRUE(answer == payload);
    ++answered;
}

TEST_F(UringTest, ManyConnectionsAtOnceEachGetTheirOwnBytes) {
    constexpr size_t kConnections = 300;
    TaskScope connections(reactor);
    const uint16_t port = start_echo_server(connections);
    TaskScope clients(reactor);
    size_t answered = 0;
    for (size_t i = 0; i < kConnections; ++i)
        clients.spawn(expect_echo(reactor, port, i, answered));
    run_until_done(reactor, clients.join());
    EXPECT_EQ(answered, kConnections);
    stop_and_join(connections);
}

// A connected pair of sockets, both on the reactor's backend.
struct Pair {
    Handle client = kNoHandle;
    Handle server = kNoHandle;
};

Task<Pair> connect_pair(Reactor& reactor, Handle listener) {
    AcceptStream accepts(reactor, listener);
    const int32_t client = co_await reactor.connect(loopback(reactor.backend().local_port(listener)));
    const int32_t server = co_await accepts.next();
    co_await accepts.close();
    co_await close_handle(reactor, listener);
    co_return Pair{.client = client, .server = server};
}

Task<> close_pair(Reactor& reactor, Pair pair) {
    co_await close_handle(reactor, pair.client);
    co_await close_handle(reactor, pair.server);
}

int tcp_option(Handle socket, int option) {
    int value = 0;
    socklen_t length = sizeof(value);
    EXPECT_EQ(getsockopt(socket, IPPROTO_TCP, option, &value, &length), 0);
    return value;
}

TEST_F(UringTest, BothEndsOfAConnectionSendWithoutDelayAndCloseOnExec) {
    const Pair pair = run_until_done(reactor, connect_pair(reactor, listen_on_loopback()));
    for (const Handle socket : {pair.client, pair.server}) {
        EXPECT_NE(tcp_option(socket, TCP_NODELAY), 0);
        EXPECT_NE(fcntl(socket, F_GETFD) & FD_CLOEXEC, 0);
        EXPECT_EQ(fcntl(socket, F_GETFL) & O_NONBLOCK, 0);
    }
    run_until_done(reactor, close_pair(reactor, pair));
}

// Each costs the turn something, and thousands may come at once.
TEST_F(UringTest, ACrowdThatConnectsIsTakenInOverTurns) {
    constexpr size_t kCrowd = 100;
    const Handle listener = listen_on_loopback();
    AcceptStream accepts(reactor, listener);
    std::vector<Handle> handles{listener};
    size_t accepted = 0;
    size_t most_in_a_turn = 0;
    const auto connect = [](Reactor& on, Endpoint endpoint, std::vector<Handle>& into) -> Task<> {
        const int32_t client = co_await on.connect(endpoint);
        into.push_back(client);
    };
    const auto accept = [](AcceptStream& from, std::vector<Handle>& into, size_t& count) -> Task<> {
        while (count < kCrowd) {
            const int32_t server = co_await from.next();
            into.push_back(server);
            ++count;
        }
    };
    TaskScope scope(reactor);
    for (size_t i = 0; i < kCrowd; ++i)
        scope.spawn(connect(reactor, loopback(backend->local_port(listener)), handles));
    run_until_done(reactor, scope.join());
    ASSERT_EQ(handles.size(), 1 + kCrowd);
    TaskScope accepting(reactor);
    accepting.spawn(accept(accepts, handles, accepted));
    while (accepted < kCrowd) {
        const size_t before = accepted;
        reactor.turn();
        most_in_a_turn = std::max(most_in_a_turn, accepted - before);
    }
    EXPECT_LE(most_in_a_turn, 16u);
    run_until_done(reactor, accepting.join());
    run_until_done(reactor, accepts.close());
    for (const Handle handle : handles)
        run_until_done(reactor, close_handle(reactor, handle));
}

// The path to a peer may end without a word; a link over it must not wait for as long as TCP would.
TEST_F(UringTest, ADialledConnectionIsGivenUpSoonWhenNothingIsAcknowledged) {
    const Pair pair = run_until_done(reactor, connect_pair(reactor, listen_on_loopback()));
    EXPECT_EQ(tcp_option(pair.client, TCP_USER_TIMEOUT), 5000);
    run_until_done(reactor, close_pair(reactor, pair));
}

TEST_F(UringTest, EachEndKnowsTheAddressOfTheOther) {
    const Pair pair = run_until_done(reactor, connect_pair(reactor, listen_on_loopback()));
    EXPECT_EQ(backend->peer_address(pair.server), loopback(backend->local_port(pair.client)).to_string());
    EXPECT_EQ(backend->peer_address(-1), "unknown");
    run_until_done(reactor, close_pair(reactor, pair));
}

Task<int32_t> connect_to(Reactor& reactor, Endpoint endpoint) {
    const int32_t result = co_await reactor.connect(endpoint);
    co_return result;
}

TEST_F(UringTest, AConnectionThatIsRefusedLeavesNoDescriptorOpen) {
    const Handle listener = listen_on_loopback();
    const uint16_t port = backend->local_port(listener);
    run_until_done(reactor, close_handle(reactor, listener));
    const int next_free_before = ::dup(0);
    ::close(next_free_before);
    EXPECT_EQ(run_until_done(reactor, connect_to(reactor, loopback(port))), -ECONNREFUSED);
    const int next_free_after = ::dup(0);
    ::close(next_free_after);
    EXPECT_EQ(next_free_after, next_free_before);
}

TEST_F(UringTest, ANameThatDoesNotExistIsUnreachable) {
    EXPECT_EQ(run_until_done(reactor, connect_to(reactor, {.host = "no-such-host.invalid", .port = 1})), -EHOSTUNREACH);
}

TEST_F(UringTest, AnIpv6ListenerIsReachedByItsAddress) {
    const absl::StatusOr<Handle> listener = backend->listen({.host = "::1", .port = 0});
    if (!listener.ok()) GTEST_SKIP() << "no IPv6 here: " << listener.status().ToString();
    const Endpoint address{.host = "::1", .port = backend->local_port(*listener)};
    const int32_t socket = run_until_done(reactor, connect_to(reactor, address));
    ASSERT_GE(socket, 0);
    EXPECT_EQ(backend->peer_address(socket), address.to_string());
    run_until_done(reactor, close_handle(reactor, socket));
    run_until_done(reactor, close_handle(reactor, *listener));
}

TEST_F(UringTest, APortInUseIsNamedInTheError) {
    const Handle listener = listen_on_loopback();
    const Endpoint taken = loopback(backend->local_port(listener));
    const absl::StatusOr<Handle> second = backend->listen(taken);
    EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
    EXPECT_THAT(std::string(second.status().message()), ::testing::HasSubstr(taken.to_string()));
    run_until_done(reactor, close_handle(reactor, listener));
}

Task<> note_end_of_stream(Reactor& reactor, Handle socket, std::vector<int32_t>& ends) {
    ReceiveStream stream(reactor, socket);
    const Chunk chunk = co_await stream.next();
    ends.push_back(chunk.result);
    co_await stream.close();
}

TEST_F(UringTest, ShutdownEndsTheReceivesOfBothEnds) {
    const Pair pair = run_until_done(reactor, connect_pair(reactor, listen_on_loopback()));
    std::vector<int32_t> ends;
    TaskScope receivers(reactor);
    receivers.spawn(note_end_of_stream(reactor, pair.client, ends));
    receivers.spawn(note_end_of_stream(reactor, pair.server, ends));
    reactor.turn(0);
    backend->shutdown_socket(pair.server);
    run_until_done(reactor, receivers.join());
    EXPECT_EQ(ends, std::vector<int32_t>(2, 0));
    run_until_done(reactor, close_pair(reactor, pair));
}

TEST_F(UringTest, ASendToAClosedPeerIsAnErrorNotASignal) {
    const Pair pair = run_until_done(reactor, connect_pair(reactor, listen_on_loopback()));
    backend->shutdown_socket(pair.client);
    EXPECT_EQ(run_until_done(reactor, send_all(reactor, pair.client, "x")), -EPIPE);
    run_until_done(reactor, close_pair(reactor, pair));
}

Task<> count_short_sends(Reactor& reactor, Handle socket, std::string bytes, size_t& short_sends) {
    size_t sent = 0;
    while (sent < bytes.size()) {
        // In three pieces, so that short sends end in each of them.
        const size_t left = bytes.size() - sent;
        const std::array<iovec, 3> pieces = {
            {{.iov_base = bytes.data() + sent, .iov_len = left / 3},
             {.iov_base = bytes.data() + sent + left / 3, .iov_len = left / 3},
             {.iov_base = bytes.data() + sent + left / 3 * 2, .iov_len = left - left / 3 * 2}}};
        const int32_t result = co_await reactor.send(socket, pieces);
        EXPECT_GT(result, 0);
        if (result <= 0) break;
        if (static_cast<size_t>(result) < left) ++short_sends;
        sent += static_cast<size_t>(result);
    }
}

Task<std::string> receive_slowly(Reactor& reactor, Handle socket, size_t size_bytes) {
    std::string received;
    ReceiveStream stream(reactor, socket);
    while (received.size() < size_bytes) {
        Chunk chunk = co_await stream.next();
        EXPECT_GT(chunk.result, 0);
        if (chunk.result <= 0) break;
        received += as_text(chunk.bytes);
        stream.release(chunk);
        stream.pause();
        co_await reactor.yield();
        stream.resume();
    }
    co_await stream.close();
    co_return received;
}

TEST_F(UringTest, ShortSendsToASlowReaderAreHandedUpAndLoseNothing) {
    const Pair pair = run_until_done(reactor, connect_pair(reactor, listen_on_loopback()));
    const int small = 4096;
    ASSERT_EQ(setsockopt(pair.client, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    const std::string payload = pattern(kMiB, 3);
    size_t short_sends = 0;
    TaskScope sender(reactor);
    sender.spawn(count_short_sends(reactor, pair.client, payload, short_sends));
    EXPECT_TRUE(run_until_done(reactor, receive_slowly(reactor, pair.server, payload.size())) == payload);
    run_until_done(reactor, sender.join());
    EXPECT_GT(short_sends, 0);
    run_until_done(reactor, close_pair(reactor, pair));
}

class TinyBuffersTest : public UringTest {
 protected:
    TinyBuffersTest() : UringTest({.receive_buffers = {{{2, 512}, {2, 512}, {2, 4096}}}}) {}
};

Task<std::string> receive_once(ReceiveStream& from) {
    Chunk chunk = co_await from.next();
    std::string bytes(as_text(chunk.bytes));
    from.release(chunk);
    co_return bytes;
}

TEST_F(TinyBuffersTest, WithFewBuffersAndManySendersAllDataArrives) {
    constexpr size_t kConnections = 40;
    TaskScope connections(reactor);
    const uint16_t port = start_echo_server(connections);
    TaskScope clients(reactor);
    size_t answered = 0;
    for (size_t i = 0; i < kConnections; ++i)
        clients.spawn(expect_echo(reactor, port, i, answered));
    run_until_done(reactor, clients.join());
    EXPECT_EQ(answered, kConnections);
    EXPECT_GT(backend->stats().enobufs, 0);
    EXPECT_GE(backend->stats().rearms, backend->stats().enobufs);
    stop_and_join(connections);
}

Task<> take_both_buffers(ReceiveStream& stream, std::vector<Chunk>& taken) {
    while (taken.size() < 2) {
        const Chunk chunk = co_await stream.next();
        taken.push_back(chunk);
    }
}

// One connection has taken all buffers that clients share, and keeps them, while another one is served.
class HoggedBuffersTest : public TinyBuffersTest {
 protected:
    HoggedBuffersTest() {
        TaskScope scope(reactor);
        scope.spawn(take_both_buffers(hog_stream, taken));
        EXPECT_EQ(run_until_done(reactor, send_all(reactor, hog.client, std::string(1024, 'h'))), 0);
        run_until_done(reactor, scope.join());
    }

    void end(ReceiveStream& stream) {
        for (Chunk& chunk : taken)
            hog_stream.release(chunk);
        run_until_done(reactor, hog_stream.close());
        run_until_done(reactor, stream.close());
        run_until_done(reactor, close_pair(reactor, hog));
        run_until_done(reactor, close_pair(reactor, other));
    }

    const Pair hog = run_until_done(reactor, connect_pair(reactor, listen_on_loopback()));
    const Pair other = run_until_done(reactor, connect_pair(reactor, listen_on_loopback()));
    ReceiveStream hog_stream{reactor, hog.server};
    std::vector<Chunk> taken;
};

TEST_F(HoggedBuffersTest, AReceiveThatWaitsForABufferGoesOnWhenOneIsReleased) {
    ReceiveStream stream(reactor, other.server);
    std::string received;
    auto receive_into = [](ReceiveStream& from, std::string& into) -> Task<> { into = co_await receive_once(from); };
    TaskScope scope(reactor);
    scope.spawn(receive_into(stream, received));
    EXPECT_EQ(run_until_done(reactor, send_all(reactor, other.client, "waits")), 0);
    while (backend->stats().enobufs == 0)
        reactor.turn();
    EXPECT_EQ(received, "");
    hog_stream.release(taken[0]);
    run_until_done(reactor, scope.join());
    EXPECT_EQ(received, "waits");
    end(stream);
}

TEST_F(HoggedBuffersTest, AReservedReceiveDoesNotWaitForTheBuffersThatAllShare) {
    ReceiveStream reserved(reactor, other.server, BuffersFrom::kReserved);
    const std::string sent = "more than " + std::string(1024, '.') + " one shared buffer holds";
    EXPECT_EQ(run_until_done(reactor, send_all(reactor, other.client, sent)), 0);
    EXPECT_EQ(run_until_done(reactor, receive_once(reserved)), sent);
    end(reserved);
}

TEST_F(TinyBuffersTest, AReceiveThatWaitsForABufferCanBeCancelled) {
    const Pair pair = run_until_done(reactor, connect_pair(reactor, listen_on_loopback()));
    ReceiveStream stream(reactor, pair.server);
    std::vector<Chunk> taken;
    TaskScope scope(reactor);
    scope.spawn(take_both_buffers(stream, taken));
    // A third buffer's worth, for which there is none.
    EXPECT_EQ(run_until_done(reactor, send_all(reactor, pair.client, std::string(1536, 'h'))), 0);
    run_until_done(reactor, scope.join());
    while (backend->stats().enobufs == 0)
        reactor.turn();
    run_until_done(reactor, stream.close());
    EXPECT_FALSE(stream.in_flight);
    for (Chunk& chunk : taken)
        stream.release(chunk);
    run_until_done(reactor, close_pair(reactor, pair));
}

}  // namespace
}  // namespace kvorum::reactor
