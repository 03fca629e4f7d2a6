// The bytes of groups and records: what is written is read back, and nothing that is damaged passes.
#include "wal/format.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace kvorum::wal {
namespace {

GroupHeader sample() {
    GroupHeader header;
    header.flags = kGroupOpening;
    header.cluster = ClusterId{0x1122334455667788};
    header.group = GroupId{5};
    header.node = NodeId{3};
    header.log_id = LogId{0x10};
    header.segment_sequence = 17;
    header.offset_bytes = 5 * kBlockBytes;
    header.epoch = 4;
    header.group_sequence = 1000;
    header.prev_header_checksum = 0xabcdef;
    header.durable_group = 997;
    header.durable_index = LogIndex{12345};
    header.record_count = 2;
    header.groups_in_flight_max = 4;
    header.hard_state = {Term{9}, NodeId{2}, 3000};
    return header;
}

// A group of two records, padded.
std::string sample_group(GroupHeader& header) {
    std::string group(kBlockBytes, '\0');
    auto* at = reinterpret_cast<std::byte*>(group.data());
    size_t used = encode_hard_state_record({Term{9}, NodeId{2}, 3000}, at + GroupHeader::kEncodedSize);
    used += encode_record(RecordKind::kEntryMiddle, as_bytes("a piece of something"),
                          at + GroupHeader::kEncodedSize + used);
    header.record_bytes = static_cast<uint32_t>(used);
    encode_group_header(header, as_bytes(group).subspan(GroupHeader::kEncodedSize, used), at);
    return group;
}

TEST(WalFormat, AGroupRoundTrips) {
    GroupHeader written = sample();
    const std::string group = sample_group(written);
    GroupHeader read;
    ASSERT_EQ(decode_group_header(as_bytes(group), read), GroupError::kNone);
    EXPECT_EQ(read.flags, written.flags);
    EXPECT_EQ(read.cluster, written.cluster);
    EXPECT_EQ(read.group, written.group);
    EXPECT_EQ(read.node, written.node);
    EXPECT_EQ(read.log_id, written.log_id);
    EXPECT_EQ(read.segment_sequence, written.segment_sequence);
    EXPECT_EQ(read.offset_bytes, written.offset_bytes);
    EXPECT_EQ(read.epoch, written.epoch);
    EXPECT_EQ(read.group_sequence, written.group_sequence);
    EXPECT_EQ(read.prev_header_checksum, written.prev_header_checksum);
    EXPECT_EQ(read.durable_group, written.durable_group);
    EXPECT_EQ(read.durable_index, written.durable_index);
    EXPECT_EQ(read.groups_in_flight_max, written.groups_in_flight_max);
    EXPECT_EQ(read.hard_state, written.hard_state);
    EXPECT_EQ(read.header_checksum, written.header_checksum);
    const auto records = group_records(read, as_bytes(group));
    ASSERT_TRUE(records.has_value());
    RecordCursor cursor(*records);
    const auto first = cursor.next();
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(decode_hard_state(first->payload), (raft::HardState{Term{9}, NodeId{2}, 3000}));
    const auto second = cursor.next();
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(second->kind, RecordKind::kEntryMiddle);
    EXPECT_EQ(as_text(second->payload), "a piece of something");
    EXPECT_FALSE(cursor.next().has_value());
    EXPECT_FALSE(cursor.malformed());
}

// Calls `check` with the payload cut at every length, and with every single bit of it flipped.
template <typename Check>
void damage(Bytes payload, Check check) {
    for (size_t size = 0; size < payload.size(); ++size)
        check(std::string(as_text(payload.first(size))), size);
    for (size_t bit = 0; bit < payload.size() * 8; ++bit) {
        std::string damaged(as_text(payload));
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        check(damaged, bit);
    }
    check(std::string(as_text(payload)) + '\0', payload.size());
}

// Writes a record with `encode`, reads it back with `decode`, and damages it: the group's checksum covers it, so what
// is damaged is refused or is another record of the same kind, never taken for what was written.
template <typename Value, typename Encode, typename Decode>
void check_record(const Value& written, RecordKind kind, Encode encode, Decode decode) {
    std::vector<std::byte> buffer(1024);
    const size_t size = encode(written, buffer.data());
    RecordCursor cursor(Bytes(buffer).first(size));
    const auto record = cursor.next();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->kind, kind);
    EXPECT_EQ(decode(record->payload), written);
    damage(record->payload, [&](const std::string& damaged, size_t at) {
        const auto read = decode(as_bytes(damaged));
        if (!read.has_value()) return;
        EXPECT_NE(*read, written) << at;
        std::vector<std::byte> again(1024);
        const size_t again_bytes = encode(*read, again.data());
        EXPECT_EQ(as_text(Bytes(again).subspan(RecordFrame::kEncodedSize, again_bytes - RecordFrame::kEncodedSize)),
                  damaged)
            << at;
    });
}

