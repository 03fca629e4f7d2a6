// What becomes of the writes that a driver took: every waiter is told once, and told the truth.
#include "tests/replica/driver_fixture.h"

namespace kvorum::replica {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class DriverWritesTest : public DriverTest {
 protected:
    // As an entry of its own, as the gateway encodes a large command.
    WriteAdmission set_large(uint32_t slot, std::string_view key) {
        raft::EntryBuilder builder(raft::EntryType::kCommands);
        const std::vector<std::string_view> arguments{"set", key, "large"};
        EXPECT_TRUE(
            ops::encode_write(ops::operation_of(ops::OperationCode::kSet), arguments, 0, builder.buffer(), error_));
        builder.add_command_count(1);
        return driver().add_large_write(builder, waiter(slot));
    }
    // Puts more on its way than Raft lets wait for its quorum; the last write is in a batch that was refused.
    void overload() {
        const std::string value(15 * kMiB, 'x');
        for (uint32_t slot = 1; slot <= 5; ++slot) {
            ASSERT_EQ(set(slot, "k", value), WriteAdmission::kAccepted);
            turn();
        }
    }
    [[nodiscard]] uint64_t checksum_at(LogIndex index) { return driver().raft().cached_entry(index)->id().checksum; }
};

TEST_F(DriverWritesTest, AWriteIsAnsweredWhenItIsCommittedAndApplied) {
    lead();
    ASSERT_EQ(set(7, "key"), WriteAdmission::kAccepted);
    turn();
    log_.finish_all();
    turn();
    EXPECT_THAT(outcomes_.take(), IsEmpty());
    settle();
    EXPECT_THAT(outcomes_.take(), ElementsAre("entry 2", "executed 7"));
    EXPECT_NE(store_.find("key"), nullptr);
}

// Nodes of one log must understand each other after a change of options too.
TEST_F(DriverWritesTest, EntriesNameTheClusterOfTheLogWhateverTheOptionsSay) {
    lead();
    ASSERT_NE(config_.bootstrap_cluster_id(), kCluster);
    ASSERT_EQ(set(1), WriteAdmission::kAccepted);
    turn();
    EXPECT_EQ(driver().raft().cached_entry(LogIndex{2})->header().cluster, kCluster);
}

TEST_F(DriverWritesTest, OnlyALeaderTakesWrites) {
    EXPECT_EQ(set(7), WriteAdmission::kNotLeader);
    EXPECT_EQ(set_large(7, "k"), WriteAdmission::kNotLeader);
}

TEST_F(DriverWritesTest, WritesGatherWhileTheLogIsBusy) {
    lead();
    log_.is_busy = true;
    ASSERT_EQ(set(1), WriteAdmission::kAccepted);
    turn();
    ASSERT_EQ(set(2), WriteAdmission::kAccepted);
    turn();
    EXPECT_EQ(driver().open_writes(), 2);
    log_.is_busy = false;
    settle();
    EXPECT_THAT(outcomes_.take(), ElementsAre("entry 2", "executed 1", "executed 2"));
}

TEST_F(DriverWritesTest, ABatchThatRaftRefusesStaysOpenAndGoesWhenSomethingWasApplied) {
    lead();
    overload();
    EXPECT_EQ(driver().open_writes(), 1);
    EXPECT_FALSE(driver().has_work(outcomes_));
    EXPECT_EQ(set(6), WriteAdmission::kOverloaded);
    EXPECT_THAT(outcomes_.take(), IsEmpty());
    settle(200);
    const std::vector<std::string> told = outcomes_.take();
    for (uint32_t slot = 1; slot <= 5; ++slot)
        EXPECT_THAT(told, Contains(fmt::format("executed {}", slot)).Times(1));
    EXPECT_EQ(driver().open_writes(), 0);
}

TEST_F(DriverWritesTest, WithoutRoomOnTheDiskNothingIsTaken) {
    lead();
    log_.is_full = true;
    EXPECT_EQ(set(1), WriteAdmission::kDiskFull);
    EXPECT_EQ(set_large(1, "k"), WriteAdmission::kDiskFull);
    EXPECT_EQ(driver().open_writes(), 0);
}

TEST_F(DriverWritesTest, AboveTheLimitOfMemoryOnlyWhatDoesNotGrowIsTaken) {
    config_.memory_bytes_max = 1000;
    lead();
    ASSERT_EQ(set(1, "k", std::string(2000, 'x')), WriteAdmission::kAccepted);
    settle();
    ASSERT_EQ(set(2, "k", std::string(500, 'x')), WriteAdmission::kAccepted);
    settle();
    config_.memory_bytes_max = 100;
    EXPECT_EQ(set(3, "another"), WriteAdmission::kOutOfMemory) << "the limit of this turn";
    EXPECT_EQ(driver().admit(ops::operation_of(ops::OperationCode::kDel)), WriteAdmission::kAccepted);
}

TEST_F(DriverWritesTest, AnOpenBatchIsNotExecutedWhenTheLeadershipIsLost) {
    lead();
    log_.is_busy = true;
    ASSERT_EQ(set(7), WriteAdmission::kAccepted);
    turn();
    follow_other({}, LogIndex{});
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre("not executed 7"));
    EXPECT_EQ(driver().open_writes(), 0);
}

