#include "peers/forward_codec.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "peers/codec_parts.h"

namespace kvorum::peers {
namespace {

// Frames of forwarded commands are closed at about this size, so that one burst does not delay a heartbeat by a huge
// frame.
constexpr uint64_t kForwardFrameBytes = 256 * kKiB;

constexpr uint8_t kUserFlag = 1;

bool names_user(const ForwardRequest& request) { return !request.user.empty() || request.users_revision != 0; }

uint64_t encoded_size(const ForwardRequest& request) {
    uint64_t size = 3 * sizeof(uint64_t) + sizeof(uint32_t) + 2 * sizeof(uint8_t) + sizeof(uint32_t);
    if (names_user(request)) size += sizeof(uint32_t) + request.user.size() + sizeof(uint64_t);
    for (const std::string_view argument : request.arguments)
        size += sizeof(uint32_t) + argument.size();
    return size;
}

void write_request_head(ByteWriter<>& writer, const ForwardRequest& request) {
    writer.write<uint64_t>(request.request_id);
    writer.write<uint64_t>(request.session_id);
    writer.write<uint64_t>(request.leader_term.value());
    write_group(writer, request.group);
    writer.write<uint8_t>(request.reply_format);
    writer.write<uint8_t>(names_user(request) ? kUserFlag : 0);
    if (!names_user(request)) return;
    write_sized(writer, request.user);
    writer.write<uint64_t>(request.users_revision);
}

bool read_request_head(ByteReader& reader, ForwardRequest& request) {
    request.request_id = reader.read<uint64_t>();
    request.session_id = reader.read<uint64_t>();
    request.leader_term = Term{reader.read<uint64_t>()};
    request.group = read_group(reader);
    request.reply_format = reader.read<uint8_t>();
    bool valid = true;
    if ((read_flags(reader, kUserFlag, valid) & kUserFlag) != 0) {
        const auto size = reader.read<uint32_t>();
        if (size > kForwardUserBytesMax) return false;
        request.user = reader.read_text(size);
        request.users_revision = reader.read<uint64_t>();
        // What the flag says must be there, so that a request has one form.
        valid = valid && names_user(request);
    }
    return valid && !request.group.is_none();
}

void write_request(ByteWriter<>& writer, const ForwardRequest& request) {
    KVORUM_ASSERT(forward_request_fits(request));
    write_request_head(writer, request);
    writer.write<uint32_t>(static_cast<uint32_t>(request.arguments.size()));
    for (const std::string_view argument : request.arguments)
        write_sized(writer, argument);
}

bool read_request(ByteReader& reader, ForwardRequest& request) {
    if (!read_request_head(reader, request)) return false;
    const auto count = reader.read<uint32_t>();
    if (count == 0 || count > kForwardArgumentsMax || count > reader.remaining() / sizeof(uint32_t)) return false;
    request.arguments.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
        const auto size = reader.read<uint32_t>();
        request.arguments.push_back(reader.read_text(size));
    }
    return !reader.failed();
}

}  // namespace

bool forward_request_fits(const ForwardRequest& request) {
    return !request.arguments.empty() && request.arguments.size() <= kForwardArgumentsMax &&
           request.user.size() <= kForwardUserBytesMax && encoded_size(request) <= kForwardRequestBytesMax;
}

size_t encode_forward_requests(std::span<const ForwardRequest> requests, net::OutputBuffer& out) {
    KVORUM_ASSERT(!requests.empty());
    net::FrameWriter frame(out, net::FrameType::kForwardRequests);
    const size_t begin = frame.payload().size();
    ByteWriter writer(frame.payload());
    size_t count = 0;
    uint64_t size = 0;
    do {
        write_request(writer, requests[count]);
        ++count;
        size = frame.payload().size() - begin;
    } while (count < requests.size() && size + encoded_size(requests[count]) <= kForwardFrameBytes);
    frame.finish();
    return count;
}

bool decode_forward_requests(const net::Frame& frame, std::vector<ForwardRequest>& requests) {
    requests.clear();
    if (frame.type != net::FrameType::kForwardRequests || frame.payload.empty()) return false;
    ByteReader reader(frame.payload);
    while (reader.remaining() > 0) {
        if (!read_request(reader, requests.emplace_back())) return false;
    }
    return true;
}

