// The router's part for the room that replies need: what is carried out when, so that no session's output grows without
// bound, and how replies of the leader are taken at the pace of the client that reads them.
#include <utility>

#include "base/text.h"
#include "gateway/command_router.h"

namespace kvorum::gateway {
namespace {

// So much may be on its way to the output of one session, besides what is there already; a single reply may be larger.
constexpr uint64_t kExpectedReplyBytesMax = 1 * kMiB;
// What is larger may have to wait for the large replies of others.
constexpr uint64_t kSmallReplyBytes = 16 * kKiB;
// So much of forwarded replies is taken before the leader is told.
constexpr uint64_t kCreditBytes = 128 * kKiB;
// A reply of the node about itself, its clients or its commands.
constexpr uint64_t kIntrospectionReplyBytes = 128 * kKiB;

// What follows in the input is judged by who the client is then, or not at all.
bool holds_input(const ops::CommandSpec& spec, ops::Arguments arguments) {
    if (spec.name == "hello" || spec.name == "reset" || spec.name == "auth" || spec.name == "quit") return true;
    return spec.name == "client" && arguments.size() > 2 && equals_ignore_case(arguments[1], "kill");
}

uint64_t local_reply_bytes(const ops::CommandSpec& spec, ops::Arguments arguments) {
    if (spec.group == "connection" && spec.name != "client") return arguments.back().size();
    return kIntrospectionReplyBytes;
}

}  // namespace

void CommandRouter::expect_reply(Session& session, Request& request, uint64_t bytes) {
    session.expected_reply_bytes += bytes - request.expected_reply_bytes;
    request.expected_reply_bytes = bytes;
}

bool CommandRouter::reply_fits(Session& session, uint64_t sequence, ops::Arguments arguments) {
    Request& request = *session.queue.find(sequence);
    session.waits_for_bulk_room = false;
    session.waits_for_room = !session.output_has_room();
    if (session.waits_for_room) return false;
    const bool is_other =
        request.is_long || request.spec->kind == ops::CommandKind::kServer || is_large(session, sequence);
    if (is_other) return true;
    const uint64_t bytes = ops::reply_value_bytes(store_, *request.spec, arguments);
    if (bytes == 0) return true;
    session.waits_for_bulk_room = bytes > kSmallReplyBytes && !session.output_has_bulk_room();
    session.waits_for_room = session.waits_for_bulk_room;
    if (session.waits_for_room) return false;
    session.waits_for_room = session.outstanding > 0 && session.expected_reply_bytes + bytes > kExpectedReplyBytesMax;
    if (session.waits_for_room) return false;
    expect_reply(session, request, bytes);
    return true;
}

void CommandRouter::queue_local(Session& session, Request& request, ops::Arguments arguments) {
    session.queue.keep_arguments(request, arguments);
    expect_reply(session, request, local_reply_bytes(*request.spec, arguments));
    request.holds_input = holds_input(*request.spec, arguments);
    if (request.holds_input) ++session.input_holds;
    // The leader writes replies in the protocol that the session speaks when it sends the command. And a write that is
    // carried out makes all replies before it, room or not.
    if (request.holds_input || session.expected_reply_bytes > kExpectedReplyBytesMax) set_barrier(session, request);
}

void CommandRouter::write_forwarded_parts(Session& session, Request& request) {
    if (!request.reply_has_begun) return;
    while (session.output_has_room()) {
        std::string part = session.forwarded_parts.take(request.sequence);
        if (part.empty()) return;
        session.write_reply_part(std::move(part), false);
        request.reply_is_out = true;
        session.progressed_ns = reactor_.now_ns();
    }
}

bool CommandRouter::drop_forwarded_parts(Session& session, Request& request) {
    if (!std::exchange(request.reply_has_begun, false)) return false;
    while (!session.forwarded_parts.take(request.sequence).empty()) {
    }
    if (!request.reply_is_out) return false;
    set_state(session, request, RequestState::kAnswered);
    session.queue.set_text(request, {});
    session.cut_off();
    return true;
}

void CommandRouter::give_credit(Session& session) {
    if (session.uncredited_bytes < kCreditBytes || !session.output_has_room()) return;
    if (forwarder_.give_credit(session.target.leader, session.queue_id, session.uncredited_bytes))
        session.uncredited_bytes = 0;
}

}  // namespace kvorum::gateway
