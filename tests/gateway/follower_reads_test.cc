// Reads that a follower answers from its own state: when it may, in which order with what else its session sent, and
// what a session that accepts an older state gets.
#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

using Lines = std::vector<std::string>;

constexpr ReadChoice kStale{Consistency::kStale};
constexpr ReadChoice kBounded{Consistency::kBounded, 100};

class GatewayFollowerReads : public GatewayTest {
 protected:
    GatewayFollowerReads() {
        put("k", "old");
        follow(kOther, 1);
    }

    FakeClient& new_weak_client(ReadChoice choice) {
        FakeClient& client = new_client();
        client.lane.read_choice = choice;
        return client;
    }
};

TEST_F(GatewayFollowerReads, AReadWaitsForTheLeadersWordAndIsAnsweredHere) {
    FakeClient& client = new_client();
    EXPECT_FALSE(submit(client, "get k"));
    turns();
    EXPECT_EQ(client.replies, Replies{});
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, Replies{bulk("old")});
    EXPECT_EQ(peers_.requests.size(), 0u);
}

TEST_F(GatewayFollowerReads, AReadBehindAWriteAtTheLeaderGoesThereToo) {
    FakeClient& client = new_client();
    submit(client, "set k new");
    submit(client, "get k");
    EXPECT_EQ(peers_.lines(), (Lines{"set k new", "get k"}));
    EXPECT_EQ(group_.reads(), 0u);
}

TEST_F(GatewayFollowerReads, AReadBehindAnAnsweredWriteAsksAnew) {
    FakeClient& client = new_client();
    submit(client, "set k new");
    answer(0, Outcome::kExecuted, ok());
    turns();
    submit(client, "get k");
    EXPECT_EQ(group_.reads(), 1u);
}

TEST_F(GatewayFollowerReads, AWriteBehindAReadHereWaitsForItsAnswer) {
    FakeClient& client = new_client();
    submit(client, "get k");
    submit(client, "set k new");
    submit(client, "get k");
    turns();
    EXPECT_EQ(peers_.requests.size(), 0u) << "the read would see a write that stands behind it";
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, Replies{bulk("old")});
    EXPECT_EQ(peers_.lines(), (Lines{"set k new", "get k"}));
}

TEST_F(GatewayFollowerReads, AWriteBehindAReadHereIsNotAbandonedWhenItsClientSendsNoMore) {
    FakeClient& client = new_client();
    submit(client, "get k");
    submit(client, "set k new");
    gateway_.end_input(client.lane);
    group_.serve_reads();
    turns();
    EXPECT_EQ(peers_.lines(), Lines{"set k new"});
}

TEST_F(GatewayFollowerReads, WhatWasAskedOfALostLeaderIsAskedAgain) {
    FakeClient& client = new_client();
    submit(client, "get k");
    follow(kThird, 2);
    turns();
    ASSERT_EQ(group_.reads(), 1u);
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, Replies{bulk("old")});
}

TEST_F(GatewayFollowerReads, WithoutAConnectionToTheLeaderAReadIsRefusedInTime) {
    group_.can_ask = false;
    FakeClient& client = new_client();
    submit(client, "get k");
    turns();
    EXPECT_EQ(group_.reads(), 0u);
    pass_ms(config_.leader_wait_ms + 1);
    sweep();
    EXPECT_EQ(client.replies, Replies{error(kNoLeader)});
}

TEST_F(GatewayFollowerReads, AConnectionThatComesUpLetsAParkedReadGoOn) {
    group_.can_ask = false;
    FakeClient& client = new_client();
    submit(client, "get k");
    group_.can_ask = true;
    gateway_.expire_overdue();
    turns();
    EXPECT_EQ(group_.reads(), 1u);
}

TEST_F(GatewayFollowerReads, AnAnswerThatDoesNotComeIsADefiniteErrorInTime) {
    FakeClient& client = new_client();
    submit(client, "get k");
    pass_ms(config_.outcome_wait_ms + 1);
    sweep();
    EXPECT_EQ(client.replies, Replies{error(kNoLeader)});
    EXPECT_EQ(client.classes, std::vector{ReplyClass::kNotExecuted});
}

