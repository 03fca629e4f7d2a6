// `kvorum load` against real nodes, whole and killed: what it counts is what happened.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tools/process.h"

namespace kvorum::integration {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

constexpr auto kDeadline = Milliseconds(30'000);

// A load that runs until it is told to end, as somebody does with Ctrl-C.
class RunningLoad {
 public:
    explicit RunningLoad(std::vector<std::string> flags) {
        flags.insert(flags.begin(), "load");
        flags.insert(flags.end(), {"--test-time", "600", "--json-out-file", json_file()});
        const absl::StatusOr<tools::ProcessId> started =
            tools::start_in_background(program_path("kvorum"), flags, directory_.path() + "/load.log");
        EXPECT_TRUE(started.ok()) << started.status();
        if (started.ok()) process_ = *started;
    }
    RunningLoad(const RunningLoad&) = delete;
    RunningLoad& operator=(const RunningLoad&) = delete;
    ~RunningLoad() { tools::send_signal(process_, SIGKILL); }

    void interrupt() {
        tools::send_signal(process_, SIGINT);
        ASSERT_TRUE(tools::wait_for_exit(process_, 20'000)) << "Ctrl-C does not end it";
        outcomes_ = nlohmann::json::parse(read_file(json_file()))["Outcomes"];
    }
    [[nodiscard]] uint64_t outcome(const char* name) const { return outcomes_[name].get<uint64_t>(); }
    [[nodiscard]] double longest_gap_ms() const { return outcomes_["longest_gap_ms"].get<double>(); }
    [[nodiscard]] std::string output() const { return read_file(directory_.path() + "/load.log"); }

 private:
    [[nodiscard]] std::string json_file() const { return directory_.path() + "/load.json"; }

    TestDirectory directory_;
    tools::ProcessId process_;
    nlohmann::json outcomes_;
};

std::string servers_of(const Cluster& cluster) {
    std::string servers;
    for (uint32_t node = 1; node <= cluster.size(); ++node)
        servers += (node == 1 ? "" : ",") + cluster.endpoint(node).to_string();
    return servers;
}

uint64_t keys_of(const Cluster& cluster, uint32_t node) {
    const std::optional<tools::NodeStatus> status = cluster.status(node);
    return status.has_value() ? status->keys : 0;
}

// Writers go round in their own keys, so that the number of keys says how far they are.
std::vector<std::string> writers(const std::string& servers) {
    return {"--servers", servers,         "-t", "2", "-c", "4", "--ratio", "1:0", "--key-maximum",
            "100000000", "--key-pattern", "P:P"};
}

bool wait_for_keys(const Cluster& cluster, uint32_t node, uint64_t count) {
    return wait_until(kDeadline, [&] { return keys_of(cluster, node) >= count; });
}

class LoadTest : public testing::Test {
 protected:
    [[nodiscard]] static ProgramResult load(const std::string& flags) {
        return run(fmt::format("{} load {}", program_path("kvorum"), flags), 60);
    }
};

TEST_F(LoadTest, EveryRequestOfAHealthyNodeIsOk) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    const std::string server = "--servers " + servers_of(cluster);
    const ProgramResult fill =
        load(server + " -t 2 -c 3 --ratio 1:0 --key-pattern P:P --key-minimum 1 --key-maximum 1000 -n allkeys");
    EXPECT_EQ(fill.exit_code, 0) << fill.output;
    EXPECT_THAT(fill.output, HasSubstr("1000 ok, 0 error, 0 unknown"));
    EXPECT_EQ(Client(cluster.endpoint(1)).command({"DBSIZE"}).integer, 1000) << "each key once";

    const ProgramResult mixed = load(
        server + " -t 2 -c 3 --ratio 1:10 --pipeline 4 --key-minimum 1 --key-maximum 1000 -n 1000 --hide-histogram");
    EXPECT_THAT(mixed.output, HasSubstr("6000 ok, 0 error, 0 unknown"));
    EXPECT_THAT(mixed.output, ContainsRegex("Gets +[0-9.]+ +[0-9.]+ +0.00 ")) << "no miss: all keys are there";

    const ProgramResult errors = load(server + " -t 1 -c 1 -n 10 --command 'INCR __key__' --command 'NONSENSE'");
    EXPECT_THAT(errors.output, HasSubstr("5 ok, 5 error, 0 unknown"));
    EXPECT_THAT(errors.output, HasSubstr("times ERR: ERR ")) << "one text is shown";
}

TEST_F(LoadTest, FlagsThatAMemtierUserPassesEveryDay) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    const TestDirectory directory;
    const std::string port = std::to_string(cluster.client_port(1));
    const std::string few = " -t 1 -c 2 -n 40 --hide-histogram --key-maximum 100 ";
    const auto runs = [&](const std::string& flags, uint64_t ok) {
        const ProgramResult result = load(flags + few);
        EXPECT_EQ(result.exit_code, 0) << flags << "\n" << result.output;
        EXPECT_THAT(result.output, HasSubstr(fmt::format("{} ok, 0 error, 0 unknown", ok))) << flags;
        return result.output;
    };
    for (const std::string flags :
         {"-h 127.0.0.1", "-s 127.0.0.1", "-h nowhere -s 127.0.0.1", "-4 -h localhost", "-P resp2", "-P resp3 -D",
          "--distinct-client-seed", "--reconnect-on-error", "--key-pattern Z:Z --key-zipf-exp 1.2 --key-zipf-exp 0.8",
          "--data-offset 10", "--select-db 0", "--randomize -R -d 5 -d 7"})
        runs(flags + " -p " + port, 80);
    runs("-u redis://127.0.0.1:" + port, 80);
    EXPECT_THAT(runs("--wait-ratio 1:1 --wait-timeout 1 --ratio 1:2 -p " + port, 80), ContainsRegex("Waits +[1-9]"));
    EXPECT_THAT(runs("-x 3 -p " + port, 80), HasSubstr("AGGREGATED AVERAGE RESULTS (3 runs)"));

    const std::string out = directory.path() + "/out.txt";
    EXPECT_EQ(load("-o " + out + " -p " + port + few).output, "");
    EXPECT_THAT(read_file(out), HasSubstr("ALL STATS"));
    const ProgramResult refused = load("-a wrong:password -p " + port + few);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.output, HasSubstr("cannot connect to")) << "and in the server's words why";
}

TEST_F(LoadTest, ARateIsKeptToTheRequest) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    const ProgramResult result = load("--servers " + servers_of(cluster) + " --rate 10 --test-time 1 --hide-histogram");
    EXPECT_THAT(result.output, HasSubstr(" 10 ok, 0 error, 0 unknown, 0 never sent"));
}

