// Reads at a follower (thesis 6.4; L1 to L6 of the rules of reads): what is asked of the leader, what its answer is
// good for, and when it is asked again. And the leader's side: when it answers, and with what.
#include "tests/replica/driver_fixture.h"

namespace kvorum::replica {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DriverFollowerReadsTest : public DriverTest {
 protected:
    // This node follows node 3, and has applied the first entry.
    void follow() {
        first_ = entry(LogIndex{1}, driver().current_term() + 1, 0, "k");
        follow_other({first_}, LogIndex{1});
        settle();
        ASSERT_EQ(driver().last_applied(), LogIndex{1});
        ASSERT_EQ(driver().leader(), kOther);
        outcomes_.take();
    }
    void answer(size_t question, LogIndex read_index, NodeId from = kOther) {
        driver().on_read_index_reply(from, {.id = peers_.questions.at(question).second.id, .read_index = read_index});
    }

    raft::EntryPtr first_;
};

TEST_F(DriverFollowerReadsTest, TheLeaderIsAskedOnceForAllReadsOfATurn) {
    follow();
    (void)read(5);
    const uint64_t round = read(6);
    turn();
    ASSERT_EQ(peers_.questions.size(), 1u);
    EXPECT_EQ(peers_.questions[0].first, kOther);
    EXPECT_EQ(peers_.questions[0].second.leader_term, driver().current_term());
    EXPECT_THAT(outcomes_.take(), IsEmpty()) << "not before the answer";
    answer(0, LogIndex{1});
    turn();
    EXPECT_THAT(outcomes_.take(),
                ElementsAre(fmt::format("read 5 of round {}", round), fmt::format("read 6 of round {}", round)));
}

TEST_F(DriverFollowerReadsTest, AReadThatCameBehindTheQuestionNeedsAnotherOne) {
    follow();
    (void)read(5);
    turn();
    const uint64_t second = read(6);
    answer(0, LogIndex{1});
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre(fmt::format("read 5 of round {}", second - 1)));
    ASSERT_EQ(peers_.questions.size(), 2u);
    answer(1, LogIndex{1});
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre(fmt::format("read 6 of round {}", second)));
}

TEST_F(DriverFollowerReadsTest, AReadWaitsUntilWhatItMustSeeIsApplied) {
    follow();
    const uint64_t round = read(5);
    turn();
    answer(0, LogIndex{2});
    turn();
    EXPECT_THAT(outcomes_.take(), IsEmpty());
    receive(kOther, raft::AppendEntries{.term = driver().current_term(),
                                        .prev_log_index = LogIndex{1},
                                        .prev_log_term = first_->term(),
                                        .leader_commit = LogIndex{2},
                                        .entries = {entry(LogIndex{2}, first_->term(), first_->id().checksum, "k2")}});
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre(fmt::format("read 5 of round {}", round)));
}

TEST_F(DriverFollowerReadsTest, WhatWasAskedDiesWithTheLeaderAnsweredOrNot) {
    follow();
    (void)read(5);
    turn();
    answer(0, LogIndex{7});
    (void)read(6);
    turn();
    receive(kPeer, raft::AppendEntries{.term = driver().current_term() + 1});
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre("dropped 5", "dropped 6"));
    answer(1, LogIndex{1});
    turn();
    EXPECT_THAT(outcomes_.take(), IsEmpty()) << "a late answer is good for nothing";
}

TEST_F(DriverFollowerReadsTest, ARefusalOrALostConnectionGivesTheReadsBack) {
    follow();
    (void)read(5);
    turn();
    answer(0, LogIndex{});
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre("dropped 5"));
    (void)read(6);
    turn();
    driver().on_answers_lost(kPeer);
    turn();
    EXPECT_THAT(outcomes_.take(), IsEmpty());
    driver().on_answers_lost(kOther);
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre("dropped 6"));
}

TEST_F(DriverFollowerReadsTest, AnAnswerOfSomebodyElseIsNone) {
    follow();
    (void)read(5);
    turn();
    answer(0, LogIndex{1}, kPeer);
    turn();
    EXPECT_THAT(outcomes_.take(), IsEmpty());
}

TEST_F(DriverFollowerReadsTest, AQuestionThatStaysUnansweredIsAskedAgainUnderAnotherId) {
    config_.election_timeout_ms = 100;
    follow();
    (void)read(5);
    turn();
    for (int i = 0; i < 12; ++i) {
        receive(kOther, raft::AppendEntries{.term = driver().current_term(),
                                            .prev_log_index = LogIndex{1},
                                            .prev_log_term = driver().current_term()});
        turn_after(10 * kMillisecondNs);
    }
    EXPECT_THAT(outcomes_.take(), ElementsAre("dropped 5"));
    (void)read(5);
    turn();
    ASSERT_EQ(peers_.questions.size(), 2u);
    EXPECT_NE(peers_.questions[0].second.id, peers_.questions[1].second.id);
}

TEST_F(DriverFollowerReadsTest, WithoutAConnectionToTheLeaderNoReadsAreTakenUntilThereIsOne) {
    follow();
    peers_.connected = false;
    EXPECT_TRUE(driver().takes_reads());
    (void)read(5);
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre("dropped 5"));
    EXPECT_FALSE(driver().takes_reads());
    EXPECT_FALSE(driver().has_work(outcomes_));
    driver().on_connected(kOther);
    EXPECT_TRUE(driver().takes_reads());
}

