// Two ends of a handshake tell each other their logs; a node with another log than the one by which it is known gets no
// connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/peers/peer_link_fixture.h"

namespace kvorum::peers {
namespace {

using test::hello_text;
using test::kEndpoint;
using test::kLog;
using test::kOtherLog;
using test::PeerLinkTest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class KnownLogsTest : public PeerLinkTest {};

TEST_F(KnownLogsTest, AHandshakeTellsEachEndTheLogOfTheOther) {
    ASSERT_TRUE(connect());
    EXPECT_THAT(sender_.known_logs, ElementsAre(std::pair(NodeId{2}, kOtherLog)));
    EXPECT_THAT(receiver_.known_logs, ElementsAre(std::pair(NodeId{1}, kLog)));
}

TEST_F(KnownLogsTest, ANodeWithAnotherLogIsRejectedAndChangesNothing) {
    ASSERT_TRUE(connect());
    test::RawPeer wiped(reactor_, flusher_);
    Hello hello = good_hello();
    hello.log_id = LogId{0xabc};
    hello.incarnation = 99;
    wiped.dial(kEndpoint, hello_text(hello));
    ASSERT_TRUE(until([&wiped] { return wiped.ended(); }));
    RejectCode code{};
    EXPECT_EQ(wiped.rejection(code),
              "node 1 is known by its log 0000000000000101, but comes with log 0000000000000abc");
    EXPECT_EQ(code, RejectCode::kOtherLog);
    EXPECT_EQ(listener_->stats().other_logs, 1u);
    EXPECT_TRUE(receiver_.events.empty());
    EXPECT_EQ(receiver_.known_logs.at(NodeId{1}), kLog);
    EXPECT_TRUE(link_->connected()) << "the node with the right log keeps its connection";
}

TEST_F(KnownLogsTest, ANodeWithAnotherLogLearnsThatWhicheverIncarnationItHas) {
    ASSERT_TRUE(connect());
    test::RawPeer wiped(reactor_, flusher_);
    Hello hello = good_hello();
    hello.log_id = LogId{0xabc};
    hello.incarnation = 1;
    wiped.dial(kEndpoint, hello_text(hello));
    ASSERT_TRUE(until([&wiped] { return wiped.ended(); }));
    RejectCode code{};
    EXPECT_NE(wiped.rejection(code), "");
    EXPECT_EQ(code, RejectCode::kOtherLog);
}

TEST_F(KnownLogsTest, AnAnswerWithAnotherLogIsNoConnection) {
    sender_.known_logs[NodeId{2}] = LogId{0xabc};
    start_listener();
    start_link();
    ASSERT_TRUE(until([this] { return link_->stats().other_logs >= 3; }));
    EXPECT_EQ(link_->stats().connects, 0u);
    EXPECT_TRUE(sender_.events.empty());
    EXPECT_TRUE(receiver_.messages.empty());
    const std::string reason = "node 2 is known by its log 0000000000000abc, but comes with log 0000000000000102";
    EXPECT_THAT(log_, HasSubstr(reason));
    EXPECT_EQ(log_.find(reason, log_.find(reason) + 1), std::string::npos) << "one line, however often it is tried";
}

TEST_F(KnownLogsTest, TheOwnerIsToldThatItsNodeIsKnownByAnotherLog) {
    receiver_.known_logs[NodeId{1}] = LogId{0xabc};
    start_listener();
    start_link();
    ASSERT_TRUE(until([this] { return link_->stats().rejected > 0; }));
    EXPECT_THAT(sender_.events, ElementsAre("disowned by 2: node 1 is known by its log 0000000000000abc, but comes "
                                            "with log 0000000000000101"));
    EXPECT_FALSE(link_->connected());
}

}  // namespace
}  // namespace kvorum::peers
