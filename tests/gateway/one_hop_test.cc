// What is different for the clients of other nodes: the rules of gateway/one_hop.h.
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

class GatewayOneHop : public GatewayTest {
 protected:
    FakeClient& client_ = new_client_of_other_node();
};

TEST_F(GatewayOneHop, AReadUnderALeaseHasItsPlaceToo) {
    put("k", "v");
    group_.has_lease = true;
    lead();
    EXPECT_FALSE(submit(client_, "get k"));
    EXPECT_EQ(client_.lane.queue().front().origin_id, origin_id_);
    group_.serve_reads();
    turns();
    EXPECT_EQ(client_.replies, Replies{bulk("v")});
}

TEST_F(GatewayOneHop, NothingIsForwardedOnAndNothingWaitsForALeader) {
    follow(kThird, 2);
    submit(client_, "set k 1");
    turns();
    EXPECT_EQ(client_.replies, Replies{error(kNotLeader)});
    EXPECT_EQ(client_.classes, std::vector{ReplyClass::kNotExecuted});
    EXPECT_EQ(peers_.requests.size(), 0u);
}

// Its node would send the first again, behind the second.
TEST_F(GatewayOneHop, WhatWasSentInATermIsNotCarriedOutInALaterOne) {
    lead(1);
    submit(client_, "append k 1");
    client_.has_room = false;
    submit(client_, "append k 2");
    turns();
    ASSERT_EQ(client_.lane.parked(), 1u);
    follow(kOther, 2);
    lead(3);
    give_room(client_);
    turns();
    group_.apply();
    turns();
    EXPECT_EQ(client_.replies.size(), 2u);
    EXPECT_EQ(client_.classes, (std::vector{ReplyClass::kNotExecuted, ReplyClass::kNotExecuted}));
    EXPECT_EQ(value_of("k"), "");
}

// Its node would repeat it behind the write.
TEST_F(GatewayOneHop, ALostReadIsNotRefusedWhileAWriteBehindItIsInTheLog) {
    put("k", "old");
    lead();
    submit(client_, "get k");
    submit(client_, "set k new");
    group_.propose();
    follow(kOther, 2);
    turns();
    EXPECT_EQ(client_.replies, Replies{});
    group_.apply();
    turns();
    EXPECT_EQ(client_.replies, (Replies{bulk("old"), ok()}));
}

TEST_F(GatewayOneHop, ALostReadIsRefusedWithTheWriteBehindIt) {
    lead();
    submit(client_, "get k");
    submit(client_, "set k new");
    group_.propose();
    follow(kOther, 2);
    turns();
    group_.lose_log();
    turns();
    EXPECT_EQ(client_.replies, (Replies{error(kNotLeader), error(kLeadershipLost)}));
}

// Its node would send the write again, behind the read.
TEST_F(GatewayOneHop, AReadIsRefusedWithTheWriteBeforeIt) {
    lead();
    submit(client_, "set k 1");
    submit(client_, "get k");
    group_.propose();
    group_.serve_reads();
    turns();
    follow(kOther, 2);
    group_.lose_log();
    turns();
    EXPECT_EQ(client_.classes, (std::vector{ReplyClass::kNotExecuted, ReplyClass::kNotExecuted}));
}

TEST_F(GatewayOneHop, NobodyIsToldThatAClientLeftWhoseCommandsAreHere) {
    lead();
    submit(client_, "set k 1");
    turns();
    disconnect(client_);
    EXPECT_EQ(peers_.credits, std::vector<FakePeers::Credit>{});
}

}  // namespace
}  // namespace kvorum::gateway
