// Raft's messages between peers, each one frame (net/frame.h).
//
// Encoders write what this process built and assert its limits. Decoders take what a peer sent: false for every
// malformed input, trailing bytes included, and then the output is garbage. No decoder reserves what a count merely
// claims. Views in decoded values borrow from the payload. Thread: any.
#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/ids.h"
#include "net/frame.h"
#include "net/output_buffer.h"
#include "raft/messages.h"

namespace kvorum::peers {

[[nodiscard]] constexpr bool is_raft_frame(net::FrameType type) {
    return (type >= net::FrameType::kRequestVote && type <= net::FrameType::kAppendEntriesReply) ||
           type == net::FrameType::kTimeoutNow;
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

}  // namespace kvorum::peers
