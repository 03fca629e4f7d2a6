// What goes into a group: heads, units, entries and pieces of them.
#include <algorithm>

#include "base/assert.h"
#include "wal/group_writer.h"

namespace kvorum::wal {
namespace {

// An entry below this shares a group with what is queued behind it: a sync costs more than a copy.
constexpr uint64_t kSharedGroupBytesMax = 256 * kKiB;

}  // namespace

// The group is nothing but the next entry, and lies around it. False: it is to be filled.
bool GroupWriter::fill_in_place(Filling& filling) {
    const Unit& unit = units_.front();
    if (offset_bytes_ == 0 || unit.entries.empty() || progress_.bytes_of_entry > 0) return false;
    if (unit.hard_state.has_value() && !progress_.hard_state) return false;
    const raft::EntryPtr& entry = unit.entries[progress_.entries];
    const size_t size_bytes = entry->encoded().size();
    const bool is_alone = units_.size() == 1 && progress_.entries + 1 == unit.entries.size();
    if (!is_alone && size_bytes < kSharedGroupBytesMax) return false;
    if (align_up(LogBuffer::kRoomBytes + size_bytes, kBlockBytes) > filling.capacity_bytes) return false;
    const MutableBytes place = entry->claim_place();
    if (place.empty()) return false;
    filling.slot->group = place;
    filling.slot->entry = entry;
    note_started(filling, *entry);
    encode_record_frame(RecordKind::kEntry, static_cast<uint32_t>(size_bytes), place.data() + filling.used_bytes);
    filling.used_bytes = LogBuffer::kRoomBytes + size_bytes;
    filling.records = 1;
    note_completed(*entry);
    if (progress_.entries == unit.entries.size()) finish_unit(filling);
    return true;
}

void GroupWriter::fill_head(Filling& filling) {
    SegmentHead head;
    head.segment_size_bytes = store_.segment_size_bytes();
    head.last = last_started_;
    head.last_log_time_ms = last_started_time_ms_;
    head.continues_entry = progress_.bytes_of_entry > 0;
    std::byte* const buffer = filling.slot->buffer.data();
    filling.used_bytes += encode_segment_head_record(head, buffer + filling.used_bytes);
    filling.used_bytes += encode_founding_record(founding_, buffer + filling.used_bytes);
    filling.records += 2;
    if (begins_anew()) {
        fill_base(filling);
    } else {
        fill_facts(filling);
    }
    put_hard_state(filling);
    for (const KnownPeer& peer : known_peers_)
        put_known_peer(filling, peer);
}

void GroupWriter::fill_base(Filling& filling) {
    std::byte* const at = filling.slot->buffer.data() + filling.used_bytes;
    filling.used_bytes += encode_base_record(*units_.front().base, at);
    ++filling.records;
    marked_ = false;
    finish_unit(filling);
}

void GroupWriter::fill_facts(Filling& filling) {
    std::byte* const buffer = filling.slot->buffer.data();
    if (const auto* configuration = facts_.configurations.last(); configuration != nullptr) {
        filling.used_bytes += encode_configuration_record(*configuration, buffer + filling.used_bytes);
        ++filling.records;
    }
    if (const auto* raise = facts_.raises.last(); raise != nullptr) {
        filling.used_bytes += encode_feature_level_record(*raise, buffer + filling.used_bytes);
        ++filling.records;
    }
}

void GroupWriter::put_hard_state(Filling& filling) {
    filling.used_bytes += encode_hard_state_record(hard_state_, filling.slot->buffer.data() + filling.used_bytes);
    ++filling.records;
}

void GroupWriter::put_known_peer(Filling& filling, const KnownPeer& peer) {
    filling.used_bytes += encode_known_peer_record(peer, filling.slot->buffer.data() + filling.used_bytes);
    ++filling.records;
}

void GroupWriter::fill_units(Filling& filling) {
    while (!units_.empty() && !begins_anew()) {
        Unit& unit = units_.front();
        if (unit.hard_state.has_value() && !progress_.hard_state) {
            const uint64_t needed = RecordFrame::kEncodedSize + kHardStateEncodedSize;
            if (filling.used_bytes + needed > filling.capacity_bytes) return;
            hard_state_ = *unit.hard_state;
            put_hard_state(filling);
            progress_.hard_state = true;
        }
        if (unit.known_peer.has_value()) {
            const uint64_t needed = RecordFrame::kEncodedSize + kKnownPeerEncodedSize;
            if (filling.used_bytes + needed > filling.capacity_bytes) return;
            put_known_peer(filling, *unit.known_peer);
            known_peers_.push_back(*unit.known_peer);
        }
        while (progress_.entries < unit.entries.size()) {
            if (!fill_entry(filling, unit.entries[progress_.entries])) return;
        }
        finish_unit(filling);
    }
}

void GroupWriter::finish_unit(Filling& filling) {
    filling.slot->last_unit = units_.front().id;
    units_.pop_front();
    progress_ = {};
}

// False when the group is full, with the entry in it in part or not at all.
bool GroupWriter::fill_entry(Filling& filling, const raft::EntryPtr& entry) {
    const Bytes rest = entry->encoded().subspan(progress_.bytes_of_entry);
    const bool fresh = progress_.bytes_of_entry == 0;
    const uint64_t used = filling.used_bytes + RecordFrame::kEncodedSize;
    const uint64_t room = filling.capacity_bytes > used ? filling.capacity_bytes - used : 0;
    const bool whole = rest.size() <= room;
    if (!whole) {
        // An entry is cut only where it must be: when no group could hold it, or at the end of a segment.
        const bool fits_a_group =
            GroupHeader::kEncodedSize + RecordFrame::kEncodedSize + rest.size() <= config_.group_bytes_max;
        if (fresh && fits_a_group && filling.records > 0 && filling.capacity_bytes == config_.group_bytes_max)
            return false;
        if (room < raft::EntryHeader::kEncodedSize) return false;
    }
    const Bytes piece = whole ? rest : rest.first(room);
    RecordKind kind = RecordKind::kEntry;
    if (!whole) kind = fresh ? RecordKind::kEntryFirst : RecordKind::kEntryMiddle;
    if (whole && !fresh) kind = RecordKind::kEntryLast;
    if (fresh) note_started(filling, *entry);
    filling.used_bytes += encode_record(kind, piece, filling.slot->buffer.data() + filling.used_bytes);
    ++filling.records;
    if (!whole) {
        progress_.bytes_of_entry += piece.size();
        return false;
    }
    note_completed(*entry);
    return true;
}

void GroupWriter::note_completed(const raft::Entry& entry) {
    last_completed_ = entry.id();
    if (progress_.bytes_of_entry > 0) index_.finish_entry();
    progress_.bytes_of_entry = 0;
    ++progress_.entries;
}

// Nothing before the base is known to the log from here on.
void GroupWriter::restart_at(const raft::LogBase& base) {
    KVORUM_ASSERT(progress_.bytes_of_entry == 0);
    index_.begin_anew({group_sequence_ + 1, 0});
    facts_ = raft::facts_of(base);
    last_started_ = last_completed_ = base.last;
    last_started_time_ms_ = base.log_time_ms;
}

void GroupWriter::note_started(const Filling& filling, const raft::Entry& entry) {
    index_.note_entry(entry.index(), {filling.slot->group_sequence, filling.records},
                      {segment_sequence_, offset_bytes_});
    if (entry.index() <= last_started_.index) facts_.cut_from(entry.index());
    const bool noted = facts_.note(entry.header(), entry.body());
    KVORUM_ASSERT(noted, "entry {} is no {}", entry.index(), raft::entry_type_name(entry.header().type));
    last_started_ = entry.id();
    last_started_time_ms_ = entry.header().log_time_ms;
}

}  // namespace kvorum::wal
