// Snapshots travel on a connection of their own.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/peers/peer_link_fixture.h"

namespace kvorum::peers::test {
namespace {

class SnapshotLinkTest : public PeerLinkTest {
 protected:
    ~SnapshotLinkTest() override {
        if (snapshot_link_) stop_and_join(reactor_, *snapshot_link_);
        snapshot_link_.reset();
    }
    bool connect_both() {
        if (!connect()) return false;
        PeerLinkConfig config = link_config();
        config.purpose = LinkPurpose::kSnapshots;
        snapshot_link_.emplace(reactor_, flusher_, config, sender_);
        snapshot_link_->start();
        return until([this] { return snapshot_link_->connected(); });
    }

    std::optional<PeerLink> snapshot_link_;
};

TEST_F(SnapshotLinkTest, NeitherConnectionReplacesTheOther) {
    ASSERT_TRUE(connect_both());
    run_for(10 * kMillisecondNs);
    EXPECT_TRUE(link_->connected());
    EXPECT_EQ(listener_->stats().replaced, 0u);
    EXPECT_EQ(listener_->connection_count(), 2u);
}

TEST_F(SnapshotLinkTest, EachCarriesWhatItIsFor) {
    ASSERT_TRUE(connect_both());
    EXPECT_TRUE(snapshot_link_->send(SnapshotFetch{.name = kSnapshotName, .offset = 7}));
    EXPECT_TRUE(snapshot_link_->send(SnapshotPart{.name = kSnapshotName, .offset = 7, .bytes = as_bytes("some")}));
    EXPECT_TRUE(link_->send(SnapshotOffer{.term = Term{3}, .name = kSnapshotName}));
    EXPECT_TRUE(link_->send(SnapshotReport{.name = kSnapshotName, .installed = true}));
    EXPECT_TRUE(until([this] {
        return receiver_.has("snapshot 22 from 7 on fetched by 1") &&
               receiver_.has("part of snapshot 22 from 1: 4 bytes") && receiver_.has("snapshot 22 offered by 1") &&
               receiver_.has("snapshot 22 installed at 1");
    }));
}

TEST_F(SnapshotLinkTest, AMessageOnTheConnectionForSnapshotsClosesIt) {
    ASSERT_TRUE(connect_both());
    ASSERT_TRUE(snapshot_link_->send(message_to(NodeId{2}, raft::TimeoutNow{Term{3}})));
    EXPECT_TRUE(until([this] { return listener_->stats().broken == 1; }));
    EXPECT_TRUE(receiver_.messages.empty());
    EXPECT_TRUE(link_->connected());
}

TEST_F(SnapshotLinkTest, ThePeerIsNotGoneWithTheConnectionForItsSnapshots) {
    ASSERT_TRUE(connect_both());
    stop_and_join(reactor_, *snapshot_link_);
    run_for(10 * kMillisecondNs);
    EXPECT_FALSE(receiver_.has("peer 1 (10) gone"));
    EXPECT_TRUE(listener_->has_connection_of(NodeId{1}));
}

}  // namespace
}  // namespace kvorum::peers::test
