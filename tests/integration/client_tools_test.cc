// redis-cli and redis-benchmark as people run them, against a leader and against a follower.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class ClientToolsTest : public testing::Test {
 protected:
    // One cluster for all tests: they do not disturb each other.
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

    static std::string cli(uint32_t node, std::string_view arguments) {
        const ProgramResult result = run(fmt::format("redis-cli -p {} {}", cluster_->client_port(node), arguments), 30);
        EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.output;
        return result.output;
    }

    static void benchmark(uint32_t node, std::string_view arguments) {
        const ProgramResult result =
            run(fmt::format("redis-benchmark -p {} {} -q", cluster_->client_port(node), arguments), 180);
        EXPECT_EQ(result.exit_code, 0) << result.output;
        EXPECT_THAT(result.output,
                    Not(ContainsRegex("[Ee]rror|ERR|WARN|refused|closed|CLUSTERDOWN|UNCERTAIN|TRYAGAIN")))
            << arguments;
        EXPECT_THAT(result.output, HasSubstr("requests per second")) << arguments;
    }

    static Cluster* cluster_;
    static uint32_t leader_;
    static uint32_t follower_;
};

Cluster* ClientToolsTest::cluster_ = nullptr;
uint32_t ClientToolsTest::leader_ = 0;
uint32_t ClientToolsTest::follower_ = 0;

TEST_F(ClientToolsTest, BenchmarkOfTheLeader) {
    benchmark(leader_, "-t ping,set,get,incr,mset -n 20000 -P 16 -c 50 -r 100000");
}

TEST_F(ClientToolsTest, BenchmarkOfAFollower) {
    benchmark(follower_, "-t ping,set,get,incr,mset -n 20000 -P 16 -c 50 -r 100000");
}

TEST_F(ClientToolsTest, BenchmarkWithoutPipelining) {
    benchmark(leader_, "-t ping,set,get -n 5000 -c 20 -d 1024 -r 1000");
}

TEST_F(ClientToolsTest, BenchmarkWithThreadsAndRespThree) {
    benchmark(leader_, "-3 -t set,get -n 10000 -c 20 -P 4");
    benchmark(leader_, "--threads 2 -t set,get -n 10000 -c 20 -P 4");
}

TEST_F(ClientToolsTest, CommandsTypedOneByOne) {
    for (const uint32_t node : {leader_, follower_}) {
        EXPECT_EQ(cli(node, "PING"), "PONG\n");
        EXPECT_EQ(cli(node, "SET typed 'two words'"), "OK\n");
        EXPECT_EQ(cli(node, "GET typed"), "two words\n");
        EXPECT_EQ(cli(node, "--no-raw GET absent"), "(nil)\n");
        EXPECT_EQ(cli(node, "--no-raw INCRBY typed-number 5"), fmt::format("(integer) {}\n", node == leader_ ? 5 : 10));
        EXPECT_THAT(cli(node, "NOSUCH x"), HasSubstr("ERR unknown command 'NOSUCH', with args beginning with: 'x'"));
        EXPECT_THAT(cli(node, "INFO raft"), HasSubstr("raft_commit_index:"));
        EXPECT_THAT(cli(node, "COMMAND COUNT"), ContainsRegex("^[0-9]+"));
        EXPECT_EQ(cli(node, "-3 --no-raw CONFIG GET maxmemory-policy"), "1# \"maxmemory-policy\" => \"noeviction\"\n");
        EXPECT_THAT(cli(node, "CLUSTER INFO"), HasSubstr("cluster_state:ok"));
        EXPECT_THAT(cli(node, "CLUSTER SLOTS"), HasSubstr("16383"));
        EXPECT_THAT(cli(node, "ROLE"), HasSubstr(node == leader_ ? "master" : "slave"));
    }
}

