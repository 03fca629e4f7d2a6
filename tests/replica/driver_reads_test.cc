// When reads are released, and what holds them, or the state, back.
#include "tests/replica/driver_fixture.h"

namespace kvorum::replica {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using DriverReadsTest = DriverTest;

TEST_F(DriverReadsTest, WithoutALeaseAReadWaitsForItsRound) {
    config_.clock_drift_percent = 0;
    lead();
    EXPECT_FALSE(driver().may_read_now());
    const uint64_t round = read(5);
    turn();
    EXPECT_THAT(outcomes_.take(), IsEmpty());
    answer_as_peer();
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre(fmt::format("read 5 of round {}", round)));
}

TEST_F(DriverReadsTest, UnderALeaseAReadIsReleasedInItsTurn) {
    lead();
    EXPECT_TRUE(driver().may_read_now());
    const uint64_t round = read(5);
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre(fmt::format("read 5 of round {}", round)));
}

TEST_F(DriverReadsTest, ALeaseEndsByTheClockOfTheMomentAndNotOfTheTurn) {
    lead();
    ASSERT_TRUE(driver().may_read_now());
    backend_.time_ns += config_.election_timeout_ms * kMillisecondNs;
    EXPECT_FALSE(driver().may_read_now());
}

TEST_F(DriverReadsTest, ReadsAreReleasedWhenWhatTheyMustSeeIsApplied) {
    lead();
    outcomes_.holds = true;
    ASSERT_EQ(set(1), WriteAdmission::kAccepted);
    settle();
    ASSERT_EQ(driver().commit_index(), LogIndex{2});
    EXPECT_FALSE(driver().may_read_now());
    EXPECT_TRUE(driver().apply_waits());
    const uint64_t round = read(5);
    settle();
    EXPECT_THAT(outcomes_.take(), IsEmpty());
    outcomes_.holds = false;
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre("entry 2", "executed 1", fmt::format("read 5 of round {}", round)));
}

TEST_F(DriverReadsTest, WhileAReadHoldsTheStateThereIsNothingToDo) {
    lead();
    outcomes_.holds = true;
    ASSERT_EQ(set(1), WriteAdmission::kAccepted);
    settle();
    EXPECT_FALSE(driver().has_work(outcomes_));
    outcomes_.holds = false;
    EXPECT_TRUE(driver().has_work(outcomes_));
}

TEST_F(DriverReadsTest, ReadsAreDroppedWhenTheLeadershipIsLost) {
    config_.clock_drift_percent = 0;
    lead();
    (void)read(5);
    turn();
    (void)read(6);
    follow_other({}, LogIndex{});
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre("dropped 5", "dropped 6"));
}

TEST_F(DriverReadsTest, WhoIsToldOfANewLeaderMayWriteAndReadAtOnce) {
    bool told = false;
    outcomes_.on_leadership_changed = [&] {
        told = told || driver().is_leader();
        if (!driver().is_leader() || driver().open_writes() > 0) return;
        EXPECT_EQ(set(1), WriteAdmission::kAccepted);
        (void)read(5);
    };
    for (int i = 0; i < 100 && !driver().is_leader(); ++i) {
        log_.finish_all();
        turn_after(5 * kMillisecondNs);
        answer_as_peer();
    }
    settle();
    EXPECT_TRUE(told);
    const std::vector<std::string> events = outcomes_.take();
    EXPECT_THAT(events, Contains("executed 1"));
    EXPECT_THAT(events, Contains(StartsWith("read 5")));
}

// --- entries that take several turns ---

class DriverSlicesTest : public DriverTest {
 protected:
    // Some commands a turn.
    DriverSlicesTest() : DriverTest(20'000) {}

    void write_long_entry() {
        log_.is_busy = true;
        for (uint32_t slot = 1; slot <= 500; ++slot)
            ASSERT_EQ(set(slot, fmt::format("key{}", slot)), WriteAdmission::kAccepted);
        log_.is_busy = false;
        turn();
        log_.finish_all();
        answer_as_peer();
        turn();
    }
};

TEST_F(DriverSlicesTest, ALongEntryIsAppliedOverSeveralTurnsAndHoldsReadsBack) {
    lead();
    const uint64_t hash_before = driver().state_hash();
    write_long_entry();
    ASSERT_TRUE(driver().mid_entry());
    EXPECT_EQ(driver().last_applied(), LogIndex{1});
    EXPECT_EQ(driver().state_hash(), hash_before);
    EXPECT_TRUE(driver().has_work(outcomes_));
    EXPECT_FALSE(driver().may_read_now());
    (void)read(1000);
    outcomes_.take();
    int turns = 0;
    while (driver().mid_entry()) {
        EXPECT_THAT(outcomes_.take(), Each(StartsWith("executed")));
        turn();
        ++turns;
    }
    EXPECT_GT(turns, 3);
    EXPECT_THAT(outcomes_.take(), Contains(StartsWith("read 1000")));
    EXPECT_EQ(driver().last_applied(), LogIndex{2});
    EXPECT_NE(driver().state_hash(), hash_before);
}

TEST_F(DriverSlicesTest, AReadOfTheStateBeforeALongEntryWaitsForTheEndOfItTooOnceItIsBegun) {
    config_.clock_drift_percent = 0;
    lead();
    (void)read(1000);
    log_.is_busy = true;
    for (uint32_t slot = 1; slot <= 500; ++slot)
        ASSERT_EQ(set(slot, fmt::format("key{}", slot)), WriteAdmission::kAccepted);
    turn();
    const uint64_t round = peers_.sent_to<raft::AppendEntries>(kPeer).back().read_round;
    log_.is_busy = false;
    turn();
    log_.finish_all();
    // The answers to the entry come first, that to the round of the read when the entry is applied in part.
    raft::AppendEntriesReply reply{.term = driver().current_term(), .success = true, .match_index = LogIndex{2}};
    receive(kPeer, reply);
    turn();
    ASSERT_TRUE(driver().mid_entry());
    reply.read_round = round;
    receive(kPeer, reply);
    turn();
    ASSERT_TRUE(driver().mid_entry());
    EXPECT_THAT(outcomes_.take(), ::testing::Not(Contains(StartsWith("read"))));
    for (int i = 0; i < 100 && driver().mid_entry(); ++i)
        turn();
    EXPECT_THAT(outcomes_.take(), Contains(StartsWith("read 1000")));
}

TEST_F(DriverSlicesTest, AnEntryThatIsBegunGoesOnThoughAReadWantsOneState) {
    lead();
    write_long_entry();
    ASSERT_TRUE(driver().mid_entry());
    outcomes_.holds = true;
    for (int i = 0; i < 100 && driver().mid_entry(); ++i)
        turn();
    EXPECT_EQ(driver().last_applied(), LogIndex{2});
}

TEST_F(DriverSlicesTest, HeartbeatsLeaveWhileALongEntryIsApplied) {
    lead();
    write_long_entry();
    ASSERT_TRUE(driver().mid_entry());
    peers_.sent.clear();
    turn_after(config_.heartbeat_interval_ms * kMillisecondNs);
    EXPECT_THAT(peers_.sent_to<raft::AppendEntries>(kPeer), ::testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace kvorum::replica
