// Commands that take many turns, and a leader that is lost in the middle of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/units.h"
#include "tests/sim/connection.h"
#include "tests/sim/machine_cluster.h"

namespace kvorum::sim {
namespace {

using ::testing::StartsWith;

// A node does this much in a turn at most: its budget, what was begun before that was spent, and a group of the log and
// a send, which are as large as on a real node, whose budget is six times as large.
constexpr uint64_t kTurnWorkMax = 3 * kSimWorkBudget + kMiB / kBytesPerWork + kMiB / 2 * kSentWork + 100'000;

Words key_list(const std::string& name, int keys, bool with_values = false) {
    Words words{name};
    for (int i = 0; i < keys; ++i) {
        words.push_back("key:" + std::to_string(i));
        if (with_values) words.emplace_back("value");
    }
    return words;
}

class LongCommandsTest : public ::testing::Test {
 protected:
    LongCommandsTest() {
        cluster.run_for(3 * kSecondNs);
        leader = cluster.leader();
        follower = leader % 3 + 1;
        third = follower % 3 + 1;
    }

    bool answered(const Connection& connection, size_t replies = 1) {
        return cluster.run_until(60 * kSecondNs, [&] { return connection.count() >= replies; });
    }
    // Runs until the node has done such work in a turn.
    bool until_busy(HostId node, TurnPart part) {
        return cluster.run_until(20 * kSecondNs,
                                 [&] { return cluster.machine(node).work().total(part) >= kSimWorkBudget / 2; });
    }
    // The node stands still until the others have elected one of them.
    void depose(HostId node) {
        cluster.machine(node).pause_until(cluster.now_ns() + 10 * kSecondNs);
        ASSERT_TRUE(cluster.run_until(10 * kSecondNs, [&] {
            const node::Node* a = cluster.machine(follower).serving();
            const node::Node* b = cluster.machine(third).serving();
            return (a->raft().is_leader() || b->raft().is_leader()) &&
                   a->raft().current_term() == b->raft().current_term();
        }));
        cluster.machine(node).pause_until(0);
    }

    static Scenario scenario() {
        Scenario scenario = Scenario::calm(11, 3);
        scenario.node.follower_mode = FollowerMode::kForward;
        scenario.node.leader_wait_ms = 20'000;
        scenario.node.outcome_wait_ms = 60'000;
        scenario.node.wal_segment_bytes = 4 * kMiB;
        return scenario;
    }

