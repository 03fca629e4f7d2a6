// Decides for every command where it is carried out: here, at the leader, or not at all.
//
// What this node can carry out goes into the open batch (writes, if it leads) or the open read round (reads, wherever
// the leader can be asked). Otherwise it is forwarded to the leader, redirected, or parked until there is one, for a
// bounded time. While this node holds a lease, or its state is as new as the session wants it, a read is answered where
// it stands.
//
// The order of a session: all that is outstanding of it is at one place, this node or the leader. A read behind
// something at the leader goes there too, which knows their order; a write behind a read here waits for that. So a
// read sees each write of its session that stands before it, and none behind it.
//
// Thread: the owning core. Nothing here suspends.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "gateway/heads.h"
#include "gateway/large_writes.h"
#include "gateway/one_hop.h"

namespace kvorum::gateway {

class Router {
 public:
    Router(const NodeConfig& config, reactor::Reactor& reactor, const kv::Store& store, replica::Group& group,
           Forwarder& forwarder, LaneSchedule& schedule, Answers& answers, OneHop& one_hop, Admission& admission,
           Reads& reads, Waits& waits, LargeWrites& large_writes, Heads& heads, CommandTimer& timer,
           NodeCounters& counters);

    // A command on the state, or a WAIT. `origin_id` names it for a session of another node (0 for clients). True: it
    // was a read and is answered. `is_readonly`: a follower may answer it where clients are redirected.
    bool submit(Lane& lane, const Command& command, ops::Arguments arguments, bool is_readonly, uint64_t origin_id);
    // The same for a large one. One that comes while another is under way is refused.
    void submit_large(Lane& lane, const Command& command, PackedCommand packed, bool is_readonly, uint64_t origin_id);

    // Answers what can be answered, and routes what is parked.
    void look_after(Lane& lane);
    // Its client sends no more (Gateway::end_input).
    void end_input(Lane& lane);

 private:
    Request& push(Lane& lane, const Command& command, uint64_t origin_id);
    // Writes that nobody waits for any more and that have no leader.
    void refuse_abandoned(Lane& lane);
    // The state is as new as that session's reads want it, and not behind what it has seen.
    [[nodiscard]] bool is_new_enough(const Lane& lane, const ReadChoice& choice) const;
    // Counts reads that may be answered at once; null: none may.
    [[nodiscard]] uint64_t* counter_of_reads_now(const Lane& lane) const;
    [[nodiscard]] Target place_of(const Lane& lane, const Request& request, ops::Arguments arguments) const;
    // Gives the request its place, and says whether it has one now; if not, it stays parked.
    bool route(Lane& lane, Request& request, ops::Arguments arguments);
    bool route_here(Lane& lane, Request& request, ops::Arguments arguments);
    bool route_write(Lane& lane, Request& request, ops::Arguments arguments);
    bool route_away(Lane& lane, Request& request, ops::Arguments arguments, const Target& target);
    [[nodiscard]] bool is_redirected(const Request& request, ops::Arguments arguments) const;
    bool route_weak_read(Lane& lane, Request& request, ops::Arguments arguments);
    void take_read(Lane& lane, Request& request, ops::Arguments arguments, uint64_t token);
    void route_parked(Lane& lane);
    bool route_parked_one(Lane& lane, Request& request);
    [[nodiscard]] Target current_target() const { return {group_.leader(), group_.current_term()}; }

    const NodeConfig& config_;
    reactor::Reactor& reactor_;
    const kv::Store& store_;
    replica::Group& group_;
    Forwarder& forwarder_;
    LaneSchedule& schedule_;
    Answers& answers_;
    OneHop& one_hop_;
    Admission& admission_;
    Reads& reads_;
    Waits& waits_;
    LargeWrites& large_writes_;
    Heads& heads_;
    CommandTimer& timer_;
    NodeCounters& counters_;
    std::string error_;
    std::string packed_;
    std::vector<std::string_view> scratch_arguments_;
};

}  // namespace kvorum::gateway
