// A PeerLink of node 1 and a PeerListener of node 2 over a network in memory with a clock that jumps.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "tests/peers/fake_network.h"
#include "tests/peers/link_fixture.h"

namespace kvorum::peers::test {

inline const reactor::Endpoint kEndpoint{"fake", 7000};

// Node 1 dials node 2.
class PeerLinkTest : public ::testing::Test {
 protected:
    PeerLinkTest() {
        set_log_sink([this](LogLevel, std::string_view line) { log_ += std::string(line) + "\n"; });
    }
    ~PeerLinkTest() override {
        network_.receivers_sleep = false;
        if (link_) stop_and_join(reactor_, *link_);
        if (listener_) stop_and_join(reactor_, *listener_);
        link_.reset();
        listener_.reset();
        EXPECT_EQ(network_.operations_in_flight(), 0u);
        EXPECT_EQ(network_.open_sockets(), 0u);
        set_log_sink({});
    }

    void start_listener(peers::PeerListenerConfig config = {
                            .cluster = kCluster, .self = NodeId{2}, .incarnation = 20, .log_id = kOtherLog}) {
        listener_.emplace(reactor_, flusher_, config, network_.listen(kEndpoint).value(), receiver_,
                          receiver_.receivers());
        listener_->start();
    }
    void start_link(peers::PeerLinkConfig config = link_config()) {
        link_.emplace(reactor_, flusher_, config, sender_);
        link_->start();
    }
    static peers::PeerLinkConfig link_config() {
        peers::PeerLinkConfig config;
        config.cluster = kCluster;
        config.self = NodeId{1};
        config.incarnation = 10;
        config.log_id = kLog;
        config.peer = NodeId{2};
        config.endpoint = kEndpoint;
        config.seed = 3;
        return config;
    }
    static peers::Hello good_hello() {
        return {.cluster = kCluster, .from = NodeId{1}, .incarnation = 10, .log_id = kLog, .dialled = NodeId{2}};
    }

    // Turns, each at most a virtual millisecond long, until the condition holds: at most 100 virtual seconds.
    template <typename Condition>
    bool until(Condition condition) {
        for (int i = 0; i < 100'000 && !condition(); ++i)
            reactor_.turn(network_.monotonic_ns() + kMillisecondNs);
        return condition();
    }
    void run_for(uint64_t duration_ns) {
        const uint64_t end_ns = network_.monotonic_ns() + duration_ns;
        while (network_.monotonic_ns() < end_ns)
            reactor_.turn(end_ns);
    }
    bool connect() {
        start_listener();
        start_link();
        return until([this] { return link_->connected(); });
    }
    static std::vector<peers::ForwardRequest> request(uint64_t id, std::string_view argument = "GET") {
        return {{.request_id = id, .session_id = 1, .arguments = {argument}}};
    }

    FakeNetwork network_;
    reactor::Reactor reactor_{network_, {}};
    net::OutputFlusher flusher_{reactor_};
    Recorder sender_;
    Recorder receiver_;
    std::string log_;
    std::optional<peers::PeerListener> listener_;
    std::optional<peers::PeerLink> link_;
};

}  // namespace kvorum::peers::test
