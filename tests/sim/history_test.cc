#include "sim/history.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>

namespace kvorum::sim {
namespace {

using testing::HasSubstr;

Operation executed(Command command, Reply reply) {
    Operation operation;
    operation.client = 3;
    operation.id = 7;
    operation.command = std::move(command);
    operation.invoked_at_ns = 1000;
    operation.completed_at_ns = 1250;
    operation.outcome = Outcome::kExecuted;
    operation.reply = std::move(reply);
    return operation;
}

// The error of a text whose second line is `line`.
std::string error_of(std::string_view line) {
    const auto parsed = parse_history(fmt::format("kvorum-history 1\n{}\n", line));
    EXPECT_FALSE(parsed.ok()) << line;
    return std::string(parsed.status().message());
}

TEST(HistoryText, EachKindOfCommandAndReplyHasOneForm) {
    const std::pair<Operation, std::string_view> forms[] = {
        {executed(get("x"), reply_text("1")), R"(GET "x" -> "1")"},
        {executed(set("x", "1"), reply_ok()), R"(SET "x" "1" -> OK)"},
        {executed(set_if_absent("x", "1"), reply_nil()), R"(SET "x" "1" NX -> nil)"},
        {executed(with_get(set_if_exists("x", "1")), reply_text("GET")), R"(SET "x" "1" XX GET -> "GET")"},
        {executed(with_get(set_if_equal("x", "old", "new")), reply_text("old")),
         R"(SET "x" "new" IFEQ "old" GET -> "old")"},
        {executed(setnx("x", "1"), reply_integer(1)), R"(SETNX "x" "1" -> 1)"},
        {executed(getset("x", "1"), reply_nil()), R"(GETSET "x" "1" -> nil)"},
        {executed(getdel("x"), reply_text("")), R"(GETDEL "x" -> "")"},
        {executed(incrby("n", -5), reply_integer(-3)), R"(INCRBY "n" -5 -> -3)"},
        {executed(incrby("n", std::numeric_limits<int64_t>::min()), reply_error(kOverflowError)),
         R"(INCRBY "n" -9223372036854775808 -> error "ERR increment or decrement would overflow")"},
        {executed(append("x", "ab"), reply_integer(2)), R"(APPEND "x" "ab" -> 2)"},
        {executed(del({"x", "y", "x"}), reply_integer(2)), R"(DEL "x" "y" "x" -> 2)"},
        {executed(exists({"x"}), reply_integer(0)), R"(EXISTS "x" -> 0)"},
        {executed(mget({"x", "y"}), reply_list({"1", std::nullopt})), R"(MGET "x" "y" -> ["1" nil])"},
        {executed(mget({"x"}), reply_list({})), R"(MGET "x" -> [])"},
        {executed(mset({"x", "y"}, {"1", "2"}), reply_ok()), R"(MSET "x" "1" "y" "2" -> OK)"},
        {executed(rename("x", "y"), reply_error(kNoSuchKeyError)), R"(RENAME "x" "y" -> error "ERR no such key")"},
    };
    for (const auto& [operation, form] : forms) {
        EXPECT_EQ(format_operation(operation), fmt::format("#7 c3 1000..1250 {}", form));
        const auto parsed = parse_history(format_history({operation}));
        ASSERT_TRUE(parsed.ok()) << parsed.status();
        EXPECT_EQ(*parsed, History{operation}) << form;
    }
}

TEST(HistoryText, OutcomesWithoutAReplyAreFailedAndUnknown) {
    Operation failed = executed(set("x", "1"), {});
    failed.outcome = Outcome::kNotExecuted;
    Operation timed_out = failed;
    timed_out.id = 8;
    timed_out.outcome = Outcome::kUnknown;
    Operation open = timed_out;
    open.id = 9;
    open.completed_at_ns = std::nullopt;
    const std::string text = format_history({failed, timed_out, open});
    EXPECT_EQ(text,
              "kvorum-history 1\n"
              "#7 c3 1000..1250 SET \"x\" \"1\" -> failed\n"
              "#8 c3 1000..1250 SET \"x\" \"1\" -> unknown\n"
              "#9 c3 1000.. SET \"x\" \"1\" -> unknown\n");
    const auto parsed = parse_history(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, (History{failed, timed_out, open}));
}

TEST(HistoryText, AnyByteMayStandInAString) {
    std::string every_byte;
    for (int byte = 0; byte < 256; ++byte)
        every_byte += static_cast<char>(byte);
    const History history{executed(append(every_byte, every_byte), reply_text(every_byte))};
    const std::string text = format_history(history);
    EXPECT_THAT(text, HasSubstr(R"("\x00\x01)"));
    EXPECT_THAT(text, HasSubstr(R"( !\x22#$)"));
    const auto parsed = parse_history(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, history);
}

TEST(HistoryText, EmptyLinesAndCommentsAreSkipped) {
    const auto parsed = parse_history("kvorum-history 1\n\n# seed 5\n#1 c1 0..1 GET \"x\" -> nil\n");
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->size(), 1u);
}

TEST(HistoryText, ALaterLineSettlesAnOpenOperation) {
    const auto parsed = parse_history(
        "kvorum-history 1\n"
        "#1 c1 0.. GET \"x\" -> unknown\n"
        "#1 c2 0.. GET \"x\" -> unknown\n"
        "#1 c1 0..5 GET \"x\" -> \"1\"\n");
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    ASSERT_EQ(parsed->size(), 2u);
    EXPECT_EQ((*parsed)[0].reply, reply_text("1"));
    EXPECT_EQ((*parsed)[1].outcome, Outcome::kUnknown);
}

TEST(HistoryText, ASettledOperationStaysAsItIs) {
    const auto second_line_of_1 = [](std::string_view first, std::string_view second) {
        const auto parsed = parse_history(fmt::format("kvorum-history 1\n#1 c1 {}\n#1 c1 {}\n", first, second));
        return parsed.ok() ? "" : std::string(parsed.status().message());
    };
    constexpr std::string_view kUsed = "line 3: client 1 has used #1 already";
    EXPECT_EQ(second_line_of_1(R"(0..5 GET "x" -> nil)", R"(0..5 GET "x" -> "1")"), kUsed);
    EXPECT_EQ(second_line_of_1(R"(0..5 SET "x" "1" -> failed)", R"(0..5 SET "x" "1" -> OK)"), kUsed);
    EXPECT_EQ(second_line_of_1(R"(0.. GET "x" -> unknown)", R"(0..5 GET "y" -> nil)"), kUsed);
    EXPECT_EQ(second_line_of_1(R"(0.. GET "x" -> unknown)", R"(1..5 GET "x" -> nil)"), kUsed);
}

TEST(HistoryText, TheHeaderNamesTheVersion) {
    constexpr std::string_view kMessage = "line 1: expected 'kvorum-history 1'";
    EXPECT_EQ(parse_history("").status().message(), kMessage.data());
    EXPECT_EQ(parse_history("kvorum-history 2\n").status().message(), kMessage.data());
    EXPECT_EQ(parse_history("#1 c1 0..1 GET \"x\" -> nil\n").status().message(), kMessage.data());
    EXPECT_TRUE(parse_history("kvorum-history 1\n").ok());
}

TEST(HistoryText, ErrorsNameTheLineAndWhatWasExpected) {
    EXPECT_EQ(error_of("1 c1 0..1 GET \"x\" -> nil"), "line 2: expected '#', found '1 c1 0..1 GET \"x\" ->'");
    EXPECT_EQ(error_of("#a"), "line 2: expected a number, found 'a'");
    EXPECT_EQ(error_of("#99999999999999999999 c1"), "line 2: expected a number, found '99999999999999999999'");
    EXPECT_EQ(error_of("#1"), "line 2: expected ' c', found the end of the line");
    EXPECT_EQ(error_of("#1 c1 0 GET"), "line 2: expected '..', found ' GET'");
    EXPECT_EQ(error_of("#1 c1 0..1 GETS \"x\" -> nil"), "line 2: expected a command, found 'GETS \"x\" -> nil'");
    EXPECT_EQ(error_of("#1 c1 0..1 INCRBY \"x\" -> 1"), "line 2: expected a number, found '-> 1'");
    EXPECT_EQ(error_of("#1 c1 0..1 GET \"x"), "line 2: expected a closing quote, found the end of the line");
    EXPECT_EQ(error_of("#1 c1 0..1 GET \"\\x0g\""), "line 2: expected two hexadecimal digits, found '0g\"'");
    EXPECT_EQ(error_of("#1 c1 0..1 GET \"\\n\""), "line 2: expected printable ASCII or \\xHH, found '\\n\"'");
    EXPECT_EQ(error_of("#1 c1 0..1 GET \"x\" GET -> nil"), "line 2: expected ' -> ', found ' GET -> nil'");
    EXPECT_EQ(error_of("#1 c1 0..1 GET \"x\" -> nothing"), "line 2: expected a number, found 'nothing'");
    EXPECT_EQ(error_of("#1 c1 0..1 GET \"x\" -> nil "), "line 2: expected the end of the line, found ' '");
    EXPECT_EQ(error_of("#1 c1 0..1 MGET \"x\" -> [nil"), "line 2: expected ' ', found the end of the line");
}

TEST(HistoryText, ErrorsNameWhatIsWrongWithAnOperation) {
    EXPECT_EQ(error_of("#1 c1 0..1 GET -> nil"), "line 2: GET with 0 keys");
    EXPECT_EQ(error_of("#1 c1 0..1 GET \"x\" \"y\" -> nil"), "line 2: GET with 2 keys");
    EXPECT_EQ(error_of("#1 c1 0..1 RENAME \"x\" -> OK"), "line 2: RENAME with 1 keys");
    EXPECT_EQ(error_of("#1 c1 0..1 DEL -> 0"), "line 2: DEL with 0 keys");
    EXPECT_EQ(error_of("#1 c1 5..4 GET \"x\" -> nil"), "line 2: completed before it was invoked");
    EXPECT_EQ(error_of("#1 c1 5.. GET \"x\" -> nil"), "line 2: a reply without a completion time");
}

TEST(HistoryText, ALastLineWithoutItsNewlineWasCutShort) {
    const auto parsed = parse_history("kvorum-history 1\n#1 c1 0..1 GET \"x\" -> nil");
    EXPECT_EQ(parsed.status().message(), "line 2: the line is cut short: it has no newline");
}

TEST(History, CommandsNeedAValueForEachKeyThatTheyWrite) {
    Operation operation = executed(mset({"x", "y"}, {"1"}), reply_ok());
    EXPECT_EQ(validate(operation).message(), "MSET with 2 keys and 1 values");
    operation.command.values.emplace_back("2");
    EXPECT_TRUE(validate(operation).ok());
}

}  // namespace
}  // namespace kvorum::sim
