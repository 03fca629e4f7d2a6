// What a log says of the cluster it belongs to: what it was made for, its members and its feature level.
#include <gtest/gtest.h>

#include "tests/wal/wal_test_util.h"

namespace kvorum::wal::test {
namespace {

class WalFoundingTest : public ::testing::Test {
 protected:
    QuietLog log;
    sim::Disk disk{sim::DiskConfig{}};
};

TEST_F(WalFoundingTest, ALogKeepsTheClusterThatItWasMadeFor) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        EXPECT_EQ(node.wal->cluster(), kCluster);
    }
    SimNode node(disk);
    WalConfig config = small_config();
    config.cluster = ClusterId{99};
    ASSERT_TRUE(node.open(config).ok());
    EXPECT_EQ(node.wal->cluster(), kCluster);
    EXPECT_EQ(node.wal->recovered().founding, (Founding{kCluster, kClusterName}));
}

TEST_F(WalFoundingTest, KnowsWhatTheLogSaysOfTheClusterAlsoWhenItsBeginningIsReleased) {
    EntryMaker maker;
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.append_durably({}, {maker.config({1, 2, 7})});
        for (int i = 0; i < 200; ++i)
            node.append_durably({}, {maker.next(1000)});
        node.wal->release_prefix(maker.last_index());
        node.turn_until([&] { return node.wal->stats().segments <= 3; });
        node.close();
    }
    SimNode node(disk);
    ASSERT_TRUE(node.open().ok());
    EXPECT_GT(node.wal->first_index(), LogIndex{100});
    const auto* configuration = node.wal->recovered().facts.configurations.last();
    ASSERT_NE(configuration, nullptr);
    EXPECT_EQ(configuration->index, LogIndex{1});
    EXPECT_EQ(configuration->fact.voter_ids(), (std::vector{NodeId{1}, NodeId{2}, NodeId{7}}));
}

// A raise that is in the log may be committed any time.
TEST_F(WalFoundingTest, ALogThatWasRaisedAboveWhatThisVersionKnowsIsRefused) {
    EntryMaker maker;
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
        node.append_durably({}, {maker.config({7}), maker.raise(raft::known_feature_level() + 1)});
    }
    SimNode node(disk);
    const absl::Status status = node.open();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(std::string(status.message()).find("raised by version 0.9.1"), std::string::npos) << status;
}

TEST_F(WalFoundingTest, AnotherClusterNameIsRefused) {
    {
        SimNode node(disk);
        ASSERT_TRUE(node.open().ok());
    }
    SimNode node(disk);
    WalConfig config = small_config();
    config.cluster_name = "other";
    const absl::Status status = node.open(config);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(std::string(status.message())
                  .find("made for cluster 'test' (00000000000000c1), and --cluster says "
                        "'other'"),
              std::string::npos)
        << status;
}

}  // namespace
}  // namespace kvorum::wal::test
