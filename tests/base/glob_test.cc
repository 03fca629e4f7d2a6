#include "base/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace kvorum {
namespace {

TEST(Glob, StarTakesAnyNumberOfCharacters) {
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_TRUE(glob_matches("a*", "a"));
    EXPECT_TRUE(glob_matches("a*c*e", "abcde"));
    EXPECT_TRUE(glob_matches("*b", "abab"));
    EXPECT_FALSE(glob_matches("a*c", "ab"));
    EXPECT_TRUE(glob_matches("a**", "a"));
}

TEST(Glob, QuestionMarkTakesExactlyOne) {
    EXPECT_TRUE(glob_matches("h?llo", "hello"));
    EXPECT_FALSE(glob_matches("h?llo", "hllo"));
    EXPECT_FALSE(glob_matches("?", ""));
}

TEST(Glob, ClassesHaveRangesAndNegation) {
    EXPECT_TRUE(glob_matches("h[ae]llo", "hallo"));
    EXPECT_FALSE(glob_matches("h[ae]llo", "hillo"));
    EXPECT_TRUE(glob_matches("h[^e]llo", "hallo"));
    EXPECT_FALSE(glob_matches("h[^e]llo", "hello"));
    EXPECT_TRUE(glob_matches("[a-c][z-x]", "by"));
    EXPECT_FALSE(glob_matches("[a-c]", "d"));
    EXPECT_TRUE(glob_matches("[\\]]", "]"));
}

TEST(Glob, BackslashTakesTheNextCharacterAsItIs) {
    EXPECT_TRUE(glob_matches("\\*", "*"));
    EXPECT_FALSE(glob_matches("\\*", "a"));
    EXPECT_TRUE(glob_matches("a\\", "a\\"));
}

TEST(Glob, AClassWithoutItsEndEndsWithThePattern) {
    EXPECT_TRUE(glob_matches("[abc", "b"));
    EXPECT_FALSE(glob_matches("[abc", "d"));
    EXPECT_FALSE(glob_matches("[", "a"));
    EXPECT_TRUE(glob_matches("[^", "a"));
    EXPECT_TRUE(glob_matches("[a-]", "`"));
}

TEST(Glob, ManyStarsStayCheap) {
    std::string pattern;
    for (int i = 0; i < 1000; ++i)
        pattern += "*a";
    EXPECT_FALSE(glob_matches(pattern + "b", std::string(10'000, 'a')));
}

}  // namespace
}  // namespace kvorum
