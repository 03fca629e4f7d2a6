// Reads that take several turns: between the turns of others, from one state, and only while there is memory for them.
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

class GatewayLongReads : public GatewayTest {
 protected:
    GatewayLongReads() { lead(); }

    const std::string value_ = std::string(4 * kMiB, 'v');
};

TEST_F(GatewayLongReads, OthersHaveTheirTurnsMeanwhile) {
    put_keys(50'000);
    FakeClient& slow = new_client();
    FakeClient& quick = new_client();
    submit(slow, "keys *");
    group_.serve_reads();
    turn();
    turn();
    ASSERT_NE(slow.lane.long_reply, nullptr);
    submit(quick, "get key:1");
    group_.serve_reads();
    turn();
    EXPECT_EQ(quick.replies, Replies{bulk("v")});
    EXPECT_EQ(slow.replies, Replies{});
    turns();
    ASSERT_EQ(slow.replies.size(), 1u);
    EXPECT_TRUE(slow.replies[0].starts_with("*50000\r\n"));
}

TEST_F(GatewayLongReads, WhatFollowsInTheSessionWaits) {
    put_keys(50'000);
    FakeClient& client = new_client();
    submit(client, "keys *");
    submit(client, "set k 1");
    turns();
    EXPECT_EQ(group_.writes(), 0u);
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies.size(), 1u);
    EXPECT_EQ(group_.writes(), 1u);
}

// The key is small when the read is asked and large when it is carried out, so that nothing kept the write back.
TEST_F(GatewayLongReads, AWriteBehindItHoldsTheStateUntilTheReplyIsMade) {
    FakeClient& client = new_client();
    submit(client, "get k");
    submit(client, "set k new");
    put("k", value_);
    group_.serve_reads();
    turn();
    ASSERT_TRUE(gateway_.outcomes().holds_state());
    while (gateway_.outcomes().holds_state())
        turn();
    group_.apply();
    turns();
    ASSERT_EQ(client.replies.size(), 2u);
    EXPECT_TRUE(client.replies[0] == bulk(value_));
    EXPECT_EQ(client.replies[1], ok());
}

TEST_F(GatewayLongReads, WhatMustSeeOneStateHoldsItUntilTheReplyIsMade) {
    FakeClient& client = new_client();
    FakeClient& writer = new_client();
    ops::Words words{"exists"};
    words.resize(20'001, "k");
    submit(client, words);
    group_.serve_reads();
    turn();
    ASSERT_TRUE(gateway_.outcomes().holds_state());
    submit(writer, "set k 1");
    while (gateway_.outcomes().holds_state()) {
        group_.apply();
        EXPECT_EQ(writer.replies, Replies{});
        turn();
    }
    group_.apply();
    turns();
    EXPECT_EQ(client.replies, Replies{integer(0)});
    EXPECT_EQ(writer.replies, Replies{ok()});
}

TEST_F(GatewayLongReads, AReplyWaitsForRoomWithoutHoldingTheState) {
    put("k", value_);
    FakeClient& client = new_client();
    submit(client, "get k");
    group_.serve_reads();
    client.has_room = false;
    turns();
    EXPECT_EQ(client.begun, "");
    EXPECT_FALSE(gateway_.outcomes().holds_state());
    pass_ms(config_.outcome_wait_ms + 1);
    sweep();
    give_room(client);
    turns();
    ASSERT_EQ(client.replies.size(), 1u);
    EXPECT_TRUE(client.replies[0] == bulk(value_));
}

TEST_F(GatewayLongReads, AReplyAboveAQuarterOfAllBuffersIsRefused) {
    put("k", value_);
    config_.limits.buffer_bytes_max = 8 * kMiB;
    FakeClient& client = new_client();
    submit(client, "get k");
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies,
              Replies{error("ERR the reply is larger than 2097152 bytes, a quarter of max-buffer-memory")});
    EXPECT_EQ(client.begun, "");
}

TEST_F(GatewayLongReads, WaitForOthersBuffers) {
    put("k", value_);
    BufferShare others(buffers_);
    others.set(buffers_.limit_bytes() / 2 + 1);
    FakeClient& client = new_client();
    submit(client, "get k");
    group_.serve_reads();
    turns();
    EXPECT_TRUE(gateway_.reads_wait_for_buffers());
    EXPECT_EQ(client.replies, Replies{});
    pass_ms(config_.outcome_wait_ms + 1);
    sweep();
    others.set(0);
    turns();
    EXPECT_FALSE(gateway_.reads_wait_for_buffers());
    EXPECT_EQ(client.replies.size(), 1u) << "its time did not run";
    EXPECT_EQ(client.classes, std::vector{ReplyClass::kExecuted});
}

TEST_F(GatewayLongReads, OneWhoseSessionLeavesHoldsNothing) {
    FakeClient& client = new_client();
    ops::Words words{"exists"};
    words.resize(20'001, "k");
    submit(client, words);
    group_.serve_reads();
    turn();
    ASSERT_TRUE(gateway_.outcomes().holds_state());
    disconnect(client);
    EXPECT_FALSE(gateway_.outcomes().holds_state());
    turns();
}

}  // namespace
}  // namespace kvorum::gateway
