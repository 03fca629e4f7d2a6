// What a peer, or a stranger on the peer port, sends: the frame reader and every payload decoder.
//
// The input is used twice: as raw bytes for the reader, whole and cut (same frames, same error), and as the payload of
// a frame with good checksums, which takes the fuzzer past them to the decoders. What a decoder accepts is encoded
// again and must decode to the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "net/frame.h"
#include "peers/forward_codec.h"
#include "peers/handshake_codec.h"
#include "peers/raft_codec.h"
#include "peers/read_index_codec.h"
#include "peers/repair_codec.h"
#include "peers/snapshot_codec.h"

namespace {

using namespace kvorum;
using namespace kvorum::net;
using namespace kvorum::peers;

constexpr ClusterId kCluster{1};

std::string flatten(const OutputBuffer& out) { return out.flatten(); }

Frame read_one(FrameReader& reader, const std::string& text) {
    Frame frame;
    reader.feed(as_bytes(text));
    KVORUM_ASSERT(reader.next(frame) == FrameStatus::kFrame, "{}", reader.error());
    return frame;
}

void check_raft(const Frame& frame) {
    raft::MessageBody body;
    if (!decode_raft_message(frame, kCluster, kFirstGroup, body)) return;
    OutputBuffer again;
    encode_raft_message(kFirstGroup, body, again);
    const std::string text = flatten(again);
    FrameReader reader;
    const Frame second = read_one(reader, text);
    KVORUM_ASSERT(std::ranges::equal(second.payload, frame.payload), "an accepted message was encoded differently");
}

void check_handshake(const Frame& frame) {
    OutputBuffer again;
    Hello hello;
    HelloAck ack;
    HelloReject reject;
    Nonce challenge;
    Digest proof;
    if (decode_hello(frame, hello)) {
        if (hello.protocol_version != kPeerProtocolVersion) return;
        encode_hello(hello, again);
    } else if (decode_hello_ack(frame, ack)) {
        encode_hello_ack(ack, again);
    } else if (decode_hello_reject(frame, reject)) {
        encode_hello_reject(reject, again);
    } else if (decode_hello_challenge(frame, challenge)) {
        encode_hello_challenge(challenge, again);
    } else if (decode_hello_proof(frame, proof)) {
        encode_hello_proof(proof, again);
    } else {
        return;
    }
    const std::string text = flatten(again);
    FrameReader reader;
    const Frame second = read_one(reader, text);
    KVORUM_ASSERT(std::ranges::equal(second.payload, frame.payload), "an accepted handshake was encoded differently");
}

void check_requests(const Frame& frame) {
    std::vector<ForwardRequest> requests;
    if (!decode_forward_requests(frame, requests)) return;
    std::span<const ForwardRequest> rest = requests;
    while (!rest.empty()) {
        OutputBuffer again;
        const size_t count = encode_forward_requests(rest, again);
        const std::string text = flatten(again);
        FrameReader reader;
        const Frame second = read_one(reader, text);
        std::vector<ForwardRequest> decoded;
        KVORUM_ASSERT(decode_forward_requests(second, decoded));
        KVORUM_ASSERT(std::ranges::equal(decoded, rest.first(count)));
        rest = rest.subspan(count);
    }
}

void check_pieces(const Frame& frame) {
    OutputBuffer again;
    ForwardPiece piece;
    ForwardRequest request;
    uint64_t command_bytes = 0;
    if (decode_forward_piece(frame, piece)) {
        encode_forward_piece(piece, again);
        ForwardPieces pieces;
        maybe(pieces.take(piece));
    } else if (decode_forward_large(frame, request, command_bytes)) {
        encode_forward_large(request, command_bytes, again);
    } else {
        return;
    }
    const std::string text = flatten(again);
    FrameReader reader;
    const Frame second = read_one(reader, text);
    KVORUM_ASSERT(std::ranges::equal(second.payload, frame.payload), "an accepted piece was encoded differently");
}

void check_replies(const Frame& frame) {
    std::vector<ForwardReply> replies;
    if (!decode_forward_replies(frame, replies)) return;
    std::span<const ForwardReply> rest = replies;
    while (!rest.empty()) {
        OutputBuffer again;
        const size_t count = encode_forward_replies(rest, again);
        const std::string text = flatten(again);
        FrameReader reader;
        const Frame second = read_one(reader, text);
        std::vector<ForwardReply> decoded;
        KVORUM_ASSERT(decode_forward_replies(second, decoded));
        KVORUM_ASSERT(std::ranges::equal(decoded, rest.first(count)));
        rest = rest.subspan(count);
    }
}

// What is of one form only.
void check_others(const Frame& frame) {
    OutputBuffer again;
    RepairRequest request;
    RepairReply reply;
    ForwardCredit credit;
    SnapshotOffer offer;
    SnapshotReport report;
    SnapshotFetch fetch;
    SnapshotPart part;
    ReadIndexRequest question;
    ReadIndexReply answer;
    if (decode_repair_request(frame, request)) {
        encode_repair_request(request, again);
    } else if (decode_forward_credit(frame, credit)) {
        encode_forward_credit(credit, again);
    } else if (decode_repair_reply(frame, kCluster, reply)) {
        encode_repair_reply(reply, again);
    } else if (decode_snapshot_offer(frame, offer)) {
        encode_snapshot_offer(offer, again);
    } else if (decode_snapshot_report(frame, report)) {
        encode_snapshot_report(report, again);
    } else if (decode_snapshot_fetch(frame, fetch)) {
        encode_snapshot_fetch(fetch, again);
    } else if (decode_snapshot_part(frame, part)) {
        encode_snapshot_part(part, again);
    } else if (decode_read_index_request(frame, question)) {
        encode_read_index_request(question, again);
    } else if (decode_read_index_reply(frame, answer)) {
        encode_read_index_reply(answer, again);
    } else {
        return;
    }
    const std::string text = flatten(again);
    FrameReader reader;
    const Frame second = read_one(reader, text);
    KVORUM_ASSERT(std::ranges::equal(second.payload, frame.payload), "an accepted message was encoded differently");
}

void check_payload(const Frame& frame) {
    check_handshake(frame);
    check_raft(frame);
    check_requests(frame);
    check_replies(frame);
    check_pieces(frame);
    check_others(frame);
}

// Every frame and the error at the end, as text.
std::vector<std::string> read_stream(std::string_view text, size_t piece_size, bool check) {
    FrameReader reader(64 * 1024);
    std::vector<std::string> seen;
    while (!text.empty()) {
        const std::string_view piece = text.substr(0, std::min(piece_size, text.size()));
        text.remove_prefix(piece.size());
        const std::vector<char> copy(piece.begin(), piece.end());
        reader.feed(as_bytes({copy.data(), copy.size()}));
        Frame frame;
        while (reader.next(frame) == FrameStatus::kFrame) {
            seen.emplace_back(as_text(frame.payload));
            if (check) check_payload(frame);
        }
    }
    seen.emplace_back(reader.error());
    return seen;
}

// A batch of entries as the fuzzer wants them, with checksums that fit: an AppendEntries that may be wrong in every
// other way.
void check_append_entries(ByteReader input) {
    raft::AppendEntries message;
    message.term = Term{input.read<uint8_t>()};
    message.prev_log_index = LogIndex{input.read<uint8_t>()};
    message.read_round = input.read<uint8_t>();
    while (input.remaining() >= 6) {
        const ClusterId cluster{input.read<uint8_t>()};
        const GroupId group{1 + input.read<uint8_t>() % 4u};
        const auto entry_type = static_cast<raft::EntryType>(1 + input.read<uint8_t>());
        const LogIndex index{input.read<uint8_t>()};
        const Term term{input.read<uint8_t>()};
        raft::EntryBuilder builder(entry_type);
        builder.buffer().append(input.read_text(std::min<size_t>(4 * input.read<uint8_t>(), input.remaining())));
        message.entries.push_back(std::move(builder).seal(cluster, group, index, term, 0));
    }
    OutputBuffer out;
    encode_raft_message(kFirstGroup, message, out);
    const std::string text = flatten(out);
    FrameReader reader;
    const Frame frame = read_one(reader, text);
    raft::MessageBody body;
    const bool accepted = decode_raft_message(frame, kCluster, kFirstGroup, body);
    bool valid = true;
    for (size_t i = 0; i < message.entries.size(); ++i) {
        const raft::EntryHeader& header = message.entries[i]->header();
        valid = valid && header.cluster == kCluster && header.group == kFirstGroup &&
                header.index == message.prev_log_index + (i + 1) && header.term <= message.term;
    }
    KVORUM_ASSERT(accepted == valid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const auto type = static_cast<FrameType>(1 + data[0] % 16);
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    OutputBuffer out;
    FrameWriter writer(out, type);
    writer.payload().append(text);
    writer.finish();
    const std::string framed = flatten(out);
    FrameReader reader;
    check_payload(read_one(reader, framed));

    const size_t piece_size = 1 + data[1];
    KVORUM_ASSERT(read_stream(text, text.size(), true) == read_stream(text, piece_size, false),
                  "the cut changed the frames");
    const std::string followed = framed + std::string(text);
    KVORUM_ASSERT(read_stream(followed, followed.size(), true) == read_stream(followed, piece_size, false),
                  "the cut changed the frames");
    check_append_entries(ByteReader(as_bytes(text)));
    return 0;
}
