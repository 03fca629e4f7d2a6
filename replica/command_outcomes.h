// Whom a group tells what became of the commands that it took.
//
// Thread: the owning core. Called within RaftDriver::run_turn() alone, in log order; what is called may bring commands
// to the group at once.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/reply_sink.h"
#include "replica/waiter.h"

namespace kvorum::replica {

class CommandOutcomes {
 public:
    virtual ~CommandOutcomes() = default;
    // Commands of this entry, proposed here, are carried out next.
    virtual void begin_entry(LogIndex index) = 0;
    // The waiter's command is carried out next, in steps that may be in several turns; begin_write_reply() follows when
    // it is done.
    virtual void before_long_write(WriteWaiter waiter) = 0;
    // The waiter's command is carried out next; its reply goes into the sink. Pairs with end_write_reply().
    virtual ReplySink& begin_write_reply(WriteWaiter waiter) = 0;
    virtual void end_write_reply() = 0;
    // Instead of the end: the reply is not whole, and goes on in a later turn.
    virtual void pause_write_reply() = 0;
    virtual ReplySink& resume_write_reply(WriteWaiter waiter) = 0;
    // A read that takes several turns must see one state: nothing may be applied before it is done.
    [[nodiscard]] virtual bool holds_state() const = 0;
    // The command never took effect and never will.
    virtual void write_not_executed(WriteWaiter waiter) = 0;
    // Reads of batches up to `served_id` may be answered now, for these waiters.
    virtual void reads_ready(uint64_t served_id, const std::vector<WaiterId>& waiters) = 0;
    // Reads of these waiters were not served: another leader must be asked, or the same again.
    virtual void reads_dropped(const std::vector<WaiterId>& waiters) = 0;
    // The role, the term or the known leader changed.
    virtual void leadership_changed() = 0;
};

}  // namespace kvorum::replica
