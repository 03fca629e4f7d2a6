// What the simulated network promises to those above it: ordered streams, whatever the weather.
#include "sim/network.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <string>
#include <vector>

namespace kvorum::sim {
namespace {

class Host final : public SocketEvents {
 public:
    Host(Network& network, HostId id) : network_(network) { network.host_up(id, *this); }

    void on_connected(SocketId socket, int32_t result) override { connected[socket] = result; }
    void on_accepted(uint16_t /*port*/, SocketId socket) override { accepted.push_back(socket); }
    void on_readable(SocketId socket) override {
        if (network_.was_reset(socket)) {
            resets.push_back(socket);
            return;
        }
        received += network_.read(socket, SIZE_MAX);
        if (network_.at_end(socket)) ended = true;
    }
    void on_writable(SocketId /*socket*/) override { ++writable; }

    std::map<SocketId, int32_t> connected;
    std::vector<SocketId> accepted;
    std::vector<SocketId> resets;
    std::string received;
    bool ended = false;
    int writable = 0;

 private:
    Network& network_;
};

class NetworkTest : public ::testing::Test {
 protected:
    void run_for(uint64_t duration_ns) {
        const uint64_t until_ns = events.now_ns() + duration_ns;
        while (events.run_next(until_ns)) {
        }
    }

    SocketId connect() {
        network.listen(2, 80);
        const SocketId socket = network.connect(1, 2, 80);
        run_for(kSecondNs);
        return socket;
    }

    EventQueue events;
    Trace trace{events, false};
    Network network{events, trace, 7, {.segment_bytes_max = 3}, 2};
    Host one{network, 1};
    Host two{network, 2};
};

TEST_F(NetworkTest, BytesArriveInOrderHoweverTheyAreCut) {
    const SocketId socket = connect();
    ASSERT_EQ(one.connected.at(socket), 0);
    EXPECT_EQ(network.send(socket, as_bytes("the quick brown fox")), 19);
    EXPECT_EQ(network.send(socket, as_bytes(" jumps")), 6);
    run_for(kSecondNs);
    EXPECT_EQ(two.received, "the quick brown fox jumps");
    EXPECT_GT(network.stats().segments, 5u);
}

TEST_F(NetworkTest, NobodyListensThereMeansConnectionRefused) {
    const SocketId socket = network.connect(1, 2, 81);
    run_for(kSecondNs);
    EXPECT_EQ(one.connected.at(socket), -ECONNREFUSED);
}

TEST_F(NetworkTest, ABlockedLinkHoldsBytesBackAndLosesNone) {
    const SocketId socket = connect();
    network.set_blocked(1, 2, true);
    EXPECT_EQ(network.send(socket, as_bytes("held")), 4);
    run_for(10 * kSecondNs);
    EXPECT_EQ(two.received, "");
    network.set_blocked(1, 2, false);
    run_for(kSecondNs);
    EXPECT_EQ(two.received, "held");
}

TEST_F(NetworkTest, ABlockInOneDirectionLeavesTheOtherOpen) {
    const SocketId socket = connect();
    network.set_blocked(1, 2, true);
    EXPECT_EQ(network.send(two.accepted.front(), as_bytes("hello")), 5);
    EXPECT_EQ(network.send(socket, as_bytes("unheard")), 7);
    run_for(kSecondNs);
    EXPECT_EQ(one.received, "hello");
    EXPECT_EQ(two.received, "");
}

TEST_F(NetworkTest, CloseIsSeenBehindTheBytesBeforeIt) {
    const SocketId socket = connect();
    EXPECT_EQ(network.send(socket, as_bytes("last words")), 10);
    network.close(socket);
    run_for(kSecondNs);
    EXPECT_EQ(two.received, "last words");
    EXPECT_TRUE(two.ended);
}

TEST_F(NetworkTest, ADyingProcessResetsItsConnections) {
    const SocketId socket = connect();
    network.host_down(2, Network::Death::kProcess);
    run_for(kSecondNs);
    EXPECT_EQ(one.resets, std::vector<SocketId>{socket});
}

TEST_F(NetworkTest, APowerCutIsSilentUntilTheHostIsBackAndIsSpokenTo) {
    const SocketId socket = connect();
    network.host_down(2, Network::Death::kPower);
    EXPECT_EQ(network.send(socket, as_bytes("anybody?")), 8);
    run_for(kSecondNs);
    EXPECT_TRUE(one.resets.empty());
    network.host_up(2, two);
    EXPECT_EQ(network.send(socket, as_bytes("hello?")), 6);
    run_for(kSecondNs);
    EXPECT_EQ(one.resets, std::vector<SocketId>{socket});
}

TEST_F(NetworkTest, AHalfOpenConnectionIsBelievedInUntilTheAnswerGetsThrough) {
    const SocketId socket = connect();
    network.lose_connections(2, 1);
    network.close(two.accepted.front());
    network.set_blocked(2, 1, true);
    EXPECT_EQ(network.send(socket, as_bytes("still there?")), 12);
    run_for(kSecondNs);
    EXPECT_TRUE(one.resets.empty());
    EXPECT_EQ(two.received, "");
    network.set_blocked(2, 1, false);
    EXPECT_EQ(network.send(socket, as_bytes("and now?")), 8);
    run_for(kSecondNs);
    EXPECT_EQ(one.resets, std::vector<SocketId>{socket});
}

// A connection that holds eight bytes which nobody has read, and whose sender waits for room.
class FullConnectionTest : public NetworkTest {
 protected:
    class Silent final : public SocketEvents {
     public:
        void on_connected(SocketId, int32_t) override {}
        void on_accepted(uint16_t, SocketId other) override { accepted = other; }
        void on_readable(SocketId) override {}
        void on_writable(SocketId) override { ++writable; }
        SocketId accepted = kNoSocket;
        int writable = 0;
    };

    FullConnectionTest() {
        small.host_up(1, sender);
        small.host_up(2, receiver);
        small.listen(2, 80);
        socket = small.connect(1, 2, 80);
        run_for(kSecondNs);
        EXPECT_EQ(small.send(socket, as_bytes("0123456789")), 8);
        EXPECT_EQ(small.send(socket, as_bytes("89")), 0);
        run_for(kSecondNs);
        EXPECT_EQ(sender.writable, 0);
    }

    Network small{events, trace, 7, {.socket_buffer_bytes = 8}, 2};
    Silent sender;
    Silent receiver;
    SocketId socket = kNoSocket;
};

TEST_F(FullConnectionTest, TheSenderIsWokenWhenTheReceiverReads) {
    EXPECT_EQ(small.read(receiver.accepted, 100), "01234567");
    run_for(kSecondNs);
    EXPECT_EQ(sender.writable, 1);
    EXPECT_EQ(small.send(socket, as_bytes("89")), 2);
}

// Simulator seed 6014 of November 2026: a node waited for ever for room at a host that had lost its power.
TEST_F(FullConnectionTest, TheSenderIsWokenWhenTheReceiverLosesItsPower) {
    small.host_down(2, Network::Death::kPower);
    run_for(kSecondNs);
    EXPECT_EQ(sender.writable, 1);
}

// Seed 9367.
TEST_F(FullConnectionTest, TheSenderIsWokenWhenTheReceiverLosesTheConnection) {
    small.lose_connections(2, 1);
    small.close(receiver.accepted);
    run_for(kSecondNs);
    EXPECT_EQ(sender.writable, 1);
}

}  // namespace
}  // namespace kvorum::sim
