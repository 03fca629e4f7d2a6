// A snapshot takes the place of log and state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "kv/snapshot_cursor.h"
#include "tests/replica/driver_fixture.h"

namespace kvorum::replica {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DriverSnapshotTest : public DriverTest {
 protected:
    static constexpr raft::EntryId kSnapshotEnd{LogIndex{50}, Term{2}, 4711};

    static raft::LogBase base() { return {.last = kSnapshotEnd}; }
    // What a snapshot at kSnapshotEnd holds: this one key.
    static kv::Store state_with(std::string_view key) {
        kv::Store state;
        state.restore_head(
            {.applied_index = kSnapshotEnd.index, .revision = Revision{40}, .settings = {.hash_seed = 1}});
        state.restore({.key = key, .value = "v", .expire_at_ms = kv::kNoExpiry, .revision = Revision{40}});
        return state;
    }
    void install(std::string_view key) { driver().install_snapshot(base(), state_with(key)); }
};

TEST_F(DriverSnapshotTest, ItsStateTakesTheStoresPlaceAndTheLogBeginsBehindIt) {
    follow_other({entry(LogIndex{1}, Term{1}, 0, "old")}, LogIndex{1});
    settle();
    ASSERT_NE(store_.find("old"), nullptr);
    install("new");
    settle();
    EXPECT_EQ(store_.find("old"), nullptr);
    EXPECT_NE(store_.find("new"), nullptr);
    EXPECT_EQ(driver().last_applied(), kSnapshotEnd.index);
    EXPECT_EQ(driver().commit_index(), kSnapshotEnd.index);
    ASSERT_TRUE(log_.units.back().base.has_value() || log_.units[log_.units.size() - 2].base.has_value());
    EXPECT_EQ(log_.first_index(), kSnapshotEnd.index + 1);
}

TEST_F(DriverSnapshotTest, WhatFollowsIsAppliedOnIt) {
    install("new");
    turn();
    raft::AppendEntries append{.term = Term{3},
                               .prev_log_index = kSnapshotEnd.index,
                               .prev_log_term = kSnapshotEnd.term,
                               .leader_commit = kSnapshotEnd.index + 1};
    append.entries = {entry(kSnapshotEnd.index + 1, Term{3}, kSnapshotEnd.checksum, "behind")};
    receive(kOther, append);
    settle();
    EXPECT_EQ(driver().last_applied(), kSnapshotEnd.index + 1);
    EXPECT_NE(store_.find("new"), nullptr);
    EXPECT_NE(store_.find("behind"), nullptr);
}

TEST_F(DriverSnapshotTest, OneThatIsBehindChangesNothing) {
    restart_with(recover_entries(60));
    raft::AppendEntries append{.term = Term{3},
                               .prev_log_index = driver().raft().last_index(),
                               .prev_log_term = Term{1},
                               .leader_commit = LogIndex{60}};
    receive(kOther, append);
    settle();
    ASSERT_EQ(driver().last_applied(), LogIndex{60});
    install("new");
    settle();
    EXPECT_EQ(store_.find("new"), nullptr);
    EXPECT_EQ(driver().last_applied(), LogIndex{60});
}

TEST_F(DriverSnapshotTest, AStateThatSomebodyReadsIsNotTakenAway) {
    outcomes_.holds = true;
    install("new");
    settle();
    EXPECT_EQ(store_.find("new"), nullptr);
    outcomes_.holds = false;
    settle();
    EXPECT_NE(store_.find("new"), nullptr);
}

TEST_F(DriverSnapshotTest, AStateThatIsBeingWrittenToDiskIsNotTakenAway) {
    class NoSink final : public kv::SnapshotSink {
     public:
        void tombstone(std::string_view, Revision) override {}
        void record(const kv::RecordFields&) override {}
    } sink;
    follow_other({entry(LogIndex{1}, Term{1}, 0, "old")}, LogIndex{1});
    settle();
    std::unique_ptr<kv::SnapshotCursor> cursor = store_.begin_snapshot(sink);
    install("new");
    settle();
    EXPECT_EQ(store_.find("new"), nullptr);
    cursor.reset();
    settle();
    EXPECT_NE(store_.find("new"), nullptr);
}

TEST_F(DriverSnapshotTest, WhatRepliesReferToOutlivesTheState) {
    follow_other({entry(LogIndex{1}, Term{1}, 0, "old")}, LogIndex{1});
    settle();
    const kv::Record* record = store_.find("old");
    std::optional<kv::StorePin> pin = store_.pin();
    install("new");
    settle();
    EXPECT_EQ(record->value(), "v");
    pin.reset();
    settle();
    EXPECT_NE(store_.find("new"), nullptr);
}

TEST_F(DriverSnapshotTest, NobodyIsToldWhatBecameOfAWriteThatASnapshotStandsFor) {
    lead();
    ASSERT_EQ(set(7), WriteAdmission::kAccepted);
    turn();
    // Another one leads, and this log was cut short meanwhile.
    receive(kOther, raft::AppendEntries{.term = driver().current_term() + 1});
    settle();
    outcomes_.take();
    ASSERT_TRUE(driver().has_open_outcomes());
    install("new");
    settle();
    EXPECT_EQ(driver().last_applied(), kSnapshotEnd.index);
    EXPECT_THAT(outcomes_.take(), IsEmpty());
    EXPECT_FALSE(driver().has_open_outcomes());
}

TEST_F(DriverSnapshotTest, APeerThatLagsBehindTheLogIsNamedWithEachHeartbeat) {
    restart_with(recover_entries(60));
    lead();
    driver().core().compact(LogIndex{40});
    // Node 3 has never answered, so its place is the log's end; it turns out to have nothing.
    raft::AppendEntriesReply empty{.term = driver().current_term()};
    empty.rejected_prev_index = driver().raft().last_index() - 1;
    empty.read_round = 1;
    receive(kOther, empty);
    turn_after(20 * kMillisecondNs);
    EXPECT_THAT(driver().take_snapshot_needs(), Contains(kOther));
    turn_after(20 * kMillisecondNs);
    EXPECT_THAT(driver().take_snapshot_needs(), ElementsAre(kOther));
}

}  // namespace
}  // namespace kvorum::replica
