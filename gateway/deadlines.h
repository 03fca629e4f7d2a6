// Commands that have waited too long: each gets its definite or its unknown answer in bounded time.
//
// A command's time counts from when the one before it was answered: until then the client could not have been told.
// Thread: the owning core.
#pragma once

#include "config/config.h"
#include "gateway/outcomes.h"

namespace kvorum::gateway {

class Deadlines {
 public:
    Deadlines(const NodeConfig& config, reactor::Reactor& reactor, const LaneTable& lanes, LaneSchedule& schedule,
              Answers& answers, const Outcomes& outcomes)
        : config_(config),
          reactor_(reactor),
          lanes_(lanes),
          schedule_(schedule),
          answers_(answers),
          outcomes_(outcomes) {}

    // Cheap; called several times a second, and when a link comes up or has room again.
    void expire_overdue();

 private:
    void expire_commands(Lane& lane);
    void expire(Lane& lane, Request& request);
    void expire_outstanding(Lane& lane, Request& request, uint64_t age_ns);
    [[nodiscard]] bool is_under_way(const Lane& lane, const Request& request) const;

    const NodeConfig& config_;
    reactor::Reactor& reactor_;
    const LaneTable& lanes_;
    LaneSchedule& schedule_;
    Answers& answers_;
    const Outcomes& outcomes_;
};

}  // namespace kvorum::gateway