TEST_F(DriverFollowerReadsTest, TheAgeOfTheStateCountsFromTheQuestionAndNotFromTheAnswer) {
    follow();
    EXPECT_FALSE(driver().is_at_most_old(UINT64_MAX)) << "nothing is known";
    (void)read(5);
    turn();
    backend_.time_ns += 30 * kMillisecondNs;
    answer(0, LogIndex{1});
    turn();
    EXPECT_TRUE(driver().is_at_most_old(30 * kMillisecondNs));
    EXPECT_FALSE(driver().is_at_most_old(30 * kMillisecondNs - 1));
}

TEST_F(DriverFollowerReadsTest, TheAgeOfTheStateIsNotKnownBeforeTheAnswerIsApplied) {
    follow();
    (void)read(5);
    turn();
    answer(0, LogIndex{2});
    turn();
    EXPECT_FALSE(driver().is_at_most_old(UINT64_MAX));
}

TEST_F(DriverFollowerReadsTest, WhatRemainsOfAKeysLifeCountsByTheLeadersClock) {
    follow();
    (void)read(5);
    turn();
    driver().on_read_index_reply(
        kOther, {.id = peers_.questions[0].second.id, .read_index = LogIndex{1}, .leader_clock_ms = 5'000'000'000'000});
    turn_after(20 * kMillisecondNs);
    EXPECT_EQ(driver().turn_clock_ms(), 5'000'000'000'020);
}

// --- the leader's side ---

TEST_F(DriverFollowerReadsTest, UnderALeaseAQuestionIsAnsweredInItsTurn) {
    lead();
    driver().on_read_index_request(kPeer, {.id = 71, .leader_term = driver().current_term()});
    turn();
    ASSERT_EQ(peers_.answers.size(), 1u);
    EXPECT_EQ(peers_.answers[0].first, kPeer);
    EXPECT_EQ(peers_.answers[0].second.id, 71u);
    EXPECT_EQ(peers_.answers[0].second.read_index, driver().commit_index());
}

TEST_F(DriverFollowerReadsTest, WithoutALeaseItIsAnsweredAfterARoundThatBeganBehindIt) {
    config_.clock_drift_percent = 0;
    lead();
    const auto rounds = [this] { return peers_.sent_to<raft::AppendEntries>(kPeer); };
    const uint64_t round_before = rounds().empty() ? 0 : rounds().back().read_round;
    driver().on_read_index_request(kPeer, {.id = 71, .leader_term = driver().current_term()});
    turn();
    ASSERT_FALSE(rounds().empty());
    EXPECT_GT(rounds().back().read_round, round_before);
    EXPECT_THAT(peers_.answers, IsEmpty());
    answer_as_peer();
    turn();
    ASSERT_EQ(peers_.answers.size(), 1u);
    EXPECT_EQ(peers_.answers[0].second.read_index, driver().commit_index());
}

TEST_F(DriverFollowerReadsTest, ALeaderAnswersNothingBeforeItHasCommittedAnEntryOfItsTerm) {
    for (int i = 0; i < 100 && !driver().is_leader(); ++i) {
        log_.finish_all();
        turn_after(5 * kMillisecondNs);
        answer_as_peer();
    }
    ASSERT_TRUE(driver().is_leader());
    turn();
    ASSERT_EQ(driver().commit_index(), LogIndex{});
    driver().on_read_index_request(kPeer, {.id = 71, .leader_term = driver().current_term()});
    turn();
    EXPECT_THAT(peers_.answers, IsEmpty());
    settle();
    ASSERT_EQ(peers_.answers.size(), 1u);
    EXPECT_EQ(peers_.answers[0].second.read_index, LogIndex{1});
}

TEST_F(DriverFollowerReadsTest, QuestionsAreRefusedByWhoDoesNotLeadInThatTerm) {
    lead();
    driver().on_read_index_request(kPeer, {.id = 71, .leader_term = driver().current_term() - 1});
    follow_other({}, LogIndex{});
    driver().on_read_index_request(kPeer, {.id = 72, .leader_term = driver().current_term()});
    turn();
    ASSERT_EQ(peers_.answers.size(), 2u);
    for (const auto& [peer, reply] : peers_.answers)
        EXPECT_TRUE(reply.read_index.is_none());
}

TEST_F(DriverFollowerReadsTest, QuestionsThatWaitAreRefusedWhenTheLeadershipIsLost) {
    config_.clock_drift_percent = 0;
    lead();
    driver().on_read_index_request(kPeer, {.id = 71, .leader_term = driver().current_term()});
    turn();
    follow_other({}, LogIndex{});
    turn();
    ASSERT_EQ(peers_.answers.size(), 1u);
    EXPECT_EQ(peers_.answers[0].second.id, 71u);
    EXPECT_TRUE(peers_.answers[0].second.read_index.is_none());
}

TEST_F(DriverFollowerReadsTest, WhoIsGoneGetsNoAnswer) {
    config_.clock_drift_percent = 0;
    lead();
    driver().on_read_index_request(kPeer, {.id = 71, .leader_term = driver().current_term()});
    turn();
    driver().on_answers_lost(kPeer);
    settle();
    EXPECT_THAT(peers_.answers, IsEmpty());
}

}  // namespace
}  // namespace kvorum::replica
