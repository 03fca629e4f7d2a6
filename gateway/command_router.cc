#include "gateway/command_router.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/mutants.h"
#include "base/probes.h"
#include "gateway/reply_lines.h"
#include "ops/large_record.h"

namespace kvorum::gateway {
namespace {

constexpr std::string_view kNoAuth = "NOAUTH Authentication required.";

// A read that Redis calls fast is not long unless it has more arguments than this.
constexpr size_t kFewArguments = 64;
// A reply with more bytes of values than this is made in pieces.
constexpr uint64_t kShortReplyBytes = 512 * kKiB;
// Commands about the node look at all their arguments in one step.
constexpr size_t kServerArgumentsMax = 1024;
constexpr std::string_view kTooManyArguments = "ERR more than 1024 arguments of a command about the node";
// To look at a session that something happened to.
constexpr uint64_t kSessionWork = 300;

bool may_be_long(const ops::CommandSpec& spec, ops::Arguments arguments, uint64_t store_size) {
    if ((spec.flags & ops::kFlagFast) != 0 && arguments.size() <= kFewArguments) return false;
    return ops::is_long_read(store_size, spec, arguments);
}

std::optional<std::string_view> slot_key(const ops::CommandSpec& called, ops::Arguments arguments) {
    const auto position = static_cast<size_t>(called.first_key);
    if (position == 0 || position >= arguments.size()) return std::nullopt;
    return arguments[position];
}

}  // namespace

CommandRouter::CommandRouter(const NodeConfig& config, reactor::Reactor& reactor, const kv::Store& store,
                             Forwarder& forwarder, NodeCounters& counters, LatencyMonitor& latency, SlowLog& slow_log,
                             const BufferBudget& buffers)
    : config_(config),
      reactor_(reactor),
      store_(store),
      forwarder_(forwarder),
      counters_(counters),
      buffers_(buffers),
      timer_(config, reactor, latency, slow_log),
      random_(reactor.backend().random_seed()) {}

void CommandRouter::remove_session(Session& session) {
    if (session.long_reply != nullptr) end_long_read(session);
    if (session.outstanding > 0 && session.may_be_forwarded())
        maybe(forwarder_.give_credit(session.target.leader, session.queue_id, peers::kCreditOfNobody));
    sessions_.remove(session);
}

void CommandRouter::end_input(Session& session) {
    session.input_ended = true;
    // What waits for something else, such as a WAIT before it, has its turn.
    if (session.barriers > 0 || may_route(session, current_target())) return;
    for (uint64_t s = session.queue.head_sequence(); s < session.queue.end_sequence(); ++s) {
        Request& request = *session.queue.find(s);
        if (request.state == RequestState::kParked && request.is_write()) refuse(session, request, kClientLeft);
    }
}

void CommandRouter::mark_dirty(Session& session) {
    if (session.dirty) return;
    session.dirty = true;
    dirty_.push_back(session.handle);
}

void CommandRouter::set_state(Session& session, Request& request, RequestState state) {
    if (request.is_outstanding()) --session.outstanding;
    if (request.state == RequestState::kParked) --session.parked;
    request.state = state;
    if (request.is_outstanding()) ++session.outstanding;
    if (request.state == RequestState::kParked) ++session.parked;
    if (!request.is_outstanding()) expect_reply(session, request, 0);
}

void CommandRouter::set_monitors(Session& session, bool monitors) {
    if (monitors) {
        monitors_.add(session.handle);
    } else {
        monitors_.remove(session.handle);
    }
}

void CommandRouter::tell_monitors(const Session& session, const ops::CommandSpec& called, ops::Arguments arguments) {
    const int64_t wall_clock_us = reactor_.backend().wall_clock_ms() * 1000;
    reactor_.work().add(TurnPart::kOther, monitors_.tell(session, called, arguments, wall_clock_us));
}

void CommandRouter::set_barrier(Session& session, Request& request) {
    request.is_barrier = true;
    ++session.barriers;
}

// --- arrival ---

bool CommandRouter::submit(Session& session, ops::Arguments arguments, uint64_t origin_id) {
    reactor_.work().add(TurnPart::kParse, kCommandWork + arguments.size() * kArgumentWork);
    mark_dirty(session);
    const redis::NamedCommand named = redis::find_named_command(arguments);
    const ops::CommandSpec* spec = named.command;
    const bool is_runnable = named.is_runnable;
    const bool is_local = is_runnable && spec->kind == ops::CommandKind::kServer && spec->code != redis::kWaitCommand;
    if (is_runnable && ops::is_large_inside(*spec, arguments)) [[unlikely]] {
        submit_large(session, PackedCommand::of(arguments), origin_id);
        return false;
    }
    session.last_called = named.called;
    if (!monitors_.empty() && is_runnable && origin_id == 0) [[unlikely]]
        tell_monitors(session, *named.called, arguments);
    const bool asks_gate = is_runnable && (spec->kind == ops::CommandKind::kServer || !session.gate.is_open());
    if (asks_gate && answer_at_gate(session, named, arguments, origin_id)) return false;
    if (is_local && arguments.size() > kServerArgumentsMax) {
        answer_at_once(session, named, origin_id, kTooManyArguments);
        return false;
    }
    if (is_local && session.queue.empty()) {
        timer_.time_inline(session, *named.called, arguments,
                           [&] { return session.execute_server_command(*spec, arguments); });
        return false;
    }
    const bool is_read = is_runnable && spec->kind == ops::CommandKind::kRead;
    const bool is_long = is_read && may_be_long(*spec, arguments, store_.size());
    bool too_long = false;
    if (is_read && !is_long && session.queue.empty() && session.may_be_forwarded() && driver_->may_read_now()) {
        ++counters_.lease_reads;
        timer_.time_inline(session, *named.called, arguments, [&] {
            const auto error_code = answer_read(session, *spec, arguments, kShortReplyBytes);
            too_long = !error_code.has_value();
            return error_code;
        });
        if (!too_long) return true;
    }
    Request& request = session.queue.push_back();
    const uint64_t sequence = session.queue.end_sequence() - 1;
    request.spec = spec;
    request.called = named.called;
    // The store may have grown until it is carried out.
    request.is_long = too_long || (is_read && may_be_long(*spec, arguments, UINT64_MAX));
    request.origin_id = origin_id;
    request.arrived_ns = reactor_.now_ns();
    request.is_readonly = session.gate.is_readonly();
    if (!is_runnable) {
        request.state = RequestState::kAnswered;
        request.is_rejected = true;
        answer_error(session, request, redis::not_runnable_error(named, arguments));
        return false;
    }
    if (is_local) {
        queue_local(session, request, arguments);
        return false;
    }
    if (spec->kind == ops::CommandKind::kWrite) KVORUM_PROBE2(parsed, session.handle.slot, sequence);
    // Counted as parked until it has a place: an earlier command that is parked keeps its turn.
    request.state = RequestState::kParked;
    ++session.parked;
    if (session.parked > 1 || session.barriers > 0 || !route(session, sequence, arguments))
        session.queue.keep_arguments(*session.queue.find(sequence), arguments);
    return false;
}

// In its turn, behind what the session sent before it.
void CommandRouter::answer_at_once(Session& session, const redis::NamedCommand& named, uint64_t origin_id,
                                   std::string_view line) {
    Request& request = session.queue.push_back();
    request.state = RequestState::kAnswered;
    request.spec = named.command;
    request.called = named.called;
    request.is_rejected = true;
    request.origin_id = origin_id;
    request.arrived_ns = reactor_.now_ns();
    answer_error(session, request, line);
}

void CommandRouter::submit_unauthenticated(Session& session, ops::Arguments arguments) {
    const redis::NamedCommand named = redis::find_named_command(arguments);
    if (!named.is_runnable || (named.command->flags & ops::kFlagNoAuth) != 0) {
        submit(session, arguments);
        return;
    }
    Request& request = session.queue.push_back();
    request.spec = named.command;
    request.called = named.called;
    request.arrived_ns = reactor_.now_ns();
    request.state = RequestState::kAnswered;
    answer_error(session, request, kNoAuth);
    mark_dirty(session);
}

bool CommandRouter::answer_at_gate(Session& session, const redis::NamedCommand& named, ops::Arguments arguments,
                                   uint64_t origin_id) {
    scratch_reply_.clear();
    redis::RespWriter reply(scratch_reply_, session.protocol());
    if (!session.gate.answers(*named.command, arguments, config_.after_refused_select, reply)) return false;
    Request& request = session.queue.push_back();
    request.state = RequestState::kAnswered;
    request.spec = named.command;
    request.called = named.called;
    request.is_rejected = named.command->group != "transactions" && scratch_reply_.starts_with('-');
    request.origin_id = origin_id;
    request.arrived_ns = reactor_.now_ns();
    session.queue.set_text(request, scratch_reply_);
    return true;
}

// --- routing ---

Target CommandRouter::current_target() const {
    const raft::Raft& raft = driver_->raft();
    if (raft.is_leader()) return {config_.id, raft.current_term()};
    if (raft.leader().is_none()) return {};
    return {raft.leader(), raft.current_term()};
}

bool CommandRouter::may_route(const Session& session, const Target& target) const {
    if (target.leader.is_none()) return false;
    return session.outstanding == 0 || session.target == target;
}

// Behind a barrier nothing is routed: the callers see to that.
bool CommandRouter::route(Session& session, uint64_t sequence, ops::Arguments arguments) {
    const Target target = current_target();
    session.waits_for_room = false;
    if (is_mutant(Mutant::kLocalReadsOnFollower) && target.leader != config_.id &&
        session.queue.find(sequence)->spec->kind == ops::CommandKind::kRead) {
        Request& read = *session.queue.find(sequence);
        if (read.text().empty()) session.queue.keep_arguments(read, arguments);
        read.token = 0;
        set_state(session, read, RequestState::kRead);
        return true;
    }
    if (target.leader != config_.id && !session.may_be_forwarded()) {
        refuse(session, *session.queue.find(sequence), kNotLeader);
        return true;
    }
    if (!may_route(session, target)) return false;
    if (target.leader != config_.id) {
        session.waits_for_room = !session.output_has_room();
        if (session.waits_for_room) return false;
        session.target = target;
        return route_away(session, sequence, arguments, target);
    }
    if (!reply_fits(session, sequence, arguments)) return false;
    session.target = target;
    return route_here(session, sequence, arguments);
}

bool CommandRouter::route_here(Session& session, uint64_t sequence, ops::Arguments arguments) {
    Request& request = *session.queue.find(sequence);
    if (request.spec->kind == ops::CommandKind::kWrite) {
        return is_large(session, sequence) ? route_large_write(session, sequence)
                                           : route_write(session, sequence, arguments);
    }
    if (request.spec->kind == ops::CommandKind::kServer) return route_wait(session, request, arguments);
    if (request.text().empty() && !is_large(session, sequence)) session.queue.keep_arguments(request, arguments);
    request.token = driver_->add_read(session.handle);
    set_state(session, request, RequestState::kRead);
    // It takes longer than a write behind it may wait to be carried out.
    if (request.is_long) set_barrier(session, request);
    return true;
}

bool CommandRouter::route_write(Session& session, uint64_t sequence, ops::Arguments arguments) {
    scratch_reply_.clear();
    redis::RespWriter error(scratch_reply_, session.protocol());
    Request& request = *session.queue.find(sequence);
    const auto admission = driver_->add_write(*request.spec, arguments, {session.handle, sequence}, error);
    if (admission == replica::RaftDriver::WriteAdmission::kAccepted)
        timer_.keep_arguments(session.queue, request, arguments, driver_->open_writes());
    if (admission == replica::RaftDriver::WriteAdmission::kRefused)
        timer_.note_refused_write(session, arguments, request.arrived_ns);
    return take_admission(session, sequence, admission);
}

bool CommandRouter::take_admission(Session& session, uint64_t sequence, replica::RaftDriver::WriteAdmission admission) {
    Request& request = *session.queue.find(sequence);
    switch (admission) {
        case replica::RaftDriver::WriteAdmission::kAccepted:
            KVORUM_PROBE2(queued, session.handle.slot, sequence);
            set_state(session, request, RequestState::kWrite);
            return true;
        case replica::RaftDriver::WriteAdmission::kRefused:
            set_state(session, request, RequestState::kAnswered);
            session.queue.set_text(request, scratch_reply_);
            return true;
        case replica::RaftDriver::WriteAdmission::kNotLeader: return false;
        case replica::RaftDriver::WriteAdmission::kOverloaded:
            answer_refusal(session, request, kOverloaded);
            return true;
        case replica::RaftDriver::WriteAdmission::kDiskFull: answer_refusal(session, request, kDiskFull); return true;
        case replica::RaftDriver::WriteAdmission::kOutOfMemory:
            answer_refusal(session, request, ops::kOutOfMemory);
            return true;
    }
    return false;
}

bool CommandRouter::route_wait(Session& session, Request& request, ops::Arguments arguments) {
    const auto parse = [](std::string_view text, int64_t& out) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
        return error == std::errc() && end == text.data() + text.size();
    };
    int64_t replicas = 0;
    int64_t timeout_ms = 0;
    if (!parse(arguments[1], replicas)) {
        set_state(session, request, RequestState::kAnswered);
        answer_error(session, request, "ERR value is not an integer or out of range");
        return true;
    }
    if (!parse(arguments[2], timeout_ms) || timeout_ms < 0) {
        set_state(session, request, RequestState::kAnswered);
        answer_error(session, request,
                     timeout_ms < 0 ? "ERR timeout is negative" : "ERR timeout is not an integer or out of range");
        return true;
    }
    // No clock reaches it.
    if (static_cast<uint64_t>(timeout_ms) > (UINT64_MAX - reactor_.now_ns()) / kMillisecondNs) {
        set_state(session, request, RequestState::kAnswered);
        answer_error(session, request, "ERR timeout is out of range");
        return true;
    }
    request.token = replicas < 0 ? 0 : static_cast<uint64_t>(replicas);
    set_state(session, request, RequestState::kWait);
    set_barrier(session, request);
    session.waiting = true;
    session.wait_index = LogIndex{};
    session.wait_deadline_ns =
        timeout_ms == 0 ? UINT64_MAX : reactor_.now_ns() + static_cast<uint64_t>(timeout_ms) * kMillisecondNs;
    waiting_.push_back(session.handle);
    return true;
}

