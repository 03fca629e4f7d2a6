// Whatever vectors it was compiled for, XXH3 gives one sum.
#include "base/checksum_variants.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/prng.h"

namespace kvorum {
namespace {

std::string drawn(size_t size) {
    Prng random(size + 1);
    std::string bytes(size, '\0');
    for (char& c : bytes)
        c = static_cast<char>(random.next());
    return bytes;
}

std::vector<size_t> sizes() {
    std::vector<size_t> all{4095, 4096, 4097, 65'535, 65'536, 100'000, 262'144, 1'000'003};
    for (size_t size = 0; size <= 2048; ++size)
        all.push_back(size);
    return all;
}

TEST(ChecksumVariants, AllThatTheMachineHasGiveTheSumOfTheLibrary) {
    for (const size_t size : sizes()) {
        const std::string bytes = drawn(size);
        for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
            const uint64_t expected = XXH3_64bits_withSeed(bytes.data(), size, seed);
            for (const ChecksumVariant* variant : checksum_variants())
                ASSERT_EQ(variant->sum(bytes.data(), size, seed), expected) << variant->name << " " << size;
            ASSERT_EQ(checksum64(as_bytes(bytes), seed), expected) << size;
        }
        ASSERT_EQ(checksum64(as_bytes(bytes)), XXH3_64bits(bytes.data(), size)) << size;
    }
}

TEST(ChecksumVariants, TheSumDoesNotDependOnWhereTheBytesLie) {
    const std::string bytes = drawn(3000);
    std::string moved(bytes.size() + 64, '\0');
    for (size_t offset = 0; offset < 64; ++offset) {
        moved.replace(offset, bytes.size(), bytes);
        for (const ChecksumVariant* variant : checksum_variants())
            ASSERT_EQ(variant->sum(moved.data() + offset, bytes.size(), 7), checksum64(as_bytes(bytes), 7))
                << variant->name << " " << offset;
    }
}

TEST(ChecksumVariants, PiecesHaveTheSumOfTheWholeHoweverTheyWereCut) {
    struct Free {
        void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
    };
    Prng random(1);
    for (const size_t size : {0u, 1u, 240u, 241u, 256u, 257u, 1024u, 1025u, 2048u, 70'000u}) {
        const std::string bytes = drawn(size);
        for (const ChecksumVariant* variant : checksum_variants()) {
            for (int cut = 0; cut < 50; ++cut) {
                const uint64_t seed = cut % 3;
                const std::unique_ptr<XXH3_state_t, Free> state(XXH3_createState());
                XXH3_64bits_reset_withSeed(state.get(), seed);
                const size_t piece_max = cut % 2 == 0 ? size / 2 + 1 : 600;
                for (size_t at = 0; at < size;) {
                    const size_t piece = std::min<size_t>(size - at, random.below(piece_max + 1));
                    variant->add(state.get(), bytes.data() + at, piece);
                    at += piece;
                }
                ASSERT_EQ(XXH3_64bits_digest(state.get()), checksum64(as_bytes(bytes), seed))
                    << variant->name << " " << size;
            }
        }
    }
}

}  // namespace
}  // namespace kvorum
