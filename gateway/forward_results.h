// What became of commands that were forwarded to the leader: its reply, or the lack of one.
//
// Thread: the owning core.
#pragma once

#include "gateway/reads.h"

namespace kvorum::gateway {

class ForwardResults final : public ForwardOutcomes {
 public:
    ForwardResults(const LaneTable& lanes, LaneSchedule& schedule, Answers& answers, Reads& reads, CommandTimer& timer)
        : lanes_(lanes), schedule_(schedule), answers_(answers), reads_(reads), timer_(timer) {}

    void forward_executed(ForwardWaiter waiter, std::string_view reply, LogIndex seen) override;
    void forward_part(ForwardWaiter waiter, std::string_view part) override;
    void forward_not_executed(ForwardWaiter waiter) override;
    void forward_outcome_unknown(ForwardWaiter waiter) override;

 private:
    // Null: nobody waits for it any more.
    [[nodiscard]] Request* find(ForwardWaiter waiter, Lane*& lane);

    const LaneTable& lanes_;
    LaneSchedule& schedule_;
    Answers& answers_;
    Reads& reads_;
    CommandTimer& timer_;
};

}  // namespace kvorum::gateway
