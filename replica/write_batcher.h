// Gathers the writes of a turn into one Raft entry, and remembers who waits for which command of which entry (group
// commit without timers).
//
// The open batch collects while the log is busy; the driver proposes it at the end of a turn. Once proposed, a batch
// waits under its index and term until that index is applied: with the same term its commands were executed; with
// another they never will be. Thread: the owning core.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fifo.h"
#include "base/ids.h"
#include "ops/commands.h"
#include "raft/entry.h"
#include "replica/waiter.h"

namespace kvorum::replica {

struct ProposedBatch {
    LogIndex index;
    Term term;
    std::vector<WriteWaiter> waiters;  // one per command, in order
};

class WriteBatcher {
 public:
    WriteBatcher() : builder_(raft::EntryType::kCommands) {}

    // Of batches whose first command is added later.
    void set_head(const ops::BatchHead& head) { head_ = head; }

    // False: the command was refused with the error that `error` now holds, and is not in the batch.
    [[nodiscard]] bool add(const ops::Operation& operation, ops::Arguments arguments, int64_t now_ms,
                           WriteWaiter waiter, ReplySink& error);

    [[nodiscard]] bool empty() const { return waiters_.empty(); }
    [[nodiscard]] size_t open_count() const { return waiters_.size(); }
    [[nodiscard]] size_t size_bytes() const { return builder_.body_size_bytes(); }
    [[nodiscard]] raft::EntryBuilder& builder() { return builder_; }

    // The open batch went into the log at (index, term).
    void proposed(LogIndex index, Term term);
    // A command that was encoded by itself did.
    void proposed_alone(LogIndex index, Term term, WriteWaiter waiter);
    // The open batch will not be proposed: its waiters, in order.
    [[nodiscard]] std::vector<WriteWaiter> discard_open();

    // The entry (index, term) is applied next. Sets `executed` to the waiters of that very entry (empty when it was not
    // proposed here), and appends to `lost` the waiters of earlier proposals that this entry proves will never commit.
    void resolve(LogIndex index, Term term, std::vector<WriteWaiter>& executed, std::vector<WriteWaiter>& lost);

    // Entries up to `index` will not be applied here one by one: nobody is told any more what became of those proposed.
    void forget_up_to(LogIndex index);

    [[nodiscard]] size_t batches_in_flight() const { return in_flight_.size(); }

    void check() const;

 private:
    static constexpr size_t kRoomBytesMax = size_t{1024} * 1024;
    static constexpr size_t kSparesMax = 16;

    void restart_builder();

    raft::EntryBuilder builder_;
    size_t batch_bytes_ = 0;  // of the open batch
    // A batch begins with room for as much as the largest one lately held: growing would copy what it has.
    size_t room_bytes_ = 0;
    ops::BatchHead head_;
    std::vector<WriteWaiter> waiters_;
    Fifo<ProposedBatch> in_flight_;
    std::vector<std::vector<WriteWaiter>> spare_waiters_;  // kept for their capacity
};

}  // namespace kvorum::replica
