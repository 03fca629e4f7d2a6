// Strangers at both ports: broken RESP, other protocols, garbage, nodes of other clusters. Whoever behaves notices
// nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kPatience = Milliseconds(10'000);

// Writes and reads all the time from a thread of its own; errors() says what went wrong for it.
class Bystander {
 public:
    explicit Bystander(const reactor::Endpoint& node) : thread_([this, node] { run(node); }) {}
    Bystander(const Bystander&) = delete;
    Bystander& operator=(const Bystander&) = delete;
    ~Bystander() { finish(); }

    // What it saw that was not as it should be; empty when all was well.
    std::string finish() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
        return rounds_ == 0 ? "it never got an answer" : error_;
    }

 private:
    void run(const reactor::Endpoint& node) {
        Client client(node);
        do {
            const std::string value = std::to_string(rounds_);
            const auto answers = client.pipeline({{"SET", "bystander", value}, {"GET", "bystander"}});
            if (answers[0].to_string() != "OK" || answers[1].to_string() != value) {
                error_ = fmt::format("round {}: {} and {}", value, answers[0].to_string(), answers[1].to_string());
                return;
            }
            ++rounds_;
        } while (!stopping_);
    }

    std::atomic<bool> stopping_ = false;
    uint64_t rounds_ = 0;
    std::string error_;
    std::thread thread_;
};

class BadInputTest : public testing::Test {
 protected:
    BadInputTest() : cluster_({}) {
        cluster_.start_all();
        leader_ = cluster_.wait_for_leader();
    }

    [[nodiscard]] reactor::Endpoint peer_endpoint(uint32_t node) const {
        return {"127.0.0.1", cluster_.peer_port(node)};
    }

    // The reply to bytes after which the node must hang up.
    std::string reply_before_close(std::string_view bytes) {
        RawConnection connection(cluster_.endpoint(leader_), kPatience);
        EXPECT_TRUE(connection.is_connected());
        connection.send(bytes);  // the node may hang up before it has read all
        bool closed = false;
        const std::string reply = connection.receive_until_closed(closed);
        EXPECT_TRUE(closed) << "the connection stays open after: " << bytes.substr(0, 60);
        return reply;
    }

    Cluster cluster_;
    uint32_t leader_ = 0;
};

