// The stream classes over the real io_uring on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/log.h"
#include "reactor/uring_backend.h"
#include "tests/peers/link_fixture.h"

namespace kvorum::peers {
namespace {

using test::kCluster;
using test::message_to;

constexpr uint64_t kDeadlineNs = 60 * kSecondNs;

class UringLinkTest : public ::testing::Test {
 protected:
    UringLinkTest() { set_log_level(LogLevel::kOff); }
    ~UringLinkTest() override {
        if (link_) test::stop_and_join(reactor_, *link_);
        if (listener_) test::stop_and_join(reactor_, *listener_);
        link_.reset();
        listener_.reset();
        EXPECT_EQ(backend_->in_flight(), 0u);
        set_log_level(LogLevel::kInfo);
    }

    static std::unique_ptr<reactor::UringBackend> make_backend() {
        auto backend = reactor::UringBackend::create(
            {.sq_entries = 64, .cq_entries = 256, .receive_buffers = {{{16, 4096}, {16, 4096}, {16, 4096}}}});
        KVORUM_ASSERT(backend.ok(), "{}", std::string(backend.status().message()));
        return *std::move(backend);
    }

    template <typename Condition>
    bool until(Condition condition) {
        const uint64_t deadline_ns = backend_->monotonic_ns() + kDeadlineNs;
        while (!condition() && backend_->monotonic_ns() < deadline_ns)
            reactor_.turn(backend_->monotonic_ns() + 10 * kMillisecondNs);
        return condition();
    }

    void start_listener() {
        const reactor::Handle handle = backend_->listen({"127.0.0.1", port_}).value();
        port_ = backend_->local_port(handle);
        listener_.emplace(
            reactor_, flusher_,
            PeerListenerConfig{.cluster = kCluster, .self = NodeId{2}, .incarnation = 20, .log_id = test::kOtherLog},
            handle, receiver_, receiver_.receivers());
        listener_->start();
    }
    void start_link(uint64_t queue_bytes_max = 64 * kMiB) {
        PeerLinkConfig config;
        config.cluster = kCluster;
        config.self = NodeId{1};
        config.incarnation = 10;
        config.log_id = test::kLog;
        config.peer = NodeId{2};
        config.endpoint = {"127.0.0.1", port_};
        config.queue_bytes_max = queue_bytes_max;
        link_.emplace(reactor_, flusher_, config, sender_);
        link_->start();
    }
    bool connect() {
        start_listener();
        start_link();
        return until([this] { return link_->connected(); });
    }

