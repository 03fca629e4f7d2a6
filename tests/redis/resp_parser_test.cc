#include "redis/resp_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/prng.h"
#include "redis/resp_writer.h"
#include "tests/redis/resp_corpus.h"

namespace kvorum::redis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Command = std::vector<std::string>;

struct Outcome {
    std::vector<Command> commands;
    ParseErrorKind error_kind = ParseErrorKind::kNone;
    std::string error;
    bool mid_command = false;

    bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
    *out << outcome.commands.size() << " commands, error '" << outcome.error << "', mid_command " << outcome.mid_command
         << ":";
    for (const Command& command : outcome.commands)
        *out << " " << ::testing::PrintToString(command);
}

bool is_command(ParseStatus status) { return status == ParseStatus::kCommand || status == ParseStatus::kLargeCommand; }

void drain(RespParser& parser, Outcome& outcome) {
    std::vector<std::string_view> arguments;
    ParseStatus status;
    while (is_command(status = parser.next(arguments))) {
        PackedCommand large;
        if (status == ParseStatus::kLargeCommand) {
            large = parser.take_large();
            large.first_arguments(SIZE_MAX, arguments);
        }
        outcome.commands.emplace_back(arguments.begin(), arguments.end());
    }
    outcome.error_kind = parser.error_kind();
    outcome.error = parser.error();
    outcome.mid_command = status == ParseStatus::kNeedMore && parser.mid_command();
}

// Each chunk lives in memory of its own and is freed once the parser asked for more, so that a view kept too long is
// found by ASan.
Outcome parse_chunks(const std::vector<std::string_view>& chunks, RespLimits limits = {}) {
    RespParser parser(limits);
    Outcome outcome;
    for (const std::string_view chunk : chunks) {
        const std::vector<char> copy(chunk.begin(), chunk.end());
        parser.feed(as_bytes({copy.data(), copy.size()}));
        drain(parser, outcome);
    }
    return outcome;
}

Outcome parse(std::string_view text, RespLimits limits = {}) { return parse_chunks({text}, limits); }

Outcome parse_bytewise(std::string_view text, RespLimits limits = {}) {
    std::vector<std::string_view> chunks;
    for (size_t i = 0; i < text.size(); ++i)
        chunks.push_back(text.substr(i, 1));
    return parse_chunks(chunks, limits);
}

std::string error_of(std::string_view text, RespLimits limits = {}) {
    const Outcome outcome = parse(text, limits);
    EXPECT_EQ(outcome, parse_bytewise(text, limits)) << "the cut changed the result";
    return outcome.error;
}

std::string encode(const Command& command) {
    std::string text;
    write_command(command, text);
    return text;
}

TEST(RespParser, ReadsAnArrayOfBulkStrings) {
    EXPECT_THAT(parse("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n").commands,
                ElementsAre(ElementsAre("SET", "k", "hello")));
}

TEST(RespParser, ReadsAPipelineInOrder) {
    EXPECT_THAT(parse("*1\r\n$4\r\nPING\r\nECHO a\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n").commands,
                ElementsAre(ElementsAre("PING"), ElementsAre("ECHO", "a"), ElementsAre("GET", "k")));
}

TEST(RespParser, ArgumentsAreBinarySafe) {
    const Command command{"SET", std::string("\0\r\n*$", 5), std::string(300, '\xff')};
    EXPECT_THAT(parse(encode(command)).commands, ElementsAre(command));
}

TEST(RespParser, DoesNotCopyACommandThatLiesWholeInItsInput) {
    const std::string text = encode({"SET", "key", "value"});
    RespParser parser;
    std::vector<std::string_view> arguments;
    parser.feed(as_bytes(text));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
    for (const std::string_view argument : arguments) {
        EXPECT_GE(argument.data(), text.data());
        EXPECT_LT(argument.data(), text.data() + text.size());
    }
}

TEST(RespParser, CopiesOnlyTheCommandThatStraddlesTwoInputs) {
    const std::string first = encode({"GET", "straddling"});
    const std::string second = encode({"GET", "whole"});
    const std::string head = first.substr(0, 7);
    const std::string rest = first.substr(7) + second;
    RespParser parser;
    std::vector<std::string_view> arguments;
    parser.feed(as_bytes(head));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kNeedMore);
    parser.feed(as_bytes(rest));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
    EXPECT_THAT(arguments, ElementsAre("GET", "straddling"));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
    EXPECT_THAT(arguments, ElementsAre("GET", "whole"));
    EXPECT_EQ(arguments[1].data(), rest.data() + rest.size() - 7);
}