    Cluster cluster{scenario()};
    HostId leader = 0;
    HostId follower = 0;
    HostId third = 0;
};

TEST_F(LongCommandsTest, NoTurnIsLongerThanItsBudgetAndOthersGoOnMeanwhile) {
    for (const HostId node : {leader, follower}) {
        Connection big(cluster, 11, node);
        Connection small(cluster, 12, node);
        small.send({"SET", "other", "1"});
        ASSERT_TRUE(answered(small));
        big.send(key_list("MSET", 120'000, true));
        ASSERT_TRUE(until_busy(leader, TurnPart::kEncode));
        small.send({"INCR", "other"});
        ASSERT_TRUE(answered(small, 2));
        if (node == leader) EXPECT_EQ(big.count(), 0) << "the small write waited for the large one";
        ASSERT_TRUE(answered(big));
        EXPECT_EQ(big.reply(0), "OK");
        big.send(key_list("EXISTS", 120'000));
        big.send(key_list("MGET", 120'000));
        big.send({"KEYS", "key:*"});
        big.send(key_list("DEL", 120'000));
        big.send({"DBSIZE"});
        ASSERT_TRUE(answered(big, 6));
        EXPECT_EQ(big.reply(1), "120000");
        EXPECT_EQ(big.reply(2), "120000 items");
        EXPECT_EQ(big.reply(3), "120000 items");
        EXPECT_EQ(big.reply(4), "120000");
        EXPECT_EQ(big.reply(5), "1");
    }
    EXPECT_LT(cluster.longest_turn_work(), kTurnWorkMax);
}

TEST_F(LongCommandsTest, ALargeValueIsWrittenAndReadInSlices) {
    for (const HostId node : {leader, follower}) {
        Connection client(cluster, 11, node);
        client.send({"SET", "k", std::string(2'000'000, 'v')});
        client.send({"APPEND", "k", "+"});
        client.send({"STRLEN", "k"});
        client.send({"GET", "k"});
        ASSERT_TRUE(answered(client, 4));
        EXPECT_EQ(client.reply(2), "2000001");
        EXPECT_EQ(client.reply(3).size(), 2'000'001);
    }
    EXPECT_LT(cluster.longest_turn_work(), kTurnWorkMax);
}

TEST_F(LongCommandsTest, AWriteBehindALargeReadDoesNotChangeWhatItReadsHoweverManyOthersRead) {
    const std::string large(2'000'000, 'v');
    for (const HostId node : {leader, follower}) {
        Connection client(cluster, 11, node);
        client.send({"SET", "k", large});
        ASSERT_TRUE(answered(client));
        std::vector<std::unique_ptr<Connection>> others;
        for (HostId i = 0; i < 8; ++i) {
            others.push_back(std::make_unique<Connection>(cluster, 20 + i, node));
            others.back()->send({"MGET", "k", "k", "k"});
        }
        client.send({"GET", "k"});
        client.send({"SET", "k", "small"});
        client.send({"GET", "k"});
        ASSERT_TRUE(answered(client, 4));
        EXPECT_EQ(client.reply(1), large);
        EXPECT_EQ(client.reply(3), "small");
        for (const auto& other : others) {
            ASSERT_TRUE(answered(*other));
            EXPECT_EQ(other->reply(0), "3 items");
        }
    }
}

TEST_F(LongCommandsTest, CommandsOfOneConnectionKeepTheirOrderAroundALargeOne) {
    for (const HostId node : {leader, follower}) {
        Connection client(cluster, 11, node);
        client.send({"SET", "key:7", "before"});
        client.send({"GET", "key:7"});
        client.send(key_list("MSET", 20'000, true));
        client.send({"GETSET", "key:7", "after"});
        client.send({"GET", "key:7"});
        ASSERT_TRUE(answered(client, 5));
        EXPECT_EQ(client.reply(1), "before");
        EXPECT_EQ(client.reply(3), "value");
        EXPECT_EQ(client.reply(4), "after");
    }
}

// It was not in the log yet, so it was not executed, and may be sent on.
TEST_F(LongCommandsTest, AWriteThatIsHalfEncodedWhenLeadershipIsLostIsCarriedOutOnceByTheNextLeader) {
    Connection client(cluster, 11, leader);
    Connection witness(cluster, 12, follower);
    Words words = key_list("MSET", 120'000, true);
    client.send(words);
    ASSERT_TRUE(until_busy(leader, TurnPart::kEncode));
    ASSERT_EQ(client.count(), 0);
    depose(leader);
    witness.send({"DBSIZE"});
    ASSERT_TRUE(answered(witness));
    EXPECT_EQ(witness.reply(0), "0");
    ASSERT_TRUE(answered(client));
    EXPECT_EQ(client.reply(0), "OK");
    witness.send({"DBSIZE"});
    ASSERT_TRUE(answered(witness, 2));
    EXPECT_EQ(witness.reply(1), "120000");
}

// A long read that was cut off would cost the next leader as much.
TEST_F(LongCommandsTest, ACostlyReadIsCutOffByAChangeOfLeaderAndNotSentOn) {
    Connection client(cluster, 11, leader);
    client.send(key_list("MSET", 60'000, true));
    ASSERT_TRUE(answered(client));
    client.send(key_list("MGET", 60'000));
    ASSERT_TRUE(until_busy(leader, TurnPart::kRead));
    ASSERT_EQ(client.count(), 1);
    depose(leader);
    ASSERT_TRUE(answered(client, 2));
    EXPECT_THAT(client.reply(1), StartsWith("CLUSTERDOWN Leadership was lost during a long read"));
    client.send({"GET", "key:1"});
    ASSERT_TRUE(answered(client, 3));
    EXPECT_EQ(client.reply(2), "value") << "the connection goes on";
}

TEST_F(LongCommandsTest, ALongReadThatIsCheapIsRepeatedByTheNextLeader) {
    Connection client(cluster, 11, leader);
    client.send(key_list("MSET", 20'000, true));
    ASSERT_TRUE(answered(client));
    client.send(key_list("MGET", 20'000));
    ASSERT_TRUE(until_busy(leader, TurnPart::kRead));
    ASSERT_EQ(client.count(), 1);
    depose(leader);
    ASSERT_TRUE(answered(client, 2));
    EXPECT_EQ(client.reply(1), "20000 items");
}

}  // namespace
}  // namespace kvorum::sim
