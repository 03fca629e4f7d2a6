// Answers the commands of a lane from its head on, as far as that is possible.
//
// Thread: the owning core. Nothing here suspends.
#pragma once

#include "gateway/long_reads.h"
#include "gateway/waits.h"

namespace kvorum::gateway {

class Heads {
 public:
    Heads(reactor::Reactor& reactor, replica::Group& group, LaneSchedule& schedule, Answers& answers, Reads& reads,
          LongReads& long_reads, Waits& waits, CommandTimer& timer)
        : reactor_(reactor),
          group_(group),
          schedule_(schedule),
          answers_(answers),
          reads_(reads),
          long_reads_(long_reads),
          waits_(waits),
          timer_(timer) {}

    // False: the turn has done enough, and the lane is looked at again.
    bool answer(Lane& lane);
    // All that stands before the command at `sequence`, a write that is carried out next: none of it can wait any
    // longer, be there room or not.
    void answer_before(Lane& lane, uint64_t sequence);

 private:
    enum class Room : uint8_t { kNeeded, kForced };
    // True: the head was answered.
    bool advance(Lane& lane, Room room);
    bool advance_local(Lane& lane, Room room);
    bool advance_read(Lane& lane);

    reactor::Reactor& reactor_;
    replica::Group& group_;
    LaneSchedule& schedule_;
    Answers& answers_;
    Reads& reads_;
    LongReads& long_reads_;
    Waits& waits_;
    CommandTimer& timer_;
    std::vector<std::string_view> scratch_arguments_;
};

}  // namespace kvorum::gateway
