// The router's part for commands that have waited too long: each gets its definite or its unknown answer in bounded
// time.
#include <algorithm>

#include "base/mutants.h"
#include "gateway/command_router.h"
#include "gateway/reply_lines.h"

namespace kvorum::gateway {

void CommandRouter::check(Session& session) const {
    uint32_t outstanding = 0;
    uint32_t parked = 0;
    uint32_t barriers = 0;
    uint32_t input_holds = 0;
    uint64_t expected_reply_bytes = 0;
    for (uint64_t s = session.queue.head_sequence(); s < session.queue.end_sequence(); ++s) {
        const Request& request = *session.queue.find(s);
        outstanding += request.is_outstanding() ? 1 : 0;
        parked += request.state == RequestState::kParked ? 1 : 0;
        barriers += request.is_barrier ? 1 : 0;
        input_holds += request.holds_input ? 1 : 0;
        expected_reply_bytes += request.expected_reply_bytes;
    }
    KVORUM_ASSERT(outstanding == session.outstanding && parked == session.parked, "{} and {} instead of {} and {}",
                  outstanding, parked, session.outstanding, session.parked);
    KVORUM_ASSERT(barriers == session.barriers && input_holds == session.input_holds, "{} and {} instead of {} and {}",
                  barriers, input_holds, session.barriers, session.input_holds);
    KVORUM_ASSERT(expected_reply_bytes == session.expected_reply_bytes, "{} instead of {}", expected_reply_bytes,
                  session.expected_reply_bytes);
    // What is done is answered, and what is local is carried out, once it is at the head.
    if (session.queue.empty() || session.dirty) return;
    const RequestState head = session.queue.front().state;
    KVORUM_ASSERT(head != RequestState::kAnswered, "a reply stays in its queue");
    KVORUM_ASSERT(head != RequestState::kLocal || !session.output_has_room(), "a command stays in its queue");
}

void CommandRouter::expire_overdue() {
    const uint64_t now_ns = reactor_.now_ns();
    sessions_.for_each([&](Session& session) {
        if (session.outstanding == 0 && session.parked == 0) return;
        // A parked command may have found its way: the link to the leader came up.
        if (session.parked > 0) mark_dirty(session);
        // Nobody waits for a leader or a quorum who does not take the replies that are there.
        if (!session.output_has_room() || session.waits_for_bulk_room) session.progressed_ns = now_ns;
        expire_requests(session, now_ns);
    });
}

void CommandRouter::expire_requests(Session& session, uint64_t now_ns) {
    for (uint64_t s = session.queue.head_sequence(); s < session.queue.end_sequence(); ++s) {
        Request& request = *session.queue.find(s);
        expire_request(session, request, now_ns);
        // What stands behind a WAIT waits as long as the WAIT does, and has its own time after that.
        if (request.is_barrier) return;
    }
}

// It has begun, or has its turn when others have had theirs.
bool CommandRouter::is_under_way(Session& session, const Request& request) {
    const bool waits_here = session.long_reply != nullptr || session.in_long_lane || session.waits_for_buffers;
    return waits_here && request.state == RequestState::kRead && &request == &session.queue.front();
}

// A command's time counts from when the one before it was answered: until then the client could not have been told.
void CommandRouter::expire_request(Session& session, Request& request, uint64_t now_ns) {
    const uint64_t age_ns = now_ns - std::max(request.arrived_ns, session.progressed_ns);
    const bool is_write = request.spec != nullptr && request.spec->kind == ops::CommandKind::kWrite;
    const bool is_read = request.spec != nullptr && request.spec->kind == ops::CommandKind::kRead;
    switch (request.state) {
        case RequestState::kParked:
            if (session.waits_for_room) return;
            if (age_ns > config_.leader_wait_ms * kMillisecondNs) refuse(session, request, kNoLeader);
            return;
        case RequestState::kRead:
        case RequestState::kWrite:
        case RequestState::kForwarded:
            if (is_under_way(session, request)) return;
            if (session.handle == paused_reply_ && &request == &session.queue.front()) return;
            if (age_ns <= config_.outcome_wait_ms * kMillisecondNs) return;
            if (is_write && !is_mutant(Mutant::kNoLeaderAfterPropose)) {
                answer_unknown(session, request);
            } else if ((is_write || is_read) && !drop_forwarded_parts(session, request)) {
                refuse(session, request, kNoLeader);
            }
            return;
        case RequestState::kLocal:
        case RequestState::kWait:
        case RequestState::kAnswered: return;
    }
}

}  // namespace kvorum::gateway
