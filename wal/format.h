// The bytes of the write-ahead log: groups and the records in them. Pure functions over bytes; the only place that
// knows field offsets.
//
// A segment is a file of fixed size, filled from offset 0 with groups, one behind the other. A group starts on a 4 KiB
// boundary, is padded with zeros to the next one, and once written is never written again. It is a header (below), then
// `record_bytes` bytes of records. The first group of a segment is its head: it starts with a kSegmentHead record, then
// the founding record and, if the log states them, the configuration and the feature level, in this order; then it
// repeats the hard state and the known peers. So the log can start at any segment whose predecessors were released.
//
// Where a log begins anew behind a snapshot (thesis 5.1), a segment begins whose head has a base record in the place of
// the configuration and the feature level: the entries before it are gone, whatever groups of theirs are still there,
// and the next one is that behind the base. Its segment head record names the base as the last entry before it.
//
// What cluster a log belongs to is decided when it is made, and said by its founding record from then on.
//
// Every group names its place (cluster, group of Raft, node, segment, offset), so bytes of an earlier life of a
// recycled file, of another node, or written to the wrong place never pass for it. Groups are numbered without gaps
// over the whole log and each names the header checksum of the one before it.
//
// Integers are little-endian, sizes bytes. Thread: any. Errors: decode functions never trust a length and never assert
// on input; reserved bytes are zero, or the record is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "raft/log_base.h"
#include "raft/log_facts.h"
#include "raft/types.h"

namespace kvorum::wal {

// Alignment of groups: the physical block of common disks, and what O_DIRECT accepts everywhere.
inline constexpr uint64_t kBlockBytes = 4096;

enum GroupFlags : uint16_t {
    kGroupHead = 1,  // first group of a segment
    kGroupOpening =
        2,  // written, alone, by each process before it serves: starts an epoch and certifies everything before it
};

struct GroupHeader {
    static constexpr uint32_t kMagic = 0x4757564b;  // "KVWG"
    // 1 and 2 were Kvorum 0.1's.
    static constexpr uint16_t kVersion = 3;
    static constexpr size_t kEncodedSize = 160;

    uint16_t flags = 0;
    ClusterId cluster;
    GroupId group;
    NodeId node;
    LogId log_id;  // the same in all groups of a log, and never none
    uint64_t segment_sequence = 0;
    uint64_t offset_bytes = 0;  // of this group in its segment, which is below 4 GiB
    uint64_t epoch = 0;         // the incarnation that wrote it: one more than any epoch found when the log was opened
    uint64_t group_sequence = 0;        // 1, 2, 3... over the whole log
    uint64_t prev_header_checksum = 0;  // of group_sequence - 1; 0 for the first
    // All groups up to this one were known to be durable when this one was sealed: damage there is never a torn tail.
    uint64_t durable_group = 0;
    LogIndex durable_index;  // the last entry completed by durable_group
    uint32_t record_bytes = 0;
    uint32_t record_count = 0;
    uint32_t groups_in_flight_max = 0;  // of the writer: how far behind this group an unfinished one may lie
    // What the log says up to and including this group. Any later sound header tells what a damaged one held.
    raft::HardState hard_state;
    raft::EntryId last;            // the last entry that is complete; zero when there is none
    uint64_t body_checksum = 0;    // over the record bytes
    uint64_t header_checksum = 0;  // over all header bytes before it; the same place in every version

