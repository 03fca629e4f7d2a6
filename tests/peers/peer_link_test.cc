// PeerLink and PeerListener over a network in memory with a clock that jumps: time limits pass at once, and faults come
// when told to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/peers/peer_link_fixture.h"

namespace kvorum::peers {
namespace {

using test::hello_text;
using test::kCluster;
using test::kEndpoint;
using test::kLog;
using test::kOtherLog;
using test::message_to;
using test::PeerLinkTest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(PeerLinkTest, DeliversEverythingInOrder) {
    ASSERT_TRUE(connect());
    EXPECT_THAT(sender_.events, ElementsAre("link 2 connected 20"));
    ASSERT_TRUE(link_->send(message_to(NodeId{2}, test::sample_append_entries())));
    ASSERT_TRUE(link_->send(test::sample_requests()));
    ASSERT_TRUE(link_->send(test::sample_replies()));
    ASSERT_TRUE(link_->send(message_to(NodeId{2}, raft::RequestVote{.term = Term{1}})));
    ASSERT_TRUE(until([this] { return receiver_.messages.size() == 2; }));
    EXPECT_THAT(receiver_.events, ElementsAre("raft 1->2 #2", "request 1 from 1: SET", "request 2 from 1: GET",
                                              "reply 1 from 1: +OK", "reply 2 from 1: -UNCERTAIN", "raft 1->2 #0"));
    EXPECT_EQ(test::encoded(receiver_.messages[0].body), test::encoded(test::sample_append_entries()));
}

TEST_F(PeerLinkTest, AStreamCutIntoSingleBytesCarriesTheSame) {
    network_.send_bytes_max = 3;
    network_.receive_bytes_max = 1;
    ASSERT_TRUE(connect());
    ASSERT_TRUE(link_->send(message_to(NodeId{2}, test::sample_append_entries())));
    ASSERT_TRUE(link_->send(test::sample_requests()));
    ASSERT_TRUE(until([this] { return receiver_.events.size() == 3; }));
    EXPECT_EQ(test::encoded(receiver_.messages[0].body), test::encoded(test::sample_append_entries()));
}

TEST_F(PeerLinkTest, CarriesEntriesOfMegabytes) {
    ASSERT_TRUE(connect());
    raft::AppendEntries message;
    message.term = Term{1};
    message.entries = {test::make_entry(1, 1, std::string(3 << 20, 'x')),
                       test::make_entry(2, 1, std::string(1 << 20, 'y'))};
    ASSERT_TRUE(link_->send(message_to(NodeId{2}, message)));
    ASSERT_TRUE(until([this] { return receiver_.messages.size() == 1; }));
    EXPECT_EQ(test::encoded(receiver_.messages[0].body), test::encoded(message));
}

// --- connecting ---

TEST_F(PeerLinkTest, KeepsTryingUntilThePeerIsThere) {
    start_link();
    run_for(10 * kSecondNs);
    EXPECT_FALSE(link_->connected());
    // 50 ms doubling to 1 s, each less up to a half: about 14 attempts in 10 s.
    EXPECT_GE(link_->stats().failed_attempts, 10u);
    EXPECT_LE(link_->stats().failed_attempts, 26u);
    EXPECT_EQ(std::count(log_.begin(), log_.end(), '\n'), 1) << log_;
    start_listener();
    EXPECT_TRUE(until([this] { return link_->connected(); }));
}

TEST_F(PeerLinkTest, ReconnectsWhenTheConnectionBreaks) {
    ASSERT_TRUE(connect());
    test::stop_and_join(reactor_, *listener_);
    ASSERT_TRUE(until([this] { return !link_->connected(); }));
    start_listener({.cluster = kCluster, .self = NodeId{2}, .incarnation = 21, .log_id = kOtherLog});
    ASSERT_TRUE(until([this] { return link_->connected(); }));
    EXPECT_THAT(sender_.events, ElementsAre("link 2 connected 20", "link 2 disconnected", "link 2 connected 21"));
}

TEST_F(PeerLinkTest, AHostThatDoesNotAnswerIsGivenUpAfterTheTimeout) {
    network_.connects_hang = true;
    start_link();
    run_for(1900 * kMillisecondNs);
    EXPECT_EQ(link_->stats().failed_attempts, 0u);
    run_for(200 * kMillisecondNs);
    EXPECT_EQ(link_->stats().failed_attempts, 1u);
    EXPECT_THAT(log_, HasSubstr("timed out"));
}

TEST_F(PeerLinkTest, APortThatAcceptsAndSaysNothingIsGivenUpAfterTheTimeout) {
    test::RawPeer mute(reactor_, flusher_);
    mute.answer(network_.listen(kEndpoint).value(), "");
    start_link();
    run_for(1900 * kMillisecondNs);
    EXPECT_FALSE(mute.ended());
    run_for(200 * kMillisecondNs);
    EXPECT_TRUE(mute.ended());
    EXPECT_THAT(log_, HasSubstr("no answer to the handshake"));
}

TEST_F(PeerLinkTest, AnAnswerFromAnotherNodeIsNoConnection) {
    test::RawPeer stranger(reactor_, flusher_);
    net::OutputBuffer ack;
    encode_hello_ack({.from = NodeId{3}, .incarnation = 1, .log_id = kLog}, ack);
    stranger.answer(network_.listen(kEndpoint).value(), ack.flatten());
    start_link();
    ASSERT_TRUE(until([&stranger] { return stranger.ended(); }));
    EXPECT_FALSE(link_->connected());
    EXPECT_TRUE(sender_.events.empty());
    EXPECT_THAT(log_, HasSubstr("node 3 answers at this address"));
}

TEST_F(PeerLinkTest, AServerOfAnotherProtocolIsNoConnection) {
    test::RawPeer redis(reactor_, flusher_);
    redis.answer(network_.listen(kEndpoint).value(), "-ERR unknown command 'KVPF', with args beginning with: \r\n");
    start_link();
    ASSERT_TRUE(until([&redis] { return redis.ended(); }));
    EXPECT_THAT(log_, HasSubstr("not a frame of the peer protocol"));
}

TEST_F(PeerLinkTest, BytesFromThePeerAfterTheHandshakeEndTheConnection) {
    test::RawPeer peer(reactor_, flusher_);
    net::OutputBuffer ack;
    encode_hello_ack({.from = NodeId{2}, .incarnation = 1, .log_id = kLog}, ack);
    encode_raft_message(kFirstGroup, raft::RequestVote{}, ack);
    network_.receive_bytes_max = net::kFrameHeaderBytes + 16;
    peer.answer(network_.listen(kEndpoint).value(), ack.flatten());
    start_link();
    ASSERT_TRUE(until([this] { return sender_.has("link 2 disconnected"); }));
    EXPECT_THAT(log_, HasSubstr("unexpected bytes"));
}

// --- the handshake as the listener sees it ---

struct BadHello {
    const char* name;
    Hello hello;
    const char* reason;
};

void PrintTo(const BadHello& bad, std::ostream* out) { *out << bad.name; }

class BadHelloTest : public PeerLinkTest, public ::testing::WithParamInterface<BadHello> {};

TEST_P(BadHelloTest, IsRejectedWithAReasonAndChangesNothing) {
    start_listener();
    test::RawPeer peer(reactor_, flusher_);
    peer.dial(kEndpoint, hello_text(GetParam().hello));
    ASSERT_TRUE(until([&peer] { return peer.ended(); }));
    EXPECT_EQ(peer.rejection(), GetParam().reason);
    EXPECT_THAT(log_, HasSubstr(GetParam().reason));
    EXPECT_EQ(listener_->stats().rejected, 1u);
    EXPECT_EQ(listener_->stats().handshakes, 0u);
    EXPECT_TRUE(receiver_.events.empty());
    EXPECT_TRUE(receiver_.known_logs.empty());
    ASSERT_TRUE(until([this] { return listener_->connection_count() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadHelloTest,
    ::testing::Values(
        BadHello{"Cluster",
                 {.cluster = ClusterId{0xbad}, .from = NodeId{1}, .log_id = kLog, .dialled = NodeId{2}},
                 "cluster bad, this is c1"},
        BadHello{"Dialled",
                 {.cluster = kCluster, .from = NodeId{1}, .log_id = kLog, .dialled = NodeId{3}},
                 "node 3 was dialled, this is node 2"},
        BadHello{"Itself",
                 {.cluster = kCluster, .from = NodeId{2}, .log_id = kLog, .dialled = NodeId{2}},
                 "node 2 is this node itself"},
        BadHello{"Stranger",
                 {.cluster = kCluster, .from = NodeId{9}, .log_id = kLog, .dialled = NodeId{2}},
                 "node 9 is not a member"},
        BadHello{"Version",
                 {.protocol_version = 10, .cluster = kCluster, .from = NodeId{1}, .log_id = kLog, .dialled = NodeId{2}},
                 "protocol version 10, this node speaks 9"}),
    [](const auto& parameter) { return parameter.param.name; });

TEST_F(PeerLinkTest, ARejectedLinkSaysWhyAndTriesAgain) {
    start_listener();
    PeerLinkConfig config = link_config();
    config.cluster = ClusterId{0xbad};
    start_link(config);
    ASSERT_TRUE(until([this] { return link_->stats().rejected >= 3; }));
    EXPECT_THAT(log_, HasSubstr("peer 2 at fake:7000: rejected: cluster bad, this is c1"));
    EXPECT_TRUE(sender_.events.empty());
    EXPECT_TRUE(receiver_.events.empty());
}

TEST_F(PeerLinkTest, GarbageClosesOnlyItsOwnConnection) {
    ASSERT_TRUE(connect());
    for (const std::string& garbage :
         {std::string("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), std::string(100'000, '\0'),
          std::string(5000, '\xff'), test::encoded(test::sample_append_entries())}) {
        test::RawPeer stranger(reactor_, flusher_);
        stranger.dial(kEndpoint, garbage);
        ASSERT_TRUE(until([&stranger] { return stranger.ended(); }));
        EXPECT_NE(stranger.rejection(), "");
    }
    EXPECT_EQ(listener_->stats().rejected, 4u);
    EXPECT_TRUE(receiver_.events.empty());
    ASSERT_TRUE(link_->send(message_to(NodeId{2}, raft::RequestVote{})));
    EXPECT_TRUE(until([this] { return receiver_.messages.size() == 1; }));
}

TEST_F(PeerLinkTest, AnotherFrameVersionIsRejected) {
    start_listener();
    std::string text = hello_text(good_hello());
    text[4] = net::kPeerProtocolVersion + 1;
    test::RawPeer peer(reactor_, flusher_);
    peer.dial(kEndpoint, text);
    ASSERT_TRUE(until([&peer] { return peer.ended(); }));
    EXPECT_EQ(peer.rejection(), fmt::format("protocol version {}, this node speaks {}", net::kPeerProtocolVersion + 1,
                                            net::kPeerProtocolVersion));
}

TEST_F(PeerLinkTest, HalfAHandshakeEndsWithTheTimeout) {
    start_listener();
    const std::string text = hello_text(good_hello());
    test::RawPeer peer(reactor_, flusher_);
    peer.dial(kEndpoint, text.substr(0, text.size() / 2));
    run_for(1900 * kMillisecondNs);
    EXPECT_FALSE(peer.ended());
    run_for(200 * kMillisecondNs);
    EXPECT_TRUE(peer.ended());
    EXPECT_EQ(peer.rejection(), "no handshake in time");
}

TEST_F(PeerLinkTest, AStrangerWhoReadsNothingCannotKeepItsConnection) {
    start_listener();
    network_.socket_buffer_bytes = 8;
    test::RawPeer peer(reactor_, flusher_);
    peer.dial(kEndpoint, "not a frame, and long enough to be seen as none");
    ASSERT_TRUE(until([this] { return listener_->stats().rejected == 1; }));
    network_.socket_buffer_bytes = 0;
    run_for(3 * kSecondNs);
    EXPECT_EQ(listener_->connection_count(), 0u);
}

TEST_F(PeerLinkTest, BytesBehindAHelloAreRefused) {
    start_listener();
    test::RawPeer peer(reactor_, flusher_);
    peer.dial(kEndpoint, hello_text(good_hello()) + test::encoded(raft::RequestVote{}));
    ASSERT_TRUE(until([&peer] { return peer.ended(); }));
    EXPECT_EQ(peer.rejection(), "no valid Hello");
    EXPECT_TRUE(receiver_.events.empty());
}

TEST_F(PeerLinkTest, ConnectionsAboveTheLimitAreClosed) {
    start_listener({.cluster = kCluster, .self = NodeId{2}, .log_id = kOtherLog, .connections_max = 1});
    test::RawPeer first(reactor_, flusher_);
    first.dial(kEndpoint, "");
    ASSERT_TRUE(until([this] { return listener_->connection_count() == 1; }));
    test::RawPeer second(reactor_, flusher_);
    second.dial(kEndpoint, "");
    ASSERT_TRUE(until([&second] { return second.ended(); }));
    EXPECT_FALSE(first.ended());
    EXPECT_EQ(listener_->stats().refused, 1u);
}

TEST_F(PeerLinkTest, AcceptGoesOnAfterAnError) {
    network_.accept_error = -EMFILE;
    ASSERT_TRUE(connect());
    EXPECT_EQ(listener_->stats().accept_errors, 1u);
    EXPECT_THAT(log_, HasSubstr("Too many open files"));
}

// --- an established connection ---

class EstablishedTest : public PeerLinkTest {
 protected:
    // A peer with a valid handshake that goes on with what the test says.
    void send_after_handshake(test::RawPeer& peer, Hello hello, std::string text) {
        // The Hello travels alone: the listener refuses more than that at first.
        network_.receive_bytes_max = hello_text(hello).size();
        peer.dial(kEndpoint, hello_text(hello) + text);
    }
};

TEST_F(EstablishedTest, ANewerConnectionReplacesTheOlder) {
    start_listener();
    test::RawPeer older(reactor_, flusher_);
    older.dial(kEndpoint, hello_text(good_hello()));
    ASSERT_TRUE(until([this] { return listener_->has_connection_of(NodeId{1}); }));
    test::RawPeer newer(reactor_, flusher_);
    Hello hello = good_hello();
    hello.incarnation = 11;
    newer.dial(kEndpoint, hello_text(hello));
    ASSERT_TRUE(until([&older] { return older.ended(); }));
    EXPECT_EQ(listener_->stats().replaced, 1u);
    EXPECT_FALSE(newer.ended());
    EXPECT_THAT(receiver_.events, ElementsAre("peer 1 (10) gone"));
}

TEST_F(EstablishedTest, AnEarlierIncarnationIsRejected) {
    start_listener();
    test::RawPeer current(reactor_, flusher_);
    current.dial(kEndpoint, hello_text(good_hello()));
    ASSERT_TRUE(until([this] { return listener_->has_connection_of(NodeId{1}); }));
    test::RawPeer ghost(reactor_, flusher_);
    Hello hello = good_hello();
    hello.incarnation = 9;
    ghost.dial(kEndpoint, hello_text(hello));
    ASSERT_TRUE(until([&ghost] { return ghost.ended(); }));
    EXPECT_EQ(ghost.rejection(), "incarnation 9 of node 1 is over");
    EXPECT_FALSE(current.ended());
    EXPECT_TRUE(receiver_.events.empty());
}

TEST_F(EstablishedTest, WhatIsMalformedClosesTheConnection) {
    net::OutputBuffer bad_vote;
    net::FrameWriter(bad_vote, net::FrameType::kRequestVote).finish();
    raft::AppendEntries gap = test::sample_append_entries();
    gap.prev_log_index = LogIndex{500};
    net::OutputBuffer bad_requests;
    net::FrameWriter(bad_requests, net::FrameType::kForwardRequests).finish();
    net::OutputBuffer bad_replies;
    net::FrameWriter(bad_replies, net::FrameType::kForwardReplies).finish();
    const std::vector<std::string> texts{bad_vote.flatten(),    test::encoded(gap),       bad_requests.flatten(),
                                         bad_replies.flatten(), hello_text(good_hello()), std::string(100, 'x')};
    start_listener();
    uint64_t broken = 0;
    for (const std::string& text : texts) {
        receiver_.events.clear();
        test::RawPeer peer(reactor_, flusher_);
        send_after_handshake(peer, good_hello(), text);
        ASSERT_TRUE(until([&peer] { return peer.ended(); }));
        EXPECT_EQ(peer.rejection(), "");
        EXPECT_EQ(listener_->stats().broken, ++broken);
        EXPECT_THAT(receiver_.events, ElementsAre("peer 1 (10) gone"));
    }
}

TEST_F(EstablishedTest, AFrameCutByTheEndOfTheConnectionIsDropped) {
    start_listener();
    test::RawPeer peer(reactor_, flusher_);
    const std::string message = test::encoded(test::sample_append_entries());
    send_after_handshake(peer, good_hello(), message + message.substr(0, message.size() - 1));
    ASSERT_TRUE(until([this] { return receiver_.messages.size() == 1; }));
    run_for(kMillisecondNs);
    peer.hang_up();
    ASSERT_TRUE(until([this] { return receiver_.has("peer 1 (10) gone"); }));
    EXPECT_THAT(receiver_.events, ElementsAre("raft 1->2 #2", "peer 1 (10) gone"));
    EXPECT_EQ(listener_->stats().broken, 0u);
}

TEST_F(EstablishedTest, NothingIsDispatchedAfterTheHandlerStoppedTheListener) {
    ASSERT_TRUE(connect());
    receiver_.on_message = [this] { listener_->request_stop(); };
    for (int i = 0; i < 3; ++i)
        link_->send(message_to(NodeId{2}, raft::RequestVote{}));
    ASSERT_TRUE(until([this] { return receiver_.has("peer 1 (10) gone"); }));
    EXPECT_EQ(receiver_.messages.size(), 1u);
}

// --- limits and loss ---

TEST_F(EstablishedTest, WithoutAConnectionNothingIsQueued) {
    start_link();
    EXPECT_FALSE(link_->send(message_to(NodeId{2}, raft::RequestVote{})));
    EXPECT_FALSE(link_->send(request(1)));
    EXPECT_FALSE(link_->send(test::sample_replies()));
    EXPECT_TRUE(sender_.events.empty()) << "the owner is not called from inside send()";
    ASSERT_TRUE(until([this] { return sender_.has("link 2 unreachable"); }));
    EXPECT_EQ(link_->stats().dropped_messages, 1u);
    EXPECT_EQ(link_->stats().refused_requests, 1u);
    EXPECT_EQ(link_->stats().refused_replies, 2u);
}

TEST_F(EstablishedTest, ASlowPeerCostsBoundedMemory) {
    start_listener();
    PeerLinkConfig config = link_config();
    config.queue_bytes_max = 100'000;
    start_link(config);
    ASSERT_TRUE(until([this] { return link_->connected(); }));
    network_.receivers_sleep = true;
    raft::AppendEntries message = test::sample_append_entries();
    const size_t message_bytes = test::encoded(message).size();
    for (int i = 0; i < 1000; ++i) {
        link_->send(message_to(NodeId{2}, message));
        if (i % 10 == 0) reactor_.turn(network_.monotonic_ns());
        ASSERT_LE(link_->queued_bytes(), config.queue_bytes_max + message_bytes);
    }
    EXPECT_GT(link_->stats().dropped_messages, 500u);
    EXPECT_FALSE(link_->send(request(1)));
    ASSERT_TRUE(until([this] { return sender_.has("link 2 unreachable"); }));
    EXPECT_TRUE(link_->connected());
    // It reads again: what was queued arrives, and there is room for more.
    network_.receivers_sleep = false;
    const size_t accepted = 1000 - link_->stats().dropped_messages;
    ASSERT_TRUE(until([&] { return receiver_.messages.size() == accepted; }));
    EXPECT_TRUE(link_->send(message_to(NodeId{2}, message)));
}

TEST_F(EstablishedTest, AConnectionOnWhichNothingMovesIsGivenUp) {
    ASSERT_TRUE(connect());
    network_.receivers_sleep = true;
    network_.socket_buffer_bytes = 0;
    link_->send(message_to(NodeId{2}, raft::RequestVote{}));
    run_for(11 * kSecondNs);
    EXPECT_EQ(link_->stats().stalls, 1u);
    EXPECT_TRUE(sender_.has("link 2 disconnected"));
}

TEST_F(EstablishedTest, AnIdleConnectionStays) {
    ASSERT_TRUE(connect());
    run_for(60 * kSecondNs);
    EXPECT_TRUE(link_->connected());
    EXPECT_EQ(link_->stats().connects, 1u);
}

TEST_F(EstablishedTest, ABrokenSendReconnects) {
    ASSERT_TRUE(connect());
    network_.send_fails = true;
    link_->send(message_to(NodeId{2}, raft::RequestVote{}));
    ASSERT_TRUE(until([this] { return sender_.has("link 2 disconnected"); }));
    EXPECT_THAT(log_, HasSubstr("Connection reset by peer"));
    network_.send_fails = false;
    EXPECT_TRUE(until([this] { return link_->connected(); }));
}

TEST_F(EstablishedTest, AHelloWhoseSendFailedIsNoConnectionEvenIfItIsAnswered) {
    network_.send_fails = true;
    start_link();
    test::RawPeer peer(reactor_, flusher_);
    net::OutputBuffer ack;
    encode_hello_ack({.from = NodeId{2}, .incarnation = 1, .log_id = kLog}, ack);
    peer.answer(network_.listen(kEndpoint).value(), ack.flatten());
    ASSERT_TRUE(until([&peer] { return peer.ended(); }));
    EXPECT_FALSE(link_->connected());
    EXPECT_TRUE(sender_.events.empty());
    EXPECT_EQ(link_->stats().connects, 0u);
}

TEST_F(EstablishedTest, RequestsThatNeverReachedTheKernelAreNamedWhenTheLinkDrops) {
    ASSERT_TRUE(connect());
    network_.receivers_sleep = true;
    network_.socket_buffer_bytes = 50;
    ASSERT_TRUE(link_->send(request(1)));  // in the kernel, in part: its outcome is unknown
    for (int i = 0; i < 3; ++i)
        reactor_.turn(network_.monotonic_ns());
    ASSERT_TRUE(link_->send(request(2)));  // behind it, still ours
    for (int i = 0; i < 3; ++i)
        reactor_.turn(network_.monotonic_ns());
    ASSERT_TRUE(link_->send(request(3)));
    link_->request_stop();
    ASSERT_TRUE(until([this] { return sender_.has("link 2 disconnected"); }));
    EXPECT_THAT(sender_.unsent_ids, ElementsAre(2, 3));
    EXPECT_TRUE(receiver_.events.empty());
}

TEST_F(EstablishedTest, RequestsThatArrivedAreNotNamed) {
    ASSERT_TRUE(connect());
    for (uint64_t id = 1; id <= 50; ++id)
        ASSERT_TRUE(link_->send(request(id)));
    ASSERT_TRUE(until([this] { return receiver_.events.size() == 50; }));
    link_->request_stop();
    ASSERT_TRUE(until([this] { return sender_.has("link 2 disconnected"); }));
    EXPECT_TRUE(sender_.unsent_ids.empty());
}

TEST_F(EstablishedTest, ARequestTooLargeToForwardIsRefused) {
    ASSERT_TRUE(connect());
    const std::string huge(kForwardRequestBytesMax, 'x');
    EXPECT_FALSE(link_->send(request(1, huge)));
    EXPECT_TRUE(link_->send(request(2)));
}

// --- stopping ---

TEST_F(EstablishedTest, StopsInTheMiddleOfConnecting) {
    network_.connects_hang = true;
    start_link();
    run_for(10 * kMillisecondNs);
    EXPECT_EQ(network_.operations_in_flight(), 1u);
    test::stop_and_join(reactor_, *link_);
    EXPECT_EQ(network_.operations_in_flight(), 0u);
}

TEST_F(EstablishedTest, StopsInTheMiddleOfThePause) {
    start_link();
    run_for(10 * kMillisecondNs);
    const uint64_t before_ns = network_.monotonic_ns();
    test::stop_and_join(reactor_, *link_);
    EXPECT_EQ(network_.monotonic_ns(), before_ns);
}

TEST_F(EstablishedTest, StopsInTheMiddleOfAHandshake) {
    test::RawPeer mute(reactor_, flusher_);
    mute.answer(network_.listen(kEndpoint).value(), "");
    start_link();
    run_for(10 * kMillisecondNs);
    test::stop_and_join(reactor_, *link_);
    EXPECT_TRUE(until([&mute] { return mute.ended(); }));
}

TEST_F(EstablishedTest, AStoppedListenerClosesStrangersToo) {
    start_listener();
    test::RawPeer stranger(reactor_, flusher_);
    stranger.dial(kEndpoint, "");
    ASSERT_TRUE(until([this] { return listener_->connection_count() == 1; }));
    test::stop_and_join(reactor_, *listener_);
    EXPECT_TRUE(until([&stranger] { return stranger.ended(); }));
    EXPECT_EQ(listener_->connection_count(), 0u);
}

TEST_F(PeerLinkTest, ALargeCommandArrivesWholeWithOtherMessagesBetweenItsPieces) {
    ASSERT_TRUE(connect());
    PackedCommand command(2);
    for (const std::string& argument : {std::string("DEL"), std::string(3'000'000, 'k')}) {
        command.begin_argument(static_cast<uint32_t>(argument.size()));
        command.append(argument);
    }
    const std::string_view bytes = as_text(command.bytes());
    uint64_t sent = 0;
    bool waited = false;
    while (sent < bytes.size()) {
        const std::string_view piece = bytes.substr(sent, kForwardPieceBytes);
        const PieceStatus status = link_->send(ForwardPiece{.session_id = 5, .offset = sent, .bytes = piece});
        ASSERT_NE(status, PieceStatus::kBeginAgain);
        if (status == PieceStatus::kWait) {
            waited = true;
            EXPECT_EQ(link_->send(ForwardPiece{.session_id = 6, .offset = 0, .bytes = "x"}), PieceStatus::kWait);
            link_->send(message_to(NodeId{2}, raft::RequestVoteReply{}));
            const size_t told = sender_.count("link 2 has room");
            ASSERT_TRUE(until([&] { return sender_.count("link 2 has room") > told; }));
            continue;
        }
        sent += piece.size();
    }
    EXPECT_TRUE(waited);
    EXPECT_FALSE(link_->send_large({.request_id = 9, .session_id = 5, .arguments = {}}, sent + 1));
    EXPECT_TRUE(link_->send_large({.request_id = 9, .session_id = 5, .arguments = {}}, sent));
    ASSERT_TRUE(until([&] { return receiver_.has("large request 9 from 1: DEL with 2 arguments"); }));
    EXPECT_TRUE(receiver_.has("raft 1->2 #1"));
    EXPECT_EQ(link_->send(ForwardPiece{.session_id = 6, .offset = 0, .bytes = "x"}), PieceStatus::kSent);
}

TEST_F(PeerLinkTest, ALargeCommandWhoseClientIsGoneGivesItsPlaceUp) {
    ASSERT_TRUE(connect());
    EXPECT_EQ(link_->send(ForwardPiece{.session_id = 5, .offset = 0, .bytes = "begun"}), PieceStatus::kSent);
    EXPECT_EQ(link_->send(ForwardPiece{.session_id = 6, .offset = 0, .bytes = "x"}), PieceStatus::kWait);
    run_for(1500 * kMillisecondNs);
    EXPECT_EQ(link_->send(ForwardPiece{.session_id = 6, .offset = 0, .bytes = "x"}), PieceStatus::kSent);
    EXPECT_EQ(link_->send(ForwardPiece{.session_id = 5, .offset = 5, .bytes = "late"}), PieceStatus::kBeginAgain);
}

}  // namespace
}  // namespace kvorum::peers
