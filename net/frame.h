// The framing of the peer protocol: length-prefixed frames, each with a header of 32 bytes, integers little-endian.
//
//   u32 magic  u16 version  u16 type  u32 payload size  u32 covered size  u64 payload checksum  u64 header checksum
//
// The payload checksum covers the first `covered size` bytes of the payload: all of it, except that the frames
// with log entries leave out the bytes of those. Those carry their own checksums, which whoever decodes them verifies,
// so a large entry is not summed twice. The header checksum covers the header before it. Checksums find damage, not an
// attacker on the way: the handshake proves who connects (peer_secrets.h), nothing protects what travels.
//
// Thread: one owner. Peer input never trips an assertion.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/units.h"
#include "net/output_buffer.h"

namespace kvorum::net {

// 3: peers prove that they know the secret of their cluster, and acknowledgements promise the silence that leases count
// on. 4: acknowledgements tell a limit of memory. 5: large commands are forwarded in pieces. 6: a node says how much it
// took of the replies to what it forwarded. 7: what is about a group names it; a node tells the feature level that it
// knows, and a forwarded request its user. 8: a leader hands over, and a vote request says that it did. 9: a Hello says
// what its connection is for, and snapshots travel on connections of their own, and
// followers ask for a read index. Replies to what was forwarded name the state that they come from.
inline constexpr uint16_t kPeerProtocolVersion = 9;
inline constexpr size_t kFrameHeaderBytes = 32;
// The largest entry twice over. A larger AppendEntries must not be built; a larger frame is refused unread.
inline constexpr uint32_t kFramePayloadBytesMax = 128 * kMiB;

enum class FrameType : uint16_t {
    kHello = 1,
    kHelloAck = 2,
    kHelloReject = 3,
    kRequestVote = 4,
    kRequestVoteReply = 5,
    kAppendEntries = 6,
    kAppendEntriesReply = 7,
    kForwardRequests = 8,
    kForwardReplies = 9,
    kRepairRequest = 10,
    kRepairReply = 11,
    kHelloChallenge = 12,
    kHelloProof = 13,
    kForwardPiece = 14,
    kForwardLarge = 15,
    kForwardCredit = 16,
    kTimeoutNow = 17,
    kReadIndexRequest = 18,
    kReadIndexReply = 19,
    kSnapshotOffer = 20,
    kSnapshotReport = 21,
    kSnapshotFetch = 22,
    kSnapshotPart = 23,
};

// `payload` borrows from the reader.
struct Frame {
    FrameType type = FrameType::kHello;
    uint32_t covered_bytes = 0;
    Bytes payload;
    // Bytes of entries that follow the payload in pieces (FrameReader::stream_entries).
    uint32_t streamed_bytes = 0;
};

// Writes one frame into an OutputBuffer: construct, append the covered payload to tail(), finish() or
// finish_with_entries().
class FrameWriter {
 public:
    FrameWriter(OutputBuffer& out, FrameType type);
    [[nodiscard]] std::string& payload() { return out_.tail(); }
    void finish() { finish_with_entries({}); }
    // The entries follow what was appended. The payload must not exceed kFramePayloadBytesMax.
    void finish_with_entries(const raft::EntryList& entries);

 private:
    OutputBuffer& out_;
    FrameType type_;
    size_t begin_;
};

// kPiece: `payload` is the next of the streamed bytes of the frame before it.
enum class FrameStatus { kFrame, kPiece, kNeedMore, kError };

// Incremental reader. Frames that lie whole in a chunk are not copied; memory follows what was received.
class FrameReader {
 public:
    explicit FrameReader(uint32_t payload_bytes_max = kFramePayloadBytesMax) : payload_bytes_max_(payload_bytes_max) {}
    FrameReader(const FrameReader&) = delete;
    FrameReader& operator=(const FrameReader&) = delete;

    // `chunk` is looked at until next() returns kNeedMore or kError; only then may more be fed.
    void feed(Bytes chunk);
    // A frame's payload is valid until the next call of next(). After kError every further call returns kError.
    [[nodiscard]] FrameStatus next(Frame& frame);

    // From now on an AppendEntries of some size is handed out as a frame with the covered part alone, then its entries
    // in pieces as they came, uncopied.
    void stream_entries() { streams_entries_ = true; }

    // A handshake needs little: a stranger is granted no more.
    void set_payload_bytes_max(uint32_t payload_bytes_max) { payload_bytes_max_ = payload_bytes_max; }

    [[nodiscard]] std::string_view error() const { return error_; }
    // Fed, and not yet part of a frame that was returned.
    [[nodiscard]] uint64_t buffered_bytes() const { return (last_in_partial_ ? 0 : partial_.size()) + input_.size(); }
    [[nodiscard]] uint64_t allocated_bytes() const { return partial_.capacity(); }

 private:
    struct Header {
        FrameType type = FrameType::kHello;
        uint32_t payload_bytes = 0;
        uint32_t covered_bytes = 0;
        uint64_t payload_checksum = 0;
    };

    // Frames with less than this behind the covered part are handed out whole.
    static constexpr uint32_t kStreamedBytesMin = 4 * kKiB;

    // What next() gathers before it hands out a frame, as far as is known.
    [[nodiscard]] size_t gathered_bytes() const {
        return kFrameHeaderBytes + (header_known_ ? header_.payload_bytes - streamed_bytes() : 0);
    }
    [[nodiscard]] uint32_t streamed_bytes() const {
        const uint32_t uncovered = header_.payload_bytes - header_.covered_bytes;
        const bool streams = streams_entries_ && header_.type == FrameType::kAppendEntries;
        return streams && uncovered >= kStreamedBytesMin ? uncovered : 0;
    }
    bool parse_header(Bytes bytes);
    bool check_frame(Bytes bytes, Frame& frame);
    FrameStatus next_piece(Frame& frame);
    void forget_last_frame();
    FrameStatus fail(std::string text);

    uint32_t payload_bytes_max_;
    Bytes input_;
    std::vector<char> partial_;  // the current frame when it straddles inputs
    bool last_in_partial_ = false;
    bool header_known_ = false;
    Header header_;
    bool streams_entries_ = false;
    uint32_t stream_left_bytes_ = 0;  // of the last frame
    std::string error_;
};

}  // namespace kvorum::net