// What has no key has no owner to send the client to: as at a replica of Redis, a read is answered where it was asked.
bool CommandRouter::redirects(const Request& request, ops::Arguments arguments) const {
    if (config_.follower_mode == FollowerMode::kForward) return false;
    if (request.spec->kind == ops::CommandKind::kWrite) return true;
    return !request.is_readonly && slot_key(*request.called, arguments).has_value();
}

bool CommandRouter::route_away(Session& session, uint64_t sequence, ops::Arguments arguments, const Target& target) {
    Request& request = *session.queue.find(sequence);
    if (redirects(request, arguments)) {
        const Member* leader = config_.find_member(target.leader);
        const std::optional<std::string_view> key = slot_key(*request.called, arguments);
        const uint16_t slot = key.has_value() ? redis::hash_slot(*key) : 0;
        refuse(session, request, fmt::format("MOVED {} {}", slot, leader->client.to_string()));
        return true;
    }
    const uint64_t id = is_large(session, sequence)
                            ? forward_large(session, target)
                            : forwarder_.forward(target, {session.handle, sequence}, session.queue_id,
                                                 static_cast<uint8_t>(session.protocol()), arguments);
    if (id == 0) return false;
    ++counters_.forwarded_out;
    request.token = id;
    // Kept, because a command that the leader did not carry out may be sent to the next one.
    if (request.text().empty() && !is_large(session, sequence)) session.queue.keep_arguments(request, arguments);
    set_state(session, request, RequestState::kForwarded);
    return true;
}

