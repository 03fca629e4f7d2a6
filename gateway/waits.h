// WAIT: how many other members hold durably what a session wrote before it.
//
// Everything before a WAIT is answered when it is at the head, so that what its session wrote is at or below the commit
// index then. It is a barrier: what stands behind it is not routed before it is answered. Thread: the owning core.
#pragma once

#include <vector>

#include "gateway/answers.h"
#include "replica/group.h"

namespace kvorum::gateway {

class Waits {
 public:
    Waits(reactor::Reactor& reactor, replica::Group& group, LaneSchedule& schedule, Answers& answers,
          CommandTimer& timer)
        : reactor_(reactor), group_(group), schedule_(schedule), answers_(answers), timer_(timer) {}

    // Takes a WAIT at the leader: `arguments` are its name, how many members and how many milliseconds, 0 for no end.
    // It waits, or is answered with an error.
    void take(Lane& lane, Request& request, ops::Arguments arguments);
    // False: the WAIT at the head goes on waiting.
    [[nodiscard]] bool answer_head(Lane& lane);
    // The leadership in which it was taken is over. What stands before it may have to go to another place first, so
    // that it cannot wait for its turn here.
    void give_up(Lane& lane, Request& request);
    // Every turn may bring what one waits for: acknowledgements, or its time.
    void wake_all(const LaneTable& lanes);

    // Every lane with a WAIT is listed.
    void check(const LaneTable& lanes) const;

 private:
    reactor::Reactor& reactor_;
    replica::Group& group_;
    LaneSchedule& schedule_;
    Answers& answers_;
    CommandTimer& timer_;
    std::vector<LaneHandle> waiting_;
};

}  // namespace kvorum::gateway
