#include "reactor/turn_meter.h"

#include <gtest/gtest.h>

#include "tests/reactor/fake_backend.h"

namespace kvorum::reactor {
namespace {

constexpr uint64_t kUs = kMicrosecondNs;

class TurnMeterTest : public ::testing::Test {
 protected:
    TurnMeterTest() { turn(kMillisecondNs, 0); }

    // A turn that took so long, of which the thread had a processor for `used_ns`.
    void turn(uint64_t elapsed_ns, uint64_t used_ns, TurnPart part = TurnPart::kOther, uint64_t spun_ns = 0) {
        backend.time_ns += elapsed_ns;
        backend.processor_ns += used_ns;
        TurnWork work;
        work.add(part, 1);
        meter.end_turn(backend, spun_ns, work);
    }

    FakeBackend backend;
    TurnMeter meter;
};

TEST_F(TurnMeterTest, KeepsTheLongestTurnAndWhatItDid) {
    turn(2000 * kUs, 2000 * kUs, TurnPart::kRead);
    turn(4000 * kUs, 4000 * kUs, TurnPart::kApply);
    turn(3000 * kUs, 3000 * kUs, TurnPart::kRead);
    EXPECT_EQ(meter.facts().longest_ns, 4000 * kUs);
    EXPECT_EQ(meter.facts().longest_doing, TurnPart::kApply);
    EXPECT_EQ(meter.facts().long_turns, 0);
}

TEST_F(TurnMeterTest, CountsTurnsAboveTheLimitByWhatTheyDid) {
    turn(6000 * kUs, 6000 * kUs, TurnPart::kExpire);
    turn(5000 * kUs, 5000 * kUs, TurnPart::kExpire);
    turn(9000 * kUs, 9000 * kUs, TurnPart::kWalk);
    EXPECT_EQ(meter.facts().long_turns, 2);
    EXPECT_EQ(meter.facts().long_turns_doing[static_cast<size_t>(TurnPart::kExpire)], 1);
    EXPECT_EQ(meter.facts().long_turns_doing[static_cast<size_t>(TurnPart::kWalk)], 1);
    meter.reset();
    EXPECT_EQ(meter.facts().longest_ns, 0);
    EXPECT_EQ(meter.facts().long_turns, 0);
}

TEST(TurnWorkTest, InputLeavesAPartOfTheTurnToWhatItLedTo) {
    TurnWork work(800);
    work.begin_turn();
    work.add(TurnPart::kParse, 499);
    EXPECT_FALSE(work.used_up());
    EXPECT_EQ(work.slice(), 100) << "at least an eighth";
    work.add(TurnPart::kParse, 1);
    EXPECT_TRUE(work.used_up());
    work.end_input();
    EXPECT_FALSE(work.used_up());
    EXPECT_EQ(work.slice(), 300);
    work.add(TurnPart::kApply, 300);
    EXPECT_TRUE(work.used_up());
}

TEST_F(TurnMeterTest, TimeInWhichTheThreadSleptOrWasPreemptedDoesNotCount) {
    turn(kSecondNs, 700 * kUs);
    EXPECT_EQ(meter.facts().longest_ns, 700 * kUs);
}

TEST_F(TurnMeterTest, TimeSpentLookingForWorkDoesNotCount) {
    turn(900 * kUs, 900 * kUs, TurnPart::kOther, 500 * kUs);
    EXPECT_EQ(meter.facts().longest_ns, 400 * kUs);
}

TEST_F(TurnMeterTest, ShortTurnsShareAReadingAndAreNotTakenForOneLongTurn) {
    const uint64_t readings = backend.processor_readings;
    for (int i = 0; i < 100; ++i)
        turn(100 * kUs, 100 * kUs);
    EXPECT_EQ(backend.processor_readings - readings, 20);
    EXPECT_EQ(meter.facts().longest_ns, 100 * kUs);
}

}  // namespace
}  // namespace kvorum::reactor
