// Where commands go when leaders come and go: a session's order holds, reads are repeated, writes never are.
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

using Lines = std::vector<std::string>;

class GatewayLeadership : public GatewayTest {};

TEST_F(GatewayLeadership, CommandsWaitForALeaderAndThenGoInOrder) {
    FakeClient& client = new_client();
    for (const char* line : {"set k 1", "get k", "incr k"})
        submit(client, line);
    turns();
    EXPECT_EQ(client.lane.parked(), 3u);
    lead();
    turns();
    EXPECT_EQ(group_.writes(), 2u);
    group_.apply();
    turns();
    EXPECT_EQ(client.replies, (Replies{ok(), bulk("1"), integer(2)}));
}

TEST_F(GatewayLeadership, CommandsGoToTheLeaderOfTheTermThatIsKnown) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    turns();
    follow(kThird, 7);
    turns();
    submit(client, "get k");
    ASSERT_EQ(peers_.lines(), (Lines{"set k 1", "get k"}));
    EXPECT_EQ(peers_.requests[1].leader, kThird);
    EXPECT_EQ(peers_.requests[1].term, Term{7});
    EXPECT_EQ(peers_.requests[1].session_id, client.lane.session_id());
}

TEST_F(GatewayLeadership, ACommandBehindAParkedOneWaitsForItsTurn) {
    FakeClient& client = new_client();
    follow();
    peers_.connected = false;
    submit(client, "set k 1");
    peers_.connected = true;
    submit(client, "set k 2");
    EXPECT_EQ(peers_.lines(), Lines{});
    sweep();
    EXPECT_EQ(peers_.lines(), (Lines{"set k 1", "set k 2"}));
}

TEST_F(GatewayLeadership, NothingGoesToANewPlaceWhileAnEarlierCommandIsOpenAtTheOldOne) {
    FakeClient& client = new_client();
    follow(kOther, 1);
    submit(client, "set k 1");
    follow(kThird, 2);
    submit(client, "set k 2");
    turns();
    EXPECT_EQ(peers_.lines(), Lines{"set k 1"});
    answer(0, Outcome::kExecuted, ok());
    turns();
    ASSERT_EQ(peers_.lines(), (Lines{"set k 1", "set k 2"}));
    EXPECT_EQ(peers_.requests[1].leader, kThird);
}

TEST_F(GatewayLeadership, TheSameLeaderInALaterTermIsAnotherPlace) {
    FakeClient& client = new_client();
    follow(kOther, 1);
    submit(client, "set k 1");
    follow(kOther, 2);
    submit(client, "set k 2");
    turns();
    EXPECT_EQ(peers_.requests.size(), 1u);
    answer(0, Outcome::kNotExecuted);
    turns();
    ASSERT_EQ(peers_.lines(), (Lines{"set k 1", "set k 1", "set k 2"}));
    EXPECT_EQ(peers_.requests[1].term, Term{2});
}

TEST_F(GatewayLeadership, WritesWaitWhileTheLeadershipIsHandedOverAndGoToTheNextLeader) {
    FakeClient& client = new_client();
    lead();
    group_.admission = replica::WriteAdmission::kHandingOver;
    submit(client, "set k 1");
    submit(client, "get k");
    turns();
    EXPECT_EQ(client.replies, Replies{});
    follow(kOther, 9);
    turns();
    EXPECT_EQ(peers_.lines(), (Lines{"set k 1", "get k"}));
}

TEST_F(GatewayLeadership, WritesThatWaitedAreTakenHereWhenTheHandOverFailed) {
    FakeClient& client = new_client();
    lead();
    group_.admission = replica::WriteAdmission::kHandingOver;
    submit(client, "set k 1");
    turns();
    group_.admission = replica::WriteAdmission::kAccepted;
    sweep();
    group_.apply();
    turns();
    EXPECT_EQ(client.replies, Replies{ok()});
}

TEST_F(GatewayLeadership, WhatIsInTheBatchWhenLeadershipIsLostWasNotExecuted) {
    FakeClient& client = new_client();
    lead();
    submit(client, "set k 1");
    follow(kOther, 2);
    turns();
    EXPECT_EQ(client.replies, Replies{error(kLeadershipLost)});
    EXPECT_EQ(peers_.requests.size(), 0u) << "a write is never sent again";
}

TEST_F(GatewayLeadership, WhatIsInTheLogIsOpenUntilAnEntryStandsInItsPlace) {
    FakeClient& client = new_client();
    lead();
    submit(client, "set k 1");
    group_.propose();
    follow(kOther, 2);
    submit(client, "set k 2");
    turns();
    EXPECT_EQ(client.replies, Replies{});
    EXPECT_EQ(peers_.requests.size(), 0u);
    group_.lose_log();
    turns();
    EXPECT_EQ(client.replies, Replies{error(kLeadershipLost)});
    EXPECT_EQ(peers_.lines(), Lines{"set k 2"});
}

