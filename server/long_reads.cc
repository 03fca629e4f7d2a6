// The router's part for reads that take several turns: each turn goes on with the first of them as far as its budget
// of work allows.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/command_router.h"

namespace kvorum::server {
namespace {

constexpr std::string_view kCutOff =
    "CLUSTERDOWN Leadership was lost during a long read, which is not sent on by itself: it was not completed";

// A read of more is not sent on to the next leader by itself.
constexpr uint64_t kCostlyKeys = 50'000;
constexpr size_t kCostlyBytes = 512 * kKiB;

}  // namespace

// True when the reply is written and the read is over. What is left waits for the next turn, or for room.
bool CommandRouter::go_on_with_long_read(Session& session) {
    if (session.long_reply == nullptr && buffers_.is_half_spent()) {
        if (!std::exchange(session.waits_for_buffers, true)) waiting_for_buffers_.push_back(session.handle);
        return false;
    }
    if (!may_go_on(session)) return false;
    if (session.long_reply == nullptr) {
        begin_long_read(session);
        if (session.long_reply == nullptr) return false;
    }
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
    // Without room it is woken when a send has ended.
    if (session.output_has_room()) mark_dirty(session);
    return false;
}

void CommandRouter::begin_long_read(Session& session) {
    const Request& head = session.queue.front();
    const std::string_view packed = head_arguments(session);
    const PackedKeys keys = packed_keys(packed);
    scratch_arguments_.clear();
    if (!kv::is_key_list(*head.spec)) unpack_arguments(packed, scratch_arguments_);
    std::unique_ptr<kv::LongRead> read = kv::begin_long_read(*head.spec, scratch_arguments_, keys.count, keys.keys);
    if (read->needs_one_state()) {
        // One after the other would keep what is committed from being applied for ever.
        if (one_state_reads_ > 0 && driver_->apply_waits()) {
            mark_dirty(session);
            return;
        }
        ++one_state_reads_;
    }
    session.long_reply = std::make_unique<LongReply>(std::move(read), session.protocol());
}

void CommandRouter::make_long_reply(Session& session) {
    LongReply& reply = *session.long_reply;
    const bool needed_one_state = reply.needs_one_state();
    TurnWork& work = reactor_.work();
    work.add(needed_one_state ? TurnPart::kRead : TurnPart::kWalk, reply.make(store_, work.slice()));
    if (!reply.made()) return;
    if (needed_one_state) --one_state_reads_;
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
    pop(session);
}

// True: all of it.
bool CommandRouter::write_long_reply(Session& session) {
    LongReply& reply = *session.long_reply;
    for (bool first = true; session.output_has_room() && (first || !reactor_.work().used_up()); first = false) {
        const bool is_last = reply.is_last_part();
        reactor_.work().add(TurnPart::kRead, reply.next_part().size() / kBytesPerWork);
        session.write_reply_part(reply.next_part(), is_last);
        reply.part_written();
        if (is_last) return true;
    }
    return false;
}

// Of one whose values turned out to be large: a write of its session may be in the log behind it, and is carried out
// next. Nothing was applied before the reply was made; now it is written, room or not.
void CommandRouter::finish_long_reply(Session& session) {
    LongReply& reply = *session.long_reply;
    KVORUM_ASSERT(reply.made(), "an entry was applied while a read needed one state");
    for (bool is_last = false; !is_last; reply.part_written()) {
        is_last = reply.is_last_part();
        session.write_reply_part(reply.next_part(), is_last);
    }
    end_long_read(session);
    timer_.answered(session.queue.front(), {});
    pop(session);
}

void CommandRouter::end_long_read(Session& session) {
    if (session.long_reply->needs_one_state()) --one_state_reads_;
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

}  // namespace kvorum::server
