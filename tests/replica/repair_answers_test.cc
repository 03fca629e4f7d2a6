// What a node that serves says to a peer that repairs its log.
#include "replica/repair_answers.h"

#include <gtest/gtest.h>

#include "tests/wal/wal_test_util.h"

namespace kvorum::replica {
namespace {

using wal::test::EntryMaker;
using wal::test::QuietLog;
using wal::test::SimNode;

class Replies final : public peers::RepairSender {
 public:
    bool send(NodeId, const peers::RepairRequest&) override { return true; }
    bool send(NodeId, const peers::RepairReply& reply) override {
        last = reply;
        return true;
    }
    std::optional<peers::RepairReply> last;
};

class RepairAnswersTest : public testing::Test {
 protected:
    void SetUp() override {
        ASSERT_TRUE(node.open().ok());
        maker.next_batch(50);
        base = {.last = maker.ids().back(), .log_time_ms = maker.last_log_time_ms()};
        node.wal->begin_at(base);
    }
    peers::RepairReply ask(uint64_t index, uint64_t checksum) {
        Replies replies;
        RepairAnswers answers(node.reactor, *node.wal, replies);
        answers.on_repair_request(NodeId{2}, {LogIndex{index}, checksum});
        node.turn_until([&] { return replies.last.has_value(); });
        reactor::run_until_done(node.reactor, answers.stop());
        return *replies.last;
    }

    QuietLog quiet;
    sim::Disk disk{sim::DiskConfig{}};
    SimNode node{disk};
    EntryMaker maker;
    raft::LogBase base;
};

TEST_F(RepairAnswersTest, WhatLiesBelowItsLogIsInASnapshotOnly) {
    node.append_durably({}, maker.next_batch(3));
    for (const uint64_t index : {uint64_t{1}, uint64_t{50}}) {
        const peers::RepairReply reply = ask(index, maker.ids()[index - 1].checksum);
        EXPECT_EQ(reply.outcome, peers::RepairOutcome::kInSnapshot);
        EXPECT_EQ(reply.at.index, LogIndex{50});
    }
}

TEST_F(RepairAnswersTest, ALogWithoutEntriesEndsWithItsBase) {
    const peers::RepairReply reply = ask(55, 1);
    EXPECT_EQ(reply.outcome, peers::RepairOutcome::kOther);
    EXPECT_EQ(reply.at, base.last);
}

TEST_F(RepairAnswersTest, EntriesBehindTheBaseAreSentWithTheirNeighbours) {
    node.append_durably({}, maker.next_batch(3));
    const peers::RepairReply reply = ask(53, maker.ids().back().checksum);
    EXPECT_EQ(reply.outcome, peers::RepairOutcome::kHeld);
    EXPECT_EQ(reply.entries.size(), 3U);
}

}  // namespace
}  // namespace kvorum::replica