TEST_F(GatewayLeadership, WhatAnotherLeaderCommitsOfOurLogIsAnsweredHere) {
    FakeClient& client = new_client();
    lead();
    submit(client, "set k 1");
    group_.propose();
    follow(kOther, 2);
    turns();
    group_.apply();
    turns();
    EXPECT_EQ(client.replies, Replies{ok()});
}

TEST_F(GatewayLeadership, AReadWhoseRoundIsLostIsAskedOfTheNextLeader) {
    put("k", "v");
    FakeClient& client = new_client();
    lead();
    submit(client, "get k");
    follow(kOther, 2);
    turns();
    EXPECT_EQ(group_.reads(), 1u);
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, Replies{bulk("v")});
}

TEST_F(GatewayLeadership, AReadWhoseRoundWasServedNeedsNoLeaderAnyMore) {
    put("k", "v");
    FakeClient& client = new_client();
    lead();
    submit(client, "get k");
    group_.serve_reads();
    know_no_leader(2);
    turns();
    EXPECT_EQ(client.replies, Replies{bulk("v")});
}

TEST_F(GatewayLeadership, ALostReadBeforeAWriteInTheLogIsAnsweredBeforeThatIsApplied) {
    put("k", "old");
    FakeClient& client = new_client();
    lead();
    submit(client, "get k");
    submit(client, "set k new");
    group_.propose();
    follow(kOther, 2);
    turns();
    EXPECT_EQ(peers_.requests.size(), 0u) << "the write is open at the old place";
    group_.apply();
    turns();
    EXPECT_EQ(client.replies, (Replies{bulk("old"), ok()}));
}

TEST_F(GatewayLeadership, AForwardedReadDoesNotWaitForTheWordOfTheOldLeader) {
    FakeClient& client = new_client();
    put("k", "v");
    follow(kOther, 1);
    submit(client, "set a 1");
    submit(client, "get k");
    answer(0, Outcome::kExecuted, ok());
    follow(kThird, 2);
    turns();
    ASSERT_EQ(group_.reads(), 1u);
    answer(1, Outcome::kExecuted, bulk("late"));
    turns();
    EXPECT_EQ(client.replies, Replies{ok()});
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, (Replies{ok(), bulk("v")}));
}

TEST_F(GatewayLeadership, AForwardedReadBeforeAWriteIsNotRepeatedBehindIt) {
    FakeClient& client = new_client();
    follow(kOther, 1);
    submit(client, "set a 1");
    submit(client, "get k");
    submit(client, "set k 1");
    follow(kThird, 2);
    turns();
    answer(0, Outcome::kExecuted, ok());
    answer(1, Outcome::kExecuted, null());
    answer(2, Outcome::kExecuted, ok());
    turns();
    EXPECT_EQ(client.replies, (Replies{ok(), null(), ok()}));
    EXPECT_EQ(peers_.requests.size(), 3u) << "the next leader has the write already";
}

TEST_F(GatewayLeadership, ALostReadDoesNotWaitForAWaitBehindIt) {
    FakeClient& client = new_client();
    lead();
    submit(client, "get k");
    submit(client, "wait 1 0");
    follow(kOther, 2);
    turns();
    ASSERT_EQ(group_.reads(), 1u) << "the WAIT is open at the old place";
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, (Replies{null(), error(kLeadershipLost)}));
}