void CommandRouter::route_parked(Session& session) {
    for (uint64_t sequence = session.queue.head_sequence();
         session.parked > 0 && sequence < session.queue.end_sequence(); ++sequence) {
        const Request& request = *session.queue.find(sequence);
        if (request.state == RequestState::kParked && !route_parked_one(session, sequence)) return;
        if (request.is_barrier) return;
    }
}

bool CommandRouter::route_parked_one(Session& session, uint64_t sequence) {
    if (is_large(session, sequence)) {
        unpack_large(session, sequence);
        return route(session, sequence, scratch_arguments_);
    }
    // A copy: answering or encoding may reuse the slot's text while the views still point into it.
    const std::string packed = session.queue.find(sequence)->text();
    unpack_arguments(packed, scratch_arguments_);
    return route(session, sequence, scratch_arguments_);
}

// --- answers ---

void CommandRouter::answer_error(Session& session, Request& request, std::string_view line) {
    scratch_reply_.clear();
    redis::RespWriter(scratch_reply_, session.protocol()).error(line);
    session.queue.set_text(request, scratch_reply_);
}

void CommandRouter::refuse(Session& session, Request& request, std::string_view line) {
    ++counters_.replies_not_executed;
    set_state(session, request, RequestState::kAnswered);
    request.reply_class = ReplyClass::kNotExecuted;
    session.queue.set_text(request, line);
    mark_dirty(session);
}

