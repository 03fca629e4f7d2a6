#include "peers/peer_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace kvorum::peers {
namespace {

// Frames of forwarded commands are closed at about this size, so that one burst does not delay a heartbeat by a huge
// frame.
constexpr uint64_t kForwardFrameBytes = 256 * kKiB;

constexpr uint8_t kPreVoteFlag = 1;
constexpr uint8_t kGrantedFlag = 2;
constexpr uint8_t kSuccessFlag = 1;
constexpr uint8_t kUserFlag = 1;

// Strong ids travel as their plain value.
template <typename Id>
void write_id(ByteWriter& writer, Id id) {
    writer.write<uint64_t>(id.value());
}

template <typename Id>
Id read_id(ByteReader& reader) {
    return Id{reader.read<uint64_t>()};
}

void write_group(ByteWriter& writer, GroupId group) { writer.write<uint32_t>(static_cast<uint32_t>(group.value())); }

GroupId read_group(ByteReader& reader) { return GroupId{reader.read<uint32_t>()}; }

// Of a nonce or a proof.
void read_array(ByteReader& reader, std::array<std::byte, 32>& out) {
    const Bytes bytes = reader.read_bytes(out.size());
    if (!reader.failed()) std::copy(bytes.begin(), bytes.end(), out.begin());
}

void encode_array(net::FrameType type, const std::array<std::byte, 32>& bytes, net::OutputBuffer& out) {
    net::FrameWriter frame(out, type);
    ByteWriter(frame.payload()).write_bytes(bytes);
    frame.finish();
}

bool decode_array(const net::Frame& frame, net::FrameType type, std::array<std::byte, 32>& out) {
    if (frame.type != type) return false;
    ByteReader reader(frame.payload);
    read_array(reader, out);
    return reader.finished();
}

// Flag bytes have no spare meaning: an unknown bit is an error.
uint8_t read_flags(ByteReader& reader, uint8_t known, bool& valid) {
    const auto flags = reader.read<uint8_t>();
    if ((flags & ~known) != 0) valid = false;
    return flags;
}

void encode_body(GroupId group, const raft::RequestVote& message, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kRequestVote);
    ByteWriter writer(frame.payload());
    write_group(writer, group);
    write_id(writer, message.term);
    write_id(writer, message.last_log_index);
    write_id(writer, message.last_log_term);
    writer.write<uint8_t>(message.pre_vote ? kPreVoteFlag : 0);
    frame.finish();
}

bool decode_body(ByteReader& reader, raft::RequestVote& message) {
    bool valid = true;
    message.term = read_id<Term>(reader);
    message.last_log_index = read_id<LogIndex>(reader);
    message.last_log_term = read_id<Term>(reader);
    const uint8_t flags = read_flags(reader, kPreVoteFlag, valid);
    message.pre_vote = (flags & kPreVoteFlag) != 0;
    return valid && reader.finished();
}

void encode_body(GroupId group, const raft::RequestVoteReply& message, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kRequestVoteReply);
    ByteWriter writer(frame.payload());
    write_group(writer, group);
    write_id(writer, message.term);
    const uint8_t pre_vote = message.pre_vote ? kPreVoteFlag : 0;
    const uint8_t granted = message.granted ? kGrantedFlag : 0;
    writer.write<uint8_t>(pre_vote | granted);
    frame.finish();
}

bool decode_body(ByteReader& reader, raft::RequestVoteReply& message) {
    bool valid = true;
    message.term = read_id<Term>(reader);
    const uint8_t flags = read_flags(reader, kPreVoteFlag | kGrantedFlag, valid);
    message.pre_vote = (flags & kPreVoteFlag) != 0;
    message.granted = (flags & kGrantedFlag) != 0;
    return valid && reader.finished();
}

void encode_body(GroupId group, const raft::AppendEntriesReply& message, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kAppendEntriesReply);
    ByteWriter writer(frame.payload());
    write_group(writer, group);
    write_id(writer, message.term);
    write_id(writer, message.match_index);
    write_id(writer, message.rejected_prev_index);
    write_id(writer, message.hint_index);
    write_id(writer, message.hint_term);
    writer.write<uint64_t>(message.read_round);
    writer.write<uint64_t>(message.silence_ns);
    writer.write<uint64_t>(message.memory_limit_bytes);
    writer.write<uint16_t>(message.feature_level_max);
    writer.write<uint8_t>(message.success ? kSuccessFlag : 0);
    frame.finish();
}

