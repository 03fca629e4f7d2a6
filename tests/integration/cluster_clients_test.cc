// What cluster clients and applications meet: the map of slots through failures, READONLY and keyless commands at
// redirecting followers, transactions and databases that do not exist.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto kDeadline = Milliseconds(30'000);

std::vector<std::string> texts(const std::vector<Answer>& answers) {
    std::vector<std::string> result;
    for (const Answer& answer : answers)
        result.push_back(answer.to_string());
    return result;
}

// The ports of the masters in CLUSTER SLOTS, in its order.
std::vector<int64_t> masters(Client& client) {
    std::vector<int64_t> ports;
    for (const Answer& range : client.command({"CLUSTER", "SLOTS"}).elements)
        ports.push_back(range.elements[2].elements[1].integer);
    return ports;
}

const auto kNotExecuted = AllOf(StartsWith("ERR "), HasSubstr("not executed"));

// --- the map of slots ---

TEST(ClusterClientsTest, TheMapStaysFullWithoutAQuorum) {
    Cluster cluster({.flags = {"--follower-mode", "redirect", "--leader-wait-ms", "300"}});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    const uint32_t follower = cluster.wait_for_follower();
    const uint32_t survivor = 6 - leader - follower;
    Client client(cluster.endpoint(survivor));
    ASSERT_TRUE(
        wait_until(kDeadline, [&] { return masters(client) == std::vector<int64_t>{cluster.client_port(leader)}; }));
    cluster.kill(leader);
    cluster.kill(follower);
    ASSERT_TRUE(wait_until(kDeadline,
                           [&] { return client.command({"CLUSTER", "INFO"}).text.starts_with("cluster_state:fail"); }));
    EXPECT_THAT(masters(client), ElementsAre(cluster.client_port(leader))) << "the last known owner";
    EXPECT_EQ(client.command({"SET", "k", "v"}).text.substr(0, 12), "CLUSTERDOWN ");
    EXPECT_TRUE(wait_until(kDeadline, [&] {
        return client.command({"CLUSTER", "NODES"}).text.find("slave,fail ") != std::string::npos;
    })) << "who stays away has failed";

    cluster.start(leader);
    EXPECT_TRUE(wait_until(kDeadline, [&] {
        const std::string moved = client.command({"SET", "k", "v"}).text;
        return moved.starts_with("MOVED") || moved == "OK";
    })) << "the same connection goes on";
}

TEST(ClusterClientsTest, ANodeWithoutALeaderAnswersForItself) {
    Cluster cluster({.flags = {"--leader-wait-ms", "300"}});
    cluster.start(1);
    ASSERT_TRUE(wait_until(kDeadline, [&] { return cluster.status(1).has_value(); }));
    Client client(cluster.endpoint(1));
    const std::vector<Answer> answers = client.pipeline({{"HELLO", "2"},
                                                         {"CLIENT", "SETINFO", "LIB-NAME", "x"},
                                                         {"INFO"},
                                                         {"INFO", "replication"},
                                                         {"PING"},
                                                         {"CLIENT", "ID"},
                                                         {"CLUSTER", "SLOTS"},
                                                         {"CLUSTER", "SHARDS"},
                                                         {"COMMAND", "COUNT"}});
    for (const Answer& answer : answers)
        EXPECT_EQ(answer.outcome, Outcome::kDone) << answer.to_string();
    EXPECT_THAT(answers[3].text, HasSubstr("role:slave"));
    EXPECT_THAT(masters(client), ElementsAre(cluster.client_port(1))) << "it lists itself";
    EXPECT_THAT(client.command({"GET", "k"}).text, StartsWith("CLUSTERDOWN "));
}

TEST(ClusterClientsTest, EveryNodeIsAMasterOfItsShareAndTheShareOfADeadOneGoesToTheOthers) {
    Cluster cluster({});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    const uint32_t follower = cluster.wait_for_follower();
    Client client(cluster.endpoint(follower));
    EXPECT_TRUE(wait_until(kDeadline, [&] { return masters(client).size() == 3; }));
    const ProgramResult benchmark = run(
        fmt::format("redis-benchmark --cluster -p {} -t set,get -n 3000 -r 1000 -q", cluster.client_port(follower)));
    EXPECT_EQ(benchmark.exit_code, 0) << benchmark.output;
    EXPECT_THAT(benchmark.output, AllOf(HasSubstr("3 master nodes"), HasSubstr("requests per second")));

    cluster.kill(leader);
    EXPECT_TRUE(wait_until(kDeadline, [&] {
        const std::vector<int64_t> left = masters(client);
        return left.size() == 2 && !std::count(left.begin(), left.end(), cluster.client_port(leader));
    }));
    EXPECT_TRUE(wait_until(kDeadline, [&] {
        return client.command({"CLUSTER", "NODES"}).text.find("master,fail ") != std::string::npos;
    }));
}

// --- redirect mode ---

class RedirectTest : public testing::Test {
 protected:
    RedirectTest() {
        cluster_.start_all();
        leader_ = cluster_.wait_for_leader();
        follower_ = cluster_.wait_for_follower();
    }

    Cluster cluster_{{.flags = {"--follower-mode", "redirect"}}};
    uint32_t leader_ = 0;
    uint32_t follower_ = 0;
};