// The leader's word is the command's reply, wherever it came in: a node that sent it here would only meet the same
// refusal again.
void CommandRouter::answer_refusal(Session& session, Request& request, std::string_view line) {
    ++counters_.replies_not_executed;
    set_state(session, request, RequestState::kAnswered);
    answer_error(session, request, line);
}

void CommandRouter::answer_unknown(Session& session, Request& request) {
    if (drop_forwarded_parts(session, request)) return;
    ++counters_.replies_uncertain;
    set_state(session, request, RequestState::kAnswered);
    request.reply_class = ReplyClass::kUnknown;
    session.queue.set_text(request, kUncertain);
    mark_dirty(session);
}

void CommandRouter::pop(Session& session) {
    Request& head = session.queue.front();
    set_state(session, head, RequestState::kAnswered);
    if (head.is_barrier) --session.barriers;
    if (head.holds_input) --session.input_holds;
    session.progressed_ns = reactor_.now_ns();
    if (is_large(session, session.queue.head_sequence())) session.large.reset();
    session.queue.pop_front();
}

bool CommandRouter::answer_head_read(Session& session, uint64_t value_bytes_max) {
    Request& head = session.queue.front();
    unpack_arguments(head_arguments(session), scratch_arguments_);
    const auto error_code = answer_read(session, *head.spec, scratch_arguments_, value_bytes_max);
    head.is_long = !error_code.has_value();
    if (head.is_long) return false;
    timer_.answered(head, *error_code);
    timer_.note_if_slow(session, head, "read-index");
    pop(session);
    return true;
}

