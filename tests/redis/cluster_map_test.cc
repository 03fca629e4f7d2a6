// The map of slots that cluster clients are told: CLUSTER SLOTS, SHARDS, NODES, INFO, REPLICAS, LINKS. The forms are
// Redis 7.0.15's.
#include "redis/cluster_map.h"

#include <gmock/gmock.h>

#include "tests/redis/server_commands_fixture.h"

namespace kvorum::redis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ClusterMapTest : public ServerCommandsTest {
 protected:
    std::string name(uint64_t id) { return cluster_node_name(node_.cluster(), NodeId{id}); }

    // "first-last port port ..." of each range of CLUSTER SLOTS.
    std::vector<std::string> slots() {
        std::vector<std::string> ranges;
        for (const ReplyValue& range : reply_to({"CLUSTER", "SLOTS"}).elements) {
            std::string text = fmt::format("{}-{}", range.elements[0].integer, range.elements[1].integer);
            for (size_t i = 2; i < range.elements.size(); ++i)
                text += fmt::format(" {}", range.elements[i].elements[1].integer);
            ranges.push_back(text);
        }
        return ranges;
    }

    // "first-last port:role:health ..." of each shard of CLUSTER SHARDS.
    std::vector<std::string> shards() {
        std::vector<std::string> result;
        for (const ReplyValue& shard : reply_to({"CLUSTER", "SHARDS"}).elements) {
            const auto& range = value_of(shard, "slots").elements;
            std::string text = range.empty() ? "-" : fmt::format("{}-{}", range[0].integer, range[1].integer);
            for (const ReplyValue& node : value_of(shard, "nodes").elements) {
                text += fmt::format(" {}:{}:{}", value_of(node, "port").integer, value_of(node, "role").text,
                                    value_of(node, "health").text);
            }
            result.push_back(text);
        }
        return result;
    }

    void lose(uint64_t member, uint64_t for_ns) {
        node_.unreachable = NodeId{member};
        node_.unreachable_since_ns = node_.now_ns() - for_ns;
    }
};

// --- spread: what forward mode tells ---

class SpreadMapTest : public ClusterMapTest {};

TEST_F(SpreadMapTest, EveryMemberIsMasterOfItsShare) {
    node_.follow(NodeId{3});
    EXPECT_THAT(slots(), ElementsAre("0-5460 7001", "5461-10921 7002", "10922-16383 7003"));
    EXPECT_THAT(shards(), ElementsAre("0-5460 7001:master:online", "5461-10921 7002:master:online",
                                      "10922-16383 7003:master:online"));
    EXPECT_EQ(text_of({"CLUSTER", "NODES"}),
              name(1) + " 127.0.0.1:7001@17001 myself,master - 0 0 4 connected 0-5460\n" + name(2) +
                  " 127.0.0.1:7002@17002 master - 0 0 4 connected 5461-10921\n" + name(3) +
                  " 127.0.0.1:7003@17003 master - 0 0 4 connected 10922-16383\n");
}

TEST_F(SpreadMapTest, TheLeaderIsListedBehindTheOthersThatLive) {
    EXPECT_THAT(slots(), ElementsAre("5461-10921 7002", "10922-16383 7003", "0-5460 7001"));
    lose(2, 0);
    EXPECT_THAT(shards(),
                ElementsAre("8192-16383 7003:master:online", "0-8191 7001:master:online", "- 7002:master:fail"));
    node_.follow(NodeId{});
    EXPECT_THAT(slots(), ElementsAre("8192-16383 7003", "0-8191 7001")) << "the last known one too";
}

TEST_F(SpreadMapTest, TheShareOfAMemberThatIsGoneGoesToTheOthersAtOnce) {
    lose(1, 0);
    node_.status.self = NodeId{2};
    EXPECT_THAT(slots(), ElementsAre("0-8191 7002", "8192-16383 7003"));
}

TEST_F(SpreadMapTest, AMemberThatIsGoneComesLastAndWithoutSlots) {
    lose(1, 0);
    node_.status.self = NodeId{2};
    EXPECT_THAT(shards(),
                ElementsAre("0-8191 7002:master:online", "8192-16383 7003:master:online", "- 7001:master:fail"));
    EXPECT_THAT(text_of({"CLUSTER", "NODES"}),
                testing::EndsWith(name(1) + " 127.0.0.1:7001@17001 master,fail? - 0 0 4 disconnected\n"));
}

