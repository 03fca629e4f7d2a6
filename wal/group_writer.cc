#include "wal/group_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/mutants.h"

namespace kvorum::wal {

using reactor::Task;

namespace {

// A head of nothing but what it must repeat, each at its largest.
constexpr uint64_t kHeadFramesBytes = (5 + kPeersKnownMax) * RecordFrame::kEncodedSize;
constexpr uint64_t kHeadNumbersBytes = 128;  // ids, indexes, sizes of strings, those of a base too
constexpr uint64_t kHeadBytesMax = GroupHeader::kEncodedSize + kHeadFramesBytes + kHeadNumbersBytes +
                                   SegmentHead::kEncodedSize + kClusterNameBytesMax + raft::kConfigurationBytesMax +
                                   raft::kRaisedByBytesMax + kHardStateEncodedSize +
                                   kPeersKnownMax * kKnownPeerEncodedSize;
static_assert(kHeadBytesMax <= kGroupBytesMin);

// What an entry's memory has room for is what stands before it in a group of its own.
static_assert(LogBuffer::kRoomBytes == GroupHeader::kEncodedSize + RecordFrame::kEncodedSize);
static_assert(LogBuffer::kBlockBytes == kBlockBytes);

}  // namespace

void GroupWriter::Op::on_completion(const reactor::IoCompletion& completion) {
    result = completion.result;
    done = true;
    writer->reactor_.schedule(writer->wake_);
}

GroupWriter::GroupWriter(reactor::Reactor& reactor, const WalConfig& config, SegmentStore& store, PositionIndex& index)
    : reactor_(reactor),
      config_(config),
      store_(store),
      index_(index),
      wake_(*this),
      idle_timer_(*this),
      idle_(reactor),
      region_(config.groups_in_flight_max * config.group_bytes_max),
      slots_(std::make_unique<Slot[]>(config.groups_in_flight_max)),
      sync_ops_(std::make_unique<Op[]>(config.groups_in_flight_max)) {
    for (uint32_t i = 0; i < config.groups_in_flight_max; ++i) {
        slots_[i].buffer = region_.bytes().subspan(i * config.group_bytes_max, config.group_bytes_max);
        slots_[i].write.writer = this;
        sync_ops_[i].writer = this;
    }
    registered_ = reactor_.backend().register_buffer(region_.bytes());
}

GroupWriter::~GroupWriter() { KVORUM_ASSERT(!hooked_, "the writer of a log was destroyed before it was stopped"); }

bool GroupWriter::needs_spare_to_open(const Start& start, uint64_t segment_size_bytes) {
    return start.segment_sequence == 0 || (!start.opened && start.end_bytes + kBlockBytes > segment_size_bytes);
}

Task<bool> GroupWriter::open(Start start) {
    segment_sequence_ = start.segment_sequence;
    offset_bytes_ = start.segment_sequence == 0 ? store_.segment_size_bytes() : start.end_bytes;
    epoch_ = start.epoch;
    group_sequence_ = durable_group_ = start.last_group.group_sequence;
    last_checksum_ = start.last_group.header_checksum;
    founding_ = std::move(start.founding);
    group_ = start.group;
    log_id_ = start.log_id;
    facts_ = std::move(start.facts);
    known_peers_ = std::move(start.known_peers);
    hard_state_ = start.hard_state;
    last_started_ = last_appended_ = start.last;
    last_started_time_ms_ = start.last_log_time_ms;
    last_completed_ = start.last;
    durable_index_ = start.last.index;
    durable_end_ = {start.segment_sequence, start.end_bytes};
    reactor_.add_turn_hook(*this, reactor::TurnStage::kLog);
    hooked_ = true;
    if (start.opened) co_return true;
    opening_ = Opening::kQueued;
    idle_.reset();
    reactor_.schedule(wake_);
    co_await idle_.wait();
    co_return !failed_;
}

uint64_t GroupWriter::append(std::optional<raft::HardState> hard_state, raft::EntryList entries) {
    if (failed_) return ++last_unit_;
    const uint64_t id = last_unit_ + 1;
    for (const raft::EntryPtr& entry : entries) {
        const LogIndex index = entry->index();
        KVORUM_ASSERT(index > base_index_ && index <= last_appended_.index + 1, "entry {} behind entry {} and base {}",
                      index, last_appended_.index, base_index_);
        if (index == last_appended_.index + 1) {
            KVORUM_ASSERT(entry->header().prev_checksum == last_appended_.checksum, "entry {} does not follow the log",
                          index);
        }
        while (!undurable_.empty() && undurable_.back().entry->index() >= index)
            undurable_.pop_back();
        undurable_.push_back({entry, id});
        last_appended_ = entry->id();
    }
    Unit unit;
    unit.hard_state = hard_state;
    unit.entries = std::move(entries);
    return queue(std::move(unit));
}

uint64_t GroupWriter::note_peer(KnownPeer peer) {
    if (failed_) return ++last_unit_;
    KVORUM_ASSERT(known_peers_.size() < kPeersKnownMax, "more than {} peers", kPeersKnownMax);
    Unit unit;
    unit.known_peer = peer;
    return queue(std::move(unit));
}

uint64_t GroupWriter::begin_at(raft::LogBase base) {
    if (failed_) return ++last_unit_;
    KVORUM_ASSERT(!base.last.index.is_none() && base.last.index >= base_index_, "base {} after base {}",
                  base.last.index, base_index_);
    undurable_.clear();
    last_appended_ = base.last;
    base_index_ = base.last.index;
    Unit unit;
    unit.base = std::move(base);
    return queue(std::move(unit));
}

uint64_t GroupWriter::queue(Unit unit) {
    reactor_.cancel(idle_timer_);
    mark_due_ = false;
    unit.id = ++last_unit_;
    unit.appended_ns = reactor_.backend().monotonic_ns();
    units_.push_back(std::move(unit));
    ++stats_.units;
    // If the turn hooks have begun already, this makes another turn follow at once.
    reactor_.schedule(wake_);
    return last_unit_;
}

uint64_t GroupWriter::oldest_unsynced_ns(uint64_t now_ns) const {
    uint64_t oldest_ns = now_ns;
    if (in_flight_ > 0) {
        oldest_ns = slots_[first_slot_].oldest_unit_ns;
    } else if (!units_.empty()) {
        oldest_ns = units_.front().appended_ns;
    }
    return now_ns > oldest_ns ? now_ns - oldest_ns : 0;
}

Task<void> GroupWriter::stop() {
    if (!hooked_) co_return;
    reactor_.cancel(idle_timer_);
    mark_due_ = !marked_;
    idle_.reset();
    reactor_.schedule(wake_);
    co_await idle_.wait();
    reactor_.remove_turn_hook(*this);
    hooked_ = false;
}

// --- completions ---

void GroupWriter::on_wake() {
    for (uint32_t i = 0; i < config_.groups_in_flight_max; ++i) {
        if (slots_[i].write.done) take_write(i);
        if (sync_ops_[i].done) take_sync(sync_ops_[i]);
    }
    if (!failed_) start_syncs();
    if (!failed_) advance_durable();
}

void GroupWriter::take_write(size_t slot_number) {
    Slot& slot = slots_[slot_number];
    slot.write.done = false;
    --ops_in_flight_;
    if (failed_) return;
    if (slot.write.result <= 0) {
        fail("write", slot.write.result < 0 ? slot.write.result : -EIO);
        return;
    }
    const auto result = static_cast<uint64_t>(slot.write.result);
    KVORUM_ASSERT(slot.written_bytes + result <= slot.bytes, "{} and {} of {}", slot.written_bytes, result, slot.bytes);
    // A short write: O_DIRECT goes on at a block boundary.
    slot.written_bytes += result / kBlockBytes * kBlockBytes;
    if (result < kBlockBytes) {
        fail("write", -EIO);
        return;
    }
    if (slot.written_bytes < slot.bytes) {
        submit_write(slot);
        return;
    }
    const bool is_durable = method_ == SyncMethod::kDsyncWrite || is_mutant(Mutant::kSkipWalSync);
    slot.state = is_durable ? SlotState::kDurable : SlotState::kWritten;
}

void GroupWriter::take_sync(Op& op) {
    op.done = false;
    --ops_in_flight_;
    const uint64_t covered = std::exchange(op.slots, 0);
    if (failed_) return;
    if (op.result == -EIO && is_mutant(Mutant::kSyncErrorRetried)) return;
    if (op.result < 0) {
        fail("sync", op.result);
        return;
    }
    for (uint32_t i = 0; i < config_.groups_in_flight_max; ++i) {
        if ((covered >> i & 1) == 0) continue;
        KVORUM_ASSERT(slots_[i].state == SlotState::kWritten, "slot {}", i);
        slots_[i].state = SlotState::kDurable;
    }
}

void GroupWriter::start_syncs() {
    uint64_t written = 0;
    uint64_t covered = 0;
    Op* free_op = nullptr;
    for (uint32_t i = 0; i < config_.groups_in_flight_max; ++i) {
        if (slots_[i].state == SlotState::kWritten) written |= uint64_t{1} << i;
        covered |= sync_ops_[i].slots;
        if (!sync_ops_[i].in_flight && sync_ops_[i].slots == 0) free_op = &sync_ops_[i];
    }
    if ((written & ~covered) == 0 || free_op == nullptr) return;
    free_op->code = reactor::IoCode::kDataSync;
    free_op->handle = segment_handle();
    // Each group waits for exactly one sync, so a slot that is used again is never taken for the group that was in it.
    free_op->slots = written & ~covered;
    ++ops_in_flight_;
    ++stats_.syncs;
    reactor_.backend().submit(*free_op);
}

void GroupWriter::advance_durable() {
    const uint64_t now_ns = reactor_.backend().monotonic_ns();
    bool progress = false;
    while (in_flight_ > 0 && slots_[first_slot_].state == SlotState::kDurable) {
        Slot& slot = slots_[first_slot_];
        durable_group_ = slot.group_sequence;
        durable_end_ = {segment_sequence_, slot.offset_bytes + slot.bytes};
        durable_index_ = slot.last.index;
        if (slot.last_unit != 0) durable_unit_ = slot.last_unit;
        if (slot.opening) opening_ = Opening::kDone;
        last_sync_ns_ = now_ns - slot.submitted_ns;
        stats_.group_latency_ns.record(last_sync_ns_);
        slot.state = SlotState::kFree;
        slot.entry.reset();
        first_slot_ = (first_slot_ + 1) % config_.groups_in_flight_max;
        --in_flight_;
        progress = true;
    }
    if (!progress) return;
    while (!undurable_.empty() && undurable_.front().unit <= durable_unit_)
        undurable_.pop_front();
    if (in_flight_ == 0 && units_.empty() && !marked_) reactor_.arm(idle_timer_, now_ns + config_.idle_mark_ns);
    if (on_progress_) on_progress_();
}

void GroupWriter::on_idle() {
    mark_due_ = true;
    reactor_.schedule(wake_);
}

void GroupWriter::fail(const char* what, int32_t result) {
    failed_ = true;
    units_.clear();
    reactor_.cancel(idle_timer_);
    reactor_.backend().halt(fmt::format("wal: {} of segment {} failed: {}; nothing more is acknowledged", what,
                                        segment_sequence_, std::generic_category().message(-result)));
}

// --- groups ---

void GroupWriter::on_turn_end() {
    if (!failed_) pump();
    check_idle();
}

void GroupWriter::check_idle() {
    if (idle_.is_set() || ops_in_flight_ > 0) return;
    const bool all_written = units_.empty() ? !mark_due_ : waiting_for_space_;
    const bool done = in_flight_ == 0 && opening_ == Opening::kDone && all_written;
    if (failed_ || done) idle_.set();
}

void GroupWriter::pump() {
    const bool waited = std::exchange(waiting_for_space_, false);
    start_groups();
    if (waiting_for_space_ && !waited) ++stats_.waits_for_space;
}

void GroupWriter::start_groups() {
    if (opening_ == Opening::kQueued && in_flight_ == 0) {
        if (offset_bytes_ + kBlockBytes <= store_.segment_size_bytes() || enter_next_segment()) {
            opening_ = Opening::kInFlight;
            write_group(kBlockBytes);
        }
    }
    if (opening_ != Opening::kDone) return;
    while (!units_.empty() && in_flight_ < config_.groups_in_flight_max) {
        const Unit& unit = units_.front();
        uint64_t room = begins_anew() ? 0 : find_room(unit.entries.empty());
        if (room == 0) {
            if (in_flight_ > 0) return;
            if (!enter_next_segment()) return;
            room = find_room(unit.entries.empty());
            if (room == 0) return;
        }
        write_group(std::min(room, config_.group_bytes_max));
        if (reactor_.work().used_up() && !units_.empty()) {
            reactor_.schedule_next_turn(wake_);
            return;
        }
    }
    write_mark_if_due();
}

void GroupWriter::write_mark_if_due() {
    if (!mark_due_ || in_flight_ > 0 || !units_.empty()) return;
    mark_due_ = false;
    if (find_room(false) < kBlockBytes && !(store_.spare_ready() && enter_next_segment())) return;
    marked_ = true;
    write_group(kBlockBytes);
}

// Bytes that the next group may take in this segment; 0 when it must be left. While no spare is ready its end is
// reserved.
uint64_t GroupWriter::find_room(bool without_entries) {
    const uint64_t room = store_.segment_size_bytes() - offset_bytes_;
    if (store_.spare_ready()) return room;
    const uint64_t quarter = store_.segment_size_bytes() / 4 / kBlockBytes * kBlockBytes;
    // The last block is the next start's: its opening group.
    const uint64_t reserve = std::max(kBlockBytes, std::min(align_up(config_.reserve_bytes, kBlockBytes), quarter));
    const uint64_t kept = without_entries ? kBlockBytes : reserve;
    return room > kept ? room - kept : 0;
}

bool GroupWriter::enter_next_segment() {
    KVORUM_ASSERT(in_flight_ == 0);
    if (!store_.spare_ready()) {
        waiting_for_space_ = true;
        return false;
    }
    segment_sequence_ = store_.take_spare();
    offset_bytes_ = 0;
    if (begins_anew()) restart_at(*units_.front().base);
    index_.start_segment(segment_sequence_, group_sequence_ + 1, last_started_.index, progress_.bytes_of_entry > 0);
    return true;
}

void GroupWriter::write_group(uint64_t capacity_bytes) {
    KVORUM_ASSERT(in_flight_ < config_.groups_in_flight_max);
    Slot& slot = slots_[(first_slot_ + in_flight_) % config_.groups_in_flight_max];
    KVORUM_ASSERT(slot.state == SlotState::kFree);
    if (offset_bytes_ == 0) capacity_bytes = std::max(capacity_bytes, kGroupBytesMin);
    slot.group_sequence = group_sequence_ + 1;
    slot.offset_bytes = offset_bytes_;
    slot.written_bytes = 0;
    slot.last_unit = 0;
    slot.opening = opening_ == Opening::kInFlight;
    slot.submitted_ns = reactor_.backend().monotonic_ns();
    slot.oldest_unit_ns = units_.empty() ? slot.submitted_ns : units_.front().appended_ns;
    slot.group = slot.buffer;
    Filling filling{&slot, capacity_bytes, GroupHeader::kEncodedSize, 0};
    if (offset_bytes_ == 0) fill_head(filling);
    if (slot.opening || units_.empty()) {
        if (offset_bytes_ != 0) put_hard_state(filling);
    } else {
        marked_ = false;
        if (!fill_in_place(filling)) fill_units(filling);
    }
    seal(filling);
    submit_write(slot);
}

void GroupWriter::seal(Filling& filling) {
    Slot& slot = *filling.slot;
    KVORUM_ASSERT(filling.records > 0 && filling.used_bytes <= filling.capacity_bytes);
    GroupHeader header;
    header.flags = static_cast<uint16_t>((offset_bytes_ == 0 ? kGroupHead : 0) | (slot.opening ? kGroupOpening : 0));
    header.cluster = founding_.cluster;
    header.group = group_;
    header.node = config_.node;
    header.log_id = log_id_;
    header.segment_sequence = segment_sequence_;
    header.offset_bytes = offset_bytes_;
    header.epoch = epoch_;
    header.group_sequence = slot.group_sequence;
    header.prev_header_checksum = last_checksum_;
    header.durable_group = durable_group_;
    header.durable_index = durable_index_;
    header.record_bytes = static_cast<uint32_t>(filling.used_bytes - GroupHeader::kEncodedSize);
    header.record_count = filling.records;
    header.groups_in_flight_max = config_.groups_in_flight_max;
    header.hard_state = hard_state_;
    header.last = last_completed_;
    const MutableBytes records = slot.group.subspan(GroupHeader::kEncodedSize, header.record_bytes);
    encode_group_header(header, records, slot.group.data());
    slot.bytes = header.size_bytes();
    std::fill(slot.group.begin() + static_cast<ptrdiff_t>(filling.used_bytes),
              slot.group.begin() + static_cast<ptrdiff_t>(slot.bytes), std::byte{0});
    slot.last = last_completed_;
    group_sequence_ = header.group_sequence;
    last_checksum_ = header.header_checksum;
    offset_bytes_ += slot.bytes;
    index_.set_end(offset_bytes_);
    ++in_flight_;
    ++stats_.groups;
    stats_.bytes += slot.bytes;
    stats_.padding_bytes += slot.bytes - filling.used_bytes;
    stats_.group_bytes.record(slot.bytes);
    reactor_.work().add(TurnPart::kReplicate, slot.bytes / kBytesPerWork);
    if (method_ == SyncMethod::kDsyncWrite) ++stats_.syncs;
}

void GroupWriter::submit_write(Slot& slot) {
    slot.state = SlotState::kWriting;
    Op& op = slot.write;
    op.code = reactor::IoCode::kWrite;
    op.flags = static_cast<uint8_t>(
        (registered_ && slot.entry == nullptr ? reactor::kIoRegisteredBuffer : 0) |
        (method_ == SyncMethod::kDsyncWrite && !is_mutant(Mutant::kSkipWalSync) ? reactor::kIoDataSync : 0));
    op.handle = segment_handle();
    op.offset = slot.offset_bytes + slot.written_bytes;
    op.buffer = slot.group.data() + slot.written_bytes;
    op.length_bytes = slot.bytes - slot.written_bytes;
    ++ops_in_flight_;
    reactor_.backend().submit(op);
}

}  // namespace kvorum::wal
