#include "base/checksum.h"

#include <gtest/gtest.h>

#include <string>

namespace kvorum {
namespace {

TEST(Checksum, IsTheSameOnEveryMachineForever) {
    // XXH3 64 of the empty input and of "kvorum": what is on disk today must verify tomorrow.
    EXPECT_EQ(checksum64({}), 0x2d06800538d394c2ULL);
    EXPECT_EQ(checksum64(as_bytes("kvorum")), checksum64(as_bytes(std::string("kvorum"))));
}

TEST(Checksum, SeesEverySingleBitFlip) {
    const std::string text = "a record of the write-ahead log";
    const uint64_t good = checksum64(as_bytes(text));
    for (size_t bit = 0; bit < text.size() * 8; ++bit) {
        std::string damaged = text;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_NE(checksum64(as_bytes(damaged)), good) << "bit " << bit;
    }
}

TEST(Checksum, TheSeedSeparatesUses) { EXPECT_NE(checksum64(as_bytes("x"), 1), checksum64(as_bytes("x"), 2)); }

}  // namespace
}  // namespace kvorum
