// Carries out what the Raft core decides, in the order that makes it safe: persist, send, apply, answer (thesis
// figure 3.1, 10.2.1).
//
// All ordering of effects on the outside world is in carry_out_output() (raft_driver.cc), one step after another with
// its reason. The driver owns the Raft core, the open batch of writes and the read rounds. What may be decided in other
// ways without harm is decided beside it: when a batch is full enough (gather_policy.h), when time must advance by
// itself (expiry_ticks.h), how committed entries reach the state machine (applier.h).
//
// Thread: the owning core. Ownership: everything it is given outlives the driver. run_turn() is called at the end of
// each reactor turn, so that everything a turn gathered leaves together; outcomes are told within it alone. Suspension:
// none but in the two coroutines; stop() is awaited before destruction. Errors: what cannot be made durable or applied
// ends the node through IoBackend::halt.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/fifo.h"
#include "config/config.h"
#include "observe/latency_monitor.h"
#include "observe/node_counters.h"
#include "ops/commands.h"
#include "peers/raft_port.h"
#include "peers/read_index_port.h"
#include "raft/raft.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "replica/applier.h"
#include "replica/command_outcomes.h"
#include "replica/expiry_ticks.h"
#include "replica/gather_policy.h"
#include "replica/group.h"
#include "replica/group_memory_limit.h"
#include "replica/log_port.h"
#include "replica/read_batcher.h"
#include "replica/read_questions.h"
#include "replica/transfer_watch.h"
#include "replica/write_batcher.h"

namespace kvorum::replica {

class RaftDriver final : public Group, public peers::RaftReceiver, public peers::ReadIndexReceiver {
 public:
    // `recovered` is what the log held when it was opened.
    RaftDriver(reactor::Reactor& reactor, const NodeConfig& config, LogPort& log, kv::Store& store,
               peers::RaftSender& peers, peers::ReadIndexSender& read_peers, NodeCounters& counters,
               LatencyMonitor& latency, const raft::RecoveredLog& recovered);

    // --- snapshots ---
    // `state` is what a snapshot holds that is verified and durable on this disk, and `base` what it says of the log:
    // Raft::install_snapshot(). If the log begins behind it now, the state takes the store's place.
    void install_snapshot(const raft::LogBase& base, kv::Store state);
    void on_snapshot_sent(NodeId peer, const raft::EntryId& last) { raft_.on_snapshot_sent(peer, last); }
    // Those who need a snapshot, since the last call: each is named again with each heartbeat.
    [[nodiscard]] std::vector<NodeId> take_snapshot_needs() { return std::exchange(snapshot_needs_, {}); }
    [[nodiscard]] const Applier& applier() const { return applier_; }
    [[nodiscard]] raft::Raft& core() { return raft_; }

    // --- what the peers do ---
    void on_raft_message(raft::Message message) override;
    void on_unreachable(NodeId peer) override;
    void on_connected(NodeId peer);
    void on_read_index_request(NodeId from, const peers::ReadIndexRequest& request) override;
    void on_read_index_reply(NodeId from, const peers::ReadIndexReply& reply) override;
    // A connection to it or from it broke: neither are its questions answered, nor ours.
    void on_answers_lost(NodeId peer);

    // Everything that is due at the end of a turn.
    void run_turn(CommandOutcomes& outcomes);
    // Another run_turn() would get on with something now, without waiting for the disk or a peer.
    [[nodiscard]] bool has_work(const CommandOutcomes& outcomes) const;
    // The loop of timeouts and heartbeats; ends when stopped.
    reactor::Task<void> run_timers(reactor::StopToken stop);
    // Ends log readers.
    reactor::Task<void> stop();

    // Raft::transfer_leadership(), with all that this node took so far in the log before it; what it takes meanwhile
    // waits (WriteAdmission::kHandingOver). What came of it stands in the log and in the counters.
    raft::TransferStart transfer_leadership(NodeId target);
    // Writes that this node took as leader and that are neither executed nor lost yet.
    [[nodiscard]] bool has_open_outcomes() const { return !writes_.empty() || writes_.batches_in_flight() > 0; }

    [[nodiscard]] const raft::Raft& raft() const { return raft_; }
    [[nodiscard]] LogIndex last_applied() const { return applier_.last_applied(); }
    // Of the entries applied since the start, as encoded.
    [[nodiscard]] uint64_t applied_bytes() const { return applier_.applied_bytes(); }
    // Of the state at last_applied(), also while the next entry is applied.
    [[nodiscard]] uint64_t state_hash() const { return applier_.state_hash(); }
    // The limit of memory under which the group's writes are carried out, 0: none. At the leader the one for new
    // batches, elsewhere that of the batch which was applied last.
    [[nodiscard]] uint64_t memory_limit_bytes() const;
    // The clock by which the leader stamps batches: never behind the log.
    [[nodiscard]] int64_t log_clock_ms() const;

