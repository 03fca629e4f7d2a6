// The router's part for large commands, and the lane of all that takes several turns (long reads too): each turn goes
// on with the first of them as far as its budget of work allows. Until a large command has its place, in the log or at
// the leader, it is parked; nothing of it is known elsewhere, so that it was definitely not executed when it is given
// up or begun again.
#include <fmt/format.h>

#include <utility>

#include "kv/large_record.h"
#include "server/command_router.h"

namespace kvorum::server {
namespace {

// Of a command that is not carried out argument by argument: it takes them all in one step.
constexpr uint32_t kArgumentsInOneStep = 65'536;
// What errors, redirections and gates look at.
constexpr size_t kFirstArguments = 16;

constexpr std::string_view kLargeServerCommand = "ERR a command about the node may not be that large";
constexpr std::string_view kSecondLarge = "TRYAGAIN Another large command is under way: the command was not executed";

bool is_list(const kv::CommandSpec& spec) {
    return spec.kind == kv::CommandKind::kRead ? kv::is_key_list(spec)
                                               : spec.kind == kv::CommandKind::kWrite && kv::is_key_list_write(spec);
}

std::string large_command_error(const NamedCommand& named, kv::Arguments arguments) {
    if (!named.is_runnable) return not_runnable_error(named, arguments);
    if (named.command->kind == kv::CommandKind::kServer) return std::string(kLargeServerCommand);
    return fmt::format("ERR more than {} arguments", kArgumentsInOneStep);
}

}  // namespace

void CommandRouter::submit_large(Session& session, PackedCommand command, uint64_t origin_id) {
    std::vector<std::string_view> arguments;
    command.first_arguments(kFirstArguments, arguments);
    // No command wants exactly as many arguments, or more.
    const NamedCommand named = find_named_command(arguments);
    const kv::CommandSpec* spec = named.command;
    const uint32_t count = command.argument_count();
    const bool is_data = named.is_runnable && spec->kind != kv::CommandKind::kServer;
    mark_dirty(session);
    session.last_called = named.called;
    if (!monitors_.empty() && named.is_runnable && origin_id == 0) tell_monitors(session, *named.called, arguments);
    if (named.is_runnable && !session.gate.is_open() && answer_at_gate(session, named, arguments, origin_id)) return;
    if (!is_data || (!is_list(*spec) && count > kArgumentsInOneStep)) {
        answer_at_once(session, named, origin_id, large_command_error(named, arguments));
        return;
    }
    Request& request = session.queue.push_back();
    const uint64_t sequence = session.queue.end_sequence() - 1;
    request.spec = spec;
    request.called = named.called;
    request.origin_id = origin_id;
    request.arrived_ns = reactor_.now_ns();
    request.is_readonly = session.gate.is_readonly();
    request.is_long = kv::is_key_list(*spec);
    if (session.large != nullptr) {
        request.state = RequestState::kAnswered;
        answer_refusal(session, request, kSecondLarge);
        return;
    }
    session.large = std::make_unique<LargeCommand>();
    session.large->command = std::move(command);
    session.large->sequence = sequence;
    request.state = RequestState::kParked;
    ++session.parked;
}

bool CommandRouter::is_large(const Session& session, uint64_t sequence) {
    return session.large != nullptr && session.large->sequence == sequence;
}

std::string_view CommandRouter::head_arguments(Session& session) {
    if (is_large(session, session.queue.head_sequence())) return as_text(session.large->command.bytes());
    return session.queue.front().text();
}

// Of a list the name and the first key: nobody looks at the others before it is carried out.
void CommandRouter::unpack_large(Session& session, uint64_t sequence) {
    const bool first_are_enough = is_list(*session.queue.find(sequence)->spec);
    session.large->command.first_arguments(first_are_enough ? 2 : SIZE_MAX, scratch_arguments_);
}

// False: not now; the session waits in the lane.
bool CommandRouter::may_go_on(Session& session) {
    if (long_lane_is_open_) return true;
    if (std::exchange(session.in_long_lane, true)) return false;
    // All writes wait for a read that holds the state.
    if (session.long_reply != nullptr && session.long_reply->holds_state()) {
        long_lane_.push_front(session.handle);
    } else {
        long_lane_.push_back(session.handle);
    }
    return false;
}

// One at a time: what it is encoded into is as large as its command, and a compressed value larger. And not before
// little is in the log and not applied.
bool CommandRouter::may_begin_large_write() {
    const Session* session = sessions_.find(encoding_);
    const bool is_encoding = session != nullptr && session->large != nullptr && session->large->write.has_value();
    return !is_encoding && driver_->takes_large_write();
}

// What led here was a large write that went into the log, or an entry that was applied.
void CommandRouter::wake_waiting_write() {
    if (waiting_to_write_.empty() || !may_begin_large_write()) return;
    Session* session = nullptr;
    while (session == nullptr && !waiting_to_write_.empty()) {
        session = sessions_.find(waiting_to_write_.front());
        waiting_to_write_.pop_front();
    }
    if (session == nullptr) return;
    if (session->large != nullptr) session->large->waits_to_write = false;
    mark_dirty(*session);
}

// As far as the turn has room, and at least one step: others come before it, however many large commands there are.
void CommandRouter::go_on_with_long_work() {
    long_lane_is_open_ = true;
    for (bool went_on = false; !long_lane_.empty() && !(went_on && reactor_.work().used_up()); went_on = true) {
        Session* session = sessions_.find(long_lane_.front());
        long_lane_.pop_front();
        if (session == nullptr) continue;
        session->in_long_lane = false;
        look_after(*session);
    }
    long_lane_is_open_ = false;
}

uint64_t CommandRouter::forward_large(Session& session, const Target& target) {
    if (!may_go_on(session)) return 0;
    LargeCommand& large = *session.large;
    large.write.reset();  // of a leadership that was lost
    const uint64_t id =
        forwarder_.forward_large(target, {session.handle, large.sequence}, session.queue_id, session.protocol(),
                                 as_text(large.command.bytes()), large.forward, reactor_.work());
    // Else it is told when there is room, or looked at again by the next sweep.
    if (id == 0 && !large.forward.waits) mark_dirty(session);
    return id;
}

bool CommandRouter::route_large_write(Session& session, uint64_t sequence) {
    if (!may_go_on(session)) return false;
    LargeCommand& large = *session.large;
    Request& request = *session.queue.find(sequence);
    if (!large.write.has_value()) {
        if (!may_begin_large_write()) {
            session.waits_for_room = true;
            if (!std::exchange(large.waits_to_write, true)) waiting_to_write_.push_back(session.handle);
            return false;
        }
        large.write.emplace();
        encoding_ = session.handle;
    }
    if (!large.write->prepare(*request.spec, large.command, reactor_.work())) {
        mark_dirty(session);
        return false;
    }
    if (!large.write->begun()) {
        const auto admission = driver_->admit(*request.spec);
        if (admission != RaftDriver::WriteAdmission::kAccepted) return take_admission(session, sequence, admission);
        scratch_reply_.clear();
        net::RespWriter error(scratch_reply_, session.protocol());
        if (!large.write->begin(*request.spec, large.command, driver_->turn_clock_ms(), driver_->batch_head(), error)) {
            return take_admission(session, sequence, RaftDriver::WriteAdmission::kRefused);
        }
    }
    if (!large.write->go_on(reactor_.work())) {
        mark_dirty(session);
        return false;
    }
    const auto admission = driver_->add_large_write(large.write->builder(), {session.handle, sequence});
    // What waits for a quorum leaves no room: the next sweep tries again.
    if (admission == RaftDriver::WriteAdmission::kOverloaded) return false;
    if (admission == RaftDriver::WriteAdmission::kAccepted) {
        large.command.first_arguments(kFirstArguments, scratch_arguments_);
        timer_.keep_arguments(session.queue, request, scratch_arguments_, 1);
        session.large.reset();
    }
    return take_admission(session, sequence, admission);
}

}  // namespace kvorum::server
