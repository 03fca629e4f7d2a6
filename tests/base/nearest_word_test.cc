#include "base/nearest_word.h"

#include <gtest/gtest.h>

namespace kvorum {
namespace {

const std::vector<std::string> kWords = {"start", "status", "stop", "kill", "restart"};

TEST(NearestWord, FindsWhatWasMistyped) {
    EXPECT_EQ(nearest_word("restrat", kWords), "restart");  // two letters swapped
    EXPECT_EQ(nearest_word("stat", kWords), "start");       // one left out
    EXPECT_EQ(nearest_word("killl", kWords), "kill");       // one too many
    EXPECT_EQ(nearest_word("stops", kWords), "stop");
    EXPECT_EQ(nearest_word("stapus", kWords), "status");  // one changed
}

TEST(NearestWord, FindsNothingForAnotherWord) {
    EXPECT_EQ(nearest_word("banana", kWords), "");
    EXPECT_EQ(nearest_word("", kWords), "");
    EXPECT_EQ(nearest_word("x", {}), "");
    EXPECT_EQ(nearest_word(std::string(1'000'000, 'x'), kWords), "");
}

}  // namespace
}  // namespace kvorum