    std::unique_ptr<reactor::UringBackend> backend_ = make_backend();
    reactor::Reactor reactor_{*backend_, {}};
    net::OutputFlusher flusher_{reactor_};
    test::Recorder sender_;
    test::Recorder receiver_;
    uint16_t port_ = 0;
    std::optional<PeerListener> listener_;
    std::optional<PeerLink> link_;
};

TEST_F(UringLinkTest, DeliversEverythingInOrder) {
    ASSERT_TRUE(connect());
    ASSERT_TRUE(link_->send(message_to(NodeId{2}, test::sample_append_entries())));
    ASSERT_TRUE(link_->send(test::sample_requests()));
    ASSERT_TRUE(link_->send(test::sample_replies()));
    ASSERT_TRUE(until([this] { return receiver_.events.size() == 5; }));
    EXPECT_EQ(test::encoded(receiver_.messages[0].body), test::encoded(test::sample_append_entries()));
    EXPECT_EQ(receiver_.events.back(), "reply 2 from 1: -UNCERTAIN");
}

TEST_F(UringLinkTest, CarriesMoreThanTheSocketBuffersHold) {
    ASSERT_TRUE(connect());
    raft::AppendEntries message;
    message.term = Term{1};
    for (uint64_t i = 1; i <= 300; ++i)
        message.entries.push_back(test::make_entry(i, 1, std::string(100'000, static_cast<char>('a' + i % 26))));
    ASSERT_TRUE(link_->send(message_to(NodeId{2}, message)));
    ASSERT_TRUE(link_->send(test::sample_requests()));
    ASSERT_TRUE(until([this] { return receiver_.events.size() == 3; }));
    EXPECT_EQ(test::encoded(receiver_.messages[0].body), test::encoded(message));
    EXPECT_TRUE(until([this] { return link_->queued_bytes() == 0; }));
}

TEST_F(UringLinkTest, ReconnectsWhenTheListenerComesBack) {
    ASSERT_TRUE(connect());
    test::stop_and_join(reactor_, *listener_);
    ASSERT_TRUE(until([this] { return !link_->connected(); }));
    start_listener();
    ASSERT_TRUE(until([this] { return link_->connected(); }));
    ASSERT_TRUE(link_->send(message_to(NodeId{2}, raft::RequestVote{})));
    EXPECT_TRUE(until([this] { return receiver_.messages.size() == 1; }));
}

TEST_F(UringLinkTest, GarbageClosesOnlyItsOwnConnection) {
    ASSERT_TRUE(connect());
    test::RawPeer stranger(reactor_, flusher_);
    stranger.dial({"127.0.0.1", port_}, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(until([&stranger] { return stranger.ended(); }));
    EXPECT_EQ(stranger.rejection(), "not a frame of the peer protocol");
    ASSERT_TRUE(link_->send(message_to(NodeId{2}, raft::RequestVote{})));
    EXPECT_TRUE(until([this] { return receiver_.messages.size() == 1; }));
}

TEST_F(UringLinkTest, StopsWithASendInFlight) {
    ASSERT_TRUE(connect());
    raft::AppendEntries message;
    message.term = Term{1};
    for (uint64_t i = 1; i <= 60; ++i)
        message.entries.push_back(test::make_entry(i, 1, std::string(1'000'000, 'x')));
    ASSERT_TRUE(link_->send(message_to(NodeId{2}, message)));
    reactor_.turn(backend_->monotonic_ns());
    reactor_.turn(backend_->monotonic_ns());
    EXPECT_GT(link_->queued_bytes(), 0u);
    test::stop_and_join(reactor_, *link_);
    EXPECT_TRUE(sender_.has("link 2 disconnected"));
}

TEST_F(UringLinkTest, APeerThatStopsReadingCostsBoundedMemoryAndNoProgressOfOthers) {
    // A listener in the kernel's backlog only: the handshake is answered by nobody, so a raw one answers and then reads
    // nothing.
    const reactor::Handle handle = backend_->listen({"127.0.0.1", 0}).value();
    port_ = backend_->local_port(handle);
    net::OutputBuffer ack;
    encode_hello_ack({.from = NodeId{2}, .incarnation = 1, .log_id = test::kLog}, ack);
    struct Mute {
        static reactor::Task<void> serve(reactor::Reactor& reactor, net::OutputFlusher& flusher,
                                         reactor::Handle listener, std::string text, reactor::StopToken stop) {
            reactor::AcceptStream accepts(reactor, listener);
            const int32_t socket = co_await accepts.next(stop);
            net::OutputStream output(reactor, flusher, socket);
            output.tail() += text;
            reactor::Event never(reactor);
            const bool set = co_await never.wait(stop);
            maybe(set);
            co_await output.close();
            co_await accepts.close();
            const int32_t socket_closed = co_await reactor.close(socket);
            EXPECT_EQ(socket_closed, 0);
            const int32_t listener_closed = co_await reactor.close(listener);
            EXPECT_EQ(listener_closed, 0);
        }
    };
    reactor::TaskScope scope(reactor_);
    scope.spawn(Mute::serve(reactor_, flusher_, handle, ack.flatten(), scope.stop_token()));
    constexpr uint64_t kQueueMax = 4 * kMiB;
    start_link(kQueueMax);
    ASSERT_TRUE(until([this] { return link_->connected(); }));
    raft::AppendEntries message;
    message.term = Term{1};
    message.entries = {test::make_entry(1, 1, std::string(100'000, 'x'))};
    ASSERT_TRUE(until([&] {
        link_->send(message_to(NodeId{2}, message));
        EXPECT_LE(link_->queued_bytes(), kQueueMax + 200'000);
        return sender_.has("link 2 unreachable");
    }));
    scope.request_stop();
    reactor::run_until_done(reactor_, scope.join());
    EXPECT_TRUE(until([this] { return sender_.has("link 2 disconnected"); }));
}

}  // namespace
}  // namespace kvorum::peers
