// The leader learns from acknowledgements how much memory the voters may take.
#include <gtest/gtest.h>

#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {

// Node 1 leads, and has heard of the others.
class MemoryLimitTest : public ::testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(cluster.elect(1)); }
    void beat() {
        cluster.advance(Cluster::kHeartbeatNs, {1});
        cluster.settle();
    }
    [[nodiscard]] uint64_t least() { return cluster.raft(1).least_memory_limit(); }

    Cluster cluster{3};
};

TEST_F(MemoryLimitTest, IsNoneWhereNobodyHasOne) {
    beat();
    EXPECT_EQ(least(), 0u);
}

TEST_F(MemoryLimitTest, IsTheLeadersOwnBeforeAnybodyToldAnother) {
    cluster.raft(1).set_memory_limit(500);
    EXPECT_EQ(least(), 500u);
}

TEST_F(MemoryLimitTest, IsTheLeastThatAVoterTells) {
    cluster.raft(1).set_memory_limit(500);
    cluster.raft(2).set_memory_limit(300);
    cluster.raft(3).set_memory_limit(400);
    EXPECT_EQ(least(), 500u) << "nobody has told";
    beat();
    EXPECT_EQ(least(), 300u);
}

TEST_F(MemoryLimitTest, ChangesWithTheNextAcknowledgement) {
    cluster.raft(2).set_memory_limit(300);
    beat();
    cluster.raft(2).set_memory_limit(0);
    EXPECT_EQ(least(), 300u);
    beat();
    EXPECT_EQ(least(), 0u);
}

TEST_F(MemoryLimitTest, ARejectionTellsItToo) {
    cluster.raft(2).set_memory_limit(300);
    cluster.inject(append(1, 2, cluster.raft(1).current_term().value(), 50, 1));
    EXPECT_EQ(cluster.sent<AppendEntriesReply>(1).back().memory_limit_bytes, 300u);
}

// It would hold the others back for ever.
TEST_F(MemoryLimitTest, AVoterThatIsSilentForAnElectionTimeoutHasNoSay) {
    cluster.raft(2).set_memory_limit(300);
    beat();
    cluster.isolate(2);
    cluster.run_for(2 * Cluster::kElectionTimeoutNs, {1});
    EXPECT_EQ(least(), 0u);
    cluster.heal();
    beat();
    EXPECT_EQ(least(), 300u);
}

TEST_F(MemoryLimitTest, ANewLeaderHearsOfItAnew) {
    cluster.raft(1).set_memory_limit(300);
    beat();
    ASSERT_TRUE(cluster.elect(2));
    cluster.advance(Cluster::kHeartbeatNs, {2});
    cluster.settle();
    EXPECT_EQ(cluster.raft(2).least_memory_limit(), 300u);
    cluster.raft(1).set_memory_limit(700);
    EXPECT_EQ(least(), 700u) << "a follower knows its own";
}

}  // namespace
}  // namespace kvorum::raft::testing
