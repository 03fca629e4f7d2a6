#include "redis/resp_reply_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kvorum::redis {
namespace {

struct Outcome {
    std::vector<std::string> replies;
    std::string error;

    bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
    *out << ::testing::PrintToString(outcome.replies) << " error '" << outcome.error << "'";
}

Outcome parse(const std::vector<std::string_view>& chunks, ReplyLimits limits = {}) {
    RespReplyParser parser(limits);
    Outcome outcome;
    ReplyValue reply;
    for (const std::string_view chunk : chunks) {
        parser.feed(as_bytes(chunk));
        while (parser.next(reply) == ReplyStatus::kReply)
            outcome.replies.push_back(reply.to_string());
    }
    outcome.error = parser.error();
    return outcome;
}

std::string only(std::string_view text) {
    const Outcome outcome = parse({text});
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.replies.size(), 1u);
    return outcome.replies.empty() ? "" : outcome.replies[0];
}

TEST(RespReplyParser, ReadsResp2) {
    EXPECT_EQ(only("+OK\r\n"), "+OK");
    EXPECT_EQ(only("-ERR no\r\n"), "(error) ERR no");
    EXPECT_EQ(only(":-12\r\n"), "-12");
    EXPECT_EQ(only("$5\r\nhello\r\n"), "\"hello\"");
    EXPECT_EQ(only("$0\r\n\r\n"), "\"\"");
    EXPECT_EQ(only("$-1\r\n"), "(nil)");
    EXPECT_EQ(only("*-1\r\n"), "(nil)");
    EXPECT_EQ(only("*0\r\n"), "[]");
    EXPECT_EQ(only("*3\r\n:1\r\n*2\r\n+a\r\n$1\r\nb\r\n*0\r\n"), "[1, [+a, \"b\"], []]");
}

TEST(RespReplyParser, ReadsResp3) {
    EXPECT_EQ(only("_\r\n"), "(nil)");
    EXPECT_EQ(only("#t\r\n"), "(true)");
    EXPECT_EQ(only("#f\r\n"), "(false)");
    EXPECT_EQ(only(",1.5\r\n"), "1.5");
    EXPECT_EQ(only(",inf\r\n"), "inf");
    EXPECT_EQ(only(",-inf\r\n"), "-inf");
    EXPECT_EQ(only(",nan\r\n"), "nan");
    EXPECT_EQ(only("(12345678901234567890123\r\n"), "12345678901234567890123");
    EXPECT_EQ(only("!8\r\nERR a\r\nb\r\n"), "(error) ERR a\r\nb");
    EXPECT_EQ(only("=7\r\ntxt:abc\r\n"), "\"abc\"");
    EXPECT_EQ(only("%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n:2\r\n"), "{+a: 1, +b: ~{2}}");
    EXPECT_EQ(only(">2\r\n+invalidate\r\n_\r\n"), ">[+invalidate, (nil)]");
}

TEST(RespReplyParser, DropsAttributes) {
    EXPECT_EQ(only("|1\r\n+ttl\r\n:3600\r\n+OK\r\n"), "+OK");
    EXPECT_EQ(only("*2\r\n|1\r\n+ttl\r\n*1\r\n:1\r\n:5\r\n:6\r\n"), "[5, 6]");
    EXPECT_EQ(only("|0\r\n+OK\r\n"), "+OK");
}

TEST(RespReplyParser, EveryCutGivesTheSameReplies) {
    const std::string text =
        "+OK\r\n*3\r\n:1\r\n*2\r\n+a\r\n$4\r\n\r\n\r\n\r\n*0\r\n|1\r\n+x\r\n:1\r\n%1\r\n$1\r\nk\r\n,0.5\r\n_\r\n-ERR "
        "z\r\n";
    const std::string_view view = text;
    const Outcome whole = parse({view});
    ASSERT_EQ(whole.replies.size(), 5u);
    std::vector<std::string_view> bytes;
    for (size_t cut = 0; cut < text.size(); ++cut) {
        EXPECT_EQ(parse({view.substr(0, cut), view.substr(cut)}), whole) << cut;
        bytes.push_back(view.substr(cut, 1));
    }
    EXPECT_EQ(parse(bytes), whole);
}

TEST(RespReplyParser, RefusesWhatIsNoReply) {
    for (const char* text : {"x\r\n",         "\r\n",           "+OK\n",
                             ":\r\n",         ":1x\r\n",        ":99999999999999999999\r\n",
                             "$\r\n",         "$-2\r\n",        "$3\r\nabcde",
                             "$?\r\n",        "*x\r\n",         "%-1\r\n",
                             "#x\r\n",        "_x\r\n",         ",\r\n",
                             ",1.5x\r\n",     "(12a\r\n",       "(\r\n",
                             "=3\r\nabc\r\n", "=4\r\nabcd\r\n", "$99999999999999999999\r\n"}) {
        const Outcome outcome = parse({text});
        EXPECT_NE(outcome.error, "") << text;
        EXPECT_TRUE(outcome.replies.empty()) << text;
    }
}

TEST(RespReplyParser, NestingIsLimited) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i)
        deep += "*1\r\n";
    EXPECT_EQ(parse({deep}).error, "reply nested too deeply");
    EXPECT_EQ(only("*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n"), "[[[[7]]]]");
}

TEST(RespReplyParser, SizeIsLimited) {
    ReplyLimits limits;
    limits.reply_bytes_max = 100;
    EXPECT_EQ(parse({"$101\r\n"}, limits).error, "reply too large");
    EXPECT_EQ(parse({"*101\r\n"}, limits).error, "reply too large");
    EXPECT_EQ(parse({std::string(200, '+')}, limits).error, "reply too large");
    std::string many = "*50\r\n";
    for (int i = 0; i < 50; ++i)
        many += ":1\r\n";
    EXPECT_EQ(parse({many}, limits).error, "reply too large");
    EXPECT_EQ(parse({"+OK\r\n+OK\r\n"}, limits).replies.size(), 2u);
}

TEST(RespReplyParser, ClaimedCountsCostNothing) {
    RespReplyParser parser;
    ReplyValue reply;
    parser.feed(as_bytes("*500000000\r\n:1\r\n"));
    EXPECT_EQ(parser.next(reply), ReplyStatus::kNeedMore);
    EXPECT_EQ(parser.buffered_bytes(), 0u);
}

}  // namespace
}  // namespace kvorum::redis
