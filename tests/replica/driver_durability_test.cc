// What leaves the node, and when: nothing that depends on what is not on the disk.
#include "tests/replica/driver_fixture.h"

namespace kvorum::replica {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DriverDurabilityTest : public DriverTest {
 protected:
    // Of those that node 3 was sent: how far this node says that it holds its log.
    [[nodiscard]] std::vector<uint64_t> acknowledged_to_other() const {
        std::vector<uint64_t> out;
        for (const raft::AppendEntriesReply& reply : peers_.sent_to<raft::AppendEntriesReply>(kOther)) {
            if (reply.success) out.push_back(reply.match_index.value());
        }
        return out;
    }
    // The promise of silence that a node writes down at its start.
    void start() {
        driver();
        turn();
        log_.finish_all();
        turn();
        peers_.sent.clear();
    }
};

TEST_F(DriverDurabilityTest, AVoteLeavesWhenItIsOnTheDisk) {
    start();
    receive(kPeer, raft::RequestVote{.term = Term{1}});
    turn();
    EXPECT_THAT(peers_.sent, IsEmpty());
    EXPECT_EQ(log_.units.back().hard_state->voted_for, kPeer);
    log_.finish_all();
    turn();
    ASSERT_THAT(peers_.sent_to<raft::RequestVoteReply>(kPeer), SizeIs(1));
    EXPECT_TRUE(peers_.sent_to<raft::RequestVoteReply>(kPeer)[0].granted);
}

TEST_F(DriverDurabilityTest, EntriesAreAcknowledgedWhenTheyAreOnTheDisk) {
    start();
    follow_other({entry(LogIndex{1}, Term{1}, 0)}, LogIndex{});
    turn();
    EXPECT_THAT(acknowledged_to_other(), IsEmpty());
    log_.finish_all();
    turn();
    EXPECT_THAT(acknowledged_to_other(), ::testing::ElementsAre(1));
}

TEST_F(DriverDurabilityTest, AppendEntriesLeaveBeforeTheOwnSync) {
    lead();
    ASSERT_EQ(set(7), WriteAdmission::kAccepted);
    turn();
    ASSERT_LT(log_.durable_unit(), log_.units.size());
    ASSERT_THAT(peers_.sent_to<raft::AppendEntries>(kPeer), SizeIs(1));
    EXPECT_THAT(peers_.sent_to<raft::AppendEntries>(kPeer)[0].entries, SizeIs(1));
}

TEST_F(DriverDurabilityTest, TheLeadersOwnCopyCountsWhenItIsOnTheDisk) {
    lead();
    ASSERT_EQ(set(7), WriteAdmission::kAccepted);
    turn();
    const LogIndex index = driver().raft().last_index();
    peers_.sent.clear();
    turn();
    answer_as_peer();
    receive(kPeer, raft::AppendEntriesReply{.term = driver().current_term(), .success = true, .match_index = index});
    turn();
    EXPECT_LT(driver().commit_index(), index);
    log_.finish_all();
    turn();
    EXPECT_EQ(driver().commit_index(), index);
}

TEST_F(DriverDurabilityTest, AUnitThatIsFinishedBeforeAnEarlierOneWaitsForIt) {
    start();
    const raft::EntryPtr first = entry(LogIndex{1}, Term{1}, 0);
    follow_other({first}, LogIndex{});
    turn();
    raft::AppendEntries more{.term = Term{1}, .prev_log_index = LogIndex{1}, .prev_log_term = Term{1}};
    more.entries = {entry(LogIndex{2}, Term{1}, first->id().checksum)};
    receive(kOther, more);
    turn();
    log_.finish(log_.units.size());
    turn();
    EXPECT_THAT(acknowledged_to_other(), IsEmpty());
    log_.finish(log_.units.size() - 1);
    turn();
    ASSERT_FALSE(acknowledged_to_other().empty());
    EXPECT_EQ(acknowledged_to_other().back(), 2);
}

TEST_F(DriverDurabilityTest, WhatTheDiskFinishesBetweenTurnsIsAnsweredInTheNextOne) {
    start();
    receive(kPeer, raft::RequestVote{.term = Term{1}});
    turn();
    log_.finish_all();
    EXPECT_THAT(peers_.sent, IsEmpty());
    turn();
    EXPECT_THAT(peers_.sent, SizeIs(1));
}

TEST_F(DriverDurabilityTest, ADiskThatHangsEndsTheLeadership) {
    lead();
    log_.unsynced_ns = (config_.disk_stall_ms + 1) * kMillisecondNs;
    turn();
    EXPECT_FALSE(driver().is_leader());
}

TEST_F(DriverDurabilityTest, CommittedEntriesThatAreNotInMemoryAreReadBack) {
    log_.entries_per_read = 2;
    restart_with(recover_entries(5));
    follow_other({}, LogIndex{5});
    settle();
    EXPECT_EQ(driver().last_applied(), LogIndex{5});
    EXPECT_EQ(log_.reads, 3);
    EXPECT_NE(store_.find("k5"), nullptr);
}

TEST_F(DriverDurabilityTest, WhileTheLogIsReadBackNothingIsAppliedAndNothingElseIsRead) {
    log_.may_read.reset();
    restart_with(recover_entries(3));
    follow_other({}, LogIndex{3});
    settle();
    EXPECT_EQ(driver().last_applied(), LogIndex{});
    EXPECT_EQ(log_.reads, 1);
    EXPECT_FALSE(driver().has_work(outcomes_));
    log_.may_read.set();
    settle();
    EXPECT_EQ(driver().last_applied(), LogIndex{3});
}

TEST_F(DriverDurabilityTest, TheNextPieceIsReadBackBeforeTheOneBeforeIsApplied) {
    log_.entries_per_read = 2;
    outcomes_.holds = true;
    restart_with(recover_entries(4));
    follow_other({}, LogIndex{4});
    settle();
    EXPECT_EQ(driver().last_applied(), LogIndex{});
    EXPECT_EQ(log_.reads, 2);
    outcomes_.holds = false;
    settle();
    EXPECT_EQ(driver().last_applied(), LogIndex{4});
    EXPECT_EQ(log_.reads, 2);
}

TEST_F(DriverDurabilityTest, WhatWasReadBackIsAppliedWhileTheNextPieceHangs) {
    log_.entries_per_read = 2;
    outcomes_.holds = true;
    restart_with(recover_entries(4));
    follow_other({}, LogIndex{4});
    while (log_.reads < 1)
        turn();
    log_.may_read.reset();
    while (log_.reads < 2)
        turn();
    outcomes_.holds = false;
    turn();
    EXPECT_EQ(driver().last_applied(), LogIndex{2});
    EXPECT_FALSE(driver().has_work(outcomes_));
    log_.may_read.set();
    settle();
    EXPECT_EQ(driver().last_applied(), LogIndex{4});
}

TEST_F(DriverDurabilityTest, NoMoreIsReadAheadThanFitsIntoItsBound) {
    log_.entries_per_read = 1;
    outcomes_.holds = true;
    raft::RecoveredLog recovered{.cluster = kCluster};
    for (uint64_t i = 1; i <= 6; ++i) {
        const raft::EntryPtr held = large_entry(LogIndex{i}, recovered.last.checksum, kReadAheadBytes / 2);
        log_.hold(held);
        recovered.last = held->id();
    }
    recovered.hard_state.current_term = Term{1};
    recovered.terms = {{Term{1}, LogIndex{1}}};
    restart_with(recovered);
    follow_other({}, LogIndex{6});
    settle();
    EXPECT_EQ(log_.reads, 2);
    outcomes_.holds = false;
    settle(400);
    EXPECT_EQ(driver().last_applied(), LogIndex{6});
    EXPECT_EQ(log_.reads, 6);
}

TEST_F(DriverDurabilityTest, AnEntryThatCannotBeReadBackEndsTheNode) {
    log_.read_status = absl::DataLossError("rot");
    restart_with(recover_entries(3));
    follow_other({}, LogIndex{3});
    settle();
    EXPECT_THAT(backend_.halt_reason, HasSubstr("cannot read back log entry 1: rot"));
    EXPECT_EQ(driver().last_applied(), LogIndex{});
}

// Node 3 has lost its log, or never had one.
class DriverLaggingPeerTest : public DriverDurabilityTest {
 protected:
    void lead_with_entries_on_the_disk() {
        restart_with(recover_entries(5));
        lead();
        peers_.sent.clear();
    }
    void other_has_nothing() {
        raft::AppendEntriesReply reply{.term = driver().current_term()};
        reply.rejected_prev_index = LogIndex{5};
        receive(kOther, reply);
        turn();
        // It agrees with the leader's log before its first entry.
        receive(kOther, raft::AppendEntriesReply{.term = driver().current_term(), .success = true});
        turn();
        turn();
    }
};

TEST_F(DriverLaggingPeerTest, WhatALaggingPeerNeedsIsReadFromTheLog) {
    lead_with_entries_on_the_disk();
    other_has_nothing();
    std::vector<uint64_t> sent;
    for (const raft::AppendEntries& append : peers_.sent_to<raft::AppendEntries>(kOther)) {
        for (const raft::EntryPtr& each : append.entries)
            sent.push_back(each->index().value());
    }
    EXPECT_THAT(sent, ::testing::ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(DriverLaggingPeerTest, ALogThatDoesNotGiveBackWhatItTookEndsTheNode) {
    lead_with_entries_on_the_disk();
    log_.read_status = absl::DataLossError("rot");
    other_has_nothing();
    EXPECT_THAT(backend_.halt_reason, HasSubstr("rot"));
}

TEST_F(DriverLaggingPeerTest, ALogThatCannotBeReadNowIsNoReasonToEnd) {
    lead_with_entries_on_the_disk();
    log_.read_status = absl::UnavailableError("no descriptors");
    other_has_nothing();
    EXPECT_THAT(backend_.halt_reason, IsEmpty());
    EXPECT_TRUE(driver().is_leader());
}

TEST_F(DriverDurabilityTest, AnEntryThatThisVersionDoesNotKnowEndsTheNode) {
    start();
    raft::EntryBuilder unknown(raft::EntryType::kCommands);
    unknown.buffer().append("what is this");
    unknown.add_command_count(1);
    follow_other({std::move(unknown).seal(kCluster, kFirstGroup, LogIndex{1}, Term{1}, 0)}, LogIndex{1});
    log_.finish_all();
    turn();
    log_.finish_all();
    turn();
    EXPECT_THAT(backend_.halt_reason,
                HasSubstr("log entry 1 of feature level 1 holds commands that this version cannot read"));
    EXPECT_EQ(driver().last_applied(), LogIndex{});
}

}  // namespace
}  // namespace kvorum::replica
