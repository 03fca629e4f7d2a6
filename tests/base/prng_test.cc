#include "base/prng.h"

#include <gtest/gtest.h>

#include <array>

namespace kvorum {
namespace {

TEST(Prng, TheSameSeedGivesTheSameSequence) {
    Prng a(42);
    Prng b(42);
    for (int i = 0; i < 1000; ++i)
        EXPECT_EQ(a.next(), b.next());
}

TEST(Prng, NeighbouringSeedsGiveUnrelatedSequences) {
    Prng a(1);
    Prng b(2);
    int equal = 0;
    for (int i = 0; i < 1000; ++i)
        equal += a.next() == b.next() ? 1 : 0;
    EXPECT_EQ(equal, 0);
}

TEST(Prng, BetweenReachesBothEndsAndNothingElse) {
    Prng prng(7);
    std::array<int, 3> seen{};
    for (int i = 0; i < 3000; ++i)
        ++seen.at(prng.between(10, 12) - 10);
    for (const int count : seen)
        EXPECT_GT(count, 800);
}

TEST(Prng, ChanceIsWhatItSays) {
    Prng prng(9);
    int hits = 0;
    for (int i = 0; i < 100000; ++i)
        hits += prng.chance(1, 4) ? 1 : 0;
    EXPECT_NEAR(hits, 25000, 1000);
}

}  // namespace
}  // namespace kvorum
