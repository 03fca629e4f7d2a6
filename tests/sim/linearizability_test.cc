// Histories by name, and what the checker must say of them. One operation a line: client, invocation..completion,
// command -> reply.
#include "sim/linearizability.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace kvorum::sim {
namespace {

using testing::HasSubstr;
using testing::Not;

// Numbers the lines: "1 0..5 GET ..." becomes "#1 c1 0..5 GET ...".
History history_of(std::string_view lines) {
    std::string text = history_header() + '\n';
    uint64_t id = 0;
    while (!lines.empty()) {
        const size_t end = std::min(lines.find('\n'), lines.size() - 1);
        std::string_view line = lines.substr(0, end + 1);
        lines.remove_prefix(end + 1);
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        if (line != "\n" && !line.empty()) text += fmt::format("#{} c{}", ++id, line);
    }
    auto parsed = parse_history(text);
    EXPECT_TRUE(parsed.ok()) << parsed.status() << '\n' << text;
    return parsed.ok() ? *std::move(parsed) : History{};
}

struct Named {
    const char* name;
    bool linearizable;
    const char* why;
    const char* lines;
};
// What GoogleTest prints of a parameter.
void PrintTo(const Named& named, std::ostream* out) { *out << named.why; }

constexpr bool kGood = true;
constexpr bool kBad = false;

const Named kOneKey[] = {
    {"Empty", kGood, "nothing was seen", ""},
    {"AbsentAtFirst", kGood, "every key is absent when a history begins", R"(1 0..1 GET "x" -> nil
)"},
    {"ReadOfOwnWrite", kGood, "a write, then a read of it", R"(1 0..1 SET "x" "1" -> OK
        1 2..3 GET "x" -> "1"
)"},
    {"ReadOfAValueNobodyWrote", kBad, "a value out of nothing", R"(1 0..1 SET "x" "1" -> OK
        2 2..3 GET "x" -> "7"
)"},
    {"ReadOfTheFuture", kBad, "the read was answered before the write was invoked", R"(1 0..1 GET "x" -> "1"
        2 2..3 SET "x" "1" -> OK
)"},
    {"StaleRead", kBad, "the second write was answered before the read was invoked", R"(1 0..1 SET "x" "1" -> OK
        1 2..3 SET "x" "2" -> OK
        2 4..5 GET "x" -> "1"
)"},
    {"OldValueWhileTheWriteIsOpen", kGood, "a write may take effect as late as its reply", R"(1 0..1 SET "x" "1" -> OK
        1 2..9 SET "x" "2" -> OK
        2 4..5 GET "x" -> "1"
)"},
    {"NewValueWhileTheWriteIsOpen", kGood, "a write may take effect as early as its invocation",
     R"(1 0..9 SET "x" "1" -> OK
        2 4..5 GET "x" -> "1"
)"},
    {"NewOldInversion", kBad, "one client saw the new value, then another the old one, under an open write", R"(
        1 0..1 SET "x" "1" -> OK
        1 2..20 SET "x" "2" -> OK
        2 4..5 GET "x" -> "2"
        3 6..7 GET "x" -> "1"
)"},
    {"OverlappingReadsMayDisagree", kGood, "the two reads overlap each other and the write", R"(1 0..1 SET "x" "1" -> OK
        1 2..20 SET "x" "2" -> OK
        2 4..8 GET "x" -> "2"
        3 6..7 GET "x" -> "1"
)"},
    {"EqualTimesAreConcurrent", kGood, "a reply at the very moment of an invocation orders nothing",
     R"(1 0..5 SET "x" "1" -> OK
        2 5..6 GET "x" -> nil
)"},
    {"TimeGoesBackForOneClient", kBad, "a session sees the second write and then the first again",
     R"(1 0..1 SET "x" "1" -> OK
        1 2..3 SET "x" "2" -> OK
        2 4..5 GET "x" -> "2"
        2 6..7 GET "x" -> "1"
)"},
    {"SplitBrainReads", kBad, "two leaders: each side reads its own write", R"(1 0..9 SET "x" "1" -> OK
        2 0..9 SET "x" "2" -> OK
        1 10..11 GET "x" -> "1"
        2 12..13 GET "x" -> "2"
)"},
    {"SplitBrainReadsByTurns", kBad, "concurrent reads that alternate between two concurrent writes",
     R"(1 0..9 SET "x" "1" -> OK
        2 0..9 SET "x" "2" -> OK
        3 10..11 GET "x" -> "1"
        4 10..12 GET "x" -> "2"
        3 13..14 GET "x" -> "2"
        4 13..14 GET "x" -> "1"
)"},
    {"ConcurrentWritesInEitherOrder", kGood, "the later reply may belong to the earlier write",
     R"(1 0..9 SET "x" "1" -> OK
        2 0..8 SET "x" "2" -> OK
        3 10..11 GET "x" -> "2"
)"},
    {"LostWrite", kBad, "an acknowledged write is gone after a failover", R"(1 0..1 SET "x" "1" -> OK
        2 9..10 GET "x" -> nil
)"},
    {"LostUpdateByCompareAndSet", kBad, "two compare-and-sets of one value both win", R"(1 0..1 SET "x" "0" -> OK
        1 2..9 SET "x" "1" IFEQ "0" -> OK
        2 2..9 SET "x" "2" IFEQ "0" -> OK
)"},
    {"OneCompareAndSetWins", kGood, "the loser sees nil", R"(1 0..1 SET "x" "0" -> OK
        1 2..9 SET "x" "1" IFEQ "0" -> OK
        2 2..9 SET "x" "2" IFEQ "0" -> nil
        3 10..11 GET "x" -> "1"
)"},
    {"LostUpdateOfACounter", kBad, "two increments, one counted", R"(1 0..9 INCRBY "n" 1 -> 1
        2 0..9 INCRBY "n" 1 -> 2
        3 10..11 GET "n" -> "1"
)"},
    {"TwoIncrementsOneReply", kBad, "both clients were told 1", R"(1 0..9 INCRBY "n" 1 -> 1
        2 0..9 INCRBY "n" 1 -> 1
)"},
    {"DuplicateIncrement", kBad, "a retried request was counted twice", R"(1 0..5 INCRBY "n" 1 -> 1
        1 6..7 GET "n" -> "2"
)"},
    {"TextIsNoNumber", kGood, "an error that the state explains is a reply", R"(1 0..1 SET "n" "a" -> OK
        1 2..3 INCRBY "n" 1 -> error "ERR value is not an integer or out of range"
        1 4..5 GET "n" -> "a"
)"},
    {"ErrorWithoutCause", kBad, "the key held a number all the time", R"(1 0..1 SET "n" "1" -> OK
        1 2..3 INCRBY "n" 1 -> error "ERR value is not an integer or out of range"
)"},
    {"Overflow", kGood, "counting stops at the largest number", R"(1 0..1 SET "n" "9223372036854775807" -> OK
        1 2..3 INCRBY "n" 1 -> error "ERR increment or decrement would overflow"
        1 4..5 INCRBY "n" -1 -> 9223372036854775806
)"},
    {"TwoWinnersOfSetnx", kBad, "a lock that two clients hold", R"(1 0..9 SETNX "lock" "a" -> 1
        2 0..9 SETNX "lock" "b" -> 1
)"},
    {"NoWinnerOfSetnx", kBad, "both lost, although the key was free", R"(1 0..9 SETNX "lock" "a" -> 0
        2 0..9 SETNX "lock" "b" -> 0
)"},
    {"LockHandedOver", kGood, "released between the two", R"(1 0..1 SET "lock" "a" NX -> OK
        2 2..9 SET "lock" "b" NX -> OK
        1 3..8 DEL "lock" -> 1
)"},
    {"SetXxNeedsTheKey", kBad, "XX wrote a key that did not exist", R"(1 0..1 SET "x" "1" XX -> OK
)"},
    {"SetGetSeesTheOldValue", kGood, "SET GET returns what it replaced, written or not",
     R"(1 0..1 SET "x" "1" GET -> nil
        1 2..3 SET "x" "2" NX GET -> "1"
        1 4..5 SET "x" "3" XX GET -> "1"
        1 6..7 GET "x" -> "3"
)"},
    {"SetNxGetWroteAnyway", kBad, "NX with the key there must not write", R"(1 0..1 SET "x" "1" -> OK
        1 2..3 SET "x" "2" NX GET -> "1"
        1 4..5 GET "x" -> "2"
)"},
    {"GetsetChain", kGood, "each swap returns what the one before wrote", R"(1 0..9 GETSET "x" "1" -> nil
        2 0..9 GETSET "x" "2" -> "3"
        3 0..9 GETSET "x" "3" -> "1"
)"},
    {"GetsetBranch", kBad, "two swaps returned one value", R"(1 0..9 GETSET "x" "1" -> nil
        2 0..9 GETSET "x" "2" -> "1"
        3 0..9 GETSET "x" "3" -> "1"
)"},
    {"GetdelTwice", kBad, "one value was taken by two clients", R"(1 0..1 SET "x" "1" -> OK
        1 2..9 GETDEL "x" -> "1"
        2 2..9 GETDEL "x" -> "1"
)"},
    {"GetdelOnce", kGood, "the second finds nothing", R"(1 0..1 SET "x" "1" -> OK
        1 2..9 GETDEL "x" -> nil
        2 2..9 GETDEL "x" -> "1"
)"},
    {"DeletedKeyComesBack", kBad, "nobody wrote after the delete", R"(1 0..1 SET "x" "1" -> OK
        1 2..3 DEL "x" -> 1
        2 4..5 EXISTS "x" -> 1
)"},
    {"DeletedTwice", kBad, "one key, two deletes that both found it", R"(1 0..1 SET "x" "1" -> OK
        1 2..9 DEL "x" -> 1
        2 2..9 DEL "x" -> 1
)"},
    {"AppendsInterleave", kGood, "lengths tell the order of concurrent appends", R"(1 0..9 APPEND "x" "aa" -> 3
        2 0..9 APPEND "x" "b" -> 1
        3 10..11 GET "x" -> "baa"
)"},
    {"AppendLost", kBad, "the second append did not see the first", R"(1 0..1 APPEND "x" "a" -> 1
        2 2..3 APPEND "x" "b" -> 1
)"},
    {"ReplyOfTheWrongType", kBad, "GET never answers with a number", R"(1 0..1 GET "x" -> 1
)"},
};

const Named kOutcomes[] = {
    {"AbortedRead", kBad, "a read of a write that definitely failed", R"(1 0..5 SET "x" "1" -> failed
        2 6..7 GET "x" -> "1"
)"},
    {"DirtyRead", kBad, "a value was seen while its write was open, and the write then failed",
     R"(1 0..9 SET "x" "1" -> failed
        2 3..4 GET "x" -> "1"
        2 10..11 GET "x" -> nil
)"},
    {"FailedWriteUnseen", kGood, "a failed write leaves no trace", R"(1 0..1 SET "x" "1" -> OK
        1 2..5 SET "x" "2" -> failed
        2 6..7 GET "x" -> "1"
)"},
    {"FailedDeleteSeen", kBad, "a delete that failed took the key all the same", R"(1 0..1 SET "x" "1" -> OK
        1 2..5 DEL "x" -> failed
        2 6..7 EXISTS "x" -> 0
)"},
    {"FailedIncrementCounted", kBad, "a definite error, and yet it counted", R"(1 0..1 INCRBY "n" 1 -> failed
        1 2..3 INCRBY "n" 1 -> 2
)"},
    {"UnknownWriteTookEffect", kGood, "the reply was lost, not the write", R"(1 0..5 SET "x" "1" -> unknown
        2 6..7 GET "x" -> "1"
)"},
    {"UnknownWriteNeverTookEffect", kGood, "the write was lost", R"(1 0..5 SET "x" "1" -> unknown
        2 6..7 GET "x" -> nil
)"},
    {"UnknownWriteTakesEffectLate", kGood, "the client's patience ended long before", R"(1 0..5 SET "x" "1" -> unknown
        2 6..7 SET "x" "2" -> OK
        2 8..9 GET "x" -> "2"
        2 10..11 GET "x" -> "1"
)"},
    {"UnknownWriteTakesEffectTwice", kBad, "seen, overwritten, and seen again", R"(1 0..5 SET "x" "1" -> unknown
        2 6..7 GET "x" -> "1"
        2 8..9 SET "x" "2" -> OK
        2 10..11 GET "x" -> "1"
)"},
    {"UnknownWriteVanishes", kBad, "seen, then undone", R"(1 0..1 SET "x" "0" -> OK
        1 2.. SET "x" "1" -> unknown
        2 6..7 GET "x" -> "1"
        2 8..9 GET "x" -> "0"
)"},
    {"UnknownWriteBeforeItsInvocation", kBad, "no effect before the invocation", R"(2 0..1 GET "x" -> "1"
        1 2.. SET "x" "1" -> unknown
)"},
    {"TwoUnknownWritesOfOneValue", kGood, "each of the two takes effect once", R"(1 0.. SET "x" "1" -> unknown
        3 0.. SET "x" "1" -> unknown
        2 6..7 GET "x" -> "1"
        2 8..9 SET "x" "2" -> OK
        2 10..11 GET "x" -> "1"
)"},
    {"UnknownIncrementCountedOnce", kGood, "one of two unknown increments took effect", R"(1 0.. INCRBY "n" 1 -> unknown
        1 2.. INCRBY "n" 1 -> unknown
        2 6..7 INCRBY "n" 1 -> 2
        2 8..9 GET "n" -> "2"
)"},
    {"UnknownIncrementCountedTwice", kBad, "one unknown increment was counted twice", R"(1 0.. INCRBY "n" 1 -> unknown
        2 6..7 INCRBY "n" 1 -> 3
)"},
    {"CounterBounds", kBad, "more than all acknowledged and unknown increments together",
     R"(1 0.. INCRBY "n" 1 -> unknown
        2 1..2 INCRBY "n" 1 -> 1
        3 3.. INCRBY "n" 1 -> unknown
        2 9..10 GET "n" -> "4"
)"},
    {"UnknownDeleteExplainsSetnx", kGood, "the lock was freed by a delete of unknown outcome",
     R"(1 0..1 SETNX "lock" "a" -> 1
        1 2..3 DEL "lock" -> unknown
        2 9..10 SETNX "lock" "b" -> 1
)"},
    {"UnknownDeleteFreesOnce", kBad, "one delete, two new owners", R"(1 0..1 SETNX "lock" "a" -> 1
        1 2..3 DEL "lock" -> unknown
        2 9..10 SETNX "lock" "b" -> 1
        3 11..12 SETNX "lock" "c" -> 1
)"},
    {"UnknownGetdelTookTheValue", kGood, "the value went with the reply", R"(1 0..1 SET "x" "1" -> OK
        1 2..3 GETDEL "x" -> unknown
        2 4..5 GETDEL "x" -> nil
)"},
    {"UnknownReadsMeanNothing", kGood, "a read without a reply says nothing", R"(1 0..1 SET "x" "1" -> OK
        1 2.. GET "x" -> unknown
)"},
    {"ChainOfUnknowns", kGood, "SET, APPEND and INCRBY, all of unknown outcome, explain one read",
     R"(1 0.. SET "x" "4" -> unknown
        2 0.. APPEND "x" "1" -> unknown
        3 0.. INCRBY "x" 1 -> unknown
        4 6..7 GET "x" -> "42"
)"},
    {"ChainOfUnknownsInvokedTooLate", kBad, "the last link was invoked after the read", R"(1 0.. SET "x" "4" -> unknown
        2 0.. APPEND "x" "1" -> unknown
        4 6..7 GET "x" -> "42"
        3 8.. INCRBY "x" 1 -> unknown
)"},
};

const Named kSeveralKeys[] = {
    {"KeysAreIndependent", kGood, "a slow write of one key does not hold up another", R"(1 0..20 SET "x" "1" -> OK
        2 1..2 SET "y" "1" -> OK
        3 3..4 MGET "y" "x" -> ["1" nil]
)"},
    {"TornMset", kBad, "a reader saw one half of an MSET", R"(1 0..1 MSET "x" "1" "y" "1" -> OK
        1 2..9 MSET "x" "2" "y" "2" -> OK
        2 3..4 MGET "x" "y" -> ["2" "1"]
)"},
    {"TornUnknownMset", kBad, "an MSET of unknown outcome takes effect as a whole or not at all",
     R"(1 0..1 MSET "x" "1" "y" "1" -> OK
        1 2.. MSET "x" "2" "y" "2" -> unknown
        2 30..31 GET "x" -> "2"
        2 32..33 GET "y" -> "1"
)"},
    {"WholeUnknownMset", kGood, "the other half was overwritten after it", R"(1 0.. MSET "x" "2" "y" "2" -> unknown
        2 3..9 SET "y" "3" -> OK
        2 30..31 MGET "x" "y" -> ["2" "3"]
)"},
    {"MgetInTwoOrders", kBad, "two readers saw two independent writes in opposite orders", R"(1 0..9 SET "x" "1" -> OK
        2 0..9 SET "y" "1" -> OK
        3 2..3 MGET "x" "y" -> ["1" nil]
        4 4..5 MGET "x" "y" -> [nil "1"]
)"},
    {"SkewOfSingleReads", kBad, "no single key is wrong, but MSET joins them", R"(1 0..9 MSET "x" "1" "y" "1" -> OK
        2 1..2 GET "x" -> "1"
        2 3..4 GET "y" -> nil
)"},
    {"DelCountsWhatWasThere", kGood, "one of three keys was there", R"(1 0..1 SET "x" "1" -> OK
        1 2..3 DEL "x" "y" "x" -> 1
        1 4..5 EXISTS "x" "y" -> 0
)"},
    {"HalfADel", kBad, "a DEL of two keys took one", R"(1 0..1 MSET "x" "1" "y" "1" -> OK
        1 2..3 DEL "x" "y" -> 2
        2 4..5 EXISTS "x" "y" -> 1
)"},
    {"LastOfRepeatedKeysWins", kGood, "MSET writes from left to right", R"(1 0..1 MSET "x" "1" "x" "2" -> OK
        2 2..3 GET "x" -> "2"
)"},
    {"ExistsCountsTwice", kGood, "a key named twice counts twice", R"(1 0..1 SET "x" "1" -> OK
        2 2..3 EXISTS "x" "x" -> 2
)"},
    {"RenameMoves", kGood, "the value is at the destination alone", R"(1 0..1 SET "a" "1" -> OK
        1 2..9 RENAME "a" "b" -> OK
        2 3..4 MGET "a" "b" -> ["1" nil]
        2 5..6 MGET "a" "b" -> [nil "1"]
)"},
    {"RenameCopied", kBad, "the value was at both places", R"(1 0..1 SET "a" "1" -> OK
        1 2..9 RENAME "a" "b" -> OK
        2 3..4 MGET "a" "b" -> ["1" "1"]
)"},
    {"RenameOfNothing", kBad, "the source was there", R"(1 0..1 SET "a" "1" -> OK
        1 2..3 RENAME "a" "b" -> error "ERR no such key"
)"},
    {"UnknownRenameExplainsBoth", kGood, "the rename happened although nobody heard so", R"(1 0..1 SET "a" "1" -> OK
        1 2.. RENAME "a" "b" -> unknown
        2 4..5 GET "a" -> nil
        2 6..7 GET "b" -> "1"
)"},
    {"UnknownRenameAfterUnknownWrite", kGood, "a value nobody heard of, moved by a rename nobody heard of", R"(
        1 0.. SET "a" "1" -> unknown
        2 2.. RENAME "a" "b" -> unknown
        3 4..5 GET "b" -> "1"
)"},
    {"TwoUnknownWritesForOneRead", kGood, "two writes of unknown outcome to different keys, both seen by one read", R"(
        1 0.. SET "x" "1" -> unknown
        2 0.. SET "y" "1" -> unknown
        3 4..5 MGET "x" "y" -> ["1" "1"]
)"},
    {"UnknownOrderAcrossKeys", kGood, "one unknown MSET must stand before another for a key that is read only later",
     R"(
        1 0.. MSET "b" "1" "c" "1" -> unknown
        2 0.. MSET "a" "2" "b" "2" -> unknown
        3 4..5 GET "a" -> "2"
        3 6..7 MGET "b" "c" -> ["2" "1"]
)"},
};

class NamedHistories : public testing::TestWithParam<Named> {};

TEST_P(NamedHistories, AreJudgedRightly) {
    const CheckReport report = check_linearizability(history_of(GetParam().lines));
    EXPECT_EQ(report.verdict, GetParam().linearizable ? Verdict::kLinearizable : Verdict::kNotLinearizable)
        << GetParam().why << '\n'
        << report.explanation;
}

std::string name_of(const testing::TestParamInfo<Named>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(OneKey, NamedHistories, testing::ValuesIn(kOneKey), name_of);
INSTANTIATE_TEST_SUITE_P(Outcomes, NamedHistories, testing::ValuesIn(kOutcomes), name_of);
INSTANTIATE_TEST_SUITE_P(SeveralKeys, NamedHistories, testing::ValuesIn(kSeveralKeys), name_of);

TEST(Linearizability, TheExplanationShowsTheAnomaly) {
    const CheckReport report = check_linearizability(history_of(R"(1 0..1 SET "x" "1" -> OK
        1 2..3 SET "x" "2" -> OK
        3 3..9 APPEND "x" "" -> 1
        4 3.. SET "x" "3" -> unknown
        2 4..5 GET "x" -> "1"
        2 6..7 GET "other" -> nil
)"));
    ASSERT_TRUE(report.anomaly.has_value());
    EXPECT_EQ(report.anomaly->culprit.id, 5u);
    EXPECT_EQ(report.anomaly->explained, 2u);
    EXPECT_EQ(report.explanation, R"(not linearizable: no order explains this reply
    #5 c2 4..5 GET "x" -> "1"
  keys of the part: "x"
  2 operations were answered before it, and they have an order; after it:
    "x" = "2"
  that order ends with:
    #1 c1 0..1 SET "x" "1" -> OK
    #2 c1 2..3 SET "x" "2" -> OK
  open at the time of the reply:
    #3 c3 3..9 APPEND "x" "" -> 1
    #4 c4 3.. SET "x" "3" -> unknown
  operations that name a value it returned:
    #1 c1 0..1 SET "x" "1" -> OK
)");
}

TEST(Linearizability, TheExplanationNamesAFailedWriteThatWasSeen) {
    const CheckReport report = check_linearizability(history_of(R"(1 0..5 SET "x" "1" -> failed
        2 6..7 GET "x" -> "1"
)"));
    EXPECT_THAT(report.explanation, HasSubstr("operations that name a value it returned:\n"
                                              "    #1 c1 0..5 SET \"x\" \"1\" -> failed\n"));
}

TEST(Linearizability, KeysAreJoinedOnlyByOperationsThatMatter) {
    // A failed MSET and an unknown MGET join nothing; "a" and "b" are joined by an MSET.
    const CheckReport report = check_linearizability(history_of(R"(1 0..1 SET "x" "1" -> OK
        1 2..3 SET "y" "1" -> OK
        1 4..5 MSET "x" "2" "y" "2" -> failed
        1 6..7 MGET "x" "y" -> unknown
        1 8..9 MSET "a" "1" "b" "1" -> OK
        1 10..11 GET "b" -> "1"
)"));
    EXPECT_EQ(report.verdict, Verdict::kLinearizable);
    EXPECT_EQ(report.parts, 3u);
    EXPECT_EQ(report.operations, 4u);
}

TEST(Linearizability, ReachingALimitIsNoVerdict) {
    const History history = history_of(R"(1 0..1 SET "x" "1" -> OK
        1 2..3 GET "x" -> "1"
)");
    const CheckReport few_steps = check_linearizability(history, {.steps_max = 1});
    EXPECT_EQ(few_steps.verdict, Verdict::kGaveUp);
    EXPECT_THAT(few_steps.explanation, HasSubstr("gave up on 2 operations on the keys \"x\": no verdict"));
    EXPECT_EQ(check_linearizability(history, {.memory_bytes_max = 1}).verdict, Verdict::kGaveUp);
    EXPECT_EQ(check_linearizability(history).verdict, Verdict::kLinearizable);
}

TEST(Linearizability, AWrongPartIsFoundAlthoughAnotherOneReachesTheLimit) {
    // The part of "x" comes first and is wrong in one step; "y" would need more than the limit.
    const CheckReport report = check_linearizability(history_of(R"(1 0..1 SET "y" "1" -> OK
        1 2..3 SET "y" "2" -> OK
        1 4..5 GET "y" -> "2"
        2 0..1 GET "x" -> "1"
)"),
                                                     {.steps_max = 2});
    EXPECT_EQ(report.verdict, Verdict::kNotLinearizable);
    EXPECT_THAT(report.explanation, Not(HasSubstr("gave up")));
}

Operation answered(uint64_t from_ns, Command command, Reply reply) {
    Operation operation;
    operation.command = std::move(command);
    operation.invoked_at_ns = from_ns;
    operation.completed_at_ns = from_ns + 1;
    operation.outcome = Outcome::kExecuted;
    operation.reply = std::move(reply);
    return operation;
}

TEST(Linearizability, UnknownWritesOfUniqueValuesTakeAFewStepsEach) {
    History history;
    for (uint64_t round = 0; round < 300; ++round) {
        const std::string lost = fmt::format("lost-{}", round);
        const std::string kept = fmt::format("kept-{}", round);
        Operation unknown;
        unknown.command = set("x", lost);
        unknown.invoked_at_ns = 10 * round;
        history.push_back(unknown);
        history.push_back(answered(10 * round + 2, set("x", kept), reply_ok()));
        history.push_back(answered(10 * round + 4, get("x"), reply_text(round % 3 == 0 ? lost : kept)));
    }
    const CheckLimits limits{.steps_max = 10 * history.size()};
    EXPECT_EQ(check_linearizability(history, limits).verdict, Verdict::kLinearizable);
    history.back().reply = reply_text("lost-0");
    EXPECT_EQ(check_linearizability(history, limits).verdict, Verdict::kNotLinearizable);
}

TEST(Linearizability, AsManyAsAHundredConcurrentWritesAreWithinReach) {
    History history;
    for (uint64_t client = 0; client < 100; ++client) {
        Operation write;
        write.client = client;
        write.command = set("x", fmt::format("{}", client));
        write.completed_at_ns = 1000;
        write.outcome = Outcome::kExecuted;
        write.reply = reply_ok();
        history.push_back(write);
    }
    Operation read = history[0];
    read.command = get("x");
    read.invoked_at_ns = read.completed_at_ns.emplace(2000);
    read.reply = reply_text("42");
    history.push_back(read);
    EXPECT_EQ(check_linearizability(history).verdict, Verdict::kLinearizable);
    history.back().reply = reply_nil();
    EXPECT_EQ(check_linearizability(history, {.steps_max = 10'000'000}).verdict, Verdict::kNotLinearizable);
}

}  // namespace
}  // namespace kvorum::sim
