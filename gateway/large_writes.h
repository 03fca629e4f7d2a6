// Large commands on their way into the log or to the leader: in slices, in the line of all that takes several turns
// (lane_schedule.h). Until a large command has its place it is parked; nothing of it is known elsewhere, so that it was
// definitely not executed when it is given up or begun again.
//
// Thread: the owning core. Nothing here suspends.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "gateway/admission.h"

namespace kvorum::gateway {

// What errors, redirections and logs look at of a large command's arguments.
inline constexpr size_t kFirstArguments = 16;
// Of a command that is not carried out argument by argument: it takes them all in one step.
inline constexpr uint32_t kArgumentsInOneStep = 65'536;

// Whether its keys are carried out one after the other.
[[nodiscard]] bool is_list(const ops::Operation& operation);

class LargeWrites {
 public:
    LargeWrites(reactor::Reactor& reactor, const LaneTable& lanes, replica::Group& group, Forwarder& forwarder,
                LaneSchedule& schedule, Admission& admission, CommandTimer& timer)
        : reactor_(reactor),
          lanes_(lanes),
          group_(group),
          forwarder_(forwarder),
          schedule_(schedule),
          admission_(admission),
          timer_(timer) {}

    // As leader: goes on with the lane's. True: it has its place, or its answer.
    [[nodiscard]] bool route(Lane& lane, Request& request);
    // The id of the request to the leader, or 0 as long as it is not handed over.
    [[nodiscard]] uint64_t forward(Lane& lane, const Target& target);
    // At the end of a turn, before the lanes are looked at: whether it is the turn of the next.
    void wake_waiting();

 private:
    [[nodiscard]] bool may_begin() const;
    [[nodiscard]] bool begin_waits(Lane& lane);

    reactor::Reactor& reactor_;
    const LaneTable& lanes_;
    replica::Group& group_;
    Forwarder& forwarder_;
    LaneSchedule& schedule_;
    Admission& admission_;
    CommandTimer& timer_;

    std::deque<LaneHandle> waiting_;  // with one that is not begun
    LaneHandle encoding_;             // that whose large write is encoded, if it still is
    std::string error_;
    std::vector<std::string_view> scratch_arguments_;
};

}  // namespace kvorum::gateway
