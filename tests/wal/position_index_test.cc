// Where entries are, and which segments may go.
#include "wal/position_index.h"

#include <gtest/gtest.h>

namespace kvorum::wal {
namespace {

// Three segments: entries 1-10, 11-20, 21-30, one group each entry, one block a group.
PositionIndex three_segments() {
    PositionIndex index;
    uint64_t group = 0;
    for (uint64_t segment = 1; segment <= 3; ++segment) {
        index.start_segment(segment, ++group);
        for (uint64_t i = 0; i < 10; ++i) {
            index.note_entry(LogIndex{(segment - 1) * 10 + i + 1}, {++group, 0}, {segment, 4096 * (i + 1)});
            index.set_end(4096 * (i + 2));
        }
    }
    return index;
}

TEST(PositionIndex, FindsTheSegmentAndAPlaceAtOrBeforeTheEntry) {
    const PositionIndex index = three_segments();
    EXPECT_EQ(index.find(LogIndex{15}), (GroupPlace{2, 4096}));
    EXPECT_EQ(index.find(LogIndex{21}), (GroupPlace{3, 4096}));
    EXPECT_FALSE(index.find(LogIndex{31}).has_value());
    EXPECT_EQ(index.first_index(), LogIndex{1});
    EXPECT_EQ(index.last_index(), LogIndex{30});
}

TEST(PositionIndex, AReplacementKillsWhatIsBehindItInEverySegment) {
    PositionIndex index = three_segments();
    index.note_entry(LogIndex{8}, {100, 0}, {3, 4096 * 11});
    EXPECT_EQ(index.last_index(), LogIndex{8});
    EXPECT_EQ(index.find(LogIndex{7}), (GroupPlace{1, 4096}));
    EXPECT_EQ(index.find(LogIndex{8}), (GroupPlace{3, 4096 * 11}));
    EXPECT_FALSE(index.find(LogIndex{9}).has_value());
    EXPECT_TRUE(is_live(index.replacements(), LogIndex{7}, {8, 0}));
    EXPECT_FALSE(is_live(index.replacements(), LogIndex{8}, {9, 0}));
    EXPECT_TRUE(is_live(index.replacements(), LogIndex{8}, {100, 0}));
}

TEST(PositionIndex, AReplacementWithinOneGroupIsOrderedByRecord) {
    PositionIndex index;
    index.start_segment(1, 1);
    index.note_entry(LogIndex{1}, {1, 2}, {1, 0});
    index.note_entry(LogIndex{2}, {1, 3}, {1, 0});
    index.note_entry(LogIndex{2}, {1, 4}, {1, 0});
    EXPECT_FALSE(is_live(index.replacements(), LogIndex{2}, {1, 3}));
    EXPECT_TRUE(is_live(index.replacements(), LogIndex{2}, {1, 4}));
}

TEST(PositionIndex, ReplacementsThatALaterOneImpliesAreForgotten) {
    PositionIndex index = three_segments();
    for (uint64_t i = 0; i < 1000; ++i)
        index.note_entry(LogIndex{30 - i % 10}, {100 + i, 0}, {3, 4096 * 12});
    EXPECT_LE(index.replacements().size(), 10U);
}

TEST(PositionIndex, OnlySegmentsBelowTheReleasedIndexMayGo) {
    const PositionIndex index = three_segments();
    EXPECT_EQ(index.releasable_before(LogIndex{9}, 1000), 1U);
    EXPECT_EQ(index.releasable_before(LogIndex{10}, 1000), 2U);
    EXPECT_EQ(index.releasable_before(LogIndex{30}, 1000), 3U) << "the last segment stays";
}

TEST(PositionIndex, ASegmentStaysUntilTheNextHeadIsDurable) {
    const PositionIndex index = three_segments();
    EXPECT_EQ(index.releasable_before(LogIndex{30}, 11), 1U);
    EXPECT_EQ(index.releasable_before(LogIndex{30}, 12), 2U);
}

TEST(PositionIndex, SegmentsStayUntilTheReplacementThatEmptiedThemIsDurable) {
    PositionIndex index = three_segments();
    index.note_entry(LogIndex{8}, {100, 0}, {3, 4096 * 11});
    EXPECT_EQ(index.releasable_before(LogIndex{7}, 99), 1U);
    EXPECT_EQ(index.releasable_before(LogIndex{7}, 100), 3U);
}

TEST(PositionIndex, TheLogDoesNotBeginAtAHeadWhoseEntryWasReplaced) {
    PositionIndex index;
    index.start_segment(1, 1);
    for (uint64_t i = 1; i <= 10; ++i)
        index.note_entry(LogIndex{i}, {1 + i, 0}, {1, 4096 * i});
    index.start_segment(2, 12, LogIndex{10});
    index.note_entry(LogIndex{8}, {13, 0}, {2, 4096});
    index.start_segment(3, 14, LogIndex{8});
    EXPECT_EQ(index.releasable_before(LogIndex{7}, 100), 1U);
    EXPECT_EQ(index.releasable_before(LogIndex{8}, 100), 3U);
}

TEST(PositionIndex, TheLogDoesNotBeginInsideAnEntryThatWasNeverFinished) {
    for (const bool is_finished : {true, false}) {
        PositionIndex index;
        index.start_segment(1, 1);
        index.note_entry(LogIndex{1}, {1, 2}, {1, 0});
        index.start_segment(2, 2, LogIndex{2}, true);
        EXPECT_EQ(index.releasable_before(LogIndex{1}, 100), 1U);
        if (is_finished) {
            index.finish_entry();
        } else {
            index.drop_unfinished_entry();
        }
        EXPECT_EQ(index.releasable_before(LogIndex{1}, 100), is_finished ? 2U : 1U);
    }
}

TEST(PositionIndex, ALargeEntryThatReplacesOthersLeavesTheHeadsInsideIt) {
    PositionIndex index;
    index.start_segment(1, 1);
    index.note_entry(LogIndex{1}, {1, 2}, {1, 0});
    index.note_entry(LogIndex{2}, {1, 3}, {1, 0});
    index.start_segment(2, 2, LogIndex{2}, true);
    index.finish_entry();
    // As a replay does, which knows the entry when it is whole.
    index.note_entry(LogIndex{2}, {1, 4}, {1, 0});
    EXPECT_EQ(index.releasable_before(LogIndex{2}, 100), 2U);
}

TEST(PositionIndex, WhenTheLogBeginsAnewAllBeforeItIsDead) {
    PositionIndex index = three_segments();
    index.begin_anew({100, 0});
    index.start_segment(4, 100, LogIndex{50});
    EXPECT_TRUE(index.first_index().is_none());
    EXPECT_FALSE(index.find(LogIndex{15}).has_value());
    EXPECT_FALSE(is_live(index.replacements(), LogIndex{30}, {33, 0}));
    EXPECT_EQ(index.releasable_before(LogIndex{50}, 99), 1U) << "it is not durable";
    EXPECT_EQ(index.releasable_before(LogIndex{50}, 100), 4U);
    index.note_entry(LogIndex{51}, {101, 0}, {4, 4096});
    EXPECT_EQ(index.find(LogIndex{51}), (GroupPlace{4, 4096}));
    EXPECT_TRUE(is_live(index.replacements(), LogIndex{51}, {101, 0}));
}

TEST(PositionIndex, BytesBehindAnEntryAreCountedOverSegments) {
    // A checkpoint for each entry: each is 1 MiB from the next.
    constexpr uint64_t kStep = PositionIndex::kCheckpointEveryBytes;
    PositionIndex index;
    uint64_t group = 0;
    for (uint64_t segment = 1; segment <= 5; ++segment) {
        index.start_segment(segment, ++group);
        for (uint64_t i = 1; segment != 3 && i <= 10; ++i)
            index.note_entry(index.last_index() + 1, {++group, 0}, {segment, kStep * i});
        index.set_end(kStep * 11);
    }
    const LogIndex last = index.last_index();
    EXPECT_EQ(index.bytes_behind(last), 0U);
    EXPECT_EQ(index.bytes_behind(last - 1), kStep);
    EXPECT_EQ(index.bytes_behind(LogIndex{20}), kStep * 21) << "segment 3 holds no entry";
    EXPECT_EQ(index.bytes_behind(LogIndex{}), kStep * 54);
    for (uint64_t i = 1; i < last.value(); ++i)
        EXPECT_EQ(index.index_at_bytes_from_end(index.bytes_behind(LogIndex{i})), LogIndex{i});
    EXPECT_EQ(index.index_at_bytes_from_end(kStep * 200), LogIndex{});
    index.drop_before(2);
    EXPECT_EQ(index.bytes_behind(LogIndex{1}), index.bytes_behind(LogIndex{10})) << "what is kept";
    EXPECT_EQ(index.index_at_bytes_from_end(kStep * 50), LogIndex{});
}

TEST(PositionIndex, CheckpointsAreSparse) {
    PositionIndex index;
    index.start_segment(1, 1);
    for (uint64_t i = 1; i <= 1000; ++i)
        index.note_entry(LogIndex{i}, {i, 0}, {1, i * 4096});
    const auto place = index.find(LogIndex{1000});
    ASSERT_TRUE(place.has_value());
    EXPECT_GT(place->offset_bytes, uint64_t{1000} * 4096 - PositionIndex::kCheckpointEveryBytes - 4096);
}

}  // namespace
}  // namespace kvorum::wal
