// --maxmemory with real processes: who is refused, who goes on, and that all nodes agree.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/integration/redis_server.h"

namespace kvorum::integration {
namespace {

constexpr auto kDeadline = Milliseconds(60'000);
constexpr uint64_t kLimitBytes = 2'000'000;
const std::string kOutOfMemory = "OOM command not allowed when used memory > 'maxmemory'.";

uint64_t field(const Cluster& cluster, uint32_t node, const std::string& name) {
    const std::optional<tools::NodeStatus> status = cluster.status(node);
    if (!status.has_value()) return UINT64_MAX;
    const auto found = status->fields.find(name);
    return found == status->fields.end() ? UINT64_MAX : std::stoull(found->second);
}

std::string set(Client& client, const std::string& key, size_t value_bytes = 1000) {
    return client.command({"SET", key, std::string(value_bytes, 'v')}).text;
}

// Writes until one is refused; how many were not.
int fill(Client& client, const std::string& prefix) {
    for (int written = 0; written < 10'000; ++written) {
        const std::string reply = set(client, fmt::format("{}:{}", prefix, written));
        if (reply == kOutOfMemory) return written;
        EXPECT_EQ(reply, "OK");
    }
    ADD_FAILURE() << "nothing was refused";
    return 0;
}

class MemoryLimitTest : public testing::Test {
 protected:
    void start(const std::function<std::vector<std::string>(uint32_t node)>& node_flags) {
        cluster.emplace(ClusterOptions{.node_flags = node_flags});
        cluster->start_all();
        leader = cluster->wait_for_leader();
    }
    void start_with_limit() {
        start([](uint32_t) { return std::vector{fmt::format("--maxmemory={}", kLimitBytes)}; });
    }
    void expect_refusals_everywhere() {
        for (uint32_t node = 1; node <= cluster->size(); ++node) {
            if (!cluster->is_running(node)) continue;
            Client client(cluster->endpoint(node));
            EXPECT_EQ(set(client, "more"), kOutOfMemory) << node;
            EXPECT_TRUE(client.command({"GET", "more"}).is_null) << node;
        }
    }

    std::optional<Cluster> cluster;
    uint32_t leader = 0;
};

TEST_F(MemoryLimitTest, AFullClusterRefusesAtEveryNodeUntilSomethingIsDeleted) {
    start_with_limit();
    Client client(cluster->endpoint(leader));
    EXPECT_GT(fill(client, "key"), 1500);
    expect_refusals_everywhere();
    EXPECT_EQ(client.command({"EXPIRE", "key:0", "1000"}).integer, 1);
    EXPECT_EQ(client.command({"GETDEL", "key:1"}).text.size(), 1000u);
    EXPECT_EQ(client.command({"DEL", "key:2", "key:3"}).integer, 2);
    EXPECT_EQ(set(client, "more"), "OK");
    EXPECT_TRUE(cluster->wait_until_equal(kDeadline));
    for (uint32_t node = 1; node <= 3; ++node) {
        EXPECT_EQ(field(*cluster, node, "used_memory_dataset"), field(*cluster, leader, "used_memory_dataset"));
        EXPECT_LE(field(*cluster, node, "used_memory_dataset"), kLimitBytes + 1000);
        EXPECT_EQ(field(*cluster, node, "maxmemory_cluster"), kLimitBytes);
    }
    EXPECT_EQ(client.command({"FLUSHALL"}).text, "OK");
    EXPECT_EQ(set(client, "more"), "OK");
}

TEST_F(MemoryLimitTest, ANewLeaderRefusesToo) {
    start_with_limit();
    {
        Client client(cluster->endpoint(leader));
        fill(client, "key");
    }
    const uint32_t old_leader = leader;
    cluster->kill(old_leader);
    leader = cluster->wait_for_leader();
    expect_refusals_everywhere();
    Client client(cluster->endpoint(leader));
    EXPECT_EQ(client.command({"DEL", "key:2", "key:3"}).integer, 2);
    EXPECT_EQ(set(client, "more"), "OK");
    cluster->start(old_leader);
    EXPECT_TRUE(cluster->wait_until_equal(kDeadline)) << "the log's limits decide again when it is replayed";
}

TEST_F(MemoryLimitTest, TheLeastLimitOfTheMembersCountsForAll) {
    start([](uint32_t node) { return std::vector{fmt::format("--maxmemory={}", node == 1 ? kLimitBytes : 0)}; });
    for (uint32_t node = 1; node <= 3; ++node)
        EXPECT_EQ(field(*cluster, node, "maxmemory"), node == 1 ? kLimitBytes : 0);
    Client client(cluster->endpoint(leader));
    EXPECT_TRUE(wait_until(kDeadline, [&] { return field(*cluster, leader, "maxmemory_cluster") == kLimitBytes; }));
    fill(client, "key");
    Client limited(cluster->endpoint(1));
    EXPECT_EQ(limited.command({"CONFIG", "SET", "maxmemory", "100mb"}).text, "OK");
    EXPECT_EQ(limited.command({"CONFIG", "GET", "maxmemory"}).to_string(), "[maxmemory 104857600]");
    EXPECT_TRUE(wait_until(kDeadline, [&] { return set(client, "more") == "OK"; }));
    EXPECT_TRUE(cluster->wait_until_equal(kDeadline));
}

// What does not fit is never allocated, however small the command is that asks for it.
TEST_F(MemoryLimitTest, ACommandThatWouldTakeMoreThanIsLeftIsRefused) {
    start_with_limit();
    Client client(cluster->endpoint(leader));
    ASSERT_EQ(set(client, "large", 1'100'000), "OK");
    const std::vector<std::vector<std::string>> commands{
        {"SET", "k", std::string(1'000'000, 'v')},
        {"APPEND", "large", std::string(1'000'000, 'v')},
        {"SETRANGE", "k", "16000000", "x"},
        {"SETBIT", "k", "128000000", "1"},
        {"BITOP", "NOT", "k", "large"},
        {"BITFIELD", "k", "SET", "u8", "128000000", "1"},
        {"COPY", "large", "k"},
        {"MSET", "a", std::string(600'000, 'v'), "b", std::string(600'000, 'v')},
        {"RESTORE", "k", "0", client.command({"DUMP", "large"}).text}};
    for (const std::vector<std::string>& command : commands)
        EXPECT_EQ(client.command(command).text, kOutOfMemory) << command[0];
    EXPECT_EQ(client.command({"SETRANGE", "k", "536870911", "x"}).text,
              "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    EXPECT_EQ(client.command({"DBSIZE"}).integer, 1);
    EXPECT_EQ(set(client, "k"), "OK");
}

TEST(MemoryLimit, RedisGivesTheSameReplies) {
    RedisServer redis;
    Cluster cluster({.nodes = 1});
    cluster.start_all();
    (void)cluster.wait_for_leader();
    Client theirs(redis.endpoint());
    Client ours(cluster.endpoint(1));
    const std::vector<std::string> lines{"MSET a 1 b 2 c 3 d 4",
                                         "CONFIG SET maxmemory 1",
                                         "SET k v",
                                         "SET k v EX nonsense",
                                         "SET k",
                                         "SETNX k v",
                                         "GETSET a v",
                                         "APPEND a v",
                                         "SETRANGE a 1 x",
                                         "INCR a",
                                         "INCRBYFLOAT a 0.5",
                                         "MSET k v",
                                         "MSETNX k v",
                                         "SETEX k 10 v",
                                         "PSETEX k 10 v",
                                         "COPY a k",
                                         "SETBIT a 1 1",
                                         "BITOP NOT k a",
                                         "BITFIELD a GET u8 0",
                                         "BITFIELD_RO a GET u8 0",
                                         "SORT nosuch",
                                         "SORT_RO nosuch",
                                         "RESTORE k 0 nonsense",
                                         "GET a",
                                         "EXPIRE a 100",
                                         "GETEX a PERSIST",
                                         "PERSIST a",
                                         "RENAME a e",
                                         "RENAMENX e a",
                                         "GETDEL b",
                                         "DEL c",
                                         "UNLINK nosuch",
                                         "TOUCH a",
                                         "CONFIG GET maxmemory",
                                         "CONFIG SET maxmemory nonsense",
                                         "CONFIG SET maxmemory -1",
                                         "FLUSHALL",
                                         "SET k v",
                                         "CONFIG SET maxmemory 0",
                                         "SET k v",
                                         "GET k",
                                         "CONFIG GET maxmemory-policy"};
    for (const std::string& line : lines) {
        const std::vector<std::string> words = absl::StrSplit(line, ' ');
        const Answer expected = theirs.command(words);
        const Answer found = ours.command(words);
        EXPECT_EQ(found.to_string(), expected.to_string()) << line;
    }
}

}  // namespace
}  // namespace kvorum::integration
