#include "base/digest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace kvorum {
namespace {

std::string hex(const Digest& digest) {
    std::string text;
    for (const std::byte byte : digest)
        text += fmt::format("{:02x}", static_cast<unsigned>(byte));
    return text;
}

TEST(DigestTest, Sha256OfTheStandardsExample) {
    EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(DigestTest, HmacOfTheStandardsExample) {  // RFC 4231, case 2
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(DigestTest, AnyOtherBitMakesDigestsUnequal) {
    const Digest digest = sha256("abc");
    EXPECT_TRUE(digests_equal(digest, sha256("abc")));
    for (size_t bit = 0; bit < 8 * digest.size(); ++bit) {
        Digest other = digest;
        other[bit / 8] ^= std::byte{1} << (bit % 8);
        EXPECT_FALSE(digests_equal(digest, other));
    }
}

}  // namespace
}  // namespace kvorum
