// The handshake between peers, each message one frame (net/frame.h).
//
// Encoders write what this process built and assert its limits. Decoders take what a peer sent: false for every
// malformed input, trailing bytes included, and then the output is garbage. No decoder reserves what a count merely
// claims. Views in decoded values borrow from the payload. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "net/frame.h"
#include "net/output_buffer.h"
#include "peers/peer_secrets.h"
#include "raft/feature_level.h"

namespace kvorum::peers {

// The dialling side speaks first: Hello, answered by HelloAck or HelloReject. A node with a secret (peer_secrets.h)
// answers HelloChallenge first, and goes on after the HelloProof. Messages then flow from the dialling side to the
// accepting side only.
enum class LinkPurpose : uint8_t {
    kMessages = 0,   // all but these:
    kSnapshots = 1,  // SnapshotFetch and SnapshotPart, which are long and must stand before nothing else
};

struct Hello {
    uint16_t protocol_version = net::kPeerProtocolVersion;
    ClusterId cluster;
    NodeId from;
    uint64_t incarnation = 0;  // rises with each start of the node
    LogId log_id{};            // of the node's log: the same for as long as the node keeps its data
    uint16_t feature_level = raft::kFirstFeatureLevel;  // that its program knows
    NodeId dialled;                                     // whom the sender believes to reach: finds swapped addresses
    Nonce nonce{};                                      // fresh: what the dialled node's proof is about
    LinkPurpose purpose = LinkPurpose::kMessages;

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

}  // namespace kvorum::peers
