// kvorum top: rates from two looks, nodes that do not answer, and the leader's stages.
#include "tools/top_view.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <sstream>

namespace kvorum::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

NodeLook look(uint64_t id, bool leads, uint64_t commands, uint64_t writes, uint64_t batches) {
    const std::string info = fmt::format(
        "raft_node_id:{}\r\nraft_role:{}\r\nraft_term:4\r\nraft_last_index:20\r\nraft_last_applied:17\r\n"
        "total_commands_processed:{}\r\nraft_batches_proposed:{}\r\nwal_syncs:{}\r\n"
        "latency_stage_queue_usec:p50=10.000,p99=20.000,p99.9=30.000,max=40.000,count={}\r\n"
        "latency_stage_sync_usec:p50=0.000,p99=0.000,p99.9=0.000,max=0.000,count=0\r\n"
        "latency_percentiles_usec_set:p50=400.500,p99=900.000,p99.9=950.000\r\n",
        id, leads ? "leader" : "follower", commands, batches, batches, writes);
    return {{.host = "127.0.0.1", .port = static_cast<uint16_t>(7000 + id)}, parse_info(info)};
}

// The words of the line that begins with `first`.
std::vector<std::string> words(const std::string& text, const std::string& first) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream stream(line);
        std::vector<std::string> found(std::istream_iterator<std::string>(stream), {});
        if (!found.empty() && found.front() == first) return found;
    }
    ADD_FAILURE() << "no line " << first << " in\n" << text;
    return {};
}

TEST(TopViewTest, RatesAreOfTheTimeBetweenTheLooks) {
    const std::string text = format_top({look(1, true, 1000, 600, 100)}, {look(1, true, 3000, 1600, 150)}, 2.0);
    const std::vector<std::string> row = words(text, "1");
    ASSERT_GE(row.size(), 8u);
    EXPECT_THAT(std::vector(row.begin() + 1, row.begin() + 8),
                ElementsAre("127.0.0.1:7001", "leader", "4", "1000", "500", "20.0", "25"));
}

TEST(TopViewTest, ANodeThatWasStartedAgainHasNoRateYet) {
    const std::string text = format_top({look(1, true, 1000, 600, 100)}, {look(1, true, 10, 5, 1)}, 1.0);
    EXPECT_EQ(words(text, "1")[4], "-");
}

TEST(TopViewTest, ANodeThatDoesNotAnswerIsNamed) {
    NodeLook silent{{.host = "127.0.0.1", .port = 7002}, std::nullopt};
    const std::string text = format_top({look(1, true, 1, 1, 1), silent}, {look(1, true, 2, 2, 2), silent}, 1.0);
    EXPECT_THAT(text, HasSubstr("no answer from 127.0.0.1:7002\n"));
    EXPECT_EQ(words(text, "1")[2], "leader");
}

TEST(TopViewTest, TheLeaderShowsWhereItsWritesSpendTheirTime) {
    const std::vector<NodeLook> looks{look(1, false, 1, 0, 0), look(2, true, 1, 1, 1)};
    const std::string text = format_top(looks, looks, 1.0);
    EXPECT_THAT(text, HasSubstr("at the leader, node 2"));
    EXPECT_THAT(words(text, "stage"), ElementsAre("stage", "queue", "10.000", "20.000", "30.000"));
    EXPECT_THAT(words(text, "set"), ElementsAre("set", "400.500", "900.000", "950.000"));
    EXPECT_THAT(text, Not(HasSubstr("stage sync"))) << "nothing was counted there";
}

TEST(TopViewTest, WithoutALeaderItSaysSo) {
    const std::vector<NodeLook> looks{look(1, false, 1, 0, 0)};
    EXPECT_THAT(format_top(looks, looks, 1.0), HasSubstr("no leader among them"));
}

TEST(TopViewTest, OneAddressLeadsToAll) {
    const NodeStatus leader = parse_info(
        "raft_role:leader\r\nslave0:ip=127.0.0.1,port=7002,state=online,offset=1,lag=0\r\n"
        "slave1:ip=127.0.0.1,port=7003,state=online,offset=1,lag=0\r\n");
    std::vector<std::string> addresses;
    for (const reactor::Endpoint& endpoint : cluster_endpoints(leader, {.host = "127.0.0.1", .port = 7001}))
        addresses.push_back(endpoint.to_string());
    EXPECT_THAT(addresses, ElementsAre("127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"));
}

}  // namespace
}  // namespace kvorum::tools
