// Forwarded commands and their replies, several in one frame (net/frame.h).
//
// Encoders write what this process built and assert its limits. Decoders take what a peer sent: false for every
// malformed input, trailing bytes included, and then the output is garbage. No decoder reserves what a count merely
// claims. Views in decoded values borrow from the payload. Thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/packed_command.h"
#include "base/reply_writer.h"
#include "base/units.h"
#include "net/frame.h"
#include "net/output_buffer.h"

namespace kvorum::peers {

struct ForwardRequest {
    uint64_t request_id = 0;  // the sender's; unique within its incarnation
    uint64_t session_id = 0;
    Term leader_term{};  // carried out only by a receiver that leads in this term
    ReplyFormat reply_format = 0;
    std::vector<std::string_view> arguments;
    GroupId group = kFirstGroup;
    std::string_view user{};      // whose command it is, at most kForwardUserBytesMax bytes; empty: the default user's
    uint64_t users_revision = 0;  // of the users by which it was admitted where it came in

    bool operator==(const ForwardRequest&) const = default;
};

enum class ForwardOutcome : uint8_t {
    kExecuted = 0,     // the reply is the command's own
    kNotExecuted = 1,  // definitely not, and never will be: it may be sent elsewhere
    kUnknown = 2,      // may or may not take effect
    kPart = 3,         // carried out, and this is not the end of the reply
};

struct ForwardReply {
    uint64_t request_id = 0;
    ForwardOutcome outcome = ForwardOutcome::kExecuted;
    std::string_view reply;  // kExecuted, kPart: in the form asked for; else the error line, for logs
    LogIndex seen{};         // the reply may show what was applied up to there; none: it shows nothing

    bool operator==(const ForwardReply&) const = default;
};

// The client of that session has taken so much more of the replies: as much may be sent again. A leader keeps what it
// sends to one session within a window (gateway/forwarded_sessions.h), as HTTP/2 does with a stream.
struct ForwardCredit {
    uint64_t session_id = 0;
    uint64_t bytes = 0;

    bool operator==(const ForwardCredit&) const = default;
};
// As `bytes`: the client left, and nobody waits for the replies that are still to come.
inline constexpr uint64_t kCreditOfNobody = UINT64_MAX;
// As `session_id`: not a client but the node has taken as much off its connection, of the replies to all sessions. What
// is under way to one node stays within a window too: nobody's small reply stands behind megabytes of others.
inline constexpr uint64_t kCreditOfLink = 0;

inline constexpr size_t kForwardUserBytesMax = 255;
inline constexpr uint32_t kForwardArgumentsMax = 1024 * 1024;
// A request above this must not be encoded, see forward_request_fits().
inline constexpr uint64_t kForwardRequestBytesMax = 96 * kMiB;
// In place of a larger reply an error reply is sent that says so.
inline constexpr uint64_t kForwardReplyBytesMax = 64 * kMiB;

[[nodiscard]] bool forward_request_fits(const ForwardRequest& request);

// Write one frame with the first of `requests`, as many as make up about 256 KiB; return how many. `requests` is not
// empty.
[[nodiscard]] size_t encode_forward_requests(std::span<const ForwardRequest> requests, net::OutputBuffer& out);
[[nodiscard]] size_t encode_forward_replies(std::span<const ForwardReply> replies, net::OutputBuffer& out);
void encode_forward_credit(const ForwardCredit& credit, net::OutputBuffer& out);
[[nodiscard]] bool decode_forward_credit(const net::Frame& frame, ForwardCredit& credit);
[[nodiscard]] bool decode_forward_requests(const net::Frame& frame, std::vector<ForwardRequest>& requests);
[[nodiscard]] bool decode_forward_replies(const net::Frame& frame, std::vector<ForwardReply>& replies);

// A large command (base/packed_command.h) is forwarded in pieces, with other messages between them, and then named by a
// request. On one connection one command at a time is on its way; a piece at offset 0 begins another one.
struct ForwardPiece {
    uint64_t session_id = 0;
    uint64_t offset = 0;
    std::string_view bytes;
    GroupId group = kFirstGroup;

    bool operator==(const ForwardPiece&) const = default;
};

inline constexpr size_t kForwardPieceBytes = 64 * kKiB;

void encode_forward_piece(const ForwardPiece& piece, net::OutputBuffer& out);
// `request` has no arguments: they are the `command_bytes` that came before, of its session.
void encode_forward_large(const ForwardRequest& request, uint64_t command_bytes, net::OutputBuffer& out);
[[nodiscard]] bool decode_forward_piece(const net::Frame& frame, ForwardPiece& piece);
[[nodiscard]] bool decode_forward_large(const net::Frame& frame, ForwardRequest& request, uint64_t& command_bytes);

// Puts the pieces of one connection together. False: they do not fit together, or are no command.
class ForwardPieces {
 public:
    [[nodiscard]] bool take(const ForwardPiece& piece);
    [[nodiscard]] bool finish(const ForwardRequest& request, uint64_t command_bytes, PackedCommand& command);

 private:
    uint64_t session_id_ = 0;
    PackedCommandReader reader_;
};

}  // namespace kvorum::peers