bool decode_body(ByteReader& reader, raft::AppendEntriesReply& message) {
    bool valid = true;
    message.term = read_id<Term>(reader);
    message.match_index = read_id<LogIndex>(reader);
    message.rejected_prev_index = read_id<LogIndex>(reader);
    message.hint_index = read_id<LogIndex>(reader);
    message.hint_term = read_id<Term>(reader);
    message.read_round = reader.read<uint64_t>();
    message.silence_ns = reader.read<uint64_t>();
    message.memory_limit_bytes = reader.read<uint64_t>();
    message.feature_level_max = reader.read<uint16_t>();
    message.success = (read_flags(reader, kSuccessFlag, valid) & kSuccessFlag) != 0;
    return valid && reader.finished();
}

void encode_body(GroupId group, const raft::AppendEntries& message, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kAppendEntries);
    ByteWriter writer(frame.payload());
    write_group(writer, group);
    write_id(writer, message.term);
    write_id(writer, message.prev_log_index);
    write_id(writer, message.prev_log_term);
    write_id(writer, message.leader_commit);
    writer.write<uint64_t>(message.read_round);
    writer.write<uint32_t>(static_cast<uint32_t>(message.entries.size()));
    frame.finish_with_entries(message.entries);
}

bool add_entry(raft::EntryPtr entry, ClusterId cluster, GroupId group, raft::AppendEntries& message) {
    const LogIndex expected_index = message.prev_log_index + (message.entries.size() + 1);
    if (entry->header().cluster != cluster || entry->header().group != group) return false;
    if (entry->index() != expected_index) return false;
    if (entry->term() > message.term) return false;
    message.entries.push_back(std::move(entry));
    return true;
}

bool decode_entries(Bytes bytes, uint32_t count, ClusterId cluster, GroupId group, raft::AppendEntries& message) {
    for (uint32_t i = 0; i < count; ++i) {
        raft::EntryPtr entry;
        if (raft::Entry::parse(bytes, entry) != raft::EntryParseError::kNone) return false;
        bytes = bytes.subspan(entry->encoded().size());
        if (!add_entry(std::move(entry), cluster, group, message)) return false;
    }
    return bytes.empty();
}

// All but the entries, `count` of them in `entry_bytes` bytes.
bool decode_append_head(const net::Frame& frame, GroupId group, uint64_t entry_bytes, raft::AppendEntries& message,
                        uint32_t& count) {
    ByteReader reader(frame.payload.first(frame.covered_bytes));
    if (read_group(reader) != group) return false;
    message.term = read_id<Term>(reader);
    message.prev_log_index = read_id<LogIndex>(reader);
    message.prev_log_term = read_id<Term>(reader);
    message.leader_commit = read_id<LogIndex>(reader);
    message.read_round = reader.read<uint64_t>();
    count = reader.read<uint32_t>();
    message.entries.clear();
    return reader.finished() && count <= entry_bytes / raft::EntryHeader::kEncodedSize &&
           message.prev_log_index.value() <= UINT64_MAX - count;
}

bool decode_append_entries(const net::Frame& frame, ClusterId cluster, GroupId group, raft::AppendEntries& message) {
    const Bytes entries = frame.payload.subspan(frame.covered_bytes);
    uint32_t count = 0;
    return decode_append_head(frame, group, entries.size(), message, count) &&
           decode_entries(entries, count, cluster, group, message);
}

bool decode_repair_entries(Bytes bytes, uint32_t count, ClusterId cluster, RepairReply& reply) {
    reply.entries.clear();
    if (count > bytes.size() / raft::EntryHeader::kEncodedSize) return false;
    if ((count > 0) != (reply.outcome == RepairOutcome::kHeld)) return false;
    for (uint32_t i = 0; i < count; ++i) {
        raft::EntryPtr entry;
        if (raft::Entry::parse(bytes, entry) != raft::EntryParseError::kNone) return false;
        if (entry->header().cluster != cluster || entry->header().group != reply.group) return false;
        if (entry->index().is_none()) return false;
        if (i > 0) {
            const raft::EntryId before = reply.entries.back()->id();
            if (entry->index() != before.index + 1 || entry->header().prev_checksum != before.checksum) return false;
        }
        bytes = bytes.subspan(entry->encoded().size());
        reply.entries.push_back(std::move(entry));
    }
    if (!bytes.empty()) return false;
    if (count == 0) return true;
    const raft::EntryId last = reply.entries.back()->id();
    return last.index == reply.index && last.checksum == reply.checksum;
}

template <typename T>
bool decode_as(const net::Frame& frame, GroupId group, raft::MessageBody& body) {
    ByteReader reader(frame.payload);
    return read_group(reader) == group && decode_body(reader, body.emplace<T>());
}

