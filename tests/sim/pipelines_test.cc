// Pipelines of all kinds of commands, cut anywhere, through leaders that come and go: each command gets its reply, in
// its turn, in bounded time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/units.h"
#include "tests/sim/connection.h"
#include "tests/sim/machine_cluster.h"

namespace kvorum::sim {
namespace {

// All waits of a node one after the other (scenario.h draws them), an election and a paused node.
constexpr uint64_t kPatienceNs = 30 * kSecondNs;
constexpr HostId kFirstClient = 11;

class PipelinesTest : public ::testing::Test {
 protected:
    void start(uint64_t seed, uint64_t buffer_bytes_max = 256 * kMiB) {
        Scenario scenario = Scenario::calm(seed, 3);
        scenario.node.limits.buffer_bytes_max = buffer_bytes_max;
        scenario.node.follower_mode = FollowerMode::kForward;
        scenario.node.wal_segment_bytes = 4 * kMiB;
        cluster = std::make_unique<Cluster>(scenario);
        ASSERT_TRUE(cluster->run_until(10 * kSecondNs, [&] { return cluster->leader() != 0; }));
        leader = cluster->leader();
        follower = leader % 3 + 1;
    }
    void expect_replies(const Connection& connection, const std::vector<std::string>& replies) {
        cluster->run_until(kPatienceNs, [&] { return connection.count() >= replies.size(); });
        for (size_t i = 0; i < replies.size(); ++i)
            EXPECT_EQ(connection.reply(i), replies[i]) << "reply " << i;
    }

