#include "tools/load_replies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/prng.h"
#include "redis/resp_reply_parser.h"

namespace kvorum::tools::load {
namespace {

using testing::ElementsAre;

// What the scanner says of a stream that comes in pieces of these sizes: one word a reply.
std::vector<std::string> scan(std::string_view stream, const std::vector<size_t>& sizes) {
    ReplyScanner scanner;
    std::vector<std::string> words;
    size_t piece = 0;
    while (!stream.empty()) {
        const size_t size = std::min(stream.size(), sizes[piece++ % sizes.size()]);
        // A copy of its own, so that AddressSanitizer sees a look behind the piece.
        const std::string copy(stream.substr(0, size));
        stream.remove_prefix(size);
        Bytes bytes = as_bytes(copy);
        ScannedReply reply;
        ScanStatus status;
        while ((status = scanner.next(bytes, reply)) == ScanStatus::kReply)
            words.push_back(reply.is_error ? std::string(reply.error) : reply.is_null ? "null" : "ok");
        if (status == ScanStatus::kBroken) {
            words.emplace_back("broken");
            break;
        }
        EXPECT_TRUE(bytes.empty()) << "kNeedMore leaves nothing behind";
    }
    return words;
}

TEST(LoadRepliesTest, CountsRepliesOfEveryKind) {
    EXPECT_THAT(scan("+OK\r\n:12\r\n$5\r\nhe\nlo\r\n$0\r\n\r\n*2\r\n:1\r\n*1\r\n+a\r\n*0\r\n", {1000}),
                ElementsAre("ok", "ok", "ok", "ok", "ok", "ok"));
    EXPECT_THAT(scan("#t\r\n,1.5\r\n(123\r\n=7\r\ntxt:abc\r\n%1\r\n+k\r\n:1\r\n~1\r\n_\r\n", {1000}),
                ElementsAre("ok", "ok", "ok", "ok", "ok", "ok"));
}

TEST(LoadRepliesTest, TellsNullsAndErrorsOfReplyFromThoseInsideOfIt) {
    EXPECT_THAT(scan("$-1\r\n*-1\r\n_\r\n*2\r\n$-1\r\n_\r\n", {1000}), ElementsAre("null", "null", "null", "ok"));
    EXPECT_THAT(scan("-ERR wrong\r\n!5\r\nERR x\r\n*1\r\n-ERR inside\r\n", {1000}),
                ElementsAre("ERR wrong", "ERR x", "ok"));
}

TEST(LoadRepliesTest, AnAttributeIsNoReply) {
    EXPECT_THAT(scan("|1\r\n+ttl\r\n:3\r\n-ERR after\r\n|1\r\n+a\r\n-no\r\n*1\r\n_\r\n", {1000}),
                ElementsAre("ERR after", "ok"));
}

TEST(LoadRepliesTest, GarbageBreaksTheStreamForGood) {
    for (const char* wrong : {"hello\r\n", "\r\n", "$x\r\n", "*-2\r\n", "$-2\r\n", "%-1\r\n", "+no return\n",
                              "$99999999999\r\n", "*99999999999\r\n", "HTTP/1.1 400 Bad Request\r\n"})
        EXPECT_THAT(scan(wrong, {1000}), ElementsAre("broken")) << wrong;
    EXPECT_THAT(scan(std::string(ReplyScanner::kLineBytesMax + 2, '+'), {1000}), ElementsAre("broken"));
}

TEST(LoadRepliesTest, ALongErrorIsCut) {
    const std::string error(5000, 'E');
    for (const size_t size : {size_t{100}, size_t{100'000}}) {
        EXPECT_THAT(
            scan("-" + error + "\r\n!5000\r\n" + error + "\r\n", {size}),
            ElementsAre(error.substr(0, ReplyScanner::kErrorBytesMax), error.substr(0, ReplyScanner::kErrorBytesMax)));
    }
}

// A reply as a server might send it; deeper ones become rarer.
std::string random_reply(Prng& prng, int depth) {
    const std::string text(prng.below(40), 'a');
    switch (prng.below(depth > 3 ? 6 : 9)) {
        case 0: return "+" + text + "\r\n";
        case 1: return "-ERR " + text + "\r\n";
        case 2: return ":" + std::to_string(prng.below(1000)) + "\r\n";
        case 3: return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
        case 4: return "$-1\r\n";
        case 5: return "_\r\n";
        default: break;
    }
    const uint64_t count = prng.below(4);
    const bool is_map = prng.chance(1, 3);
    std::string reply = (is_map ? "%" : "*") + std::to_string(count) + "\r\n";
    for (uint64_t i = 0; i < (is_map ? 2 * count : count); ++i)
        reply += random_reply(prng, depth + 1);
    return reply;
}

TEST(LoadRepliesTest, AgreesWithTheParserHoweverTheStreamIsCut) {
    Prng prng(7);
    for (int round = 0; round < 300; ++round) {
        std::string stream;
        for (int i = 0; i < 20; ++i)
            stream += random_reply(prng, 0);
        redis::RespReplyParser parser;
        parser.feed(as_bytes(stream));
        std::vector<std::string> expected;
        redis::ReplyValue value;
        while (parser.next(value) == redis::ReplyStatus::kReply)
            expected.push_back(value.is_error() ? value.text : value.type == redis::ReplyType::kNull ? "null" : "ok");
        ASSERT_EQ(expected.size(), 20U);
        const std::vector<size_t> sizes{1 + prng.below(7), 1 + prng.below(30), 1 + prng.below(300)};
        ASSERT_EQ(scan(stream, sizes), expected) << stream;
    }
}

}  // namespace
}  // namespace kvorum::tools::load
