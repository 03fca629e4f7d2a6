#include "base/log_limiter.h"

#include <gtest/gtest.h>

namespace kvorum {
namespace {

TEST(LogLimiter, AfterABurstOneASecondIsAdmittedAndSaysHowManyWereNot) {
    LogLimiter limiter;
    uint64_t now_ns = 77 * kSecondNs;
    uint64_t left_out = 0;
    for (uint32_t i = 0; i < LogLimiter::kBurst; ++i) {
        EXPECT_TRUE(limiter.admit(now_ns, left_out));
        EXPECT_EQ(left_out, 0);
    }
    for (int i = 0; i < 1000; ++i)
        EXPECT_FALSE(limiter.admit(now_ns, left_out));
    now_ns += kSecondNs;
    EXPECT_TRUE(limiter.admit(now_ns, left_out));
    EXPECT_EQ(left_out, 1000);
    EXPECT_FALSE(limiter.admit(now_ns, left_out));
    now_ns += kSecondNs;
    EXPECT_TRUE(limiter.admit(now_ns, left_out));
    EXPECT_EQ(left_out, 1) << "each is counted once";
}

TEST(LogLimiter, WhatWasQuietForLongHasNoMoreThanItsBurst) {
    LogLimiter limiter;
    uint64_t left_out = 0;
    uint32_t admitted = 0;
    while (limiter.admit(3600 * kSecondNs, left_out))
        ++admitted;
    EXPECT_EQ(admitted, LogLimiter::kBurst);
}

}  // namespace
}  // namespace kvorum
