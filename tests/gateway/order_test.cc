// The order of one session, whatever the order of outcomes; and that sessions do not wait for each other.
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

class GatewayOrder : public GatewayTest {
 protected:
    GatewayOrder() { lead(); }
};

TEST_F(GatewayOrder, WritesAreAnsweredWhenTheyAreApplied) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    submit(client, "incr k");
    turns();
    EXPECT_EQ(client.replies, Replies{});
    group_.apply(1);
    EXPECT_EQ(client.replies, Replies{ok()});
    group_.apply();
    EXPECT_EQ(client.replies, (Replies{ok(), integer(2)}));
    turns();
}

TEST_F(GatewayOrder, UnderALeaseAReadIsAnsweredWhereItStands) {
    put("k", "v");
    group_.has_lease = true;
    FakeClient& client = new_client();
    EXPECT_TRUE(submit(client, "get k"));
    EXPECT_EQ(client.replies, Replies{bulk("v")});
    EXPECT_EQ(counters_.lease_reads, 1u);
}

TEST_F(GatewayOrder, WithoutALeaseAReadWaitsForItsRound) {
    put("k", "v");
    FakeClient& client = new_client();
    EXPECT_FALSE(submit(client, "get k"));
    turns();
    EXPECT_EQ(client.replies, Replies{});
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, Replies{bulk("v")});
}

TEST_F(GatewayOrder, AReadDoesNotOvertakeAWriteOfItsSession) {
    group_.has_lease = true;
    FakeClient& client = new_client();
    submit(client, "set k 1");
    EXPECT_FALSE(submit(client, "get k"));
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, Replies{}) << "the round says nothing of the write before it";
    group_.apply();
    turns();
    EXPECT_EQ(client.replies, (Replies{ok(), bulk("1")}));
}

TEST_F(GatewayOrder, AReadIsAnsweredAtTheLatestBeforeALaterWriteOfItsSessionIsApplied) {
    put("k", "old");
    FakeClient& client = new_client();
    submit(client, "get k");
    submit(client, "set k new");
    turns();
    group_.apply();
    EXPECT_EQ(client.replies, (Replies{bulk("old"), ok()})) << "its round was never served";
    turns();
}

TEST_F(GatewayOrder, ACommandAboutTheNodeHasItsTurnBetweenTheOthers) {
    FakeClient& client = new_client();
    submit_ping(client);
    EXPECT_EQ(client.replies, Replies{simple("ping")}) << "nothing stands before it";
    submit(client, "set k 1");
    submit_ping(client);
    submit(client, "incr k");
    turns();
    EXPECT_EQ(client.replies.size(), 1u);
    group_.apply();
    turns();
    EXPECT_EQ(client.replies, (Replies{simple("ping"), ok(), simple("ping"), integer(2)}));
}

TEST_F(GatewayOrder, WhatIsWrongAtOnceIsSaidInItsTurn) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    gateway_.submit_error(client.lane, kUnknownCommand, "ERR unknown command", true, 0);
    submit(client, "set k 1 nonsense");
    submit(client, "get k");
    turns();
    EXPECT_EQ(client.replies, Replies{});
    group_.apply();
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, (Replies{ok(), error("ERR unknown command"), syntax_error(), bulk("1")}));
}

TEST_F(GatewayOrder, BehindWhatHoldsTheInputNothingIsRoutedBeforeItIsAnswered) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    submit_hello(client);
    EXPECT_TRUE(client.lane.holds_input());
    submit(client, "incr k");
    turns();
    EXPECT_EQ(group_.writes(), 1u);
    group_.apply();
    turns();
    EXPECT_FALSE(client.lane.holds_input());
    EXPECT_EQ(client.replies, (Replies{ok(), simple("hello")}));
    EXPECT_EQ(group_.writes(), 1u) << "its turn has come";
}

TEST_F(GatewayOrder, WhatIsAnsweredInTheSameLookLetsTheNextGo) {
    FakeClient& client = new_client();
    submit(client, "wait 0 0");
    submit(client, "wait 0 0");
    submit(client, "wait 0 0");
    submit(client, "set k 1");
    turns();
    EXPECT_EQ(client.replies, (Replies{integer(0), integer(0), integer(0)}));
    EXPECT_EQ(group_.writes(), 1u);
}

TEST_F(GatewayOrder, ABarrierBehindARefusedCommandDoesNotKeepTheNextFromGoing) {
    FakeClient& client = new_client();
    know_no_leader(2);
    submit(client, "set k 1 nonsense");
    submit_hello(client);
    submit(client, "set k 1");
    turns();
    lead(3);
    turns();
    EXPECT_EQ(client.replies, (Replies{syntax_error(), simple("hello")}));
    EXPECT_EQ(group_.writes(), 1u);
}

TEST_F(GatewayOrder, SessionsDoNotWaitForEachOther) {
    FakeClient& waiting = new_client();
    FakeClient& other = new_client();
    put("k", "v");
    submit(waiting, "wait 2 0");
    submit(waiting, "get k");
    submit(other, "get k");
    turns();
    group_.serve_reads();
    turns();
    EXPECT_EQ(waiting.replies, Replies{});
    EXPECT_EQ(other.replies, Replies{bulk("v")});
}

TEST_F(GatewayOrder, WhatHappensToTheCommandsOfASessionThatIsGoneIsToldToNobody) {
    FakeClient& client = new_client();
    FakeClient& later = new_client();
    submit(client, "set k 1");
    submit(client, "get k");
    disconnect(client);
    FakeClient& in_its_slot = new_client();
    submit(later, "get k");
    group_.apply();
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, Replies{});
    EXPECT_EQ(in_its_slot.replies, Replies{});
    EXPECT_EQ(later.replies, Replies{bulk("1")});
}

TEST_F(GatewayOrder, AReplyThatTakesSeveralTurnsIsNotMixedWithOthers) {
    put("k", std::string(2 * kMiB, 'v'));
    FakeClient& client = new_client();
    submit(client, "getset k small");
    submit(client, "get k");
    submit_ping(client);
    turns();
    ASSERT_FALSE(group_.apply_step(1));
    pass_ms(config_.outcome_wait_ms + 1);
    sweep();
    EXPECT_EQ(client.replies, Replies{});
    while (!group_.apply_step(100'000)) {
        EXPECT_NE(client.begun, "");
        turn();
    }
    turns();
    group_.serve_reads();
    turns();
    ASSERT_EQ(client.replies.size(), 3u);
    EXPECT_EQ(client.replies[0], bulk(std::string(2 * kMiB, 'v')));
    EXPECT_EQ(client.replies[1], bulk("small"));
    EXPECT_EQ(client.replies[2], simple("ping"));
}

}  // namespace
}  // namespace kvorum::gateway
