#include "observe/member_watch.h"

#include <gtest/gtest.h>

#include "base/units.h"

namespace kvorum {
namespace {

constexpr NodeId kPeer{2};

TEST(MemberWatchTest, AMemberThatIsNotReachedIsSuspectedAndFailedLater) {
    MemberWatch watch(0, 2 * kSecondNs);
    watch.saw(kPeer, true, 10 * kSecondNs);
    EXPECT_EQ(watch.health(kPeer, 10 * kSecondNs), MemberHealth::kOnline);
    watch.saw(kPeer, false, 11 * kSecondNs);
    watch.saw(kPeer, false, 12 * kSecondNs);
    EXPECT_EQ(watch.health(kPeer, 13 * kSecondNs - 1), MemberHealth::kSuspected);
    EXPECT_EQ(watch.health(kPeer, 13 * kSecondNs), MemberHealth::kFailed);
    watch.saw(kPeer, true, 14 * kSecondNs);
    EXPECT_EQ(watch.health(kPeer, 14 * kSecondNs), MemberHealth::kOnline);
}

TEST(MemberWatchTest, AMemberThatWasNeverReachedFailsLikeAnother) {
    MemberWatch watch(5 * kSecondNs, 2 * kSecondNs);
    EXPECT_EQ(watch.health(kPeer, 5 * kSecondNs), MemberHealth::kSuspected);
    watch.saw(kPeer, false, 6 * kSecondNs);
    EXPECT_EQ(watch.health(kPeer, 7 * kSecondNs), MemberHealth::kFailed);
}

TEST(MemberWatchTest, TheLastLeaderIsRememberedWhileThereIsNone) {
    MemberWatch watch(0, 2 * kSecondNs);
    EXPECT_TRUE(watch.last_leader().is_none());
    watch.saw_leader(kPeer);
    watch.saw_leader(NodeId{});
    EXPECT_EQ(watch.last_leader(), kPeer);
}

}  // namespace
}  // namespace kvorum
