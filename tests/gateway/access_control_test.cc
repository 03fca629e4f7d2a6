#include "gateway/access_control.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace kvorum::gateway {
namespace {

TEST(AccessControlTest, LoopbackIsWhatTheMachineCallsItself) {
    for (const char* address :
         {"127.0.0.1:5000", "127.8.8.8:1", "[::1]:7001", "::1", "localhost:7001", "127.0.0.1", "[::ffff:127.0.0.1]:9"})
        EXPECT_TRUE(is_loopback(address)) << address;
    for (const char* address : {"10.0.0.1:5000", "[fe80::1]:7001", "node1:7001", "127.example.com:1", "128.0.0.1",
                                "[::ffff:10.0.0.1]:9", "unknown", ""})
        EXPECT_FALSE(is_loopback(address)) << address;
}

TEST(AccessControlTest, ProtectedModeEndsWithAPassword) {
    AccessControl access({.protected_mode = true, .password = ""});
    EXPECT_TRUE(access.admits("127.0.0.1:5"));
    EXPECT_FALSE(access.admits("10.0.0.1:5"));
    access.configure({.protected_mode = true, .password = "secret"});
    EXPECT_TRUE(access.admits("10.0.0.1:5"));
    access.configure({.protected_mode = false, .password = ""});
    EXPECT_TRUE(access.admits("10.0.0.1:5"));
}

TEST(AccessControlTest, OnlyTheDefaultUserWithTheWholePasswordIsRight) {
    const AccessControl access({.protected_mode = true, .password = "secret"});
    EXPECT_TRUE(access.is_right("default", "secret"));
    for (const char* wrong : {"", "secre", "secret1", "SECRET"})
        EXPECT_FALSE(access.is_right("default", wrong));
    EXPECT_FALSE(access.is_right("root", "secret"));
    const AccessControl open({});
    EXPECT_TRUE(open.is_right("default", "anything"));
    EXPECT_FALSE(open.is_right("root", "anything"));
}

TEST(AccessControlTest, EachWrongPasswordOfAnAddressWaitsLongerUpToABound) {
    AccessControl access({.protected_mode = true, .password = "secret"});
    const uint64_t now_ns = 1000 * kSecondNs;
    uint64_t expected_ns = AccessControl::kFirstDelayNs;
    for (uint16_t port = 1; port <= 40; ++port) {
        EXPECT_EQ(access.note_failure(fmt::format("10.0.0.1:{}", port), now_ns), expected_ns);
        expected_ns = std::min(2 * expected_ns, AccessControl::kDelayNsMax);
    }
    EXPECT_EQ(access.note_failure("10.0.0.2:1", now_ns), AccessControl::kFirstDelayNs);
    EXPECT_EQ(access.note_failure("10.0.0.1:1", now_ns + AccessControl::kForgetNs + 1), AccessControl::kFirstDelayNs);
    EXPECT_EQ(access.failures(), 42u);
}

TEST(AccessControlTest, AWholeIpv6NetworkIsOneGuesser) {
    AccessControl access({.protected_mode = true, .password = "secret"});
    EXPECT_EQ(access.note_failure("[2001:db8:1:2:3:4:5:6]:1", kSecondNs), AccessControl::kFirstDelayNs);
    EXPECT_EQ(access.note_failure("[2001:db8:1:2:6:5:4:3]:1", kSecondNs), 2 * AccessControl::kFirstDelayNs);
    EXPECT_EQ(access.note_failure("[2001:db8:1:3:6:5:4:3]:1", kSecondNs), AccessControl::kFirstDelayNs);
}

TEST(AccessControlTest, TheTableOfGuessersIsBounded) {
    AccessControl access({.protected_mode = true, .password = "secret"});
    for (uint64_t i = 0; i < 3 * AccessControl::kAddressesMax; ++i) {
        const uint64_t delay_ns = access.note_failure(fmt::format("10.{}.{}.1:7", i / 256, i % 256), kSecondNs + i);
        EXPECT_EQ(delay_ns, AccessControl::kFirstDelayNs);
    }
    EXPECT_EQ(access.address_count(), AccessControl::kAddressesMax);
}

}  // namespace
}  // namespace kvorum::gateway
