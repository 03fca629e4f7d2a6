// Any node takes any command; and what clients see of elections and of a lost majority.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

using testing::StartsWith;

constexpr auto kDeadline = Milliseconds(30'000);

uint64_t elapsed_ms(std::chrono::steady_clock::time_point since) {
    return static_cast<uint64_t>((std::chrono::steady_clock::now() - since) / Milliseconds(1));
}

TEST(AnyNodeTest, AWriteThroughOneNodeIsSeenThroughEveryOtherAtOnce) {
    Cluster cluster({});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    std::vector<std::unique_ptr<Client>> clients;
    for (uint32_t node = 1; node <= cluster.size(); ++node)
        clients.push_back(std::make_unique<Client>(cluster.endpoint(node)));
    for (uint32_t i = 0; i < 300; ++i) {
        const std::string value = fmt::format("value-{}", i);
        ASSERT_EQ(clients[i % 3]->command({"SET", "seen", value}).to_string(), "OK") << i;
        for (uint32_t other = 1; other < 3; ++other)
            ASSERT_EQ(clients[(i + other) % 3]->command({"GET", "seen"}).to_string(), value) << i;
    }
}

TEST(AnyNodeTest, APipelineThroughAFollowerTakesEffectInOrder) {
    Cluster cluster({});
    cluster.start_all();
    Client client(cluster.endpoint(cluster.wait_for_follower()));
    for (uint32_t round = 0; round < 50; ++round) {
        const auto answers =
            client.pipeline({{"SET", "n", "1"}, {"INCR", "n"}, {"GET", "n"}, {"DEL", "n"}, {"GET", "n"}, {"PING"}});
        std::string all;
        for (const Answer& answer : answers)
            all += answer.to_string() + " ";
        ASSERT_EQ(all, "OK 2 2 1 (nil) PONG ");
    }
}

// Their parts once stood in each other's way when one reply ended and the next began in the same turn.
TEST(AnyNodeTest, LargeRepliesOfAPipelineThroughAFollowerStayApart) {
    constexpr size_t kValues = 16;
    Cluster cluster({});
    cluster.start_all();
    Client client(cluster.endpoint(cluster.wait_for_follower()), kDeadline);
    std::vector<std::string> values(kValues);
    for (size_t i = 0; i < kValues; ++i) {
        while (values[i].size() < 1024 * 1024)
            values[i] += fmt::format("{}:{} ", i, values[i].size());
        ASSERT_EQ(client.command({"SET", fmt::format("large:{}", i), values[i]}).to_string(), "OK");
    }
    std::vector<std::vector<std::string>> commands;
    for (size_t i = 0; i < 100; ++i)
        commands.push_back({"GET", fmt::format("large:{}", i % kValues)});
    const std::vector<Answer> answers = client.pipeline(commands);
    for (size_t i = 0; i < commands.size(); ++i)
        ASSERT_TRUE(answers[i].text == values[i % kValues]) << "reply " << i << " is another one";
}

// The leader once kept what they did not read for ever, closed its own clients for it and refused every other command.
TEST(AnyNodeTest, ClientsOfAFollowerThatLeaveRepliesUnreadLeaveNothingAtItsLeader) {
    constexpr uint64_t kMiB = 1024 * 1024;
    Cluster cluster({.flags = {"--max-buffer-memory", "64MiB"}});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    const uint32_t follower = cluster.wait_for_follower();
    const auto buffers_of_leader = [&] {
        const std::optional<tools::NodeStatus> status = cluster.status(leader);
        return status.has_value() ? std::stoull(status->fields.at("mem_buffers")) : UINT64_MAX;
    };
    Client other(cluster.endpoint(follower), kDeadline);
    Client at_leader(cluster.endpoint(leader), kDeadline);
    ASSERT_EQ(other.command({"SET", "large", std::string(kMiB, 'x')}).to_string(), "OK");
    // Behind a write of its session a read is the leader's too.
    std::string commands = "*3\r\n$3\r\nSET\r\n$4\r\nmark\r\n$1\r\n1\r\n";
    for (int i = 0; i < 8; ++i)
        commands += "*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n";
    std::vector<std::unique_ptr<RawConnection>> readers;
    for (int i = 0; i < 300; ++i) {
        readers.push_back(std::make_unique<RawConnection>(cluster.endpoint(follower), kDeadline));
        ASSERT_TRUE(readers.back()->send(commands));
    }
    EXPECT_TRUE(wait_until(kDeadline, [&] { return buffers_of_leader() > 16 * kMiB; }));
    EXPECT_EQ(other.command({"SET", "k", "v"}).to_string(), "OK");
    EXPECT_EQ(at_leader.command({"GET", "k"}).to_string(), "v") << "it holds no buffers to speak of";
    readers.clear();
    EXPECT_TRUE(wait_until(kDeadline, [&] { return buffers_of_leader() < kMiB; })) << buffers_of_leader();
    EXPECT_EQ(other.command({"GET", "large"}).text.size(), kMiB);
}

// Once the choice hung on the clock of the turn and a counter, so that some keys never came.
TEST(AnyNodeTest, RandomkeyInAPipelineFindsEveryKey) {
    Cluster cluster({});
    cluster.start_all();
    Client client(cluster.endpoint(cluster.wait_for_leader()));
    EXPECT_EQ(client.command({"MSET", "a", "1", "b", "1", "c", "1", "d", "1"}).to_string(), "OK");
    std::vector<std::vector<std::string>> commands;
    for (int i = 0; i < 200; ++i) {
        commands.push_back({"RANDOMKEY"});
        commands.push_back({"PING"});
    }
    std::map<std::string, int> drawn;
    for (const Answer& answer : client.pipeline(commands))
        ++drawn[answer.to_string()];
    for (const char* key : {"a", "b", "c", "d"})
        EXPECT_GT(drawn[key], 20) << key;
}

TEST(AnyNodeTest, ATimeoutOfWaitThatNoClockReachesIsRefused) {
    Cluster cluster({});
    cluster.start_all();
    Client client(cluster.endpoint(cluster.wait_for_leader()));
    for (const char* timeout : {"18446744073710", "9223372036854775807"})
        EXPECT_EQ(client.command({"WAIT", "3", timeout}).to_string(), "ERR timeout is out of range");
}

TEST(AnyNodeTest, RedirectingFollowersNameTheLeader) {
    Cluster cluster({.flags = {"--follower-mode", "redirect"}});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    const uint32_t follower = cluster.wait_for_follower();
    Client client(cluster.endpoint(follower));
    const Answer answer = client.command({"SET", "foo", "bar"});
    EXPECT_EQ(answer.outcome, Outcome::kNotExecuted);
    EXPECT_EQ(answer.text, fmt::format("MOVED 12182 127.0.0.1:{}",
                                       cluster.client_port(leader)));  // the slot that Redis gives to "foo"
    EXPECT_EQ(Client(cluster.endpoint(leader)).command({"SET", "foo", "bar"}).to_string(), "OK");

    const ProgramResult followed = run(fmt::format("redis-cli -c -p {} GET foo", cluster.client_port(follower)));
    EXPECT_THAT(followed.output, testing::HasSubstr("bar")) << "redis-cli -c follows MOVED";
}

TEST(AnyNodeTest, CommandsOfAnElectionWaitAndThenWork) {
    Cluster cluster({});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    Client client(cluster.endpoint(cluster.wait_for_follower()));
    ASSERT_EQ(client.command({"SET", "before", "1"}).to_string(), "OK");
    cluster.kill(leader);
    const auto started = std::chrono::steady_clock::now();
    // What the follower had forwarded when it learnt of the death would be uncertain; this is sent afterwards or parked
    // from the start.
    EXPECT_EQ(client.command({"GET", "before"}).to_string(), "1")
        << "a read is safe to send again, so it never shows an election";
    EXPECT_EQ(client.command({"SET", "after", "2"}).to_string(), "OK");
    fmt::print("served again {} ms after the leader was killed\n", elapsed_ms(started));
    EXPECT_EQ(client.command({"GET", "after"}).to_string(), "2");
}

// Found as a number that went back long after others had written higher ones.
TEST(AnyNodeTest, AWriteThatItsLeaderDidNotCarryOutIsNotSentToTheNextWhenItsClientHasLeft) {
    Cluster cluster({});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    const uint32_t follower = cluster.wait_for_follower();
    cluster.pause(leader);
    RawConnection leaving(cluster.endpoint(follower), kDeadline);
    ASSERT_TRUE(leaving.send(encode({"SET", "k", "old"})));
    ASSERT_TRUE(wait_until(kDeadline, [&] {
        const auto status = cluster.status(follower);
        return status.has_value() && status->leader_id != 0 && status->leader_id != leader;
    }));
    Client client(cluster.endpoint(follower));
    ASSERT_EQ(client.command({"SET", "k", "new"}).to_string(), "OK");
    leaving.end_sending();
    cluster.resume(leader);
    EXPECT_THAT(leaving.receive_until("\r\n"), StartsWith("-CLUSTERDOWN"));
    EXPECT_EQ(client.command({"GET", "k"}).to_string(), "new");
}

TEST(AnyNodeTest, AWriteWhoseClientLeftDoesNotWaitForALeader) {
    Cluster cluster({.flags = {"--leader-wait-ms", "60000"}});
    cluster.start(1);
    ASSERT_TRUE(wait_until(kDeadline, [&] { return cluster.status(1).has_value(); }));
    RawConnection leaving(cluster.endpoint(1), kDeadline);
    ASSERT_TRUE(leaving.send(encode({"SET", "k", "old"})));
    leaving.end_sending();
    EXPECT_THAT(leaving.receive_until("\r\n"), StartsWith("-CLUSTERDOWN"));
}

TEST(AnyNodeTest, WithoutAMajorityTheAnswerIsADefiniteNo) {
    Cluster cluster({.flags = {"--leader-wait-ms", "1500"}});
    cluster.start_all();
    const uint32_t survivor = cluster.wait_for_leader();
    Client client(cluster.endpoint(survivor));
    ASSERT_EQ(client.command({"SET", "kept", "1"}).to_string(), "OK");
    for (uint32_t node = 1; node <= cluster.size(); ++node) {
        if (node != survivor) cluster.kill(node);
    }
    ASSERT_TRUE(wait_until(kDeadline, [&] {
        const auto status = cluster.status(survivor);
        return status.has_value() && !status->is_leader();
    })) << "a leader without a majority goes on leading";

    const auto started = std::chrono::steady_clock::now();
    const Answer write = client.command({"SET", "refused", "1"});
    EXPECT_EQ(write.outcome, Outcome::kNotExecuted) << write.to_string();
    EXPECT_THAT(write.text, StartsWith("CLUSTERDOWN"));
    EXPECT_LT(elapsed_ms(started), 4000U) << "the wait is bounded by --leader-wait-ms";
    const Answer read = client.command({"GET", "kept"});
    EXPECT_THAT(read.text, StartsWith("CLUSTERDOWN")) << "a read that might be stale is not answered";
    EXPECT_EQ(client.command({"PING"}).to_string(), "PONG") << "what needs no leader goes on";

    cluster.start_all();
    (void)cluster.wait_for_leader();
    EXPECT_EQ(client.command({"GET", "kept"}).to_string(), "1");
    EXPECT_EQ(client.command({"GET", "refused"}).to_string(), "(nil)") << "it said that it was not executed";
    EXPECT_EQ(client.command({"SET", "works", "again"}).to_string(), "OK");
}

TEST(AnyNodeTest, FiveNodesGoOnWithoutTwo) {
    Cluster cluster({.nodes = 5});
    cluster.start_all();
    const uint32_t first = cluster.wait_for_leader();
    ASSERT_EQ(Client(cluster.endpoint(first)).command({"SET", "k", "v"}).to_string(), "OK");
    cluster.kill(first);
    const uint32_t second = cluster.wait_for_leader();
    cluster.kill(second);
    const uint32_t third = cluster.wait_for_leader();
    EXPECT_EQ(Client(cluster.endpoint(third)).command({"GET", "k"}).to_string(), "v");
    EXPECT_EQ(Client(cluster.endpoint(third)).command({"SET", "k", "w"}).to_string(), "OK");
}

}  // namespace
}  // namespace kvorum::integration
