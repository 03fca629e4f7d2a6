#include "redis/command_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "redis/server_commands.h"

namespace kvorum::redis {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const auto kRefusedInTransaction = AllOf(StartsWith("-ERR "), HasSubstr("transaction"), HasSubstr("not executed"));
const auto kRefusedInDatabase = AllOf(StartsWith("-ERR "), HasSubstr("database"), HasSubstr("not executed"));
constexpr std::string_view kPassed = "";

class CommandGateTest : public testing::Test {
 protected:
    // The gate's reply, or kPassed.
    std::string send(const std::vector<std::string_view>& arguments) {
        const CommandSpec* spec = find_command(arguments[0]);
        EXPECT_NE(spec, nullptr) << arguments[0];
        if (spec->operation != nullptr && gate_.is_open()) return "";
        std::string out;
        RespWriter reply(out);
        const bool answered = gate_.answers(*spec, arguments, after_refused_, reply);
        EXPECT_EQ(answered, !out.empty());
        return out;
    }

    CommandGate gate_;
    AfterRefusedSelect after_refused_ = AfterRefusedSelect::kRefuse;
};

// --- transactions ---

TEST_F(CommandGateTest, TheBodyOfARefusedTransactionIsNotExecuted) {
    EXPECT_THAT(send({"MULTI"}), AllOf(StartsWith("-ERR MULTI is not supported"), HasSubstr("not executed")));
    EXPECT_THAT(send({"SET", "tx", "1"}), kRefusedInTransaction);
    EXPECT_THAT(send({"GET", "tx"}), kRefusedInTransaction);
    EXPECT_EQ(send({"EXEC"}), "-EXECABORT Transaction discarded because of previous errors.\r\n");
    EXPECT_EQ(send({"SET", "tx", "1"}), kPassed);
}

TEST_F(CommandGateTest, DiscardEndsARefusedTransaction) {
    (void)send({"MULTI"});
    EXPECT_EQ(send({"DISCARD"}), "+OK\r\n");
    EXPECT_EQ(send({"SET", "a", "1"}), kPassed);
}

TEST_F(CommandGateTest, CommandsOfTheNodeAreRefusedInATransactionToo) {
    (void)send({"MULTI"});
    for (const std::string_view name : {"PING", "INFO", "HELLO", "UNWATCH", "READONLY"})
        EXPECT_THAT(send({name}), kRefusedInTransaction) << name;
    EXPECT_THAT(send({"SELECT", "1"}), kRefusedInTransaction);
    EXPECT_THAT(send({"WAIT", "0", "0"}), kRefusedInTransaction);
    (void)send({"DISCARD"});
    EXPECT_EQ(send({"GET", "a"}), kPassed) << "what was refused changed nothing";
}

TEST_F(CommandGateTest, ResetEndsARefusedTransaction) {
    (void)send({"MULTI"});
    EXPECT_EQ(send({"RESET"}), kPassed);
    EXPECT_EQ(send({"SET", "a", "1"}), kPassed);
}

TEST_F(CommandGateTest, QuitWorksInARefusedTransaction) {
    (void)send({"MULTI"});
    EXPECT_EQ(send({"QUIT"}), kPassed);
}

TEST_F(CommandGateTest, NestedMultiAndWatchEndNothing) {
    (void)send({"MULTI"});
    EXPECT_EQ(send({"MULTI"}), "-ERR MULTI calls can not be nested\r\n");
    EXPECT_EQ(send({"WATCH", "k"}), "-ERR WATCH inside MULTI is not allowed\r\n");
    EXPECT_THAT(send({"SET", "a", "1"}), kRefusedInTransaction);
}

TEST_F(CommandGateTest, ExecAndDiscardWithoutMultiSaySo) {
    EXPECT_EQ(send({"EXEC"}), "-ERR EXEC without MULTI\r\n");
    EXPECT_EQ(send({"DISCARD"}), "-ERR DISCARD without MULTI\r\n");
}

TEST_F(CommandGateTest, NothingCanBeWatched) {
    EXPECT_THAT(send({"WATCH", "k"}), StartsWith("-ERR WATCH is not supported"));
    EXPECT_EQ(send({"UNWATCH"}), "+OK\r\n");
    EXPECT_EQ(send({"SET", "a", "1"}), kPassed);
}

// --- databases ---

TEST_F(CommandGateTest, CommandsOnKeysAreRefusedBehindARefusedSelect) {
    EXPECT_EQ(send({"SELECT", "1"}), kPassed) << "SELECT answers for itself";
    for (const std::vector<std::string_view>& command : std::vector<std::vector<std::string_view>>{
             {"SET", "a", "1"}, {"GET", "a"}, {"FLUSHALL"}, {"DBSIZE"}, {"SCAN", "0"}, {"RANDOMKEY"}}) {
        EXPECT_THAT(send(command), kRefusedInDatabase) << command[0];
    }
}

TEST_F(CommandGateTest, CommandsOfTheNodeGoOnBehindARefusedSelect) {
    (void)send({"SELECT", "1"});
    for (const std::string_view name : {"PING", "INFO", "HELLO", "QUIT"})
        EXPECT_EQ(send({name}), kPassed) << name;
    EXPECT_EQ(send({"CLIENT", "SETINFO", "LIB-NAME", "x"}), kPassed);
}

TEST_F(CommandGateTest, SelectZeroAndResetGoOn) {
    (void)send({"SELECT", "15"});
    (void)send({"SELECT", "0"});
    EXPECT_EQ(send({"GET", "a"}), kPassed);
    (void)send({"SELECT", "15"});
    (void)send({"RESET"});
    EXPECT_EQ(send({"GET", "a"}), kPassed);
}

TEST_F(CommandGateTest, EveryRefusedSelectCounts) {
    for (const std::string_view database : {"1", "-1", "abc", "", "99999999999999999999", "00"}) {
        (void)send({"SELECT", "0"});
        (void)send({"SELECT", database});
        EXPECT_THAT(send({"GET", "a"}), kRefusedInDatabase) << database;
    }
}

TEST_F(CommandGateTest, AnOptionLetsARefusedSelectGoOn) {
    after_refused_ = AfterRefusedSelect::kUseZero;
    (void)send({"SELECT", "1"});
    EXPECT_EQ(send({"SET", "a", "1"}), kPassed);
}

TEST_F(CommandGateTest, ATransactionInAnotherDatabaseEndsInThatDatabase) {
    (void)send({"SELECT", "1"});
    (void)send({"MULTI"});
    EXPECT_THAT(send({"EXEC"}), StartsWith("-EXECABORT"));
    EXPECT_THAT(send({"GET", "a"}), kRefusedInDatabase);
}

// --- READONLY ---

TEST_F(CommandGateTest, ReadonlyHoldsUntilReadwriteOrReset) {
    EXPECT_FALSE(gate_.is_readonly());
    (void)send({"READONLY"});
    EXPECT_TRUE(gate_.is_readonly());
    (void)send({"READWRITE"});
    EXPECT_FALSE(gate_.is_readonly());
    (void)send({"READONLY"});
    (void)send({"RESET"});
    EXPECT_FALSE(gate_.is_readonly());
}

// --- CLIENT CONSISTENCY ---

TEST_F(CommandGateTest, AReadChoiceHoldsFromItsArrivalUntilTheNextOrReset) {
    using gateway::Consistency;
    using gateway::ReadChoice;
    EXPECT_EQ(gate_.read_choice(), ReadChoice{});
    EXPECT_EQ(send({"CLIENT", "consistency", "BOUNDED", "250"}), kPassed);
    EXPECT_EQ(gate_.read_choice(), (ReadChoice{Consistency::kBounded, 250}));
    (void)send({"CLIENT", "CONSISTENCY", "stale"});
    EXPECT_EQ(gate_.read_choice(), ReadChoice{Consistency::kStale});
    (void)send({"RESET"});
    EXPECT_EQ(gate_.read_choice(), ReadChoice{});
}

TEST_F(CommandGateTest, NothingElseWeakensReads) {
    for (const std::vector<std::string_view>& words : {std::vector<std::string_view>{"READONLY"},
                                                       {"CLIENT", "CONSISTENCY"},
                                                       {"CLIENT", "CONSISTENCY", "eventual"},
                                                       {"CLIENT", "CONSISTENCY", "stale", "1"},
                                                       {"CLIENT", "CONSISTENCY", "bounded"},
                                                       {"CLIENT", "CONSISTENCY", "bounded", "0"},
                                                       {"CLIENT", "CONSISTENCY", "bounded", "-1"},
                                                       {"CLIENT", "CONSISTENCY", "bounded", "86400001"},
                                                       {"CLIENT", "SETNAME", "stale"}})
        (void)send(words);
    EXPECT_FALSE(gate_.read_choice().is_weak());
}

TEST_F(CommandGateTest, InsideARefusedTransactionNothingIsChosen) {
    (void)send({"MULTI"});
    EXPECT_THAT(send({"CLIENT", "CONSISTENCY", "stale"}), kRefusedInTransaction);
    EXPECT_FALSE(gate_.read_choice().is_weak());
}

}  // namespace
}  // namespace kvorum::redis