TEST_F(LoadTest, HelpIsLongOnly) { EXPECT_THAT(load("--help").output, HasSubstr("-h,-s,--host,--server")); }

TEST_F(LoadTest, AnOpenLoopSendsWhatWasAskedFor) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    const ProgramResult result =
        load("--servers " + servers_of(cluster) + " -t 2 -c 4 -n 50 --rate 1000 --arrivals poisson");
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr("400 ok, 0 error, 0 unknown, 0 never sent"));
    EXPECT_THAT(result.output, HasSubstr("1000      Requests a second of all clients, Poisson arrivals"));
}

TEST_F(LoadTest, AKilledNodeLeavesUnknownOutcomesAndAGap) {
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    RunningLoad load(writers(servers_of(cluster)));
    ASSERT_TRUE(wait_for_keys(cluster, 1, 100)) << load.output();
    cluster.kill(1);
    const auto dead_since = std::chrono::steady_clock::now();
    cluster.start(1);
    const auto dead_for = std::chrono::steady_clock::now() - dead_since;
    (void)cluster.wait_for_leader();
    ASSERT_TRUE(wait_for_keys(cluster, 1, keys_of(cluster, 1) + 100)) << "the load does not go on\n" << load.output();
    load.interrupt();
    EXPECT_EQ(load.outcome("unknown"), 8U) << "what the eight clients had in flight, and nothing at Ctrl-C";
    EXPECT_EQ(load.outcome("connections_lost"), 8U);
    EXPECT_EQ(load.outcome("error"), 0U) << load.output();
    EXPECT_GE(load.longest_gap_ms(), static_cast<double>(std::chrono::duration_cast<Milliseconds>(dead_for).count()));
    EXPECT_THAT(load.output(), ContainsRegex("Longest gap without an OK: [0-9.]+ ms, from "));
    // Every OK is a key of its own; an unknown one may be.
    const uint64_t keys = keys_of(cluster, 1);
    EXPECT_GE(keys, load.outcome("ok"));
    EXPECT_LE(keys, load.outcome("ok") + load.outcome("unknown"));
}

