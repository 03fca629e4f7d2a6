// The configuration and the feature level of a cluster, as its nodes know them from their logs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/raft/made_up.h"

namespace kvorum::raft::testing {
namespace {

using ::testing::HasSubstr;

EntryPtr stating(EntryType type, const std::string& body, uint64_t index, uint64_t term, uint64_t prev_checksum) {
    EntryBuilder builder(type);
    builder.buffer().append(body);
    return std::move(builder).seal(kTestCluster, kFirstGroup, LogIndex{index}, Term{term}, prev_checksum);
}

EntryPtr config_entry(const std::vector<NodeId>& voters, uint64_t index, uint64_t term, uint64_t prev_checksum) {
    return stating(EntryType::kConfig, encode_configuration(configuration_of(voters)), index, term, prev_checksum);
}

// --- the configuration (thesis 4.1) ---

TEST(ConfigurationInForce, IsTheFirstEntryOfACluster) {
    Cluster cluster(3);
    EXPECT_EQ(cluster.raft(1).configuration(), configuration_of({NodeId{1}, NodeId{2}, NodeId{3}}));
    EXPECT_EQ(cluster.raft(1).status().configuration_index, LogIndex{});
    ASSERT_TRUE(cluster.elect(1));
    const EntryPtr first = cluster.entry(1, LogIndex{1});
    EXPECT_EQ(first->header().type, EntryType::kConfig);
    EXPECT_EQ(decode_configuration(first->body()), cluster.node(1).config.configuration);
    cluster.settle();
    for (const uint64_t id : {1, 2, 3})
        EXPECT_EQ(cluster.raft(id).status().configuration_index, LogIndex{1}) << id;
}

TEST(ConfigurationInForce, IsTheLastOneInTheLogAndTheOneBeforeWhenThatIsCutOff) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    const EntryPtr first = cluster.entry(1, LogIndex{1});
    const EntryPtr second = config_entry({NodeId{3}, NodeId{4}}, 2, 1, first->id().checksum);
    cluster.inject(append(1, 3, 1, 1, 1, {second}));
    EXPECT_EQ(cluster.raft(3).status().configuration_index, LogIndex{2});
    EXPECT_EQ(cluster.raft(3).configuration(), configuration_of({NodeId{3}, NodeId{4}}));
    const EntryPtr other = make_entry(LogIndex{2}, Term{2}, "x", first->id().checksum);
    cluster.inject(append(2, 3, 2, 1, 1, {other}));
    EXPECT_EQ(cluster.raft(3).status().configuration_index, LogIndex{1});
    EXPECT_EQ(cluster.raft(3).status().voters, (std::vector{NodeId{1}, NodeId{2}, NodeId{3}}));
}

TEST(ConfigurationInForce, IsKnownAgainAfterARestart) {
    Cluster cluster(3);
    ASSERT_TRUE(cluster.elect(1));
    const EntryPtr second = config_entry({NodeId{3}, NodeId{4}}, 2, 1, cluster.entry(1, LogIndex{1})->id().checksum);
    cluster.inject(append(1, 3, 1, 1, 1, {second}));
    cluster.settle();
    cluster.crash(3);
    cluster.restart(3);
    EXPECT_EQ(cluster.raft(3).status().configuration_index, LogIndex{2});
}

TEST(ConfigurationInForce, AnEntryThatStatesNoneIsDropped) {
    Cluster cluster(3);
    const EntryPtr entry = stating(EntryType::kConfig, "no configuration", 1, 1, 0);
    cluster.inject(append(1, 3, 1, 0, 0, {entry}));
    EXPECT_EQ(cluster.raft(3).status().dropped_messages.malformed, 1u);
    EXPECT_EQ(cluster.raft(3).last_index(), LogIndex{});
}

TEST(Groups, MessagesAndEntriesOfAnotherGroupAreDropped) {
    Cluster cluster(3);
    Message message = append(1, 3, 1);
    message.group = GroupId{2};
    cluster.inject(message);
    EXPECT_EQ(cluster.raft(3).status().dropped_messages.malformed, 1u);
    EntryBuilder builder(EntryType::kNoop);
    const EntryPtr entry = std::move(builder).seal(kTestCluster, GroupId{2}, LogIndex{1}, Term{1}, 0);
    cluster.inject(append(1, 3, 1, 0, 0, {entry}));
    EXPECT_EQ(cluster.raft(3).status().dropped_messages.malformed, 2u);
}

// --- the feature level ---

// Three nodes whose programs know these levels.
class FeatureLevelTest : public ::testing::Test {
 protected:
    void start(std::vector<uint16_t> known) {
        cluster_ = std::make_unique<Cluster>(known.size(), [known](RaftConfig& config) {
            config.feature_level_max = known[config.self.value() - 1];
            config.program_version = fmt::format("0.{}", config.feature_level_max);
        });
        ASSERT_TRUE(cluster_->elect(1));
        beat();
    }
    void beat() {
        for (int i = 0; i < 2; ++i) {
            cluster_->advance(Cluster::kHeartbeatNs, {1});
            cluster_->settle();
        }
    }
    // The program of a node is replaced.
    void replace(uint64_t id, uint16_t known) {
        if (cluster_->is_up(id)) cluster_->crash(id);
        cluster_->node(id).config.feature_level_max = known;
        cluster_->restart(id);
        beat();
    }
    [[nodiscard]] uint16_t level(uint64_t id) { return cluster_->raft(id).feature_level(); }
    [[nodiscard]] EntryPtr last_entry(uint64_t id) { return cluster_->entry(id, cluster_->raft(id).last_index()); }