bool names_user(const ForwardRequest& request) { return !request.user.empty() || request.users_revision != 0; }

uint64_t encoded_size(const ForwardRequest& request) {
    uint64_t size = 3 * sizeof(uint64_t) + sizeof(uint32_t) + 2 * sizeof(uint8_t) + sizeof(uint32_t);
    if (names_user(request)) size += sizeof(uint32_t) + request.user.size() + sizeof(uint64_t);
    for (const std::string_view argument : request.arguments)
        size += sizeof(uint32_t) + argument.size();
    return size;
}

void write_sized(ByteWriter& writer, std::string_view text) {
    writer.write<uint32_t>(static_cast<uint32_t>(text.size()));
    writer.write_text(text);
}

void write_request_head(ByteWriter& writer, const ForwardRequest& request) {
    writer.write<uint64_t>(request.request_id);
    writer.write<uint64_t>(request.session_id);
    writer.write<uint64_t>(request.leader_term.value());
    write_group(writer, request.group);
    writer.write<uint8_t>(request.resp_version);
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
    request.resp_version = reader.read<uint8_t>();
    bool valid = request.resp_version == 2 || request.resp_version == 3;
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

void write_request(ByteWriter& writer, const ForwardRequest& request) {
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

void encode_hello(const Hello& hello, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kHello);
    ByteWriter writer(frame.payload());
    writer.write<uint16_t>(hello.protocol_version);
    write_id(writer, hello.cluster);
    write_id(writer, hello.from);
    writer.write<uint64_t>(hello.incarnation);
    write_id(writer, hello.log_id);
    writer.write<uint16_t>(hello.feature_level);
    write_id(writer, hello.dialled);
    writer.write_bytes(hello.nonce);
    frame.finish();
}

bool decode_hello(const net::Frame& frame, Hello& hello) {
    if (frame.type != net::FrameType::kHello) return false;
    ByteReader reader(frame.payload);
    hello.protocol_version = reader.read<uint16_t>();
    if (!reader.failed() && hello.protocol_version != net::kPeerProtocolVersion) return true;
    hello.cluster = read_id<ClusterId>(reader);
    hello.from = read_id<NodeId>(reader);
    hello.incarnation = reader.read<uint64_t>();
    hello.log_id = read_id<LogId>(reader);
    hello.feature_level = reader.read<uint16_t>();
    hello.dialled = read_id<NodeId>(reader);
    read_array(reader, hello.nonce);
    return reader.finished() && !hello.log_id.is_none() && hello.feature_level != 0;
}

void encode_hello_ack(const HelloAck& ack, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kHelloAck);
    ByteWriter writer(frame.payload());
    write_id(writer, ack.from);
    writer.write<uint64_t>(ack.incarnation);
    write_id(writer, ack.log_id);
    writer.write<uint16_t>(ack.feature_level);
    writer.write_bytes(ack.proof);
    frame.finish();
}

void encode_hello_challenge(const Nonce& challenge, net::OutputBuffer& out) {
    encode_array(net::FrameType::kHelloChallenge, challenge, out);
}

bool decode_hello_challenge(const net::Frame& frame, Nonce& challenge) {
    return decode_array(frame, net::FrameType::kHelloChallenge, challenge);
}

void encode_hello_proof(const Digest& proof, net::OutputBuffer& out) {
    encode_array(net::FrameType::kHelloProof, proof, out);
}

bool decode_hello_proof(const net::Frame& frame, Digest& proof) {
    return decode_array(frame, net::FrameType::kHelloProof, proof);
}

bool decode_hello_ack(const net::Frame& frame, HelloAck& ack) {
    if (frame.type != net::FrameType::kHelloAck) return false;
    ByteReader reader(frame.payload);
    ack.from = read_id<NodeId>(reader);
    ack.incarnation = reader.read<uint64_t>();
    ack.log_id = read_id<LogId>(reader);
    ack.feature_level = reader.read<uint16_t>();
    read_array(reader, ack.proof);
    return reader.finished() && !ack.log_id.is_none() && ack.feature_level != 0;
}

void encode_hello_reject(const HelloReject& reject, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kHelloReject);
    ByteWriter writer(frame.payload());
    writer.write<uint8_t>(static_cast<uint8_t>(reject.code));
    writer.write_bytes(reject.proof);
    writer.write_text(reject.reason.substr(0, kHelloRejectTextMax));
    frame.finish();
}

