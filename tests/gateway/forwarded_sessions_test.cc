// The leader's end of forwarding: sessions of other nodes' clients, their windows and their ends.
#include "gateway/forwarded_sessions.h"

#include "tests/gateway/gateway_fixture.h"

namespace kvorum::gateway {
namespace {

class ForwardedSessionsTest : public GatewayTest, public ForwardedProtocol, public peers::ForwardReplySender {
 protected:
    struct Reply {
        uint64_t id;
        Outcome outcome;
        std::string text;
        bool operator==(const Reply&) const = default;
    };

    ForwardedSessionsTest() { lead(3); }

    std::unique_ptr<ReplyWriter> make_writer() const override { return std::make_unique<redis::RespWriter>(); }
    void submit(Lane& lane, ops::Arguments arguments, uint64_t origin_id) override {
        gateway_.submit(lane, command_named(arguments[0]), arguments, false, origin_id);
    }
    void submit_large(Lane& lane, PackedCommand command, uint64_t origin_id) override {
        std::vector<std::string_view> arguments;
        command.first_arguments(1, arguments);
        gateway_.submit_large(lane, command_named(arguments[0]), std::move(command), false, origin_id);
    }
    bool send_forward_reply(NodeId, const peers::ForwardReply& reply) override {
        if (!link_takes_replies_) return false;
        replies_.push_back({reply.request_id, reply.outcome, std::string(reply.reply)});
        seen_ = reply.seen;
        return true;
    }
    bool has_reply_room(NodeId) const override { return link_has_room_; }

    // As a request of session `session_id` of kOther, sent to the leader of `term`.
    void request(uint64_t id, uint64_t session_id, std::string_view line, uint64_t term = 3) {
        const ops::Words words = ops::split(line);
        const peers::ForwardRequest request{id, session_id, Term{term}, 2, {words.begin(), words.end()}};
        sessions_.on_requests(kOther, group_.is_leader() ? group_.current_term() : Term{}, std::span(&request, 1));
    }
    void node_turn() {
        turns();
        sessions_.finish_turn();
        turns();
        sessions_.finish_turn();
    }

