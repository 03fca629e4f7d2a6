// Carries out what the Raft core decides, in the order that makes it safe: persist, send, apply, answer (thesis
// figure 3.1, 10.2.1).
//
// All ordering of effects on the outside world is in carry_out_output() (raft_driver.cc), one step after another with
// its reason. The driver owns the Raft core, the open batch of writes and the read rounds; the log, the state machine
// and the peers are given to it.
//
// Thread: the owning core. run_turn() is called at the end of each reactor turn, so that everything a turn gathered
// leaves together. Errors: what cannot be made durable or applied ends the node through IoBackend::halt.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "config/config.h"
#include "observe/latency_monitor.h"
#include "observe/node_counters.h"
#include "ops/commands.h"
#include "peers/raft_port.h"
#include "raft/raft.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "replica/group.h"
#include "replica/read_batcher.h"
#include "replica/write_batcher.h"
#include "wal/wal.h"

namespace kvorum::replica {

// Whom the driver tells what became of commands. Called within run_turn(), in log order.
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
    // Reads of batches up to `served_id` may be answered now, for these sessions.
    virtual void reads_ready(uint64_t served_id, const std::vector<WaiterId>& sessions) = 0;
    // Reads of these sessions were not served: this node no longer leads.
    virtual void reads_dropped(const std::vector<WaiterId>& sessions) = 0;
    // The role, the term or the known leader changed.
    virtual void leadership_changed() = 0;
};

class RaftDriver final : public Group {
 public:
    // All references outlive the driver. `recovered` is what the log held when it was opened.
    RaftDriver(reactor::Reactor& reactor, const NodeConfig& config, wal::Wal& log, kv::Store& store,
               peers::RaftSender& peers, NodeCounters& counters, LatencyMonitor& latency,
               const raft::RecoveredLog& recovered);

    void attach(CommandOutcomes& outcomes) { outcomes_ = &outcomes; }
    [[nodiscard]] Term current_term() const override { return raft_.current_term(); }
    [[nodiscard]] NodeId leader() const override { return raft_.is_leader() ? config_.id : raft_.leader(); }
    [[nodiscard]] bool is_leader() const override { return raft_.is_leader(); }
    [[nodiscard]] LogIndex commit_index() const override { return raft_.commit_index(); }
    void step(const raft::Message& message);
    void peer_unreachable(NodeId peer);
    void peer_connected(NodeId peer);

    // --- for the command router, while this node leads ---
    // kRefused: `error` holds the reply. Anything else but kAccepted: definitely not executed, nothing was written to
    // `error`.
    [[nodiscard]] WriteAdmission add_write(const ops::Operation& operation, ops::Arguments arguments,
                                           WriteWaiter waiter, ReplySink& error) override;
    // The commands of the batch that gathers.
    [[nodiscard]] size_t open_writes() const override { return writes_.open_count(); }
    // Whether such a command would be taken now: asked before a large one is encoded. kRefused is never said.
    [[nodiscard]] WriteAdmission admit(const ops::Operation& operation) override;
    // Whether it is the turn of another such command: of what they write little is in the log and not applied. All
    // other writes, and reads that must see them, wait behind it.
    [[nodiscard]] bool takes_large_write() const override;
    // A command that was encoded by itself, as an entry of its own behind all that was added before. kRefused is never
    // said; on anything but kAccepted the builder is as it was.
    [[nodiscard]] WriteAdmission add_large_write(raft::EntryBuilder& builder, WriteWaiter waiter) override;
    [[nodiscard]] uint64_t add_read(WaiterId session) override { return reads_.add(session); }
    // Under a lease, and with everything committed applied: a read that has arrived may be served at once.
    [[nodiscard]] bool may_read_now() const override;
    // An entry is applied in part: nobody may read the state.
    [[nodiscard]] bool mid_entry() const override { return applying_ != nullptr; }
    // Something committed is to be applied.
    [[nodiscard]] bool apply_waits() const override { return last_applied_ < apply_target_; }
    // Of the state at last_applied(), also while the next entry is applied.
    [[nodiscard]] uint64_t state_hash() const { return mid_entry() ? hash_before_entry_ : store_.state_hash(); }
    // How many other members hold everything up to `index` durably.
    [[nodiscard]] uint32_t replicas_holding(LogIndex index) const override;

    // Everything that is due at the end of a turn.
    void run_turn();
    // Another run_turn() would get on with something now, without waiting for the disk or a peer.
    [[nodiscard]] bool has_work() const;
    // The loop of timeouts and heartbeats; ends when stopped.
    reactor::Task<void> run_timers(reactor::StopToken stop);
    // Ends log readers; call before destruction.
    reactor::Task<void> stop();

