#include "gateway/outcomes.h"

#include <utility>

#include "base/probes.h"
#include "gateway/reply_lines.h"

namespace kvorum::gateway {

Lane* Outcomes::answer_what_is_before(replica::WriteWaiter waiter) {
    Lane* lane = lanes_.find(waiter.waiter);
    if (lane == nullptr) return nullptr;
    const Request* request = lane->queue().find(waiter.sequence);
    // Gone or answered as uncertain: nobody waits any more.
    if (request == nullptr || request->state != RequestState::kWrite) return nullptr;
    heads_.answer_before(*lane, waiter.sequence);
    return lane;
}

ReplySink& Outcomes::begin_write_reply(replica::WriteWaiter waiter) {
    replying_ = answer_what_is_before(waiter);
    if (replying_ == nullptr) return discard_;
    ReplyWriter& reply = replying_->port().begin_reply();
    writer_ = &reply;
    return reply;
}

void Outcomes::end_write_reply() {
    if (replying_ == nullptr) return;
    Lane& lane = *std::exchange(replying_, nullptr);
    lane.saw(entry_);
    lane.port().end_reply();
    // Everything before it is answered.
    timer_.write_answered(lane, lane.queue().front(), writer_->error_code());
    KVORUM_PROBE2(replied, lane.handle.slot, lane.queue().head_sequence());
    answers_.pop(lane);
    schedule_.wake(lane);
}

void Outcomes::pause_write_reply() {
    if (replying_ == nullptr) return;
    Lane& lane = *std::exchange(replying_, nullptr);
    lane.port().pause_reply();
    paused_ = lane.handle;
    schedule_.wake(lane);
}

ReplySink& Outcomes::resume_write_reply(replica::WriteWaiter waiter) {
    const bool is_paused = std::exchange(paused_, {}) == waiter.waiter;
    replying_ = is_paused ? lanes_.find(waiter.waiter) : nullptr;
    if (replying_ == nullptr) return discard_;
    ReplyWriter& reply = replying_->port().resume_reply();
    writer_ = &reply;
    return reply;
}

void Outcomes::write_not_executed(replica::WriteWaiter waiter) {
    Lane* lane = lanes_.find(waiter.waiter);
    if (lane == nullptr) return;
    Request* request = lane->queue().find(waiter.sequence);
    if (request == nullptr || request->state != RequestState::kWrite) return;
    answers_.refuse(*lane, *request, kLeadershipLost);
    one_hop_.on_write_not_executed(*lane, waiter.sequence);
}

void Outcomes::reads_ready(uint64_t served_round, const std::vector<LaneHandle>& lanes) {
    reads_.serve(served_round);
    for (const LaneHandle handle : lanes) {
        if (Lane* lane = lanes_.find(handle)) schedule_.wake(*lane);
    }
}

void Outcomes::reads_dropped(const std::vector<LaneHandle>& lanes) {
    for (const LaneHandle handle : lanes) {
        Lane* lane = lanes_.find(handle);
        if (lane == nullptr) continue;
        for (uint64_t s = lane->queue().head_sequence(); s < lane->queue().end_sequence(); ++s) {
            Request& request = *lane->queue().find(s);
            if (request.state == RequestState::kRead && !reads_.is_served(request)) reads_.repeat(*lane, request);
        }
        schedule_.wake(*lane);
    }
}

// Those behind the first as well, served or not: none may be older than one before it.
void Outcomes::repeat_reads(Lane& lane) {
    for (uint64_t s = lane.queue().head_sequence(); s < lane.queue().end_sequence(); ++s) {
        Request& request = *lane.queue().find(s);
        if (request.state == RequestState::kRead) reads_.repeat(lane, request);
    }
}

// A read has no effect, so it need not wait for the old leader's word; a write must, and what stands before it waits
// too: the next leader would show it the write.
void Outcomes::repeat_forwarded_reads(Lane& lane) {
    for (uint64_t end = lane.queue().end_sequence(); end > lane.queue().head_sequence(); --end) {
        Request& request = *lane.queue().find(end - 1);
        if (request.state != RequestState::kForwarded) continue;
        if (!request.command->is_read() || request.reply_has_begun) return;
        reads_.repeat(lane, request);
    }
}

void Outcomes::leadership_changed() {
    const Term term = group_.current_term();
    lanes_.for_each([&](Lane& lane) {
        if (lane.queue().empty()) return;
        schedule_.wake(lane);
        if (lane.target.term >= term) return;
        one_hop_.on_later_term(lane);
        const bool asked = lane.queue().front().token != 0;  // a weak read asks nobody
        if (lane.long_reply != nullptr && !lane.long_reply->made() && asked) {
            long_reads_.end(lane);
            repeat_reads(lane);
        }
        repeat_forwarded_reads(lane);
        for (uint64_t s = lane.queue().head_sequence(); s < lane.queue().end_sequence(); ++s) {
            Request& request = *lane.queue().find(s);
            if (request.state == RequestState::kWait) waits_.give_up(lane, request);
        }
    });
}

}  // namespace kvorum::gateway