TEST_F(GatewayFollowerReads, ALongReadIsMadeHere) {
    put_keys(20'000);
    FakeClient& client = new_client();
    submit(client, "keys *");
    group_.serve_reads();
    turns();
    ASSERT_EQ(client.replies.size(), 1u);
    EXPECT_TRUE(client.replies[0].starts_with("*20001\r\n"));
    EXPECT_EQ(peers_.requests.size(), 0u);
}

// --- weak reads ---

TEST_F(GatewayFollowerReads, AStaleReadIsAnsweredAtOnceWhoeverLeads) {
    FakeClient& client = new_weak_client(kStale);
    EXPECT_TRUE(submit(client, "get k"));
    know_no_leader(2);
    EXPECT_TRUE(submit(client, "get k"));
    EXPECT_EQ(client.replies, (Replies{bulk("old"), bulk("old")}));
    EXPECT_EQ(counters_.weak_reads, 2u);
}

TEST_F(GatewayFollowerReads, ABoundedReadIsAnsweredAtOnceWhileTheStateIsNewEnough) {
    FakeClient& client = new_weak_client(kBounded);
    group_.age_ns = 100 * kMillisecondNs;
    EXPECT_TRUE(submit(client, "get k"));
    group_.age_ns = 100 * kMillisecondNs + 1;
    EXPECT_FALSE(submit(client, "get k"));
    EXPECT_EQ(group_.reads(), 1u) << "the leader is asked";
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, (Replies{bulk("old"), bulk("old")}));
}

TEST_F(GatewayFollowerReads, ABoundedReadWithoutALeaderIsRefusedInTimeAsTooOld) {
    know_no_leader(2);
    FakeClient& client = new_weak_client(kBounded);
    submit(client, "get k");
    pass_ms(config_.leader_wait_ms + 1);
    sweep();
    EXPECT_EQ(client.replies, Replies{error(kTooOld)});
    EXPECT_EQ(client.classes, std::vector{ReplyClass::kNotExecuted});
}

TEST_F(GatewayFollowerReads, WritesOfAWeakSessionAreAsEver) {
    know_no_leader(2);
    FakeClient& client = new_weak_client(kStale);
    submit(client, "set k 1");
    pass_ms(config_.leader_wait_ms + 1);
    sweep();
    EXPECT_EQ(client.replies, Replies{error(kNoLeader)});
}

TEST_F(GatewayFollowerReads, AStaleReadDoesNotGoBehindWhatItsSessionWrote) {
    FakeClient& client = new_weak_client(kStale);
    submit(client, "set k new");
    const std::string reply = ok();
    gateway_.on_forward_reply(kOther, {peers_.requests[0].id, Outcome::kExecuted, reply, store_.applied_index() + 1});
    turns();
    know_no_leader(2);
    EXPECT_FALSE(submit(client, "get k"));
    turns();
    EXPECT_EQ(client.replies, Replies{ok()});
    put("k", "new");
    sweep();
    EXPECT_EQ(client.replies, (Replies{ok(), bulk("new")}));
}

TEST_F(GatewayFollowerReads, WhatASessionHasWrittenAndTheStateDoesNotGetIsRefusedInTime) {
    FakeClient& client = new_weak_client(kStale);
    client.lane.saw(store_.applied_index() + 1);
    know_no_leader(2);
    submit(client, "get k");
    pass_ms(config_.leader_wait_ms + 1);
    sweep();
    EXPECT_EQ(client.replies, Replies{error(kTooOld)});
}

TEST_F(GatewayFollowerReads, AReadRemembersWhatItSaw) {
    FakeClient& client = new_client();
    submit(client, "get k");
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.lane.seen(), store_.applied_index());
}

TEST_F(GatewayFollowerReads, AStaleReadBehindALinearizableOneIsAnsweredWhenThatIs) {
    FakeClient& client = new_client();
    submit(client, "get k");
    client.lane.read_choice = kStale;
    submit(client, "get k");
    know_no_leader(2);
    pass_ms(config_.leader_wait_ms + 1);
    EXPECT_EQ(client.replies, Replies{});
    gateway_.expire_overdue();
    turns();
    ASSERT_EQ(client.replies.size(), 2u);
    EXPECT_EQ(client.replies[0], error(kNoLeader));
}

TEST_F(GatewayFollowerReads, AWeakReadWaitsForTheEndOfAnEntryThatIsAppliedInPart) {
    lead(2);
    FakeClient& writer = new_client();
    std::string words = "mset";
    for (int i = 0; i < 2000; ++i)
        words += fmt::format(" key{0} {0}", i);
    submit(writer, words);
    ASSERT_FALSE(group_.apply_step(1000));
    FakeClient& client = new_weak_client(kStale);
    EXPECT_FALSE(submit(client, "mget key0 key1999"));
    turn();
    EXPECT_EQ(client.replies, Replies{});
    while (!group_.apply_step(1000)) {
    }
    turns();
    EXPECT_EQ(client.replies, Replies{array({bulk("0"), bulk("1999")})});
}

TEST_F(GatewayFollowerReads, AWeakReadIsNotSentElsewhere) {
    config_.follower_mode = FollowerMode::kRedirect;
    FakeClient& client = new_weak_client(kBounded);
    submit(client, "get k");
    EXPECT_EQ(group_.reads(), 1u);
    group_.serve_reads();
    turns();
    EXPECT_EQ(client.replies, Replies{bulk("old")});
}

}  // namespace
}  // namespace kvorum::gateway