TEST(RespParser, EveryCutOfTheCorpusGivesTheSameResult) {
    for (const std::string& text : test::resp_corpus()) {
        const Outcome whole = parse(text);
        for (size_t cut = 0; cut <= text.size(); ++cut) {
            const std::string_view view = text;
            EXPECT_EQ(parse_chunks({view.substr(0, cut), view.substr(cut)}), whole)
                << ::testing::PrintToString(text) << " cut at " << cut;
        }
        EXPECT_EQ(parse_bytewise(text), whole) << ::testing::PrintToString(text);
    }
}

TEST(RespParser, RandomCutsOfALongPipelineGiveTheSameResult) {
    Prng prng(7);
    std::string text;
    std::vector<Command> commands;
    for (int i = 0; i < 300; ++i) {
        Command command{"SET"};
        for (uint64_t n = prng.below(4); n > 0; --n)
            command.push_back(std::string(prng.below(200), static_cast<char>(prng.below(256))));
        text += encode(command);
        commands.push_back(std::move(command));
    }
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string_view> chunks;
        std::string_view rest = text;
        while (!rest.empty()) {
            const size_t size = std::min<size_t>(1 + prng.below(prng.chance(1, 2) ? 10 : 3000), rest.size());
            chunks.push_back(rest.substr(0, size));
            rest.remove_prefix(size);
        }
        ASSERT_EQ(parse_chunks(chunks).commands, commands);
    }
}

TEST(RespParser, IgnoresEmptyLinesAndEmptyArrays) {
    EXPECT_THAT(parse("\r\n\n   \r\n*0\r\n*-1\r\n*-5\r\nPING\r\n").commands, ElementsAre(ElementsAre("PING")));
}

TEST(RespParser, InlineCommandsFollowRedisQuoting) {
    EXPECT_THAT(parse("set k \"a\\x41\\n\\q\"\r\n").commands, ElementsAre(ElementsAre("set", "k", "aA\nq")));
    EXPECT_THAT(parse("set k 'a\\'b\\n'\n").commands, ElementsAre(ElementsAre("set", "k", "a'b\\n")));
    EXPECT_THAT(parse("set k fo\"o b\"\r\n").commands, ElementsAre(ElementsAre("set", "k", "foo b")));
    EXPECT_THAT(parse("echo \"\" ''\r\n").commands, ElementsAre(ElementsAre("echo", "", "")));
    EXPECT_THAT(parse("  echo\t a\x0b"
                      "b \r\n")
                    .commands,
                ElementsAre(ElementsAre("echo",
                                        "a\x0b"
                                        "b")));
    EXPECT_THAT(parse("echo \"\\x4\" \"\\xzz\"\r\n").commands, ElementsAre(ElementsAre("echo", "x4", "xzz")));
    EXPECT_THAT(parse("PING\r\r\n").commands, ElementsAre(ElementsAre("PING")));
}

TEST(RespParser, RefusesUnbalancedQuotes) {
    for (const char* text : {"\"abc\r\n", "'abc\r\n", "\"a\"b\r\n", "'a'b\r\n", "echo \"\\\"\r\n", "echo 'a\\'\r\n"}) {
        EXPECT_EQ(error_of(text), "unbalanced quotes in request") << text;
    }
}

TEST(RespParser, RefusesInvalidArgumentCounts) {
    for (const char* text :
         {"*x\r\n", "*\r\n", "*+1\r\n", "*01\r\n", "*-0\r\n", "*1 \r\n", "*--1\r\n", "*1048577\r\n", "*2147483648\r\n",
          "*99999999999999999999999\r\n", "*-99999999999999999999999\r\n", "*1\n$4\nPING\n"}) {
        EXPECT_EQ(error_of(text), "invalid multibulk length") << text;
    }
}

TEST(RespParser, RefusesInvalidBulkLengths) {
    for (const char* text :
         {"*1\r\n$-1\r\n", "*1\r\n$+4\r\nPING\r\n", "*1\r\n$04\r\nPING\r\n", "*1\r\n$\r\n", "*1\r\n$4x\r\n",
          "*1\r\n$16777217\r\n", "*1\r\n$9223372036854775807\r\n", "*1\r\n$18446744073709551620\r\n"}) {
        EXPECT_EQ(error_of(text), "invalid bulk length") << text;
    }
}

TEST(RespParser, RefusesNestedArraysAndOtherTypes) {
    EXPECT_EQ(error_of("*1\r\nPING\r\n"), "expected '$', got 'P'");
    EXPECT_EQ(error_of("*1\r\n*1\r\n$4\r\nPING\r\n"), "expected '$', got '*'");
    EXPECT_EQ(error_of("*2\r\n$3\r\nGET\r\n:1\r\n"), "expected '$', got ':'");
    EXPECT_EQ(error_of("*1\r\n\r\n"), "expected '$', got '\r'");
}