TEST_F(DriverWritesTest, OutcomesAreToldWithinATurnAlone) {
    lead();
    log_.is_busy = true;
    ASSERT_EQ(set(7), WriteAdmission::kAccepted);
    follow_other({}, LogIndex{});
    EXPECT_THAT(outcomes_.take(), IsEmpty());
    EXPECT_EQ(set(8), WriteAdmission::kNotLeader);
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre("not executed 7"));
}

TEST_F(DriverWritesTest, AWriteInTheLogIsNotExecutedWhenAnotherEntryTakesItsPlace) {
    lead();
    ASSERT_EQ(set(7, "mine"), WriteAdmission::kAccepted);
    turn();
    const Term next = driver().current_term() + 1;
    follow_other({entry(LogIndex{2}, next, checksum_at(LogIndex{1}), "theirs")}, LogIndex{});
    settle();
    EXPECT_THAT(outcomes_.take(), IsEmpty()) << "it is not known yet";
    raft::AppendEntries commit{.term = next, .prev_log_index = LogIndex{2}, .prev_log_term = next};
    commit.leader_commit = LogIndex{2};
    receive(kOther, commit);
    settle();
    EXPECT_THAT(outcomes_.take(), ElementsAre("not executed 7"));
    EXPECT_EQ(store_.find("mine"), nullptr);
    EXPECT_NE(store_.find("theirs"), nullptr);
}

TEST_F(DriverWritesTest, AWriteInTheLogIsExecutedWhenTheNextLeaderKeepsIt) {
    lead();
    ASSERT_EQ(set(7, "mine"), WriteAdmission::kAccepted);
    turn();
    const Term next = driver().current_term() + 1;
    follow_other({entry(LogIndex{3}, next, checksum_at(LogIndex{2}))}, LogIndex{3});
    settle();
    EXPECT_THAT(outcomes_.take(), ElementsAre("entry 2", "executed 7"));
    EXPECT_NE(store_.find("mine"), nullptr);
}

TEST_F(DriverWritesTest, ACommittedWriteIsExecutedThoughTheLeadershipIsLostBeforeItIsApplied) {
    lead();
    outcomes_.holds = true;
    ASSERT_EQ(set(7, "mine"), WriteAdmission::kAccepted);
    settle();
    ASSERT_EQ(driver().commit_index(), LogIndex{2});
    follow_other({}, LogIndex{2});
    turn();
    outcomes_.holds = false;
    turn();
    EXPECT_THAT(outcomes_.take(), ElementsAre("entry 2", "executed 7"));
}

TEST_F(DriverWritesTest, AllBatchesBehindOneThatWasReplacedAreLostWithIt) {
    lead();
    for (uint32_t slot = 1; slot <= 3; ++slot) {
        ASSERT_EQ(set(slot), WriteAdmission::kAccepted);
        log_.finish_all();
        turn();
        ASSERT_EQ(driver().open_writes(), 0);
    }
    const Term next = driver().current_term() + 1;
    follow_other({entry(LogIndex{2}, next, checksum_at(LogIndex{1}))}, LogIndex{2});
    settle();
    EXPECT_THAT(outcomes_.take(), ElementsAre("not executed 1", "not executed 2", "not executed 3"));
}

