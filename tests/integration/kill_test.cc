// The promise of an OK, under kill -9: of the leader again and again, and of all nodes at once, while writers load the
// cluster.
//
// KVORUM_KILL_ROUNDS sets how often the leader is killed (20); all nodes at once are killed a quarter as often.
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

constexpr uint64_t kWritesBetweenKills = 300;
constexpr auto kRecoveryDeadline = Milliseconds(30'000);

uint32_t rounds() {
    const char* chosen = std::getenv("KVORUM_KILL_ROUNDS");
    return chosen == nullptr ? 20 : static_cast<uint32_t>(std::max(1L, std::strtol(chosen, nullptr, 10)));
}

std::vector<reactor::Endpoint> endpoints(const Cluster& cluster) {
    std::vector<reactor::Endpoint> all;
    for (uint32_t node = 1; node <= cluster.size(); ++node)
        all.push_back(cluster.endpoint(node));
    return all;
}

// True when the writers get on by `count` acknowledged writes.
bool wait_for_progress(const Ledger& ledger, uint64_t count) {
    const uint64_t goal = ledger.acknowledged() + count;
    return wait_until(kRecoveryDeadline, [&] { return ledger.acknowledged() >= goal; });
}

void print_gaps(const char* what, std::vector<uint64_t> gaps_ms) {
    std::sort(gaps_ms.begin(), gaps_ms.end());
    fmt::print("{}: no write was acknowledged for {} ms at most, {} ms in the median\n", what, gaps_ms.back(),
               gaps_ms[gaps_ms.size() / 2]);
}

TEST(KillTest, NothingAcknowledgedIsLost) {
    Cluster cluster({});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    Ledger ledger(endpoints(cluster), {1, 1, 1, 4, 4, 16});
    ASSERT_TRUE(wait_for_progress(ledger, kWritesBetweenKills)) << "the writers get nowhere on a healthy cluster";

    std::vector<uint64_t> leader_gaps_ms;
    for (uint32_t round = 1; round <= rounds(); ++round) {
        const uint32_t leader = cluster.wait_for_leader();
        (void)ledger.take_longest_gap_ms();
        cluster.kill(leader);
        ASSERT_TRUE(wait_for_progress(ledger, kWritesBetweenKills))
            << "no service after the leader's death in round " << round;
        leader_gaps_ms.push_back(ledger.take_longest_gap_ms());
        cluster.start(leader);
        ASSERT_TRUE(cluster.wait_until_caught_up(leader, kRecoveryDeadline))
            << "node " << leader << " does not catch up in round " << round;
    }
    print_gaps("leader killed", leader_gaps_ms);

    std::vector<uint64_t> cluster_gaps_ms;
    for (uint32_t round = 1; round <= std::max(1U, rounds() / 4); ++round) {
        (void)ledger.take_longest_gap_ms();
        cluster.kill_all();
        cluster.start_all();
        ASSERT_TRUE(wait_for_progress(ledger, kWritesBetweenKills))
            << "no service after the death of all in round " << round;
        cluster_gaps_ms.push_back(ledger.take_longest_gap_ms());
    }
    print_gaps("all killed and started again", cluster_gaps_ms);

    ledger.stop();
    fmt::print("writes: {} acknowledged, {} unknown, {} refused as not executed\n", ledger.acknowledged(),
               ledger.unknown(), ledger.not_executed());
    EXPECT_GT(ledger.unknown() + ledger.not_executed(), 0U) << "the kills hit nothing: the test has shown nothing";
    EXPECT_THAT(ledger.strange_replies(), testing::IsEmpty());
    for (uint32_t node = 1; node <= cluster.size(); ++node)
        EXPECT_THAT(ledger.check(cluster.endpoint(node)), testing::IsEmpty()) << "read through node " << node;
    EXPECT_TRUE(cluster.wait_until_equal(kRecoveryDeadline)) << "the nodes hold different states";
}

TEST(KillTest, OneNodeAloneKeepsWhatItAcknowledged) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    Ledger ledger(endpoints(cluster), {1, 8});
    for (uint32_t round = 1; round <= std::max(1U, rounds() / 4); ++round) {
        ASSERT_TRUE(wait_for_progress(ledger, kWritesBetweenKills)) << "round " << round;
        cluster.kill(1);
        cluster.start(1);
    }
    ASSERT_TRUE(wait_for_progress(ledger, kWritesBetweenKills));
    ledger.stop();
    EXPECT_THAT(ledger.strange_replies(), testing::IsEmpty());
    EXPECT_THAT(ledger.check(cluster.endpoint(1)), testing::IsEmpty());
}

// An orderly stop tells its clients nothing false either, and loses nothing.
TEST(KillTest, AnOrderlyRestartOfEachNodeLosesNothing) {
    Cluster cluster({});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    Ledger ledger(endpoints(cluster), {1, 4});
    for (uint32_t node = 1; node <= cluster.size(); ++node) {
        ASSERT_TRUE(wait_for_progress(ledger, kWritesBetweenKills)) << "before node " << node;
        ASSERT_TRUE(cluster.stop(node)) << "node " << node << " ignores SIGTERM";
        ASSERT_TRUE(wait_for_progress(ledger, kWritesBetweenKills)) << "without node " << node;
        cluster.start(node);
        ASSERT_TRUE(cluster.wait_until_caught_up(node, kRecoveryDeadline)) << "node " << node;
    }
    ledger.stop();
    EXPECT_THAT(ledger.strange_replies(), testing::IsEmpty());
    EXPECT_THAT(ledger.check(cluster.endpoint(1)), testing::IsEmpty());
}

}  // namespace
}  // namespace kvorum::integration
