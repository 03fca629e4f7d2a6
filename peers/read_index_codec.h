// Questions of followers for a read index, and the leader's answers, each one frame (net/frame.h).
//
// Encoders write what this process built. Decoders take what a peer sent: false for every malformed input, trailing
// bytes included, and then the output is garbage. Thread: any.
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "net/frame.h"
#include "net/output_buffer.h"

namespace kvorum::peers {

// From which index on the asker's state may answer the reads that it has (thesis 6.4).
struct ReadIndexRequest {
    uint64_t id = 0;     // the asker's; never repeated, by a later process of the node neither
    Term leader_term{};  // answered only by a receiver that leads in this term
    uint32_t reads = 0;  // that wait for the answer
    GroupId group = kFirstGroup;

    bool operator==(const ReadIndexRequest&) const = default;
};

struct ReadIndexReply {
    uint64_t id = 0;              // as in the request
    LogIndex read_index{};        // none: refused
    int64_t leader_clock_ms = 0;  // when the answer was given, by the clock that stamps entries
    GroupId group = kFirstGroup;

    bool operator==(const ReadIndexReply&) const = default;
};

void encode_read_index_request(const ReadIndexRequest& request, net::OutputBuffer& out);
void encode_read_index_reply(const ReadIndexReply& reply, net::OutputBuffer& out);
[[nodiscard]] bool decode_read_index_request(const net::Frame& frame, ReadIndexRequest& request);
[[nodiscard]] bool decode_read_index_reply(const net::Frame& frame, ReadIndexReply& reply);

}  // namespace kvorum::peers
