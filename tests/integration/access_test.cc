// Who gets in: a password asked for and answered as redis-server 7.0.15 does it, wrong ones slowed down, and what is
// never shown.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/integration/redis_server.h"

namespace kvorum::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto kTimeout = Milliseconds(15'000);
constexpr const char* kPassword = "a-long-and-random-password";

// A node that asks for the password, and a redis-server that does too.
class AccessTest : public testing::Test {
 protected:
    AccessTest() {
        cluster_.start(1);
        EXPECT_TRUE(wait_until(kTimeout, [this] { return node_client().command({"SET", "k", "v"}).text == "OK"; }));
        EXPECT_EQ(Client(redis_.endpoint()).command({"CONFIG", "SET", "requirepass", kPassword}).text, "OK");
    }

    Client node_client() {
        Client client(cluster_.endpoint(1));
        (void)client.command({"AUTH", kPassword});
        return client;
    }

    // What both answer to these commands on one connection, which the last of them closes.
    void expect_equal(const std::vector<std::vector<std::string>>& commands) {
        std::string bytes;
        for (const auto& command : commands)
            bytes += encode(command);
        expect_equal(bytes);
    }
    void expect_equal(const std::string& bytes) {
        EXPECT_EQ(ask(cluster_.endpoint(1), bytes), ask(redis_.endpoint(), bytes));
    }

    static std::string ask(const reactor::Endpoint& node, const std::string& bytes) {
        RawConnection connection(node, kTimeout);
        connection.send(bytes);
        bool closed = false;
        std::string reply = connection.receive_until_closed(closed);
        EXPECT_TRUE(closed) << reply;
        return reply;
    }

    Cluster cluster_{{.nodes = 1, .flags = {"--requirepass", kPassword}}};
    RedisServer redis_;
};

TEST_F(AccessTest, WhoGaveNoPasswordIsToldSoAsByRedis) {
    expect_equal({{"PING"},
                  {"GET", "k"},
                  {"COMMAND"},
                  {"WAIT", "1", "0"},
                  {"CLIENT", "NOSUCH"},
                  {"CLIENT", "ID", "x"},
                  {"CLIENT", "ID"},
                  {"INFO"},
                  {"QUIT"}});
    expect_equal({{"NOSUCH", "x"}, {"GET"}, {"AUTH"}, {"AUTH", "a", "b", "c"}, {"RESET"}, {"PING"}, {"QUIT"}});
}

TEST_F(AccessTest, HelloIsRefusedUntilThePasswordIsGivenAsByRedis) {
    expect_equal({{"HELLO"},
                  {"HELLO", "3"},
                  {"HELLO", "9"},
                  {"HELLO", "x"},
                  {"HELLO", "3", "SETNAME", "a b"},
                  {"HELLO", "3", "SETNAME", "ab"},
                  {"HELLO", "3", "AUTH", "default"},
                  {"PING"},
                  {"QUIT"}});
}

TEST_F(AccessTest, AuthIsAnsweredAsByRedis) {
    expect_equal({{"AUTH", "wrong"},
                  {"PING"},
                  {"AUTH", "nobody", kPassword},
                  {"AUTH", "default", kPassword},
                  {"PING"},
                  {"AUTH", "wrong"},
                  {"PING"},
                  {"RESET"},
                  {"PING"},
                  {"AUTH", kPassword},
                  {"ECHO", "x"},
                  {"QUIT"}});
    expect_equal({{"HELLO", "3", "AUTH", "default", "wrong", "SETNAME", "x"},
                  {"PING"},
                  {"HELLO", "3", "AUTH", "default", kPassword, "NOPE"},
                  {"PING"},
                  {"QUIT"}});
}

TEST_F(AccessTest, CommandsBehindAnAuthInOnePipelineAreJudgedAfterIt) {
    expect_equal({{"AUTH", kPassword},
                  {"SET", "a", "1"},
                  {"GET", "a"},
                  {"RESET"},
                  {"GET", "a"},
                  {"SET", "a", "2"},
                  {"AUTH", "default", kPassword},
                  {"GET", "a"},
                  {"QUIT"}});
}

TEST_F(AccessTest, AStrangerMayNotSendMuchAsByRedis) {
    expect_equal("*11\r\n");
    expect_equal("*1\r\n$16385\r\n");
    expect_equal(encode(std::vector<std::string>(10, std::string(1000, 'x'))) + encode({"QUIT"}));
}

TEST_F(AccessTest, WhoWasThereBeforeThePasswordStays) {
    Client before = node_client();
    EXPECT_EQ(before.command({"CONFIG", "SET", "requirepass", ""}).text, "OK");
    Client without(cluster_.endpoint(1));
    EXPECT_EQ(without.command({"GET", "k"}).text, "v");
    EXPECT_EQ(before.command({"CONFIG", "SET", "requirepass", "another"}).text, "OK");
    EXPECT_EQ(without.command({"GET", "k"}).text, "v");
    EXPECT_EQ(before.command({"GET", "k"}).text, "v");
    EXPECT_THAT(Client(cluster_.endpoint(1)).command({"GET", "k"}).text, HasSubstr("NOAUTH"));
    EXPECT_EQ(before.command({"CONFIG", "GET", "requirepass"}).to_string(), "[requirepass another]");
}

TEST_F(AccessTest, AWrongPasswordIsCountedAndNeverShown) {
    Client client = node_client();
    EXPECT_EQ(client.command({"CONFIG", "SET", "slowlog-log-slower-than", "0"}).text, "OK");
    Client stranger(cluster_.endpoint(1));
    for (int i = 0; i < 3; ++i)
        EXPECT_THAT(stranger.command({"AUTH", "a-guess"}).text, HasSubstr("WRONGPASS"));
    EXPECT_THAT(stranger.command({"HELLO", "3", "AUTH", "default", "a-guess", "SETNAME", "me"}).text,
                HasSubstr("WRONGPASS"));
    (void)client.command({"CONFIG", "SET", "requirepass", kPassword, "slowlog-max-len", "100"});
    (void)client.command({"AUTH", "default", kPassword});

    EXPECT_THAT(client.command({"INFO", "stats"}).text, HasSubstr("acl_access_denied_auth:4"));
    const std::string slow = client.command({"SLOWLOG", "GET", "100"}).to_string();
    EXPECT_THAT(slow, HasSubstr("AUTH (redacted)"));
    EXPECT_THAT(slow, HasSubstr("HELLO 3 AUTH (redacted) (redacted) SETNAME me"));
    EXPECT_THAT(slow, HasSubstr("CONFIG SET requirepass (redacted) slowlog-max-len 100"));
    for (const std::string& shown : {slow, client.command({"CLIENT", "LIST"}).text,
                                     client.command({"INFO", "everything"}).text, read_file(cluster_.log_path(1))}) {
        EXPECT_THAT(shown, Not(HasSubstr("a-guess")));
        EXPECT_THAT(shown, Not(HasSubstr(kPassword)));
    }
}

TEST_F(AccessTest, ToolsTakeThePassword) {
    const std::string port = std::to_string(cluster_.client_port(1));
    const ProgramResult benchmark =
        run(fmt::format("redis-benchmark -p {} -a {} -n 1000 -t set,get -q", port, kPassword));
    EXPECT_EQ(benchmark.exit_code, 0) << benchmark.output;
    EXPECT_THAT(benchmark.output, Not(HasSubstr("NOAUTH")));
    const ProgramResult cli = run(fmt::format("REDISCLI_AUTH={} redis-cli -3 -p {} GET k", kPassword, port));
    EXPECT_EQ(cli.output, "v\n");
}

// A client of this machine that does not come over loopback is a stranger too.
TEST(ProtectedModeTest, WithoutAPasswordOnlyLoopbackIsServed) {
    const ProgramResult address = run("hostname -I | tr ' ' '\\n' | grep -m1 '^[0-9.]*$'");
    if (address.exit_code != 0) GTEST_SKIP() << "this machine has no address but loopback";
    const std::string host = address.output.substr(0, address.output.find('\n'));
    const Ports ports(1);
    ClusterOptions options{.nodes = 1, .flags = {"--listen", fmt::format("0.0.0.0:{}", ports[0])}};
    Cluster open(std::move(options));
    open.start(1);
    const reactor::Endpoint inside{"127.0.0.1", ports[0]};
    const reactor::Endpoint outside{host, ports[0]};
    EXPECT_TRUE(wait_until(kTimeout, [&] { return Client(inside).command({"PING"}).text == "PONG"; }));

    bool closed = false;
    EXPECT_THAT(RawConnection(outside, kTimeout).receive_until_closed(closed), HasSubstr("-DENIED "));
    EXPECT_TRUE(closed);
    EXPECT_EQ(Client(inside).command({"CONFIG", "SET", "protected-mode", "no"}).text, "OK");
    EXPECT_EQ(Client(outside).command({"PING"}).text, "PONG");
    EXPECT_EQ(Client(inside).command({"CONFIG", "SET", "protected-mode", "yes", "requirepass", kPassword}).text, "OK");
    EXPECT_THAT(Client(outside).command({"PING"}).text, HasSubstr("NOAUTH"));
}

}  // namespace
}  // namespace kvorum::integration
