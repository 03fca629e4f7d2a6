// Hand-overs of the leadership: by command, and by a leader that is told to end.
//
// KVORUM_TRANSFER_ROUNDS sets how many clusters lose their leader to SIGTERM (3).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/integration/ledger.h"

namespace kvorum::integration {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kWritesBefore = 500;
constexpr auto kDeadline = Milliseconds(30'000);

uint32_t rounds() {
    const char* chosen = std::getenv("KVORUM_TRANSFER_ROUNDS");
    return chosen == nullptr ? 3 : static_cast<uint32_t>(std::max(1L, std::strtol(chosen, nullptr, 10)));
}

bool wait_for_progress(const Ledger& ledger, uint64_t count) {
    const uint64_t goal = ledger.acknowledged() + count;
    return wait_until(kDeadline, [&] { return ledger.acknowledged() >= goal; });
}

std::vector<reactor::Endpoint> all_but(const Cluster& cluster, uint32_t left_out) {
    std::vector<reactor::Endpoint> others;
    for (uint32_t node = 1; node <= cluster.size(); ++node) {
        if (node != left_out) others.push_back(cluster.endpoint(node));
    }
    return others;
}

ProgramResult transfer(const Cluster& cluster, uint32_t at, const std::string& rest = "") {
    return run(fmt::format("{} leader transfer {} {}", program_path("kvorum"), cluster.endpoint(at).to_string(), rest));
}

// No error line, no doubt, nothing lost: clients of the other nodes see a pause, and nothing else.
TEST(TransferTest, ALeaderThatIsToldToEndHandsOverFirst) {
    std::vector<uint64_t> gaps_ms;
    for (uint32_t round = 1; round <= rounds(); ++round) {
        Cluster cluster({});
        cluster.start_all();
        const uint32_t leader = cluster.wait_for_leader();
        Ledger ledger(all_but(cluster, leader), {1, 1, 4, 4, 16});
        ASSERT_TRUE(wait_for_progress(ledger, kWritesBefore));
        (void)ledger.take_longest_gap_ms();
        ASSERT_TRUE(cluster.stop(leader));
        ASSERT_TRUE(wait_for_progress(ledger, kWritesBefore)) << "no service without the old leader";
        gaps_ms.push_back(ledger.take_longest_gap_ms());
        ledger.stop();
        EXPECT_EQ(ledger.unknown(), 0U) << "round " << round;
        EXPECT_EQ(ledger.not_executed(), 0U) << "round " << round;
        EXPECT_THAT(ledger.strange_replies(), IsEmpty());
        EXPECT_THAT(ledger.check(cluster.endpoint(leader % 3 + 1)), IsEmpty());
        EXPECT_THAT(read_file(cluster.log_path(leader)), ContainsRegex("handed over to node [1-3] in [0-9]+ ms"));
    }
    std::sort(gaps_ms.begin(), gaps_ms.end());
    fmt::print("SIGTERM of the leader: no write was acknowledged for {} ms at most, {} ms in the median\n",
               gaps_ms.back(), gaps_ms[gaps_ms.size() / 2]);
}

TEST(TransferTest, WhatClientsOfTheEndingLeaderHaveSentIsAnswered) {
    Cluster cluster({});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    RawConnection connection(cluster.endpoint(leader), kDeadline);
    ASSERT_TRUE(connection.send(encode({"INCR", "n"})));
    ASSERT_EQ(connection.receive_until("\r\n"), ":1\r\n");
    std::string commands;
    for (int i = 0; i < 2000; ++i)
        commands += encode({"INCR", "n"});
    ASSERT_TRUE(connection.send(commands));
    ASSERT_TRUE(cluster.stop(leader));
    bool closed = false;
    const std::string replies = connection.receive_until_closed(closed);
    EXPECT_TRUE(closed);
    EXPECT_THAT(replies, testing::Not(HasSubstr("-")));
    // Each reply is one line: their number says how many commands were carried out.
    const auto answered = 1 + std::count(replies.begin(), replies.end(), '\n');
    Client other(cluster.endpoint(leader % 3 + 1));
    EXPECT_EQ(other.command({"GET", "n"}).to_string(), std::to_string(answered));
}

TEST(TransferTest, TheCommandMovesTheLeadershipToTheNodeItNames) {
    Cluster cluster({});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    const uint32_t target = leader % 3 + 1;
    // Asked at any node.
    const ProgramResult result = transfer(cluster, target, std::to_string(target));
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, ContainsRegex(fmt::format("^node {} at {} leads in term [0-9]+, after [0-9]+ ms\n$",
                                                         target, cluster.endpoint(target).to_string())));
    EXPECT_EQ(cluster.wait_for_leader(), target);
    EXPECT_EQ(cluster.status(leader)->field("raft_transfers_done"), "1");
}

TEST(TransferTest, TheCommandSaysWhyNothingMoves) {
    Cluster cluster({});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    ProgramResult result = transfer(cluster, leader, std::to_string(leader));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.output, HasSubstr(fmt::format("node {} is no other voter", leader)));

    const uint32_t dead = leader % 3 + 1;
    cluster.kill(dead);
    ASSERT_TRUE(wait_until(kDeadline, [&] {
        result = transfer(cluster, leader, std::to_string(dead));
        return result.output.find("does not answer") != std::string::npos;
    })) << result.output;
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(cluster.wait_for_leader(), leader);
}

TEST(TransferTest, ATargetThatDoesNotTakeOverLeavesTheLeaderInOffice) {
    Cluster cluster({});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    const uint32_t target = leader % 3 + 1;
    cluster.pause(target);
    const ProgramResult result = transfer(cluster, leader, std::to_string(target));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.output, HasSubstr("the transfer failed"));
    Client client(cluster.endpoint(leader));
    EXPECT_EQ(client.command({"SET", "k", "v"}).to_string(), "OK");
    EXPECT_EQ(client.command({"GET", "k"}).to_string(), "v");
    EXPECT_EQ(cluster.status(leader)->field("raft_transfers_failed"), "1");
    cluster.resume(target);
}

TEST(TransferTest, AFollowerNamesTheLeader) {
    Cluster cluster({});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    Client follower(cluster.endpoint(cluster.wait_for_follower()));
    EXPECT_EQ(
        follower.command({"KVORUM", "LEADER", "TRANSFER"}).to_string(),
        fmt::format("ERR this node does not lead: ask node {} at {}", leader, cluster.endpoint(leader).to_string()));
}

}  // namespace
}  // namespace kvorum::integration