TEST_F(SpreadMapTest, AMemberThatStaysGoneHasFailed) {
    lose(3, 3 * kSecondNs);
    EXPECT_THAT(text_of({"CLUSTER", "NODES"}), HasSubstr("127.0.0.1:7003@17003 master,fail - 0 0 4 disconnected\n"));
}

TEST_F(SpreadMapTest, ANodeAloneOwnsAllSlots) {
    node_.config_.members.resize(1);
    EXPECT_THAT(slots(), ElementsAre("0-16383 7001"));
}

TEST_F(SpreadMapTest, AllSlotsStayListedWhileNoLeaderIsKnown) {
    node_.follow(NodeId{});
    EXPECT_THAT(slots(), testing::UnorderedElementsAre("0-5460 7001", "5461-10921 7002", "10922-16383 7003"));
    EXPECT_THAT(text_of({"CLUSTER", "INFO"}),
                HasSubstr("cluster_state:fail\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n"));
}

TEST_F(SpreadMapTest, CountsMastersWithSlots) {
    lose(3, 0);
    EXPECT_EQ(text_of({"CLUSTER", "INFO"}),
              "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\ncluster_slots_pfail:0\r\n"
              "cluster_slots_fail:0\r\ncluster_known_nodes:3\r\ncluster_size:2\r\ncluster_current_epoch:4\r\n"
              "cluster_my_epoch:4\r\ncluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\n"
              "total_cluster_links_buffer_limit_exceeded:0\r\n");
}

TEST_F(SpreadMapTest, MastersHaveNoReplicas) {
    EXPECT_THAT(reply_to({"CLUSTER", "REPLICAS", name(2)}).elements, IsEmpty());
}

// --- leader: what redirect mode tells, and forward mode on request ---

class LeaderMapTest : public ClusterMapTest {
 protected:
    LeaderMapTest() { node_.config_.cluster_view = ClusterView::kLeader; }
};

TEST_F(LeaderMapTest, RedirectModeAlwaysTellsTheLeader) {
    node_.config_.cluster_view = ClusterView::kSpread;
    node_.config_.follower_mode = FollowerMode::kRedirect;
    EXPECT_THAT(slots(), ElementsAre("0-16383 7001 7002 7003"));
}

TEST_F(LeaderMapTest, TheLeaderOwnsAllSlotsAndOnlyReplicasThatAnswerAreListed) {
    lose(2, 0);
    EXPECT_EQ(run({"CLUSTER", "SLOTS"}), "*1\r\n*4\r\n:0\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:7001\r\n$40\r\n" +
                                             name(1) + "\r\n*0\r\n*4\r\n$9\r\n127.0.0.1\r\n:7003\r\n$40\r\n" + name(3) +
                                             "\r\n*0\r\n");
}

TEST_F(LeaderMapTest, TheLeaderComesFirstOnEveryNode) {
    node_.follow(NodeId{3});
    EXPECT_THAT(slots(), ElementsAre("0-16383 7003 7001 7002"));
}

TEST_F(LeaderMapTest, MembersThatAreGoneComeLast) {
    lose(2, 0);
    EXPECT_THAT(shards(), ElementsAre("0-16383 7001:master:online 7003:replica:online 7002:replica:fail"));
    EXPECT_EQ(text_of({"CLUSTER", "NODES"}),
              name(1) + " 127.0.0.1:7001@17001 myself,master - 0 0 4 connected 0-16383\n" + name(3) +
                  " 127.0.0.1:7003@17003 slave " + name(1) + " 0 0 4 connected\n" + name(2) +
                  " 127.0.0.1:7002@17002 slave,fail? " + name(1) + " 0 0 4 disconnected\n");
}

TEST_F(LeaderMapTest, TheLastKnownLeaderStaysTheOwner) {
    node_.follow(NodeId{3});
    (void)slots();
    node_.follow(NodeId{});
    lose(3, 0);
    EXPECT_THAT(slots(), ElementsAre("0-16383 7003 7001 7002"));
    EXPECT_THAT(shards(), ElementsAre("0-16383 7003:master:fail 7001:replica:online 7002:replica:online"));
    EXPECT_THAT(text_of({"CLUSTER", "NODES"}), HasSubstr("7003@17003 master,fail? - 0 0 4 disconnected 0-16383\n"));
    EXPECT_THAT(text_of({"CLUSTER", "INFO"}), HasSubstr("cluster_state:fail\r\ncluster_slots_assigned:16384\r\n"
                                                        "cluster_slots_ok:0\r\ncluster_slots_pfail:16384\r\n"));
}

