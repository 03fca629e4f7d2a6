// The messages between peers and their wire form, each the payload of one frame (net/frame.h).
//
// Encoders write what this process built and assert its limits. Decoders take what a peer sent: false for every
// malformed input, trailing bytes included, and then the output is garbage. No decoder reserves what a count merely
// claims. Views in decoded values borrow from the payload. Thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/packed_command.h"
#include "net/frame.h"
#include "net/output_buffer.h"
#include "peers/peer_secrets.h"
#include "raft/feature_level.h"
#include "raft/messages.h"

namespace kvorum::peers {

// --- handshake ---
// The dialling side speaks first: Hello, answered by HelloAck or HelloReject. A node with a secret (peer_secrets.h)
// answers HelloChallenge first, and goes on after the HelloProof. Messages then flow from the dialling side to the
// accepting side only.
struct Hello {
    uint16_t protocol_version = net::kPeerProtocolVersion;
    ClusterId cluster;
    NodeId from;
    uint64_t incarnation = 0;  // rises with each start of the node
    LogId log_id{};            // of the node's log: the same for as long as the node keeps its data
    uint16_t feature_level = raft::kFirstFeatureLevel;  // that its program knows
    NodeId dialled;                                     // whom the sender believes to reach: finds swapped addresses
    Nonce nonce{};                                      // fresh: what the dialled node's proof is about

    bool operator==(const Hello&) const = default;
};

struct HelloAck {
    NodeId from;
    uint64_t incarnation = 0;
    LogId log_id{};
    uint16_t feature_level = raft::kFirstFeatureLevel;
    Digest proof{};  // of the dialled node; zero when it asked for none

    bool operator==(const HelloAck&) const = default;
};

enum class RejectCode : uint8_t {
    kOther = 0,     // the reason is for people only
    kOtherLog = 1,  // the receiver knows the sender of the Hello by another log
};

struct HelloReject {
    RejectCode code = RejectCode::kOther;  // as received: may be one that this version does not know
    Digest proof{};                        // of the dialled node, once the dialling one has proved itself; else zero
    std::string_view reason;               // cut at kHelloRejectTextMax when it is encoded
};

inline constexpr size_t kHelloRejectTextMax = 512;
inline constexpr uint32_t kHandshakePayloadBytesMax = 1024;

void encode_hello(const Hello& hello, net::OutputBuffer& out);
void encode_hello_ack(const HelloAck& ack, net::OutputBuffer& out);
void encode_hello_reject(const HelloReject& reject, net::OutputBuffer& out);
void encode_hello_challenge(const Nonce& challenge, net::OutputBuffer& out);
void encode_hello_proof(const Digest& proof, net::OutputBuffer& out);
// Of another protocol version, which is looked at first, nothing else is read.
[[nodiscard]] bool decode_hello(const net::Frame& frame, Hello& hello);
[[nodiscard]] bool decode_hello_challenge(const net::Frame& frame, Nonce& challenge);
[[nodiscard]] bool decode_hello_proof(const net::Frame& frame, Digest& proof);
[[nodiscard]] bool decode_hello_ack(const net::Frame& frame, HelloAck& ack);
[[nodiscard]] bool decode_hello_reject(const net::Frame& frame, HelloReject& reject);

// What both ends of a handshake say of a node that comes with another log than the one by which it is known.
[[nodiscard]] std::string other_log_reason(NodeId node, LogId known, LogId offered);

// --- Raft ---
[[nodiscard]] constexpr bool is_raft_frame(net::FrameType type) {
    return type >= net::FrameType::kRequestVote && type <= net::FrameType::kAppendEntriesReply;
}

[[nodiscard]] constexpr bool is_forward_frame(net::FrameType type) {
    return type == net::FrameType::kForwardRequests || type == net::FrameType::kForwardReplies ||
           type == net::FrameType::kForwardPiece || type == net::FrameType::kForwardLarge;
}

// Sender and receiver are those of the connection and do not travel; the group does. Entries are referenced, not copied
// (OutputBuffer::append_entry).
void encode_raft_message(GroupId group, const raft::MessageBody& body, net::OutputBuffer& out);
// A message must be of `group`. Entries are verified by their own checksums, must be of `cluster` and `group`,
// consecutive from prev_log_index + 1, and not of a term above the message's.
[[nodiscard]] bool decode_raft_message(const net::Frame& frame, ClusterId cluster, GroupId group,
                                       raft::MessageBody& body);

// The same for an AppendEntries whose entries are streamed: begin() with its frame, take() with each piece, until
// done(). False: malformed.
class AppendEntriesReader {
 public:
    [[nodiscard]] bool begin(const net::Frame& frame, GroupId group);
    [[nodiscard]] bool take(Bytes piece, ClusterId cluster);
    [[nodiscard]] bool done() const { return bytes_left_ == 0; }
    [[nodiscard]] raft::AppendEntries take_message() { return std::move(message_); }

 private:
    raft::AppendEntries message_;
    GroupId group_;
    raft::EntryAssembler assembler_;
    uint32_t entries_left_ = 0;
    uint32_t bytes_left_ = 0;
};

// --- forwarded commands ---
struct ForwardRequest {
    uint64_t request_id = 0;  // the sender's; unique within its incarnation
    uint64_t session_id = 0;
    Term leader_term{};  // carried out only by a receiver that leads in this term
    uint8_t resp_version = 2;
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
    std::string_view reply;  // kExecuted, kPart: as RESP of the version asked for; else the error line, for logs

    bool operator==(const ForwardReply&) const = default;
};

// The client of that session has taken so much more of the replies: as much may be sent again. A leader keeps what it
// sends to one session within a window (server/forwarded_sessions.h), as HTTP/2 does with a stream.
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

// --- repair of a damaged log ---
// Asks for one entry by its identity, whoever leads (server/repair_decision.h).
struct RepairRequest {
    LogIndex index;
    uint64_t checksum = 0;
    GroupId group = kFirstGroup;

    bool operator==(const RepairRequest&) const = default;
};

enum class RepairOutcome : uint8_t {
    kHeld = 0,     // here it is
    kOther = 1,    // the log of this node does not have it, and is known there
    kMissing = 2,  // this node's log is damaged there too
};

struct RepairReply {
    LogIndex index;  // as in the request
    uint64_t checksum = 0;
    RepairOutcome outcome = RepairOutcome::kMissing;
    raft::EntryId at;  // kOther: what this log has at `index`, or its last entry if that is lower; zero if it is empty
    std::vector<raft::EntryPtr> entries;  // kHeld: the one asked for, last, and some that lead to it
    GroupId group = kFirstGroup;
};

// A reply carries at most about this many bytes of entries, and at least one.
inline constexpr uint64_t kRepairReplyBytes = 1 * kMiB;

void encode_repair_request(const RepairRequest& request, net::OutputBuffer& out);
void encode_repair_reply(const RepairReply& reply, net::OutputBuffer& out);
[[nodiscard]] bool decode_repair_request(const net::Frame& frame, RepairRequest& request);
// The entries are verified by their own checksums, of `cluster` and the reply's group, chained, and end with the one
// that the reply names.
[[nodiscard]] bool decode_repair_reply(const net::Frame& frame, ClusterId cluster, RepairReply& reply);

}  // namespace kvorum::peers
