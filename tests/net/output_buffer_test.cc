#include "net/output_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/peers/peer_messages.h"

namespace kvorum::net {
namespace {

TEST(OutputBuffer, KeepsOwnedBytesAndEntriesInOrder) {
    const raft::EntryPtr small = peers::test::make_entry(1, 1, "s");
    const raft::EntryPtr large = peers::test::make_entry(2, 1, std::string(5000, 'L'));
    OutputBuffer buffer;
    buffer.append_entry(large);
    buffer.tail() += "a";
    buffer.append_entry(large);
    buffer.append_entry(large);
    buffer.append_entry(small);
    buffer.tail() += "b";
    const std::string large_text(as_text(large->encoded()));
    const std::string small_text(as_text(small->encoded()));
    EXPECT_EQ(buffer.flatten(), large_text + "a" + large_text + large_text + small_text + "b");
    EXPECT_EQ(buffer.size_bytes(), buffer.flatten().size());
    std::vector<iovec> pieces;
    buffer.pieces(pieces);
    EXPECT_EQ(pieces.size(), 5u);
}

TEST(OutputBuffer, KeepsTheOrderOfPiecesAndEntriesOverManyChunks) {
    const raft::EntryPtr entry = peers::test::make_entry(1, 1, std::string(5000, 'L'));
    const std::string entry_text(as_text(entry->encoded()));
    OutputBuffer buffer;
    std::string expected;
    for (int i = 0; i < 40; ++i) {
        const std::string piece(static_cast<size_t>(1 + i * 1000), static_cast<char>('a' + i % 26));
        if (i % 3 == 0) {
            buffer.begin_piece() += piece;
        } else {
            buffer.append_piece(piece);
        }
        expected += piece;
        if (i % 5 != 0) continue;
        buffer.append_entry(entry);
        expected += entry_text;
    }
    EXPECT_EQ(buffer.size_bytes(), expected.size());
    EXPECT_GE(buffer.memory_bytes(), expected.size() - 8 * entry_text.size());
    EXPECT_EQ(buffer.flatten(), expected);
    OutputBuffer other;
    other.swap(buffer);
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(other.flatten(), expected);
    other.clear();
    EXPECT_LE(other.memory_bytes(), OutputBuffer::kKeepBytes);
}

TEST(OutputBuffer, DoesNotCopyALargePiece) {
    std::string piece(100'000, 'p');
    const void* const address = piece.data();
    OutputBuffer buffer;
    buffer.tail() += "before";
    buffer.append_piece(std::move(piece));
    std::vector<iovec> pieces;
    buffer.pieces(pieces);
    ASSERT_EQ(pieces.size(), 2u);
    EXPECT_EQ(pieces[1].iov_base, address);
}

TEST(OutputBuffer, HoldsItsEntriesUntilCleared) {
    raft::EntryPtr entry = peers::test::make_entry(1, 1, std::string(5000, 'L'));
    const std::weak_ptr<const raft::Entry> watch = entry;
    OutputBuffer buffer;
    buffer.append_entry(entry);
    entry.reset();
    EXPECT_FALSE(watch.expired());
    buffer.clear();
    EXPECT_TRUE(watch.expired());
    EXPECT_TRUE(buffer.empty());
}

TEST(OutputBuffer, GivesALargeBurstsMemoryBack) {
    OutputBuffer buffer;
    buffer.tail().append(1 << 20, 'x');
    buffer.clear();
    EXPECT_LE(buffer.tail().capacity(), OutputBuffer::kKeepBytes);
    buffer.tail().append(1000, 'x');
    const size_t capacity = buffer.tail().capacity();
    buffer.clear();
    EXPECT_EQ(buffer.tail().capacity(), capacity);
}

}  // namespace
}  // namespace kvorum::net
