#include "base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace kvorum {
namespace {

TEST(ParseInt64, TakesTheWholeRange) {
    EXPECT_EQ(parse_int64("0"), 0);
    EXPECT_EQ(parse_int64("-1"), -1);
    EXPECT_EQ(parse_int64("9223372036854775807"), INT64_MAX);
    EXPECT_EQ(parse_int64("-9223372036854775808"), INT64_MIN);
}

TEST(ParseInt64, RefusesEveryOtherWayToWriteANumber) {
    for (const char* text : {"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1a", "--1", "9223372036854775808", "1e3"}) {
        EXPECT_EQ(parse_int64(text), std::nullopt) << text;
    }
}

TEST(ParseLongDouble, RefusesTextAroundTheNumber) {
    EXPECT_EQ(parse_long_double("1.5"), 1.5L);
    EXPECT_EQ(parse_long_double("-.5"), -0.5L);
    for (const char* text : {" 1", "1 ", "1x", "", "."})
        EXPECT_EQ(parse_long_double(text), std::nullopt);
    EXPECT_EQ(parse_long_double(std::string("1\0", 2)), std::nullopt);
}

TEST(ParseLongDouble, TakesLongTextsUpToALimit) {
    EXPECT_EQ(parse_long_double(std::string(5119, '0')), 0.0L);
    EXPECT_EQ(parse_long_double(std::string(5120, '0')), std::nullopt);
}

TEST(FormatLongDouble, DropsWhatSaysNothing) {
    EXPECT_EQ(format_long_double(0), "0");
    EXPECT_EQ(format_long_double(-0.0L), "0");
    EXPECT_EQ(format_long_double(100), "100");
    EXPECT_EQ(format_long_double(-1.25L), "-1.25");
    EXPECT_EQ(format_long_double(1e-18L), "0");
}

TEST(ParseCursor, ReadsAsStrtoulDoes) {
    EXPECT_EQ(parse_cursor("0"), 0u);
    EXPECT_EQ(parse_cursor(""), 0u);
    EXPECT_EQ(parse_cursor("007"), 7u);
    EXPECT_EQ(parse_cursor("-1"), UINT64_MAX);
    EXPECT_EQ(parse_cursor("18446744073709551615"), UINT64_MAX);
    for (const char* text : {"18446744073709551616", " 1", "1 ", "x", "-", "1.0"}) {
        EXPECT_EQ(parse_cursor(text), std::nullopt) << text;
    }
}

TEST(EqualsIgnoreCase, FoldsAsciiOnly) {
    EXPECT_TRUE(equals_ignore_case("KeepTTL", "kEEPttl"));
    EXPECT_FALSE(equals_ignore_case("ex", "exat"));
    EXPECT_FALSE(equals_ignore_case("[", "{"));
    EXPECT_EQ(to_lower("A-z[\xc4"), "a-z[\xc4");
    EXPECT_EQ(to_upper("A-z{\xe4"), "A-Z{\xe4");
}

}  // namespace
}  // namespace kvorum
