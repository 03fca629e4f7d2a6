#include "server/command_router.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/mutants.h"
#include "base/probes.h"

namespace kvorum::server {
namespace {

constexpr std::string_view kNoLeader = "CLUSTERDOWN No leader could be reached in time: the command was not executed";
constexpr std::string_view kLeadershipLost =
    "CLUSTERDOWN Leadership was lost before the command was replicated: it was not executed";
constexpr std::string_view kUncertain =
    "UNCERTAIN The outcome is unknown: the command may or may not have taken effect";
constexpr std::string_view kOverloaded = "TRYAGAIN Too many writes wait for a quorum: the command was not executed";
constexpr std::string_view kDiskFull =
    "MISCONF The disk of the leader is nearly full: writes are refused, reads go on. The command was not executed";
constexpr std::string_view kClientLeft =
    "CLUSTERDOWN The client ended its stream before a leader had the command: it was not executed";
constexpr std::string_view kNotLeader = "CLUSTERDOWN This node does not lead: the command was not executed";

constexpr std::string_view kNoAuth = "NOAUTH Authentication required.";

// A read that Redis calls fast is not long unless it has more arguments than this.
constexpr size_t kFewArguments = 64;
// A reply with more bytes of values than this is made in pieces.
constexpr uint64_t kShortReplyBytes = 512 * kKiB;
// Commands about the node look at all their arguments in one step.
constexpr size_t kServerArgumentsMax = 1024;
constexpr std::string_view kTooManyArguments = "ERR more than 1024 arguments of a command about the node";

bool may_be_long(const kv::CommandSpec& spec, kv::Arguments arguments, uint64_t store_size) {
    if ((spec.flags & kv::kFlagFast) != 0 && arguments.size() <= kFewArguments) return false;
    return kv::is_long_read(store_size, spec, arguments);
}

bool changes_identity(const kv::CommandSpec& spec) {
    return spec.name == "hello" || spec.name == "reset" || spec.name == "auth";
}

std::optional<std::string_view> slot_key(const kv::CommandSpec& called, kv::Arguments arguments) {
    const auto position = static_cast<size_t>(called.first_key);
    if (position == 0 || position >= arguments.size()) return std::nullopt;
    return arguments[position];
}

}  // namespace

CommandRouter::CommandRouter(const NodeConfig& config, reactor::Reactor& reactor, const kv::Store& store,
                             Forwarder& forwarder, NodeCounters& counters, LatencyMonitor& latency, SlowLog& slow_log)
    : config_(config),
      reactor_(reactor),
      store_(store),
      forwarder_(forwarder),
      counters_(counters),
      timer_(config, reactor, latency, slow_log),
      random_(reactor.backend().random_seed()) {}

void CommandRouter::remove_session(Session& session) {
    if (session.long_reply != nullptr) end_long_read(session);
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
}

void CommandRouter::set_monitors(Session& session, bool monitors) {
    if (monitors) {
        monitors_.add(session.handle);
    } else {
        monitors_.remove(session.handle);
    }
}

void CommandRouter::tell_monitors(const Session& session, const kv::CommandSpec& called, kv::Arguments arguments) {
    const int64_t wall_clock_us = reactor_.backend().wall_clock_ms() * 1000;
    reactor_.work().add(TurnPart::kOther, monitors_.tell(session, called, arguments, wall_clock_us));
}

void CommandRouter::set_barrier(Session& session, Request& request) {
    request.is_barrier = true;
    ++session.barriers;
}

// --- arrival ---

bool CommandRouter::submit(Session& session, kv::Arguments arguments, uint64_t origin_id) {
    reactor_.work().add(TurnPart::kParse, kCommandWork + arguments.size() * kArgumentWork);
    mark_dirty(session);
    const NamedCommand named = find_named_command(arguments);
    const kv::CommandSpec* spec = named.command;
    const bool is_runnable = named.is_runnable;
    const bool is_local = is_runnable && spec->kind == kv::CommandKind::kServer && spec->code != kWaitCommand;
    session.last_called = named.called;
    if (!monitors_.empty() && is_runnable && origin_id == 0) [[unlikely]]
        tell_monitors(session, *named.called, arguments);
    const bool asks_gate = is_runnable && (spec->kind == kv::CommandKind::kServer || !session.gate.is_open());
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
    const bool is_read = is_runnable && spec->kind == kv::CommandKind::kRead;
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
        answer_error(session, request, not_runnable_error(named, arguments));
        return false;
    }
    if (is_local) {
        pack_arguments(arguments, request.text);
        // The leader writes replies in the protocol that the session speaks when it sends the command.
        if (changes_identity(*spec)) {
            set_barrier(session, request);
            ++session.identity_changes;
        }
        return false;
    }
    if (spec->kind == kv::CommandKind::kWrite) KVORUM_PROBE2(parsed, session.handle.slot, sequence);
    // Counted as parked until it has a place: an earlier command that is parked keeps its turn.
    request.state = RequestState::kParked;
    ++session.parked;
    if (session.parked > 1 || !route(session, sequence, arguments))
        pack_arguments(arguments, session.queue.find(sequence)->text);
    return false;
}