TEST(RespParser, RefusesABulkStringOfAnotherLengthThanStated) {
    EXPECT_EQ(error_of("*1\r\n$4\r\nPINGxx"), "expected CRLF after a bulk string");
    EXPECT_EQ(error_of("*1\r\n$3\r\nPING\r\n"), "expected CRLF after a bulk string");
}

TEST(RespParser, RefusesLinesWithoutEnd) {
    const std::string digits(70'000, '1');
    EXPECT_EQ(error_of("*" + digits), "too big mbulk count string");
    EXPECT_EQ(error_of("*1\r\n$" + digits), "too big bulk count string");
    EXPECT_EQ(error_of(digits), "too big inline request");
}

TEST(RespParser, TheLineLimitHoldsHoweverTheLineArrives) {
    RespLimits limits;
    limits.inline_bytes_max = 100;
    EXPECT_THAT(parse(std::string(100, 'a') + "\n", limits).commands, ElementsAre(ElementsAre(std::string(100, 'a'))));
    EXPECT_EQ(error_of(std::string(101, 'a') + "\n", limits), "too big inline request");
}

TEST(RespParser, RefusesACommandAboveTheTotalLimit) {
    RespLimits limits;
    limits.inline_bytes_max = 100;
    limits.command_bytes_max = 1000;
    EXPECT_EQ(error_of(encode({"SET", std::string(600, 'k'), std::string(600, 'v')}), limits), "too big command");
    EXPECT_EQ(error_of(encode(Command(300, "x")), limits), "too big command");
}

TEST(RespParser, GrantsLittleBeforeAuthentication) {
    RespLimits limits;
    limits.authenticated = false;
    EXPECT_THAT(parse(encode(Command(10, "x")), limits).commands, testing::SizeIs(1));
    EXPECT_EQ(error_of("*11\r\n", limits), "unauthenticated multibulk length");
    EXPECT_EQ(error_of("*1\r\n$16385\r\n", limits), "unauthenticated bulk length");
}

TEST(RespParser, LimitsChangeForTheCommandsBehindTheCurrentOne) {
    RespLimits limits;
    limits.authenticated = false;
    RespParser parser(limits);
    const std::string text = encode({"AUTH", "secret"}) + encode(Command(20, "x"));
    std::vector<std::string_view> arguments;
    parser.feed(as_bytes(text));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
    parser.set_limits({});
    ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
    EXPECT_EQ(arguments.size(), 20u);
}

TEST(RespParser, TellsHttpFromAMistake) {
    for (const char* text :
         {"POST / HTTP/1.1\r\n", "post x\r\n", "Host: localhost\r\n", "host:\r\n", "PING\r\nPOST / HTTP/1.1\r\n"}) {
        EXPECT_EQ(parse(text).error_kind, ParseErrorKind::kCrossProtocol) << text;
    }
    const Outcome get = parse("GET / HTTP/1.1\r\nHost: x\r\n\r\nSET k v\r\n");
    EXPECT_EQ(get.error_kind, ParseErrorKind::kCrossProtocol);
    EXPECT_THAT(get.commands, ElementsAre(ElementsAre("GET", "/", "HTTP/1.1")));
    EXPECT_EQ(parse("*x\r\n").error_kind, ParseErrorKind::kProtocol);
    EXPECT_EQ(parse("POSTAL\r\n").error_kind, ParseErrorKind::kNone);
}

TEST(RespParser, StaysInErrorAndReadsNothingMore) {
    RespParser parser;
    std::vector<std::string_view> arguments;
    parser.feed(as_bytes("*x\r\nPING\r\n"));
    EXPECT_EQ(parser.next(arguments), ParseStatus::kError);
    parser.feed(as_bytes("PING\r\n"));
    EXPECT_EQ(parser.next(arguments), ParseStatus::kError);
    EXPECT_EQ(parser.error(), "invalid multibulk length");
}

TEST(RespParser, KnowsWhetherACommandHasBegun) {
    EXPECT_FALSE(parse("").mid_command);
    EXPECT_FALSE(parse("PING\r\n").mid_command);
    EXPECT_TRUE(parse("P").mid_command);
    EXPECT_TRUE(parse("PING\r\n*").mid_command);
    EXPECT_TRUE(parse("*1\r\n$4\r\nPING\r").mid_command);
    EXPECT_FALSE(parse_bytewise("*1\r\n$4\r\nPING\r\n").mid_command);
}

TEST(RespParser, ReservesNothingForWhatALengthClaims) {
    RespParser parser;
    std::vector<std::string_view> arguments;
    parser.feed(as_bytes("*1048576\r\n$16777216\r\nabc"));
    EXPECT_EQ(parser.next(arguments), ParseStatus::kNeedMore);
    EXPECT_LT(parser.allocated_bytes(), 1024u);
    EXPECT_LT(arguments.capacity(), 64u);
}

TEST(RespParser, MemoryFollowsWhatWasReceivedAndNeverExceedsTheKnownSize) {
    constexpr uint64_t kBulk = 1024 * 1024;
    const std::string header = "*2\r\n$3\r\nSET\r\n$" + std::to_string(kBulk) + "\r\n";
    const std::string piece(1000, 'x');
    RespParser parser;
    std::vector<std::string_view> arguments;
    parser.feed(as_bytes(header));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kNeedMore);
    for (uint64_t received = 0; received + piece.size() < kBulk; received += piece.size()) {
        parser.feed(as_bytes(piece));
        ASSERT_EQ(parser.next(arguments), ParseStatus::kNeedMore);
        ASSERT_LE(parser.allocated_bytes(), 2 * (header.size() + received + piece.size()) + 1024);
        ASSERT_LE(parser.allocated_bytes(), kBulk + 1024);
    }
}

