// Sample messages between peers, for codec and link tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "net/frame.h"
#include "peers/forward_codec.h"
#include "peers/handshake_codec.h"
#include "peers/raft_codec.h"
#include "peers/read_index_codec.h"
#include "peers/repair_codec.h"
#include "peers/snapshot_codec.h"
#include "raft/messages.h"

namespace kvorum::peers::test {

inline constexpr ClusterId kCluster{0xc1};
inline constexpr LogId kLog{0x101};
inline constexpr LogId kOtherLog{0x102};
inline constexpr SnapshotName kSnapshotName{LogIndex{22}, Term{3}, 4096, 5};

inline raft::EntryPtr make_entry(uint64_t index, uint64_t term, std::string_view body, ClusterId cluster = kCluster) {
    raft::EntryBuilder builder(body.empty() ? raft::EntryType::kNoop : raft::EntryType::kCommands);
    builder.buffer().append(body);
    builder.add_command_count(body.empty() ? 0 : 1);
    return std::move(builder).seal(cluster, kFirstGroup, LogIndex{index}, Term{term}, 77);
}

// Entries 11, 12, 13 of term 3: empty, small (copied), large (referenced).
inline raft::AppendEntries sample_append_entries() {
    raft::AppendEntries message;
    message.term = Term{3};
    message.prev_log_index = LogIndex{10};
    message.prev_log_term = Term{2};
    message.leader_commit = LogIndex{9};
    message.read_round = 5;
    message.entries = {make_entry(11, 3, ""), make_entry(12, 3, "small"), make_entry(13, 3, std::string(2000, 'L'))};
    return message;
}

inline std::vector<raft::MessageBody> sample_raft_messages() {
    raft::RequestVote vote{.term = Term{4}, .pre_vote = true, .last_log_index = LogIndex{8}, .last_log_term = Term{3}};
    raft::RequestVoteReply vote_reply{.term = Term{4}, .pre_vote = true, .granted = true};
    raft::AppendEntries heartbeat;
    heartbeat.term = Term{6};
    heartbeat.read_round = 1;
    raft::AppendEntriesReply success{.term = Term{3},
                                     .success = true,
                                     .match_index = LogIndex{13},
                                     .rejected_prev_index = {},
                                     .hint_index = {},
                                     .hint_term = {},
                                     .read_round = 5,
                                     .silence_ns = 1'000'000,
                                     .memory_limit_bytes = 1 << 20,
                                     .feature_level_max = 3};
    raft::AppendEntriesReply failure{.term = Term{3},
                                     .success = false,
                                     .match_index = {},
                                     .rejected_prev_index = LogIndex{10},
                                     .hint_index = LogIndex{7},
                                     .hint_term = Term{1},
                                     .read_round = 6};
    raft::RequestVote handed_over{
        .term = Term{5}, .last_log_index = LogIndex{8}, .last_log_term = Term{4}, .handed_over_by = NodeId{3}};
    raft::TimeoutNow timeout_now{.term = Term{4}};
    return {vote, vote_reply, sample_append_entries(), heartbeat, success, failure, handed_over, timeout_now};
}

// Equality by wire bytes: messages have no operator== because entries are compared by identity nowhere else.
inline std::string encoded(const raft::MessageBody& body) {
    net::OutputBuffer out;
    encode_raft_message(kFirstGroup, body, out);
    return out.flatten();
}

inline std::vector<ForwardRequest> sample_requests() {
    return {
        {.request_id = 1, .session_id = 100, .leader_term = Term{3}, .reply_format = 2, .arguments = {"SET", "k", "v"}},
        {.request_id = 2,
         .session_id = 101,
         .leader_term = Term{9},
         .reply_format = 3,
         .arguments = {"GET", ""},
         .user = "alice",
         .users_revision = 17}};
}

inline std::vector<ForwardReply> sample_replies() {
    return {{.request_id = 1, .outcome = ForwardOutcome::kExecuted, .reply = "+OK\r\n", .seen = LogIndex{5}},
            {.request_id = 2, .outcome = ForwardOutcome::kUnknown, .reply = "-UNCERTAIN\r\n"}};
}

// Entries 21 and 22, of which the second was asked for.
inline RepairReply sample_repair_reply() {
    raft::EntryBuilder first(raft::EntryType::kNoop);
    raft::EntryBuilder second(raft::EntryType::kCommands);
    second.buffer().append(2000, 'R');
    RepairReply reply;
    reply.entries.push_back(std::move(first).seal(kCluster, kFirstGroup, LogIndex{21}, Term{3}, 77));
    const uint64_t checksum = reply.entries.back()->id().checksum;
    reply.entries.push_back(std::move(second).seal(kCluster, kFirstGroup, LogIndex{22}, Term{3}, checksum));
    reply.index = LogIndex{22};
    reply.checksum = reply.entries.back()->id().checksum;
    reply.outcome = RepairOutcome::kHeld;
    return reply;
}

inline ReadIndexRequest sample_read_index_request() { return {.id = 71, .leader_term = Term{4}, .reads = 9}; }
inline ReadIndexReply sample_read_index_reply() {
    return {.id = 71, .read_index = LogIndex{22}, .leader_clock_ms = 1'700'000'000'000};
}

// One frame of each kind, in wire bytes.
inline std::vector<std::string> sample_frames() {
    std::vector<std::string> frames;
    for (const raft::MessageBody& body : sample_raft_messages())
        frames.push_back(encoded(body));
    const auto add = [&frames](auto encode) {
        net::OutputBuffer out;
        encode(out);
        frames.push_back(out.flatten());
    };
    add([](net::OutputBuffer& out) {
        encode_hello({.cluster = kCluster,
                      .from = NodeId{1},
                      .incarnation = 9,
                      .log_id = kLog,
                      .feature_level = 4,
                      .dialled = NodeId{2}},
                     out);
    });
    add([](net::OutputBuffer& out) {
        encode_hello_ack({.from = NodeId{2}, .incarnation = 4, .log_id = kOtherLog}, out);
    });
    add([](net::OutputBuffer& out) { encode_hello_reject({RejectCode::kOther, {}, "wrong cluster"}, out); });
    add([](net::OutputBuffer& out) { encode_hello_challenge({std::byte{7}}, out); });
    add([](net::OutputBuffer& out) { encode_hello_proof({std::byte{9}}, out); });
    add([](net::OutputBuffer& out) { (void)encode_forward_requests(sample_requests(), out); });
    add([](net::OutputBuffer& out) { (void)encode_forward_replies(sample_replies(), out); });
    add([](net::OutputBuffer& out) { encode_forward_piece({.session_id = 7, .offset = 64, .bytes = "a piece"}, out); });
    add([](net::OutputBuffer& out) {
        encode_forward_large({.request_id = 3, .session_id = 7, .leader_term = Term{4}, .arguments = {}}, 71, out);
    });
    add([](net::OutputBuffer& out) { encode_repair_request({LogIndex{22}, 5}, out); });
    add([](net::OutputBuffer& out) { encode_repair_reply(sample_repair_reply(), out); });
    add([](net::OutputBuffer& out) { encode_snapshot_offer({.term = Term{4}, .name = kSnapshotName}, out); });
    add([](net::OutputBuffer& out) { encode_snapshot_report({.name = kSnapshotName, .installed = true}, out); });
    add([](net::OutputBuffer& out) { encode_snapshot_fetch({.name = kSnapshotName, .offset = 512}, out); });
    add([](net::OutputBuffer& out) {
        encode_snapshot_part({.name = kSnapshotName, .offset = 512, .bytes = as_bytes("a part")}, out);
    });
    add([](net::OutputBuffer& out) { encode_read_index_request(sample_read_index_request(), out); });
    add([](net::OutputBuffer& out) { encode_read_index_reply(sample_read_index_reply(), out); });
    return frames;
}

// Whether a decoder accepts the frame.
inline bool decodes(const net::Frame& frame) {
    Hello hello;
    HelloAck ack;
    HelloReject reject;
    Nonce challenge;
    Digest proof;
    raft::MessageBody body;
    std::vector<ForwardRequest> requests;
    std::vector<ForwardReply> replies;
    RepairRequest repair_request;
    RepairReply repair_reply;
    ReadIndexRequest read_index_request;
    ReadIndexReply read_index_reply;
    ForwardPiece piece;
    ForwardRequest request;
    uint64_t command_bytes = 0;
    SnapshotOffer offer;
    SnapshotReport report;
    SnapshotFetch fetch;
    SnapshotPart part;
    switch (frame.type) {
        case net::FrameType::kHello: return decode_hello(frame, hello);
        case net::FrameType::kHelloAck: return decode_hello_ack(frame, ack);
        case net::FrameType::kHelloReject: return decode_hello_reject(frame, reject);
        case net::FrameType::kHelloChallenge: return decode_hello_challenge(frame, challenge);
        case net::FrameType::kHelloProof: return decode_hello_proof(frame, proof);
        case net::FrameType::kForwardRequests: return decode_forward_requests(frame, requests);
        case net::FrameType::kForwardReplies: return decode_forward_replies(frame, replies);
        case net::FrameType::kForwardPiece: return decode_forward_piece(frame, piece);
        case net::FrameType::kForwardLarge: return decode_forward_large(frame, request, command_bytes);
        case net::FrameType::kRepairRequest: return decode_repair_request(frame, repair_request);
        case net::FrameType::kRepairReply: return decode_repair_reply(frame, kCluster, repair_reply);
        case net::FrameType::kSnapshotOffer: return decode_snapshot_offer(frame, offer);
        case net::FrameType::kSnapshotReport: return decode_snapshot_report(frame, report);
        case net::FrameType::kSnapshotFetch: return decode_snapshot_fetch(frame, fetch);
        case net::FrameType::kSnapshotPart: return decode_snapshot_part(frame, part);
        case net::FrameType::kReadIndexRequest: return decode_read_index_request(frame, read_index_request);
        case net::FrameType::kReadIndexReply: return decode_read_index_reply(frame, read_index_reply);
        default: return decode_raft_message(frame, kCluster, kFirstGroup, body);
    }
}

// Reads the only frame of `text`. The frame's payload borrows from `text`.
inline bool only_frame(const std::string& text, net::Frame& frame) {
    net::FrameReader reader;
    reader.feed(as_bytes(text));
    return reader.next(frame) == net::FrameStatus::kFrame && reader.buffered_bytes() == 0;
}

}  // namespace kvorum::peers::test
