#include "ops/dump_payload.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "kv/store.h"
#include "ops/crc64.h"
#include "tests/ops/compressed_payload.h"

namespace kvorum::ops {
namespace {

DumpError parse(const std::string& payload, std::string& value) {
    std::string storage;
    std::string_view view;
    const DumpError error = parse_dump_payload(payload, storage, view);
    value = view;
    return error;
}

TEST(Crc64, HasItsCheckValue) {
    EXPECT_EQ(crc64("123456789"), 0xe9c6d914c4b8d9caU);
    EXPECT_EQ(crc64(""), 0U);
}

TEST(Crc64, StepsOfManyBytesGiveWhatSingleBytesGive) {
    std::string bytes;
    Prng prng(1);
    uint64_t expected = 0;
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(crc64(bytes), expected) << i;
        const auto byte = static_cast<uint8_t>(prng.below(256));
        bytes += static_cast<char>(byte);
        expected ^= byte;
        for (int bit = 0; bit < 8; ++bit)
            expected = (expected & 1) != 0 ? expected >> 1 ^ 0x95ac9329ac4bc9b5U : expected >> 1;
    }
}

TEST(DumpPayload, ComesBackAsItWas) {
    for (const size_t size : {0U, 1U, 20U, 21U, 63U, 64U, 16383U, 16384U, 1'000'000U}) {
        std::string value;
        EXPECT_EQ(parse(dump_payload(std::string(size, 'x')), value), DumpError::kNone);
        EXPECT_EQ(value, std::string(size, 'x'));
    }
}

TEST(DumpPayload, LzfOfRedisIsRead) {
    std::string value;
    EXPECT_EQ(parse(sealed_payload(std::string("\0\xc3\x06\x15\x01\x61\x61\xe0\x0a\x00", 10)), value),
              DumpError::kNone);
    EXPECT_EQ(value, std::string(21, 'a'));
}

TEST(DumpPayload, ACompressedStringIsTheSameInManySteps) {
    const std::string payload = compressed_payload('a', 1'000'003);
    std::optional<Decompression> decompression = Decompression::of(payload);
    ASSERT_TRUE(decompression.has_value());
    EXPECT_EQ(decompression->size_bytes(), 1'000'003U);
    uint64_t work = 0;
    uint64_t steps = 1;
    for (uint64_t work_end = 1000; !decompression->go_on(work_end, work); work_end += 1000)
        ++steps;
    EXPECT_GT(steps, 400U);
    EXPECT_TRUE(decompression->is_whole());
    EXPECT_EQ(decompression->text(), std::string(1'000'003, 'a'));
    std::string value;
    EXPECT_EQ(parse(payload, value), DumpError::kNone);
    EXPECT_EQ(value, decompression->text());
}

TEST(DumpPayload, WhatIsDamagedWithinIsKnownAtTheEndOfItsDecompression) {
    const std::string short_by_one = sealed_payload(std::string("\0\xc3\x06\x16\x01\x61\x61\xe0\x0a\x00", 10));
    std::optional<Decompression> decompression = Decompression::of(short_by_one);
    ASSERT_TRUE(decompression.has_value());
    uint64_t work = 0;
    EXPECT_TRUE(decompression->go_on(UINT64_MAX, work));
    EXPECT_FALSE(decompression->is_whole());
    std::string storage;
    std::string_view value;
    EXPECT_EQ(parse_dump_payload(short_by_one, storage, value, {.crc = {}, .decompressed = &*decompression}),
              DumpError::kFormat);
}

TEST(DumpPayload, OnlyWhatIsCompressedIsDecompressed) {
    EXPECT_FALSE(Decompression::of("").has_value());
    EXPECT_FALSE(Decompression::of(dump_payload(std::string(1000, 'x'))).has_value());
    EXPECT_FALSE(Decompression::of(compressed_payload('a', kv::kValueSizeMax + 1)).has_value());
}

TEST(DumpPayload, WhatClaimsToBeLargerThanAnyValueIsRefusedBeforeItIsMade) {
    std::string value;
    EXPECT_EQ(parse(sealed_payload(std::string("\0\xc3\x01\x81\x00\x00\x00\xff\xff\xff\xff\xff\x00", 13)), value),
              DumpError::kTooLong);
    EXPECT_EQ(parse(sealed_payload(std::string("\0\x81\xff\xff\xff\xff\xff\xff\xff\xff", 10)), value),
              DumpError::kFormat);
}

TEST(DumpPayload, AnyBytesWithARightChecksumAreTaken) {
    Prng prng(3);
    for (int i = 0; i < 50'000; ++i) {
        std::string bytes(prng.below(30), '\0');
        for (char& byte : bytes)
            byte = static_cast<char>(prng.below(256));
        if (!bytes.empty()) bytes[0] = 0;
        if (bytes.size() > 1 && prng.chance(1, 2)) bytes[1] = '\xc3';
        std::string value;
        const DumpError error = parse(sealed_payload(bytes), value);
        if (error != DumpError::kNone) {
            EXPECT_EQ(value, "");
        }
    }
}

}  // namespace
}  // namespace kvorum::ops