    [[nodiscard]] const raft::Raft& raft() const { return raft_; }
    [[nodiscard]] LogIndex last_applied() const { return last_applied_; }
    // The limit of memory under which the group's writes are carried out, 0: none. At the leader the one for new
    // batches, elsewhere that of the batch which was applied last.
    [[nodiscard]] uint64_t memory_limit_bytes() const override;
    // The clock by which the leader stamps batches: never behind the log.
    [[nodiscard]] int64_t log_clock_ms() const;
    // The same as of the turn: from it relative times of commands count, and what remains of a key's life.
    [[nodiscard]] int64_t turn_clock_ms() override;

 private:
    // A unit that was handed to the log, and what waits for it.
    struct PersistUnit {
        uint64_t log_unit = 0;
        Term term;
        LogIndex index;
        std::vector<raft::Message> messages;
    };

    void take_memory_limit();
    [[nodiscard]] bool is_out_of_memory() const;
    void tick_if_due();
    [[nodiscard]] bool log_takes_open_batch() const;
    void propose_open_batch();
    void note_proposed(LogIndex index, size_t commands, uint64_t since_ns);
    [[nodiscard]] bool due_keys_need_tick() const;
    void propose_expiry_tick();
    void register_open_reads();
    [[nodiscard]] uint64_t lease_clock_ns() const;
    void carry_out_output();
    void persist(raft::Output& output);
    void note_batch(uint32_t commands);
    [[nodiscard]] bool is_under_load() const;
    void log_leadership();
    void send_all(const std::vector<raft::Message>& messages);
    void on_log_durable(uint64_t log_unit);
    [[nodiscard]] bool can_apply() const;
    void apply_committed();
    [[nodiscard]] raft::EntryPtr next_entry_to_apply();
    void begin_entry(raft::EntryPtr entry);
    void go_on_with_entry();
    void end_entry();
    void end_open_reply();
    ReplySink& reply_for(uint32_t command);
    ReplySink& resume_reply(uint32_t command);
    [[nodiscard]] ops::ApplyReplies apply_replies();
    void release_ready_reads();
    void drop_reads();
    reactor::Task<void> read_for_apply(LogIndex first, LogIndex last);
    reactor::Task<void> read_for_peer(raft::LogRead request);

    reactor::Reactor& reactor_;
    const NodeConfig& config_;
    wal::Wal& log_;
    kv::Store& store_;
    peers::RaftSender& peers_;
    CommandOutcomes* outcomes_ = nullptr;
    NodeCounters& counters_;
    LatencyMonitor& latency_;
    raft::Raft raft_;
    reactor::TaskScope log_readers_;

    WriteBatcher writes_;
    uint64_t open_since_ns_ = 0;  // when the first of them arrived
    ReadBatcher reads_;
    bool overloaded_ = false;  // the open batch was refused: it stays open until an entry is applied
    std::deque<PersistUnit> unpersisted_;

    Term logged_term_;
    LogIndex last_applied_;
    LogIndex apply_target_;
    uint64_t last_turn_ns_ = 0;                 // for a mutant
    uint64_t last_batch_ns_ = 0;                // when the log was given a batch
    uint32_t recent_commands_ = 0;              // of the largest batch lately
    uint64_t wall_clock_turn_ns_ = UINT64_MAX;  // the turn in which the wall clock was read
    int64_t turn_wall_clock_ms_ = 0;
    bool reading_for_apply_ = false;
    std::deque<raft::EntryPtr> read_ahead_;  // read back from the log, next to be applied

    // The entry that is applied in part, none between entries; its waiters are in executed_waiters_.
    raft::EntryPtr applying_;
    std::optional<ops::EntryApply> apply_;  // none for an entry without commands
    uint64_t hash_before_entry_ = 0;
    uint64_t applied_limit_bytes_ = 0;            // of memory, of the last batch
    uint64_t limit_bytes_ = 0;                    // of memory, in the present turn
    uint64_t limit_as_of_ns_ = UINT64_MAX;        // the turn it was taken in
    std::optional<uint64_t> limit_of_own_bytes_;  // what the configuration said then
    bool reply_open_ = false;
    const ops::ApplyReplies apply_replies_ = apply_replies();
    DiscardingReplySink discard_;
    bool tick_refused_ = false;  // until an entry is applied

    std::vector<WriteWaiter> executed_waiters_;
    std::vector<WriteWaiter> lost_waiters_;
    std::vector<WaiterId> ready_sessions_;
};

}  // namespace kvorum::replica
