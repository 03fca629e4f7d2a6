// Snapshots on their way between nodes, each message one frame (net/frame.h).
//
// A leader offers its newest snapshot to a follower that needs entries which the leader's log no longer has. Whoever
// needs a snapshot fetches it in parts, from whoever has it, on a connection of their own: a fetch names what it is a
// part of and where it begins, so a transfer goes on where it stopped, and whoever answers remembers nothing.
//
// Encoders write what this process built and assert its limits. Decoders take what a peer sent: false for every
// malformed input, trailing bytes included, and then the output is garbage. No decoder reserves what a count merely
// claims. Views in decoded values borrow from the payload. Thread: any.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/units.h"
#include "net/frame.h"
#include "net/output_buffer.h"
#include "peers/handshake_codec.h"

namespace kvorum::peers {

// A part carries at most so many bytes: it is put together and summed within a turn.
inline constexpr uint32_t kSnapshotPartBytesMax = 256 * kKiB;

inline constexpr uint32_t kSnapshotPayloadBytesMax = kSnapshotPartBytesMax + 1 * kKiB;

[[nodiscard]] constexpr bool is_snapshot_frame(net::FrameType type) {
    return type >= net::FrameType::kSnapshotOffer && type <= net::FrameType::kSnapshotPart;
}
// The connection on which such a frame travels.
[[nodiscard]] constexpr LinkPurpose purpose_of(net::FrameType type) {
    return type == net::FrameType::kSnapshotFetch || type == net::FrameType::kSnapshotPart ? LinkPurpose::kSnapshots
                                                                                           : LinkPurpose::kMessages;
}

// Which snapshot, and which bytes: two nodes that snapshot the same state write other files.
struct SnapshotName {
    LogIndex index;  // none: no snapshot is named
    Term term;
    uint64_t size_bytes = 0;
    uint64_t checksum = 0;

    [[nodiscard]] bool is_none() const { return index.is_none(); }
    bool operator==(const SnapshotName&) const = default;
};

// From a leader, with its other messages: what the receiver's log lacks is in this snapshot.
struct SnapshotOffer {
    GroupId group = kFirstGroup;
    Term term;
    SnapshotName name;

    bool operator==(const SnapshotOffer&) const = default;
};

// To a leader, with the other messages: what became of its offer.
struct SnapshotReport {
    GroupId group = kFirstGroup;
    SnapshotName name;
    bool installed = false;

    bool operator==(const SnapshotReport&) const = default;
};

struct SnapshotFetch {
    GroupId group = kFirstGroup;
    SnapshotName name;  // none: of the newest that there is
    uint64_t offset = 0;

    bool operator==(const SnapshotFetch&) const = default;
};

struct SnapshotPart {
    GroupId group = kFirstGroup;
    SnapshotName name;  // none: there is no such snapshot any more, or none at all
    uint64_t offset = 0;
    Bytes bytes;  // none only where the snapshot ends, or where there is none
};

void encode_snapshot_offer(const SnapshotOffer& offer, net::OutputBuffer& out);
void encode_snapshot_report(const SnapshotReport& report, net::OutputBuffer& out);
void encode_snapshot_fetch(const SnapshotFetch& fetch, net::OutputBuffer& out);
void encode_snapshot_part(const SnapshotPart& part, net::OutputBuffer& out);
[[nodiscard]] bool decode_snapshot_offer(const net::Frame& frame, SnapshotOffer& offer);
[[nodiscard]] bool decode_snapshot_report(const net::Frame& frame, SnapshotReport& report);
[[nodiscard]] bool decode_snapshot_fetch(const net::Frame& frame, SnapshotFetch& fetch);
// The bytes lie within the size.
[[nodiscard]] bool decode_snapshot_part(const net::Frame& frame, SnapshotPart& part);

}  // namespace kvorum::peers
