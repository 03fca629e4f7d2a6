// The router's part for what became of commands: applied or lost here, answered or lost at the leader.
#include <utility>

#include "base/mutants.h"
#include "base/probes.h"
#include "gateway/command_router.h"
#include "gateway/reply_lines.h"

namespace kvorum::gateway {

Session* CommandRouter::answer_what_is_before(replica::WriteWaiter waiter) {
    Session* session = sessions_.find(waiter.waiter);
    if (session == nullptr) return nullptr;
    const Request* request = session->queue.find(waiter.sequence);
    // Gone or answered as uncertain: nobody waits any more.
    if (request == nullptr || request->state != RequestState::kWrite) return nullptr;
    while (session->queue.head_sequence() < waiter.sequence) {
        Request& head = session->queue.front();
        if (session->long_reply != nullptr) {
            finish_long_reply(*session);
            continue;
        }
        const bool is_read = head.spec != nullptr && head.spec->kind == ops::CommandKind::kRead;
        if (is_read && (head.state == RequestState::kRead || head.state == RequestState::kParked)) {
            (void)answer_head_read(*session, UINT64_MAX);
            continue;
        }
        const bool advanced = advance_head(*session, Room::kForced);
        KVORUM_ASSERT(advanced, "a command in state {} stands before a write that is applied",
                      static_cast<int>(head.state));
    }
    return session;
}

ReplySink& CommandRouter::begin_write_reply(replica::WriteWaiter waiter) {
    write_reply_session_ = answer_what_is_before(waiter);
    if (write_reply_session_ == nullptr) return discard_;
    redis::RespWriter& reply = write_reply_session_->begin_reply();
    write_reply_ = &reply;
    return reply;
}

void CommandRouter::end_write_reply() {
    if (write_reply_session_ == nullptr) return;
    Session& session = *write_reply_session_;
    write_reply_session_ = nullptr;
    session.end_reply();
    // Everything before it is answered.
    timer_.write_answered(session, session.queue.front(), write_reply_->error_code());
    KVORUM_PROBE2(replied, session.handle.slot, session.queue.head_sequence());
    pop(session);
    mark_dirty(session);
}

void CommandRouter::pause_write_reply() {
    if (write_reply_session_ == nullptr) return;
    Session& session = *std::exchange(write_reply_session_, nullptr);
    session.pause_reply();
    paused_reply_ = session.handle;
    mark_dirty(session);
}

ReplySink& CommandRouter::resume_write_reply(replica::WriteWaiter waiter) {
    const bool is_paused = std::exchange(paused_reply_, {}) == waiter.waiter;
    write_reply_session_ = is_paused ? sessions_.find(waiter.waiter) : nullptr;
    if (write_reply_session_ == nullptr) return discard_;
    redis::RespWriter& reply = write_reply_session_->resume_reply();
    write_reply_ = &reply;
    return reply;
}

void CommandRouter::write_not_executed(replica::WriteWaiter waiter) {
    Session* session = sessions_.find(waiter.waiter);
    if (session == nullptr) return;
    Request* request = session->queue.find(waiter.sequence);
    if (request == nullptr || request->state != RequestState::kWrite) return;
    refuse(*session, *request, kLeadershipLost);
}

void CommandRouter::reads_ready(uint64_t served_id, const std::vector<SessionHandle>& sessions) {
    served_read_id_ = served_id;
    for (const SessionHandle handle : sessions) {
        if (Session* session = sessions_.find(handle)) mark_dirty(*session);
    }
}

void CommandRouter::reads_dropped(const std::vector<SessionHandle>& sessions) {
    for (const SessionHandle handle : sessions) {
        Session* session = sessions_.find(handle);
        if (session == nullptr) continue;
        for (uint64_t s = session->queue.head_sequence(); s < session->queue.end_sequence(); ++s) {
            Request& request = *session->queue.find(s);
            if (request.state != RequestState::kRead || request.token <= served_read_id_) continue;
            repeat_read(*session, request);
        }
        mark_dirty(*session);
    }
}

void CommandRouter::leadership_changed() {
    const Term term = driver_->raft().current_term();
    sessions_.for_each([&](Session& session) {
        if (session.queue.empty()) return;
        mark_dirty(session);
        if (session.target.term >= term) return;
        if (session.long_reply != nullptr && !session.long_reply->made()) {
            end_long_read(session);
            repeat_read(session, session.queue.front());
        }
        // A read has no effect, so it need not wait for the old leader's word; a write must.
        for (uint64_t s = session.queue.head_sequence(); s < session.queue.end_sequence(); ++s) {
            Request& request = *session.queue.find(s);
            const bool is_read = request.spec != nullptr && request.spec->kind == ops::CommandKind::kRead;
            const bool is_coming = request.reply_has_begun;
            if (request.state == RequestState::kForwarded && is_read && !is_coming) repeat_read(session, request);
        }
    });
}

// --- of forwarded commands ---

Request* CommandRouter::find_forwarded(ForwardWaiter waiter, Session*& session) {
    session = sessions_.find(waiter.session);
    if (session == nullptr) return nullptr;
    Request* request = session->queue.find(waiter.sequence);
    if (request == nullptr || request->state != RequestState::kForwarded || request->token != waiter.request_id)
        return nullptr;
    mark_dirty(*session);
    return request;
}

void CommandRouter::forward_executed(ForwardWaiter waiter, std::string_view reply) {
    Session* session = nullptr;
    Request* request = find_forwarded(waiter, session);
    if (request == nullptr) return;
    timer_.note_if_slow(*session, *request, "forward");
    session->uncredited_bytes += reply.size();
    set_state(*session, *request, RequestState::kAnswered);
    session->queue.set_text(*request, reply);
}

void CommandRouter::forward_part(ForwardWaiter waiter, std::string_view part) {
    Session* session = nullptr;
    Request* request = find_forwarded(waiter, session);
    if (request == nullptr) return;
    session->uncredited_bytes += part.size();
    session->forwarded_parts.append(request->sequence, part);
    request->reply_has_begun = true;
}

void CommandRouter::forward_not_executed(ForwardWaiter waiter) {
    Session* session = nullptr;
    Request* request = find_forwarded(waiter, session);
    if (request == nullptr) return;
    if (session->input_ended && request->is_write()) {
        refuse(*session, *request, kClientLeft);
    } else if (request->is_long) {
        repeat_read(*session, *request);
    } else {
        set_state(*session, *request, RequestState::kParked);
    }
}

void CommandRouter::forward_outcome_unknown(ForwardWaiter waiter) {
    Session* session = nullptr;
    Request* request = find_forwarded(waiter, session);
    if (request == nullptr) return;
    if (request->spec->kind == ops::CommandKind::kWrite && !is_mutant(Mutant::kForwarderReplaysOnTimeout)) {
        answer_unknown(*session, *request);
    } else {
        repeat_read(*session, *request);
    }
}

}  // namespace kvorum::gateway
