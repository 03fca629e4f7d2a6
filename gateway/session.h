// One ordered stream of commands and its replies: a client's connection, or one client of a follower that forwards to
// us.
//
// Commands take effect and are answered in the order in which they arrived. `target` is where the outstanding ones
// went: a session never sends a command to a new place while an earlier one is unresolved at an old place, so the order
// holds across elections.
//
// Ownership: whoever accepted the stream owns the session; everything else holds a SessionHandle, which stops resolving
// when the session is gone. Thread: the owning core.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "gateway/forwarded_parts.h"
#include "gateway/large_command.h"
#include "gateway/long_reply.h"
#include "gateway/request_queue.h"
#include "ops/command_table.h"
#include "redis/client_state.h"
#include "redis/command_gate.h"
#include "redis/resp_writer.h"
#include "replica/waiter.h"

namespace kvorum::gateway {

using SessionHandle = replica::WaiterId;

// Where the outstanding commands of a session are: this node or another, as leader of that term.
struct Target {
    NodeId leader;
    Term term;
    bool operator==(const Target&) const = default;
};

class Session {
 public:
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    virtual ~Session() = default;

    // Writes the reply to the request at the head of the queue: begin, one reply into the writer, end.
    virtual redis::RespWriter& begin_reply() = 0;
    virtual void end_reply() = 0;
    // Instead of the end: more of the same reply comes in a later turn, behind resume_reply().
    virtual void pause_reply() = 0;
    virtual redis::RespWriter& resume_reply() = 0;
    // The reply's bytes, made elsewhere.
    virtual void write_reply(std::string_view reply) = 0;
    // The same in parts, while output_has_room().
    virtual void write_reply_part(std::string part, bool is_last) = 0;
    // False: whoever reads the replies has to catch up first. No command whose reply may be large is carried out
    // meanwhile, and the router is woken (CommandRouter::wake) when there is room again.
    [[nodiscard]] virtual bool output_has_room() const = 0;
    // The same for a large reply, which may have to wait for those of other sessions besides.
    [[nodiscard]] virtual bool output_has_bulk_room() const { return output_has_room(); }
    // Of the reply under way no more comes: whoever reads it must not take what follows for its rest.
    virtual void cut_off() = 0;

    // The request at the head was definitely not executed and never will be, or may or may not have taken effect. `why`
    // is the error line.
    virtual void reply_not_executed(std::string_view why) = 0;
    virtual void reply_outcome_unknown(std::string_view why) = 0;

    // Carries out a command of kind kServer. Only clients send these. Returns the code of the error that it replied,
    // empty for another reply; good until the next reply.
    virtual std::string_view execute_server_command(const ops::CommandSpec& spec,
                                                    std::span<const std::string_view> arguments) = 0;
    // A line that answers nothing, for a client that asked for MONITOR. Only clients get these.
    virtual void write_line(std::string_view line) = 0;
    // Called when every request that could be answered was: time to send.
    virtual void flush() = 0;

    // True for a client's own connection: its commands may be parked and forwarded. A forwarded session's commands may
    // not: a command makes one hop only.
    [[nodiscard]] virtual bool may_be_forwarded() const = 0;
    [[nodiscard]] virtual redis::RespVersion protocol() const = 0;
    // Null for a session of another node.
    [[nodiscard]] virtual const redis::ClientState* client() const = 0;

    RequestQueue queue;
    std::unique_ptr<LongReply> long_reply;  // of the request at the head, under way
    // While there is one, no command is submitted.
    std::unique_ptr<LargeCommand> large;
    SessionHandle handle;
    uint64_t queue_id = 0;  // unique in the life of the process: names the session to the leader it forwards to
    Target target;
    uint32_t outstanding = 0;  // requests in a state for which is_outstanding() holds
    uint32_t parked = 0;
    redis::CommandGate gate;
    bool input_ended = false;           // no more commands come: its client left, or waits for the replies only
    bool dirty = false;                 // on the router's list of sessions to advance and flush this turn
    uint32_t barriers = 0;              // requests in the queue with is_barrier set
    uint32_t input_holds = 0;           // of those: with holds_input set
    bool waits_for_room = false;        // the first parked request has a leader, but it or its reply has no room yet
    uint64_t expected_reply_bytes = 0;  // how large the replies of what is carried out may be, about
    ForwardedParts forwarded_parts;
    uint64_t uncredited_bytes = 0;     // of replies that came from the leader, and it was not told that they are taken
    uint64_t progressed_ns = 0;        // when a request was last answered, or its client had to read first
    bool waits_for_bulk_room = false;  // the next reply is a large one, and has no room yet
    bool in_long_lane = false;         // on the router's list of sessions with something to do that takes several turns
    bool waits_for_buffers = false;    // the read at the head may begin when fewer buffers are in use
    bool waiting = false;              // a WAIT is in the queue
    uint64_t wait_deadline_ns = 0;
    const ops::CommandSpec* last_called = nullptr;  // the command that came last; null: none, or an unknown one
    LogIndex wait_index;                            // none until the WAIT is at the head
};

}  // namespace kvorum::gateway
