#include "gateway/lane_schedule.h"

#include <algorithm>
#include <utility>

namespace kvorum::gateway {

void LaneSchedule::wake(Lane& lane) {
    if (std::exchange(lane.is_scheduled, true)) return;
    awake_.push_back(lane.handle);
}

bool LaneSchedule::may_go_on(Lane& lane) {
    if (line_is_open_) return true;
    if (std::exchange(lane.in_line, true)) return false;
    // All writes wait for a read that holds the state.
    if (lane.long_reply != nullptr && lane.long_reply->holds_state()) {
        line_.push_front(lane.handle);
    } else {
        line_.push_back(lane.handle);
    }
    return false;
}

void LaneSchedule::check() const {
    KVORUM_ASSERT(looked_at_.empty() && !line_is_open_, "checked in the midst of a turn's work");
    size_t awake = 0;
    size_t in_line = 0;
    lanes_.for_each([&](const Lane& lane) {
        awake += lane.is_scheduled ? 1 : 0;
        in_line += lane.in_line ? 1 : 0;
    });
    const auto there = [this](LaneHandle handle) { return lanes_.find(handle) != nullptr; };
    KVORUM_ASSERT(awake == static_cast<size_t>(std::count_if(awake_.begin(), awake_.end(), there)));
    KVORUM_ASSERT(in_line == static_cast<size_t>(std::count_if(line_.begin(), line_.end(), there)));
}

}  // namespace kvorum::gateway
