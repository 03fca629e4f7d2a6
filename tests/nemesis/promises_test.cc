// What a node promises when its disk fails or its peers are out of reach, one fault at a time, on real processes. The
// random schedules are kvorum_nemesis's.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "tests/integration/client.h"
#include "tests/integration/cluster.h"
#include "tests/nemesis/fault_control.h"
#include "tests/nemesis/faults.h"
#include "tests/nemesis/peer_proxy.h"

namespace kvorum::nemesis {
namespace {

using integration::Answer;
using integration::Client;
using integration::Cluster;
using integration::encode;
using integration::Outcome;
using integration::RawConnection;
using integration::wait_until;

constexpr auto kDeadline = milliseconds(20'000);

class PromisesTest : public testing::Test {
 protected:
    void start(uint32_t nodes, const std::string& wal_sync = "fdatasync",
               const std::string& clock_drift_percent = "10") {
        cluster_.emplace(integration::ClusterOptions{
            .nodes = nodes,
            .flags = {"--election-timeout-ms", "400", "--heartbeat-interval-ms", "50", "--disk-stall-ms", "500",
                      "--leader-wait-ms", "1000", "--outcome-wait-ms", "1000", "--wal-segment-size", "1MiB",
                      "--wal-sync", wal_sync, "--clock-drift-percent", clock_drift_percent},
            .directory = directory_.path(),
            .command = [this](uint32_t node) {
                return std::vector{integration::program_path("kvorumd_faulty"), socket_of(node)};
            }});
        links_.emplace(nodes, [this](uint32_t node) { return cluster_->peer_port(node); }, 1);
        cluster_->route_peers([this](uint32_t from, uint32_t to) { return links_->port(from, to); });
        cluster_->start_all();
    }
    [[nodiscard]] std::string socket_of(uint32_t node) const { return fault_socket(directory_.path(), node); }
    void fault(uint32_t node, const std::string& what) const { ASSERT_EQ(send_fault(socket_of(node), what), "ok"); }
    [[nodiscard]] uint64_t fired(uint32_t node) const {
        return std::strtoull(send_fault(socket_of(node), "count").value_or("0").c_str(), nullptr, 10);
    }
    [[nodiscard]] Client client(uint32_t node) const { return Client(cluster_->endpoint(node)); }

    // All links to and from the node.
    void isolate(uint32_t node, LinkState state) {
        for (uint32_t other = 1; other <= cluster_->size(); ++other) {
            if (other == node) continue;
            links_->set(node, other, state);
            links_->set(other, node, state);
        }
    }
    // A leader other than `old`, seen by the others.
    [[nodiscard]] bool wait_for_other_leader(uint32_t old, uint32_t& leader) const {
        return wait_until(kDeadline, [&] {
            for (uint32_t node = 1; node <= cluster_->size(); ++node) {
                const auto status = node == old ? std::nullopt : cluster_->status(node);
                if (status.has_value() && status->is_leader()) leader = node;
            }
            return leader != 0;
        });
    }

    integration::TestDirectory directory_;
    std::optional<Cluster> cluster_;
    std::optional<PeerProxy> links_;
};

// One node, so that nobody else's disk can acknowledge.
class DiskErrorTest : public PromisesTest, public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(DiskErrorTest, TheNodeEndsWithoutAcknowledgingAndStartsAgain) {
    const auto& [fault_name, wal_sync] = GetParam();
    start(1, wal_sync);
    (void)cluster_->wait_for_leader();
    Client before = client(1);
    ASSERT_EQ(before.command({"SET", "kept", "1"}).to_string(), "OK");

    fault(1, fault_name);
    const Answer answer = before.command({"SET", "k", "v"});
    EXPECT_TRUE(answer.lost) << "acknowledged although the disk failed: " << answer.to_string();
    EXPECT_TRUE(cluster_->wait_for_exit(1, kDeadline)) << "the node outlives its disk";
    EXPECT_THAT(integration::read_file(cluster_->log_path(1)), testing::HasSubstr("halting"));

    cluster_->start(1);
    (void)cluster_->wait_for_leader();
    Client after = client(1);
    EXPECT_EQ(after.command({"GET", "kept"}).to_string(), "1");
    EXPECT_THAT(after.command({"GET", "k"}).to_string(), testing::AnyOf("v", "(nil)"));
    EXPECT_EQ(after.command({"SET", "k", "w"}).to_string(), "OK");
}

INSTANTIATE_TEST_SUITE_P(Errors, DiskErrorTest,
                         testing::Values(std::pair("sync-error", "fdatasync"), std::pair("sync-error", "dsync"),
                                         std::pair("write-error", "fdatasync"), std::pair("write-error", "dsync")));

TEST_F(PromisesTest, AWriteThatNoDiskHasIsNotAcknowledgedWhateverThePowerDoes) {
    start(1);
    (void)cluster_->wait_for_leader();
    Client writer(cluster_->endpoint(1), milliseconds(2000));
    ASSERT_EQ(writer.command({"SET", "kept", "1"}).to_string(), "OK");
    fault(1, "hang-sync");
    const Answer answer = writer.command({"SET", "gone", "1"});
    EXPECT_EQ(answer.outcome, Outcome::kUnknown) << answer.to_string();
    EXPECT_GT(fired(1), 0U);
    fault(1, "power-cut 1");
    ASSERT_TRUE(cluster_->wait_for_exit(1, kDeadline));
    cluster_->start(1);
    (void)cluster_->wait_for_leader();
    EXPECT_EQ(client(1).command({"GET", "kept"}).to_string(), "1");
}

TEST_F(PromisesTest, ALeaderWhoseDiskHangsIsReplacedAlthoughItsHeartbeatsGoOn) {
    start(3);
    const uint32_t old = cluster_->wait_for_leader();
    ASSERT_EQ(client(old).command({"SET", "k", "before"}).to_string(), "OK");
    fault(old, "hang-sync");
    // Its followers' disks can still carry this write; it makes the leader's own disk hang.
    (void)client(old).command({"SET", "hung", "1"});
    uint32_t leader = 0;
    ASSERT_TRUE(wait_for_other_leader(old, leader)) << "a zombie leads";
    EXPECT_GT(fired(old), 0U);
    EXPECT_EQ(client(leader).command({"SET", "k", "after"}).to_string(), "OK");
    const auto status = cluster_->status(old);
    ASSERT_TRUE(status.has_value());
    EXPECT_FALSE(status->is_leader());
    EXPECT_THAT(client(old).command({"GET", "k"}).to_string(),
                testing::AnyOf("after", testing::StartsWith("CLUSTERDOWN")))
        << "the old leader's clients see the past";

    fault(old, "release");
    EXPECT_TRUE(cluster_->wait_until_caught_up(old, kDeadline));
    EXPECT_EQ(client(old).command({"GET", "k"}).to_string(), "after");
    EXPECT_TRUE(cluster_->wait_until_equal(kDeadline));
}

TEST_F(PromisesTest, ALeaderThatWasPausedAnswersNothingFromItsPast) {
    start(3);
    for (int round = 0; round < 5; ++round) {
        const uint32_t old = cluster_->wait_for_leader();
        const std::string value = fmt::format("after pause {}", round);
        ASSERT_EQ(client(old).command({"SET", "k", "before"}).to_string(), "OK");
        RawConnection reader(cluster_->endpoint(old), kDeadline);
        ASSERT_TRUE(reader.is_connected());
        cluster_->pause(old);
        uint32_t leader = 0;
        ASSERT_TRUE(wait_for_other_leader(old, leader));
        ASSERT_EQ(client(leader).command({"SET", "k", value}).to_string(), "OK");
        // The read is there when it wakes up and believes that it still leads.
        ASSERT_TRUE(reader.send(encode({"GET", "k"})));
        cluster_->resume(old);
        EXPECT_EQ(reader.receive_until(value + "\r\n"), fmt::format("${}\r\n{}\r\n", value.size(), value))
            << "a stale read in round " << round;
        ASSERT_TRUE(cluster_->wait_until_caught_up(old, kDeadline));
    }
}

TEST_F(PromisesTest, AnIsolatedLeaderServesReadsForItsLeaseAndNoLonger) {
    start(3);
    const uint32_t old = cluster_->wait_for_leader();
    ASSERT_EQ(client(old).command({"SET", "k", "before"}).to_string(), "OK");
    isolate(old, {.mode = LinkMode::kHold});
    std::string answer;
    ASSERT_TRUE(wait_until(kDeadline, [&] {
        answer = client(old).command({"GET", "k"}).to_string();
        return answer != "before";
    })) << "a lease without end";
    EXPECT_THAT(answer, testing::StartsWith("CLUSTERDOWN"));
    uint32_t leader = 0;
    ASSERT_TRUE(wait_for_other_leader(old, leader));
    ASSERT_EQ(client(leader).command({"SET", "k", "after"}).to_string(), "OK");
    EXPECT_THAT(client(old).command({"GET", "k"}).text, testing::StartsWith("CLUSTERDOWN")) << "a stale read";
}

TEST_F(PromisesTest, AnIsolatedLeaderWithoutLeasesAcknowledgesNothingAndServesNoReads) {
    start(3, "fdatasync", "0");
    const uint32_t old = cluster_->wait_for_leader();
    ASSERT_EQ(client(old).command({"SET", "k", "before"}).to_string(), "OK");
    RawConnection reader(cluster_->endpoint(old), kDeadline);
    RawConnection writer(cluster_->endpoint(old), kDeadline);

    isolate(old, {.mode = LinkMode::kHold});
    // Both are sent while it still believes that it leads.
    ASSERT_TRUE(reader.send(encode({"GET", "k"})));
    ASSERT_TRUE(writer.send(encode({"SET", "minority", "1"})));
    EXPECT_THAT(reader.receive_until("\r\n"), testing::StartsWith("-")) << "served by a minority";
    EXPECT_THAT(writer.receive_until("\r\n"), testing::StartsWith("-")) << "acknowledged by a minority";
    uint32_t leader = 0;
    ASSERT_TRUE(wait_for_other_leader(old, leader));
    ASSERT_EQ(client(leader).command({"SET", "k", "after"}).to_string(), "OK");
    EXPECT_THAT(client(old).command({"GET", "k"}).text, testing::StartsWith("CLUSTERDOWN")) << "a stale read";
    ASSERT_TRUE(wait_until(kDeadline, [&] {
        const auto status = cluster_->status(old);
        return status.has_value() && !status->is_leader();
    })) << "the isolated leader does not step down";

    isolate(old, {});
    EXPECT_TRUE(cluster_->wait_until_caught_up(old, kDeadline));
    EXPECT_EQ(client(old).command({"GET", "k"}).to_string(), "after");
    EXPECT_TRUE(cluster_->wait_until_equal(kDeadline));
}

TEST_F(PromisesTest, AFollowerThatHearsNothingDeposesNobody) {
    start(3);
    const uint32_t leader = cluster_->wait_for_leader();
    const uint32_t deaf = cluster_->wait_for_follower();
    const auto before = cluster_->status(leader);
    ASSERT_TRUE(before.has_value());
    for (uint32_t other = 1; other <= cluster_->size(); ++other) {
        if (other != deaf) links_->set(other, deaf, {.mode = LinkMode::kHold});
    }
    // It has lost its leader, and what it sends is heard.
    ASSERT_TRUE(wait_until(kDeadline, [&] {
        const auto status = cluster_->status(deaf);
        return status.has_value() && status->role != "follower";
    }));
    Client writer = client(leader);
    const auto until = std::chrono::steady_clock::now() + 5 * milliseconds(400);
    while (std::chrono::steady_clock::now() < until)
        ASSERT_EQ(writer.command({"INCR", "n"}).outcome, Outcome::kDone) << "disturbed by a node that hears nothing";
    links_->set_all({});
    ASSERT_TRUE(cluster_->wait_until_caught_up(deaf, kDeadline));
    const auto after = cluster_->status(leader);
    ASSERT_TRUE(after.has_value());
    // A busy machine may have had an election of its own; this node alone would have asked for five.
    EXPECT_LE(after->term, before->term + 2);
}

}  // namespace
}  // namespace kvorum::nemesis
