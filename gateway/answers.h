// What a lane's commands are answered, and where the answers that came from the leader in parts wait.
//
// The three reply classes (docs/guarantees.md):
//   executed               the reply of the command
//   definitely not         CLUSTERDOWN, TRYAGAIN, MISCONF, OOM: clients may send it again
//   outcome unknown        UNCERTAIN: it may have taken effect; nothing in the server ever sends it again
//
// An answer is kept in its command's place until that is the head of the lane; write() then gives it to the port.
// Thread: the owning core. Nothing here suspends.
#pragma once

#include <string>
#include <string_view>

#include "gateway/command_timer.h"
#include "gateway/forwarder.h"
#include "gateway/lane_schedule.h"
#include "observe/node_counters.h"

namespace kvorum::gateway {

class Answers {
 public:
    Answers(reactor::Reactor& reactor, LaneSchedule& schedule, Forwarder& forwarder, CommandTimer& timer,
            NodeCounters& counters)
        : reactor_(reactor), schedule_(schedule), forwarder_(forwarder), timer_(timer), counters_(counters) {}

    // `line` is the reply; the command was carried out (and failed) or was never one.
    void error(Lane& lane, Request& request, std::string_view line);
    // `reply` is, as the port's writer made it.
    void reply(Lane& lane, Request& request, std::string_view reply);
    // Definitely not executed.
    void refuse(Lane& lane, Request& request, std::string_view line);
    // The same as the command's own reply, wherever it came in: a node that sent it here would only meet the same
    // refusal again.
    void refuse_as_reply(Lane& lane, Request& request, std::string_view line);
    void refuse_as_reply(Lane& lane, Request& request, const Failure& failure);
    void unknown(Lane& lane, Request& request);

    // The head is answered: gives it to the port.
    void write(Lane& lane);
    // The head was answered into the port.
    void pop(Lane& lane) { lane.pop(reactor_.now_ns()); }

    // --- replies that come from the leader in parts ---
    // What has come of the head's goes to the port, as far as that has room.
    void write_parts(Lane& lane, Request& request);
    // The reply that came in parts will not be completed. True: its client has read some of it and was cut off.
    bool drop_parts(Lane& lane, Request& request);
    // Tells the leader what was taken.
    void give_credit(Lane& lane);

 private:
    reactor::Reactor& reactor_;
    LaneSchedule& schedule_;
    Forwarder& forwarder_;
    CommandTimer& timer_;
    NodeCounters& counters_;
    std::string scratch_;
};

}  // namespace kvorum::gateway
