// A driver whose group is handed over: what it took goes along, what comes meanwhile waits, and what came of it is
// told.
#include "tests/replica/driver_fixture.h"

namespace kvorum::replica {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DriverTransferTest : public DriverTest {
 protected:
    raft::TransferStatus transfer(NodeId target) { return driver().transfer_leadership(target).status; }
    // The target goes on as a follower.
    void let_it_fail() {
        for (uint64_t ms = 0; ms <= config_.election_timeout_ms; ms += config_.heartbeat_interval_ms) {
            turn_after(config_.heartbeat_interval_ms * kMillisecondNs);
            answer_as_peer();
        }
    }
};

TEST_F(DriverTransferTest, TheTargetIsAskedWhenItHoldsTheLog) {
    lead();
    ASSERT_EQ(transfer(kPeer), raft::TransferStatus::kStarted);
    turn();
    EXPECT_THAT(peers_.sent_to<raft::TimeoutNow>(kPeer), SizeIs(1));
}

TEST_F(DriverTransferTest, WhatItTookBeforeIsInTheLogBeforeTheTargetIsAsked) {
    lead();
    ASSERT_EQ(set(7), WriteAdmission::kAccepted);
    ASSERT_EQ(transfer(kPeer), raft::TransferStatus::kStarted);
    turn();
    EXPECT_THAT(peers_.sent_to<raft::TimeoutNow>(kPeer), IsEmpty());
    answer_as_peer();
    turn();
    EXPECT_THAT(peers_.sent_to<raft::TimeoutNow>(kPeer), SizeIs(1));
    settle();
    EXPECT_THAT(outcomes_.take(), ElementsAre("entry 2", "executed 7"));
}

TEST_F(DriverTransferTest, WritesWaitMeanwhileAndAreTakenWhenItHasFailed) {
    lead();
    ASSERT_EQ(transfer(kPeer), raft::TransferStatus::kStarted);
    EXPECT_EQ(set(7), WriteAdmission::kHandingOver);
    EXPECT_FALSE(driver().has_open_outcomes());
    let_it_fail();
    EXPECT_EQ(counters_.transfers_failed, 1U);
    EXPECT_EQ(set(7), WriteAdmission::kAccepted);
    settle();
    EXPECT_THAT(outcomes_.take(), ElementsAre("entry 2", "executed 7"));
}

TEST_F(DriverTransferTest, NothingIsLeftToDoWhileItWaits) {
    lead();
    ASSERT_EQ(transfer(kPeer), raft::TransferStatus::kStarted);
    turn();
    EXPECT_FALSE(driver().has_work(outcomes_));
}

TEST_F(DriverTransferTest, ItsEndIsCountedOnceALeaderIsKnown) {
    lead();
    ASSERT_EQ(transfer(kPeer), raft::TransferStatus::kStarted);
    turn();
    receive(kPeer, raft::RequestVote{.term = driver().current_term() + 1,
                                     .last_log_index = driver().raft().last_index(),
                                     .last_log_term = driver().current_term(),
                                     .handed_over_by = kSelf});
    turn();
    EXPECT_FALSE(driver().is_leader());
    EXPECT_EQ(counters_.transfers_done, 0U);
    raft::AppendEntries heartbeat{.term = driver().current_term()};
    heartbeat.prev_log_index = driver().raft().last_index();
    heartbeat.prev_log_term = driver().raft().term_at(heartbeat.prev_log_index);
    receive(kPeer, heartbeat);
    turn();
    EXPECT_EQ(driver().leader(), kPeer);
    EXPECT_EQ(counters_.transfers_done, 1U);
    EXPECT_EQ(counters_.transfers_failed, 0U);
}

TEST_F(DriverTransferTest, ReadsGoOnByRounds) {
    lead();
    ASSERT_EQ(transfer(kPeer), raft::TransferStatus::kStarted);
    EXPECT_FALSE(driver().may_read_now());
    read(5);
    settle();
    EXPECT_THAT(outcomes_.take(), SizeIs(1));
}

}  // namespace
}  // namespace kvorum::replica