raft::Configuration sample_configuration() {
    return {.voters = {{.id = NodeId{1}, .log_id = LogId{9}, .peer = {"a", 1}, .client = {"b", 2}, .zone = "z"}},
            .outgoing = {},
            .learners = {{.id = NodeId{2}, .peer = {"c", 3}, .client = {"d", 4}}}};
}

TEST(WalFormat, RecordsRoundTripAndDamageIsNeverTakenForThem) {
    check_record(raft::HardState{Term{9}, NodeId{2}, 3000}, RecordKind::kHardState, encode_hard_state_record,
                 decode_hard_state);
    check_record(SegmentHead{64 << 20, {LogIndex{7}, Term{3}, 99}, 123456, true}, RecordKind::kSegmentHead,
                 encode_segment_head_record, decode_segment_head);
    check_record(KnownPeer{NodeId{3}, LogId{0xabcdef}}, RecordKind::kKnownPeer, encode_known_peer_record,
                 decode_known_peer);
    check_record(Founding{ClusterId{77}, "orders"}, RecordKind::kFounding, encode_founding_record, decode_founding);
    check_record(raft::StatedFact<raft::Configuration>{LogIndex{4}, sample_configuration()}, RecordKind::kConfiguration,
                 encode_configuration_record, decode_configuration_record);
    check_record(raft::StatedFact<raft::FeatureLevelRaise>{LogIndex{4}, {.level = 2, .raised_by = "0.2.0"}},
                 RecordKind::kFeatureLevel, encode_feature_level_record, decode_feature_level_record);
}

TEST(WalFormat, AHeaderWithoutAGroupOrWithUnknownFlagsIsRefused) {
    GroupHeader header = sample();
    header.group = GroupId{};
    GroupHeader read;
    EXPECT_EQ(decode_group_header(as_bytes(sample_group(header)), read), GroupError::kBadField);
    header = sample();
    header.flags = 4;
    EXPECT_EQ(decode_group_header(as_bytes(sample_group(header)), read), GroupError::kBadField);
}

// nats-server#7549, #7556: a flipped bit lost acknowledged data, and a damaged minority deleted it. What follows the
// finding: decision_table_test.cc (nothing is deleted) and log_rebuild_test.cc (it is repaired, or the node stops).
TEST(WalFormat, EveryFlippedBitOfAGroupIsFound) {
    GroupHeader header = sample();
    std::string group = sample_group(header);
    const size_t covered = GroupHeader::kEncodedSize + header.record_bytes;
    for (size_t bit = 0; bit < covered * 8; ++bit) {
        group[bit / 8] = static_cast<char>(group[bit / 8] ^ (1 << (bit % 8)));
        GroupHeader read;
        const bool sound = decode_group_header(as_bytes(group), read) == GroupError::kNone &&
                           group_records(read, as_bytes(group)).has_value();
        EXPECT_FALSE(sound) << "bit " << bit;
        group[bit / 8] = static_cast<char>(group[bit / 8] ^ (1 << (bit % 8)));
    }
}

TEST(WalFormat, ZerosAreToldFromGarbage) {
    GroupHeader header;
    EXPECT_EQ(decode_group_header(as_bytes(std::string(kBlockBytes, '\0')), header), GroupError::kZeros);
    EXPECT_EQ(decode_group_header(as_bytes(std::string(kBlockBytes, 'z')), header), GroupError::kNotAGroup);
    EXPECT_EQ(decode_group_header(as_bytes("short"), header), GroupError::kNotAGroup);
}

TEST(WalFormat, ARecordLengthIsNeverTrusted) {
    std::byte record[16] = {};
    store_le(record, static_cast<uint32_t>(RecordKind::kEntry));
    store_le(record + 4, uint32_t{0xffffffff});
    RecordCursor cursor(record);
    EXPECT_FALSE(cursor.next().has_value());
    EXPECT_TRUE(cursor.malformed());
}

TEST(WalFormat, ABodyThatReachesBeyondItsBlocksIsRefused) {
    GroupHeader header = sample();
    const std::string group = sample_group(header);
    header.record_bytes = 100000;
    EXPECT_FALSE(group_records(header, as_bytes(group)).has_value());
}

}  // namespace
}  // namespace kvorum::wal
