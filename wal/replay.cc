#include "wal/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/checksum.h"

namespace kvorum::wal {

ReplayError Replay::fail(ReplayError error, std::string detail) {
    detail_ = std::move(detail);
    return error;
}

LogIndex Replay::first_index() const { return terms_.empty() ? last_.index + 1 : terms_.front().first_index; }

raft::EntryId Replay::before_first() const {
    return base_.last.index + 1 == first_index() ? base_.last : raft::EntryId{};
}

ReplayError Replay::apply_group(const GroupHeader& header, Bytes records, uint64_t segment_size_bytes) {
    if (header.log_id.is_none() || (!log_id_.is_none() && header.log_id != log_id_)) {
        return fail(ReplayError::kBadHead,
                    fmt::format("it is of log {:016x}, the log before it is {:016x}", header.log_id, log_id_));
    }
    log_id_ = header.log_id;
    if (header.epoch != epoch_) {
        if (partial_.open && partial_.skipped && origin_ == Origin::kLogStart) lacks_beginning_ = true;
        partial_.open = false;
        index_.drop_unfinished_entry();
        epoch_ = header.epoch;
    }
    cluster_ = header.cluster;
    group_ = header.group;
    RecordCursor cursor(records);
    uint32_t count = 0;
    if ((header.flags & kGroupHead) != 0) {
        const ReplayError error = apply_head(header, cursor, count, segment_size_bytes);
        if (error != ReplayError::kNone) return error;
    }
    for (auto record = cursor.next(); record.has_value(); record = cursor.next()) {
        const ReplayError error = apply_record(header, *record, {header.group_sequence, count});
        if (error != ReplayError::kNone) return error;
        ++count;
    }
    if (cursor.malformed() || count != header.record_count) {
        return fail(ReplayError::kBadRecord, fmt::format("{} of {} records can be read", count, header.record_count));
    }
    return check_summary(header);
}

ReplayError Replay::apply_record(const GroupHeader& header, const Record& record, LogPosition position) {
    const GroupPlace place{header.segment_sequence, header.offset_bytes};
    const bool is_of_entry = record.kind == RecordKind::kEntry || record.kind == RecordKind::kEntryFirst ||
                             record.kind == RecordKind::kEntryMiddle || record.kind == RecordKind::kEntryLast;
    if (is_of_entry && replaces_base(record)) lacks_beginning_ = true;
    if (lacks_beginning_ && is_of_entry) return ReplayError::kNone;
    switch (record.kind) {
        case RecordKind::kHardState: return apply_hard_state(record);
        case RecordKind::kKnownPeer: return apply_known_peer(record);
        case RecordKind::kEntry: return apply_entry(record.payload, position, place);
        case RecordKind::kEntryFirst:
        case RecordKind::kEntryMiddle:
        case RecordKind::kEntryLast: return apply_piece(record, position, place);
        case RecordKind::kSegmentHead:
        case RecordKind::kFounding:
        case RecordKind::kConfiguration:
        case RecordKind::kFeatureLevel:
        case RecordKind::kBase: break;
    }
    return fail(ReplayError::kBadHead, "a record of a segment head is out of place");
}

// True for the beginning of an entry in whose place the first head names another one, or one that comes later.
bool Replay::replaces_base(const Record& record) const {
    if (origin_ != Origin::kLogStart || has_base_record_ || base_.last.index.is_none()) return false;
    if (record.kind != RecordKind::kEntry && record.kind != RecordKind::kEntryFirst) return false;
    raft::EntryHeader header;
    const bool is_entry = raft::parse_entry_header(record.payload, header) == raft::EntryParseError::kNone;
    return is_entry && !header.index.is_none() && header.index <= base_.last.index;
}

// What the header says of the log up to here, which a repair relies on, must be what the records say.
ReplayError Replay::check_summary(const GroupHeader& header) {
    if (!started_) {
        started_ = true;
        hard_state_ = header.hard_state;
    }
    if (header.hard_state != hard_state_) {
        return fail(ReplayError::kBadRecord, fmt::format("its header says term {} vote {}, its records term {} vote {}",
                                                         header.hard_state.current_term, header.hard_state.voted_for,
                                                         hard_state_.current_term, hard_state_.voted_for));
    }
    // The last entry is not known before the first one that was read whole.
    const bool known =
        origin_ == Origin::kBehindDamage ? entry_count_ > 0 || has_base_record_ : !(partial_.open && partial_.skipped);
    if (known && !lacks_beginning_ && header.last != last_) {
        return fail(ReplayError::kBadRecord, fmt::format("its header says that the log ends at {}, its records at {}",
                                                         header.last.index, last_.index));
    }
    return ReplayError::kNone;
}

ReplayError Replay::apply_head(const GroupHeader& header, RecordCursor& cursor, uint32_t& count,
                               uint64_t segment_size_bytes) {
    const std::optional<Record> first = cursor.next();
    if (!first.has_value() || first->kind != RecordKind::kSegmentHead)
        return fail(ReplayError::kBadHead, "its segment head record is missing");
    const std::optional<SegmentHead> head = decode_segment_head(first->payload);
    if (!head.has_value()) return fail(ReplayError::kBadHead, "its segment head record is none");
    if (head->segment_size_bytes != segment_size_bytes) {
        return fail(ReplayError::kBadHead, fmt::format("it says {} bytes of segment, the file has {}",
                                                       head->segment_size_bytes, segment_size_bytes));
    }
    const std::optional<Record> founding = cursor.next();
    RecordCursor ahead = cursor;
    const std::optional<Record> third = ahead.next();
    const bool begins_anew = third.has_value() && third->kind == RecordKind::kBase;
    const bool is_first = is_first_head();
    ReplayError error = begins_anew ? apply_base(header, *head, third->payload) : apply_segment_head(header, *head);
    if (error == ReplayError::kNone) error = apply_founding(header, founding);
    count = 2;
    if (begins_anew) {
        cursor = ahead;
        count = 3;
        return error;
    }
    if (error == ReplayError::kNone) error = apply_stated(cursor, count, head->last.index, is_first);
    return error;
}

ReplayError Replay::apply_segment_head(const GroupHeader& header, const SegmentHead& head) {
    const bool is_first = is_first_head();
    if (lacks_beginning_) forget_entries(header.group_sequence);
    index_.start_segment(header.segment_sequence, header.group_sequence, head.last.index, head.continues_entry);
    if (is_first) {
        started_ = true;
        last_ = head.last;
        last_log_time_ms_ = head.last_log_time_ms;
        base_ = raft::LogBase{.last = last_, .log_time_ms = last_log_time_ms_};
        if (!last_.index.is_none()) identities_.push_back(last_);
        partial_.open = partial_.skipped = head.continues_entry;
        return ReplayError::kNone;
    }
    const raft::EntryId& expected = partial_.open ? partial_.id : last_;
    // A first segment that began in the middle of an entry leaves no identity to compare while that entry goes on.
    const bool comparable = !(partial_.open && partial_.skipped) && !is_lost();
    if (head.continues_entry != partial_.open || (comparable && head.last != expected)) {
        return fail(ReplayError::kBadHead,
                    fmt::format("it says that entry {} came before, the log before it ends at {}", head.last.index,
                                expected.index));
    }
    return ReplayError::kNone;
}

// The writer finishes an entry before it begins anew; what a repair looks at may lack the end of one.
ReplayError Replay::apply_base(const GroupHeader& header, const SegmentHead& head, Bytes payload) {
    std::optional<raft::LogBase> base = raft::decode_log_base(payload);
    const bool is_named_by_head = base.has_value() && base->last == head.last &&
                                  base->log_time_ms == head.last_log_time_ms && !head.continues_entry;
    if (!is_named_by_head) return fail(ReplayError::kBadHead, "its base record is none");
    if (const uint16_t known_level = raft::known_feature_level(); base->proven_level > known_level) {
        const std::string raised_by = base->raise.has_value() ? base->raise->fact.raised_by : "";
        return fail(ReplayError::kNewerLevel, raft::newer_level_reason(base->proven_level, raised_by, known_level));
    }
    started_ = true;
    forget_entries(header.group_sequence);
    index_.start_segment(header.segment_sequence, header.group_sequence, head.last.index);
    last_ = base->last;
    last_log_time_ms_ = base->log_time_ms;
    facts_ = raft::facts_of(*base);
    identities_.push_back(last_);
    base_ = *std::move(base);
    has_base_record_ = true;
    return ReplayError::kNone;
}

ReplayError Replay::apply_founding(const GroupHeader& header, const std::optional<Record>& record) {
    std::optional<Founding> founding;
    if (record.has_value() && record->kind == RecordKind::kFounding) founding = decode_founding(record->payload);
    if (!founding.has_value()) return fail(ReplayError::kBadHead, "its founding record is missing, or is none");
    if (founding->cluster != header.cluster || (founding_.has_value() && *founding_ != *founding)) {
        return fail(ReplayError::kBadHead, fmt::format("its founding record says cluster {:016x} named '{}'",
                                                       founding->cluster.value(), founding->cluster_name));
    }
    founding_ = std::move(founding);
    return ReplayError::kNone;
}

// Facts of entries up to `last`, which the head names as the last one before it.
ReplayError Replay::apply_stated(RecordCursor& cursor, uint32_t& count, LogIndex last, bool is_first) {
    raft::LogFacts stated;
    RecordCursor ahead = cursor;
    std::optional<Record> record = ahead.next();
    if (record.has_value() && record->kind == RecordKind::kConfiguration) {
        auto configuration = decode_configuration_record(record->payload);
        if (!configuration.has_value() || configuration->index > last)
            return fail(ReplayError::kBadHead, "its configuration record is none");
        stated.configurations.state(configuration->index, std::move(configuration->fact));
        cursor = ahead;
        ++count;
        record = ahead.next();
    }
    if (record.has_value() && record->kind == RecordKind::kFeatureLevel) {
        auto level = decode_feature_level_record(record->payload);
        if (!level.has_value() || level->index > last)
            return fail(ReplayError::kBadHead, "its feature level record is none");
        stated.raises.state(level->index, std::move(level->fact));
        cursor = ahead;
        ++count;
    }
    if (is_first) {
        facts_ = stated;
        // What this head speaks of was committed before what stood in front of it was released.
        if (const auto* raise = stated.raises.last(); raise != nullptr) stated.prove(raise->fact.level);
        base_ = raft::log_base_at(base_.last, base_.log_time_ms, stated);
        if (origin_ == Origin::kLogStart) facts_ = std::move(stated);
        return ReplayError::kNone;
    }
    // The writer knows all of an entry when it has begun it. Behind damage, what was stated before may be lost.
    if (origin_ == Origin::kBehindDamage || partial_.open) return ReplayError::kNone;
    if (!stated.configurations.ends_like(facts_.configurations) || !stated.raises.ends_like(facts_.raises))
        return fail(ReplayError::kBadHead, "it states another configuration or feature level than the log before it");
    return ReplayError::kNone;
}

ReplayError Replay::apply_hard_state(const Record& record) {
    const std::optional<raft::HardState> next = decode_hard_state(record.payload);
    if (!next.has_value()) return fail(ReplayError::kBadRecord, "a hard state record is none");
    const bool same_term = next->current_term == hard_state_.current_term;
    const bool second_vote = same_term && !hard_state_.voted_for.is_none() && next->voted_for != hard_state_.voted_for;
    if (next->current_term < hard_state_.current_term || second_vote) {
        return fail(ReplayError::kHardStateBackwards,
                    fmt::format("term {} vote {} after term {} vote {}", next->current_term, next->voted_for,
                                hard_state_.current_term, hard_state_.voted_for));
    }
    hard_state_ = *next;
    return ReplayError::kNone;
}

ReplayError Replay::apply_known_peer(const Record& record) {
    const std::optional<KnownPeer> peer = decode_known_peer(record.payload);
    if (!peer.has_value() || peer->node.is_none() || peer->log_id.is_none())
        return fail(ReplayError::kBadRecord, "a record of a peer that names none");
    const auto known = std::find_if(known_peers_.begin(), known_peers_.end(),
                                    [&](const KnownPeer& other) { return other.node == peer->node; });
    if (known == known_peers_.end() && known_peers_.size() == kPeersKnownMax) {
        return fail(ReplayError::kBadRecord, fmt::format("more than {} peers are known", kPeersKnownMax));
    }
    if (known == known_peers_.end()) {
        known_peers_.push_back(*peer);
    } else if (known->log_id != peer->log_id) {
        return fail(ReplayError::kBadRecord, fmt::format("node {} is known by log {:016x} and by log {:016x}",
                                                         peer->node, known->log_id, peer->log_id));
    }
    return ReplayError::kNone;
}

ReplayError Replay::apply_piece(const Record& record, LogPosition position, GroupPlace place) {
    const bool first = record.kind == RecordKind::kEntryFirst;
    // Behind damage the first pieces may be of an entry that began before it.
    if (!first && is_lost() && !partial_.open) partial_.open = partial_.skipped = true;
    if (first == partial_.open) return fail(ReplayError::kBadRecord, "a piece of an entry is out of place");
    if (first) {
        raft::EntryHeader header;
        const raft::EntryParseError error = raft::parse_entry_header(record.payload, header);
        if (error != raft::EntryParseError::kNone) {
            return fail(ReplayError::kBadRecord,
                        fmt::format("first piece of an entry: {}", raft::entry_parse_error_name(error)));
        }
        partial_ = {
            true,     false, std::string(as_text(record.payload)), {header.index, header.term, header.header_checksum},
            position, place};
        return ReplayError::kNone;
    }
    const bool last = record.kind == RecordKind::kEntryLast;
    if (partial_.skipped) {
        partial_.open = !last;
        if (last) index_.finish_entry();
        return ReplayError::kNone;
    }
    if (partial_.bytes.size() + record.payload.size() > raft::EntryHeader::kEncodedSize + raft::kEntryBodySizeMax) {
        return fail(ReplayError::kBadRecord, "the pieces of an entry exceed the limit for entries");
    }
    partial_.bytes.append(as_text(record.payload));
    if (!last) return ReplayError::kNone;
    const std::string whole = std::exchange(partial_.bytes, {});
    partial_.open = false;
    index_.finish_entry();
    return apply_entry(as_bytes(whole), partial_.position, partial_.place);
}

ReplayError Replay::apply_entry(Bytes encoded, LogPosition position, GroupPlace place) {
    if (partial_.open) return fail(ReplayError::kBadRecord, "an entry starts inside another one");
    raft::EntryHeader header;
    const raft::EntryParseError error = raft::parse_entry_header(encoded, header);
    if (error != raft::EntryParseError::kNone) {
        return fail(ReplayError::kBadRecord, fmt::format("an entry: {}", raft::entry_parse_error_name(error)));
    }
    const Bytes body = encoded.subspan(raft::EntryHeader::kEncodedSize);
    if (body.size() != header.body_size_bytes || checksum64(body) != header.body_checksum) {
        return fail(ReplayError::kBadRecord,
                    fmt::format("the body of entry {} does not match its header", header.index));
    }
    if (const ReplayError link = check_link(header); link != ReplayError::kNone) return link;
    if (header.index <= last_.index) forget_from(header.index);
    const auto* raise = facts_.raises.last();
    const std::string unreadable =
        raft::unreadable_reason(header, {}, raft::known_feature_level(), raise == nullptr ? "" : raise->fact.raised_by);
    if (!unreadable.empty()) return fail(ReplayError::kNewerLevel, unreadable);
    if (!facts_.note(header, body)) {
        return fail(ReplayError::kBadRecord,
                    fmt::format("the body of entry {} is no {}", header.index, raft::entry_type_name(header.type)));
    }
    if (header.index <= base_.last.index)
        base_ = raft::LogBase{.last = {header.index - 1, Term{}, header.prev_checksum}};
    index_.note_entry(header.index, position, place);
    last_ = {header.index, header.term, header.header_checksum};
    last_log_time_ms_ = header.log_time_ms;
    if (terms_.empty() || terms_.back().term != header.term) terms_.push_back({header.term, header.index});
    identities_.push_back(last_);
    if (identities_.size() > kIdentitiesMax) identities_.pop_front();
    ++entry_count_;
    entry_bytes_ += encoded.size();
    return ReplayError::kNone;
}

ReplayError Replay::check_link(const raft::EntryHeader& header) {
    if (header.cluster != cluster_ || header.group != group_) {
        return fail(ReplayError::kWrongCluster, fmt::format("entry {} is of cluster {:016x} group {}", header.index,
                                                            header.cluster.value(), header.group));
    }
    if (!header.index.is_none() && is_lost()) {
        last_ = {header.index - 1, Term{}, header.prev_checksum};
        base_ = raft::LogBase{.last = last_};
        if (!last_.index.is_none()) identities_.push_back(last_);
    }
    if (header.index.is_none() || header.index > last_.index + 1) {
        return fail(ReplayError::kBrokenEntryChain,
                    fmt::format("entry {} follows entry {}", header.index, last_.index));
    }
    if (has_base_record_ && header.index <= base_.last.index) {
        return fail(ReplayError::kBrokenEntryChain,
                    fmt::format("entry {} comes after the log began behind entry {}", header.index, base_.last.index));
    }
    const LogIndex previous = header.index - 1;
    const bool remembered = !identities_.empty() && previous >= identities_.front().index;
    if (previous.is_none() || remembered) {
        const raft::EntryId before =
            previous.is_none() ? raft::EntryId{} : identities_[previous - identities_.front().index];
        if (header.prev_checksum != before.checksum || header.term < before.term) {
            return fail(ReplayError::kBrokenEntryChain,
                        fmt::format("entry {} (term {}) does not follow entry {} (term {}, checksum {:016x})",
                                    header.index, header.term, before.index, before.term, before.checksum));
        }
    }
    return ReplayError::kNone;
}

// The log begins in the segment whose head is `head_group`.
void Replay::forget_entries(uint64_t head_group) {
    partial_ = {};
    terms_.clear();
    identities_.clear();
    index_.begin_anew({head_group, 0});
    lacks_beginning_ = false;
}

void Replay::forget_from(LogIndex index) {
    while (!terms_.empty() && terms_.back().first_index >= index)
        terms_.pop_back();
    while (!identities_.empty() && identities_.back().index >= index)
        identities_.pop_back();
    facts_.cut_from(index);
}

}  // namespace kvorum::wal
