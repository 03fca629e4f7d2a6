// Commands of megabytes on their way into the log or to the leader.
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

class GatewayLargeWrites : public GatewayTest {
 protected:
    const std::string value_ = std::string(8 * kMiB, 'v');
};

TEST_F(GatewayLargeWrites, OneAtATimeIsEncodedAndOthersGoOn) {
    lead();
    FakeClient& first = new_client();
    FakeClient& second = new_client();
    FakeClient& quick = new_client();
    submit_large(first, {"set", "a", value_});
    submit_large(second, {"set", "b", value_});
    turn();
    turn();
    EXPECT_TRUE(first.lane.large->write.has_value());
    EXPECT_FALSE(second.lane.large->write.has_value());
    submit(quick, "set c 1");
    group_.apply();
    EXPECT_EQ(quick.replies, Replies{ok()});
    EXPECT_EQ(first.replies, Replies{});
    turns();
    for (int i = 0; i < 3; ++i)
        turns();
    group_.apply();
    turns();
    EXPECT_EQ(first.replies, Replies{ok()});
    EXPECT_EQ(second.replies, Replies{ok()});
    EXPECT_EQ(store_.find("b")->value_size(), value_.size());
}

TEST_F(GatewayLargeWrites, WaitUntilLittleIsInTheLog) {
    lead();
    group_.takes_large = false;
    FakeClient& client = new_client();
    submit_large(client, {"set", "a", value_});
    turns();
    pass_ms(10 * config_.leader_wait_ms);
    sweep();
    EXPECT_EQ(client.replies, Replies{}) << "it waits for others, not for a leader";
    EXPECT_EQ(group_.writes(), 0u);
    group_.takes_large = true;
    turns();
    EXPECT_EQ(group_.writes(), 1u);
}

TEST_F(GatewayLargeWrites, ASecondOneOfASessionIsRefused) {
    FakeClient& client = new_client();
    submit_large(client, {"set", "a", value_});
    submit_large(client, {"set", "a", value_});
    lead();
    turns();
    group_.apply();
    turns();
    ASSERT_EQ(client.replies.size(), 2u);
    EXPECT_EQ(client.replies[0], ok());
    EXPECT_TRUE(client.replies[1].starts_with("-TRYAGAIN Another large command"));
}

TEST_F(GatewayLargeWrites, OneThatIsEncodedWhenLeadershipIsLostGoesToTheNextLeader) {
    lead();
    FakeClient& client = new_client();
    submit_large(client, {"set", "a", value_});
    turn();
    turn();
    ASSERT_TRUE(client.lane.large->write.has_value());
    follow(kOther, 2);
    turns();
    ASSERT_EQ(peers_.requests.size(), 1u);
    EXPECT_TRUE(peers_.requests[0].words[2] == value_);
    EXPECT_EQ(group_.writes(), 0u);
    answer(0, Outcome::kNotExecuted);
    lead(3);
    turns();
    turns();
    group_.apply();
    turns();
    EXPECT_EQ(client.replies, Replies{ok()});
}

TEST_F(GatewayLargeWrites, GoToTheLeaderInPiecesAsItTakesThem) {
    follow();
    FakeClient& client = new_client();
    peers_.pieces_left = 2;
    submit_large(client, {"set", "a", value_});
    submit(client, "get a");
    turns();
    EXPECT_EQ(peers_.pieces.size(), 2 * peers::kForwardPieceBytes);
    EXPECT_EQ(peers_.requests.size(), 0u) << "what stands behind it waits";
    peers_.pieces_left = UINT64_MAX;
    sweep();
    ASSERT_EQ(peers_.requests.size(), 2u);
    EXPECT_TRUE(peers_.requests[0].words[2] == value_);
    EXPECT_EQ(peers_.requests[1].words[0], "get");
}

TEST_F(GatewayLargeWrites, WhatIsRefusedWritesNothing) {
    lead();
    FakeClient& client = new_client();
    submit_large(client, {"set", "a", value_, "nonsense"});
    turns();
    group_.admission = replica::WriteAdmission::kOutOfMemory;
    submit_large(client, {"set", "a", value_});
    turns();
    EXPECT_EQ(client.replies, (Replies{syntax_error(), out_of_memory()}));
    EXPECT_EQ(group_.writes(), 0u);
}

}  // namespace
}  // namespace kvorum::gateway
