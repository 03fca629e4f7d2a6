#include "gateway/forward_results.h"

#include "base/mutants.h"
#include "gateway/reply_lines.h"

namespace kvorum::gateway {

Request* ForwardResults::find(ForwardWaiter waiter, Lane*& lane) {
    lane = lanes_.find(waiter.lane);
    if (lane == nullptr) return nullptr;
    Request* request = lane->queue().find(waiter.sequence);
    if (request == nullptr || request->state != RequestState::kForwarded || request->token != waiter.request_id)
        return nullptr;
    schedule_.wake(*lane);
    return request;
}

void ForwardResults::forward_executed(ForwardWaiter waiter, std::string_view reply, LogIndex seen) {
    Lane* lane = nullptr;
    Request* request = find(waiter, lane);
    if (request == nullptr) return;
    timer_.note_if_slow(*lane, *request, "forward");
    lane->uncredited_bytes += reply.size();
    lane->saw(seen);
    answers_.reply(*lane, *request, reply);
}

void ForwardResults::forward_part(ForwardWaiter waiter, std::string_view part) {
    Lane* lane = nullptr;
    Request* request = find(waiter, lane);
    if (request == nullptr) return;
    lane->uncredited_bytes += part.size();
    lane->forwarded_parts.append(request->sequence, part);
    request->reply_has_begun = true;
}

void ForwardResults::forward_not_executed(ForwardWaiter waiter) {
    Lane* lane = nullptr;
    Request* request = find(waiter, lane);
    if (request == nullptr || answers_.drop_parts(*lane, *request)) return;
    if (lane->input_ended && request->command->is_write()) {
        answers_.refuse(*lane, *request, kClientLeft);
    } else if (request->is_long) {
        reads_.repeat(*lane, *request);
    } else {
        lane->set_state(*request, RequestState::kParked);
    }
}

void ForwardResults::forward_outcome_unknown(ForwardWaiter waiter) {
    Lane* lane = nullptr;
    Request* request = find(waiter, lane);
    if (request == nullptr) return;
    if (request->command->is_write() && !is_mutant(Mutant::kForwarderReplaysOnTimeout)) {
        answers_.unknown(*lane, *request);
    } else {
        reads_.repeat(*lane, *request);
    }
}

}  // namespace kvorum::gateway
