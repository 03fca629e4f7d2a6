#include "base/bytes.h"

#include <gtest/gtest.h>

namespace kvorum {
namespace {

TEST(ByteReader, ReadsWhatByteWriterWrote) {
    std::string out;
    ByteWriter writer(out);
    writer.write<uint16_t>(0xabcd);
    writer.write<uint64_t>(1);
    writer.write_text("key");

    ByteReader reader(as_bytes(out));
    EXPECT_EQ(reader.read<uint16_t>(), 0xabcd);
    EXPECT_EQ(reader.read<uint64_t>(), 1u);
    EXPECT_EQ(reader.read_text(3), "key");
    EXPECT_TRUE(reader.finished());
}

TEST(ByteReader, AReadBeyondTheEndFailsAndStaysFailed) {
    const std::string three = "abc";
    ByteReader reader(as_bytes(three));
    EXPECT_EQ(reader.read<uint32_t>(), 0u);
    EXPECT_TRUE(reader.failed());
    EXPECT_EQ(reader.read<uint8_t>(), 0u);
    EXPECT_FALSE(reader.finished());
}

TEST(ByteReader, ALengthThatLiesIsNotTrusted) {
    std::string out;
    ByteWriter(out).write<uint32_t>(UINT32_MAX);
    ByteReader reader(as_bytes(out));
    const auto length = reader.read<uint32_t>();
    EXPECT_TRUE(reader.read_bytes(length).empty());
    EXPECT_TRUE(reader.failed());
}

TEST(ByteReader, LeftoverBytesAreNotAFinishedRead) {
    const std::string two = "ab";
    ByteReader reader(as_bytes(two));
    EXPECT_EQ(reader.read<uint8_t>(), 'a');
    EXPECT_FALSE(reader.finished());
    EXPECT_EQ(reader.remaining(), 1u);
}

TEST(AlignUp, GoesToTheNextMultiple) {
    EXPECT_EQ(align_up(0, 4096), 0u);
    EXPECT_EQ(align_up(1, 4096), 4096u);
    EXPECT_EQ(align_up(4096, 4096), 4096u);
}

}  // namespace
}  // namespace kvorum