bool decode_hello_reject(const net::Frame& frame, HelloReject& reject) {
    if (frame.type != net::FrameType::kHelloReject) return false;
    ByteReader reader(frame.payload);
    reject.code = static_cast<RejectCode>(reader.read<uint8_t>());
    read_array(reader, reject.proof);
    if (reader.failed() || reader.remaining() > kHelloRejectTextMax) return false;
    reject.reason = reader.read_text(reader.remaining());
    return true;
}

std::string other_log_reason(NodeId node, LogId known, LogId offered) {
    return fmt::format("node {} is known by its log {:016x}, but comes with log {:016x}", node, known, offered);
}

void encode_raft_message(GroupId group, const raft::MessageBody& body, net::OutputBuffer& out) {
    std::visit([group, &out](const auto& message) { encode_body(group, message, out); }, body);
}

bool decode_raft_message(const net::Frame& frame, ClusterId cluster, GroupId group, raft::MessageBody& body) {
    switch (frame.type) {
        case net::FrameType::kRequestVote: return decode_as<raft::RequestVote>(frame, group, body);
        case net::FrameType::kRequestVoteReply: return decode_as<raft::RequestVoteReply>(frame, group, body);
        case net::FrameType::kAppendEntriesReply: return decode_as<raft::AppendEntriesReply>(frame, group, body);
        case net::FrameType::kAppendEntries:
            return decode_append_entries(frame, cluster, group, body.emplace<raft::AppendEntries>());
        default: return false;
    }
}

bool AppendEntriesReader::begin(const net::Frame& frame, GroupId group) {
    group_ = group;
    bytes_left_ = frame.streamed_bytes;
    assembler_ = {};
    return decode_append_head(frame, group, frame.streamed_bytes, message_, entries_left_);
}

bool AppendEntriesReader::take(Bytes piece, ClusterId cluster) {
    bytes_left_ -= static_cast<uint32_t>(piece.size());
    while (!piece.empty()) {
        raft::EntryPtr entry;
        if (entries_left_ == 0) return false;
        const raft::EntryParseError error = assembler_.take(piece, entry);
        if (error == raft::EntryParseError::kShort) break;
        if (error != raft::EntryParseError::kNone || !add_entry(std::move(entry), cluster, group_, message_))
            return false;
        --entries_left_;
    }
    return !done() || entries_left_ == 0;
}

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

void encode_repair_request(const RepairRequest& request, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kRepairRequest);
    ByteWriter writer(frame.payload());
    write_group(writer, request.group);
    write_id(writer, request.index);
    writer.write<uint64_t>(request.checksum);
    frame.finish();
}

bool decode_repair_request(const net::Frame& frame, RepairRequest& request) {
    if (frame.type != net::FrameType::kRepairRequest) return false;
    ByteReader reader(frame.payload);
    request.group = read_group(reader);
    request.index = read_id<LogIndex>(reader);
    request.checksum = reader.read<uint64_t>();
    return reader.finished() && !request.index.is_none() && !request.group.is_none();
}

void encode_repair_reply(const RepairReply& reply, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kRepairReply);
    ByteWriter writer(frame.payload());
    write_group(writer, reply.group);
    write_id(writer, reply.index);
    writer.write<uint64_t>(reply.checksum);
    writer.write<uint8_t>(static_cast<uint8_t>(reply.outcome));
    write_id(writer, reply.at.index);
    write_id(writer, reply.at.term);
    writer.write<uint64_t>(reply.at.checksum);
    writer.write<uint32_t>(static_cast<uint32_t>(reply.entries.size()));
    frame.finish_with_entries(reply.entries);
}

bool decode_repair_reply(const net::Frame& frame, ClusterId cluster, RepairReply& reply) {
    if (frame.type != net::FrameType::kRepairReply) return false;
    ByteReader reader(frame.payload.first(frame.covered_bytes));
    reply.group = read_group(reader);
    reply.index = read_id<LogIndex>(reader);
    reply.checksum = reader.read<uint64_t>();
    const auto outcome = reader.read<uint8_t>();
    reply.at.index = read_id<LogIndex>(reader);
    reply.at.term = read_id<Term>(reader);
    reply.at.checksum = reader.read<uint64_t>();
    const auto count = reader.read<uint32_t>();
    if (!reader.finished() || reply.group.is_none()) return false;
    if (outcome > static_cast<uint8_t>(RepairOutcome::kMissing)) return false;
    reply.outcome = static_cast<RepairOutcome>(outcome);
    if (reply.outcome == RepairOutcome::kOther && reply.at.index > reply.index) return false;
    return decode_repair_entries(frame.payload.subspan(frame.covered_bytes), count, cluster, reply);
}

}  // namespace kvorum::peers
