#include "redis/failure_texts.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "redis/resp_writer.h"

namespace kvorum::redis {
namespace {

TEST(FailureTexts, GiveEveryFailureALineOfItsOwnThatBeginsWithItsCode) {
    std::set<std::string> texts;
    for (int code = 0; code <= static_cast<int>(Failure::kOutOfMemory); ++code) {
        const std::string text = failure_text(Failure(static_cast<Failure::Code>(code)));
        EXPECT_NE(text.find(' '), std::string::npos) << code;
        EXPECT_TRUE(texts.insert(text).second) << text;
    }
}

TEST(FailureTexts, NameWhatTheFailureNames) {
    EXPECT_EQ(failure_text(Failure::wrong_operand_count("object|encoding")),
              "ERR wrong number of arguments for 'object|encoding' command");
    EXPECT_EQ(failure_text(Failure::bad_expire_time("setex")), "ERR invalid expire time in 'setex' command");
    EXPECT_EQ(failure_text(Failure::unknown_part("memory", "FOO")), "ERR unknown subcommand 'FOO'. Try MEMORY HELP.");
    EXPECT_EQ(failure_text(Failure::unknown_option("foo")), "ERR Unsupported option foo");
    EXPECT_EQ(failure_text(Failure::too_large(60'000'000)),
              "ERR command of 60000000 bytes is above the limit of 50331648");
}

TEST(FailureTexts, CutOffWhatAClientCallsAPartAfter128Bytes) {
    const std::string text = failure_text(Failure::unknown_part("object", std::string(1000, 'x')));
    EXPECT_EQ(text, "ERR unknown subcommand '" + std::string(128, 'x') + "'. Try OBJECT HELP.");
}

TEST(FailureTexts, AreOneLineAndGiveTheReplyItsErrorCode) {
    std::string out;
    RespWriter writer(out);
    writer.failure(Failure::unknown_option("a\r\nb"));
    EXPECT_EQ(out, "-ERR Unsupported option a  b\r\n");
    writer.failure(Failure::kOutOfMemory);
    EXPECT_EQ(writer.error_code(), "OOM");
}

}  // namespace
}  // namespace kvorum::redis
