#include "base/fifo.h"

#include <gtest/gtest.h>

#include <memory>

namespace kvorum {
namespace {

TEST(FifoTest, KeepsTheOrderWhileItGrowsInTheMiddleOfItsRing) {
    Fifo<int> queue;
    int pushed = 0;
    int popped = 0;
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 7; ++i)
            queue.push_back(pushed++);
        for (int i = 0; i < 5; ++i) {
            EXPECT_EQ(queue.front(), popped++);
            queue.pop_front();
        }
    }
    EXPECT_EQ(queue.size(), static_cast<size_t>(pushed - popped));
    for (size_t i = 0; i < queue.size(); ++i)
        EXPECT_EQ(queue[i], popped + static_cast<int>(i));
    EXPECT_EQ(queue.back(), pushed - 1);
}

TEST(FifoTest, LetsGoOfWhatIsTakenOutAtEitherEnd) {
    Fifo<std::shared_ptr<int>> queue;
    const auto value = std::make_shared<int>(1);
    for (int i = 0; i < 4; ++i)
        queue.push_back(value);
    queue.pop_front();
    EXPECT_EQ(value.use_count(), 4);
    queue.pop_back();
    EXPECT_EQ(value.use_count(), 3);
    queue.clear();
    EXPECT_EQ(value.use_count(), 1);
    EXPECT_TRUE(queue.empty());
}

TEST(FifoDeathTest, ThereIsNoFrontOfAnEmptyOne) {
    Fifo<int> queue;
    EXPECT_DEATH((void)queue.front(), "0 of 0");
}

}  // namespace
}  // namespace kvorum
