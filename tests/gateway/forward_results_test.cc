// What becomes of forwarded commands, as their leader says it or as nobody says it any more.
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

using Lines = std::vector<std::string>;

class GatewayForwarding : public GatewayTest {
 protected:
    GatewayForwarding() { follow(kOther, 1); }
};

TEST_F(GatewayForwarding, RepliesAreGivenInOrderHoweverTheyCome) {
    FakeClient& client = new_client();
    for (const char* line : {"set k 1", "get k", "incr k"})
        submit(client, line);
    answer(2, Outcome::kExecuted, integer(2));
    answer(1, Outcome::kExecuted, bulk("1"));
    turns();
    EXPECT_EQ(client.replies, Replies{});
    answer(0, Outcome::kExecuted, ok());
    turns();
    EXPECT_EQ(client.replies, (Replies{ok(), bulk("1"), integer(2)}));
}

TEST_F(GatewayForwarding, PartsOfAReplyGoOnBeforeItsEnd) {
    FakeClient& client = new_client();
    submit(client, "getset k 1");
    answer(0, Outcome::kPart, "$4\r\nab");
    turns();
    EXPECT_EQ(client.begun, "$4\r\nab");
    answer(0, Outcome::kExecuted, "cd\r\n");
    turns();
    EXPECT_EQ(client.replies, Replies{bulk("abcd")});
}

TEST_F(GatewayForwarding, PartsWaitUntilTheirReplyIsNext) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    submit(client, "get k");
    answer(1, Outcome::kPart, "$4\r\nab");
    turns();
    EXPECT_EQ(client.begun, "");
    answer(0, Outcome::kExecuted, ok());
    answer(1, Outcome::kExecuted, "cd\r\n");
    turns();
    EXPECT_EQ(client.replies, (Replies{ok(), bulk("abcd")}));
}

TEST_F(GatewayForwarding, PartsWaitForRoom) {
    FakeClient& client = new_client();
    submit(client, "getset k 1");
    client.has_room = false;
    answer(0, Outcome::kPart, "$4\r\nab");
    turns();
    EXPECT_EQ(client.begun, "");
    give_room(client);
    turns();
    EXPECT_EQ(client.begun, "$4\r\nab");
}

TEST_F(GatewayForwarding, AClientThatHasPartsOfAReplyIsCutOffWhenTheRestIsLost) {
    FakeClient& client = new_client();
    submit(client, "getset k 1");
    answer(0, Outcome::kPart, "$4\r\nab");
    turns();
    lose_link(kOther, 1);
    turns();
    EXPECT_TRUE(client.is_cut_off);
    EXPECT_EQ(peers_.requests.size(), 1u);
}

// Behind a write of its session a read is at the leader too.
TEST_F(GatewayForwarding, PartsThatNobodyHasSeenAreForgottenAndTheReadIsRepeated) {
    put("k", "v");
    FakeClient& client = new_client();
    submit(client, "set a 1");
    submit(client, "get k");
    answer(0, Outcome::kExecuted, ok());
    turns();
    client.has_room = false;
    answer(1, Outcome::kPart, "$4\r\nab");
    turns();
    lose_link(kOther, 2);
    give_room(client);
    turns();
    ASSERT_EQ(group_.reads(), 1u);
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, (Replies{ok(), bulk("v")}));
    EXPECT_FALSE(client.is_cut_off);
}

TEST_F(GatewayForwarding, ALeaderThatContradictsItselfMixesNoReplies) {
    FakeClient& client = new_client();
    submit(client, "getset k 1");
    answer(0, Outcome::kPart, "$4\r\nab");
    turns();
    answer(0, Outcome::kNotExecuted);
    turns();
    EXPECT_TRUE(client.is_cut_off);
}

TEST_F(GatewayForwarding, WhatWasNotExecutedIsSentAgainOnce) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    answer(0, Outcome::kNotExecuted);
    answer(0, Outcome::kNotExecuted);
    turns();
    EXPECT_EQ(peers_.lines(), (Lines{"set k 1", "set k 1"}));
    answer(1, Outcome::kExecuted, ok());
    turns();
    EXPECT_EQ(client.replies, Replies{ok()});
}

TEST_F(GatewayForwarding, AWriteOfUnknownOutcomeIsNeverSentAgain) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    answer(0, Outcome::kUnknown);
    turns();
    EXPECT_EQ(client.replies, Replies{error(kUncertain)});
    EXPECT_EQ(client.classes, std::vector{ReplyClass::kUnknown});
    EXPECT_EQ(peers_.requests.size(), 1u);
}

