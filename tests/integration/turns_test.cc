// No input holds a node: commands of hundreds of thousands of keys, and as many keys that fall due at once, while
// others go on. What the meter of INFO says is processor time, so a busy machine does not make it longer.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tools/process.h"

namespace kvorum::integration {
namespace {

constexpr int kKeys = 500'000;
constexpr auto kDeadline = Milliseconds(60'000);

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

    Cluster cluster{ClusterOptions{}};
    uint32_t leader = 0;
};

TEST_F(TurnsTest, LongCommandsDeposeNobody) {
    const std::string term = field(leader, "raft_term");
    Client client(cluster.endpoint(leader), kDeadline);
    EXPECT_EQ(client.command(key_list("MSET", true)).to_string(), "OK");
    EXPECT_EQ(client.command({"DBSIZE"}).integer, kKeys);
    EXPECT_EQ(client.command(key_list("EXISTS", false)).integer, kKeys);
    EXPECT_EQ(client.command(key_list("MGET", false)).elements.size(), kKeys);
    EXPECT_EQ(client.command({"KEYS", "*"}).elements.size(), kKeys);
    const Answer page = client.command({"SCAN", "0", "COUNT", "5000000"});
    ASSERT_EQ(page.elements.size(), 2);
    EXPECT_EQ(page.elements[0].text, "0");
    EXPECT_EQ(page.elements[1].elements.size(), kKeys);
    EXPECT_EQ(client.command(key_list("DEL", false)).integer, kKeys);
    EXPECT_EQ(client.command({"DBSIZE"}).integer, 0);
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline));
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