size_t encode_forward_replies(std::span<const ForwardReply> replies, net::OutputBuffer& out) {
    KVORUM_ASSERT(!replies.empty());
    net::FrameWriter frame(out, net::FrameType::kForwardReplies);
    const size_t begin = frame.payload().size();
    ByteWriter writer(frame.payload());
    size_t count = 0;
    uint64_t size = 0;
    do {
        const ForwardReply& reply = replies[count];
        const bool fits = reply.reply.size() <= kForwardReplyBytesMax;
        writer.write<uint64_t>(reply.request_id);
        writer.write<uint8_t>(static_cast<uint8_t>(reply.outcome));
        write_id(writer, reply.seen);
        write_sized(writer, fits ? reply.reply : "-ERR the reply is too large to be forwarded between nodes\r\n");
        ++count;
        size = frame.payload().size() - begin;
    } while (count < replies.size() && size + replies[count].reply.size() <= kForwardFrameBytes);
    frame.finish();
    return count;
}

bool decode_forward_replies(const net::Frame& frame, std::vector<ForwardReply>& replies) {
    replies.clear();
    if (frame.type != net::FrameType::kForwardReplies || frame.payload.empty()) return false;
    ByteReader reader(frame.payload);
    while (reader.remaining() > 0) {
        ForwardReply& reply = replies.emplace_back();
        reply.request_id = reader.read<uint64_t>();
        const auto outcome = reader.read<uint8_t>();
        if (outcome > static_cast<uint8_t>(ForwardOutcome::kPart)) return false;
        reply.outcome = static_cast<ForwardOutcome>(outcome);
        reply.seen = read_id<LogIndex>(reader);
        const auto size = reader.read<uint32_t>();
        reply.reply = reader.read_text(size);
        if (reader.failed()) return false;
    }
    return true;
}

void encode_forward_piece(const ForwardPiece& piece, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kForwardPiece);
    ByteWriter writer(frame.payload());
    write_group(writer, piece.group);
    writer.write<uint64_t>(piece.session_id);
    writer.write<uint64_t>(piece.offset);
    writer.write_text(piece.bytes);
    frame.finish();
}

bool decode_forward_piece(const net::Frame& frame, ForwardPiece& piece) {
    if (frame.type != net::FrameType::kForwardPiece) return false;
    ByteReader reader(frame.payload);
    piece.group = read_group(reader);
    piece.session_id = reader.read<uint64_t>();
    piece.offset = reader.read<uint64_t>();
    piece.bytes = reader.read_text(reader.remaining());
    return !reader.failed() && !piece.bytes.empty() && !piece.group.is_none();
}

void encode_forward_large(const ForwardRequest& request, uint64_t command_bytes, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kForwardLarge);
    ByteWriter writer(frame.payload());
    write_request_head(writer, request);
    writer.write<uint64_t>(command_bytes);
    frame.finish();
}

bool decode_forward_large(const net::Frame& frame, ForwardRequest& request, uint64_t& command_bytes) {
    if (frame.type != net::FrameType::kForwardLarge) return false;
    ByteReader reader(frame.payload);
    if (!read_request_head(reader, request)) return false;
    command_bytes = reader.read<uint64_t>();
    return reader.finished();
}

bool ForwardPieces::take(const ForwardPiece& piece) {
    if (piece.offset == 0) {
        session_id_ = piece.session_id;
        reader_ = PackedCommandReader(kForwardArgumentsMax);
    }
    if (piece.session_id != session_id_ || piece.offset != reader_.size_bytes()) return false;
    if (piece.offset + piece.bytes.size() > kForwardRequestBytesMax) return false;
    return reader_.take(piece.bytes);
}

bool ForwardPieces::finish(const ForwardRequest& request, uint64_t command_bytes, PackedCommand& command) {
    if (request.session_id != session_id_ || command_bytes != reader_.size_bytes() || !reader_.done()) return false;
    command = reader_.take_command();
    reader_ = PackedCommandReader();
    return true;
}

void encode_forward_credit(const ForwardCredit& credit, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kForwardCredit);
    ByteWriter writer(frame.payload());
    writer.write<uint64_t>(credit.session_id);
    writer.write<uint64_t>(credit.bytes);
    frame.finish();
}

bool decode_forward_credit(const net::Frame& frame, ForwardCredit& credit) {
    if (frame.type != net::FrameType::kForwardCredit) return false;
    ByteReader reader(frame.payload);
    credit.session_id = reader.read<uint64_t>();
    credit.bytes = reader.read<uint64_t>();
    return reader.finished();
}

}  // namespace kvorum::peers
