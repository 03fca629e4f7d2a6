// The router's part for reads that take several turns: each turn goes on with the first of them as far as its budget
// of work allows.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gateway/command_router.h"

namespace kvorum::gateway {
namespace {

constexpr std::string_view kCutOff =
    "CLUSTERDOWN Leadership was lost during a long read, which is not sent on by itself: it was not completed";

// A read of more is not sent on to the next leader by itself.
constexpr uint64_t kCostlyKeys = 50'000;
constexpr size_t kCostlyBytes = 512 * kKiB;

constexpr int kReadsWokenPerTurn = 16;

}  // namespace

// True when the reply is written and the read is over. What is left waits for the next turn or for room.
bool CommandRouter::go_on_with_long_read(Session& session) {
    const bool is_new = session.long_reply == nullptr;
    // Once that write is applied the reply must be whole: the state is held for it from now on.
    const bool is_urgent = is_new && has_write_behind_head(session);
    if (!is_urgent && !may_go_on(session)) return false;
    if (is_new && !is_urgent && buffers_.is_half_spent()) {
        if (!std::exchange(session.waits_for_buffers, true)) waiting_for_buffers_.push_back(session.handle);
        return false;
    }
    if (is_new && !begin_long_read(session)) return false;
    if (!session.long_reply->made()) {
        make_long_reply(session);
        if (session.long_reply->memory_bytes() > buffers_.reply_bytes_max()) {
            refuse_long_reply(session);
            return true;
        }
    }
    if (session.long_reply->made() && write_long_reply(session)) {
        const Request& head = session.queue.front();
        end_long_read(session);
        timer_.answered(head, {});
        timer_.note_if_slow(session, head, "read-index");
        pop(session);
        return true;
    }
    // Without room it is woken when there is some.
    session.waits_for_bulk_room = session.long_reply->made() && !session.output_has_bulk_room();
    if (!session.waits_for_bulk_room) mark_dirty(session);
    return false;
}

// A few in each turn: there may be thousands.
void CommandRouter::wake_waiting_reads() {
    for (int i = 0; i < kReadsWokenPerTurn && !waiting_for_buffers_.empty() && !buffers_.is_half_spent(); ++i) {
        Session* session = sessions_.find(waiting_for_buffers_.front());
        waiting_for_buffers_.pop_front();
        if (session == nullptr) continue;
        session->waits_for_buffers = false;
        mark_dirty(*session);
    }
}

// False: not now.
bool CommandRouter::begin_long_read(Session& session) {
    Request& head = session.queue.front();
    const std::string_view packed = head_arguments(session);
    const PackedKeys keys = packed_keys(packed);
    scratch_arguments_.clear();
    if (!ops::is_key_list(*head.spec)) unpack_arguments(packed, scratch_arguments_);
    std::unique_ptr<ops::LongRead> read =
        ops::begin_long_read(store_, *head.spec, scratch_arguments_, keys.count, keys.keys);
    const bool holds_state = read->needs_one_state() || has_write_behind_head(session);
    if (holds_state) {
        // One after the other would keep what is committed from being applied for ever.
        if (one_state_reads_ > 0 && driver_->apply_waits()) {
            mark_dirty(session);
            return false;
        }
        ++one_state_reads_;
    }
    // A write behind it would have to wait for it.
    if (!head.is_barrier) set_barrier(session, head);
    session.long_reply = std::make_unique<LongReply>(std::move(read), holds_state, session.protocol());
    return true;
}

bool CommandRouter::has_write_behind_head(Session& session) {
    for (uint64_t s = session.queue.head_sequence() + 1; s < session.queue.end_sequence(); ++s) {
        if (session.queue.find(s)->state == RequestState::kWrite) return true;
    }
    return false;
}

void CommandRouter::make_long_reply(Session& session) {
    LongReply& reply = *session.long_reply;
    const bool held_state = reply.holds_state();
    TurnWork& work = reactor_.work();
    const bool walks = session.queue.front().spec->first_key == 0;
    work.add(walks ? TurnPart::kWalk : TurnPart::kRead, reply.make(work.slice()));
    if (!reply.made()) return;
    if (held_state) --one_state_reads_;
    counters_.keyspace_hits += reply.lookups().hits;
    counters_.keyspace_misses += reply.lookups().misses;
}

// Nothing of it is with the client: only what is made is written.
void CommandRouter::refuse_long_reply(Session& session) {
    Request& head = session.queue.front();
    end_long_read(session);
    set_state(session, head, RequestState::kAnswered);
    answer_error(session, head,
                 fmt::format("ERR the reply is larger than {} bytes, a quarter of max-buffer-memory",
                             buffers_.reply_bytes_max()));
    write_answer(session, head);
}

// True: all of it.
bool CommandRouter::write_long_reply(Session& session) {
    LongReply& reply = *session.long_reply;
    for (bool first = true; session.output_has_bulk_room() && (first || !reactor_.work().used_up()); first = false) {
        write_next_part(session);
        if (reply.all_taken()) return true;
    }
    return false;
}

void CommandRouter::write_next_part(Session& session) {
    std::string part = session.long_reply->take_part();
    // It is sent at the end of the turn.
    reactor_.work().add(TurnPart::kRead, part.size() * kSentWork);
    session.write_reply_part(std::move(part), session.long_reply->all_taken());
}

// Of one whose values turned out to be large: a write of its session was in the log behind it, and is carried out next.
// Nothing was applied before the reply was made; now it is written, room or not.
void CommandRouter::finish_long_reply(Session& session) {
    KVORUM_ASSERT(session.long_reply->made(), "an entry was applied while a read held the state");
    while (!session.long_reply->all_taken())
        write_next_part(session);
    end_long_read(session);
    timer_.answered(session.queue.front(), {});
    pop(session);
}

void CommandRouter::end_long_read(Session& session) {
    session.waits_for_bulk_room = false;
    if (session.long_reply->holds_state()) --one_state_reads_;
    session.long_reply.reset();
}

// A read has no effect, so another leader may be asked. One that costs a second is not: it would stop the next one.
void CommandRouter::repeat_read(Session& session, Request& request) {
    if (drop_forwarded_parts(session, request)) return;
    const bool walks = request.spec->first_key == 0;
    const bool is_large = session.large != nullptr && session.queue.find(session.large->sequence) == &request;
    const size_t text_bytes = is_large ? session.large->command.bytes().size() : request.text().size();
    const bool is_costly = request.is_long && (walks ? store_.size() > kCostlyKeys : text_bytes > kCostlyBytes);
    if (is_costly) {
        refuse(session, request, kCutOff);
        return;
    }
    if (std::exchange(request.is_barrier, false)) --session.barriers;
    set_state(session, request, RequestState::kParked);
}

}  // namespace kvorum::gateway
