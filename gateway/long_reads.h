// Reads that take several turns, at the head of their lanes: each turn goes on with the first of them as far as its
// budget of work allows.
//
// Thread: the owning core. Nothing here suspends.
#pragma once

#include <cstdint>
#include <deque>

#include "gateway/buffer_budget.h"
#include "gateway/reads.h"

namespace kvorum::gateway {

class LongReads {
 public:
    LongReads(reactor::Reactor& reactor, const kv::Store& store, replica::Group& group, const BufferBudget& buffers,
              LaneSchedule& schedule, Answers& answers, CommandTimer& timer, NodeCounters& counters)
        : reactor_(reactor),
          store_(store),
          group_(group),
          buffers_(buffers),
          schedule_(schedule),
          answers_(answers),
          timer_(timer),
          counters_(counters) {}

    // Begins the read at the head, or goes on with it. True when the reply is written and the read is over. What is
    // left waits for the next turn or for room.
    bool go_on(Lane& lane);
    // A write of the lane, in the log behind the read, is carried out next. Nothing was applied before the reply was
    // made; now it is written, room or not.
    void finish(Lane& lane);
    // It is given up.
    void end(Lane& lane);

    // A read that takes several turns must see one state: nothing may be applied before it is done.
    [[nodiscard]] bool holds_state() const { return holding_ > 0; }
    // Reads with large replies have not begun because too much of the buffers is in use.
    [[nodiscard]] bool wait_for_buffers() const { return !waiting_.empty(); }
    [[nodiscard]] bool may_begin_waiting() const { return wait_for_buffers() && !buffers_.is_half_spent(); }
    // Some of these may begin now: at the end of a turn, before the lanes are looked at.
    void wake_waiting(const LaneTable& lanes);

    // As many hold the state as are counted.
    void check(const LaneTable& lanes) const;

 private:
    [[nodiscard]] bool begin(Lane& lane);
    void make(Lane& lane);
    void refuse(Lane& lane);
    [[nodiscard]] bool write(Lane& lane);
    void write_part(Lane& lane);

    reactor::Reactor& reactor_;
    const kv::Store& store_;
    replica::Group& group_;
    const BufferBudget& buffers_;
    LaneSchedule& schedule_;
    Answers& answers_;
    CommandTimer& timer_;
    NodeCounters& counters_;

    std::deque<LaneHandle> waiting_;  // with a read whose reply has not begun to be made
    uint32_t holding_ = 0;            // reads under way that hold the state as it is
    std::vector<std::string_view> scratch_arguments_;
};

}  // namespace kvorum::gateway