    std::vector<Reply> replies_;
    LogIndex seen_;  // of the last
    bool link_takes_replies_ = true;
    bool link_has_room_ = true;
    ForwardedSessions sessions_{gateway_, *this, *this, counters_, buffers_};
};

TEST_F(ForwardedSessionsTest, ARequestOfAnotherTermIsNotExecuted) {
    request(1, 7, "set k 1", 2);
    request(2, 7, "set k 1", 4);
    know_no_leader(4);
    request(3, 7, "set k 1", 4);
    EXPECT_EQ(replies_,
              (std::vector<Reply>{
                  {1, Outcome::kNotExecuted, ""}, {2, Outcome::kNotExecuted, ""}, {3, Outcome::kNotExecuted, ""}}));
    EXPECT_EQ(group_.writes(), 0u);
}

TEST_F(ForwardedSessionsTest, ASessionIsAnsweredInOrderAndDroppedWhenIdle) {
    request(1, 7, "set k 1");
    request(2, 7, "get k");
    node_turn();
    EXPECT_EQ(gateway_.lanes().size(), 1u);
    group_.apply();
    group_.serve_reads();
    node_turn();
    EXPECT_EQ(replies_, (std::vector<Reply>{{1, Outcome::kExecuted, ok()}, {2, Outcome::kExecuted, bulk("1")}}));
    EXPECT_EQ(gateway_.lanes().size(), 0u);
}

TEST_F(ForwardedSessionsTest, WhatIsLostWithTheLeadershipIsNotExecuted) {
    request(1, 7, "set k 1");
    know_no_leader(4);
    node_turn();
    ASSERT_EQ(replies_.size(), 1u);
    EXPECT_EQ(replies_[0].outcome, Outcome::kNotExecuted);
}

TEST_F(ForwardedSessionsTest, WhatMayHaveTakenEffectIsUnknown) {
    request(1, 7, "set k 1");
    group_.propose();
    pass_ms(config_.outcome_wait_ms + 1);
    sweep();
    ASSERT_EQ(replies_.size(), 1u);
    EXPECT_EQ(replies_[0].outcome, Outcome::kUnknown);
}

TEST_F(ForwardedSessionsTest, WhileTheWindowOfASessionIsUsedUpNothingOfItIsCarriedOut) {
    put("k", std::string(500 * kKiB, 'v'));
    for (uint64_t id = 1; id <= 6; ++id)
        request(id, 7, "get k");
    request(7, 8, "strlen k");
    for (int i = 0; i < 5; ++i) {
        group_.serve_reads();
        node_turn();
    }
    EXPECT_EQ(replies_.size(), 5u) << "what had its place before a mebibyte was used up, and that of another session";
    sessions_.on_credit(kOther, {7, 1200 * kKiB});
    node_turn();
    group_.serve_reads();
    node_turn();
    EXPECT_EQ(replies_.size(), 7u);
}

TEST_F(ForwardedSessionsTest, AReplyThatTheLinkDoesNotTakeWaitsAndIsNotLost) {
    request(1, 7, "set k 1");
    request(2, 7, "get k");
    link_takes_replies_ = false;
    group_.apply();
    group_.serve_reads();
    node_turn();
    EXPECT_EQ(replies_, std::vector<Reply>{});
    EXPECT_EQ(gateway_.lanes().size(), 1u);
    link_takes_replies_ = true;
    node_turn();
    node_turn();
    EXPECT_EQ(replies_, (std::vector<Reply>{{1, Outcome::kExecuted, ok()}, {2, Outcome::kExecuted, bulk("1")}}));
    EXPECT_EQ(gateway_.lanes().size(), 0u);
}

TEST_F(ForwardedSessionsTest, LargeRepliesWaitForRoomOnTheLinkAndSmallOnesDoNot) {
    put("large", std::string(20'000, 'v'));
    put("small", "v");
    link_has_room_ = false;
    request(1, 7, "get large");
    request(2, 8, "get small");
    group_.serve_reads();
    node_turn();
    EXPECT_EQ(replies_, (std::vector<Reply>{{2, Outcome::kExecuted, bulk("v")}}));
    link_has_room_ = true;
    node_turn();
    group_.serve_reads();
    node_turn();
    EXPECT_EQ(replies_.size(), 2u);
}

TEST_F(ForwardedSessionsTest, OfANodeThatIsGoneNothingStays) {
    request(1, 7, "set k 1");
    request(2, 8, "get k");
    sessions_.drop_origin(kThird);
    EXPECT_EQ(gateway_.lanes().size(), 2u);
    sessions_.drop_origin(kOther);
    EXPECT_EQ(gateway_.lanes().size(), 0u);
    group_.apply();
    group_.serve_reads();
    node_turn();
    EXPECT_EQ(replies_, std::vector<Reply>{});
    EXPECT_EQ(value_of("k"), "1") << "it took effect all the same";
}

TEST_F(ForwardedSessionsTest, ForAClientThatLeftNothingIsSentAnyMore) {
    request(1, 7, "set k 1");
    sessions_.on_credit(kOther, {7, peers::kCreditOfNobody});
    group_.apply();
    node_turn();
    EXPECT_EQ(replies_, std::vector<Reply>{});
    EXPECT_EQ(gateway_.lanes().size(), 0u);
}

TEST_F(ForwardedSessionsTest, WhileTheBuffersAreSpentNoCommandIsTaken) {
    BufferShare others(buffers_);
    others.set(buffers_.limit_bytes() + 1);
    sessions_.end_turn();
    request(1, 7, "set k 1");
    ASSERT_EQ(replies_.size(), 1u);
    EXPECT_TRUE(replies_[0].text.starts_with("-TRYAGAIN The buffers of the leader are full"));
    EXPECT_EQ(replies_[0].outcome, Outcome::kExecuted) << "its node must not send it again";
    others.set(0);
    sessions_.end_turn();
    request(2, 7, "set k 1");
    EXPECT_EQ(group_.writes(), 1u);
}

}  // namespace
}  // namespace kvorum::gateway
