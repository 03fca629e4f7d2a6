#include "net/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/checksum.h"
#include "net/partial_buffer.h"

namespace kvorum::net {
namespace {

constexpr uint32_t kMagic = 0x4650564b;  // "KVPF"
constexpr size_t kMagicAt = 0;
constexpr size_t kVersionAt = 4;
constexpr size_t kTypeAt = 6;
constexpr size_t kPayloadSizeAt = 8;
constexpr size_t kCoveredSizeAt = 12;
constexpr size_t kPayloadChecksumAt = 16;
constexpr size_t kHeaderChecksumAt = 24;
static_assert(kHeaderChecksumAt + sizeof(uint64_t) == kFrameHeaderBytes);

constexpr size_t kKeepBytes = 64 * kKiB;

bool is_known_type(uint16_t type) {
    return type >= static_cast<uint16_t>(FrameType::kHello) &&
           type <= static_cast<uint16_t>(FrameType::kReadIndexReply);
}

Bytes bytes_of(const std::vector<char>& buffer) { return as_bytes({buffer.data(), buffer.size()}); }

}  // namespace

FrameWriter::FrameWriter(OutputBuffer& out, FrameType type) : out_(out), type_(type), begin_(out.tail().size()) {
    out.tail().append(kFrameHeaderBytes, '\0');
}

void FrameWriter::finish_with_entries(const raft::EntryList& entries) {
    const uint64_t covered = out_.tail().size() - begin_ - kFrameHeaderBytes;
    uint64_t payload_size = covered;
    for (const raft::EntryPtr& entry : entries)
        payload_size += entry->encoded().size();
    KVORUM_ASSERT(payload_size <= kFramePayloadBytesMax, "frame of {} bytes", payload_size);

    auto* header = reinterpret_cast<std::byte*>(out_.tail().data() + begin_);
    store_le(header + kMagicAt, kMagic);
    store_le(header + kVersionAt, kPeerProtocolVersion);
    store_le(header + kTypeAt, static_cast<uint16_t>(type_));
    store_le(header + kPayloadSizeAt, static_cast<uint32_t>(payload_size));
    store_le(header + kCoveredSizeAt, static_cast<uint32_t>(covered));
    store_le(header + kPayloadChecksumAt, checksum64(Bytes(header + kFrameHeaderBytes, covered)));
    store_le(header + kHeaderChecksumAt, checksum64(Bytes(header, kHeaderChecksumAt)));
    for (const raft::EntryPtr& entry : entries)
        out_.append_entry(entry);
}

void FrameReader::feed(Bytes chunk) {
    KVORUM_ASSERT(input_.empty(), "fed before the last chunk was used up");
    if (error_.empty()) input_ = chunk;
}

FrameStatus FrameReader::next(Frame& frame) {
    if (!error_.empty()) return FrameStatus::kError;
    forget_last_frame();
    if (stream_left_bytes_ > 0) return next_piece(frame);
    while (!input_.empty()) {
        // Straddling frames gather in partial_ up to what is known to be needed; whole ones are used where they lie.
        if (!partial_.empty()) {
            const size_t size = std::min(gathered_bytes() - partial_.size(), input_.size());
            append_bounded(partial_, as_text(input_.first(size)), gathered_bytes());
            input_ = input_.subspan(size);
        }
        const bool straddles = !partial_.empty();
        const Bytes bytes = straddles ? bytes_of(partial_) : input_;
        if (!header_known_ && bytes.size() >= kFrameHeaderBytes && !parse_header(bytes)) return FrameStatus::kError;
        const size_t frame_size = gathered_bytes();
        if (!header_known_ || bytes.size() < frame_size) {
            if (!straddles) {
                append_bounded(partial_, as_text(input_), frame_size);
                input_ = {};
            }
            continue;
        }
        if (!check_frame(bytes, frame)) return FrameStatus::kError;
        if (straddles) {
            last_in_partial_ = true;
        } else {
            input_ = input_.subspan(frame_size);
        }
        header_known_ = false;
        return FrameStatus::kFrame;
    }
    return FrameStatus::kNeedMore;
}

FrameStatus FrameReader::next_piece(Frame& frame) {
    if (input_.empty()) return FrameStatus::kNeedMore;
    frame.payload = input_.first(std::min<size_t>(stream_left_bytes_, input_.size()));
    stream_left_bytes_ -= static_cast<uint32_t>(frame.payload.size());
    input_ = input_.subspan(frame.payload.size());
    return FrameStatus::kPiece;
}

bool FrameReader::parse_header(Bytes bytes) {
    const std::byte* at = bytes.data();
    const auto refuse = [this](std::string text) {
        fail(std::move(text));
        return false;
    };
    if (load_le<uint32_t>(at + kMagicAt) != kMagic) return refuse("not a frame of the peer protocol");
    // The version stands before the checksum, so that a later one may change everything behind it.
    if (const auto version = load_le<uint16_t>(at + kVersionAt); version != kPeerProtocolVersion)
        return refuse(fmt::format("protocol version {}, this node speaks {}", version, kPeerProtocolVersion));
    if (checksum64(bytes.first(kHeaderChecksumAt)) != load_le<uint64_t>(at + kHeaderChecksumAt)) {
        return refuse("frame header checksum mismatch");
    }
    const auto type = load_le<uint16_t>(at + kTypeAt);
    if (!is_known_type(type)) return refuse("unknown frame type");
    header_.type = static_cast<FrameType>(type);
    header_.payload_bytes = load_le<uint32_t>(at + kPayloadSizeAt);
    header_.covered_bytes = load_le<uint32_t>(at + kCoveredSizeAt);
    header_.payload_checksum = load_le<uint64_t>(at + kPayloadChecksumAt);
    if (header_.payload_bytes > payload_bytes_max_) return refuse("frame too large");
    const bool may_leave_out = header_.type == FrameType::kAppendEntries || header_.type == FrameType::kRepairReply;
    if (header_.covered_bytes > header_.payload_bytes ||
        (!may_leave_out && header_.covered_bytes != header_.payload_bytes)) {
        return refuse("frame not covered by its checksum");
    }
    header_known_ = true;
    return true;
}

bool FrameReader::check_frame(Bytes bytes, Frame& frame) {
    frame.type = header_.type;
    frame.covered_bytes = header_.covered_bytes;
    frame.streamed_bytes = stream_left_bytes_ = streamed_bytes();
    frame.payload = bytes.subspan(kFrameHeaderBytes, header_.payload_bytes - frame.streamed_bytes);
    if (checksum64(frame.payload.first(frame.covered_bytes)) == header_.payload_checksum) return true;
    fail("frame payload checksum mismatch");
    return false;
}

void FrameReader::forget_last_frame() {
    if (!last_in_partial_) return;
    last_in_partial_ = false;
    partial_.clear();
    if (partial_.capacity() > kKeepBytes) release_memory(partial_);
}

FrameStatus FrameReader::fail(std::string text) {
    error_ = std::move(text);
    input_ = {};
    return FrameStatus::kError;
}

}  // namespace kvorum::net
