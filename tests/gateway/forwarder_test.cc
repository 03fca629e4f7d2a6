#include "gateway/forwarder.h"

#include <gtest/gtest.h>

#include <map>

namespace kvorum::gateway {
namespace {

constexpr NodeId kLeader{2};

class ForwarderTest : public ::testing::Test, public peers::ForwardSender, public ForwardOutcomes {
 protected:
    ForwarderTest() : forwarder_(*this, 12345) {}

    bool send_forward_request(NodeId /*leader*/, Term /*term*/, uint64_t /*request_id*/, uint64_t /*session_id*/,
                              ReplyFormat /*format*/, std::span<const std::string_view> /*arguments*/) override {
        return connected_;
    }
    peers::PieceStatus send_forward_piece(NodeId /*leader*/, const peers::ForwardPiece& piece) override {
        if (!connected_) return peers::PieceStatus::kBeginAgain;
        if (pieces_left_ == 0) return peers::PieceStatus::kWait;
        --pieces_left_;
        if (piece.offset == 0) sent_.clear();
        EXPECT_EQ(piece.offset, sent_.size());
        sent_ += piece.bytes;
        return peers::PieceStatus::kSent;
    }
    bool send_large_request(NodeId /*leader*/, Term /*term*/, uint64_t /*request_id*/, uint64_t /*session_id*/,
                            ReplyFormat /*format*/, uint64_t command_bytes) override {
        EXPECT_EQ(command_bytes, sent_.size());
        return connected_;
    }
    void forward_executed(ForwardWaiter waiter, std::string_view reply, LogIndex) override {
        outcomes_[waiter.sequence] = std::string(reply);
    }
    void forward_part(ForwardWaiter waiter, std::string_view part) override { parts_[waiter.sequence] += part; }
    bool send_forward_credit(NodeId /*leader*/, uint64_t /*session_id*/, uint64_t /*bytes*/) override {
        return connected_;
    }
    void forward_not_executed(ForwardWaiter waiter) override { outcomes_[waiter.sequence] = "not executed"; }
    void forward_outcome_unknown(ForwardWaiter waiter) override { outcomes_[waiter.sequence] = "unknown"; }

    uint64_t forward(uint64_t sequence) {
        const std::vector<std::string_view> arguments{"incr", "k"};
        return forwarder_.forward({kLeader, Term{1}}, {{}, sequence}, 1, ReplyFormat{2}, arguments);
    }

    uint64_t forward_large(uint64_t sequence, std::string_view command, LargeForward& progress, uint64_t term = 1) {
        TurnWork work;
        return forwarder_.forward_large({kLeader, Term{term}}, {{}, sequence}, 1, ReplyFormat{2}, command, progress,
                                        work);
    }

