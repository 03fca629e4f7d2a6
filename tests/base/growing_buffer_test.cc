#include "base/growing_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/packed_command.h"

namespace kvorum {
namespace {

TEST(GrowingBuffer, HoldsWhatWasAppendedWhateverItsSize) {
    GrowingBuffer buffer;
    std::string expected;
    for (int i = 0; i < 3000; ++i) {
        const std::string piece(static_cast<size_t>(i % 700), static_cast<char>('a' + i % 26));
        buffer.append(piece);
        expected += piece;
    }
    EXPECT_EQ(buffer.text(), expected);
    const GrowingBuffer moved = std::move(buffer);
    EXPECT_EQ(moved.text(), expected);
}

TEST(GrowingBuffer, TakesMemoryForWhatItHoldsAndGivesItBack) {
    GrowingBuffer buffer;
    const std::string piece(100'000, 'x');
    for (uint64_t size = piece.size(); size <= 5'000'000; size += piece.size()) {
        buffer.append(piece);
        ASSERT_LE(buffer.memory_bytes(), 2 * size);
    }
    EXPECT_LE(buffer.memory_bytes(), 5'010'000);
    buffer.release();
    EXPECT_EQ(buffer.memory_bytes(), 0);
    buffer.append("again");
    EXPECT_EQ(buffer.text(), "again");
}

TEST(PackedCommand, ReadsBackItsArgumentsAndKnowsTheLargest) {
    PackedCommand command(3);
    for (const std::string_view argument : {"SET", "", "a value"}) {
        command.begin_argument(static_cast<uint32_t>(argument.size()));
        command.append(argument);
    }
    std::vector<std::string_view> arguments;
    command.first_arguments(SIZE_MAX, arguments);
    EXPECT_EQ(arguments, (std::vector<std::string_view>{"SET", "", "a value"}));
    command.first_arguments(1, arguments);
    EXPECT_EQ(arguments, std::vector<std::string_view>{"SET"});
    EXPECT_EQ(command.argument_count(), 3);
    EXPECT_EQ(command.largest_argument_bytes(), 7);
}

}  // namespace
}  // namespace kvorum
