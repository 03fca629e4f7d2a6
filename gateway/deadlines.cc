#include "gateway/deadlines.h"

#include <algorithm>

#include "base/mutants.h"
#include "gateway/reply_lines.h"

namespace kvorum::gateway {
namespace {

std::string_view why_not(const Request& request) { return request.read_choice.is_weak() ? kTooOld : kNoLeader; }

}  // namespace

void Deadlines::expire_overdue() {
    lanes_.for_each([&](Lane& lane) {
        if (lane.outstanding() == 0 && lane.parked() == 0) return;
        // A parked command may have found its way: the link to the leader came up.
        if (lane.parked() > 0) schedule_.wake(lane);
        // Nobody waits for a leader or a quorum who does not take the replies that are there.
        if (!lane.port().output_has_room() || lane.waits_for_bulk_room) lane.progressed_ns = reactor_.now_ns();
        expire_commands(lane);
    });
}

void Deadlines::expire_commands(Lane& lane) {
    for (uint64_t s = lane.queue().head_sequence(); s < lane.queue().end_sequence(); ++s) {
        Request& request = *lane.queue().find(s);
        expire(lane, request);
        // What stands behind a WAIT waits as long as the WAIT does, and has its own time after that.
        if (request.is_barrier) return;
    }
}

// It has begun, or has its turn when others have had theirs.
bool Deadlines::is_under_way(const Lane& lane, const Request& request) const {
    if (request.sequence != lane.queue().head_sequence()) return false;
    const bool waits_here = lane.long_reply != nullptr || lane.in_line || lane.waits_for_buffers;
    return (waits_here && request.state == RequestState::kRead) || outcomes_.is_paused(lane);
}

void Deadlines::expire(Lane& lane, Request& request) {
    const uint64_t age_ns = reactor_.now_ns() - std::max(request.arrived_ns, lane.progressed_ns);
    switch (request.state) {
        case RequestState::kParked:
            if (lane.waits_for_room) return;
            if (age_ns > config_.leader_wait_ms * kMillisecondNs) answers_.refuse(lane, request, why_not(request));
            return;
        case RequestState::kRead:
        case RequestState::kWrite:
        case RequestState::kForwarded: expire_outstanding(lane, request, age_ns); return;
        case RequestState::kLocal:
        case RequestState::kWait:
        case RequestState::kAnswered: return;
    }
}

void Deadlines::expire_outstanding(Lane& lane, Request& request, uint64_t age_ns) {
    if (is_under_way(lane, request) || age_ns <= config_.outcome_wait_ms * kMillisecondNs) return;
    const Command& command = *request.command;
    if (command.is_write() && !is_mutant(Mutant::kNoLeaderAfterPropose)) {
        answers_.unknown(lane, request);
    } else if ((command.is_write() || command.is_read()) && !answers_.drop_parts(lane, request)) {
        answers_.refuse(lane, request, why_not(request));
    }
}

}  // namespace kvorum::gateway