    bool connected_ = true;
    uint64_t pieces_left_ = UINT64_MAX;
    std::string sent_;
    Forwarder forwarder_;
    std::map<uint64_t, std::string> outcomes_;
    std::map<uint64_t, std::string> parts_;
};

TEST_F(ForwarderTest, AReplyReachesItsWaiterOnce) {
    const uint64_t id = forward(1);
    forwarder_.on_reply(kLeader, {id, peers::ForwardOutcome::kExecuted, ":1\r\n"}, *this);
    forwarder_.on_reply(kLeader, {id, peers::ForwardOutcome::kExecuted, ":2\r\n"}, *this);
    EXPECT_EQ(outcomes_, (std::map<uint64_t, std::string>{{1, ":1\r\n"}}));
}

TEST_F(ForwarderTest, AReplyMayComeInParts) {
    const uint64_t id = forward(1);
    forwarder_.on_reply(kLeader, {id, peers::ForwardOutcome::kPart, "$2\r\n"}, *this);
    forwarder_.on_reply(kLeader, {id, peers::ForwardOutcome::kPart, "ab"}, *this);
    EXPECT_TRUE(outcomes_.empty()) << "the last part is missing";
    forwarder_.on_reply(kLeader, {id, peers::ForwardOutcome::kExecuted, "\r\n"}, *this);
    EXPECT_EQ(parts_[1] + outcomes_[1], "$2\r\nab\r\n");
}

TEST_F(ForwarderTest, RepliesMayComeInAnyOrder) {
    const uint64_t first = forward(1);
    const uint64_t second = forward(2);
    forwarder_.on_reply(kLeader, {second, peers::ForwardOutcome::kExecuted, "b"}, *this);
    forwarder_.on_reply(kLeader, {first, peers::ForwardOutcome::kExecuted, "a"}, *this);
    EXPECT_EQ(outcomes_, (std::map<uint64_t, std::string>{{1, "a"}, {2, "b"}}));
}

TEST_F(ForwarderTest, WhatMayHaveLeftIsUnknownAndWhatDidNotLeaveIsDefinite) {
    forward(1);
    const uint64_t unsent = forward(2);
    forwarder_.on_link_lost(kLeader, unsent, *this);
    EXPECT_EQ(outcomes_, (std::map<uint64_t, std::string>{{1, "unknown"}, {2, "not executed"}}));
}

TEST_F(ForwarderTest, ALateReplyAfterTheLinkBrokeChangesNothing) {
    const uint64_t id = forward(1);
    forwarder_.on_link_lost(kLeader, UINT64_MAX, *this);
    forwarder_.on_reply(kLeader, {id, peers::ForwardOutcome::kExecuted, ":1\r\n"}, *this);
    EXPECT_EQ(outcomes_[1], "unknown");
}

TEST_F(ForwarderTest, AReplyOfANodeThatWasNotAskedIsIgnored) {
    const uint64_t id = forward(1);
    forwarder_.on_reply(NodeId{3}, {id, peers::ForwardOutcome::kExecuted, ":1\r\n"}, *this);
    EXPECT_TRUE(outcomes_.empty());
}

TEST_F(ForwarderTest, WithoutAConnectionNothingIsTaken) {
    connected_ = false;
    EXPECT_EQ(forward(1), 0u);
    forwarder_.on_link_lost(kLeader, UINT64_MAX, *this);
    EXPECT_TRUE(outcomes_.empty());
}

TEST_F(ForwarderTest, ALargeCommandGoesInPiecesAndHasItsIdWhenTheLastIsSent) {
    const std::string command(20 * peers::kForwardPieceBytes + 5, 'c');
    LargeForward progress;
    pieces_left_ = 7;
    EXPECT_EQ(forward_large(1, command, progress), 0);
    EXPECT_TRUE(progress.waits);
    const uint64_t between = forward(2);
    pieces_left_ = UINT64_MAX;
    const uint64_t id = forward_large(1, command, progress);
    EXPECT_GT(id, between) << "what left before it may have been carried out before it";
    EXPECT_EQ(sent_, command);
    forwarder_.on_reply(kLeader, {id, peers::ForwardOutcome::kExecuted, "+OK\r\n"}, *this);
    EXPECT_EQ(outcomes_[1], "+OK\r\n");
}

TEST_F(ForwarderTest, ALargeCommandThatTakesTooLongForATurnGoesOnInTheNext) {
    const std::string command(48u << 20, 'c');
    LargeForward progress;
    int turns = 1;
    while (forward_large(1, command, progress) == 0) {
        EXPECT_FALSE(progress.waits);
        ++turns;
    }
    EXPECT_GT(turns, 5);
    EXPECT_EQ(sent_, command);
}

TEST_F(ForwarderTest, ALargeCommandBeginsAgainAtAnotherLeaderOrConnection) {
    const std::string command(3 * peers::kForwardPieceBytes, 'c');
    LargeForward progress;
    pieces_left_ = 2;
    EXPECT_EQ(forward_large(1, command, progress), 0);
    connected_ = false;
    EXPECT_EQ(forward_large(1, command, progress), 0);
    connected_ = true;
    pieces_left_ = 2;
    EXPECT_EQ(forward_large(1, command, progress), 0);
    pieces_left_ = UINT64_MAX;
    EXPECT_NE(forward_large(1, command, progress, 2), 0);
    EXPECT_EQ(sent_, command);
}

}  // namespace
}  // namespace kvorum::gateway
