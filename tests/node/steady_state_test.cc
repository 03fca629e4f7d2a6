// What a request costs nodes that have warmed up, counted: heap allocations, copies of a value's bytes, coroutines
// (bench/cost/three_nodes.h).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bench/cost/three_nodes.h"

namespace kvorum::bench {
namespace {

constexpr int kRounds = 200;
// Heartbeats and sweeps go on meanwhile.
constexpr uint64_t kHeartbeatCostsMax = 400;

class SteadyState : public ::testing::Test {
 protected:
    [[nodiscard]] NodeCosts costs(size_t node, const Exchange& exchange, int pipeline) const {
        const NodeCosts costs = nodes_.costs(node, exchange, pipeline, kRounds);
        fmt::print("{:>5} requests, {} entries: {} allocations, {} coroutines, {} bytes copied\n",
                   kRounds * ThreeNodes::kConnections * static_cast<size_t>(pipeline), costs.entries, costs.allocations,
                   costs.coroutines, costs.copied_bytes);
        return costs;
    }
    // How often each byte of the values was copied.
    [[nodiscard]] double copies_of_values(size_t node, size_t value_bytes, int pipeline) const {
        const NodeCosts costs = this->costs(node, set_exchange(value_bytes), pipeline);
        const size_t values = kRounds * ThreeNodes::kConnections * static_cast<size_t>(pipeline);
        return static_cast<double>(costs.copied_bytes) / static_cast<double>(values * value_bytes);
    }

    ThreeNodes nodes_;
};

TEST_F(SteadyState, AReadAllocatesNothingAndStartsNoCoroutine) {
    const Exchange set = set_exchange(64);
    nodes_.run(set, 1, 1);
    const Exchange get{"*2\r\n" + bulk("GET") + bulk("key"), bulk(std::string(64, 'v'))};
    for (const int pipeline : {1, 16}) {
        const NodeCosts leader = costs(nodes_.leader(), get, pipeline);
        EXPECT_LT(leader.allocations, kHeartbeatCostsMax);
        EXPECT_LT(leader.coroutines, kHeartbeatCostsMax);
    }
}

TEST_F(SteadyState, ABatchOfWritesAllocatesNothingAndStartsNoCoroutine) {
    for (const size_t node : {nodes_.leader(), nodes_.follower()}) {
        for (const size_t value_bytes : {64u, 1024u}) {
            const NodeCosts costs = this->costs(node, set_exchange(value_bytes), 16);
            EXPECT_GT(costs.entries, uint64_t{kRounds} / 2) << "there were batches to allocate for";
            EXPECT_LT(costs.allocations, kHeartbeatCostsMax / 2);
            EXPECT_LT(costs.coroutines, kHeartbeatCostsMax);
        }
    }
}

#if defined(__x86_64__)
// A few batches are copied once more: they share a group of the log with others, or begin a segment of it.
constexpr double kCopiedAgain = 0.25;

// Into the entry, and from there into the record.
TEST_F(SteadyState, AFollowerCopiesAValueTwice) {
    EXPECT_LT(copies_of_values(nodes_.follower(), 1024, 16), 2 + kCopiedAgain);
}

// The same two, and one of what straddles two receive buffers.
TEST_F(SteadyState, ALeaderCopiesAValueThreeTimesAtMost) {
    EXPECT_LT(copies_of_values(nodes_.leader(), 1024, 16), 3 + kCopiedAgain);
}
#endif

}  // namespace
}  // namespace kvorum::bench
