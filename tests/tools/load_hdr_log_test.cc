#include "tools/load_hdr_log.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <bit>
#include <map>

namespace kvorum::tools::load {
namespace {

// What a reader of HdrHistogram logs does, by its format V2; inflate() is zlib's own.
class Decoded {
 public:
    explicit Decoded(const std::string& base64) {
        std::string outer;
        EXPECT_TRUE(absl::Base64Unescape(base64, &outer));
        bytes_ = outer;
        EXPECT_EQ(number(4), 0x1c849314U);
        EXPECT_EQ(number(4), outer.size() - 8);
        std::string inner(1 << 20, '\0');
        uLongf size = inner.size();
        EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(inner.data()), &size,
                             reinterpret_cast<const Bytef*>(bytes_.data()), bytes_.size()),
                  Z_OK);
        inner.resize(size);
        bytes_ = inner;
        EXPECT_EQ(number(4), 0x1c849313U);
        EXPECT_EQ(number(4), inner.size() - 40);
        EXPECT_EQ(number(4), 0U);  // index offset
        EXPECT_EQ(number(4), 3U);  // digits
        EXPECT_EQ(number(8), 1U);  // lowest value
        EXPECT_GT(number(8), 1'000'000U);
        EXPECT_EQ(std::bit_cast<double>(number(8)), 1.0);
        read_counts();
    }

    // The value that ends each step of the histogram which has any.
    std::map<uint64_t, uint64_t> counts;

 private:
    uint64_t number(size_t size) {
        uint64_t value = 0;
        for (const char c : bytes_.substr(0, size))
            value = value << 8 | static_cast<uint8_t>(c);
        bytes_.remove_prefix(size);
        return value;
    }
    int64_t zigzag() {
        uint64_t value = 0;
        for (unsigned shift = 0; !bytes_.empty(); shift += 7) {
            const auto byte = static_cast<uint8_t>(number(1));
            value |= uint64_t{shift == 56 ? byte : byte & 0x7fu} << shift;
            if (byte < 0x80 || shift == 56) break;
        }
        return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
    }
    void read_counts() {
        for (uint64_t index = 0; !bytes_.empty();) {
            const int64_t count = zigzag();
            if (count < 0) {
                index += static_cast<uint64_t>(-count);
                continue;
            }
            // 2048 steps of one, then 1024 steps in each octave.
            const uint64_t octave = index < 2048 ? 0 : index / 1024 - 1;
            const uint64_t step = index < 2048 ? index : 1024 + index % 1024;
            if (count > 0) counts[((step + 1) << octave) - 1] = static_cast<uint64_t>(count);
            ++index;
        }
    }

    std::string_view bytes_;
};

TEST(HdrLogTest, ItsReaderFindsEveryCountAtItsValue) {
    Histogram latency;
    latency.record(3'000, 5);           // 3 us
    latency.record(1'000'000, 70'000);  // 1 ms
    latency.record(2'000'000'000, 1);   // 2 s
    const Decoded decoded(hdr_compressed_log(latency));
    ASSERT_EQ(decoded.counts.size(), 3U);
    auto step = decoded.counts.begin();
    EXPECT_EQ(step->first, 3U);
    EXPECT_EQ(step->second, 5U);
    ++step;
    EXPECT_NEAR(static_cast<double>(step->first), 1000, 16);
    EXPECT_EQ(step->second, 70'000U);
    ++step;
    EXPECT_NEAR(static_cast<double>(step->first), 2e6, 32e3);
    EXPECT_EQ(step->second, 1U);
}

TEST(HdrLogTest, ItBeginsAsTheirsDoes) {
    EXPECT_THAT(hdr_compressed_log(Histogram()), testing::StartsWith("HISTFA"));
    EXPECT_TRUE(Decoded(hdr_compressed_log(Histogram())).counts.empty());
}

TEST(HdrLogTest, ManyValuesTakeMoreThanOneBlock) {
    Histogram latency;
    for (uint64_t us = 1; us < 100'000; us += 7)
        latency.record(us * 1000, uint64_t{1} << 40);
    uint64_t total = 0;
    for (const auto& [value, count] : Decoded(hdr_compressed_log(latency)).counts)
        total += count;
    EXPECT_EQ(total, latency.count());
}

}  // namespace
}  // namespace kvorum::tools::load