TEST(RespParser, ALargeCommandIsPackedHoweverItWasCut) {
    const RespLimits limits{.packed_above_bytes = 100};
    const Command small{"SET", "key", std::string(60, 's')};
    const Command many{"MSET", "a", "", "b", std::string(90, 'x'), "c", "\r\n"};
    const std::string text = encode(small) + encode(many) + encode(small) + "*2\r\n$3\r\nGET\r\n";
    const Outcome whole = parse(text, limits);
    EXPECT_THAT(whole.commands, ElementsAre(small, many, small));
    EXPECT_TRUE(whole.mid_command);
    for (size_t first = 1; first < text.size(); ++first) {
        for (size_t second = first; second < text.size(); second += 7) {
            const std::string_view all = text;
            const Outcome cut =
                parse_chunks({all.substr(0, first), all.substr(first, second - first), all.substr(second)}, limits);
            ASSERT_EQ(cut, whole) << first << " " << second;
        }
    }
    EXPECT_EQ(parse_bytewise(text, limits), whole);
}

TEST(RespParser, AMistakeInALargeCommandIsFoundHoweverItWasCut) {
    const RespLimits limits{
        .bulk_bytes_max = 300, .inline_bytes_max = 64, .command_bytes_max = 500, .packed_above_bytes = 100};
    const std::string begin = "*5\r\n$3\r\nDEL\r\n$100\r\n" + std::string(100, 'k');
    EXPECT_EQ(error_of(begin + "xy", limits), "expected CRLF after a bulk string");
    EXPECT_EQ(error_of(begin + "\rx", limits), "expected CRLF after a bulk string");
    EXPECT_EQ(error_of(begin + "\r\nx5\r\n", limits), "expected '$', got 'x'");
    EXPECT_EQ(error_of(begin + "\r\n$301\r\n", limits), "invalid bulk length");
    EXPECT_EQ(error_of(begin + "\r\n$-1\r\n", limits), "invalid bulk length");
    const std::string second = "\r\n$300\r\n" + std::string(300, 'k');
    EXPECT_EQ(error_of(begin + second + "\r\n$80\r\n", limits), "too big command");
}

