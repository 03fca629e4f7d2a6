// A reactor on the real kernel, a listener on a free loopback port, and the two coroutines that most tests need.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/streams.h"
#include "reactor/sync_wait.h"
#include "reactor/uring_backend.h"

namespace kvorum::reactor {

inline std::unique_ptr<UringBackend> make_backend(const UringConfig& config = {}) {
    absl::StatusOr<std::unique_ptr<UringBackend>> backend = UringBackend::create(config);
    KVORUM_ASSERT(backend.ok(), "{}", backend.status().ToString());
    return *std::move(backend);
}

inline Endpoint loopback(uint16_t port = 0) { return {.host = "127.0.0.1", .port = port}; }

// Sends all of `bytes`; 0 or -errno.
inline Task<int32_t> send_all(Reactor& reactor, Handle socket, std::string bytes, StopToken stop = {}) {
    size_t sent = 0;
    while (sent < bytes.size()) {
        const std::array<iovec, 1> piece = {{{.iov_base = bytes.data() + sent, .iov_len = bytes.size() - sent}}};
        const int32_t result = co_await reactor.send(socket, piece, stop);
        if (result < 0) co_return result;
        sent += static_cast<size_t>(result);
    }
    co_return 0;
}

// Receives until `size_bytes` are there, or the stream ends.
inline Task<std::string> receive_exactly(Reactor& reactor, Handle socket, size_t size_bytes, StopToken stop = {}) {
    std::string received;
    ReceiveStream stream(reactor, socket);
    while (received.size() < size_bytes) {
        Chunk chunk = co_await stream.next(stop);
        if (chunk.result <= 0) break;
        received += as_text(chunk.bytes);
        stream.release(chunk);
    }
    co_await stream.close();
    co_return received;
}

inline Task<> close_handle(Reactor& reactor, Handle handle) {
    const int32_t closed = co_await reactor.close(handle);
    EXPECT_EQ(closed, 0);
}

// Sends back whatever comes, until the peer closes or the stop.
inline Task<> echo_connection(Reactor& reactor, Handle socket, StopToken stop) {
    ReceiveStream stream(reactor, socket);
    while (true) {
        Chunk chunk = co_await stream.next(stop);
        if (chunk.result <= 0) break;
        std::string bytes(as_text(chunk.bytes));
        stream.release(chunk);
        // What came meanwhile would hold the buffers that its client needs to read the answer.
        stream.pause();
        const int32_t sent = co_await send_all(reactor, socket, std::move(bytes), stop);
        if (sent < 0) break;
        stream.resume();
    }
    co_await stream.close();
    co_await close_handle(reactor, socket);
}

inline Task<> echo_server(Reactor& reactor, Handle listener, TaskScope& connections) {
    const StopToken stop = connections.stop_token();
    AcceptStream accepts(reactor, listener);
    while (true) {
        const int32_t socket = co_await accepts.next(stop);
        if (socket < 0) break;
        connections.spawn(echo_connection(reactor, socket, stop));
    }
    co_await accepts.close();
    co_await close_handle(reactor, listener);
}

class UringTest : public ::testing::Test {
 protected:
    explicit UringTest(const UringConfig& config = {}) : backend(make_backend(config)), reactor(*backend, {}) {}

    Handle listen_on_loopback() {
        absl::StatusOr<Handle> listener = backend->listen(loopback());
        KVORUM_ASSERT(listener.ok(), "{}", listener.status().ToString());
        return *listener;
    }

    // An echo server in `connections`; its port.
    uint16_t start_echo_server(TaskScope& connections) {
        const Handle listener = listen_on_loopback();
        connections.spawn(echo_server(reactor, listener, connections));
        return backend->local_port(listener);
    }

    void stop_and_join(TaskScope& scope) {
        scope.request_stop();
        run_until_done(reactor, scope.join());
    }

    std::unique_ptr<UringBackend> backend;
    Reactor reactor;
};

}  // namespace kvorum::reactor
