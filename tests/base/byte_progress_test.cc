#include "base/byte_progress.h"

#include <gtest/gtest.h>

namespace kvorum {
namespace {

TEST(ByteProgress, IsSaidOnceASecond) {
    ByteProgress progress(400 * kMiB, kSecondNs);
    EXPECT_FALSE(progress.words_if_due(100 * kMiB, 2 * kSecondNs - 1).has_value());
    EXPECT_EQ(progress.words_if_due(100 * kMiB, 2 * kSecondNs), "25 %, 100 of 400 MiB, 100 MiB/s");
    EXPECT_FALSE(progress.words_if_due(200 * kMiB, 2 * kSecondNs + 1).has_value());
}

TEST(ByteProgress, TheRateIsThatSinceItWasSaidLast) {
    ByteProgress progress(400 * kMiB, 0);
    (void)progress.words_if_due(100 * kMiB, kSecondNs);
    EXPECT_EQ(progress.words_if_due(300 * kMiB, 5 * kSecondNs), "75 %, 300 of 400 MiB, 50 MiB/s");
}

TEST(ByteProgress, AllOfNothingIsDone) {
    EXPECT_EQ(percent_done(0, 0), 100);
    EXPECT_EQ(percent_done(1, 4), 25);
}

}  // namespace
}  // namespace kvorum
