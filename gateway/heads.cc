#include "gateway/heads.h"

namespace kvorum::gateway {

bool Heads::answer(Lane& lane) {
    while (!lane.queue().empty() && advance(lane, Room::kNeeded)) {
        if (!reactor_.work().used_up()) continue;
        schedule_.wake(lane);
        return false;
    }
    return true;
}

void Heads::answer_before(Lane& lane, uint64_t sequence) {
    while (lane.queue().head_sequence() < sequence) {
        if (lane.long_reply != nullptr) {
            long_reads_.finish(lane);
            continue;
        }
        const Request& head = lane.queue().front();
        const RequestState state = head.state;
        if (head.command->is_read() && (state == RequestState::kRead || state == RequestState::kParked)) {
            (void)reads_.answer_head(lane, UINT64_MAX);
            continue;
        }
        const bool advanced = advance(lane, Room::kForced);
        KVORUM_ASSERT(advanced, "a command in state {} stands before a write that is applied", static_cast<int>(state));
    }
}

bool Heads::advance(Lane& lane, Room room) {
    Request& head = lane.queue().front();
    switch (head.state) {
        case RequestState::kAnswered: answers_.write(lane); return true;
        case RequestState::kLocal: return advance_local(lane, room);
        case RequestState::kRead: return advance_read(lane);
        case RequestState::kWait: return waits_.answer_head(lane);
        case RequestState::kForwarded: answers_.write_parts(lane, head); return false;
        case RequestState::kParked:
        case RequestState::kWrite: return false;
    }
    return false;
}

bool Heads::advance_local(Lane& lane, Room room) {
    if (room == Room::kNeeded && !lane.port().output_has_room()) return false;
    const Request& head = lane.queue().front();
    unpack_arguments(head.text(), scratch_arguments_);
    const std::string_view error_code = lane.port().carry_out(head.command->local_code, scratch_arguments_);
    timer_.answered(head, error_code);
    answers_.pop(lane);
    return true;
}

bool Heads::advance_read(Lane& lane) {
    const Request& head = lane.queue().front();
    if (!reads_.is_served(head)) return false;
    if (group_.mid_entry()) {
        schedule_.wake(lane);
        return false;
    }
    if (!head.is_long && reads_.answer_head(lane, kShortReplyBytes)) return true;
    return long_reads_.go_on(lane);
}

}  // namespace kvorum::gateway