TEST_F(LeaderMapTest, ANodeThatNeverKnewALeaderListsItself) {
    node_.follow(NodeId{});
    EXPECT_THAT(slots(), ElementsAre("0-16383 7001 7002 7003"));
    EXPECT_THAT(text_of({"CLUSTER", "INFO"}), HasSubstr("cluster_state:fail\r\n"));
}

TEST_F(LeaderMapTest, ListsTheReplicasOfTheLeader) {
    EXPECT_EQ(reply_to({"CLUSTER", "REPLICAS", name(1)}).elements.size(), 2u);
    EXPECT_EQ(reply_to({"CLUSTER", "SLAVES", name(1)}).elements.size(), 2u);
    EXPECT_EQ(run({"CLUSTER", "REPLICAS", name(2)}), "-ERR The specified node is not a master\r\n");
    EXPECT_EQ(run({"CLUSTER", "REPLICAS", "foo"}), "-ERR Unknown node foo\r\n");
    EXPECT_EQ(run({"CLUSTER", "COUNT-FAILURE-REPORTS", name(1)}), ":0\r\n");
    EXPECT_EQ(run({"CLUSTER", "COUNT-FAILURE-REPORTS", "foo"}), "-ERR Unknown node foo\r\n");
}

TEST_F(LeaderMapTest, TellsHowMuchOfTheLogEachMemberHas) {
    const ReplyValue shard = reply_to({"CLUSTER", "SHARDS"}).elements[0];
    const ReplyValue& nodes = value_of(shard, "nodes");
    EXPECT_EQ(value_of(nodes.elements[0], "replication-offset").integer, 70);
    EXPECT_EQ(value_of(nodes.elements[2], "replication-offset").integer, 12);
}

// --- both ---

TEST_F(ClusterMapTest, NamesTheNodeTheSameEverywhere) {
    EXPECT_EQ(text_of({"CLUSTER", "MYID"}), name(1));
    EXPECT_THAT(text_of({"CLUSTER", "NODES"}), HasSubstr(name(1) + " 127.0.0.1:7001@17001 myself"));
    // It leads, so its shard is listed last.
    const ReplyValue shards = reply_to({"CLUSTER", "SHARDS"});
    EXPECT_EQ(value_of(value_of(shards.elements.back(), "nodes").elements[0], "id").text, name(1));
}

TEST_F(ClusterMapTest, KnowsANodeByFortyHexDigitsOfItsOwnAndOfItsCluster) {
    EXPECT_EQ(name(1).size(), 40u);
    EXPECT_EQ(name(1).find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_NE(name(1), name(2));
    EXPECT_NE(name(1), cluster_node_name(ClusterId{5}, NodeId{1}));
}

TEST_F(ClusterMapTest, ListsTheLinksToThePeersThatAnswer) {
    lose(3, 0);
    const ReplyValue links = reply_to({"CLUSTER", "LINKS"});
    ASSERT_EQ(links.elements.size(), 1u);
    EXPECT_EQ(value_of(links.elements[0], "direction").text, "to");
    EXPECT_EQ(value_of(links.elements[0], "node").text, name(2));
    EXPECT_EQ(value_of(links.elements[0], "create-time").integer, 1'699'999'999'000);
    EXPECT_EQ(value_of(links.elements[0], "events").text, "rw");
    EXPECT_EQ(value_of(links.elements[0], "send-buffer-used").integer, 10);
}

TEST_F(ClusterMapTest, ChangesWithConfigSet) {
    EXPECT_EQ(config_get({"cluster-view"})["cluster-view"], "spread");
    EXPECT_EQ(run({"CONFIG", "SET", "cluster-view", "leader"}), "+OK\r\n");
    EXPECT_EQ(config_get({"cluster-view"})["cluster-view"], "leader");
    EXPECT_THAT(slots(), ElementsAre("0-16383 7001 7002 7003"));
    EXPECT_EQ(run({"CONFIG", "SET", "cluster-view", "spread"}), "+OK\r\n");
    EXPECT_EQ(slots().size(), 3u);
    EXPECT_THAT(run({"CONFIG", "SET", "cluster-view", "both"}), HasSubstr("give one of: spread, leader"));
}

}  // namespace
}  // namespace kvorum::redis
