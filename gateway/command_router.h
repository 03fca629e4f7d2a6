// Decides for every command where it is carried out and when it is answered: here, at the leader, or not at all.
//
// Each session's commands are answered in order. A command that this node can carry out as leader goes into the open
// batch (writes) or the open read round (reads). Otherwise it is forwarded to the leader, redirected (MOVED) or parked
// until there is one, for a bounded time.
//
// The three reply classes (docs/guarantees.md):
//   executed               the reply of the command
//   definitely not         CLUSTERDOWN, TRYAGAIN, MISCONF, OOM: clients may send it again
//   outcome unknown        UNCERTAIN: it may have taken effect; nothing in the server ever sends it again
//
// Why a read may be answered early by a write behind it: a read still unanswered when a later write of its session is
// applied is answered just before that write. The write's entry was appended after the read arrived and is committed,
// so no other leader can have acknowledged anything in between that this state lacks; and waiting longer would let the
// read see the later write.
//
// Thread: the owning core. Nothing here suspends.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "config/config.h"
#include "gateway/buffer_budget.h"
#include "gateway/command_timer.h"
#include "gateway/forwarder.h"
#include "gateway/session.h"
#include "gateway/session_table.h"
#include "redis/monitors.h"
#include "redis/server_commands.h"
#include "replica/raft_driver.h"

namespace kvorum::gateway {

class CommandRouter final : public replica::CommandOutcomes, public ForwardOutcomes {
 public:
    CommandRouter(const NodeConfig& config, reactor::Reactor& reactor, const kv::Store& store, Forwarder& forwarder,
                  NodeCounters& counters, LatencyMonitor& latency, SlowLog& slow_log, const BufferBudget& buffers);

    // The driver refers to the router and the router to the driver: attached once, before the first command.
    void attach(replica::RaftDriver& driver) { driver_ = &driver; }

    void add_session(Session& session) { sessions_.add(session); }
    // Its requests are forgotten: what is in the log or at the leader takes effect or not, and nobody is told.
    void remove_session(Session& session);

    // One command of a session. `origin_id` names it for a session of another node (0 for clients). True: it was a read
    // and is answered.
    bool submit(Session& session, ops::Arguments arguments, uint64_t origin_id = 0);
    // The same for a large one, of a session that has no other.
    void submit_large(Session& session, PackedCommand command, uint64_t origin_id = 0);
    // The same for a client that has not given the password: NOAUTH, but for the few commands that need none.
    void submit_unauthenticated(Session& session, ops::Arguments arguments);
    // Reads of these keys are about to be submitted.
    void prefetch(std::span<const std::string_view> keys) const { store_.prefetch(keys); }

    // Its client sends no more, and most such clients are gone: as in Redis, nothing that waits is carried out for them
    // later, when others may have written since. A write that has no leader, or comes back from one as not executed, is
    // refused instead of parked.
    void end_input(Session& session);

    // From now on, or no longer, it gets a line for each command (MONITOR).
    void set_monitors(Session& session, bool monitors);

    // Something was put into the session's queue by other ways than submit(): look at it at the end of the turn.
    void wake(Session& session) { mark_dirty(session); }
    // Advances and flushes every session that something happened to.
    void finish_turn();
    // Commands that have waited too long get their definite or unknown answer. Cheap; called several times a second.
    void expire_overdue();

    // finish_turn() left something to do that waits for nothing.
    [[nodiscard]] bool has_work() const {
        return !dirty_.empty() || !long_lane_.empty() || (reads_wait_for_buffers() && !buffers_.is_half_spent());
    }

    // Reads with large replies have not begun because too much of the buffers is in use.
    [[nodiscard]] bool reads_wait_for_buffers() const { return !waiting_for_buffers_.empty(); }

    [[nodiscard]] const SessionTable& sessions() const { return sessions_; }
    [[nodiscard]] const CommandStatistics& statistics() const { return timer_.statistics(); }
    void reset_statistics() { timer_.reset_statistics(); }
    // What was answered in this turn so far counts in the LatencyMonitor.
    void settle_latency() { timer_.end_turn(); }

