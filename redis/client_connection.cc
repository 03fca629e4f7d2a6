#include "redis/client_connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"

namespace kvorum::redis {
namespace {

// A client that is to be closed, or holds more than --max-output-buffer, must take something of its replies in that
// time.
constexpr uint64_t kStuckAfterNs = 5 * kSecondNs;
// After the last reply: so long may the client send nothing, so much is thrown away of what it sends.
constexpr uint64_t kSilenceAfterEndNs = 1 * kSecondNs;
constexpr uint64_t kThrownAwayBytesMax = 256 * kMiB;
// So many reads of a pipeline are looked at together before the first is carried out.
constexpr size_t kReadsAhead = 16;

RespLimits resp_limits(const Limits& limits, bool authenticated) {
    RespLimits out;
    out.authenticated = authenticated;
    out.arguments_max = limits.arguments_max;
    out.bulk_bytes_max = limits.bulk_bytes_max;
    out.inline_bytes_max = std::min<uint64_t>(limits.inline_bytes_max, limits.query_bytes_max);
    out.command_bytes_max = limits.query_bytes_max;
    out.packed_above_bytes = limits.packed_above_bytes;
    return out;
}

}  // namespace

ClientConnection::ClientConnection(ClientServices services, reactor::Handle socket, uint64_t id)
    : services_(services),
      lane_(*this, id, gateway::ClientOf::kThisNode),
      socket_(socket),
      receive_(services.reactor, socket),
      output_progress_(*this),
      output_(services.reactor, services.flusher, socket, &output_progress_),
      parser_(resp_limits(services.limits, !services.access.password_required())),
      writer_(output_.tail()),
      progress_(services.reactor),
      held_reply_(*this),
      share_(services_.buffers) {
    state_.authenticated = !services_.access.password_required();
    state_.id = id;
    state_.descriptor = socket;
    state_.address = services_.reactor.backend().peer_address(socket);
    state_.local_address = services_.node.config().listen_endpoint().to_string();
    state_.connected_at_ns = services_.reactor.now_ns();
    last_input_ns_ = services_.reactor.now_ns();
    services_.gateway.add_lane(lane_);
}

ClientConnection::~ClientConnection() {
    KVORUM_ASSERT(lane_.handle == gateway::LaneHandle{}, "a connection was destroyed while it was served");
}

ClientState& ClientConnection::state() {
    state_.pending_commands = static_cast<uint32_t>(lane_.queue().size());
    state_.query_buffer_bytes = parser_.buffered_bytes();
    state_.query_buffer_free_bytes =
        parser_.allocated_bytes() - std::min(parser_.allocated_bytes(), parser_.buffered_bytes());
    state_.argument_bytes = lane_.queue().text_bytes();
    state_.output_buffer_bytes = output_.queued_bytes();
    state_.bytes_out = output_.sent_bytes();
    return state_;
}

reactor::Task<void> ClientConnection::serve() {
    while (!closing_) {
        reactor::Chunk chunk = co_await receive_.next(input_stop_.token());
        if (chunk.result == -ECANCELED) break;
        if (chunk.result <= 0) {
            // 0: the client will send no more, but may still read.
            if (chunk.result < 0) {
                close_now();
            } else {
                services_.gateway.end_input(lane_);
            }
            break;
        }
        last_input_ns_ = services_.reactor.now_ns();
        state_.bytes_in += static_cast<uint64_t>(chunk.result);
        services_.counters.net_input_bytes += static_cast<uint64_t>(chunk.result);
        ++services_.counters.reads_from_clients;
        parser_.feed(chunk.bytes);
        services_.reactor.work().add(TurnPart::kParse, chunk.bytes.size() * kReceivedWork);
        run_commands();
        if (!took_all_) parser_.detach();
        receive_.release(chunk);
        if (!lane_.is_scheduled) account();  // else flush() does
        while ((!took_all_ || !has_room()) && !closing_ && !stop_.stop_requested()) {
            if (has_room()) {
                co_await services_.reactor.yield();
            } else {
                receive_.pause();
                progress_.reset();
                const bool progressed = co_await progress_.wait(stop_.token());
                maybe(progressed);
            }
            run_commands();
        }
        receive_.resume();
    }
    co_await finish_replies();
    co_await shut_down();
}

void ClientConnection::run_commands() {
    size_t prefetched = 0;
    const TurnWork& work = services_.reactor.work();
    took_all_ = false;
    while (!closing_ && has_room() && !work.used_up()) {
        if (reading_ && prefetched == 0) prefetched = prefetch_keys_ahead();
        if (prefetched > 0) --prefetched;
        switch (parser_.next(arguments_)) {
            case ParseStatus::kCommand:
                note_command();
                if (!state_.authenticated) [[unlikely]] {
                    submit_unauthenticated();
                    break;
                }
                reading_ = services_.dispatcher.submit(as_client(), arguments_);
                break;
            case ParseStatus::kLargeCommand: submit_large(); break;
            case ParseStatus::kNeedMore: took_all_ = true; return;
            case ParseStatus::kError: answer_protocol_error(); return;
        }
    }
}

void ClientConnection::note_command() {
    state_.last_command_at_ns = services_.reactor.now_ns();
    ++state_.commands;
}

// Who has not authenticated is granted no command of this size.
void ClientConnection::submit_large() {
    note_command();
    reading_ = false;
    services_.dispatcher.submit_large(as_client(), parser_.take_large());
}

void ClientConnection::submit_unauthenticated() {
    if (services_.access.password_required()) {
        services_.dispatcher.submit_unauthenticated(as_client(), arguments_);
    } else {  // any more
        set_authenticated(true);
        services_.dispatcher.submit(as_client(), arguments_);
    }
}

void ClientConnection::set_authenticated(bool authenticated) {
    state_.authenticated = authenticated;
    parser_.set_limits(resp_limits(services_.limits, authenticated));
}

// A lookup in a map that is larger than the caches costs as much as everything else about a GET; those of a pipeline
// overlap.
size_t ClientConnection::prefetch_keys_ahead() {
    std::array<std::string_view, kReadsAhead> keys;
    const size_t count = parser_.look_ahead(keys);
    if (count > 1) services_.gateway.prefetch(std::span(keys).first(count));
    return count;
}

void ClientConnection::answer_protocol_error() {
    ++services_.counters.protocol_errors;
    if (parser_.error_kind() == ParseErrorKind::kCrossProtocol) {
        KVORUM_LOG(kWarn, "client {} speaks HTTP on the Redis port (a web page may be behind it); closed",
                   state_.address);
        close_now();
        return;
    }
    KVORUM_LOG(kVerbose, "client {}: protocol error: {}; closed", state_.address, parser_.error());
    // In its turn: replies to the commands before it come first.
    services_.gateway.submit_error(lane_, gateway::kUnknownCommand,
                                   fmt::format("ERR Protocol error: {}", parser_.error()), false, 0);
    close_after_replies();
}

void ClientConnection::close_now() {
    close_after_replies();
    stop_.request_stop();
}

void ClientConnection::close_after_replies() {
    if (closing_) return;
    closing_ = true;
    took_last_ns_ = services_.reactor.now_ns();
    input_stop_.request_stop();
    progress_.set();
}

void ClientConnection::check_timeouts(uint64_t now_ns) {
    const Limits& limits = services_.limits;
    if (is_stuck(now_ns)) {
        close_now();
        return;
    }
    if (closing_) return;
    const uint64_t silent_ns = now_ns - last_input_ns_;
    const bool idle = limits.idle_timeout_s != 0 && lane_.queue().empty() && output_.queued_bytes() == 0 &&
                      silent_ns > limits.idle_timeout_s * kSecondNs;
    // A slow sender goes on; while we do not read, it cannot.
    const bool stopped = limits.partial_command_timeout_s != 0 && took_all_ && parser_.mid_command() &&
                         silent_ns > limits.partial_command_timeout_s * kSecondNs;
    if (!idle && !stopped) return;
    ++services_.counters.idle_closes;
    if (stopped) KVORUM_LOG(kVerbose, "client {}: it stopped in the middle of a command; closed", state_.address);
    close_now();
}

bool ClientConnection::takes_nothing(uint64_t now_ns) const {
    return output_.queued_bytes() > 0 && output_.sent_bytes() == taken_bytes_ && now_ns - took_last_ns_ >= kSecondNs;
}

// It takes nothing of what it should.
bool ClientConnection::is_stuck(uint64_t now_ns) {
    if (finished_) return now_ns - last_input_ns_ > kSilenceAfterEndNs && now_ns - took_last_ns_ > kSilenceAfterEndNs;
    // Whoever has ended its stream may be gone: it is not waited for without end, as behind WAIT.
    const bool waits_for_others = output_.queued_bytes() == 0 && !closing_;
    if (output_.sent_bytes() != taken_bytes_ || waits_for_others) {
        taken_bytes_ = output_.sent_bytes();
        took_last_ns_ = now_ns;
        return false;
    }
    if (now_ns - took_last_ns_ <= kStuckAfterNs) return false;
    if (closing_) return true;
    if (output_.queued_bytes() <= services_.limits.output_bytes_max) return false;
    ++services_.counters.output_limit_closes;
    KVORUM_LOG(kWarn, "client {}: {} bytes of replies unread, above the limit, and it reads nothing; closed",
               state_.address, output_.queued_bytes());
    return true;
}

// --- gateway::ReplyPort ---

ReplyWriter& ClientConnection::begin_reply() {
    std::string& output = output_.begin_piece();
    writer_.set_output(output);
    writer_.forget_error();
    reply_start_ = output.size();
    return writer_;
}

void ClientConnection::end_reply() {
    if (state_.replies_off || state_.skips_reply) output_.tail().resize(reply_start_);
    state_.skips_reply = std::exchange(state_.skips_next_reply, false);
}

void ClientConnection::pause_reply() {
    if (state_.replies_off || state_.skips_reply) output_.tail().resize(reply_start_);
}

void ClientConnection::write_reply(std::string_view reply) {
    begin_reply();
    output_.tail().append(reply);
    end_reply();
}

void ClientConnection::write_reply_part(std::string part, bool is_last) {
    if (!state_.replies_off && !state_.skips_reply) output_.append_piece(std::move(part));
    if (is_last) state_.skips_reply = std::exchange(state_.skips_next_reply, false);
}

ReplyWriter& ClientConnection::writer_to(std::string& out) {
    writer_.set_output(out);
    writer_.forget_error();
    return writer_;
}

std::string ClientConnection::redirection(const gateway::Command& command, ops::Arguments arguments,
                                          const Member& leader) const {
    const auto first_key = static_cast<size_t>(command.first_key);
    const bool names_key = first_key != 0 && first_key < arguments.size();
    const uint16_t slot = names_key ? hash_slot(arguments[first_key]) : 0;
    return fmt::format("MOVED {} {}", slot, leader.client.to_string());
}

void ClientConnection::set_monitors(bool monitors) {
    Monitors& all = services_.dispatcher.monitors();
    all.remove(*this);
    if (monitors) all.add(*this);
}

void ClientConnection::write_line(std::string_view line) {
    writer_to(output_.tail()).status(line);
    services_.gateway.wake(lane_);
}

void ClientConnection::write_error(std::string_view line) {
    begin_reply().error(line);
    end_reply();
}

void ClientConnection::reply_not_executed(std::string_view why) { write_error(why); }
void ClientConnection::reply_outcome_unknown(std::string_view why) { write_error(why); }

std::string_view ClientConnection::carry_out(uint16_t local_code, ops::Arguments arguments) {
    const bool was_authenticated = state_.authenticated;
    const bool was_monitor = state_.monitors;
    begin_reply();
    execute_server_command(server_commands()[local_code - 1], arguments, state_, services_.node, writer_);
    end_reply();
    // What such a command does is mostly to put its reply together.
    services_.reactor.work().add(TurnPart::kOther,
                                 output_.tail().size() - std::min(output_.tail().size(), reply_start_));
    if (state_.authenticated != was_authenticated) set_authenticated(state_.authenticated);
    if (state_.reply_delay_ns > 0) hold_reply_back();
    if (state_.monitors != was_monitor) set_monitors(state_.monitors);
    if (state_.close_after_reply) close_after_replies();
    return writer_.error_code();
}

void ClientConnection::hold_reply_back() {
    std::string& output = output_.tail();
    held_reply_.text.assign(output, reply_start_);
    output.resize(reply_start_);
    services_.reactor.arm(held_reply_, services_.reactor.now_ns() + std::exchange(state_.reply_delay_ns, 0));
}

void ClientConnection::release_reply() {
    output_.tail().append(std::exchange(held_reply_.text, {}));
    progress_.set();
}

void ClientConnection::count_output() {
    services_.counters.net_output_bytes += output_.sent_bytes() - counted_output_bytes_;
    counted_output_bytes_ = output_.sent_bytes();
}

void ClientConnection::on_output_progress() {
    ++services_.counters.writes_to_clients;
    count_output();
    if (output_.failed()) close_now();
    account();
    if (!output_has_room()) return;
    progress_.set();
    if (!lane_.queue().empty()) services_.gateway.wake(lane_);
}

void ClientConnection::flush() {
    progress_.set();
    account();
}

uint64_t ClientConnection::memory_bytes() const {
    return sizeof(*this) + parser_.allocated_bytes() + receive_.kept_bytes() + lane_.memory_bytes() +
           output_.memory_bytes() + held_reply_.text.capacity();
}

void ClientConnection::account() { share_.set(memory_bytes()); }

void ClientConnection::evict() {
    KVORUM_LOG(kWarn, "client {}: closed, it held {} bytes of buffers and max-buffer-memory is spent", state_.address,
               share_.bytes());
    ++services_.counters.clients_evicted;
    share_.leave();
    close_now();
}

// --- the end ---

reactor::Task<void> ClientConnection::finish_replies() {
    close_after_replies();
    // What still comes is not looked at before the replies are out: it must not hold the buffers of others meanwhile.
    receive_.pause();
    while (!stop_.stop_requested() && (!lane_.queue().empty() || held_reply_.armed())) {
        progress_.reset();
        const bool progressed = co_await progress_.wait(stop_.token());
        maybe(progressed);
    }
    if (stop_.stop_requested()) co_return;
    const bool drained = co_await output_.drain(stop_.token());
    if (drained) co_await throw_input_away();
}

reactor::Task<void> ClientConnection::throw_input_away() {
    finished_ = true;
    receive_.resume();
    took_last_ns_ = services_.reactor.now_ns();
    services_.reactor.backend().shutdown_output(socket_);
    uint64_t thrown_bytes = 0;
    while (!stop_.stop_requested() && thrown_bytes <= kThrownAwayBytesMax) {
        reactor::Chunk chunk = co_await receive_.next(stop_.token());
        if (chunk.result <= 0) co_return;
        last_input_ns_ = services_.reactor.now_ns();
        thrown_bytes += static_cast<uint64_t>(chunk.result);
        receive_.release(chunk);
    }
}

reactor::Task<void> ClientConnection::shut_down() {
    services_.reactor.work().add(TurnPart::kFree, kConnectionEndWork + memory_bytes() / kFreedBytesPerWork);
    services_.reactor.cancel(held_reply_);
    set_monitors(false);
    services_.gateway.remove_lane(lane_);
    // Now, since it is counted now.
    parser_.release();
    lane_.large.reset();
    account();
    count_output();
    // Ends a send that the client does not take.
    services_.reactor.backend().shutdown_socket(socket_);
    co_await receive_.close();
    co_await output_.close();
    const int32_t closed = co_await services_.reactor.close(socket_);
    maybe(closed < 0);
}

}  // namespace kvorum::redis
