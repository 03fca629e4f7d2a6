#include "base/checksum.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include <algorithm>
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

TEST(RunningChecksum, IsTheSameHoweverTheBytesWereCut) {
    std::string text;
    for (int i = 0; i < 5000; ++i)
        text += static_cast<char>(i * 7);
    for (const uint64_t seed : {0u, 5u}) {
        for (const size_t piece_bytes : {1u, 100u, 1024u, 5000u}) {
            RunningChecksum sum(seed);
            for (size_t at = 0; at < text.size(); at += piece_bytes)
                sum.add(as_bytes(text).subspan(at, std::min(piece_bytes, text.size() - at)));
            EXPECT_EQ(sum.value(), checksum64(as_bytes(text), seed)) << piece_bytes;
        }
    }
    EXPECT_EQ(RunningChecksum().value(), checksum64({}));
}

// As in a coroutine's frame.
TEST(RunningChecksum, MayLieAnywhere) {
    const std::string bytes(3000, 'x');
    std::array<std::byte, sizeof(RunningChecksum) + 64> memory;
    for (size_t at = 0; at < 64; at += alignof(RunningChecksum)) {
        auto* sum = new (memory.data() + at) RunningChecksum();
        sum->add(as_bytes(bytes).first(1000));
        const RunningChecksum copy = *sum;
        sum->add(as_bytes(bytes).subspan(1000));
        EXPECT_EQ(sum->value(), checksum64(as_bytes(bytes))) << at;
        EXPECT_EQ(copy.value(), checksum64(as_bytes(bytes).first(1000))) << at;
        std::destroy_at(sum);
    }
}

TEST(RunningChecksum, ACopyGoesOnByItself) {
    const std::string text(1000, 'x');
    for (const uint64_t seed : {0u, 5u}) {
        RunningChecksum sum(seed);
        sum.add(as_bytes(text));
        RunningChecksum copy = sum;
        copy.add(as_bytes(text));
        EXPECT_EQ(sum.value(), checksum64(as_bytes(text), seed));
        EXPECT_EQ(copy.value(), checksum64(as_bytes(text + text), seed));
    }
}

}  // namespace
}  // namespace kvorum
