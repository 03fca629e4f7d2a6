#include "gateway/gateway.h"

#include <algorithm>

namespace kvorum::gateway {

Gateway::Gateway(GatewayServices services)
    : services_(services),
      forwarder_(services.peers, services.reactor.backend().random_seed()),
      timer_(services.config, services.reactor, services.latency, services.slow_log),
      schedule_(lanes_, services.reactor),
      answers_(services.reactor, schedule_, forwarder_, timer_, services.counters),
      one_hop_(answers_),
      reads_(services.reactor, services.store, services.group, answers_, timer_, services.counters),
      long_reads_(services.reactor, services.store, services.group, services.buffers, schedule_, answers_, timer_,
                  services.counters),
      waits_(services.reactor, services.group, schedule_, answers_, timer_),
      admission_(services.store, answers_),
      large_writes_(services.reactor, lanes_, services.group, forwarder_, schedule_, admission_, timer_),
      heads_(services.reactor, services.group, schedule_, answers_, reads_, long_reads_, waits_, timer_),
      router_(services.config, services.reactor, services.store, services.group, forwarder_, schedule_, answers_,
              one_hop_, admission_, reads_, waits_, large_writes_, heads_, timer_, services.counters),
      outcomes_(lanes_, services.group, schedule_, answers_, one_hop_, reads_, long_reads_, waits_, heads_, timer_),
      forward_results_(lanes_, schedule_, answers_, reads_, timer_),
      deadlines_(services.config, services.reactor, lanes_, schedule_, answers_, outcomes_) {}

void Gateway::remove_lane(Lane& lane) {
    if (lane.long_reply != nullptr) long_reads_.end(lane);
    // The leader that they are at sends their replies to nobody.
    if (lane.outstanding() > 0 && lane.target.node != services_.config.id)
        (void)forwarder_.give_credit(lane.target.node, lane.session_id(), peers::kCreditOfNobody);
    lanes_.remove(lane);
}

bool Gateway::submit(Lane& lane, const Command& command, ops::Arguments arguments, bool is_readonly,
                     uint64_t origin_id) {
    return router_.submit(lane, command, arguments, is_readonly, origin_id);
}

void Gateway::submit_large(Lane& lane, const Command& command, PackedCommand packed, bool is_readonly,
                           uint64_t origin_id) {
    router_.submit_large(lane, command, std::move(packed), is_readonly, origin_id);
}

void Gateway::submit_local(Lane& lane, const Command& command, ops::Arguments arguments, uint64_t reply_bytes,
                           bool holds_input) {
    schedule_.wake(lane);
    if (lane.queue().empty()) {
        timer_.time_inline(lane, command, arguments,
                           [&] { return lane.port().carry_out(command.local_code, arguments); });
        return;
    }
    Request& request = lane.push(command, 0, services_.reactor.now_ns());
    lane.set_state(request, RequestState::kLocal);
    lane.queue().keep_arguments(request, arguments);
    if (holds_input) lane.hold_input(request);
    const bool is_full = admission_.expect_local(lane, request, reply_bytes);
    // What holds the input may change the form of replies, and the leader writes them in the form that the session has
    // when it sends the command.
    if (holds_input || is_full) lane.set_barrier(request);
}

void Gateway::submit_error(Lane& lane, const Command& command, std::string_view line, bool is_rejected,
                           uint64_t origin_id) {
    Request& request = lane.push(command, origin_id, services_.reactor.now_ns());
    request.is_rejected = is_rejected;
    answers_.error(lane, request, line);
    schedule_.wake(lane);
}

void Gateway::submit_reply(Lane& lane, const Command& command, std::string_view reply, bool is_rejected,
                           uint64_t origin_id) {
    Request& request = lane.push(command, origin_id, services_.reactor.now_ns());
    request.is_rejected = is_rejected;
    answers_.reply(lane, request, reply);
    schedule_.wake(lane);
}

void Gateway::finish_turn() {
    long_reads_.wake_waiting(lanes_);
    large_writes_.wake_waiting();
    waits_.wake_all(lanes_);
    if (schedule_.empty()) return;
    timer_.end_turn();
    schedule_.run([this](Lane& lane) { look_after(lane); });
#if defined(KVORUM_VERIFY_ENABLED)
    check();
#endif
}

void Gateway::look_after(Lane& lane) {
    router_.look_after(lane);
#if defined(KVORUM_VERIFY_ENABLED)
    lane.check();
#endif
}

void Gateway::check() const {
    schedule_.check();
    long_reads_.check(lanes_);
    waits_.check(lanes_);
    forwarder_.check();
    lanes_.check();
}

void Gateway::on_forward_reply(NodeId from, const peers::ForwardReply& reply) {
    forwarder_.on_reply(from, reply, forward_results_);
}

}  // namespace kvorum::gateway
