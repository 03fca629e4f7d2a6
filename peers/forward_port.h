// The port for forwarded commands: to the leader go requests, credit for replies that were taken, and the pieces of
// large commands; from it come replies. What calls the sending side is the gateway, in both roles.
//
// Thread: the owning core. Nothing here suspends; what is sent leaves at the end of the turn.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/ids.h"
#include "base/packed_command.h"
#include "base/reply_writer.h"
#include "peers/forward_codec.h"
#include "peers/peer_link.h"

namespace kvorum::peers {

// To the leader. False: not connected or its queue is full, and the request was not taken.
class ForwardSender {
 public:
    virtual ~ForwardSender() = default;
    virtual bool send_forward_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id,
                                      ReplyFormat format, std::span<const std::string_view> arguments) = 0;
    // Of a large command, whose request follows its last piece.
    [[nodiscard]] virtual PieceStatus send_forward_piece(NodeId leader, const ForwardPiece& piece) = 0;
    virtual bool send_large_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id,
                                    ReplyFormat format, uint64_t command_bytes) = 0;
    // So much of the replies to that session has been taken. False: not sent.
    virtual bool send_forward_credit(NodeId leader, uint64_t session_id, uint64_t bytes) = 0;
};

// What comes: at the leader requests and credit, at the others replies. Called from the run queue; views are valid
// during the call.
class ForwardReceiver {
 public:
    virtual void on_forward_requests(NodeId from, std::span<const ForwardRequest> requests) = 0;
    // `request` has no arguments: they are in `command`.
    virtual void on_large_request(NodeId from, const ForwardRequest& request, PackedCommand command) = 0;
    virtual void on_forward_credit(NodeId from, const ForwardCredit& credit) = 0;
    virtual void on_forward_replies(NodeId from, std::span<const ForwardReply> replies) = 0;

 protected:
    ~ForwardReceiver() = default;
};

// From the leader.
class ForwardReplySender {
 public:
    virtual ~ForwardReplySender() = default;
    // Dropped when `origin` is not connected: it will take the outcome for unknown. False: not taken, there is too much
    // to send already.
    virtual bool send_forward_reply(NodeId origin, const ForwardReply& reply) = 0;
    // False: replies that may wait should.
    [[nodiscard]] virtual bool has_reply_room(NodeId origin) const = 0;
};

}  // namespace kvorum::peers
