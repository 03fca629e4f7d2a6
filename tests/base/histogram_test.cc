#include "base/histogram.h"

#include <gtest/gtest.h>

namespace kvorum {
namespace {

TEST(Histogram, AnEmptyOneAnswersZero) {
    const Histogram histogram;
    EXPECT_EQ(histogram.value_at(0.99), 0u);
    EXPECT_EQ(histogram.min(), 0u);
    EXPECT_EQ(histogram.mean(), 0.0);
}

TEST(Histogram, SmallValuesAreExact) {
    Histogram histogram;
    for (uint64_t value = 1; value <= 100; ++value)
        histogram.record(value);
    EXPECT_EQ(histogram.value_at(0.5), 50u);
    EXPECT_EQ(histogram.min(), 1u);
    EXPECT_EQ(histogram.max(), 100u);
}

TEST(Histogram, LargeValuesAreKnownToTwoPercent) {
    for (uint64_t value = 1000; value < (uint64_t{1} << 40); value = value * 3 + 7) {
        Histogram histogram;
        histogram.record(value);
        histogram.record(uint64_t{1} << 40);  // so that value_at is not cut to the maximum
        const auto estimate = static_cast<double>(histogram.value_at(0.5));
        EXPECT_GE(estimate, static_cast<double>(value));
        EXPECT_LE(estimate, static_cast<double>(value) * 1.02);
    }
}

TEST(Histogram, ValuesBeyondTheRangeCountAsTheLargest) {
    Histogram histogram;
    histogram.record(UINT64_MAX / 2);
    EXPECT_EQ(histogram.count(), 1u);
    EXPECT_GE(histogram.value_at(1.0), (uint64_t{1} << 39));
}

TEST(Histogram, MergingIsLikeRecordingInOne) {
    Histogram left;
    Histogram right;
    Histogram both;
    for (uint64_t value = 0; value < 5000; value += 7) {
        (value % 2 == 0 ? left : right).record(value);
        both.record(value);
    }
    left.merge(right);
    for (const double quantile : {0.0, 0.1, 0.5, 0.9, 0.999, 1.0})
        EXPECT_EQ(left.value_at(quantile), both.value_at(quantile));
    EXPECT_EQ(left.count(), both.count());
}

}  // namespace
}  // namespace kvorum
