// The rules for the commands of clients of other nodes, where they differ from those of this node's own.
//
// Such a command was sent to this node as leader of one term and makes one hop only: here it is carried out, or it is
// refused as not executed. What was refused its node sends again, to the next leader, in order but behind all that was
// carried out. So of one session nothing may be carried out behind a command that is refused. Hence:
//   place       Each has its place in the lane, a read under a lease too: there stands which request it replies to.
//   term        The first one in an idle lane gives the lane the term in which they came; none is routed in another.
//   no leader   What has no place when this node leads no more is refused, neither forwarded nor parked; but not a read
//               before a write in the log. Its node would repeat it behind the write; here it is answered just before
//               that is applied.
//   not executed  A write that never will be is refused, and the reads behind it, which would not have seen it.
//   later term  What is parked behind all that is outstanding is refused.
// Own clients need none of this: their commands wait here, in order, for the next leader.
//
// Thread: the owning core. Nothing here suspends.
#pragma once

#include <cstdint>

#include "gateway/answers.h"

namespace kvorum::gateway {

class OneHop {
 public:
    explicit OneHop(Answers& answers) : answers_(answers) {}

    // --- place, term ---
    [[nodiscard]] static bool needs_place(const Lane& lane) { return lane.is_of_other_node(); }
    // Asked before a command is pushed.
    [[nodiscard]] static bool next_gives_term(const Lane& lane) {
        return lane.is_of_other_node() && lane.outstanding() == 0 && lane.parked() == 0;
    }

    // --- no leader: this node leads no more ---
    [[nodiscard]] static bool ends_here(const Lane& lane) { return lane.is_of_other_node(); }
    // Of a request that has no place, in a lane that ends here. False: it is kept, parked.
    bool refuse_or_keep(Lane& lane, Request& request);

    // --- not executed, later term: nothing happens to the lanes of own clients ---
    // The write at `sequence` was refused.
    void on_write_not_executed(Lane& lane, uint64_t sequence);
    // Of a lane whose commands came in an earlier term than the one that has begun.
    void on_later_term(Lane& lane);

 private:
    Answers& answers_;
};

}  // namespace kvorum::gateway
