#include "gateway/router.h"

#include <optional>
#include <utility>

#include "base/probes.h"
#include "gateway/reply_lines.h"

namespace kvorum::gateway {
namespace {

constexpr std::string_view kSecondLarge = "TRYAGAIN Another large command is under way: the command was not executed";

}  // namespace

Router::Router(const NodeConfig& config, reactor::Reactor& reactor, const kv::Store& store, replica::Group& group,
               Forwarder& forwarder, LaneSchedule& schedule, Answers& answers, OneHop& one_hop, Admission& admission,
               Reads& reads, Waits& waits, LargeWrites& large_writes, Heads& heads, CommandTimer& timer,
               NodeCounters& counters)
    : config_(config),
      reactor_(reactor),
      store_(store),
      group_(group),
      forwarder_(forwarder),
      schedule_(schedule),
      answers_(answers),
      one_hop_(one_hop),
      admission_(admission),
      reads_(reads),
      waits_(waits),
      large_writes_(large_writes),
      heads_(heads),
      timer_(timer),
      counters_(counters) {}

// --- arrival ---

bool Router::submit(Lane& lane, const Command& command, ops::Arguments arguments, bool is_readonly,
                    uint64_t origin_id) {
    schedule_.wake(lane);
    const bool is_read = command.is_read();
    const bool is_long = is_read && may_be_long(command, arguments, store_.size());
    bool too_long = false;
    const bool is_next = is_read && !is_long && lane.queue().empty() && !OneHop::needs_place(lane);
    if (uint64_t* counter = is_next ? counter_of_reads_now(lane) : nullptr; counter != nullptr) {
        ++*counter;
        timer_.time_inline(lane, command, arguments, [&] {
            const auto error_code = reads_.carry_out(lane, *command.operation, arguments, kShortReplyBytes);
            too_long = !error_code.has_value();
            return error_code;
        });
        if (!too_long) return true;
    }
    Request& request = push(lane, command, origin_id);
    // The store may have grown until it is carried out.
    request.is_long = too_long || (is_read && may_be_long(command, arguments, UINT64_MAX));
    request.is_readonly = is_readonly;
    if (command.is_write()) KVORUM_PROBE2(parsed, lane.handle.slot, request.sequence);
    // Counted as parked until it has a place: an earlier command that is parked keeps its turn.
    lane.set_state(request, RequestState::kParked);
    if (lane.parked() > 1 || lane.has_barrier() || !route(lane, request, arguments))
        lane.queue().keep_arguments(request, arguments);
    return false;
}

Request& Router::push(Lane& lane, const Command& command, uint64_t origin_id) {
    if (OneHop::next_gives_term(lane)) lane.go_to(current_target());
    Request& request = lane.push(command, origin_id, reactor_.now_ns());
    if (command.is_read()) request.read_choice = lane.read_choice;
    return request;
}

bool Router::is_new_enough(const Lane& lane, const ReadChoice& choice) const {
    if (!choice.is_weak() || store_.applied_index() < lane.seen()) return false;
    return choice.consistency == Consistency::kStale || group_.is_at_most_old(choice.age_ms_max * kMillisecondNs);
}

uint64_t* Router::counter_of_reads_now(const Lane& lane) const {
    if (group_.may_read_now()) return &counters_.lease_reads;
    const bool is_whole = !group_.mid_entry();
    return is_whole && is_new_enough(lane, lane.read_choice) ? &counters_.weak_reads : nullptr;
}

void Router::submit_large(Lane& lane, const Command& command, PackedCommand packed, bool is_readonly,
                          uint64_t origin_id) {
    schedule_.wake(lane);
    Request& request = push(lane, command, origin_id);
    request.is_readonly = is_readonly;
    request.is_long = ops::is_key_list(*command.operation);
    if (lane.large != nullptr) {
        answers_.refuse_as_reply(lane, request, kSecondLarge);
        return;
    }
    lane.large = std::make_unique<LargeCommand>();
    lane.large->command = std::move(packed);
    lane.large->sequence = request.sequence;
    lane.set_state(request, RequestState::kParked);
}

void Router::end_input(Lane& lane) {
    lane.input_ended = true;
    refuse_abandoned(lane);
}

void Router::refuse_abandoned(Lane& lane) {
    // What waits for something else, such as a WAIT before it, has its turn.
    const Target leader = current_target();
    const bool waits_for_reads = !leader.node.is_none() && lane.target == Target{config_.id, leader.term};
    if (!lane.input_ended || lane.has_barrier() || waits_for_reads || lane.may_go_to(leader)) return;
    for (uint64_t s = lane.queue().head_sequence(); s < lane.queue().end_sequence(); ++s) {
        Request& request = *lane.queue().find(s);
        if (request.state == RequestState::kParked && request.command->is_write())
            answers_.refuse(lane, request, kClientLeft);
    }
}

// --- places ---

Target Router::place_of(const Lane& lane, const Request& request, ops::Arguments arguments) const {
    const Target leader = current_target();
    const bool is_at_leader = lane.outstanding() > 0 && lane.target == leader;
    if (leader.node.is_none() || is_at_leader || !request.command->is_read() || is_redirected(request, arguments))
        return leader;
    return {config_.id, leader.term};
}

// Behind a barrier nothing is routed: the callers see to that.
bool Router::route(Lane& lane, Request& request, ops::Arguments arguments) {
    const bool leads = group_.is_leader();
    lane.waits_for_room = false;
    if (!leads && OneHop::ends_here(lane)) return one_hop_.refuse_or_keep(lane, request);
    if (lane.outstanding() == 0 && is_new_enough(lane, request.read_choice))
        return route_weak_read(lane, request, arguments);
    const Target place = place_of(lane, request, arguments);
    if (!lane.may_go_to(place)) return false;
    if (place.node != config_.id) {
        lane.waits_for_room = !lane.port().output_has_room();
        if (lane.waits_for_room) return false;
        lane.go_to(place);
        return route_away(lane, request, arguments, place);
    }
    if (!leads && !group_.takes_reads()) return false;
    if (!admission_.reply_fits(lane, request, arguments)) return false;
    lane.go_to(place);
    return route_here(lane, request, arguments);
}

bool Router::route_weak_read(Lane& lane, Request& request, ops::Arguments arguments) {
    if (!admission_.reply_fits(lane, request, arguments)) return false;
    ++counters_.weak_reads;
    lane.go_to({config_.id, group_.current_term()});
    take_read(lane, request, arguments, 0);
    return true;
}

bool Router::route_here(Lane& lane, Request& request, ops::Arguments arguments) {
    const bool is_large = lane.is_large(request.sequence);
    if (request.command->is_write())
        return is_large ? large_writes_.route(lane, request) : route_write(lane, request, arguments);
    if (request.command->kind == CommandKind::kWait) {
        waits_.take(lane, request, arguments);
        return true;
    }
    take_read(lane, request, arguments, group_.add_read(lane.handle));
    return true;
}

void Router::take_read(Lane& lane, Request& request, ops::Arguments arguments, uint64_t token) {
    if (request.text().empty() && !lane.is_large(request.sequence)) lane.queue().keep_arguments(request, arguments);
    request.token = token;
    lane.set_state(request, RequestState::kRead);
    // It takes longer than a write behind it may wait to be carried out.
    if (request.is_long) lane.set_barrier(request);
}

bool Router::route_write(Lane& lane, Request& request, ops::Arguments arguments) {
    using enum replica::WriteAdmission;
    error_.clear();
    const auto admission = group_.add_write(*request.command->operation, arguments, {lane.handle, request.sequence},
                                            lane.port().writer_to(error_));
    if (admission == kAccepted) timer_.keep_arguments(lane.queue(), request, arguments, group_.open_writes());
    if (admission == kRefused) timer_.note_refused_write(lane, arguments, request.arrived_ns);
    return admission_.settle(lane, request, admission, error_);
}

// What has no key has no owner to send the client to: such a read is answered where it was asked.
bool Router::is_redirected(const Request& request, ops::Arguments arguments) const {
    if (config_.follower_mode == FollowerMode::kForward) return false;
    if (request.command->is_write()) return true;
    const auto first_key = static_cast<size_t>(request.command->first_key);
    return !request.is_readonly && !request.read_choice.is_weak() && first_key != 0 && first_key < arguments.size();
}

bool Router::route_away(Lane& lane, Request& request, ops::Arguments arguments, const Target& target) {
    if (is_redirected(request, arguments)) {
        const Member& leader = *config_.find_member(target.node);
        answers_.refuse(lane, request, lane.port().redirection(*request.command, arguments, leader));
        return true;
    }
    const bool is_large = lane.is_large(request.sequence);
    const uint64_t id = is_large ? large_writes_.forward(lane, target)
                                 : forwarder_.forward(target, {lane.handle, request.sequence}, lane.session_id(),
                                                      lane.port().format(), arguments);
    if (id == 0) return false;
    ++counters_.forwarded_out;
    request.token = id;
    // Kept, because a command that the leader did not carry out may be sent to the next one.
    if (request.text().empty() && !is_large) lane.queue().keep_arguments(request, arguments);
    lane.set_state(request, RequestState::kForwarded);
    return true;
}

void Router::route_parked(Lane& lane) {
    refuse_abandoned(lane);
    for (uint64_t s = lane.queue().head_sequence(); lane.parked() > 0 && s < lane.queue().end_sequence(); ++s) {
        Request& request = *lane.queue().find(s);
        if (request.state == RequestState::kParked && !route_parked_one(lane, request)) return;
        if (request.is_barrier) return;
    }
}

bool Router::route_parked_one(Lane& lane, Request& request) {
    if (lane.is_large(request.sequence)) {
        // Of a list the name and the first key: nobody looks at the others before it is carried out.
        const bool first_are_enough = is_list(*request.command->operation);
        lane.large->command.first_arguments(first_are_enough ? 2 : SIZE_MAX, scratch_arguments_);
    } else {
        // A copy: answering or encoding may reuse the slot's text while the views still point into it.
        packed_ = request.text();
        unpack_arguments(packed_, scratch_arguments_);
    }
    return route(lane, request, scratch_arguments_);
}

void Router::look_after(Lane& lane) {
    bool all_answered = heads_.answer(lane);
    while (all_answered && lane.parked() > 0) {
        const uint64_t head_before = lane.queue().head_sequence();
        route_parked(lane);
        // Routing may have answered the head (refused, redirected, a WAIT for nobody), and what stands behind it may
        // have waited for nothing else.
        all_answered = heads_.answer(lane);
        if (lane.queue().head_sequence() == head_before) break;
    }
    if (all_answered) answers_.give_credit(lane);
    lane.port().flush();
}

}  // namespace kvorum::gateway