TEST_F(DriverWritesTest, ALargeWriteStandsBehindWhatWasAddedBefore) {
    lead();
    log_.is_busy = true;
    ASSERT_EQ(set(1, "k", "small"), WriteAdmission::kAccepted);
    ASSERT_EQ(set_large(2, "k"), WriteAdmission::kAccepted);
    EXPECT_EQ(driver().open_writes(), 0);
    settle();
    EXPECT_THAT(outcomes_.take(), ElementsAre("entry 2", "executed 1", "entry 3", "executed 2"));
}

TEST_F(DriverWritesTest, ALargeWriteIsRefusedWhileWhatStandsBeforeItIs) {
    lead();
    overload();
    ASSERT_EQ(driver().open_writes(), 1);
    EXPECT_EQ(set_large(6, "k"), WriteAdmission::kOverloaded);
    settle(200);
    EXPECT_THAT(outcomes_.take(), Not(Contains("executed 6")));
}

TEST_F(DriverWritesTest, LargeWritesWaitWhileMuchIsInTheLog) {
    lead();
    EXPECT_TRUE(driver().takes_large_write());
    ASSERT_EQ(set(1, "k", std::string(3 * kMiB, 'x')), WriteAdmission::kAccepted);
    turn();
    EXPECT_FALSE(driver().takes_large_write());
    settle();
    EXPECT_TRUE(driver().takes_large_write());
}

TEST_F(DriverWritesTest, AMemberCountsAsHoldingWhatItSaidIsOnItsDisk) {
    lead();
    ASSERT_EQ(set(1), WriteAdmission::kAccepted);
    turn();
    const LogIndex index = driver().raft().last_index();
    EXPECT_EQ(driver().replicas_holding(index), 0);
    answer_as_peer();
    turn();
    EXPECT_EQ(driver().replicas_holding(index), 1);
    EXPECT_EQ(driver().replicas_holding(index + 1), 0);
}

// --- ticks ---

class DriverTicksTest : public DriverWritesTest {
 protected:
    void lead_with_a_key_that_falls_due_at(int64_t due_ms) {
        lead();
        const std::string text = std::to_string(due_ms);
        const std::vector<std::string_view> arguments{"set", "k", "v", "pxat", text};
        ASSERT_EQ(driver().add_write(ops::operation_of(ops::OperationCode::kSet), arguments, waiter(1), error_),
                  WriteAdmission::kAccepted);
        settle();
        ASSERT_NE(store_.find("k"), nullptr);
    }
};

TEST_F(DriverTicksTest, ATickIsProposedWhenAKeyFallsDueAndNotTwice) {
    lead_with_a_key_that_falls_due_at(1000);
    const LogIndex before = driver().raft().last_index();
    backend_.wall_ms = 999;
    turn();
    EXPECT_EQ(driver().raft().last_index(), before);
    backend_.wall_ms = 1000;
    turn();
    turn();
    turn();
    EXPECT_EQ(driver().raft().last_index(), before + 1);
    settle();
    EXPECT_EQ(driver().raft().last_index(), before + 1);
    EXPECT_EQ(store_.find("k"), nullptr);
}

TEST_F(DriverTicksTest, AWriteOnItsWayMakesATickNeedless) {
    lead_with_a_key_that_falls_due_at(1000);
    const LogIndex before = driver().raft().last_index();
    backend_.wall_ms = 1500;
    ASSERT_EQ(set(2, "another"), WriteAdmission::kAccepted);
    settle();
    EXPECT_EQ(driver().raft().last_index(), before + 1);
    EXPECT_EQ(store_.find("k"), nullptr);
}

TEST_F(DriverTicksTest, AFollowerProposesNone) {
    lead_with_a_key_that_falls_due_at(1000);
    follow_other({}, LogIndex{2});
    settle();
    const LogIndex before = driver().raft().last_index();
    backend_.wall_ms = 2000;
    turn();
    EXPECT_EQ(driver().raft().last_index(), before);
}

}  // namespace
}  // namespace kvorum::replica
