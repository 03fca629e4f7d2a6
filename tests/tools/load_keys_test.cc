#include "tools/load_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace kvorum::tools::load {
namespace {

using testing::ElementsAre;

KeyRange range(uint64_t minimum, uint64_t maximum) {
    KeyRange range;
    range.minimum = minimum;
    range.maximum = maximum;
    return range;
}

std::vector<uint64_t> take(KeySequence sequence, size_t count) {
    Prng prng(1);
    std::vector<uint64_t> keys;
    while (keys.size() < count)
        keys.push_back(sequence.next(prng));
    return keys;
}

TEST(LoadKeysTest, SequentialGoesThroughTheWholeRangeAgainAndAgain) {
    const KeyRange keys = range(3, 5);
    EXPECT_THAT(take(KeySequence(keys, KeyPattern::kSequential, 1, 2), 5), ElementsAre(3, 4, 5, 3, 4));
}

TEST(LoadKeysTest, ParallelClientsShareTheRangeWithoutOverlapOrHole) {
    const KeyRange keys = range(0, 100);
    std::vector<uint64_t> all;
    for (uint64_t client = 0; client < 7; ++client) {
        const KeySequence sequence(keys, KeyPattern::kParallel, client, 7);
        for (const uint64_t key : take(sequence, sequence.round_length()))
            all.push_back(key);
    }
    ASSERT_EQ(all.size(), 101U);
    EXPECT_EQ(std::set<uint64_t>(all.begin(), all.end()).size(), 101U);
    EXPECT_EQ(*std::max_element(all.begin(), all.end()), 100U);
}

TEST(LoadKeysTest, MoreParallelClientsThanKeysShareOne) {
    const KeyRange keys = range(8, 9);
    EXPECT_THAT(take(KeySequence(keys, KeyPattern::kParallel, 4, 5), 2), ElementsAre(8, 8));
}

TEST(LoadKeysTest, RandomReachesBothEnds) {
    const KeyRange keys = range(10, 13);
    std::map<uint64_t, int> seen;
    for (const uint64_t key : take(KeySequence(keys, KeyPattern::kRandom, 0, 1), 4000))
        ++seen[key];
    EXPECT_EQ(seen.size(), 4U);
    EXPECT_GT(seen[10], 800);
    EXPECT_GT(seen[13], 800);
}

TEST(LoadKeysTest, GaussianGathersAroundTheMedianAndStaysInside) {
    KeyRange keys = range(0, 1000);
    keys.median = 900;
    keys.standard_deviation = 50;
    int near = 0;
    for (const uint64_t key : take(KeySequence(keys, KeyPattern::kGaussian, 0, 1), 1000)) {
        EXPECT_LE(key, 1000U);
        near += key >= 850 && key <= 950 ? 1 : 0;
    }
    EXPECT_NEAR(near, 690, 60) << "within one standard deviation, a little more because the range cuts a tail";
}

TEST(LoadKeysTest, LettersAndPatternsAreTheSameThing) {
    for (const char letter : std::string("RGSP"))
        EXPECT_EQ(key_pattern_letter(*parse_key_pattern(std::string(1, letter))), letter);
    EXPECT_FALSE(parse_key_pattern("Q").has_value());
    EXPECT_FALSE(parse_key_pattern("").has_value());
}

// The first of a hundred keys has 1 / (1 + 1/2 + ... + 1/100) = 19.3 % of the requests, the second half of that.
TEST(LoadKeysTest, ZipfFollowsItsLaw) {
    const ZipfRanks ranks(100, 1);
    Prng prng(7);
    std::vector<uint64_t> counts(101);
    constexpr int kDraws = 100'000;
    for (int i = 0; i < kDraws; ++i)
        ++counts.at(ranks.next(prng));
    EXPECT_EQ(counts[0], 0U);
    EXPECT_NEAR(static_cast<double>(counts[1]) / kDraws, 0.193, 0.005);
    EXPECT_NEAR(static_cast<double>(counts[2]) / kDraws, 0.0964, 0.005);
    EXPECT_NEAR(static_cast<double>(counts[50]) / kDraws, 0.00386, 0.001);
    EXPECT_GT(counts[100], 0U);
}

TEST(LoadKeysTest, ZipfOfOneKeyIsThatKey) {
    Prng prng(7);
    for (const double exponent : {0.01, 0.99, 1.0, 5.0})
        EXPECT_EQ(ZipfRanks(1, exponent).next(prng), 1U) << exponent;
}

}  // namespace
}  // namespace kvorum::tools::load
