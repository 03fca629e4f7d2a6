#include "gateway/large_writes.h"

#include <utility>

#include "ops/large_record.h"
#include "ops/long_read.h"

namespace kvorum::gateway {

using replica::WriteAdmission;

bool is_list(const ops::Operation& operation) {
    return ops::is_key_list(operation) || ops::is_key_list_write(operation);
}

// One at a time: what it is encoded into is as large as its command, and a compressed value larger. And not before
// little is in the log and not applied.
bool LargeWrites::may_begin() const {
    const Lane* lane = lanes_.find(encoding_);
    const bool is_encoding = lane != nullptr && lane->large != nullptr && lane->large->write.has_value();
    return !is_encoding && group_.takes_large_write();
}

// What led here was a large write that went into the log, or an entry that was applied.
void LargeWrites::wake_waiting() {
    if (waiting_.empty() || !may_begin()) return;
    for (bool woken = false; !woken && !waiting_.empty();) {
        Lane* lane = lanes_.find(waiting_.front());
        waiting_.pop_front();
        // Its command may have been given up.
        woken = lane != nullptr && lane->large != nullptr && std::exchange(lane->large->waits_to_write, false);
        if (woken) schedule_.wake(*lane);
    }
}

uint64_t LargeWrites::forward(Lane& lane, const Target& target) {
    if (!schedule_.may_go_on(lane)) return 0;
    LargeCommand& large = *lane.large;
    large.write.reset();  // of a leadership that was lost
    const uint64_t id =
        forwarder_.forward_large(target, {lane.handle, large.sequence}, lane.session_id(), lane.port().format(),
                                 as_text(large.command.bytes()), large.forward, reactor_.work());
    // Else it is told when there is room, or looked at again by the next sweep.
    if (id == 0 && !large.forward.waits) schedule_.wake(lane);
    return id;
}

// True: it is another one's turn.
bool LargeWrites::begin_waits(Lane& lane) {
    LargeCommand& large = *lane.large;
    if (large.write.has_value()) return false;
    if (!may_begin()) {
        lane.waits_for_room = true;
        if (!std::exchange(large.waits_to_write, true)) waiting_.push_back(lane.handle);
        return true;
    }
    large.write.emplace();
    encoding_ = lane.handle;
    return false;
}

bool LargeWrites::route(Lane& lane, Request& request) {
    if (!schedule_.may_go_on(lane) || begin_waits(lane)) return false;
    LargeCommand& large = *lane.large;
    const ops::Operation& operation = *request.command->operation;
    if (!large.write->prepare(operation, large.command, reactor_.work())) {
        schedule_.wake(lane);
        return false;
    }
    if (!large.write->begun()) {
        const WriteAdmission admission = group_.admit(operation);
        if (admission != WriteAdmission::kAccepted) return admission_.settle(lane, request, admission, {});
        error_.clear();
        if (!large.write->begin(operation, large.command, group_.turn_clock_ms(), group_.batch_head(),
                                lane.port().writer_to(error_)))
            return admission_.settle(lane, request, WriteAdmission::kRefused, error_);
    }
    if (!large.write->go_on(reactor_.work())) {
        schedule_.wake(lane);
        return false;
    }
    const WriteAdmission admission = group_.add_large_write(large.write->builder(), {lane.handle, request.sequence});
    // What waits for a quorum leaves no room: the next sweep tries again. So it does when a transfer failed.
    if (admission == WriteAdmission::kOverloaded || admission == WriteAdmission::kHandingOver) return false;
    if (admission == WriteAdmission::kAccepted) {
        large.command.first_arguments(kFirstArguments, scratch_arguments_);
        timer_.keep_arguments(lane.queue(), request, scratch_arguments_, 1);
        lane.large.reset();
    }
    return admission_.settle(lane, request, admission, {});
}

}  // namespace kvorum::gateway
