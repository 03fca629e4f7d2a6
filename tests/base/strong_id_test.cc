#include <gtest/gtest.h>

#include <type_traits>

#include "base/ids.h"

namespace kvorum {
namespace {

TEST(StrongId, DifferentIdsDoNotMix) {
    static_assert(!std::is_convertible_v<Term, LogIndex>);
    static_assert(!std::is_convertible_v<uint64_t, Term>);
    static_assert(!std::is_constructible_v<NodeId, Term>);
}

TEST(StrongId, IndexesCountAndCompare) {
    LogIndex index{5};
    EXPECT_EQ(index + 2, LogIndex{7});
    EXPECT_EQ(index - LogIndex{2}, 3u);
    const LogIndex before = index;
    EXPECT_LT(before, ++index);
    EXPECT_TRUE(LogIndex{}.is_none());
    EXPECT_EQ(fmt::format("{}", index), "6");
}

}  // namespace
}  // namespace kvorum
