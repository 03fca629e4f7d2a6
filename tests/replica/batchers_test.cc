#include <gtest/gtest.h>

#include "replica/read_batcher.h"
#include "replica/write_batcher.h"

namespace kvorum::replica {
namespace {

WaiterId session(uint32_t slot) { return {slot, 1}; }
WriteWaiter waiter(uint32_t slot) { return {session(slot), slot}; }

std::vector<uint32_t> slots(const std::vector<WriteWaiter>& waiters) {
    std::vector<uint32_t> out;
    for (const WriteWaiter& w : waiters)
        out.push_back(w.waiter.slot);
    return out;
}

class WriteBatcherTest : public ::testing::Test {
 protected:
    void set(uint32_t slot) {
        const std::vector<std::string_view> arguments{"set", "k", "v"};
        DiscardingReplySink error;
        ASSERT_TRUE(batcher_.add(ops::operation_of(ops::OperationCode::kSet), arguments, 0, waiter(slot), error));
    }
    void propose(std::vector<uint32_t> slots_in, uint64_t index, uint64_t term) {
        for (const uint32_t slot : slots_in)
            set(slot);
        raft::EntryBuilder sealed = std::move(batcher_.builder());
        batcher_.proposed(LogIndex{index}, Term{term});
    }
    void resolve(uint64_t index, uint64_t term) {
        lost_.clear();
        batcher_.resolve(LogIndex{index}, Term{term}, executed_, lost_);
    }

    WriteBatcher batcher_;
    std::vector<WriteWaiter> executed_;
    std::vector<WriteWaiter> lost_;
};

TEST_F(WriteBatcherTest, TheWaitersOfAnEntryAreThoseOfItsCommandsInOrder) {
    propose({1, 2}, 5, 1);
    propose({3}, 6, 1);
    resolve(5, 1);
    EXPECT_EQ(slots(executed_), (std::vector<uint32_t>{1, 2}));
    resolve(6, 1);
    EXPECT_EQ(slots(executed_), (std::vector<uint32_t>{3}));
    EXPECT_TRUE(lost_.empty());
}

TEST_F(WriteBatcherTest, EntriesProposedElsewhereHaveNoWaitersHere) {
    propose({1}, 5, 1);
    resolve(4, 1);
    EXPECT_TRUE(executed_.empty());
    EXPECT_TRUE(lost_.empty());
}

TEST_F(WriteBatcherTest, AnEntryOfALaterTermProvesThatEarlierProposalsAtAndBehindItAreLost) {
    propose({1}, 5, 1);
    propose({2}, 6, 1);
    propose({3}, 7, 1);
    resolve(5, 1);
    EXPECT_EQ(slots(executed_), (std::vector<uint32_t>{1}));
    resolve(6, 2);
    EXPECT_TRUE(executed_.empty());
    EXPECT_EQ(slots(lost_), (std::vector<uint32_t>{2, 3})) << "index 7 of term 1 cannot follow index 6 of term 2";
}

TEST_F(WriteBatcherTest, ARefusedCommandLeavesNoTraceInTheBatch) {
    set(1);
    const size_t size_before = batcher_.size_bytes();
    const std::vector<std::string_view> bad{"set", "k", "v", "EX", "nonsense"};
    DiscardingReplySink error;
    EXPECT_FALSE(batcher_.add(ops::operation_of(ops::OperationCode::kSet), bad, 0, waiter(2), error));
    EXPECT_EQ(batcher_.size_bytes(), size_before);
    EXPECT_EQ(slots(batcher_.discard_open()), (std::vector<uint32_t>{1}));
}

uint64_t limit_of(raft::EntryBuilder& builder) {
    kv::Store store;
    const Bytes body = builder.buffer().bytes().subspan(raft::EntryHeader::kEncodedSize);
    return ops::EntryApply(store, builder.command_count(), body).memory_limit_bytes();
}

TEST_F(WriteBatcherTest, ABatchIsUnderTheLimitOfMemoryThatWasInForceWhenItWasOpened) {
    batcher_.set_head({.memory_limit_bytes = 500});
    set(1);
    batcher_.set_head({.memory_limit_bytes = 700});
    set(2);
    EXPECT_EQ(limit_of(batcher_.builder()), 500u);
    propose({}, 5, 1);
    set(3);
    EXPECT_EQ(limit_of(batcher_.builder()), 700u);
}

TEST_F(WriteBatcherTest, ARefusedFirstCommandLeavesNoLimitBehind) {
    batcher_.set_head({.memory_limit_bytes = 500});
    const std::vector<std::string_view> bad{"set", "k", "v", "EX", "nonsense"};
    DiscardingReplySink error;
    EXPECT_FALSE(batcher_.add(ops::operation_of(ops::OperationCode::kSet), bad, 0, waiter(1), error));
    EXPECT_EQ(batcher_.size_bytes(), 0u);
    batcher_.set_head({.memory_limit_bytes = 700});
    set(2);
    EXPECT_EQ(limit_of(batcher_.builder()), 700u);
}

TEST(ReadBatcher, ABatchIsReadyWhenItIsConfirmedAndItsIndexIsApplied) {
    ReadBatcher reads;
    const uint64_t id = reads.add(session(1));
    reads.registered(1);
    std::vector<WaiterId> ready;
    EXPECT_LT(reads.take_ready(LogIndex{100}, ready), id) << "applied far enough, but nobody confirmed the leadership";
    reads.confirmed(id, LogIndex{7});
    EXPECT_LT(reads.take_ready(LogIndex{6}, ready), id) << "confirmed, but the state is behind the read index";
    EXPECT_EQ(reads.take_ready(LogIndex{7}, ready), id);
    EXPECT_EQ(ready, std::vector<WaiterId>{session(1)});
}

TEST(ReadBatcher, AReadThatArrivesAfterARoundWasSentIsOfALaterBatch) {
    ReadBatcher reads;
    const uint64_t first = reads.add(session(1));
    reads.registered(1);
    const uint64_t second = reads.add(session(1));
    EXPECT_GT(second, first);
    reads.confirmed(first, LogIndex{1});
    std::vector<WaiterId> ready;
    EXPECT_EQ(reads.take_ready(LogIndex{1}, ready), first);
}

TEST(ReadBatcher, WhileRoundsAreUnderWayLaterReadsGather) {
    ReadBatcher reads;
    for (size_t i = 0; i < ReadBatcher::kRoundsInFlightMax; ++i) {
        reads.add(session(1));
        ASSERT_TRUE(reads.can_register());
        reads.registered(1);
    }
    const uint64_t gathering = reads.add(session(1));
    EXPECT_FALSE(reads.can_register());
    EXPECT_EQ(reads.add(session(2)), gathering);
}

TEST(ReadBatcher, LostLeadershipDropsEverythingOnce) {
    ReadBatcher reads;
    const uint64_t registered = reads.add(session(1));
    reads.registered(1);
    reads.add(session(2));
    std::vector<WaiterId> dropped;
    reads.drop_all(dropped);
    EXPECT_EQ(dropped, (std::vector<WaiterId>{session(1), session(2)}));
    reads.confirmed(registered, LogIndex{1});
    std::vector<WaiterId> ready;
    EXPECT_LT(reads.take_ready(LogIndex{1}, ready), registered)
        << "a late confirmation of a dropped round serves nobody";
    EXPECT_TRUE(ready.empty());
}

}  // namespace
}  // namespace kvorum::replica