// In its turn, behind what the session sent before it.
void CommandRouter::answer_at_once(Session& session, const NamedCommand& named, uint64_t origin_id,
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

void CommandRouter::submit_unauthenticated(Session& session, kv::Arguments arguments) {
    const NamedCommand named = find_named_command(arguments);
    if (!named.is_runnable || (named.command->flags & kv::kFlagNoAuth) != 0) {
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

bool CommandRouter::answer_at_gate(Session& session, const NamedCommand& named, kv::Arguments arguments,
                                   uint64_t origin_id) {
    scratch_reply_.clear();
    net::RespWriter reply(scratch_reply_, session.protocol());
    if (!session.gate.answers(*named.command, arguments, config_.after_refused_select, reply)) return false;
    Request& request = session.queue.push_back();
    request.state = RequestState::kAnswered;
    request.spec = named.command;
    request.called = named.called;
    request.is_rejected = named.command->group != "transactions" && scratch_reply_.starts_with('-');
    request.origin_id = origin_id;
    request.arrived_ns = reactor_.now_ns();
    request.text = scratch_reply_;
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
    if (target.leader.is_none() || session.barriers > 0) return false;
    return session.outstanding == 0 || session.target == target;
}

bool CommandRouter::route(Session& session, uint64_t sequence, kv::Arguments arguments) {
    const Target target = current_target();
    if (is_mutant(Mutant::kLocalReadsOnFollower) && target.leader != config_.id &&
        session.queue.find(sequence)->spec->kind == kv::CommandKind::kRead) {
        Request& read = *session.queue.find(sequence);
        if (read.text.empty()) pack_arguments(arguments, read.text);
        read.token = 0;
        set_state(session, read, RequestState::kRead);
        return true;
    }
    if (target.leader != config_.id && !session.may_be_forwarded()) {
        refuse(session, *session.queue.find(sequence), kNotLeader);
        return true;
    }
    if (!may_route(session, target)) return false;
    session.target = target;
    if (target.leader == config_.id) return route_here(session, sequence, arguments);
    return route_away(session, sequence, arguments, target);
}

bool CommandRouter::route_here(Session& session, uint64_t sequence, kv::Arguments arguments) {
    Request& request = *session.queue.find(sequence);
    if (request.spec->kind == kv::CommandKind::kWrite) {
        return is_large(session, sequence) ? route_large_write(session, sequence)
                                           : route_write(session, sequence, arguments);
    }
    if (request.spec->kind == kv::CommandKind::kServer) return route_wait(session, request, arguments);
    if (request.text.empty() && !is_large(session, sequence)) pack_arguments(arguments, request.text);
    request.token = driver_->add_read(session.handle);
    set_state(session, request, RequestState::kRead);
    // It takes longer than a write behind it may wait to be carried out.
    if (request.is_long) set_barrier(session, request);
    return true;
}

bool CommandRouter::route_write(Session& session, uint64_t sequence, kv::Arguments arguments) {
    scratch_reply_.clear();
    net::RespWriter error(scratch_reply_, session.protocol());
    Request& request = *session.queue.find(sequence);
    const auto admission = driver_->add_write(*request.spec, arguments, {session.handle, sequence}, error);
    if (admission == RaftDriver::WriteAdmission::kAccepted) timer_.keep_arguments(request, arguments);
    if (admission == RaftDriver::WriteAdmission::kRefused)
        timer_.note_refused_write(session, arguments, request.arrived_ns);
    return take_admission(session, sequence, admission);
}

bool CommandRouter::take_admission(Session& session, uint64_t sequence, RaftDriver::WriteAdmission admission) {
    Request& request = *session.queue.find(sequence);
    switch (admission) {
        case RaftDriver::WriteAdmission::kAccepted:
            KVORUM_PROBE2(queued, session.handle.slot, sequence);
            set_state(session, request, RequestState::kWrite);
            return true;
        case RaftDriver::WriteAdmission::kRefused:
            set_state(session, request, RequestState::kAnswered);
            request.text = scratch_reply_;
            return true;
        case RaftDriver::WriteAdmission::kNotLeader: return false;
        case RaftDriver::WriteAdmission::kOverloaded: answer_refusal(session, request, kOverloaded); return true;
        case RaftDriver::WriteAdmission::kDiskFull: answer_refusal(session, request, kDiskFull); return true;
        case RaftDriver::WriteAdmission::kOutOfMemory: answer_refusal(session, request, kv::kOutOfMemory); return true;
    }
    return false;
}

bool CommandRouter::route_wait(Session& session, Request& request, kv::Arguments arguments) {
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
bool CommandRouter::redirects(const Request& request, kv::Arguments arguments) const {
    if (config_.follower_mode == FollowerMode::kForward) return false;
    if (request.spec->kind == kv::CommandKind::kWrite) return true;
    return !request.is_readonly && slot_key(*request.called, arguments).has_value();
}

bool CommandRouter::route_away(Session& session, uint64_t sequence, kv::Arguments arguments, const Target& target) {
    Request& request = *session.queue.find(sequence);
    if (redirects(request, arguments)) {
        const Member* leader = config_.find_member(target.leader);
        const std::optional<std::string_view> key = slot_key(*request.called, arguments);
        const uint16_t slot = key.has_value() ? hash_slot(*key) : 0;
        refuse(session, request, fmt::format("MOVED {} {}", slot, leader->client.to_string()));
        return true;
    }
    const uint64_t id =
        is_large(session, sequence)
            ? forward_large(session, target)
            : forwarder_.forward(target, {session.handle, sequence}, session.queue_id, session.protocol(), arguments);
    if (id == 0) return false;
    ++counters_.forwarded_out;
    request.token = id;
    // Kept, because a command that the leader did not carry out may be sent to the next one.
    if (request.text.empty() && !is_large(session, sequence)) pack_arguments(arguments, request.text);
    set_state(session, request, RequestState::kForwarded);
    return true;
}

void CommandRouter::route_parked(Session& session) {
    for (uint64_t sequence = session.queue.head_sequence();
         session.parked > 0 && sequence < session.queue.end_sequence(); ++sequence) {
        const Request& request = *session.queue.find(sequence);
        if (request.state != RequestState::kParked) continue;
        if (is_large(session, sequence)) {
            unpack_large(session, sequence);
            if (!route(session, sequence, scratch_arguments_)) return;
            continue;
        }
        // A copy: answering or encoding may reuse the slot's text while the views still point into it.
        const std::string packed = request.text;
        unpack_arguments(packed, scratch_arguments_);
        if (!route(session, sequence, scratch_arguments_)) return;
    }
}

// --- answers ---

void CommandRouter::answer_error(Session& session, Request& request, std::string_view line) {
    scratch_reply_.clear();
    net::RespWriter(scratch_reply_, session.protocol()).error(line);
    request.text = scratch_reply_;
}

void CommandRouter::refuse(Session& session, Request& request, std::string_view line) {
    ++counters_.replies_not_executed;
    set_state(session, request, RequestState::kAnswered);
    request.reply_class = ReplyClass::kNotExecuted;
    request.text = line;
    mark_dirty(session);
}

// The leader's word is the command's reply, wherever it came in: a node that sent it here would only meet the same
// refusal again.
void CommandRouter::answer_refusal(Session& session, Request& request, std::string_view line) {
    ++counters_.replies_not_executed;
    set_state(session, request, RequestState::kAnswered);
    answer_error(session, request, line);
}

void CommandRouter::pop(Session& session) {
    Request& head = session.queue.front();
    set_state(session, head, RequestState::kAnswered);
    if (head.is_barrier) --session.barriers;
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

std::optional<std::string_view> CommandRouter::answer_read(Session& session, const kv::CommandSpec& spec,
                                                           kv::Arguments arguments, uint64_t value_bytes_max) {
    const kv::ReadContext context{driver_->turn_clock_ms(), random_.next(), value_bytes_max};
    net::RespWriter& reply = session.begin_reply();
    const kv::KeyLookups lookups = kv::execute_read(store_, spec, arguments, context, reply);
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
        case ReplyClass::kExecuted: session.write_reply(head.text); break;
        case ReplyClass::kNotExecuted: session.reply_not_executed(head.text); break;
        case ReplyClass::kUnknown: session.reply_outcome_unknown(head.text); break;
    }
    const bool is_reply = head.reply_class == ReplyClass::kExecuted;
    timer_.answered(head, is_reply ? error_code_of_reply(head.text) : error_code_of_line(head.text));
    pop(session);
}

bool CommandRouter::advance_head(Session& session) {
    Request& head = session.queue.front();
    switch (head.state) {
        case RequestState::kAnswered: write_answer(session, head); return true;
        case RequestState::kLocal: {
            unpack_arguments(head.text, scratch_arguments_);
            const std::string_view error_code = session.execute_server_command(*head.spec, scratch_arguments_);
            timer_.answered(head, error_code);
            if (head.is_barrier) --session.identity_changes;
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
        case RequestState::kParked:
        case RequestState::kWrite:
        case RequestState::kForwarded: return false;
    }
    return false;
}

void CommandRouter::advance(Session& session) {
    while (!session.queue.empty() && advance_head(session)) {
        if (reactor_.work().used_up()) {
            mark_dirty(session);
            return;
        }
    }
    if (session.parked > 0) route_parked(session);
    // Routing may have answered the head (refused, redirected).
    while (!session.queue.empty() && advance_head(session)) {
    }
}

void CommandRouter::finish_turn() {
    std::erase_if(waiting_, [this](SessionHandle handle) {
        Session* session = sessions_.find(handle);
        if (session == nullptr || !session->waiting) return true;
        mark_dirty(*session);
        return false;
    });
    if (dirty_.empty()) return;
    timer_.end_turn();
    advancing_.swap(dirty_);
    long_work_went_on_ = false;
    for (const SessionHandle handle : advancing_) {
        Session* session = sessions_.find(handle);
        if (session == nullptr) continue;
        session->dirty = false;
        advance(*session);
        session->flush();
    }
    advancing_.clear();
}

// --- outcomes of writes and reads at this node ---

Session* CommandRouter::answer_what_is_before(WriteWaiter waiter) {
    Session* session = sessions_.find(waiter.session);
    if (session == nullptr) return nullptr;
    const Request* request = session->queue.find(waiter.sequence);
    // Gone or answered as uncertain: nobody waits any more.
    if (request == nullptr || request->state != RequestState::kWrite) return nullptr;
    while (session->queue.head_sequence() < waiter.sequence) {
        Request& head = session->queue.front();
        if (session->long_reply != nullptr) {
            finish_long_reply(*session);
            continue;
        }
        const bool is_read = head.spec != nullptr && head.spec->kind == kv::CommandKind::kRead;
        if (is_read && (head.state == RequestState::kRead || head.state == RequestState::kParked)) {
            (void)answer_head_read(*session, UINT64_MAX);
            continue;
        }
        const bool advanced = advance_head(*session);
        KVORUM_ASSERT(advanced, "a command in state {} stands before a write that is applied",
                      static_cast<int>(head.state));
    }
    return session;
}

ReplySink& CommandRouter::begin_write_reply(WriteWaiter waiter) {
    write_reply_session_ = answer_what_is_before(waiter);
    if (write_reply_session_ == nullptr) return discard_;
    net::RespWriter& reply = write_reply_session_->begin_reply();
    write_reply_ = &reply;
    return reply;
}

void CommandRouter::end_write_reply() {
    if (write_reply_session_ == nullptr) return;
    Session& session = *write_reply_session_;
    write_reply_session_ = nullptr;
    session.end_reply();
    // Everything before it is answered.
    timer_.write_answered(session, session.queue.front(), write_reply_->error_code());
    KVORUM_PROBE2(replied, session.handle.slot, session.queue.head_sequence());
    pop(session);
    mark_dirty(session);
}

void CommandRouter::pause_write_reply() {
    if (write_reply_session_ == nullptr) return;
    Session& session = *std::exchange(write_reply_session_, nullptr);
    session.pause_reply();
    paused_reply_ = session.handle;
    mark_dirty(session);
}

ReplySink& CommandRouter::resume_write_reply(WriteWaiter waiter) {
    const bool is_paused = std::exchange(paused_reply_, {}) == waiter.session;
    write_reply_session_ = is_paused ? sessions_.find(waiter.session) : nullptr;
    if (write_reply_session_ == nullptr) return discard_;
    net::RespWriter& reply = write_reply_session_->resume_reply();
    write_reply_ = &reply;
    return reply;
}

void CommandRouter::write_not_executed(WriteWaiter waiter) {
    Session* session = sessions_.find(waiter.session);
    if (session == nullptr) return;
    Request* request = session->queue.find(waiter.sequence);
    if (request == nullptr || request->state != RequestState::kWrite) return;
    refuse(*session, *request, kLeadershipLost);
}

void CommandRouter::reads_ready(uint64_t served_id, const std::vector<SessionHandle>& sessions) {
    served_read_id_ = served_id;
    for (const SessionHandle handle : sessions) {
        if (Session* session = sessions_.find(handle)) mark_dirty(*session);
    }
}

void CommandRouter::reads_dropped(const std::vector<SessionHandle>& sessions) {
    for (const SessionHandle handle : sessions) {
        Session* session = sessions_.find(handle);
        if (session == nullptr) continue;
        for (uint64_t s = session->queue.head_sequence(); s < session->queue.end_sequence(); ++s) {
            Request& request = *session->queue.find(s);
            if (request.state != RequestState::kRead || request.token <= served_read_id_) continue;
            repeat_read(*session, request);
        }
        mark_dirty(*session);
    }
}

void CommandRouter::leadership_changed() {
    const Term term = driver_->raft().current_term();
    sessions_.for_each([&](Session& session) {
        if (session.queue.empty()) return;
        mark_dirty(session);
        if (session.target.term >= term) return;
        if (session.long_reply != nullptr && !session.long_reply->made()) {
            end_long_read(session);
            repeat_read(session, session.queue.front());
        }
        // A read has no effect, so it need not wait for the old leader's word; a write must.
        for (uint64_t s = session.queue.head_sequence(); s < session.queue.end_sequence(); ++s) {
            Request& request = *session.queue.find(s);
            const bool is_read = request.spec != nullptr && request.spec->kind == kv::CommandKind::kRead;
            if (request.state == RequestState::kForwarded && is_read) repeat_read(session, request);
        }
    });
}

// --- outcomes of forwarded commands ---

Request* CommandRouter::find_forwarded(ForwardWaiter waiter, Session*& session) {
    session = sessions_.find(waiter.session);
    if (session == nullptr) return nullptr;
    Request* request = session->queue.find(waiter.sequence);
    if (request == nullptr || request->state != RequestState::kForwarded || request->token != waiter.request_id)
        return nullptr;
    mark_dirty(*session);
    return request;
}

void CommandRouter::forward_executed(ForwardWaiter waiter, std::string_view reply) {
    Session* session = nullptr;
    Request* request = find_forwarded(waiter, session);
    if (request == nullptr) return;
    timer_.note_if_slow(*session, *request, "forward");
    set_state(*session, *request, RequestState::kAnswered);
    request->text = reply;
}

void CommandRouter::forward_not_executed(ForwardWaiter waiter) {
    Session* session = nullptr;
    Request* request = find_forwarded(waiter, session);
    if (request == nullptr) return;
    if (session->input_ended && request->is_write()) {
        refuse(*session, *request, kClientLeft);
    } else if (request->is_long) {
        repeat_read(*session, *request);
    } else {
        set_state(*session, *request, RequestState::kParked);
    }
}

void CommandRouter::forward_outcome_unknown(ForwardWaiter waiter) {
    Session* session = nullptr;
    Request* request = find_forwarded(waiter, session);
    if (request == nullptr) return;
    if (request->spec->kind == kv::CommandKind::kWrite && !is_mutant(Mutant::kForwarderReplaysOnTimeout)) {
        answer_unknown(*session, *request);
    } else {
        repeat_read(*session, *request);
    }
}

// --- time ---

void CommandRouter::answer_unknown(Session& session, Request& request) {
    ++counters_.replies_uncertain;
    set_state(session, request, RequestState::kAnswered);
    request.reply_class = ReplyClass::kUnknown;
    request.text = kUncertain;
    mark_dirty(session);
}

void CommandRouter::expire_overdue() {
    const uint64_t now_ns = reactor_.now_ns();
    sessions_.for_each([&](Session& session) {
        if (session.outstanding == 0 && session.parked == 0) return;
        // A parked command may have found its way: the link to the leader came up.
        if (session.parked > 0) mark_dirty(session);
        for (uint64_t s = session.queue.head_sequence(); s < session.queue.end_sequence(); ++s) {
            expire_request(session, *session.queue.find(s), now_ns);
        }
    });
}

void CommandRouter::expire_request(Session& session, Request& request, uint64_t now_ns) {
    const uint64_t age_ns = now_ns - request.arrived_ns;
    const bool is_write = request.spec != nullptr && request.spec->kind == kv::CommandKind::kWrite;
    const bool is_read = request.spec != nullptr && request.spec->kind == kv::CommandKind::kRead;
    switch (request.state) {
        case RequestState::kParked:
            // What stands behind a WAIT waits as long as the WAIT does.
            if (age_ns > config_.leader_wait_ms * kMillisecondNs && session.barriers == 0)
                refuse(session, request, kNoLeader);
            return;
        case RequestState::kRead:
        case RequestState::kWrite:
        case RequestState::kForwarded:
            if (session.long_reply != nullptr && &request == &session.queue.front()) return;
            if (session.handle == paused_reply_ && &request == &session.queue.front()) return;
            if (age_ns <= config_.outcome_wait_ms * kMillisecondNs) return;
            if (is_write && !is_mutant(Mutant::kNoLeaderAfterPropose)) {
                answer_unknown(session, request);
            } else if (is_write || is_read) {
                refuse(session, request, kNoLeader);
            }
            return;
        case RequestState::kLocal:
        case RequestState::kWait:
        case RequestState::kAnswered: return;
    }
}

}  // namespace kvorum::server