TEST_F(GatewayForwarding, AReadOfUnknownOutcomeIsRepeated) {
    put("k", "v");
    FakeClient& client = new_client();
    submit(client, "set a 1");
    submit(client, "get k");
    answer(0, Outcome::kExecuted, ok());
    answer(1, Outcome::kUnknown);
    turns();
    ASSERT_EQ(group_.reads(), 1u);
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, (Replies{ok(), bulk("v")}));
}

TEST_F(GatewayForwarding, LateAndSecondRepliesAreIgnored) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    answer(0, Outcome::kExecuted, ok());
    answer(0, Outcome::kExecuted, ok());
    answer(0, Outcome::kPart, "+");
    turns();
    pass_ms(1);
    submit(client, "set k 2");
    pass_ms(config_.outcome_wait_ms + 1);
    sweep();
    answer(1, Outcome::kExecuted, ok());
    turns();
    EXPECT_EQ(client.replies, (Replies{ok(), error(kUncertain)}));
}

TEST_F(GatewayForwarding, OfALostLinkOnlyWhatHadNotLeftIsSentAgain) {
    FakeClient& client = new_client();
    for (const char* line : {"set a 1", "set b 1", "set c 1"})
        submit(client, line);
    lose_link(kOther, 1);
    turns();
    EXPECT_EQ(client.replies, Replies{error(kUncertain)});
    EXPECT_EQ(peers_.lines(), (Lines{"set a 1", "set b 1", "set c 1", "set b 1", "set c 1"}));
}

TEST_F(GatewayForwarding, WhenAnswersCanNoLongerComeTheOutcomeIsUnknown) {
    FakeClient& client = new_client();
    submit(client, "set a 1");
    gateway_.on_answers_lost(kThird);
    turns();
    EXPECT_EQ(client.replies, Replies{});
    gateway_.on_answers_lost(kOther);
    turns();
    EXPECT_EQ(client.replies, Replies{error(kUncertain)});
}

TEST_F(GatewayForwarding, TheLeaderIsToldWhatWasTaken) {
    FakeClient& client = new_client();
    submit(client, "getset a 1");
    submit(client, "getset b 1");
    const std::string reply = bulk(std::string(200'000, 'v'));
    answer(0, Outcome::kExecuted, reply);
    client.has_room = false;
    turns();
    EXPECT_EQ(peers_.credits, std::vector<FakePeers::Credit>{}) << "the client has not taken it";
    client.has_room = true;
    peers_.takes_credit = false;
    gateway_.wake(client.lane);
    turns();
    peers_.takes_credit = true;
    answer(1, Outcome::kExecuted, null());
    turns();
    EXPECT_EQ(peers_.credits,
              (std::vector<FakePeers::Credit>{{client.lane.session_id(), reply.size() + null().size()}}));
}

TEST_F(GatewayForwarding, ANewLeaderIsNotToldOfWhatTheOldOneSent) {
    FakeClient& client = new_client();
    submit(client, "getset a 1");
    client.has_room = false;
    answer(0, Outcome::kExecuted, bulk(std::string(200'000, 'v')));
    turns();
    follow(kThird, 2);
    client.has_room = true;
    submit(client, "getset b 1");
    turns();
    EXPECT_EQ(peers_.credits, std::vector<FakePeers::Credit>{});
}

TEST_F(GatewayForwarding, TheLeaderIsToldOfAClientThatLeft) {
    FakeClient& client = new_client();
    submit(client, "getset a 1");
    disconnect(client);
    EXPECT_EQ(peers_.credits, (std::vector<FakePeers::Credit>{{1, peers::kCreditOfNobody}}));
    answer(0, Outcome::kExecuted, bulk("v"));
    turns();
    EXPECT_EQ(client.replies, Replies{});
}

TEST_F(GatewayForwarding, AWriteWithPartsOfItsReplyIsCutOffInTime) {
    FakeClient& client = new_client();
    submit(client, "getset a 1");
    answer(0, Outcome::kPart, "$4\r\nab");
    turns();
    pass_ms(config_.outcome_wait_ms + 1);
    sweep();
    EXPECT_TRUE(client.is_cut_off);
}

TEST_F(GatewayForwarding, AWaitIsForwardedAndRepeatedLikeARead) {
    FakeClient& client = new_client();
    submit(client, "wait 1 0");
    answer(0, Outcome::kUnknown);
    turns();
    ASSERT_EQ(peers_.lines(), (Lines{"wait 1 0", "wait 1 0"}));
    answer(1, Outcome::kExecuted, integer(1));
    turns();
    EXPECT_EQ(client.replies, Replies{integer(1)});
}

}  // namespace
}  // namespace kvorum::gateway
