// What the group or a session has no room for.
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

using enum replica::WriteAdmission;

class GatewayOverload : public GatewayTest {
 protected:
    GatewayOverload() { lead(); }
};

TEST_F(GatewayOverload, EachRefusalOfTheGroupHasItsReply) {
    FakeClient& client = new_client();
    for (const auto said : {kOverloaded, kDiskFull, kOutOfMemory}) {
        group_.admission = said;
        submit(client, "set k 1");
    }
    group_.admission = kAccepted;
    submit(client, "set k 1 nonsense");
    turns();
    EXPECT_EQ(client.replies,
              (Replies{error(gateway::kOverloaded), error(gateway::kDiskFull), out_of_memory(), syntax_error()}));
    EXPECT_EQ(counters_.replies_not_executed, 3u);
    EXPECT_EQ(group_.writes(), 0u);
}

TEST_F(GatewayOverload, ARefusalIsTheReplyForAnotherNodesClientToo) {
    FakeClient& client = new_client_of_other_node();
    group_.admission = kOverloaded;
    submit(client, "set k 1");
    turns();
    EXPECT_EQ(client.classes, std::vector{ReplyClass::kExecuted}) << "its node must not send it again";
}

TEST_F(GatewayOverload, AWriteThatHasNoLeaderHereKeepsItsPlace) {
    FakeClient& client = new_client();
    group_.admission = kNotLeader;
    submit(client, "set k 1");
    turns();
    EXPECT_EQ(client.replies, Replies{});
    group_.admission = kAccepted;
    sweep();
    EXPECT_EQ(group_.writes(), 1u);
}

TEST_F(GatewayOverload, WithoutRoomForRepliesNothingIsCarriedOut) {
    put("k", "v");
    FakeClient& client = new_client();
    client.has_room = false;
    submit(client, "getset k w");
    submit_ping(client);
    submit(client, "get k");
    turns();
    EXPECT_EQ(group_.writes() + group_.reads(), 0u);
    pass_ms(10 * config_.leader_wait_ms);
    sweep();
    EXPECT_EQ(client.replies, Replies{}) << "its time does not run";
    give_room(client);
    turns();
    EXPECT_EQ(group_.writes(), 1u);
    group_.serve_reads();
    group_.apply();
    turns();
    EXPECT_EQ(client.replies, (Replies{bulk("v"), simple("ping"), bulk("w")}));
}

TEST_F(GatewayOverload, ALargeReplyWaitsForThoseOfOthersAndASmallOneDoesNot) {
    put("large", std::string(20'000, 'v'));
    put("small", "v");
    FakeClient& waiting = new_client();
    FakeClient& other = new_client();
    waiting.has_bulk_room = other.has_bulk_room = false;
    submit(waiting, "get large");
    submit(other, "get small");
    EXPECT_TRUE(waiting.lane.waits_for_bulk_room);
    EXPECT_EQ(group_.reads(), 1u);
    give_room(waiting);
    turns();
    EXPECT_EQ(group_.reads(), 2u);
}

TEST_F(GatewayOverload, OfLargeRepliesOnlySoManyAreOnTheirWay) {
    put("k", std::string(400 * kKiB, 'v'));
    FakeClient& client = new_client();
    for (int i = 0; i < 5; ++i)
        submit(client, "getex k");
    turns();
    EXPECT_EQ(group_.writes(), 2u);
    EXPECT_LE(client.lane.expected_reply_bytes(), 1 * kMiB);
    group_.apply();
    turns();
    EXPECT_EQ(client.replies.size(), 2u);
    EXPECT_EQ(group_.writes(), 2u);
    group_.apply();
    turns();
    group_.apply();
    turns();
    EXPECT_EQ(client.replies.size(), 5u);
    EXPECT_EQ(client.lane.expected_reply_bytes(), 0u);
}

TEST_F(GatewayOverload, AReplyThatIsLargerThanThatGoesAlone) {
    put("k", std::string(3 * kMiB, 'v'));
    FakeClient& client = new_client();
    submit(client, "getex k");
    submit(client, "getex k");
    EXPECT_EQ(group_.writes(), 1u);
}

TEST_F(GatewayOverload, CommandsAboutTheNodeCountAmongExpectedReplies) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    for (int i = 0; i < 3; ++i)
        submit_ping(client, 400 * kKiB);
    submit(client, "set k 2");
    turns();
    EXPECT_EQ(group_.writes(), 1u) << "what is carried out makes all replies before it, room or not";
    group_.apply();
    turns();
    EXPECT_EQ(client.replies.size(), 4u);
    EXPECT_EQ(group_.writes(), 1u);
}

}  // namespace
}  // namespace kvorum::gateway