    std::unique_ptr<Cluster> cluster_;
};

TEST_F(FeatureLevelTest, IsRaisedToTheLowestThatAllVotersKnow) {
    start({4, 3, 5});
    for (const uint64_t id : {1, 2, 3})
        EXPECT_EQ(level(id), 3u) << id;
    ASSERT_EQ(last_entry(2)->header().type, EntryType::kFeatureLevel);
    EXPECT_EQ(decode_feature_level(last_entry(2)->body()), (FeatureLevelRaise{.level = 3, .raised_by = "0.4"}));
    EXPECT_EQ(last_entry(2)->header().feature_level, 1u) << "not yet in force when it was written";
}

TEST_F(FeatureLevelTest, IsNotRaisedWhileOneVoterKnowsLess) {
    start({2, 2, 1});
    EXPECT_EQ(level(1), 1u);
    EXPECT_EQ(cluster_->raft(1).last_index(), LogIndex{1});
    replace(3, 2);
    EXPECT_EQ(level(1), 2u);
    EXPECT_EQ(level(3), 2u);
}

TEST_F(FeatureLevelTest, IsNotRaisedBeforeEveryVoterHasSpoken) {
    cluster_ = std::make_unique<Cluster>(3, [](RaftConfig& config) { config.feature_level_max = 2; });
    cluster_->isolate(3);
    ASSERT_TRUE(cluster_->elect(1));
    beat();
    EXPECT_EQ(level(1), 1u);
    cluster_->heal();
    beat();
    beat();
    EXPECT_EQ(level(1), 2u);
}

TEST_F(FeatureLevelTest, ASingleNodeRaisesItByItself) {
    start({2});
    EXPECT_EQ(level(1), 2u);
}

TEST_F(FeatureLevelTest, EntriesNameTheLevelThatIsInForce) {
    start({2, 2, 2});
    ASSERT_EQ(cluster_->propose(1, "x").status, ProposeStatus::kAccepted);
    EXPECT_EQ(last_entry(1)->header().feature_level, 2u);
}

// The entry says that whoever wrote it saw the level committed.
TEST_F(FeatureLevelTest, IsKnownAfterARestartFromAnEntryThatWasWrittenAtIt) {
    start({2, 2, 2});
    ASSERT_EQ(cluster_->propose(1, "x").status, ProposeStatus::kAccepted);
    cluster_->settle();
    cluster_->crash(3);
    cluster_->restart(3);
    EXPECT_EQ(level(3), 2u);
}

// It reported more before, from the program that it was replaced by.
TEST_F(FeatureLevelTest, AFollowerThatCannotReadWhatIsSentEndsItself) {
    start({2, 1, 2});
    cluster_->crash(3);
    replace(2, 2);
    ASSERT_EQ(level(1), 2u);
    replace(3, 1);
    EXPECT_THAT(cluster_->node(3).unreadable, HasSubstr("the cluster is at feature level 2, raised by version 0.2"));
    EXPECT_EQ(cluster_->raft(3).last_index(), LogIndex{1});
}

TEST_F(FeatureLevelTest, AnEntryOfAnUnknownTypeIsNotTaken) {
    start({1, 1, 1});
    const EntryPtr entry = stating(EntryType{99}, "what is this", 2, 1, cluster_->entry(1, LogIndex{1})->id().checksum);
    cluster_->inject(append(1, 3, 1, 1, 1, {entry}));
    EXPECT_THAT(cluster_->node(3).unreadable, HasSubstr("entry 2 is of type 99"));
    EXPECT_EQ(cluster_->raft(3).last_index(), LogIndex{1});
}

}  // namespace
}  // namespace kvorum::raft::testing
