// A node whose data directory is gone: it may have acknowledged what it no longer has, so its peers refuse it and it
// ends with a message; everything that was acknowledged is still there.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"

namespace kvorum::integration {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr auto kDeadline = Milliseconds(30'000);
constexpr int kExitHalted = 70;
constexpr int kWrites = 100;

// Runs this node in the foreground until it ends by itself.
ProgramResult run_to_its_end(const std::vector<std::string>& arguments) {
    std::string command = program_path("kvorumd");
    for (const std::string& argument : arguments)
        command += " " + argument;
    return run(command, 30);
}

void expect_refusal(const ProgramResult& result, uint32_t node) {
    EXPECT_EQ(result.exit_code, kExitHalted) << result.output;
    EXPECT_THAT(result.output, AllOf(HasSubstr(fmt::format("its peers know another log of node {}", node)),
                                     HasSubstr("wiped or replaced"), HasSubstr(fmt::format("under id {}", node)),
                                     HasSubstr("Put the directory back")));
}

void write(const Cluster& cluster, uint32_t node, const std::string& value) {
    Client client(cluster.endpoint(node));
    for (int i = 0; i < kWrites; ++i)
        ASSERT_EQ(client.command({"SET", fmt::format("key-{}", i), value}).to_string(), "OK");
}

void expect_all(const Cluster& cluster, uint32_t node, const std::string& value) {
    Client client(cluster.endpoint(node));
    for (int i = 0; i < kWrites; ++i)
        ASSERT_EQ(client.command({"GET", fmt::format("key-{}", i)}).to_string(), value) << "key-" << i;
}

bool has_met(const Cluster& cluster, uint32_t node, uint32_t peer) {
    return read_file(cluster.log_path(node)).find(fmt::format("connected to node {}", peer)) != std::string::npos;
}

void wait_until_all_have_met(const Cluster& cluster) {
    const auto all_have_met = [&cluster] {
        for (uint32_t node = 1; node <= cluster.size(); ++node) {
            for (uint32_t peer = 1; peer <= cluster.size(); ++peer) {
                if (peer != node && !has_met(cluster, node, peer)) return false;
            }
        }
        return true;
    };
    ASSERT_TRUE(wait_until(kDeadline, all_have_met));
}

TEST(WipedDiskTest, TheNodeIsRefusedAndTheOthersServeUntilItsDirectoryIsBack) {
    Cluster cluster({});
    cluster.start_all();
    wait_until_all_have_met(cluster);
    const uint32_t wiped = cluster.wait_for_follower();
    write(cluster, cluster.wait_for_leader(), "before");
    ASSERT_TRUE(cluster.stop(wiped));
    const std::string directory = cluster.data_directory(wiped);
    fs::rename(directory, directory + ".aside");

    expect_refusal(run_to_its_end(cluster.arguments(wiped)), wiped);
    const uint32_t leader = cluster.wait_for_leader();
    expect_all(cluster, leader, "before");
    write(cluster, leader, "after");
    expect_refusal(run_to_its_end(cluster.arguments(wiped)), wiped);

    fs::remove_all(directory);
    fs::rename(directory + ".aside", directory);
    cluster.start(wiped);
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline));
    expect_all(cluster, wiped, "after");
}

TEST(WipedDiskTest, DoesNotMakeUpAMajorityWithANodeThatIsBehind) {
    Cluster cluster({});
    cluster.start_all();
    wait_until_all_have_met(cluster);
    const uint32_t leader = cluster.wait_for_leader();
    write(cluster, leader, "old");
    const uint32_t behind = leader % 3 + 1;
    const uint32_t wiped = behind % 3 + 1;
    ASSERT_TRUE(cluster.wait_until_caught_up(behind, kDeadline));
    cluster.kill(behind);
    write(cluster, leader, "acknowledged");  // by the leader and the one that will be wiped
    cluster.kill_all();
    fs::remove_all(cluster.data_directory(wiped));

    cluster.start(behind);
    expect_refusal(run_to_its_end(cluster.arguments(wiped)), wiped);
    const auto alone = cluster.status(behind);
    ASSERT_TRUE(alone.has_value());
    EXPECT_EQ(alone->leader_id, 0U);

    cluster.start(leader);
    expect_all(cluster, cluster.wait_for_leader(), "acknowledged");
}

TEST(WipedDiskTest, ANodeOfANewClusterMayStartLaterThanTheOthers) {
    Cluster cluster({});
    cluster.start(1);
    cluster.start(2);
    write(cluster, cluster.wait_for_leader(), "value");
    cluster.start(3);
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline));
    expect_all(cluster, 3, "value");
}

TEST(WipedDiskTest, ASecondNodeUnderTheSameIdIsRefused) {
    Cluster cluster({});
    cluster.start_all();
    wait_until_all_have_met(cluster);
    const uint32_t twin = cluster.wait_for_follower();
    const Ports ports(2);
    std::vector<std::string> arguments = cluster.arguments(twin);
    const std::string own =
        fmt::format("{}=127.0.0.1:{}/127.0.0.1:{}", twin, cluster.peer_port(twin), cluster.client_port(twin));
    std::replace(arguments.begin(), arguments.end(), own,
                 fmt::format("{}=127.0.0.1:{}/127.0.0.1:{}", twin, ports[0], ports[1]));
    std::replace(arguments.begin(), arguments.end(), cluster.data_directory(twin),
                 cluster.data_directory(twin) + ".twin");
    expect_refusal(run_to_its_end(arguments), twin);
    write(cluster, twin, "goes on");
    EXPECT_TRUE(cluster.wait_until_equal(kDeadline));
}

}  // namespace
}  // namespace kvorum::integration
