// No input holds a node: commands of hundreds of thousands of keys, and as many keys that fall due at once, while
// others go on. What the meter of INFO says is processor time, so a busy machine does not make it longer.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/ops/compressed_payload.h"
#include "tools/process.h"

namespace kvorum::integration {
namespace {

constexpr int kKeys = 500'000;
constexpr auto kDeadline = Milliseconds(60'000);
constexpr size_t kValueBytes = 15'000'000;
// Twice the promise: other programs on the machine take caches away. A sanitizer takes its time.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr uint64_t kLongestTurnUs = 200'000;
#else
constexpr uint64_t kLongestTurnUs = 10'000;
#endif
#else
constexpr uint64_t kLongestTurnUs = 10'000;
#endif

class TurnsTest : public testing::Test {
 protected:
    TurnsTest() {
        cluster.start_all();
        leader = cluster.wait_for_leader();
    }

    static std::vector<std::string> key_list(const char* command, bool with_values) {
        std::vector<std::string> words{command};
        for (int i = 0; i < kKeys; ++i) {
            words.push_back(fmt::format("key:{}", i));
            if (with_values) words.emplace_back("value");
        }
        return words;
    }

    [[nodiscard]] std::string field(uint32_t node, const std::string& name) const {
        const std::optional<tools::NodeStatus> status = cluster.status(node);
        if (!status.has_value()) return "";
        const auto found = status->fields.find(name);
        return found == status->fields.end() ? "" : found->second;
    }

    // Of every node since it started.
    void expect_short_turns() const {
        for (uint32_t node = 1; node <= 3; ++node) {
            EXPECT_LE(std::stoul("0" + field(node, "longest_turn_us")), kLongestTurnUs)
                << "node " << node << (node == leader ? ", the leader," : "") << " doing "
                << field(node, "longest_turn_doing");
        }
    }

    Cluster cluster{ClusterOptions{}};
    uint32_t leader = 0;
};

TEST_F(TurnsTest, CommandsOfManyKeysDeposeNobodyWhereverTheyComeIn) {
    const std::string term = field(leader, "raft_term");
    for (const uint32_t node : {leader, cluster.wait_for_follower()}) {
        Client client(cluster.endpoint(node), kDeadline);
        EXPECT_EQ(client.command(key_list("MSET", true)).to_string(), "OK");
        EXPECT_EQ(client.command({"DBSIZE"}).integer, kKeys);
        EXPECT_EQ(client.command(key_list("MSETNX", true)).integer, 0);
        EXPECT_EQ(client.command(key_list("EXISTS", false)).integer, kKeys);
        EXPECT_EQ(client.command(key_list("MGET", false)).elements.size(), kKeys);
        EXPECT_EQ(client.command({"KEYS", "*"}).elements.size(), kKeys);
        const Answer page = client.command({"SCAN", "0", "COUNT", "5000000"});
        ASSERT_EQ(page.elements.size(), 2);
        EXPECT_EQ(page.elements[0].text, "0");
        EXPECT_EQ(page.elements[1].elements.size(), kKeys);
        EXPECT_EQ(client.command(key_list("DEL", false)).integer, kKeys);
        EXPECT_EQ(client.command({"DBSIZE"}).integer, 0);
    }
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline));
    EXPECT_EQ(field(leader, "raft_term"), term) << "a leader was deposed";
    expect_short_turns();
}

TEST_F(TurnsTest, LargeValuesDeposeNobody) {
    const std::string large(kValueBytes, 'v');
    const std::string term = field(leader, "raft_term");
    Client client(cluster.endpoint(leader), kDeadline);
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(client.command({"SET", "a", large}).to_string(), "OK");
    EXPECT_EQ(client.command({"GET", "a"}).text, large);
    EXPECT_EQ(client.command({"GETRANGE", "a", "1", "-1"}).text.size(), kValueBytes - 1);
    EXPECT_EQ(client.command({"SETRANGE", "a", "100", "patch"}).integer, kValueBytes);
    EXPECT_EQ(client.command({"SETBIT", "a", "100", "1"}).integer, 0);
    EXPECT_EQ(client.command({"EXPIRE", "a", "1000"}).integer, 1);
    EXPECT_EQ(client.command({"COPY", "a", "b"}).integer, 1);
    EXPECT_EQ(client.command({"RENAME", "b", "c"}).to_string(), "OK");
    EXPECT_EQ(client.command({"BITOP", "XOR", "d", "a", "c"}).integer, kValueBytes);
    EXPECT_EQ(client.command({"BITPOS", "d", "1"}).integer, -1);
    EXPECT_EQ(client.command({"MGET", "a", "c", "d"}).elements.size(), 3);
    EXPECT_EQ(client.command({"MSET", "x", large, "y", large}).to_string(), "OK");
    EXPECT_GT(client.command({"DUMP", "x"}).text.size(), kValueBytes);
    EXPECT_EQ(client.command({"DEL", "a", "c", "d", "x", "y"}).integer, 5);
    Client other(cluster.endpoint(cluster.wait_for_follower()), kDeadline);
    EXPECT_EQ(other.command({"SET", "a", large}).to_string(), "OK");
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline));
    expect_short_turns();
    EXPECT_EQ(field(leader, "raft_term"), term) << "a leader was deposed";
}

