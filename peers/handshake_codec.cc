#include "peers/handshake_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "peers/codec_parts.h"

namespace kvorum::peers {
namespace {

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
    writer.write<uint8_t>(static_cast<uint8_t>(hello.purpose));
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
    const auto purpose = reader.read<uint8_t>();
    hello.purpose = static_cast<LinkPurpose>(purpose);
    return reader.finished() && purpose <= static_cast<uint8_t>(LinkPurpose::kSnapshots) && !hello.log_id.is_none() &&
           hello.feature_level != 0;
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

}  // namespace kvorum::peers
