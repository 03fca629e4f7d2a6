#include "base/assert.h"

#include <gtest/gtest.h>

namespace kvorum {
namespace {

TEST(AssertDeathTest, ABrokenInvariantPrintsItsValuesAndAborts) {
    const int commit_index = 7;
    EXPECT_DEATH(KVORUM_ASSERT(commit_index < 5, "commit_index {}", commit_index),
                 "commit_index < 5 .*: commit_index 7");
}

TEST(Assert, AConditionThatHoldsCostsNothingVisible) { KVORUM_ASSERT(1 + 1 == 2, "arithmetic"); }

}  // namespace
}  // namespace kvorum