TEST_F(GatewayLeadership, ACostlyLongReadIsNotRepeated) {
    put_keys(50'001);
    FakeClient& client = new_client();
    lead();
    submit(client, "keys *");
    group_.serve_reads();
    turn();
    turn();
    ASSERT_NE(client.lane.long_reply, nullptr);
    follow(kOther, 2);
    turns();
    ASSERT_EQ(client.replies.size(), 1u);
    EXPECT_TRUE(client.replies[0].starts_with("-CLUSTERDOWN Leadership was lost during a long read"));
    EXPECT_EQ(peers_.requests.size(), 0u);
}

TEST_F(GatewayLeadership, ACheapLongReadIsRepeated) {
    put_keys(20'000);
    FakeClient& client = new_client();
    lead();
    submit(client, "keys *");
    group_.serve_reads();
    turn();
    turn();
    ASSERT_NE(client.lane.long_reply, nullptr);
    follow(kOther, 2);
    turns();
    EXPECT_EQ(client.replies, Replies{});
    EXPECT_EQ(group_.reads(), 1u);
}

TEST_F(GatewayLeadership, WhenALongReadIsRepeatedSoAreTheReadsBehindIt) {
    put("long", std::string(4 * kMiB, 'v'));
    put("k", "old");
    FakeClient& client = new_client();
    lead();
    submit(client, "get long");
    submit(client, "strlen k");
    group_.serve_reads();
    turn();
    turn();
    ASSERT_NE(client.lane.long_reply, nullptr);
    follow(kOther, 2);
    turns();
    put("k", "newer");
    group_.serve_reads();
    turns();
    group_.serve_reads();
    turns();
    ASSERT_EQ(client.replies.size(), 2u);
    EXPECT_EQ(client.replies[1], integer(5)) << "the second must not be older than the first";
}

// --- as long as it takes, but not longer ---

TEST_F(GatewayLeadership, WithoutALeaderACommandIsRefusedInTime) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    submit(client, "get k");
    pass_ms(config_.leader_wait_ms);
    sweep();
    EXPECT_EQ(client.replies, Replies{});
    pass_ms(1);
    sweep();
    EXPECT_EQ(client.replies, (Replies{error(kNoLeader), error(kNoLeader)}));
    lead();
    turns();
    EXPECT_EQ(group_.writes(), 0u) << "it was definitely not executed";
}

TEST_F(GatewayLeadership, AWriteInTheLogIsUncertainInTime) {
    FakeClient& client = new_client();
    lead();
    submit(client, "set k 1");
    group_.propose();
    pass_ms(config_.outcome_wait_ms);
    sweep();
    EXPECT_EQ(client.replies, Replies{});
    pass_ms(1);
    sweep();
    EXPECT_EQ(client.replies, Replies{error(kUncertain)});
    EXPECT_EQ(counters_.replies_uncertain, 1u);
    group_.apply();
    turns();
    EXPECT_EQ(client.replies.size(), 1u) << "it took effect, and nobody waits any more";
    EXPECT_EQ(value_of("k"), "1");
}

TEST_F(GatewayLeadership, AReadThatIsNotServedIsRefusedInTime) {
    FakeClient& client = new_client();
    lead();
    submit(client, "get k");
    pass_ms(config_.outcome_wait_ms + 1);
    sweep();
    EXPECT_EQ(client.replies, Replies{error(kNoLeader)});
}

TEST_F(GatewayLeadership, TimeCountsFromWhenTheOneBeforeWasAnswered) {
    FakeClient& client = new_client();
    lead();
    submit(client, "set k 1");
    submit(client, "set k 2");
    pass_ms(config_.outcome_wait_ms - 1);
    group_.apply(1);
    pass_ms(config_.outcome_wait_ms);
    sweep();
    EXPECT_EQ(client.replies, Replies{ok()});
    pass_ms(1);
    sweep();
    EXPECT_EQ(client.replies, (Replies{ok(), error(kUncertain)}));
}

TEST_F(GatewayLeadership, WhatStandsBehindAWaitHasItsTimeAfterIt) {
    FakeClient& client = new_client();
    lead();
    submit(client, "wait 1 0");
    submit(client, "set k 1");
    pass_ms(10 * config_.leader_wait_ms);
    sweep();
    EXPECT_EQ(client.replies, Replies{});
    group_.replicas = 1;
    turns();
    EXPECT_EQ(client.replies, Replies{integer(1)});
    EXPECT_EQ(group_.writes(), 1u);
}

// --- clients that send no more ---

TEST_F(GatewayLeadership, AWriteWithoutALeaderIsRefusedWhenItsClientSendsNoMore) {
    FakeClient& client = new_client();
    submit(client, "get k");
    submit(client, "set k 1");
    gateway_.end_input(client.lane);
    lead();
    turns();
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, (Replies{null(), error(kClientLeft)}));
    EXPECT_EQ(group_.writes(), 0u);
}

TEST_F(GatewayLeadership, AWriteThatComesBackIsRefusedWhenItsClientSendsNoMore) {
    FakeClient& client = new_client();
    follow();
    submit(client, "set k 1");
    gateway_.end_input(client.lane);
    answer(0, Outcome::kNotExecuted);
    turns();
    EXPECT_EQ(client.replies, Replies{error(kClientLeft)});
}

TEST_F(GatewayLeadership, AWriteBehindAWaitIsRefusedWhenItsClientSendsNoMoreAndTheLeaderIsLost) {
    FakeClient& client = new_client();
    lead();
    submit(client, "wait 1 0");
    submit(client, "set k 1");
    gateway_.end_input(client.lane);
    know_no_leader(2);
    turns();
    lead(3);
    turns();
    EXPECT_EQ(client.replies, (Replies{error(kLeadershipLost), error(kClientLeft)}));
    EXPECT_EQ(group_.writes(), 0u);
}

// --- redirection ---

class GatewayRedirection : public GatewayTest {
 protected:
    GatewayRedirection() : GatewayTest(redirecting()) { follow(kThird, 2); }
    static NodeConfig redirecting() {
        NodeConfig config = usual_config();
        config.follower_mode = FollowerMode::kRedirect;
        return config;
    }
};

TEST_F(GatewayRedirection, AFollowerNamesTheLeaderAndSendsNothing) {
    FakeClient& client = new_client();
    submit(client, "set k 1");
    submit(client, "get k");
    turns();
    EXPECT_EQ(client.replies, (Replies{error("MOVED k 3"), error("MOVED k 3")}));
    EXPECT_EQ(client.classes[0], ReplyClass::kNotExecuted);
}

TEST_F(GatewayRedirection, WhatHasNoKeyOrMayBeReadAnywhereIsReadHere) {
    FakeClient& client = new_client();
    submit(client, "dbsize");
    const std::vector<std::string_view> arguments{"get", "k"};
    gateway_.submit(client.lane, command_named("get"), arguments, true);
    EXPECT_EQ(group_.reads(), 2u);
}

}  // namespace
}  // namespace kvorum::gateway