    // --- CommandOutcomes ---
    void begin_entry(LogIndex index) override { timer_.begin_entry(index); }
    void before_long_write(replica::WriteWaiter waiter) override { (void)answer_what_is_before(waiter); }
    [[nodiscard]] bool holds_state() const override { return one_state_reads_ > 0; }
    ReplySink& begin_write_reply(replica::WriteWaiter waiter) override;
    void end_write_reply() override;
    void pause_write_reply() override;
    ReplySink& resume_write_reply(replica::WriteWaiter waiter) override;
    void write_not_executed(replica::WriteWaiter waiter) override;
    void reads_ready(uint64_t served_id, const std::vector<SessionHandle>& sessions) override;
    void reads_dropped(const std::vector<SessionHandle>& sessions) override;
    void leadership_changed() override;

    // --- ForwardOutcomes ---
    void forward_executed(ForwardWaiter waiter, std::string_view reply) override;
    void forward_part(ForwardWaiter waiter, std::string_view part) override;
    void forward_not_executed(ForwardWaiter waiter) override;
    void forward_outcome_unknown(ForwardWaiter waiter) override;

 private:
    // Gives the request at `sequence` its place, and says whether it has one now; if not, it stays parked.
    bool route(Session& session, uint64_t sequence, ops::Arguments arguments);
    bool route_here(Session& session, uint64_t sequence, ops::Arguments arguments);
    bool route_write(Session& session, uint64_t sequence, ops::Arguments arguments);
    // The id of the request, or 0 as long as it is not handed over.
    uint64_t forward_large(Session& session, const Target& target);
    bool route_large_write(Session& session, uint64_t sequence);
    [[nodiscard]] bool may_begin_large_write();
    // `scratch_reply_` holds the error of a command that was refused.
    bool take_admission(Session& session, uint64_t sequence, replica::RaftDriver::WriteAdmission admission);
    [[nodiscard]] static bool is_large(const Session& session, uint64_t sequence);
    [[nodiscard]] static std::string_view head_arguments(Session& session);
    void unpack_large(Session& session, uint64_t sequence);
    [[nodiscard]] bool may_go_on(Session& session);
    bool route_wait(Session& session, Request& request, ops::Arguments arguments);
    // Its reply is known from what the session has sent before (command_gate.h). True: it was queued.
    bool answer_at_gate(Session& session, const redis::NamedCommand& named, ops::Arguments arguments,
                        uint64_t origin_id);
    [[nodiscard]] bool redirects(const Request& request, ops::Arguments arguments) const;
    bool route_away(Session& session, uint64_t sequence, ops::Arguments arguments, const Target& target);
    void route_parked(Session& session);
    [[nodiscard]] bool may_route(const Session& session, const Target& target) const;
    [[nodiscard]] Target current_target() const;

    // Every change of a request's state goes through here: it keeps the session's counts.
    void set_state(Session& session, Request& request, RequestState state);
    void expect_reply(Session& session, Request& request, uint64_t bytes);
    // Whether the reply may be made as far as the session's output is concerned; if so, it is expected from now on.
    [[nodiscard]] bool reply_fits(Session& session, uint64_t sequence, ops::Arguments arguments);
    void queue_local(Session& session, Request& request, ops::Arguments arguments);
    bool route_parked_one(Session& session, uint64_t sequence);
    void set_barrier(Session& session, Request& request);
    void tell_monitors(const Session& session, const ops::CommandSpec& called, ops::Arguments arguments);
    void mark_dirty(Session& session);
    // `line` is the reply; the command was carried out (and failed) or was never one.
    void answer_error(Session& session, Request& request, std::string_view line);
    // Definitely not executed.
    void refuse(Session& session, Request& request, std::string_view line);
    void answer_at_once(Session& session, const redis::NamedCommand& named, uint64_t origin_id, std::string_view line);
    // Returns the code of the error, as Session::execute_server_command() does. None: nothing was replied, it must be
    // carried out as a long read.
    [[nodiscard]] std::optional<std::string_view> answer_read(Session& session, const ops::CommandSpec& spec,
                                                              ops::Arguments arguments, uint64_t value_bytes_max);
    void answer_refusal(Session& session, Request& request, std::string_view line);
    void answer_unknown(Session& session, Request& request);
    void repeat_read(Session& session, Request& request);

