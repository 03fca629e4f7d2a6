// Builds the bytes of a log group by group, without a writer: for tests that need logs no writer would leave behind.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/checksum.h"
#include "raft/entry.h"
#include "tests/wal/wal_test_util.h"
#include "wal/format.h"
#include "wal/recovery.h"

namespace kvorum::wal::test {

class ImageBuilder {
 public:
    static constexpr uint64_t kSegmentBytes = 64 * kKiB;

    struct Group {
        GroupPlace place;
        GroupHeader header;
    };

    ClusterId cluster = kCluster;
    NodeId node = kNode;
    LogId log_id{0x109};
    uint64_t epoch = 1;
    uint32_t groups_in_flight_max = 4;
    raft::HardState hard_state;
    raft::EntryId last;
    raft::LogFacts facts;

    // A new segment whose head follows the group before it.
    Group segment(uint64_t sequence, uint16_t flags = 0) {
        current_ = sequence;
        images_[sequence].assign(kSegmentBytes, '\0');
        offset_ = 0;
        SegmentHead head;
        head.segment_size_bytes = kSegmentBytes;
        head.last = last;
        std::vector<std::byte> records(kBlockBytes - GroupHeader::kEncodedSize);
        size_t used = encode_segment_head_record(head, records.data());
        used += encode_founding_record({cluster, kClusterName}, records.data() + used);
        uint32_t count = 3;
        if (const auto* configuration = facts.configurations.last(); configuration != nullptr) {
            used += encode_configuration_record(*configuration, records.data() + used);
            ++count;
        }
        if (const auto* raise = facts.raises.last(); raise != nullptr) {
            used += encode_feature_level_record(*raise, records.data() + used);
            ++count;
        }
        used += encode_hard_state_record(hard_state, records.data() + used);
        return add(static_cast<uint16_t>(flags | kGroupHead), Bytes(records).first(used), count);
    }
    // A new segment where the log begins anew; its head names `named` as the last entry, or the base's.
    Group base_segment(uint64_t sequence, const raft::LogBase& base, std::optional<raft::EntryId> named = {}) {
        last = base.last;
        facts = raft::facts_of(base);
        SegmentHead head{.segment_size_bytes = kSegmentBytes,
                         .last = named.value_or(base.last),
                         .last_log_time_ms = base.log_time_ms};
        std::vector<std::byte> records(kBlockBytes - GroupHeader::kEncodedSize);
        size_t used = encode_segment_head_record(head, records.data());
        used += encode_founding_record({cluster, kClusterName}, records.data() + used);
        used += encode_base_record(base, records.data() + used);
        used += encode_hard_state_record(hard_state, records.data() + used);
        return raw_segment(sequence, Bytes(records).first(used), 4);
    }
    Group raw_segment(uint64_t sequence, Bytes records, uint32_t count) {
        current_ = sequence;
        images_[sequence].assign(kSegmentBytes, '\0');
        offset_ = 0;
        return add(kGroupHead, records, count);
    }
    void blank_segment(uint64_t sequence) { images_[sequence].assign(kSegmentBytes, '\0'); }

    Group entries(const raft::EntryList& list) {
        std::vector<std::byte> records(64 * kKiB);
        size_t used = 0;
        for (const raft::EntryPtr& entry : list) {
            used += encode_record(RecordKind::kEntry, entry->encoded(), records.data() + used);
            facts.cut_from(entry->index());
            KVORUM_ASSERT(facts.note(entry->header(), entry->body()));
            last = entry->id();
        }
        return add(0, Bytes(records).first(used), static_cast<uint32_t>(list.size()));
    }
    Group state(raft::HardState next, uint16_t flags = 0) {
        hard_state = next;
        std::vector<std::byte> records(64);
        const size_t used = encode_hard_state_record(next, records.data());
        return add(flags, Bytes(records).first(used), 1);
    }
    Group known_peer(KnownPeer peer) {
        std::vector<std::byte> records(64);
        const size_t used = encode_known_peer_record(peer, records.data());
        return add(0, Bytes(records).first(used), 1);
    }
    // A process starts: its opening group certifies everything before it.
    Group opening() {
        ++epoch;
        durable_ = sequence_;
        const Group group = state(hard_state, kGroupOpening);
        durable_ = sequence_;
        return group;
    }
    Group raw(Bytes records, uint32_t count) { return add(0, records, count); }

    // From now on groups say that everything up to `group` was durable.
    void set_durable(const Group& group) { durable_ = group.header.group_sequence; }
    // The next group is placed and numbered as if `group` were the last one.
    void go_back_to(const Group& group) {
        sequence_ = group.header.group_sequence;
        checksum_ = group.header.header_checksum;
        hard_state = group.header.hard_state;
        last = group.header.last;
        current_ = group.place.segment_sequence;
        offset_ = group.place.offset_bytes + group.header.size_bytes();
    }
    void skip_sequences(uint64_t count) { sequence_ += count; }

    void erase(const Group& group) { fill(group, 0, group.header.size_bytes(), '\0'); }
    void damage_body(const Group& group) { fill(group, GroupHeader::kEncodedSize + 10, 4, '\x5a'); }
    void damage_header(const Group& group) { fill(group, 50, 4, '\x5a'); }
    std::string& image(uint64_t sequence) { return images_[sequence]; }
    void remove(uint64_t sequence) { images_.erase(sequence); }

    ScanResult scan() {
        index_ = PositionIndex();
        scanner_.emplace(kNode, index_);
        for (const auto& [sequence, image] : images_) {
            if (!scanner_->add_segment(sequence, as_bytes(image))) break;
        }
        return scanner_->finish();
    }
    [[nodiscard]] const Replay& replay() const { return scanner_->replay(); }

 private:
    Group add(uint16_t flags, Bytes records, uint32_t count) {
        Group group;
        group.place = {current_, offset_};
        GroupHeader& header = group.header;
        header.flags = flags;
        header.cluster = cluster;
        header.group = kFirstGroup;
        header.node = node;
        header.log_id = log_id;
        header.segment_sequence = current_;
        header.offset_bytes = offset_;
        header.epoch = epoch;
        header.group_sequence = ++sequence_;
        header.prev_header_checksum = checksum_;
        header.durable_group = std::min(durable_, sequence_ - 1);
        header.record_bytes = static_cast<uint32_t>(records.size());
        header.record_count = count;
        header.groups_in_flight_max = groups_in_flight_max;
        header.hard_state = hard_state;
        header.last = last;
        std::string& image = images_[current_];
        KVORUM_ASSERT(offset_ + header.size_bytes() <= image.size());
        auto* at = reinterpret_cast<std::byte*>(image.data()) + offset_;
        std::fill(at, at + header.size_bytes(), std::byte{0});
        encode_group_header(header, records, at);
        std::copy(records.begin(), records.end(), at + GroupHeader::kEncodedSize);
        checksum_ = header.header_checksum;
        offset_ += header.size_bytes();
        return group;
    }
    void fill(const Group& group, uint64_t from, uint64_t count, char value) {
        std::string& image = images_[group.place.segment_sequence];
        std::fill_n(image.begin() + static_cast<ptrdiff_t>(group.place.offset_bytes + from), count, value);
    }

    std::map<uint64_t, std::string> images_;
    uint64_t current_ = 0;
    uint64_t offset_ = 0;
    uint64_t sequence_ = 0;
    uint64_t checksum_ = 0;
    uint64_t durable_ = 0;
    PositionIndex index_;
    std::optional<LogScanner> scanner_;
};

}  // namespace kvorum::wal::test
