// One group as those see it that bring commands to it: who leads, what it takes, what may be read now.
//
// Thread: the owning core. Nothing here suspends. What becomes of what was taken is told to CommandOutcomes during the
// driver's turn, never from within a call of these.
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "base/reply_sink.h"
#include "ops/commands.h"
#include "raft/entry.h"
#include "replica/waiter.h"

namespace kvorum::replica {

// Anything else but kAccepted: definitely not executed. kRefused: the command's own error was written. kHandingOver:
// the leadership is on its way to another node; soon that leads, or this one takes writes again.
enum class WriteAdmission : uint8_t {
    kAccepted,
    kRefused,
    kNotLeader,
    kHandingOver,
    kOverloaded,
    kDiskFull,
    kOutOfMemory
};

class Group {
 public:
    Group() = default;
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;
    virtual ~Group() = default;

    // --- who leads ---
    [[nodiscard]] virtual Term current_term() const = 0;
    [[nodiscard]] virtual NodeId leader() const = 0;  // none: not known. This node itself while it leads
    [[nodiscard]] virtual bool is_leader() const = 0;
    [[nodiscard]] virtual LogIndex commit_index() const = 0;
    // How many other members hold everything up to `index` durably.
    [[nodiscard]] virtual uint32_t replicas_holding(LogIndex index) const = 0;

    // --- writes, while this node leads ---
    // Puts the command into the batch that gathers. kRefused: `error` holds the reply; else nothing was written to it.
    [[nodiscard]] virtual WriteAdmission add_write(const ops::Operation& operation, ops::Arguments arguments,
                                                   WriteWaiter waiter, ReplySink& error) = 0;
    // The commands of the batch that gathers.
    [[nodiscard]] virtual size_t open_writes() const = 0;
    // Whether such a command would be taken now: asked before a large one is encoded. kRefused is never said.
    [[nodiscard]] virtual WriteAdmission admit(const ops::Operation& operation) = 0;
    // Whether it is the turn of another large command: of what they write little is in the log and not applied. All
    // other writes, and reads that must see them, wait behind it.
    [[nodiscard]] virtual bool takes_large_write() const = 0;
    // A command that was encoded by itself, as an entry of its own behind all that was added before. kRefused is never
    // said; on anything but kAccepted the builder is as it was.
    [[nodiscard]] virtual WriteAdmission add_large_write(raft::EntryBuilder& builder, WriteWaiter waiter) = 0;
    // What stands in front of the commands of an entry that begins now.
    [[nodiscard]] virtual ops::BatchHead batch_head() const = 0;

    // --- reads ---
    // It leads, or can ask who leads.
    [[nodiscard]] virtual bool takes_reads() const = 0;
    // Puts a read into the round that gathers, while takes_reads(), and returns the round's id:
    // CommandOutcomes::reads_ready() names it, or a later one, when the read may be carried out.
    [[nodiscard]] virtual uint64_t add_read(WaiterId waiter) = 0;
    // Under a lease, and with everything committed applied: a read that has arrived may be served at once.
    [[nodiscard]] virtual bool may_read_now() const = 0;
    // The state holds all that was acknowledged before it was `age_ns` ago, by this node's own clock. Counted from when
    // the question was asked that proves it, or from a lease.
    [[nodiscard]] virtual bool is_at_most_old(uint64_t age_ns) const = 0;
    // An entry is applied in part: nobody may read the state.
    [[nodiscard]] virtual bool mid_entry() const = 0;
    // Something committed is to be applied.
    [[nodiscard]] virtual bool apply_waits() const = 0;

    // Milliseconds since the Unix epoch, the same in all of a turn and never behind the log: from it relative times of
    // commands count, and what remains of a key's life. A follower goes by what the leader's clock said last.
    [[nodiscard]] virtual int64_t turn_clock_ms() = 0;
};

}  // namespace kvorum::replica
