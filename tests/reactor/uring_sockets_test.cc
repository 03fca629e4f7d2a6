#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

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

}  // namespace
}  // namespace kvorum::reactor
