// Nodes of one version beside nodes of a later one, which knows a higher feature level: nothing changes before all of
// them know it, and nobody goes back afterwards.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr auto kDeadline = Milliseconds(30'000);
constexpr int kElectionsMax = 30;

class FeatureLevelTest : public testing::Test {
 protected:
    FeatureLevelTest() : cluster_(options()) {}

    ClusterOptions options() {
        ClusterOptions options;
        options.flags = {"--election-timeout-ms", "500", "--heartbeat-interval-ms", "50"};
        options.command = [this](uint32_t node) {
            return std::vector{program_path(is_next_[node] ? "kvorumd_next" : "kvorumd")};
        };
        return options;
    }
    // The program of a node is replaced, as an operator does it.
    void replace(uint32_t node, bool by_next) {
        ASSERT_TRUE(cluster_.stop(node));
        is_next_[node] = by_next;
        cluster_.start(node);
        (void)cluster_.wait_for_leader();
        ASSERT_TRUE(cluster_.wait_until_caught_up(node, kDeadline));
    }
    void lead_by(uint32_t node) {
        for (int i = 0; i < kElectionsMax; ++i) {
            const uint32_t leader = cluster_.wait_for_leader();
            if (leader == node) return;
            cluster_.pause(leader);
            EXPECT_TRUE(wait_until(kDeadline, [&] { return cluster_.find_leader().value_or(leader) != leader; }));
            cluster_.resume(leader);
            EXPECT_TRUE(cluster_.wait_until_caught_up(leader, kDeadline));
        }
        FAIL() << "node " << node << " never led";
    }
    [[nodiscard]] std::string level(uint32_t node) {
        const auto status = cluster_.status(node);
        return status.has_value() ? status->field("raft_feature_level") : "no answer";
    }
    // A write through each node, and everything that was written so far, read through each.
    void use() {
        for (const uint32_t node : {1U, 2U, 3U}) {
            Client client(cluster_.endpoint(node));
            ++written_;
            EXPECT_EQ(client.command({"SET", fmt::format("key-{}", written_), fmt::format("value-{}", written_)}).text,
                      "OK");
        }
        for (const uint32_t node : {1U, 2U, 3U}) {
            Client client(cluster_.endpoint(node));
            for (int i = 1; i <= written_; ++i)
                ASSERT_EQ(client.command({"GET", fmt::format("key-{}", i)}).text, fmt::format("value-{}", i)) << node;
        }
    }

    std::array<bool, 4> is_next_{};
    int written_ = 0;
    Cluster cluster_;
};

TEST_F(FeatureLevelTest, RisesWhenAllNodesKnowMoreAndIsNotTakenBack) {
    cluster_.start_all();
    (void)cluster_.wait_for_leader();
    use();
    replace(3, true);
    EXPECT_EQ(cluster_.status(3)->field("raft_feature_level_known"), "2");
    for (const uint32_t leader : {3U, 1U}) {
        lead_by(leader);
        use();
        for (const uint32_t node : {1U, 2U, 3U})
            EXPECT_EQ(level(node), "1") << node << " under " << leader;
    }
    // Nothing was raised, so the old program may come back.
    replace(3, false);
    use();
    for (const uint32_t node : {3U, 2U, 1U})
        replace(node, true);
    for (const uint32_t node : {1U, 2U, 3U})
        EXPECT_TRUE(wait_until(kDeadline, [&] { return level(node) == "2"; })) << node << ": " << level(node);
    use();

    ASSERT_TRUE(cluster_.stop(2));
    std::string old_program = program_path("kvorumd");
    for (const std::string& flag : cluster_.arguments(2))
        old_program += " " + flag;
    const ProgramResult refused = run(old_program, 15);
    EXPECT_EQ(refused.exit_code, 1) << refused.output;
    EXPECT_THAT(refused.output, AllOf(HasSubstr("the cluster is at feature level 2, raised by version "),
                                      HasSubstr("this program knows levels up to 1: run version ")));
    cluster_.start(2);
    ASSERT_TRUE(cluster_.wait_until_caught_up(2, kDeadline));
    use();
    EXPECT_TRUE(cluster_.wait_until_equal(kDeadline));
}

}  // namespace
}  // namespace kvorum::integration
