// A link under random faults, drawn from a seed: short sends, broken connections, restarts of the listener, any order
// of ready tasks.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/prng.h"
#include "tests/peers/fake_network.h"
#include "tests/peers/link_fixture.h"

namespace kvorum::peers {
namespace {

using test::kCluster;

const reactor::Endpoint kEndpoint{"fake", 7000};

// The owner of the link and the handler at the other end: keeps only request ids.
class Ledger final : public PeerLinkOwner,
                     public PeerRegistry,
                     public RaftReceiver,
                     public ForwardReceiver,
                     public RepairReceiver,
                     public SnapshotReceiver,
                     public ReadIndexReceiver {
 public:
    void on_link_connected(NodeId, uint64_t) override { ++connects; }
    void on_link_disconnected(NodeId, std::span<const uint64_t> unsent_ids) override {
        unsent.insert(unsent_ids.begin(), unsent_ids.end());
    }
    void on_link_room(NodeId) override {}
    void on_unreachable(NodeId) override {}
    LogId meet_peer(NodeId, LogId log_id) override { return log_id; }
    void on_known_by_other_log(NodeId, std::string_view) override {}
    bool is_known_peer(NodeId) override { return true; }
    void on_raft_message(raft::Message) override {}
    void on_forward_requests(NodeId, std::span<const ForwardRequest> requests) override {
        for (const ForwardRequest& request : requests)
            received.push_back(request.request_id);
    }
    void on_large_request(NodeId, const ForwardRequest&, PackedCommand) override {}
    void on_forward_replies(NodeId, std::span<const ForwardReply>) override {}
    void on_forward_credit(NodeId, const ForwardCredit&) override {}
    void on_read_index_request(NodeId, const ReadIndexRequest&) override {}
    void on_read_index_reply(NodeId, const ReadIndexReply&) override {}
    void on_repair_request(NodeId, const RepairRequest&) override {}
    void on_repair_reply(NodeId, RepairReply) override {}
    void on_snapshot_offer(NodeId, const SnapshotOffer&) override {}
    void on_snapshot_report(NodeId, const SnapshotReport&) override {}
    void on_snapshot_fetch(NodeId, const SnapshotFetch&) override {}
    void on_snapshot_part(NodeId, const SnapshotPart&) override {}
    void on_peer_disconnected(NodeId, uint64_t) override {}

    uint64_t connects = 0;
    std::set<uint64_t> unsent;
    std::vector<uint64_t> received;
};

class LinkFaultsTest : public ::testing::TestWithParam<uint64_t> {
 protected:
    LinkFaultsTest() { set_log_level(LogLevel::kOff); }
    ~LinkFaultsTest() override { set_log_level(LogLevel::kInfo); }

    void start_listener() {
        listener_.emplace(
            reactor_, flusher_, PeerListenerConfig{.cluster = kCluster, .self = NodeId{2}, .log_id = test::kOtherLog},
            network_.listen(kEndpoint).value(), ledger_, PeerReceivers{ledger_, ledger_, ledger_, ledger_, ledger_});
        listener_->start();
    }
    void stop_listener() {
        if (!listener_) return;
        test::stop_and_join(reactor_, *listener_);
        listener_.reset();
    }
    void turns(uint64_t count) {
        for (uint64_t i = 0; i < count; ++i)
            reactor_.turn(network_.monotonic_ns() + kMillisecondNs);
    }
    void draw_faults() {
        network_.send_bytes_max = 1 + prng_.below(prng_.chance(1, 2) ? 50 : 5000);
        network_.receive_bytes_max = 1 + prng_.below(prng_.chance(1, 2) ? 20 : 4096);
        network_.socket_buffer_bytes = 1 + prng_.below(2000);
        network_.receivers_sleep = prng_.chance(1, 5);
        network_.send_fails = prng_.chance(1, 20);
        network_.connects_hang = prng_.chance(1, 10);
        if (prng_.chance(1, 15)) stop_listener();
        if (!listener_ && prng_.chance(1, 2)) start_listener();
    }
    void end_faults() {
        network_.send_bytes_max = UINT64_MAX;
        network_.receive_bytes_max = 4096;
        network_.socket_buffer_bytes = 64 * kKiB;
        network_.receivers_sleep = false;
        network_.send_fails = false;
        network_.connects_hang = false;
        if (!listener_) start_listener();
    }

    Prng prng_{GetParam()};
    test::FakeNetwork network_;
    reactor::Reactor reactor_{network_, {.shuffle_seed = GetParam()}};
    net::OutputFlusher flusher_{reactor_};
    Ledger ledger_;
    std::optional<PeerListener> listener_;
};

TEST_P(LinkFaultsTest, NoRequestIsExecutedTwiceOrOutOfOrderOrAfterItWasCalledUnsent) {
    PeerLinkConfig config;
    config.cluster = kCluster;
    config.self = NodeId{1};
    config.log_id = test::kLog;
    config.peer = NodeId{2};
    config.endpoint = kEndpoint;
    config.seed = GetParam();
    config.queue_bytes_max = 10'000;
    PeerLink link(reactor_, flusher_, config, ledger_);
    link.start();
    const std::string value(300, 'v');
    uint64_t next_id = 1;
    uint64_t accepted = 0;
    for (int round = 0; round < 400; ++round) {
        draw_faults();
        for (uint64_t n = prng_.below(6); n > 0; --n) {
            const std::string_view argument = std::string_view(value).substr(prng_.below(value.size()));
            const std::vector<ForwardRequest> requests{{.request_id = next_id++, .arguments = {argument}}};
            accepted += link.send(requests) ? 1 : 0;
        }
        turns(prng_.below(60));
    }
    end_faults();
    for (int i = 0; i < 20'000 && !link.connected(); ++i)
        turns(1);
    ASSERT_TRUE(link.connected()) << "the link must come back once the faults end";
    const std::vector<ForwardRequest> last{{.request_id = next_id, .arguments = {"last"}}};
    for (int i = 0; i < 20'000 && !link.send(last); ++i)
        turns(1);
    for (int i = 0; i < 20'000 && (ledger_.received.empty() || ledger_.received.back() != next_id); ++i)
        turns(1);

    ASSERT_FALSE(ledger_.received.empty());
    EXPECT_EQ(ledger_.received.back(), next_id);
    for (size_t i = 1; i < ledger_.received.size(); ++i)
        ASSERT_LT(ledger_.received[i - 1], ledger_.received[i]);
    for (const uint64_t id : ledger_.received)
        ASSERT_FALSE(ledger_.unsent.contains(id)) << id;
    // The run was worth something: requests were accepted, connections broke, some requests were known to be unsent.
    EXPECT_GT(accepted, 50u);
    EXPECT_GT(ledger_.connects, 1u);
    EXPECT_GT(ledger_.received.size(), 10u);

    test::stop_and_join(reactor_, link);
    stop_listener();
    EXPECT_EQ(network_.operations_in_flight(), 0u);
    EXPECT_EQ(network_.open_sockets(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LinkFaultsTest, ::testing::Range(uint64_t{1}, uint64_t{41}));

}  // namespace
}  // namespace kvorum::peers