    std::unique_ptr<Cluster> cluster;
    HostId leader = 0;
    HostId follower = 0;
};

TEST_F(PipelinesTest, ACommandBetweenTwoBarriersIsCarriedOut) {
    start(1);
    for (const HostId node : {leader, follower}) {
        Connection client(*cluster, kFirstClient, node);
        client.send({"SET", "a", "1"});
        client.send({"RESET"});
        client.send({"GET", "a"});
        client.send({"RESET"});
        client.send({"SET", "a", "2"});
        client.send({"WAIT", "1", "0"});
        client.send({"GET", "a"});
        client.send({"RESET"});
        client.send({"PING", "x"});
        expect_replies(client, {"OK", "RESET", "1", "RESET", "OK", "1", "2", "RESET", "x"});
    }
}

TEST_F(PipelinesTest, NothingBehindQuitIsCarriedOut) {
    start(1);
    for (const HostId node : {leader, follower}) {
        Connection client(*cluster, kFirstClient, node);
        client.send({"SET", "a", "1"});
        client.send({"QUIT"});
        client.send({"SET", "a", "2"});
        client.send({"PING"});
        EXPECT_TRUE(cluster->run_until(kSecondNs, [&] { return client.has_ended(); })) << "it ends at once";
        EXPECT_EQ(client.count(), 2);
        Connection witness(*cluster, kFirstClient + 1, leader);
        witness.send({"GET", "a"});
        expect_replies(witness, {"1"});
    }
}

TEST_F(PipelinesTest, TheRepliesBeforeAnEndComeToASlowReader) {
    start(1);
    const std::string value(1'000'000, 'v');
    Connection client(*cluster, kFirstClient, leader);
    client.send({"SET", "big", value});
    expect_replies(client, {"OK"});
    client.read_from_now_on(false);
    for (int i = 0; i < 3; ++i)
        client.send({"GET", "big"});
    client.send({"QUIT"});
    const uint64_t began_ns = cluster->now_ns();
    while (!client.has_ended() && cluster->now_ns() - began_ns < 600 * kSecondNs) {
        cluster->run_for(3 * kSecondNs);
        client.read_from_now_on(true);
        client.read_from_now_on(false);
    }
    EXPECT_EQ(client.count(), 5);
    EXPECT_EQ(client.reply(3), value);
    EXPECT_EQ(client.reply(4), "OK");
}

TEST_F(PipelinesTest, WhoTakesNothingOfTheLastRepliesIsCutOff) {
    start(1);
    Connection client(*cluster, kFirstClient, leader);
    client.send({"SET", "big", std::string(300'000, 'v')});
    expect_replies(client, {"OK"});
    client.read_from_now_on(false);
    client.send({"GET", "big"});
    client.send({"QUIT"});
    cluster->run_for(20 * kSecondNs);
    client.read_from_now_on(true);
    cluster->run_for(kSecondNs);
    EXPECT_TRUE(client.has_ended());
    EXPECT_EQ(client.count(), 1);
}

TEST_F(PipelinesTest, AClientThatHasLeftIsNotWaitedForWithoutEnd) {
    start(1);
    Connection client(*cluster, kFirstClient, leader);
    client.send({"WAIT", "100", "0"});
    cluster->run_for(kSecondNs);
    client.end_sending();
    EXPECT_TRUE(cluster->run_until(15 * kSecondNs, [&] { return client.has_ended(); }));
    EXPECT_EQ(client.count(), 0);
}

TEST_F(PipelinesTest, ASlowSenderIsNotASilentOne) {
    start(1);
    Connection slow(*cluster, kFirstClient, leader);
    Connection silent(*cluster, kFirstClient + 1, leader);
    const std::string head = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6000\r\n";
    slow.send_bytes(head);
    silent.send_bytes(head);
    for (int second = 0; second < 60; ++second) {
        slow.send_bytes(std::string(100, 'v'));
        cluster->run_for(kSecondNs);
    }
    slow.send_bytes("\r\n");
    expect_replies(slow, {"OK"});
    EXPECT_TRUE(silent.has_ended());
}

TEST_F(PipelinesTest, AnErrorCanBeReadByAClientThatIsStillSending) {
    start(1);
    Connection client(*cluster, kFirstClient, leader);
    Words words{"DEL"};
    for (int i = 0; i < 3'000'000; ++i)
        words.emplace_back("k");
    client.send(words);
    expect_replies(client, {"ERR Protocol error: invalid multibulk length"});
    EXPECT_TRUE(cluster->run_until(kPatienceNs, [&] { return client.has_ended(); }));
}

TEST_F(PipelinesTest, WhoDoesNotReadIsNotExecutedAndGoesOnLater) {
    start(2);
    const std::string value(100'000, 'v');
    constexpr size_t kReads = 200;
    for (const HostId node : {leader, follower}) {
        Connection client(*cluster, kFirstClient, node);
        Connection witness(*cluster, kFirstClient + 1, node);
        client.send({"SET", "big", value});
        expect_replies(client, {"OK"});
        client.read_from_now_on(false);
        for (size_t i = 0; i < kReads; ++i)
            client.send({"GET", "big"});
        client.send({"SET", "last", "done"});
        cluster->run_for(kPatienceNs);
        witness.send({"GET", "last"});
        expect_replies(witness, {"(nil)"});
        for (const HostId any : {leader, follower})
            EXPECT_LT(cluster->machine(any).serving()->buffers_used_bytes(), 8 * kMiB);
        client.read_from_now_on(true);
        ASSERT_TRUE(cluster->run_until(kPatienceNs, [&] { return client.count() == kReads + 2; })) << client.count();
        EXPECT_EQ(client.reply(kReads), value);
        EXPECT_EQ(client.reply(kReads + 1), "OK");
        client.send({"DEL", "last"});
        expect_replies(client, {});
        ASSERT_TRUE(cluster->run_until(kPatienceNs, [&] { return client.count() == kReads + 3; }));
    }
}

TEST_F(PipelinesTest, AReplyThatIsTooLargeForTheBuffersIsAnErrorAndTheNodeGoesOn) {
    start(1, 16 * kMiB);
    const std::string value(5'000'000, 'v');
    for (const HostId node : {leader, follower}) {
        Connection client(*cluster, kFirstClient, node);
        client.send({"SET", "big", value});
        client.send({"GET", "big"});
        client.send({"MGET", "big", "big"});
        client.send({"STRLEN", "big"});
        const std::string refused = "ERR the reply is larger than 4194304 bytes, a quarter of max-buffer-memory";
        expect_replies(client, {"OK", refused, refused, "5000000"});
    }
}

TEST_F(PipelinesTest, ALargeReadSeesWhatWasThereWhenItBeganWhateverIsWrittenMeanwhile) {
    start(1);
    const std::string before(8'000'000, 'b');
    Connection reader(*cluster, kFirstClient, leader);
    Connection writer(*cluster, kFirstClient + 1, leader);
    reader.send({"MSET", "a", before, "b", before});
    expect_replies(reader, {"OK"});
    reader.send({"MGET", "a", "b"});
    reader.send({"GET", "a"});
    cluster->run_for(5 * kMillisecondNs);
    writer.send({"SET", "a", "after"});
    writer.send({"FLUSHALL"});
    expect_replies(writer, {"OK", "OK"});
    EXPECT_LT(reader.count(), 3) << "the writes did not wait for the reads";
    ASSERT_TRUE(cluster->run_until(kPatienceNs, [&] { return reader.count() == 3; }));
    EXPECT_EQ(reader.reply(1), "2 items");
    EXPECT_TRUE(reader.reply(2) == before || reader.reply(2) == "(nil)");
}

// Sends commands of all kinds, with a PING every now and then whose echo says whether the replies are in order.
class RandomClient {
 public:
    RandomClient(Cluster& cluster, HostId self, HostId node, uint64_t seed)
        : random_(seed), connection_(cluster, self, node) {}

    void send_some() {
        for (uint64_t i = random_.between(1, 12); i > 0; --i)
            send_one();
    }
    void expect_all_in_order(uint64_t seed) const {
        EXPECT_EQ(connection_.count(), sent_)
            << "seed " << seed << (connection_.has_ended() ? ", the connection has ended, " : ", ")
            << said_[std::min(connection_.count(), said_.size() - 1)] << " after "
            << said_[std::max<size_t>(connection_.count(), 1) - 1] << " is not answered";
        for (const size_t position : echoes_)
            EXPECT_EQ(connection_.reply(position), std::to_string(position))
                << "seed " << seed << " behind " << context(position);
    }
    [[nodiscard]] std::string context(size_t position) const {
        std::string text;
        for (size_t i = position < 3 ? 0 : position - 3; i < std::min(position + 3, said_.size()); ++i)
            text += said_[i] + " -> " + connection_.reply(i).substr(0, 40) + "; ";
        return text;
    }
    [[nodiscard]] bool has_all() const { return connection_.count() >= sent_; }

 private:
    void send_one() {
        static const std::vector<Words> kCommands{{"SET", "a", "1"},
                                                  {"GET", "a"},
                                                  {"INCR", "n"},
                                                  {"GETSET", "a", "2"},
                                                  {"GETDEL", "a"},
                                                  {"DEL", "a", "n"},
                                                  {"MGET", "a", "n"},
                                                  {"KEYS", "*"},
                                                  {"WAIT", "0", "0"},
                                                  {"WAIT", "1", "50"},
                                                  {"RESET"},
                                                  {"HELLO", "2"},
                                                  {"CLIENT", "ID"},
                                                  {"SELECT", "0"},
                                                  {"SELECT", "7"},
                                                  {"COMMAND", "DOCS"},
                                                  {"NOSUCH"},
                                                  {"GET"},
                                                  {"DBSIZE"},
                                                  {"SCAN", "0"},
                                                  {"RANDOMKEY"},
                                                  {"DISCARD"},
                                                  {"EXEC"},
                                                  {"CLIENT", "KILL", "ID", "999999"},
                                                  {"SET", "a", "x", "GET"},
                                                  {"APPEND", "a", std::string(5'000, 'y')},
                                                  {"AUTH", "x"}};
        if (random_.chance(1, 4)) {
            echoes_.push_back(sent_);
            say({"PING", std::to_string(sent_)});
        } else {
            say(kCommands[random_.below(kCommands.size())]);
        }
        ++sent_;
    }

    void say(const Words& words) {
        connection_.send(words);
        said_.push_back(words[0] + (words.size() > 1 ? " " + words[1] : ""));
    }

    Prng random_;
    Connection connection_;
    std::vector<std::string> said_;
    size_t sent_ = 0;
    std::vector<size_t> echoes_;
};

TEST_F(PipelinesTest, EveryCommandGetsItsReplyInItsTurnThroughChangesOfLeader) {
    for (uint64_t seed = 1; seed <= 25; ++seed) {
        start(seed);
        Prng random(seed);
        std::vector<std::unique_ptr<RandomClient>> clients;
        for (HostId i = 0; i < 6; ++i)
            clients.push_back(std::make_unique<RandomClient>(*cluster, kFirstClient + i, i % 3 + 1, seed * 100 + i));
        for (int step = 0; step < 40; ++step) {
            clients[random.below(clients.size())]->send_some();
            if (random.chance(1, 10)) {
                const auto host = static_cast<HostId>(random.between(1, 3));
                cluster->machine(host).pause_until(cluster->now_ns() + random.between(100, 1500) * kMillisecondNs);
            }
            cluster->run_for(random.between(0, 200) * kMillisecondNs);
        }
        cluster->run_until(kPatienceNs, [&] {
            return std::all_of(clients.begin(), clients.end(), [](const auto& client) { return client->has_all(); });
        });
        for (const auto& client : clients)
            client->expect_all_in_order(seed);
    }
}

}  // namespace
}  // namespace kvorum::sim