    [[nodiscard]] uint64_t size_bytes() const { return align_up(kEncodedSize + record_bytes, kBlockBytes); }
};

enum class GroupError {
    kNone,
    kZeros,      // a block that was never written
    kNotAGroup,  // no magic, or a header checksum that does not match
    kVersion,    // a sound header of a version that this program does not know
    kBadField,   // a sound header that no writer produces
};
[[nodiscard]] std::string_view group_error_name(GroupError error);

// Sets header.body_checksum and header_checksum and writes the header to `out` (kEncodedSize bytes).
void encode_group_header(GroupHeader& header, Bytes records, std::byte* out);
// The format of a sound header (kNone or kVersion).
[[nodiscard]] uint16_t group_version(Bytes block);
// Reads the header at the start of `block` and checks it alone, not the body. `out` is meaningful for kNone; for
// kVersion and kBadField only its cluster, node, segment and offset are, which have the same place in every version.
[[nodiscard]] GroupError decode_group_header(Bytes block, GroupHeader& out);

enum class RecordKind : uint8_t {
    kSegmentHead = 1,
    kHardState = 2,
    kEntry = 3,  // payload: exactly raft::Entry::encoded()
    // An entry that did not fit its group goes on in the next ones. The first piece holds at least the entry's header.
    kEntryFirst = 4,
    kEntryMiddle = 5,
    kEntryLast = 6,
    kKnownPeer = 7,
    kFounding = 8,
    kConfiguration = 9,
    kFeatureLevel = 10,
    kBase = 11,  // payload: raft::encode_log_base()
};

struct RecordFrame {
    static constexpr size_t kEncodedSize = 8;
    RecordKind kind = RecordKind::kEntry;
    uint32_t payload_bytes = 0;
};

// What the head of a segment says of the log before it.
struct SegmentHead {
    static constexpr size_t kEncodedSize = 48;

    uint64_t segment_size_bytes = 0;
    // The last entry that was started before this segment; zero when there was none.
    raft::EntryId last;
    int64_t last_log_time_ms = 0;
    // True when `last` goes on in this segment: records before the first whole one are its pieces.
    bool continues_entry = false;

    bool operator==(const SegmentHead&) const = default;
};

using raft::KnownPeer;
inline constexpr size_t kKnownPeerEncodedSize = 16;

// What a log was made for.
struct Founding {
    ClusterId cluster;
    std::string cluster_name;  // 1 to kClusterNameBytesMax bytes

    bool operator==(const Founding&) const = default;
};

// A log knows no more: a few times as many as a cluster has members.
inline constexpr size_t kPeersKnownMax = 128;
inline constexpr size_t kClusterNameBytesMax = 128;
inline constexpr size_t kHardStateEncodedSize = 24;

// The frame alone, of RecordFrame::kEncodedSize bytes.
void encode_record_frame(RecordKind kind, uint32_t payload_bytes, std::byte* out);
// Each writes a frame and its payload at `out` and returns the bytes written.
size_t encode_record(RecordKind kind, Bytes payload, std::byte* out);
size_t encode_hard_state_record(const raft::HardState& hard_state, std::byte* out);
size_t encode_segment_head_record(const SegmentHead& head, std::byte* out);
size_t encode_known_peer_record(const KnownPeer& peer, std::byte* out);
size_t encode_founding_record(const Founding& founding, std::byte* out);
// The last ones that the log states at the beginning of a segment.
size_t encode_configuration_record(const raft::StatedFact<raft::Configuration>& stated, std::byte* out);
size_t encode_feature_level_record(const raft::StatedFact<raft::FeatureLevelRaise>& stated, std::byte* out);
size_t encode_base_record(const raft::LogBase& base, std::byte* out);

[[nodiscard]] std::optional<raft::HardState> decode_hard_state(Bytes payload);
[[nodiscard]] std::optional<SegmentHead> decode_segment_head(Bytes payload);
[[nodiscard]] std::optional<KnownPeer> decode_known_peer(Bytes payload);
[[nodiscard]] std::optional<Founding> decode_founding(Bytes payload);
[[nodiscard]] std::optional<raft::StatedFact<raft::Configuration>> decode_configuration_record(Bytes payload);
[[nodiscard]] std::optional<raft::StatedFact<raft::FeatureLevelRaise>> decode_feature_level_record(Bytes payload);

struct Record {
    RecordKind kind = RecordKind::kEntry;
    Bytes payload;
};

// Walks the records of a group body. next() ends at the end of the body or at bytes that are no record; malformed()
// tells which.
class RecordCursor {
 public:
    explicit RecordCursor(Bytes records) : reader_(records) {}
    [[nodiscard]] std::optional<Record> next();
    [[nodiscard]] bool malformed() const { return malformed_; }

 private:
    ByteReader reader_;
    bool malformed_ = false;
};

// The records of the group with header `header` that starts at `group`, or nothing if they do not fit in it or their
// checksum is wrong.
[[nodiscard]] std::optional<Bytes> group_records(const GroupHeader& header, Bytes group);

}  // namespace kvorum::wal