    // --- Group ---
    [[nodiscard]] Term current_term() const override { return raft_.current_term(); }
    [[nodiscard]] NodeId leader() const override { return raft_.leader(); }
    [[nodiscard]] bool is_leader() const override { return raft_.is_leader(); }
    [[nodiscard]] LogIndex commit_index() const override { return raft_.commit_index(); }
    [[nodiscard]] uint32_t replicas_holding(LogIndex index) const override;
    [[nodiscard]] WriteAdmission add_write(const ops::Operation& operation, ops::Arguments arguments,
                                           WriteWaiter waiter, ReplySink& error) override;
    [[nodiscard]] size_t open_writes() const override { return writes_.open_count(); }
    [[nodiscard]] WriteAdmission admit(const ops::Operation& operation) override;
    [[nodiscard]] bool takes_large_write() const override;
    [[nodiscard]] WriteAdmission add_large_write(raft::EntryBuilder& builder, WriteWaiter waiter) override;
    [[nodiscard]] ops::BatchHead batch_head() const override;
    [[nodiscard]] bool takes_reads() const override;
    [[nodiscard]] uint64_t add_read(WaiterId waiter) override { return reads_.add(waiter); }
    [[nodiscard]] bool may_read_now() const override;
    [[nodiscard]] bool is_at_most_old(uint64_t age_ns) const override;
    [[nodiscard]] bool mid_entry() const override { return applier_.mid_entry(); }
    [[nodiscard]] bool apply_waits() const override { return applier_.waits(); }
    [[nodiscard]] int64_t turn_clock_ms() override;

    void check() const;

 private:
    // A unit that was handed to the log, and what waits for it.
    struct PersistUnit {
        uint64_t log_unit = 0;
        Term term;
        LogIndex index;
        raft::MessageList messages;
    };

    void take_memory_limit();
    void tick_if_due();
    void look_at_transfer();
    // It leads, and hands over to nobody.
    [[nodiscard]] bool takes_proposals() const { return raft_.is_leader() && raft_.transfer_target().is_none(); }
    [[nodiscard]] bool log_takes_open_batch() const;
    void hand_on_open_batch(CommandOutcomes& outcomes);
    void propose_open_batch();
    void note_proposed(LogIndex index, size_t commands, uint64_t since_ns);
    [[nodiscard]] TickFacts tick_facts() const;
    void propose_expiry_tick();
    void register_open_reads(CommandOutcomes& outcomes);
    [[nodiscard]] uint64_t lease_clock_ns() const;
    void carry_out_output(CommandOutcomes& outcomes);
    void persist(raft::Output& output);
    [[nodiscard]] uint64_t append_to_log(raft::Output& output);
    void leadership_changed(CommandOutcomes& outcomes);
    void log_leadership();
    void send_all(const raft::MessageList& messages);
    void take_durable(uint64_t log_unit);
    void commit_to(LogIndex index);
    void apply_committed(CommandOutcomes& outcomes);
    void release_ready_reads(CommandOutcomes& outcomes);
    [[nodiscard]] bool ask_leader(uint64_t id);
    [[nodiscard]] bool is_answer_overdue() const;
    void drop_reads(CommandOutcomes& outcomes);
    void drop_reads_of_leader(CommandOutcomes& outcomes);
    void confirm_read(const raft::ReadState& read);
    void answer(const ReadQuestion& question, LogIndex read_index);
    reactor::Task<void> read_for_peer(raft::LogRead request);

    reactor::Reactor& reactor_;
    const NodeConfig& config_;
    LogPort& log_;
    kv::Store& store_;
    peers::RaftSender& peers_;
    peers::ReadIndexSender& read_peers_;
    NodeCounters& counters_;
    LatencyMonitor& latency_;
    raft::Raft raft_;
    reactor::TaskScope log_readers_;

    const uint64_t drawn_hash_seed_;  // for a state that has none when this node leads
    WriteBatcher writes_;
    uint64_t open_since_ns_ = 0;  // when the first of them arrived
    // Ids begin at a random place: an answer to an earlier process of this node names nothing.
    ReadBatcher reads_;
    ReadQuestions questions_;
    bool answers_lost_ = false;             // of what was asked of the leader
    NodeId unconnected_leader_;             // to which a question could not be sent; none once there is a connection
    LogIndex told_index_;                   // the last answer; for a mutant
    std::optional<int64_t> told_clock_ms_;  // with it, at told_clock_ns_
    uint64_t told_clock_ns_ = 0;
    bool overloaded_ = false;  // the open batch was refused: it stays open until an entry is applied
    Fifo<PersistUnit> unpersisted_;
    Applier applier_;
    GatherPolicy gathering_;
    ExpiryTicks ticks_;
    GroupMemoryLimit memory_limit_;
    TransferWatch transfer_;

    Term logged_term_;
    uint64_t last_turn_ns_ = 0;                 // for a mutant
    uint64_t wall_clock_turn_ns_ = UINT64_MAX;  // the turn in which the wall clock was read
    int64_t turn_wall_clock_ms_ = 0;
    std::vector<WaiterId> ready_waiters_;
    std::vector<NodeId> snapshot_needs_;
};

}  // namespace kvorum::replica
