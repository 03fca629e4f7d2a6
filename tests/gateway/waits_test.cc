// WAIT: how many members hold what its session wrote before it.
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

class GatewayWait : public GatewayTest {
 protected:
    GatewayWait() { lead(); }
};

TEST_F(GatewayWait, IsAnsweredWhenEnoughMembersHoldWhatWasWritten) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    submit(client, "wait 2 0");
    group_.replicas = 2;
    turns();
    EXPECT_EQ(client.replies, Replies{}) << "the write before it is not answered";
    group_.replicas = 1;
    group_.apply();
    turns();
    EXPECT_EQ(client.replies, Replies{ok()});
    group_.replicas = 2;
    turn();
    EXPECT_EQ(client.replies, (Replies{ok(), integer(2)}));
}

TEST_F(GatewayWait, SaysHowManyThereWereWhenItsTimeIsOver) {
    FakeClient& client = new_client();
    group_.replicas = 1;
    submit(client, "wait 2 100");
    pass_ms(99);
    turns();
    EXPECT_EQ(client.replies, Replies{});
    pass_ms(1);
    turns();
    EXPECT_EQ(client.replies, Replies{integer(1)});
}

TEST_F(GatewayWait, ForNobodyIsAnsweredAtOnce) {
    FakeClient& client = new_client();
    submit(client, "wait -5 0");
    turns();
    EXPECT_EQ(client.replies, Replies{integer(0)});
}

TEST_F(GatewayWait, WithoutALeaderIsNotExecuted) {
    FakeClient& client = new_client();
    submit(client, "wait 1 0");
    turns();
    know_no_leader(2);
    turns();
    EXPECT_EQ(client.replies, Replies{error(kLeadershipLost)});
}

TEST_F(GatewayWait, WhatIsNoNumberIsAnError) {
    FakeClient& client = new_client();
    submit(client, "wait x 0");
    submit(client, "wait 1 x");
    submit(client, "wait 1 -1");
    submit(client, "wait 1 9223372036854775807");
    turns();
    EXPECT_EQ(client.replies, (Replies{not_integer(), error("ERR timeout is not an integer or out of range"),
                                       error("ERR timeout is negative"), error("ERR timeout is out of range")}));
}

TEST_F(GatewayWait, KeepsWhatFollowsFromBeingRouted) {
    FakeClient& client = new_client();
    submit(client, "wait 1 0");
    submit(client, "set k 1");
    turns();
    EXPECT_EQ(group_.writes(), 0u);
    gateway_.end_input(client.lane);
    group_.replicas = 1;
    turns();
    EXPECT_EQ(group_.writes(), 1u) << "its client sends no more, but there is a leader";
}

}  // namespace
}  // namespace kvorum::gateway
