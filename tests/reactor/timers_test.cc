#include "reactor/timers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <tuple>
#include <vector>

#include "base/prng.h"

namespace kvorum::reactor {
namespace {

using ::testing::ElementsAre;

struct Alarm : Timer {
    Alarm(int number, std::vector<int>& log)
        : Timer([](Timer& timer) {
              auto& self = static_cast<Alarm&>(timer);
              self.fired.push_back(self.id);
          }),
          id(number),
          fired(log) {}
    int id;
    std::vector<int>& fired;
};

class TimersTest : public ::testing::Test {
 protected:
    std::vector<int> fired;
    TimerHeap heap;
    Alarm one{1, fired};
    Alarm two{2, fired};
    Alarm three{3, fired};
};

TEST_F(TimersTest, FireInTheOrderOfTheirDeadlinesAndOnlyWhenDue) {
    heap.arm(three, 30);
    heap.arm(one, 10);
    heap.arm(two, 20);
    EXPECT_EQ(heap.next_deadline_ns(), 10);
    EXPECT_EQ(heap.expire(20), 2);
    EXPECT_THAT(fired, ElementsAre(1, 2));
    EXPECT_TRUE(three.armed());
    EXPECT_EQ(heap.next_deadline_ns(), 30);
}

TEST_F(TimersTest, EqualDeadlinesFireInTheOrderOfArming) {
    heap.arm(two, 10);
    heap.arm(three, 10);
    heap.arm(one, 10);
    heap.expire(10);
    EXPECT_THAT(fired, ElementsAre(2, 3, 1));
}

TEST_F(TimersTest, ACancelledTimerDoesNotFire) {
    heap.arm(one, 10);
    heap.arm(two, 10);
    heap.cancel(one);
    heap.cancel(one);
    heap.expire(10);
    EXPECT_THAT(fired, ElementsAre(2));
}

TEST_F(TimersTest, ArmingAgainMovesTheDeadline) {
    heap.arm(one, 10);
    heap.arm(one, 30);
    EXPECT_EQ(heap.expire(20), 0);
    EXPECT_EQ(heap.expire(30), 1);
}

TEST_F(TimersTest, ADestroyedTimerIsForgotten) {
    {
        Alarm passing(4, fired);
        heap.arm(passing, 10);
    }
    EXPECT_EQ(heap.size(), 0);
    EXPECT_EQ(heap.expire(10), 0);
}

struct Metronome : Timer {
    explicit Metronome(TimerHeap& timer_heap)
        : Timer([](Timer& timer) {
              auto& self = static_cast<Metronome&>(timer);
              ++self.beats;
              self.timers.arm(self, timer.deadline_ns);
          }),
          timers(timer_heap) {}
    TimerHeap& timers;
    int beats = 0;
};

TEST_F(TimersTest, OneThatRearmsItselfInThePastFiresOncePerExpire) {
    Metronome metronome(heap);
    heap.arm(metronome, 10);
    EXPECT_EQ(heap.expire(100), 1);
    EXPECT_EQ(heap.expire(100), 1);
    EXPECT_EQ(metronome.beats, 2);
}

// What the heap does, done slowly: sorted by deadline, then by arming.
TEST_F(TimersTest, ManyRandomTimersAgreeWithASortedList) {
    constexpr int kTimers = 500;
    Prng random(7);
    std::deque<Alarm> alarms;
    for (int id = 0; id < kTimers; ++id)
        alarms.emplace_back(id, fired);
    std::vector<std::tuple<uint64_t, uint64_t, int>> expected;
    uint64_t sequence = 0;
    for (int step = 0; step < 5000; ++step) {
        const int id = static_cast<int>(random.below(kTimers));
        std::erase_if(expected, [&](const auto& entry) { return std::get<2>(entry) == id; });
        if (random.chance(1, 3)) {
            heap.cancel(alarms[static_cast<size_t>(id)]);
        } else {
            const uint64_t deadline_ns = random.below(1000);
            heap.arm(alarms[static_cast<size_t>(id)], deadline_ns);
            expected.emplace_back(deadline_ns, sequence++, id);
        }
    }
    std::sort(expected.begin(), expected.end());
    std::vector<int> expected_ids;
    for (const auto& entry : expected)
        expected_ids.push_back(std::get<2>(entry));
    for (uint64_t now_ns = 0; now_ns <= 1000; now_ns += 50)
        heap.expire(now_ns);
    EXPECT_EQ(fired, expected_ids);
    EXPECT_EQ(heap.size(), 0);
}

}  // namespace
}  // namespace kvorum::reactor
