#include "gateway/answers.h"

#include <utility>

#include "gateway/reply_lines.h"

namespace kvorum::gateway {
namespace {

// So much of forwarded replies is taken before the leader is told.
constexpr uint64_t kCreditBytes = 128 * kKiB;

}  // namespace

void Answers::error(Lane& lane, Request& request, std::string_view line) {
    scratch_.clear();
    lane.port().writer_to(scratch_).error(line);
    reply(lane, request, scratch_);
}

void Answers::reply(Lane& lane, Request& request, std::string_view reply) {
    lane.set_state(request, RequestState::kAnswered);
    lane.queue().set_text(request, reply);
}

void Answers::refuse(Lane& lane, Request& request, std::string_view line) {
    ++counters_.replies_not_executed;
    reply(lane, request, line);
    request.reply_class = ReplyClass::kNotExecuted;
    schedule_.wake(lane);
}

void Answers::refuse_as_reply(Lane& lane, Request& request, std::string_view line) {
    ++counters_.replies_not_executed;
    error(lane, request, line);
}

void Answers::refuse_as_reply(Lane& lane, Request& request, const Failure& failure) {
    ++counters_.replies_not_executed;
    scratch_.clear();
    lane.port().writer_to(scratch_).failure(failure);
    reply(lane, request, scratch_);
}

void Answers::unknown(Lane& lane, Request& request) {
    if (drop_parts(lane, request)) return;
    ++counters_.replies_uncertain;
    reply(lane, request, kUncertain);
    request.reply_class = ReplyClass::kUnknown;
    schedule_.wake(lane);
}

void Answers::write(Lane& lane) {
    const Request& head = lane.queue().front();
    ReplyPort& port = lane.port();
    switch (head.reply_class) {
        case ReplyClass::kExecuted:
            if (head.reply_has_begun) {
                for (std::string part; !(part = lane.forwarded_parts.take(head.sequence)).empty();)
                    port.write_reply_part(std::move(part), false);
                port.write_reply_part(std::string(head.text()), true);
            } else {
                port.write_reply(head.text());
            }
            break;
        case ReplyClass::kNotExecuted: port.reply_not_executed(head.text()); break;
        case ReplyClass::kUnknown: port.reply_outcome_unknown(head.text()); break;
    }
    const bool is_reply = head.reply_class == ReplyClass::kExecuted;
    timer_.answered(head, is_reply ? port.error_code_of(head.text()) : error_code_of_line(head.text()));
    pop(lane);
}

void Answers::write_parts(Lane& lane, Request& request) {
    if (!request.reply_has_begun) return;
    while (lane.port().output_has_room()) {
        std::string part = lane.forwarded_parts.take(request.sequence);
        if (part.empty()) return;
        lane.port().write_reply_part(std::move(part), false);
        request.reply_is_out = true;
        lane.progressed_ns = reactor_.now_ns();
    }
}

bool Answers::drop_parts(Lane& lane, Request& request) {
    if (!std::exchange(request.reply_has_begun, false)) return false;
    while (!lane.forwarded_parts.take(request.sequence).empty()) {
    }
    if (!request.reply_is_out) return false;
    reply(lane, request, {});
    lane.port().cut_off();
    return true;
}

void Answers::give_credit(Lane& lane) {
    if (lane.uncredited_bytes < kCreditBytes || !lane.port().output_has_room()) return;
    if (forwarder_.give_credit(lane.target.node, lane.session_id(), lane.uncredited_bytes)) lane.uncredited_bytes = 0;
}

}  // namespace kvorum::gateway
