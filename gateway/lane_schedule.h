// Which lanes something happened to, so that they are looked at before the turn ends, and which have work that takes
// several turns: these stand in a line of their own, behind all that takes one.
//
// Thread: the owning core. A turn looks at as many as its budget of work allows (base/turn_work.h); the others come
// first in the next.
#pragma once

#include <deque>
#include <vector>

#include "gateway/lane_table.h"
#include "reactor/reactor.h"

namespace kvorum::gateway {

class LaneSchedule {
 public:
    LaneSchedule(const LaneTable& lanes, reactor::Reactor& reactor) : lanes_(lanes), reactor_(reactor) {}

    // To be looked at when the turn ends, or in the next one if it has ended.
    void wake(Lane& lane);
    // Whether the lane may go on with what takes several turns. False: not now, it stands in the line.
    [[nodiscard]] bool may_go_on(Lane& lane);

    [[nodiscard]] bool empty() const { return awake_.empty() && line_.empty(); }
    // Calls look(lane) for those that were woken, then for those in the line: as far as the turn has room, and at least
    // for one of the line, however many others there are.
    template <typename Look>
    void run(const Look& look);

    // Each lane stands in each of the two once at most.
    void check() const;

 private:
    // To look at a lane that something happened to.
    static constexpr uint64_t kLaneWork = 300;

    const LaneTable& lanes_;
    reactor::Reactor& reactor_;
    std::vector<LaneHandle> awake_;
    std::vector<LaneHandle> looked_at_;
    std::deque<LaneHandle> line_;
    bool line_is_open_ = false;  // it is the turn of what takes several
};

template <typename Look>
void LaneSchedule::run(const Look& look) {
    looked_at_.swap(awake_);
    TurnWork& work = reactor_.work();
    const uint64_t work_end = work.total() + work.slice();
    auto next = looked_at_.begin();
    for (; next != looked_at_.end() && work.total() < work_end; ++next) {
        Lane* lane = lanes_.find(*next);
        if (lane == nullptr) continue;
        work.add(TurnPart::kOther, kLaneWork);
        lane->is_scheduled = false;
        look(*lane);
    }
    awake_.insert(awake_.begin(), next, looked_at_.end());
    looked_at_.clear();

    line_is_open_ = true;
    for (bool went_on = false; !line_.empty() && !(went_on && work.used_up()); went_on = true) {
        Lane* lane = lanes_.find(line_.front());
        line_.pop_front();
        if (lane == nullptr) continue;
        lane->in_line = false;
        look(*lane);
    }
    line_is_open_ = false;
}

}  // namespace kvorum::gateway
