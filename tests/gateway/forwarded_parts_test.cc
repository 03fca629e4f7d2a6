#include "gateway/forwarded_parts.h"

#include <gtest/gtest.h>

namespace kvorum::gateway {
namespace {

TEST(ForwardedParts, GivesEachReplyItsPartsInOrder) {
    ForwardedParts parts;
    const std::string large(100'000, 'l');
    parts.append(1, "a");
    parts.append(1, "b");
    parts.append(2, "of another reply");
    parts.append(2, large);
    EXPECT_EQ(parts.take(3), "");
    EXPECT_EQ(parts.take(2), "of another reply");
    EXPECT_EQ(parts.take(1), "ab");
    EXPECT_EQ(parts.take(1), "");
    EXPECT_EQ(parts.take(2), large);
}

TEST(ForwardedParts, KnowTheMemoryThatTheyTake) {
    ForwardedParts parts;
    for (const size_t size : {1, 10, 100, 20'000, 3, 100'000, 0, 16'000}) {
        parts.append(1, std::string(size, 'x'));
        EXPECT_GE(parts.memory_bytes(), size);
        EXPECT_LE(parts.memory_bytes(), 400'000u);
    }
    while (!parts.take(1).empty())
        EXPECT_LE(parts.memory_bytes(), 400'000u);
    EXPECT_EQ(parts.memory_bytes(), 0);
}

}  // namespace
}  // namespace kvorum::gateway
