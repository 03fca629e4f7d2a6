// What stands between protocols and a group: commands come in by sessions, each in a lane of its own, and their replies
// leave by the lanes' ports, in order.
//
// Built from parts, each with one job, in the order in which each may use those before it (gateway.cc):
//   lane, lane_table, lane_schedule   the order of a session's commands, and which lanes to look at
//   answers, reads, long_reads, waits what is replied
//   one_hop                           what is different for the clients of other nodes
//   admission, large_writes           whether there is room, in the output and in the log
//   heads, router                     what is answered next, and where a command goes
//   outcomes, forward_results         what became of it, here and at the leader
//   deadlines                         that it does not wait for ever
//
// Thread: the owning core. Nothing here suspends. All references given outlive it; so do the lanes, until removed.
#pragma once

#include "gateway/deadlines.h"
#include "gateway/forward_results.h"
#include "gateway/router.h"

namespace kvorum::gateway {

// What the gateway of a node is made over.
struct GatewayServices {
    const NodeConfig& config;
    reactor::Reactor& reactor;
    const kv::Store& store;
    replica::Group& group;
    peers::ForwardSender& peers;
    NodeCounters& counters;
    LatencyMonitor& latency;
    SlowLog& slow_log;
    const BufferBudget& buffers;
};

class Gateway {
 public:
    explicit Gateway(GatewayServices services);

    void add_lane(Lane& lane) { lanes_.add(lane); }
    // Its commands are forgotten: what is in the log or at the leader takes effect or not, and nobody is told.
    void remove_lane(Lane& lane);
    [[nodiscard]] const LaneTable& lanes() const { return lanes_; }

    // --- commands, in the order in which they came ---
    // On the state, or a WAIT. `origin_id` names it for a session of another node (0 for clients). True: it was a read
    // and is answered.
    bool submit(Lane& lane, const Command& command, ops::Arguments arguments, bool is_readonly, uint64_t origin_id = 0);
    void submit_large(Lane& lane, const Command& command, PackedCommand packed, bool is_readonly,
                      uint64_t origin_id = 0);
    // About the node or the connection: the port carries it out in its turn, and before anything else is looked at when
    // it holds the input. `reply_bytes`: how large its reply may be, about.
    void submit_local(Lane& lane, const Command& command, ops::Arguments arguments, uint64_t reply_bytes,
                      bool holds_input);
    // It is answered already, with an error line or a reply that the port's writer made. `is_rejected`: it counts as
    // refused before it was looked at closer.
    void submit_error(Lane& lane, const Command& command, std::string_view line, bool is_rejected, uint64_t origin_id);
    void submit_reply(Lane& lane, const Command& command, std::string_view reply, bool is_rejected, uint64_t origin_id);
    // Reads of these keys are about to be submitted.
    void prefetch(std::span<const std::string_view> keys) const { services_.store.prefetch(keys); }
    // Its client sends no more, and most such clients are gone: as in Redis, nothing that waits is carried out for them
    // later, when others may have written since. A write that has no leader, or comes back from one as not executed, is
    // refused instead of parked.
    void end_input(Lane& lane) { router_.end_input(lane); }
    // Its port has room again, or something was written into it by other ways.
    void wake(Lane& lane) { schedule_.wake(lane); }

    // --- the turn ---
    [[nodiscard]] replica::CommandOutcomes& outcomes() { return outcomes_; }
    // Answers and sends for every lane that something happened to.
    void finish_turn();
    // finish_turn() left something to do that waits for nothing.
    [[nodiscard]] bool has_work() const { return !schedule_.empty() || long_reads_.may_begin_waiting(); }
    // Several times a second, and when a link comes up or has room again.
    void expire_overdue() { deadlines_.expire_overdue(); }
    [[nodiscard]] bool reads_wait_for_buffers() const { return long_reads_.wait_for_buffers(); }

    // --- from the leader ---
    void on_forward_reply(NodeId from, const peers::ForwardReply& reply);
    // Ids from `first_unsent_id` on never reached the kernel.
    void on_link_lost(NodeId leader, uint64_t first_unsent_id) {
        forwarder_.on_link_lost(leader, first_unsent_id, forward_results_);
    }
    void on_answers_lost(NodeId leader) { forwarder_.on_answers_lost(leader, forward_results_); }

    // --- what was counted ---
    [[nodiscard]] const CommandStatistics& statistics() const { return timer_.statistics(); }
    void reset_statistics() { timer_.reset_statistics(); }
    // What was answered in this turn so far counts in the LatencyMonitor.
    void settle_latency() { timer_.end_turn(); }

 private:
    void look_after(Lane& lane);
    void check() const;

    GatewayServices services_;
    Forwarder forwarder_;
    CommandTimer timer_;
    LaneTable lanes_;
    LaneSchedule schedule_;
    Answers answers_;
    OneHop one_hop_;
    Reads reads_;
    LongReads long_reads_;
    Waits waits_;
    Admission admission_;
    LargeWrites large_writes_;
    Heads heads_;
    Router router_;
    Outcomes outcomes_;
    ForwardResults forward_results_;
    Deadlines deadlines_;
};

}  // namespace kvorum::gateway
