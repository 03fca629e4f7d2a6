#include "gateway/waits.h"

#include <algorithm>
#include <charconv>

#include "gateway/reply_lines.h"

namespace kvorum::gateway {
namespace {

bool parse(std::string_view text, int64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void Waits::take(Lane& lane, Request& request, ops::Arguments arguments) {
    int64_t replicas = 0;
    int64_t timeout_ms = 0;
    if (!parse(arguments[1], replicas)) {
        answers_.error(lane, request, "ERR value is not an integer or out of range");
        return;
    }
    if (!parse(arguments[2], timeout_ms) || timeout_ms < 0) {
        answers_.error(lane, request,
                       timeout_ms < 0 ? "ERR timeout is negative" : "ERR timeout is not an integer or out of range");
        return;
    }
    // No clock reaches it.
    if (static_cast<uint64_t>(timeout_ms) > (UINT64_MAX - reactor_.now_ns()) / kMillisecondNs) {
        answers_.error(lane, request, "ERR timeout is out of range");
        return;
    }
    request.token = replicas < 0 ? 0 : static_cast<uint64_t>(replicas);
    lane.set_state(request, RequestState::kWait);
    lane.set_barrier(request);
    lane.wait.is_queued = true;
    lane.wait.index = LogIndex{};
    lane.wait.deadline_ns =
        timeout_ms == 0 ? UINT64_MAX : reactor_.now_ns() + static_cast<uint64_t>(timeout_ms) * kMillisecondNs;
    waiting_.push_back(lane.handle);
}

bool Waits::answer_head(Lane& lane) {
    const Request& head = lane.queue().front();
    if (lane.wait.index.is_none()) lane.wait.index = group_.commit_index();
    const bool leads = group_.is_leader();
    const uint32_t replicas = leads ? group_.replicas_holding(lane.wait.index) : 0;
    if (leads && replicas < head.token && reactor_.now_ns() < lane.wait.deadline_ns) return false;
    lane.wait.is_queued = false;
    if (leads) {
        lane.port().begin_reply().integer(replicas);
        lane.port().end_reply();
        timer_.answered(head, {});
    } else {
        lane.port().reply_not_executed(kLeadershipLost);
        timer_.answered(head, error_code_of_line(kLeadershipLost));
    }
    answers_.pop(lane);
    return true;
}

void Waits::give_up(Lane& lane, Request& request) {
    lane.wait.is_queued = false;
    answers_.refuse(lane, request, kLeadershipLost);
}

void Waits::wake_all(const LaneTable& lanes) {
    std::erase_if(waiting_, [&](LaneHandle handle) {
        Lane* lane = lanes.find(handle);
        if (lane == nullptr || !lane->wait.is_queued) return true;
        schedule_.wake(*lane);
        return false;
    });
}

void Waits::check(const LaneTable& lanes) const {
    lanes.for_each([&](const Lane& lane) {
        if (!lane.wait.is_queued) return;
        KVORUM_ASSERT(lane.has_barrier(), "a WAIT that what follows it does not wait for");
        KVORUM_ASSERT(std::count(waiting_.begin(), waiting_.end(), lane.handle) > 0, "nobody looks at a WAIT");
    });
}

}  // namespace kvorum::gateway