TEST_F(BadInputTest, MalformedRespGetsAnErrorAndTheDoor) {
    Bystander bystander(cluster_.endpoint(leader_));
    EXPECT_EQ(reply_before_close("*1\r\nxPING\r\n"), "-ERR Protocol error: expected '$', got 'x'\r\n");
    EXPECT_EQ(reply_before_close("*a\r\n"), "-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT_EQ(reply_before_close("*99999999999999999999\r\n"), "-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT_EQ(reply_before_close("*2147483647\r\n"), "-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT_EQ(reply_before_close("*1\r\n$-1\r\n"), "-ERR Protocol error: invalid bulk length\r\n");
    EXPECT_EQ(reply_before_close("*1\r\n$99999999999999999999\r\n"), "-ERR Protocol error: invalid bulk length\r\n");
    EXPECT_EQ(reply_before_close("*2\r\n$3\r\nGET\r\n$999999999\r\n"), "-ERR Protocol error: invalid bulk length\r\n");
    EXPECT_EQ(reply_before_close("SET a \"b\r\n"), "-ERR Protocol error: unbalanced quotes in request\r\n");
    EXPECT_EQ(bystander.finish(), "");
}

TEST_F(BadInputTest, RepliesBeforeTheMistakeArriveFirst) {
    const std::string reply =
        reply_before_close(encode({"SET", "fine", "1"}) + encode({"GET", "fine"}) + "*1\r\n!\r\n");
    EXPECT_THAT(reply, StartsWith("+OK\r\n$1\r\n1\r\n-ERR Protocol error"));
}

TEST_F(BadInputTest, EmptyAndNegativeArraysAreIgnoredAsRedisDoes) {
    RawConnection connection(cluster_.endpoint(leader_), kPatience);
    connection.send("*0\r\n*-1\r\n\r\n*-5\r\nPING\r\n");
    EXPECT_EQ(connection.receive_until("+PONG\r\n"), "+PONG\r\n");
}

TEST_F(BadInputTest, AnInlineLineWithoutEndIsCutOff) {
    Bystander bystander(cluster_.endpoint(leader_));
    EXPECT_EQ(reply_before_close(std::string(256 * 1024, 'a')), "-ERR Protocol error: too big inline request\r\n");
    EXPECT_EQ(bystander.finish(), "");
}

TEST_F(BadInputTest, HttpOnTheRedisPortIsTurnedAway) {
    Bystander bystander(cluster_.endpoint(leader_));
    const std::string post =
        reply_before_close("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 30\r\n\r\nSET smuggled yes\r\n");
    EXPECT_EQ(post, "") << "as Redis does: no reply that a browser could be made to show";
    (void)reply_before_close("GET / HTTP/1.1\r\nHost: 127.0.0.1:6379\r\nAccept: */*\r\n\r\nSET smuggled yes\r\n");
    EXPECT_EQ(bystander.finish(), "");
    EXPECT_EQ(Client(cluster_.endpoint(leader_)).command({"GET", "smuggled"}).to_string(), "(nil)");
}

TEST_F(BadInputTest, TooManyArgumentsAndTooLargeCommandsAreRefused) {
    EXPECT_THAT(reply_before_close("*1048577\r\n"), HasSubstr("Protocol error: invalid multibulk length"));
    EXPECT_THAT(reply_before_close(fmt::format("*3\r\n$3\r\nSET\r\n$1\r\na\r\n${}\r\n", 17 * 1024 * 1024)),
                HasSubstr("Protocol error: invalid bulk length"));
}

TEST_F(BadInputTest, AThousandConnectionsThatSayNothingHarmNobody) {
    Bystander bystander(cluster_.endpoint(leader_));
    std::vector<std::unique_ptr<RawConnection>> silent;
    for (int i = 0; i < 900; ++i) {
        silent.push_back(std::make_unique<RawConnection>(cluster_.endpoint(leader_), kPatience));
        ASSERT_TRUE(silent.back()->is_connected()) << i;
        if (i % 2 == 0) silent.back()->send("*3\r\n$3\r\nSE");
    }
    EXPECT_EQ(Client(cluster_.endpoint(leader_)).command({"PING"}).to_string(), "PONG");
    EXPECT_EQ(bystander.finish(), "");
}

// Its replies are not out before it reads them, or is given up after 5 s; what it sends on must not fill the buffers
// that all are received into.
TEST_F(BadInputTest, WhoSendsOnBehindItsEndAndReadsNothingStopsNobody) {
    Client(cluster_.endpoint(leader_)).command({"SET", "large", std::string(500'000, 'v')});
    RawConnection greedy(cluster_.endpoint(leader_), Milliseconds(500));
    greedy.send(encode({"GET", "large"}) + encode({"QUIT"}));
    EXPECT_FALSE(greedy.send(std::string(16'000'000, 'x'))) << "it is read from";
    EXPECT_EQ(Client(cluster_.endpoint(leader_), Milliseconds(3000)).command({"PING"}).to_string(), "PONG");
}

TEST_F(BadInputTest, GarbageOnThePeerPortChangesNothing) {
    Bystander bystander(cluster_.endpoint(leader_));
    const auto before = cluster_.status(leader_);
    std::string noise(64 * 1024, '\0');
    for (size_t i = 0; i < noise.size(); ++i)
        noise[i] = static_cast<char>((i * 2654435761U) >> 13);
    for (uint32_t node = 1; node <= cluster_.size(); ++node) {
        for (const std::string& bytes : {noise, std::string("GET / HTTP/1.1\r\n\r\n"), encode({"SET", "a", "b"}),
                                         std::string(64 * 1024, '\xff'), std::string(64 * 1024, '\0')}) {
            RawConnection connection(peer_endpoint(node), kPatience);
            ASSERT_TRUE(connection.is_connected());
            connection.send(bytes);
            bool closed = false;
            (void)connection.receive_until_closed(closed);
            EXPECT_TRUE(closed) << "node " << node << " keeps a stranger on its peer port";
        }
    }
    EXPECT_EQ(bystander.finish(), "");
    const auto after = cluster_.status(leader_);
    ASSERT_TRUE(before.has_value() && after.has_value());
    EXPECT_EQ(after->term, before->term) << "strangers on the peer port caused an election";
    EXPECT_TRUE(after->is_leader());
}

TEST_F(BadInputTest, ANodeOfAnotherClusterIsNotListenedTo) {
    Bystander bystander(cluster_.endpoint(leader_));
    const auto before = cluster_.status(leader_);
    const uint32_t follower = cluster_.wait_for_follower();
    // It believes that our nodes are its peers, takes the place of the follower, and would like to be elected.
    cluster_.kill(follower);
    TestDirectory directory;
    std::string flags =
        fmt::format("--id {} --cluster another --data-dir {}/data --election-timeout-ms 300 --heartbeat-interval-ms 50",
                    follower, directory.path());
    for (uint32_t node = 1; node <= cluster_.size(); ++node)
        flags += fmt::format(" --member {}=127.0.0.1:{}/127.0.0.1:{}", node, cluster_.peer_port(node),
                             cluster_.client_port(node));
    const ProgramResult impostor = run(fmt::format("timeout -s TERM 4 {} {}", program_path("kvorumd"), flags), 20);
    EXPECT_THAT(impostor.output, HasSubstr("cluster")) << "the operator of the wrong node reads why nobody listens";
    EXPECT_EQ(bystander.finish(), "");
    const auto after = cluster_.status(leader_);
    ASSERT_TRUE(before.has_value() && after.has_value());
    EXPECT_EQ(after->term, before->term) << "a node of another cluster caused an election";
    EXPECT_TRUE(after->is_leader());
    EXPECT_THAT(read_file(cluster_.log_path(leader_)), HasSubstr("cluster"))
        << "and so does the operator of the right ones";
    cluster_.start(follower);
    EXPECT_TRUE(cluster_.wait_until_caught_up(follower, Milliseconds(30'000)));
}

}  // namespace
}  // namespace kvorum::integration
