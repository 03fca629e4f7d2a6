#include "base/log_buffer.h"

#include <gtest/gtest.h>

#include <string>

#include "base/prng.h"

namespace kvorum {
namespace {

TEST(LogBuffer, HoldsWhatWasAppended) {
    Prng prng(1);
    for (int round = 0; round < 200; ++round) {
        LogBuffer buffer;
        std::string expected;
        for (int step = 0; step < 20; ++step) {
            const auto letter = static_cast<char>('a' + step);
            switch (prng.below(5)) {
                case 0: buffer.append(1, letter), expected.append(1, letter); break;
                case 1: {
                    const size_t count = prng.below(10'000);
                    buffer.append(count, letter), expected.append(count, letter);
                    break;
                }
                case 2: {
                    const std::string text(prng.below(300), letter);
                    buffer.append(text), expected.append(text);
                    break;
                }
                case 3: {
                    const size_t size = prng.below(expected.size() + 100);
                    buffer.resize(size), expected.resize(size);
                    break;
                }
                default: buffer.reserve(prng.below(100'000));
            }
            ASSERT_EQ(buffer, expected);
        }
    }
}

TEST(LogBuffer, LiesWhereTheLogCanWriteItOnceItIsLarge) {
    LogBuffer buffer;
    buffer.append(100, 'x');
    EXPECT_TRUE(buffer.placed().empty()) << "a small one takes what it needs";
    for (const size_t size : {20'000u, 65'536u - 168u, 65'536u, 200'000u, 3'000'000u}) {
        buffer.append(size - buffer.size(), 'x');
        const MutableBytes placed = buffer.placed();
        ASSERT_FALSE(placed.empty()) << size;
        EXPECT_EQ(reinterpret_cast<uintptr_t>(placed.data()) % LogBuffer::kBlockBytes, 0u);
        EXPECT_EQ(placed.size() % LogBuffer::kBlockBytes, 0u);
        EXPECT_EQ(placed.data() + LogBuffer::kRoomBytes, buffer.bytes().data());
        EXPECT_GE(placed.size(), LogBuffer::kRoomBytes + size);
        EXPECT_LT(placed.size(), LogBuffer::kRoomBytes + size + LogBuffer::kBlockBytes);
        std::fill(placed.begin(), placed.begin() + LogBuffer::kRoomBytes, std::byte{1});
        std::fill(placed.begin() + LogBuffer::kRoomBytes + static_cast<ptrdiff_t>(size), placed.end(), std::byte{2});
        EXPECT_EQ(buffer, std::string(size, 'x')) << "what is around it is nothing of it";
    }
}

TEST(LogBuffer, IsMovedWithoutMovingItsBytes) {
    LogBuffer buffer;
    buffer.append(50'000, 'x');
    const char* const bytes = buffer.data();
    LogBuffer other = std::move(buffer);
    EXPECT_EQ(other.data(), bytes);
    EXPECT_EQ(other.size(), 50'000u);
}

}  // namespace
}  // namespace kvorum
