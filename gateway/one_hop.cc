#include "gateway/one_hop.h"

#include "gateway/reply_lines.h"

namespace kvorum::gateway {

bool OneHop::refuse_or_keep(Lane& lane, Request& request) {
    if (request.command->is_read() && lane.has_write_behind(request.sequence)) return false;
    answers_.refuse(lane, request, kNotLeader);
    return true;
}

void OneHop::on_write_not_executed(Lane& lane, uint64_t sequence) {
    if (!lane.is_of_other_node()) return;
    for (uint64_t s = sequence + 1; s < lane.queue().end_sequence(); ++s) {
        Request& request = *lane.queue().find(s);
        if (request.state == RequestState::kRead) answers_.refuse(lane, request, kLeadershipLost);
    }
}

void OneHop::on_later_term(Lane& lane) {
    if (!lane.is_of_other_node()) return;
    for (uint64_t end = lane.queue().end_sequence(); end > lane.queue().head_sequence(); --end) {
        Request& request = *lane.queue().find(end - 1);
        // A lost read that is parked before a write in the log is answered with that.
        if (request.is_outstanding()) return;
        if (request.state == RequestState::kParked) answers_.refuse(lane, request, kLeadershipLost);
    }
}

}  // namespace kvorum::gateway