TEST_F(TurnsTest, ShortCommandsThatMakeLargeValuesDeposeNobodyWhereverTheyComeIn) {
    const std::string term = field(leader, "raft_term");
    const std::string payload = ops::compressed_payload('v', kValueBytes);
    EXPECT_LT(payload.size(), kValueBytes / 80);
    for (const uint32_t node : {leader, cluster.wait_for_follower()}) {
        Client client(cluster.endpoint(node), kDeadline);
        const std::vector<Answer> answers =
            client.pipeline(std::vector<std::vector<std::string>>(5, {"RESTORE", "a", "0", payload, "REPLACE"}));
        for (const Answer& answer : answers)
            EXPECT_EQ(answer.to_string(), "OK");
        EXPECT_EQ(client.command({"GET", "a"}).text, std::string(kValueBytes, 'v'));
        EXPECT_EQ(client.command({"RESTORE", "a", "0", payload}).text, "BUSYKEY Target key name already exists.");
        EXPECT_EQ(client.command({"DEL", "a"}).integer, 1);
    }
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline));
    expect_short_turns();
    EXPECT_EQ(field(leader, "raft_term"), term) << "a leader was deposed";
}

TEST_F(TurnsTest, ManyKeysThatFallDueAtOnceDeposeNobody) {
    constexpr int kDueKeys = 200'000;
    const std::string term = field(leader, "raft_term");
    Client client(cluster.endpoint(leader), kDeadline);
    const Answer now = client.command({"TIME"});
    const int64_t due_ms = (std::stoll(now.elements.at(0).text) + 20) * 1000;
    for (int i = 0; i < kDueKeys; i += 10'000) {
        std::vector<std::vector<std::string>> commands;
        for (int j = i; j < i + 10'000; ++j)
            commands.push_back({"SET", fmt::format("due:{}", j), "v", "PXAT", fmt::format("{}", due_ms)});
        client.pipeline(commands);
    }
    EXPECT_TRUE(wait_until(kDeadline, [&] { return client.command({"DBSIZE"}).integer == 0; }));
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline));
    EXPECT_EQ(field(leader, "raft_term"), term) << "a leader was deposed";
    EXPECT_EQ(field(leader, "turns_over_5ms_expire"), "");
}

TEST_F(TurnsTest, KeysThroughAFollowerIsWholeAndOthersGoOnMeanwhile) {
    Client writer(cluster.endpoint(leader), kDeadline);
    writer.command(key_list("MSET", true));
    const uint32_t follower = cluster.wait_for_follower();
    Client reader(cluster.endpoint(follower), kDeadline);
    EXPECT_EQ(reader.command({"KEYS", "key:*"}).elements.size(), kKeys);
    EXPECT_EQ(reader.command({"GET", "key:1"}).text, "value");
}

}  // namespace
}  // namespace kvorum::integration
