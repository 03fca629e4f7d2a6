// What became of commands that were carried out here as leader: their replies as they are applied, or that they never
// will be; and which reads may be answered.
//
// Thread: the owning core; called within the driver's turn, in the order of the log.
#pragma once

#include <vector>

#include "gateway/heads.h"
#include "gateway/one_hop.h"
#include "replica/command_outcomes.h"

namespace kvorum::gateway {

class Outcomes final : public replica::CommandOutcomes {
 public:
    Outcomes(const LaneTable& lanes, replica::Group& group, LaneSchedule& schedule, Answers& answers, OneHop& one_hop,
             Reads& reads, LongReads& long_reads, Waits& waits, Heads& heads, CommandTimer& timer)
        : lanes_(lanes),
          group_(group),
          schedule_(schedule),
          answers_(answers),
          one_hop_(one_hop),
          reads_(reads),
          long_reads_(long_reads),
          waits_(waits),
          heads_(heads),
          timer_(timer) {}

    void begin_entry(LogIndex index) override {
        entry_ = index;
        timer_.begin_entry(index);
    }
    void before_long_write(replica::WriteWaiter waiter) override { (void)answer_what_is_before(waiter); }
    [[nodiscard]] bool holds_state() const override { return long_reads_.holds_state(); }
    ReplySink& begin_write_reply(replica::WriteWaiter waiter) override;
    void end_write_reply() override;
    void pause_write_reply() override;
    ReplySink& resume_write_reply(replica::WriteWaiter waiter) override;
    void write_not_executed(replica::WriteWaiter waiter) override;
    void reads_ready(uint64_t served_round, const std::vector<LaneHandle>& lanes) override;
    void reads_dropped(const std::vector<LaneHandle>& lanes) override;
    void leadership_changed() override;

    // The reply to a write of that lane is written in part.
    [[nodiscard]] bool is_paused(const Lane& lane) const { return lane.handle == paused_; }

 private:
    // Of a write that is carried out next: what its session waits for before it; null when nobody waits for the write.
    [[nodiscard]] Lane* answer_what_is_before(replica::WriteWaiter waiter);

    void repeat_reads(Lane& lane);
    void repeat_forwarded_reads(Lane& lane);

    const LaneTable& lanes_;
    replica::Group& group_;
    LaneSchedule& schedule_;
    Answers& answers_;
    OneHop& one_hop_;
    Reads& reads_;
    LongReads& long_reads_;
    Waits& waits_;
    Heads& heads_;
    CommandTimer& timer_;

    LogIndex entry_;            // whose commands are carried out
    Lane* replying_ = nullptr;  // between begin_write_reply and end_write_reply
    const ReplyWriter* writer_ = nullptr;
    LaneHandle paused_;
    DiscardingReplySink discard_;
};

}  // namespace kvorum::gateway