TEST_F(RedirectTest, AFollowerServesReadsBehindReadonly) {
    ASSERT_EQ(Client(cluster_.endpoint(leader_)).command({"SET", "foo", "bar"}).to_string(), "OK");
    const std::string moved = fmt::format("MOVED 12182 127.0.0.1:{}", cluster_.client_port(leader_));
    Client client(cluster_.endpoint(follower_));
    EXPECT_THAT(texts(client.pipeline({{"GET", "foo"},
                                       {"READONLY"},
                                       {"GET", "foo"},
                                       {"MGET", "foo", "foo"},
                                       {"SET", "foo", "x"},
                                       {"READWRITE"},
                                       {"GET", "foo"},
                                       {"READONLY"},
                                       {"RESET"},
                                       {"GET", "foo"}})),
                ElementsAre(moved, "OK", "bar", "[bar bar]", moved, "OK", moved, "OK", "RESET", moved));
}

TEST_F(RedirectTest, WhatHasNoKeyIsAnsweredWhereItIsAsked) {
    Client leader(cluster_.endpoint(leader_));
    Client follower(cluster_.endpoint(follower_));
    for (int round = 0; round < 20; ++round) {
        ASSERT_EQ(leader.command({"SET", "only", std::to_string(round)}).to_string(), "OK");
        ASSERT_EQ(follower.command({"DBSIZE"}).to_string(), "1");
    }
    EXPECT_THAT(texts(follower.pipeline({{"KEYS", "*"}, {"SCAN", "0"}, {"RANDOMKEY"}, {"WAIT", "0", "0"}})),
                ElementsAre("[only]", "[0 [only]]", "only", testing::MatchesRegex("[0-2]")));
    EXPECT_THAT(follower.command({"OBJECT", "ENCODING", "foo"}).text, StartsWith("MOVED 12182 "));
    EXPECT_THAT(follower.command({"FLUSHALL"}).text, StartsWith("MOVED "));
}

// --- transactions and databases ---

class ApplicationTest : public testing::Test {
 protected:
    // One cluster for all tests: each uses keys of its own.
    static void SetUpTestSuite() {
        cluster_ = new Cluster({});
        cluster_->start_all();
        leader_ = cluster_->wait_for_leader();
        follower_ = cluster_->wait_for_follower();
    }
    static void TearDownTestSuite() {
        delete cluster_;
        cluster_ = nullptr;
    }

    static Cluster* cluster_;
    static uint32_t leader_;
    static uint32_t follower_;
};

Cluster* ApplicationTest::cluster_ = nullptr;
uint32_t ApplicationTest::leader_ = 0;
uint32_t ApplicationTest::follower_ = 0;

TEST_F(ApplicationTest, APipelinedTransactionNeverRuns) {
    for (const uint32_t node : {leader_, follower_}) {
        Client client(cluster_->endpoint(node));
        EXPECT_THAT(texts(client.pipeline({{"SET", "before", "1"},
                                           {"MULTI"},
                                           {"SET", "tx", "1"},
                                           {"INCR", "tx"},
                                           {"EXEC"},
                                           {"GET", "tx"},
                                           {"GET", "before"}})),
                    ElementsAre("OK", kNotExecuted, kNotExecuted, kNotExecuted,
                                "EXECABORT Transaction discarded because of previous errors.", "(nil)", "1"));
        EXPECT_THAT(texts(client.pipeline({{"MULTI"}, {"SET", "tx", "1"}, {"DISCARD"}, {"GET", "tx"}})),
                    ElementsAre(kNotExecuted, kNotExecuted, "OK", "(nil)"));
        EXPECT_THAT(texts(client.pipeline({{"MULTI"}, {"SET", "tx", "1"}, {"RESET"}, {"GET", "tx"}})),
                    ElementsAre(kNotExecuted, kNotExecuted, "RESET", "(nil)"));
        EXPECT_THAT(texts(client.pipeline({{"MULTI"}, {"SET", "tx", "1"}, {"QUIT"}})),
                    ElementsAre(kNotExecuted, kNotExecuted, "OK"));
    }
}

TEST_F(ApplicationTest, ARefusedSelectKeepsPipelinedCommandsOutOfDatabaseZero) {
    for (const uint32_t node : {leader_, follower_}) {
        Client client(cluster_->endpoint(node));
        const auto in_database = AllOf(kNotExecuted, HasSubstr("database"));
        EXPECT_THAT(
            texts(client.pipeline({{"SET", "mine", "1"},
                                   {"SELECT", "1"},
                                   {"CLIENT", "SETNAME", "x"},
                                   {"SET", "mine", "2"},
                                   {"FLUSHDB"},
                                   {"PING"},
                                   {"SELECT", "0"},
                                   {"GET", "mine"}})),
            ElementsAre("OK", "ERR DB index is out of range", "OK", in_database, in_database, "PONG", "OK", "1"));
    }
}

TEST_F(ApplicationTest, ARefusedSelectMayGoOnInDatabaseZero) {
    Client client(cluster_->endpoint(follower_));
    ASSERT_EQ(client.command({"CONFIG", "SET", "after-refused-select", "use-0"}).to_string(), "OK");
    EXPECT_THAT(texts(client.pipeline({{"SELECT", "1"}, {"SET", "zero", "1"}})),
                ElementsAre("ERR DB index is out of range", "OK"));
    ASSERT_EQ(client.command({"CONFIG", "SET", "after-refused-select", "refuse"}).to_string(), "OK");
}

}  // namespace
}  // namespace kvorum::integration