TEST_F(LoadTest, ClientsOfAKilledLeaderGoOnAtTheOthers) {
    Cluster cluster({});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    const uint32_t other = leader % 3 + 1;
    RunningLoad load(writers(servers_of(cluster)));
    ASSERT_TRUE(wait_for_keys(cluster, other, 100)) << load.output();
    cluster.kill(leader);
    ASSERT_TRUE(wait_for_keys(cluster, other, keys_of(cluster, other) + 1000)) << load.output();
    load.interrupt();
    EXPECT_GT(load.outcome("unknown"), 0U);
    EXPECT_GT(load.longest_gap_ms(), 0);
    // A follower applies a little later.
    EXPECT_TRUE(wait_for_keys(cluster, other, load.outcome("ok"))) << "an OK is lost";
}

TEST_F(LoadTest, ClusterModeFollowsTheLeader) {
    Cluster cluster({.flags = {"--follower-mode", "redirect"}});
    cluster.start_all();
    const uint32_t leader = cluster.wait_for_leader();
    const uint32_t other = leader % 3 + 1;
    std::vector<std::string> flags = writers(cluster.endpoint(other).to_string());
    flags.emplace_back("--cluster-mode");
    RunningLoad load(flags);
    ASSERT_TRUE(wait_for_keys(cluster, other, 100)) << load.output();
    cluster.kill(leader);
    ASSERT_TRUE(wait_for_keys(cluster, other, keys_of(cluster, other) + 1000)) << load.output();
    load.interrupt();
    EXPECT_GT(load.outcome("unknown"), 0U);
    // A follower applies a little later.
    EXPECT_TRUE(wait_for_keys(cluster, other, load.outcome("ok"))) << "an OK is lost";
}

TEST_F(LoadTest, WrongFlagsSayWhatToWriteInstead) {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"--ratio 1", "as SETS:GETS, for example 1:10"},
        {"--key-pattern Q:Q", "R is random"},
        {"-n 10 --test-time 10", "each of them ends the load; give one"},
        {"--arrivals poisson", "give --rate too"},
        {"--rate 1 --rate-limiting 1", "--rate for all clients together"},
        {"--command-ratio 2", "they are of a --command; give one"},
        {"--test-time 0", "give a number of seconds"},
        {"--rate 0", "--rate 0: give a number from 1"},
        {"--key-maximum 18446744073709551615 --key-pattern P:P",
         "--key-maximum 18446744073709551615: give a number up"},
        {"--key-maximum -1", "--key-maximum"},
        {"--tls", "no TLS yet"},
        {"-S /tmp/x", "connections are TCP here"},
        {"--data-verify", "--data-import"},
        {"-P memcache_text", "memcached is not spoken here"},
        {"--wait-ratio 1:0:1", "as SETS:WAITS"},
        {"--num-slaves 1-2", "give --wait-ratio too"},
        {"-4 -6", "give one"},
        {"--cluster-mode --command 'MGET __key__ __key__'", "needs one __key__"},
        {"--command 'GET \"x'", "its quotes do not match"},
        {"--cluster-mode --command PING", "needs one __key__"},
        {"--servers nonsense", "give HOST:PORT"},
        {"--nonsense", "--nonsense"},
    };
    for (const auto& [flags, advice] : wrong) {
        const ProgramResult result = load(flags);
        EXPECT_EQ(result.exit_code, 2) << flags;
        EXPECT_THAT(result.output, HasSubstr(advice)) << flags;
    }
}

TEST_F(LoadTest, WithoutAServerItSaysSo) {
    const Ports ports(1);
    const ProgramResult result = load(fmt::format("-p {}", ports[0]));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.output, HasSubstr(fmt::format("cannot connect to 127.0.0.1:{}", ports[0])));
}

}  // namespace
}  // namespace kvorum::integration