TEST(RespParser, AMillionArgumentsTakeNoMoreMemoryThanTheyCameWith) {
    std::string text = "*200001\r\n$3\r\nDEL\r\n";
    for (int i = 0; i < 200'000; ++i)
        text += "$8\r\nkey12345\r\n";
    constexpr size_t kInput = 16'384;
    RespParser parser;
    std::vector<std::string_view> arguments;
    for (size_t at = 0; at < text.size(); at += kInput) {
        parser.feed(as_bytes(std::string_view(text).substr(at, kInput)));
        const ParseStatus status = parser.next(arguments);
        EXPECT_EQ(status, at + kInput < text.size() ? ParseStatus::kNeedMore : ParseStatus::kLargeCommand);
        ASSERT_LE(parser.allocated_bytes(), 3 * (at + kInput));
    }
    const PackedCommand command = parser.take_large();
    EXPECT_EQ(command.argument_count(), 200'001);
    command.first_arguments(3, arguments);
    EXPECT_THAT(arguments, ElementsAre("DEL", "key12345", "key12345"));
}

TEST(RespParser, GivesABigCommandsMemoryBack) {
    const std::string text = encode({"SET", "k", std::string(200'000, 'v')});
    RespParser parser;
    std::vector<std::string_view> arguments;
    parser.feed(as_bytes(std::string_view(text).substr(0, 100)));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kNeedMore);
    parser.feed(as_bytes(std::string_view(text).substr(100)));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
    EXPECT_GT(parser.allocated_bytes(), 200'000);
    ASSERT_EQ(parser.next(arguments), ParseStatus::kNeedMore);
    EXPECT_LT(parser.allocated_bytes(), 64u * 1024);
}

TEST(RespParser, DetachLetsTheOwnerReleaseAnUnreadChunk) {
    RespParser parser;
    std::vector<std::string_view> arguments;
    {
        const std::string chunk = encode({"ECHO", "1"}) + encode({"ECHO", "2"}) + "*2\r\n$4\r\nEC";
        const std::vector<char> memory(chunk.begin(), chunk.end());
        parser.feed(as_bytes({memory.data(), memory.size()}));
        ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
        parser.detach();
    }
    ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
    EXPECT_THAT(arguments, ElementsAre("ECHO", "2"));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kNeedMore);
    parser.feed(as_bytes("HO\r\n$1\r\n3\r\n"));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
    EXPECT_THAT(arguments, ElementsAre("ECHO", "3"));
}

TEST(RespParser, FeedingBeforeTheLastChunkWasUsedUpKeepsTheOrder) {
    RespParser parser;
    std::vector<std::string_view> arguments;
    for (const char* number : {"1", "2", "3"}) {
        const std::string chunk = encode({"ECHO", number});
        const std::vector<char> memory(chunk.begin(), chunk.end());
        parser.feed(as_bytes({memory.data(), memory.size()}));
        parser.detach();
    }
    for (const char* number : {"1", "2", "3"}) {
        ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
        EXPECT_THAT(arguments, ElementsAre("ECHO", number));
    }
    EXPECT_EQ(parser.next(arguments), ParseStatus::kNeedMore);
    EXPECT_THAT(arguments, IsEmpty());
}

// The hint is what next() returns afterwards, for every stream and after every command of it.
TEST(RespParser, LooksAheadAtTheSecondArgumentsOfTheCommandsThatFollow) {
    for (const std::string& stream : test::resp_corpus()) {
        const std::vector<Command> commands = parse(stream).commands;
        const std::vector<char> memory(stream.begin(), stream.end());
        RespParser parser;
        parser.feed(as_bytes({memory.data(), memory.size()}));
        std::vector<std::string_view> arguments;
        for (size_t done = 0; done < commands.size(); ++done) {
            std::array<std::string_view, 4> ahead;
            const size_t count = std::min(parser.look_ahead(ahead), commands.size() - done);
            for (size_t i = 0; i < count; ++i)
                EXPECT_EQ(ahead[i], commands[done + i].at(1)) << stream;
            ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand) << stream;
        }
    }
}

TEST(RespParser, LooksAheadUpToTheFirstCommandThatIsInlineIncompleteOrHasOneArgument) {
    const std::string gets = encode({"GET", "a"}) + encode({"GET", "b"});
    for (const std::string& end : {encode({"PING"}), std::string("GET c\r\n"), encode({"GET", "c"}).substr(0, 15)}) {
        RespParser parser;
        const std::string stream = gets + end;
        parser.feed(as_bytes(stream));
        std::array<std::string_view, 8> ahead;
        ASSERT_EQ(parser.look_ahead(ahead), 2) << end;
        EXPECT_EQ(ahead[0], "a");
        EXPECT_EQ(ahead[1], "b");
        std::array<std::string_view, 1> one;
        EXPECT_EQ(parser.look_ahead(one), 1);
    }
}

// The rest of a command that straddles is not a command.
TEST(RespParser, DoesNotLookAheadFromTheMiddleOfACommand) {
    const std::string value = encode({"GET", "inner"});
    const std::string set = encode({"SET", "k", value});
    RespParser parser;
    std::vector<std::string_view> arguments;
    const std::string first = set.substr(0, set.size() - value.size() - 2);
    parser.feed(as_bytes(first));
    ASSERT_EQ(parser.next(arguments), ParseStatus::kNeedMore);
    const std::string rest = set.substr(first.size());
    parser.feed(as_bytes(rest));
    std::array<std::string_view, 4> ahead;
    EXPECT_EQ(parser.look_ahead(ahead), 0);
    ASSERT_EQ(parser.next(arguments), ParseStatus::kCommand);
    EXPECT_THAT(arguments, ElementsAre("SET", "k", value));
}

}  // namespace
}  // namespace kvorum::redis