TEST_F(ClientToolsTest, ASessionFromStandardInput) {
    const std::string session =
        "SET a 1\\nINCR a\\nMSET b 2 c 3\\nMGET a b c\\nEXPIRE a 100\\nTTL a\\nDEL a b c\\nHELLO 3\\nPING\\n";
    const ProgramResult result =
        run(fmt::format("printf '{}' | redis-cli -p {}", session, cluster_->client_port(follower_)));
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.output, testing::StartsWith("OK\n2\nOK\n2\n2\n3\n1\n100\n3\n"));
    EXPECT_THAT(result.output, testing::EndsWith("PONG\n"));
}

TEST_F(ClientToolsTest, ScanFindsEveryKeyOnce) {
    Client client(cluster_->endpoint(leader_));
    for (int i = 0; i < 500; ++i)
        ASSERT_EQ(client.command({"SET", fmt::format("scan-me:{}", i), "x"}).to_string(), "OK");
    const ProgramResult found = run(fmt::format("redis-cli -p {} --scan --pattern 'scan-me:*' | sort -u | wc -l",
                                                cluster_->client_port(follower_)));
    EXPECT_EQ(found.output, "500\n");
}

TEST_F(ClientToolsTest, PipeLoadsAFile) {
    const ProgramResult loaded =
        run(fmt::format("for i in $(seq 2000); do printf 'SET piped:%d %d\\r\\n' $i $i; done | redis-cli -p {} --pipe",
                        cluster_->client_port(follower_)));
    EXPECT_EQ(loaded.exit_code, 0) << loaded.output;
    EXPECT_THAT(loaded.output, HasSubstr("errors: 0, replies: 2000"));
    EXPECT_EQ(cli(leader_, "GET piped:2000"), "2000\n");
}

TEST_F(ClientToolsTest, StatShowsALine) {
    const ProgramResult result =
        run(fmt::format("timeout 3 stdbuf -oL redis-cli -p {} -i 0.2 --stat | head -3", cluster_->client_port(leader_)),
            20);
    EXPECT_THAT(result.output, HasSubstr("keys       mem"));
    EXPECT_THAT(result.output, ContainsRegex("\n[0-9]+ +[0-9.]+[BKMG]"));
}

TEST_F(ClientToolsTest, LatencyMeasures) {
    const ProgramResult result =
        run(fmt::format("timeout 2 redis-cli -p {} --latency --raw -i 1", cluster_->client_port(leader_)), 20);
    EXPECT_THAT(result.output, ContainsRegex("^[0-9]+ [0-9]+ [0-9.]+ [0-9]+"));
}

TEST_F(ClientToolsTest, ClusterModeOfRedisCliWorksThroughAnyNode) {
    EXPECT_EQ(cli(follower_, "-c SET via-cluster yes"), "OK\n");
    EXPECT_EQ(cli(leader_, "-c GET via-cluster"), "yes\n");
}

TEST_F(ClientToolsTest, RedisCliGetsItsHelpFromTheServer) {
    // At its first prompt redis-cli asks COMMAND DOCS; an answer that it cannot read ends it.
    const ProgramResult result =
        run(fmt::format("printf 'PING\\nHELP GET\\n' | redis-cli -p {}", cluster_->client_port(leader_)));
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.output, HasSubstr("PONG"));
}

TEST_F(ClientToolsTest, TheKvorumToolReadsANode) {
    const ProgramResult people =
        run(fmt::format("{} status 127.0.0.1:{}", program_path("kvorum"), cluster_->client_port(leader_)));
    EXPECT_EQ(people.exit_code, 0) << people.output;
    EXPECT_THAT(people.output, ContainsRegex("node [1-3] of 3: leader"));
    EXPECT_THAT(people.output, HasSubstr("behind by"));
    const ProgramResult json =
        run(fmt::format("{} status --json 127.0.0.1:{} | python3 -c 'import json,sys; d = json.load(sys.stdin); "
                        "print(d[\"role\"], len(d[\"peers\"]))'",
                        program_path("kvorum"), cluster_->client_port(leader_)));
    EXPECT_EQ(json.output, "leader 2\n");
}

}  // namespace
}  // namespace kvorum::integration