    // Answers requests from the head on as far as possible, and routes what is parked.
    void advance(Session& session);
    bool answer_heads(Session& session);
    // kForced: a write behind it is carried out next, so that it cannot wait for room.
    enum class Room : uint8_t { kNeeded, kForced };
    bool advance_head(Session& session, Room room = Room::kNeeded);
    void write_answer(Session& session, const Request& request);
    void write_forwarded_parts(Session& session, Request& request);
    // The reply that came in parts will not be completed. True: its client has read some of it and was cut off.
    bool drop_forwarded_parts(Session& session, Request& request);
    void give_credit(Session& session);
    [[nodiscard]] bool answer_head_read(Session& session, uint64_t value_bytes_max);
    bool go_on_with_long_read(Session& session);
    void wake_waiting_reads();
    void wake_waiting_write();
    void go_on_with_long_work();
    void advance_dirty();
    void look_after(Session& session);
    [[nodiscard]] bool begin_long_read(Session& session);
    [[nodiscard]] static bool has_write_behind_head(Session& session);
    void make_long_reply(Session& session);
    void refuse_long_reply(Session& session);
    [[nodiscard]] bool write_long_reply(Session& session);
    void write_next_part(Session& session);
    void finish_long_reply(Session& session);
    void end_long_read(Session& session);
    // Of a write that is carried out next: what its session waits for before it; null when nobody waits for the write.
    Session* answer_what_is_before(replica::WriteWaiter waiter);
    bool answer_wait(Session& session);
    void pop(Session& session);
    [[nodiscard]] Request* find_forwarded(ForwardWaiter waiter, Session*& session);
    // That the counts of a session are what its queue says, and that nothing in it waits for what cannot come.
    void check(Session& session) const;
    void expire_requests(Session& session, uint64_t now_ns);
    [[nodiscard]] static bool is_under_way(Session& session, const Request& request);
    void expire_request(Session& session, Request& request, uint64_t now_ns);

    const NodeConfig& config_;
    reactor::Reactor& reactor_;
    const kv::Store& store_;
    Forwarder& forwarder_;
    NodeCounters& counters_;
    const BufferBudget& buffers_;
    CommandTimer timer_;
    Prng random_;  // for RANDOMKEY
    replica::RaftDriver* driver_ = nullptr;

    SessionTable sessions_;
    redis::Monitors monitors_{sessions_};
    std::vector<SessionHandle> dirty_;
    std::vector<SessionHandle> advancing_;
    std::vector<SessionHandle> waiting_;             // sessions with a WAIT in their queue
    std::deque<SessionHandle> long_lane_;            // with something that takes several turns: one after the other
    std::deque<SessionHandle> waiting_to_write_;     // with a large write that is not begun
    SessionHandle encoding_;                         // that whose large write is encoded, if it still is
    std::deque<SessionHandle> waiting_for_buffers_;  // with a read whose reply has not begun to be made
    uint64_t served_read_id_ = 0;
    uint32_t one_state_reads_ = 0;    // long reads under way that hold the state as it is
    bool long_lane_is_open_ = false;  // it is the turn of what takes several

    // Between begin_write_reply and end_write_reply.
    Session* write_reply_session_ = nullptr;
    const redis::RespWriter* write_reply_ = nullptr;
    SessionHandle paused_reply_;  // whose reply to a write is written in part
    DiscardingReplySink discard_;
    std::string scratch_reply_;
    std::vector<std::string_view> scratch_arguments_;
};

}  // namespace kvorum::gateway