std::optional<std::string_view> CommandRouter::answer_read(Session& session, const ops::CommandSpec& spec,
                                                           ops::Arguments arguments, uint64_t value_bytes_max) {
    const ops::ReadContext context{driver_->turn_clock_ms(), random_.next(), value_bytes_max};
    redis::RespWriter& reply = session.begin_reply();
    const ops::KeyLookups lookups = ops::execute_read(store_, spec, arguments, context, reply);
    if (lookups.too_long) return std::nullopt;
    counters_.keyspace_hits += lookups.hits;
    counters_.keyspace_misses += lookups.misses;
    reactor_.work().add(TurnPart::kRead, lookups.work);
    session.end_reply();
    return reply.error_code();
}

bool CommandRouter::answer_wait(Session& session) {
    const Request& head = session.queue.front();
    // Everything before it is answered, so what this client wrote is at or below the commit index now.
    if (session.wait_index.is_none()) session.wait_index = driver_->raft().commit_index();
    const bool leads = driver_->raft().is_leader();
    const uint32_t replicas = leads ? driver_->replicas_holding(session.wait_index) : 0;
    if (leads && replicas < head.token && reactor_.now_ns() < session.wait_deadline_ns) return false;
    session.waiting = false;
    if (leads) {
        session.begin_reply().integer(replicas);
        session.end_reply();
        timer_.answered(head, {});
    } else {
        session.reply_not_executed(kLeadershipLost);
        timer_.answered(head, error_code_of_line(kLeadershipLost));
    }
    pop(session);
    return true;
}

