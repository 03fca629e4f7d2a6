#include "reactor/run_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace kvorum::reactor {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAreArray;

struct Numbered : Runnable {
    explicit Numbered(int number) : id(number) {}
    int id;
};

std::vector<int> drain(RunQueue& queue) {
    std::vector<int> ids;
    while (Runnable* runnable = queue.pop())
        ids.push_back(static_cast<Numbered*>(runnable)->id);
    return ids;
}

std::vector<int> order_with_seed(uint64_t seed) {
    RunQueue queue(seed);
    std::deque<Numbered> items;
    for (int id = 0; id < 20; ++id)
        queue.push(items.emplace_back(id));
    return drain(queue);
}

TEST(RunQueue, IsFirstInFirstOutWithoutASeed) {
    RunQueue queue;
    Numbered a(1), b(2), c(3);
    queue.push(a);
    queue.push(b);
    queue.push(c);
    EXPECT_THAT(drain(queue), ElementsAre(1, 2, 3));
    EXPECT_TRUE(queue.empty());
}

TEST(RunQueue, HoldsAnItemOnce) {
    RunQueue queue;
    Numbered a(1);
    queue.push(a);
    queue.push(a);
    EXPECT_THAT(drain(queue), ElementsAre(1));
    queue.push(a);
    EXPECT_THAT(drain(queue), ElementsAre(1)) << "once taken it may come back";
}

TEST(RunQueue, ForgetsADestroyedItemWhereverItStands) {
    for (const uint64_t seed : {uint64_t{0}, uint64_t{5}}) {
        for (int victim = 0; victim < 3; ++victim) {
            RunQueue queue(seed);
            std::vector<std::unique_ptr<Numbered>> items;
            for (int id = 0; id < 3; ++id)
                queue.push(*items.emplace_back(std::make_unique<Numbered>(id)));
            items[static_cast<size_t>(victim)].reset();
            EXPECT_EQ(queue.size(), 2);
            EXPECT_THAT(drain(queue), ::testing::Not(::testing::Contains(victim)));
        }
    }
}

TEST(RunQueue, TakesOverAnotherQueueBehindItsOwn) {
    RunQueue queue;
    RunQueue other;
    Numbered a(1), b(2), c(3);
    queue.push(c);
    other.push(a);
    other.push(b);
    queue.take_all(other);
    EXPECT_TRUE(other.empty());
    EXPECT_THAT(drain(queue), ElementsAre(3, 1, 2));
}

TEST(RunQueue, ASeedShufflesAndLosesNothing) {
    const std::vector<int> in_order = order_with_seed(0);
    const std::vector<int> shuffled = order_with_seed(1);
    EXPECT_NE(shuffled, in_order);
    EXPECT_THAT(shuffled, UnorderedElementsAreArray(in_order));
}

TEST(RunQueue, OneSeedAlwaysGivesOneOrder) {
    EXPECT_EQ(order_with_seed(42), order_with_seed(42));
    EXPECT_NE(order_with_seed(42), order_with_seed(43));
}

}  // namespace
}  // namespace kvorum::reactor
