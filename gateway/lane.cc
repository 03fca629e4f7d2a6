#include "gateway/lane.h"

#include <utility>

namespace kvorum::gateway {

Request& Lane::push(const Command& command, uint64_t origin_id, uint64_t now_ns) {
    Request& request = queue_.push_back();
    request.state = RequestState::kAnswered;
    request.command = &command;
    request.origin_id = origin_id;
    request.arrived_ns = now_ns;
    return request;
}

void Lane::set_state(Request& request, RequestState state) {
    if (request.is_outstanding()) --outstanding_;
    if (request.state == RequestState::kParked) --parked_;
    request.state = state;
    if (request.is_outstanding()) ++outstanding_;
    if (request.state == RequestState::kParked) ++parked_;
    const bool keeps_room = request.is_outstanding() || state == RequestState::kLocal;
    if (!keeps_room) expect_reply(request, 0);
}

void Lane::set_barrier(Request& request) {
    KVORUM_ASSERT(!request.is_barrier);
    request.is_barrier = true;
    ++barriers_;
}

void Lane::lift_barrier(Request& request) {
    if (std::exchange(request.is_barrier, false)) --barriers_;
}

void Lane::hold_input(Request& request) {
    KVORUM_ASSERT(!request.holds_input);
    request.holds_input = true;
    ++input_holds_;
}

void Lane::expect_reply(Request& request, uint64_t bytes) {
    expected_reply_bytes_ += bytes - request.expected_reply_bytes;
    request.expected_reply_bytes = bytes;
}

void Lane::pop(uint64_t now_ns) {
    Request& head = queue_.front();
    set_state(head, RequestState::kAnswered);
    lift_barrier(head);
    if (head.holds_input) --input_holds_;
    progressed_ns = now_ns;
    waits_for_buffers = false;
    if (is_large(queue_.head_sequence())) large.reset();
    queue_.pop_front();
}

bool Lane::has_write_behind(uint64_t sequence) const {
    for (uint64_t s = sequence + 1; outstanding_ > 0 && s < queue_.end_sequence(); ++s) {
        if (queue_.find(s)->state == RequestState::kWrite) return true;
    }
    return false;
}

std::string_view Lane::head_arguments() {
    if (is_large(queue_.head_sequence())) return as_text(large->command.bytes());
    return queue_.front().text();
}

uint64_t Lane::memory_bytes() const {
    uint64_t bytes = queue_.memory_bytes() + forwarded_parts.memory_bytes();
    if (long_reply != nullptr) bytes += long_reply->memory_bytes();
    if (large != nullptr) bytes += large->command.bytes().size();
    return bytes;
}

void Lane::check() const {
    uint32_t outstanding = 0;
    uint32_t parked = 0;
    uint32_t barriers = 0;
    uint32_t input_holds = 0;
    uint64_t expected_reply_bytes = 0;
    for (uint64_t s = queue_.head_sequence(); s < queue_.end_sequence(); ++s) {
        const Request& request = *queue_.find(s);
        KVORUM_ASSERT(request.sequence == s, "{} at the place of {}", request.sequence, s);
        outstanding += request.is_outstanding() ? 1 : 0;
        parked += request.state == RequestState::kParked ? 1 : 0;
        barriers += request.is_barrier ? 1 : 0;
        input_holds += request.holds_input ? 1 : 0;
        expected_reply_bytes += request.expected_reply_bytes;
        KVORUM_ASSERT(!request.reply_is_out || request.reply_has_begun || request.state == RequestState::kAnswered,
                      "parts of a reply are with the client, and none has come");
    }
    KVORUM_ASSERT(outstanding == outstanding_ && parked == parked_, "{} and {} instead of {} and {}", outstanding,
                  parked, outstanding_, parked_);
    KVORUM_ASSERT(barriers == barriers_ && input_holds == input_holds_, "{} and {} instead of {} and {}", barriers,
                  input_holds, barriers_, input_holds_);
    KVORUM_ASSERT(expected_reply_bytes == expected_reply_bytes_, "{} instead of {}", expected_reply_bytes,
                  expected_reply_bytes_);
    KVORUM_ASSERT(large == nullptr || queue_.find(large->sequence) != nullptr, "a large command without its place");
    KVORUM_ASSERT(long_reply == nullptr || !queue_.empty(), "a long reply to nothing");
    KVORUM_ASSERT(outstanding_ == 0 || !target.node.is_none(), "commands are outstanding nowhere");
    // What is done is answered, and what is local is carried out, once it is at the head.
    if (queue_.empty() || is_scheduled) return;
    const RequestState head = queue_.find(queue_.head_sequence())->state;
    KVORUM_ASSERT(head != RequestState::kAnswered, "a reply stays in its queue");
    KVORUM_ASSERT(head != RequestState::kLocal || !port_.output_has_room(), "a command stays in its queue");
}

}  // namespace kvorum::gateway
