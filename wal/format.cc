#include "wal/format.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/mutants.h"

namespace kvorum::wal {
namespace {

// Field offsets of the encoded group header.
constexpr size_t kMagicAt = 0;
constexpr size_t kVersionAt = 4;
constexpr size_t kFlagsAt = 6;
constexpr size_t kClusterAt = 8;
constexpr size_t kNodeAt = 16;
constexpr size_t kSegmentAt = 24;
constexpr size_t kOffsetAt = 32;  // u32; 64 bits before version 3, of which the upper ones were zero
constexpr size_t kRaftGroupAt = 36;
constexpr size_t kEpochAt = 40;
constexpr size_t kGroupAt = 48;
constexpr size_t kPrevChecksumAt = 56;
constexpr size_t kDurableGroupAt = 64;
constexpr size_t kDurableIndexAt = 72;
constexpr size_t kRecordBytesAt = 80;
constexpr size_t kRecordCountAt = 84;
constexpr size_t kInFlightAt = 88;
constexpr size_t kLongestSilenceAt = 92;
constexpr size_t kTermAt = 96;
constexpr size_t kVoteAt = 104;
constexpr size_t kLastIndexAt = 112;
constexpr size_t kLastTermAt = 120;
constexpr size_t kLastChecksumAt = 128;
constexpr size_t kLogIdAt = 136;
constexpr size_t kBodyChecksumAt = 144;
constexpr size_t kHeaderChecksumAt = 152;
static_assert(kHeaderChecksumAt + sizeof(uint64_t) == GroupHeader::kEncodedSize);

bool is_zero(Bytes bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

bool is_known_kind(uint8_t kind) {
    return kind >= static_cast<uint8_t>(RecordKind::kSegmentHead) && kind <= static_cast<uint8_t>(RecordKind::kBase);
}

// The index of the entry that states a fact, and its body.
size_t encode_stated(RecordKind kind, LogIndex index, std::string_view body, std::byte* out) {
    std::string payload;
    ByteWriter writer(payload);
    writer.write(index.value());
    writer.write_text(body);
    return encode_record(kind, as_bytes(payload), out);
}

}  // namespace

std::string_view group_error_name(GroupError error) {
    switch (error) {
        case GroupError::kNone: return "none";
        case GroupError::kZeros: return "never written";
        case GroupError::kNotAGroup: return "not a group";
        case GroupError::kVersion: return "unknown version";
        case GroupError::kBadField: return "impossible header";
    }
    return "unknown";
}

void encode_group_header(GroupHeader& header, Bytes records, std::byte* out) {
    header.body_checksum = checksum64(records);
    std::fill_n(out, GroupHeader::kEncodedSize, std::byte{0});
    store_le(out + kMagicAt, GroupHeader::kMagic);
    store_le(out + kVersionAt, GroupHeader::kVersion);
    store_le(out + kFlagsAt, header.flags);
    store_le(out + kClusterAt, header.cluster.value());
    store_le(out + kNodeAt, header.node.value());
    store_le(out + kSegmentAt, header.segment_sequence);
    store_le(out + kOffsetAt, static_cast<uint32_t>(header.offset_bytes));
    store_le(out + kRaftGroupAt, static_cast<uint32_t>(header.group.value()));
    store_le(out + kEpochAt, header.epoch);
    store_le(out + kGroupAt, header.group_sequence);
    store_le(out + kPrevChecksumAt, header.prev_header_checksum);
    store_le(out + kDurableGroupAt, header.durable_group);
    store_le(out + kDurableIndexAt, header.durable_index.value());
    store_le(out + kRecordBytesAt, header.record_bytes);
    store_le(out + kRecordCountAt, header.record_count);
    store_le(out + kInFlightAt, header.groups_in_flight_max);
    store_le(out + kTermAt, header.hard_state.current_term.value());
    store_le(out + kVoteAt, header.hard_state.voted_for.value());
    store_le(out + kLongestSilenceAt, header.hard_state.longest_silence_ms);
    store_le(out + kLastIndexAt, header.last.index.value());
    store_le(out + kLastTermAt, header.last.term.value());
    store_le(out + kLastChecksumAt, header.last.checksum);
    store_le(out + kLogIdAt, header.log_id.value());
    store_le(out + kBodyChecksumAt, header.body_checksum);
    header.header_checksum = checksum64(Bytes(out, kHeaderChecksumAt));
    store_le(out + kHeaderChecksumAt, header.header_checksum);
}

uint16_t group_version(Bytes block) { return load_le<uint16_t>(block.data() + kVersionAt); }

GroupError decode_group_header(Bytes block, GroupHeader& out) {
    if (block.size() < GroupHeader::kEncodedSize) return GroupError::kNotAGroup;
    const Bytes raw = block.first(GroupHeader::kEncodedSize);
    const std::byte* at = raw.data();
    if (load_le<uint32_t>(at + kMagicAt) != GroupHeader::kMagic)
        return is_zero(raw) ? GroupError::kZeros : GroupError::kNotAGroup;
    out.header_checksum = load_le<uint64_t>(at + kHeaderChecksumAt);
    const bool is_sound = checksum64(raw.first(kHeaderChecksumAt)) == out.header_checksum;
    if (!is_sound && !is_mutant(Mutant::kHeaderChecksumIgnored)) return GroupError::kNotAGroup;
    out.cluster = ClusterId{load_le<uint64_t>(at + kClusterAt)};
    out.node = NodeId{load_le<uint64_t>(at + kNodeAt)};
    out.segment_sequence = load_le<uint64_t>(at + kSegmentAt);
    out.offset_bytes = load_le<uint32_t>(at + kOffsetAt);
    if (load_le<uint16_t>(at + kVersionAt) != GroupHeader::kVersion) return GroupError::kVersion;
    out.group = GroupId{load_le<uint32_t>(at + kRaftGroupAt)};
    out.flags = load_le<uint16_t>(at + kFlagsAt);
    out.epoch = load_le<uint64_t>(at + kEpochAt);
    out.group_sequence = load_le<uint64_t>(at + kGroupAt);
    out.prev_header_checksum = load_le<uint64_t>(at + kPrevChecksumAt);
    out.durable_group = load_le<uint64_t>(at + kDurableGroupAt);
    out.durable_index = LogIndex{load_le<uint64_t>(at + kDurableIndexAt)};
    out.record_bytes = load_le<uint32_t>(at + kRecordBytesAt);
    out.record_count = load_le<uint32_t>(at + kRecordCountAt);
    out.groups_in_flight_max = load_le<uint32_t>(at + kInFlightAt);
    out.hard_state = {Term{load_le<uint64_t>(at + kTermAt)}, NodeId{load_le<uint64_t>(at + kVoteAt)},
                      load_le<uint32_t>(at + kLongestSilenceAt)};
    out.last = {LogIndex{load_le<uint64_t>(at + kLastIndexAt)}, Term{load_le<uint64_t>(at + kLastTermAt)},
                load_le<uint64_t>(at + kLastChecksumAt)};
    out.log_id = LogId{load_le<uint64_t>(at + kLogIdAt)};
    out.body_checksum = load_le<uint64_t>(at + kBodyChecksumAt);
    const bool is_head = (out.flags & kGroupHead) != 0;
    if (is_head != (out.offset_bytes == 0)) return GroupError::kBadField;
    if (out.offset_bytes % kBlockBytes != 0 || out.group_sequence == 0 || out.epoch == 0) return GroupError::kBadField;
    if (out.cluster.is_none() || out.group.is_none() || (out.flags & ~(kGroupHead | kGroupOpening)) != 0)
        return GroupError::kBadField;
    if (out.durable_group >= out.group_sequence || out.groups_in_flight_max == 0) return GroupError::kBadField;
    return GroupError::kNone;
}

void encode_record_frame(RecordKind kind, uint32_t payload_bytes, std::byte* out) {
    store_le(out, static_cast<uint32_t>(kind));
    store_le(out + 4, payload_bytes);
}

size_t encode_record(RecordKind kind, Bytes payload, std::byte* out) {
    encode_record_frame(kind, static_cast<uint32_t>(payload.size()), out);
    std::copy(payload.begin(), payload.end(), out + RecordFrame::kEncodedSize);
    return RecordFrame::kEncodedSize + payload.size();
}

size_t encode_hard_state_record(const raft::HardState& hard_state, std::byte* out) {
    std::byte payload[kHardStateEncodedSize];
    store_le(payload, hard_state.current_term.value());
    store_le(payload + 8, hard_state.voted_for.value());
    store_le(payload + 16, hard_state.longest_silence_ms);
    store_le(payload + 20, uint32_t{0});
    return encode_record(RecordKind::kHardState, payload, out);
}

size_t encode_segment_head_record(const SegmentHead& head, std::byte* out) {
    std::byte payload[SegmentHead::kEncodedSize];
    store_le(payload, head.segment_size_bytes);
    store_le(payload + 8, head.last.index.value());
    store_le(payload + 16, head.last.term.value());
    store_le(payload + 24, head.last.checksum);
    store_le(payload + 32, head.last_log_time_ms);
    store_le(payload + 40, uint64_t{head.continues_entry});
    return encode_record(RecordKind::kSegmentHead, payload, out);
}

size_t encode_known_peer_record(const KnownPeer& peer, std::byte* out) {
    std::byte payload[kKnownPeerEncodedSize];
    store_le(payload, peer.node.value());
    store_le(payload + 8, peer.log_id.value());
    return encode_record(RecordKind::kKnownPeer, payload, out);
}

size_t encode_founding_record(const Founding& founding, std::byte* out) {
    std::string payload;
    ByteWriter writer(payload);
    writer.write(founding.cluster.value());
    writer.write(static_cast<uint16_t>(founding.cluster_name.size()));
    writer.write_text(founding.cluster_name);
    return encode_record(RecordKind::kFounding, as_bytes(payload), out);
}

size_t encode_configuration_record(const raft::StatedFact<raft::Configuration>& stated, std::byte* out) {
    return encode_stated(RecordKind::kConfiguration, stated.index, raft::encode_configuration(stated.fact), out);
}

size_t encode_feature_level_record(const raft::StatedFact<raft::FeatureLevelRaise>& stated, std::byte* out) {
    return encode_stated(RecordKind::kFeatureLevel, stated.index, raft::encode_feature_level(stated.fact), out);
}

size_t encode_base_record(const raft::LogBase& base, std::byte* out) {
    return encode_record(RecordKind::kBase, as_bytes(raft::encode_log_base(base)), out);
}

std::optional<raft::HardState> decode_hard_state(Bytes payload) {
    if (payload.size() != kHardStateEncodedSize) return std::nullopt;
    const std::byte* at = payload.data();
    if (load_le<uint32_t>(at + 20) != 0) return std::nullopt;
    return raft::HardState{Term{load_le<uint64_t>(at)}, NodeId{load_le<uint64_t>(at + 8)}, load_le<uint32_t>(at + 16)};
}

std::optional<SegmentHead> decode_segment_head(Bytes payload) {
    if (payload.size() != SegmentHead::kEncodedSize) return std::nullopt;
    const std::byte* at = payload.data();
    SegmentHead head;
    head.segment_size_bytes = load_le<uint64_t>(at);
    head.last = {LogIndex{load_le<uint64_t>(at + 8)}, Term{load_le<uint64_t>(at + 16)}, load_le<uint64_t>(at + 24)};
    head.last_log_time_ms = load_le<int64_t>(at + 32);
    const auto continues_entry = load_le<uint64_t>(at + 40);
    if (continues_entry > 1) return std::nullopt;
    head.continues_entry = continues_entry == 1;
    return head;
}

std::optional<KnownPeer> decode_known_peer(Bytes payload) {
    if (payload.size() != kKnownPeerEncodedSize) return std::nullopt;
    return KnownPeer{NodeId{load_le<uint64_t>(payload.data())}, LogId{load_le<uint64_t>(payload.data() + 8)}};
}

std::optional<Founding> decode_founding(Bytes payload) {
    ByteReader reader(payload);
    Founding founding;
    founding.cluster = ClusterId{reader.read<uint64_t>()};
    const auto size = reader.read<uint16_t>();
    founding.cluster_name = reader.read_text(size);
    const bool fits = size > 0 && size <= kClusterNameBytesMax;
    if (!reader.finished() || !fits || founding.cluster.is_none()) return std::nullopt;
    return founding;
}

std::optional<raft::StatedFact<raft::Configuration>> decode_configuration_record(Bytes payload) {
    ByteReader reader(payload);
    const LogIndex index{reader.read<uint64_t>()};
    std::optional<raft::Configuration> fact = raft::decode_configuration(reader.read_bytes(reader.remaining()));
    if (index.is_none() || !fact.has_value()) return std::nullopt;
    return raft::StatedFact<raft::Configuration>{index, *std::move(fact)};
}

std::optional<raft::StatedFact<raft::FeatureLevelRaise>> decode_feature_level_record(Bytes payload) {
    ByteReader reader(payload);
    const LogIndex index{reader.read<uint64_t>()};
    std::optional<raft::FeatureLevelRaise> fact = raft::decode_feature_level(reader.read_bytes(reader.remaining()));
    if (index.is_none() || !fact.has_value()) return std::nullopt;
    return raft::StatedFact<raft::FeatureLevelRaise>{index, *std::move(fact)};
}

std::optional<Record> RecordCursor::next() {
    if (malformed_ || reader_.remaining() == 0) return std::nullopt;
    const auto kind = reader_.read<uint32_t>();
    const auto size = reader_.read<uint32_t>();
    const Bytes payload = reader_.read_bytes(size);
    if (reader_.failed() || kind > UINT8_MAX || !is_known_kind(static_cast<uint8_t>(kind))) {
        malformed_ = true;
        return std::nullopt;
    }
    return Record{static_cast<RecordKind>(kind), payload};
}

std::optional<Bytes> group_records(const GroupHeader& header, Bytes group) {
    if (group.size() < GroupHeader::kEncodedSize || group.size() - GroupHeader::kEncodedSize < header.record_bytes)
        return std::nullopt;
    const Bytes records = group.subspan(GroupHeader::kEncodedSize, header.record_bytes);
    if (checksum64(records) != header.body_checksum) return std::nullopt;
    return records;
}

}  // namespace kvorum::wal
