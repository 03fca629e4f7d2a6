#include "server/forwarder.h"

#include <gtest/gtest.h>

#include <map>

namespace kvorum::server {
namespace {

constexpr NodeId kLeader{2};

class ForwarderTest : public ::testing::Test, public ForwardSender, public ForwardOutcomes {
 protected:
    ForwarderTest() : forwarder_(*this, 12345) { forwarder_.attach(*this); }

    bool send_forward_request(NodeId /*leader*/, Term /*term*/, uint64_t /*request_id*/, uint64_t /*session_id*/,
                              net::RespVersion /*protocol*/, kv::Arguments /*arguments*/) override {
        return connected_;
    }
    void forward_executed(ForwardWaiter waiter, std::string_view reply) override {
        outcomes_[waiter.sequence] = std::string(reply);
    }
    void forward_not_executed(ForwardWaiter waiter) override { outcomes_[waiter.sequence] = "not executed"; }
    void forward_outcome_unknown(ForwardWaiter waiter) override { outcomes_[waiter.sequence] = "unknown"; }

    uint64_t forward(uint64_t sequence) {
        const std::vector<std::string_view> arguments{"incr", "k"};
        return forwarder_.forward({kLeader, Term{1}}, {{}, sequence}, 1, net::RespVersion::kResp2, arguments);
    }

    bool connected_ = true;
    Forwarder forwarder_;
    std::map<uint64_t, std::string> outcomes_;
};

TEST_F(ForwarderTest, AReplyReachesItsWaiterOnce) {
    const uint64_t id = forward(1);
    forwarder_.on_reply(kLeader, id, Forwarder::Outcome::kExecuted, ":1\r\n");
    forwarder_.on_reply(kLeader, id, Forwarder::Outcome::kExecuted, ":2\r\n");
    EXPECT_EQ(outcomes_, (std::map<uint64_t, std::string>{{1, ":1\r\n"}}));
}

TEST_F(ForwarderTest, RepliesMayComeInAnyOrder) {
    const uint64_t first = forward(1);
    const uint64_t second = forward(2);
    forwarder_.on_reply(kLeader, second, Forwarder::Outcome::kExecuted, "b");
    forwarder_.on_reply(kLeader, first, Forwarder::Outcome::kExecuted, "a");
    EXPECT_EQ(outcomes_, (std::map<uint64_t, std::string>{{1, "a"}, {2, "b"}}));
}

TEST_F(ForwarderTest, WhatMayHaveLeftIsUnknownAndWhatDidNotLeaveIsDefinite) {
    forward(1);
    const uint64_t unsent = forward(2);
    forwarder_.on_link_lost(kLeader, unsent);
    EXPECT_EQ(outcomes_, (std::map<uint64_t, std::string>{{1, "unknown"}, {2, "not executed"}}));
}

TEST_F(ForwarderTest, ALateReplyAfterTheLinkBrokeChangesNothing) {
    const uint64_t id = forward(1);
    forwarder_.on_link_lost(kLeader, UINT64_MAX);
    forwarder_.on_reply(kLeader, id, Forwarder::Outcome::kExecuted, ":1\r\n");
    EXPECT_EQ(outcomes_[1], "unknown");
}

TEST_F(ForwarderTest, AReplyOfANodeThatWasNotAskedIsIgnored) {
    const uint64_t id = forward(1);
    forwarder_.on_reply(NodeId{3}, id, Forwarder::Outcome::kExecuted, ":1\r\n");
    EXPECT_TRUE(outcomes_.empty());
}

TEST_F(ForwarderTest, WithoutAConnectionNothingIsTaken) {
    connected_ = false;
    EXPECT_EQ(forward(1), 0u);
    forwarder_.on_link_lost(kLeader, UINT64_MAX);
    EXPECT_TRUE(outcomes_.empty());
}

}  // namespace
}  // namespace kvorum::server