void CommandRouter::write_answer(Session& session, const Request& head) {
    switch (head.reply_class) {
        case ReplyClass::kExecuted:
            if (head.reply_has_begun) {
                for (std::string part; !(part = session.forwarded_parts.take(head.sequence)).empty();)
                    session.write_reply_part(std::move(part), false);
                session.write_reply_part(std::string(head.text()), true);
            } else {
                session.write_reply(head.text());
            }
            break;
        case ReplyClass::kNotExecuted: session.reply_not_executed(head.text()); break;
        case ReplyClass::kUnknown: session.reply_outcome_unknown(head.text()); break;
    }
    const bool is_reply = head.reply_class == ReplyClass::kExecuted;
    timer_.answered(head, is_reply ? error_code_of_reply(head.text()) : error_code_of_line(head.text()));
    pop(session);
}

bool CommandRouter::advance_head(Session& session, Room room) {
    Request& head = session.queue.front();
    switch (head.state) {
        case RequestState::kAnswered: write_answer(session, head); return true;
        case RequestState::kLocal: {
            if (room == Room::kNeeded && !session.output_has_room()) return false;
            unpack_arguments(head.text(), scratch_arguments_);
            const std::string_view error_code = session.execute_server_command(*head.spec, scratch_arguments_);
            timer_.answered(head, error_code);
            pop(session);
            return true;
        }
        case RequestState::kRead:
            if (head.token > served_read_id_) return false;
            if (driver_->mid_entry()) {
                mark_dirty(session);
                return false;
            }
            if (!head.is_long && answer_head_read(session, kShortReplyBytes)) return true;
            return go_on_with_long_read(session);
        case RequestState::kWait: return answer_wait(session);
        case RequestState::kForwarded: write_forwarded_parts(session, head); return false;
        case RequestState::kParked:
        case RequestState::kWrite: return false;
    }
    return false;
}

void CommandRouter::advance(Session& session) {
    if (!answer_heads(session)) return;
    if (session.parked > 0) route_parked(session);
    // Routing may have answered the head (refused, redirected).
    if (answer_heads(session)) give_credit(session);
}

// False: the turn has done enough.
bool CommandRouter::answer_heads(Session& session) {
    while (!session.queue.empty() && advance_head(session)) {
        if (!reactor_.work().used_up()) continue;
        mark_dirty(session);
        return false;
    }
    return true;
}

void CommandRouter::finish_turn() {
    wake_waiting_reads();
    wake_waiting_write();
    std::erase_if(waiting_, [this](SessionHandle handle) {
        Session* session = sessions_.find(handle);
        if (session == nullptr || !session->waiting) return true;
        mark_dirty(*session);
        return false;
    });
    if (dirty_.empty() && long_lane_.empty()) return;
    timer_.end_turn();
    advance_dirty();
    go_on_with_long_work();
}

void CommandRouter::advance_dirty() {
    advancing_.swap(dirty_);
    TurnWork& work = reactor_.work();
    const uint64_t work_end = work.total() + work.slice();
    auto next = advancing_.begin();
    for (; next != advancing_.end() && work.total() < work_end; ++next) {
        Session* session = sessions_.find(*next);
        if (session == nullptr) continue;
        work.add(TurnPart::kOther, kSessionWork);
        session->dirty = false;
        look_after(*session);
    }
    // The others come first in the next turn.
    dirty_.insert(dirty_.begin(), next, advancing_.end());
    advancing_.clear();
}

void CommandRouter::look_after(Session& session) {
    advance(session);
#if defined(KVORUM_VERIFY_ENABLED)
    check(session);
#endif
    session.flush();
}

}  // namespace kvorum::gateway
