#include "node/log_loading.h"

#include <gtest/gtest.h>

namespace kvorum::node {
namespace {

constexpr uint64_t kStartNs = 5 * kSecondNs;

TEST(LogLoading, LastsUntilTheLastEntryThatWasFoundIsApplied) {
    LogLoading loading(LogIndex{10}, 1000, kStartNs, 77'000);
    EXPECT_TRUE(loading.facts().loading);
    EXPECT_EQ(loading.facts().began_wall_ms, 77'000);
    EXPECT_EQ(loading.facts().total_bytes, 1000);
    loading.applied(LogIndex{9}, 900, kStartNs + 1);
    EXPECT_TRUE(loading.facts().loading);
    EXPECT_EQ(loading.facts().loaded_bytes, 900);
    loading.applied(LogIndex{12}, 1200, kStartNs + 2);
    EXPECT_FALSE(loading.facts().loading);
}

TEST(LogLoading, ANewLogIsNotLoaded) {
    const LogLoading loading(LogIndex{}, 0, kStartNs, 77'000);
    EXPECT_FALSE(loading.facts().loading);
}

TEST(LogLoading, MoreThanWasFoundIsNeverSaid) {
    LogLoading loading(LogIndex{10}, 1000, kStartNs, 77'000);
    loading.applied(LogIndex{9}, 5000, kStartNs + 1);
    EXPECT_EQ(loading.facts().loaded_bytes, 1000);
}

}  // namespace
}  // namespace kvorum::node
