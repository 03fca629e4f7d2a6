// Turns queued units into groups, writes them, syncs them, and says which units are durable.
//
// At the end of a turn everything queued leaves in as few groups as group_bytes_max allows, while fewer than
// groups_in_flight_max are unfinished; the rest waits and gathers. A large entry that leaves alone is not copied: its
// group is written from where the entry lies (raft::Entry::claim_place()). A group is finished when it is durable;
// units are reported in order, so a group that is durable before an earlier one waits for it. A segment is left only
// when all its groups are durable (recovery's G2), and never entered unless it is prepared. A base begins a segment.
//
// A log that is idle ends with a mark: a group of nothing but the hard state, which says that everything before it is
// durable. So the group that holds the last acknowledged unit is not the last of the log, and its rot is told from a
// torn tail. It is written idle_mark_ns after the last unit became durable, and by stop(); only where there is room.
//
// With kDataSyncPerGroup a sync is asked for when a write has completed in full, and covers every group written by
// then. A short write goes on where it stopped. Any failed write or sync halts the node; nothing is reported or tried
// again afterwards.
//
// Thread: the reactor's. Ownership: reactor, configuration, store and index outlive it. No coroutine, no allocation per
// group in the steady state. The registered buffers belong to the kernel while a write is in flight: stop() must have
// ended before destruction.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/fifo.h"
#include "base/histogram.h"
#include "raft/entry.h"
#include "raft/log_base.h"
#include "raft/log_facts.h"
#include "raft/types.h"
#include "reactor/event.h"
#include "reactor/reactor.h"
#include "reactor/task.h"
#include "wal/config.h"
#include "wal/format.h"
#include "wal/position_index.h"
#include "wal/segment_store.h"

namespace kvorum::wal {

class GroupWriter final : private reactor::TurnHook {
 public:
    // Where the log goes on. A new log has no last group, and its first segment is still a spare.
    struct Start {
        GroupHeader last_group;
        uint64_t end_bytes = 0;  // in the last segment
        uint64_t segment_sequence = 0;
        uint64_t epoch = 1;
        Founding founding;
        GroupId group;
        LogId log_id;
        raft::LogFacts facts;
        std::vector<KnownPeer> known_peers;
        raft::HardState hard_state;
        raft::EntryId last;
        int64_t last_log_time_ms = 0;
        bool opened = false;  // the last group is an opening group of `epoch`: no other is needed
    };

    struct Stats {
        uint64_t units = 0;
        uint64_t groups = 0;
        uint64_t bytes = 0;
        uint64_t padding_bytes = 0;
        uint64_t syncs = 0;
        uint64_t waits_for_space = 0;
        Histogram group_latency_ns;
        Histogram group_bytes;
    };

    GroupWriter(reactor::Reactor& reactor, const WalConfig& config, SegmentStore& store, PositionIndex& index);
    GroupWriter(const GroupWriter&) = delete;
    GroupWriter& operator=(const GroupWriter&) = delete;
    ~GroupWriter();

    // Makes the recovered log durable for good: writes the opening group unless start.opened. Ends when it is durable,
    // or false when the node was halted. There is room for it: see needs_spare_to_open().
    reactor::Task<bool> open(Start start);
    // The opening group does not fit the last segment: a spare must be ready before open().
    [[nodiscard]] static bool needs_spare_to_open(const Start& start, uint64_t segment_size_bytes);
    void set_sync_method(SyncMethod method) { method_ = method; }
    [[nodiscard]] SyncMethod sync_method() const { return method_; }

    uint64_t append(std::optional<raft::HardState> hard_state, raft::EntryList entries);
    uint64_t note_peer(KnownPeer peer);
    uint64_t begin_at(raft::LogBase base);
    // Called from the run queue when more units became durable.
    void set_progress_callback(std::function<void()> callback) { on_progress_ = std::move(callback); }

    // Waits until nothing is in flight and everything queued is durable and marked, cannot be for want of space, or was
    // dropped by a failure.
    reactor::Task<void> stop();

    [[nodiscard]] uint64_t durable_unit() const { return durable_unit_; }
    [[nodiscard]] uint64_t durable_group() const { return durable_group_; }
    // Where the next group was to go when that one had become durable: nothing in front of it is written any more.
    [[nodiscard]] GroupPlace durable_end() const { return durable_end_; }
    [[nodiscard]] const raft::EntryId& last_appended() const { return last_appended_; }
    [[nodiscard]] uint32_t groups_in_flight() const { return in_flight_; }
    [[nodiscard]] bool busy() const {
        return in_flight_ >= config_.groups_in_flight_max || waiting_for_space_ || opening_ != Opening::kDone;
    }
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] uint64_t oldest_unsynced_ns(uint64_t now_ns) const;
    [[nodiscard]] uint64_t last_sync_ns() const { return last_sync_ns_; }
    [[nodiscard]] bool registered_buffers() const { return registered_; }
    [[nodiscard]] const Stats& stats() const { return stats_; }

    // The entries that are appended and not yet known durable, in index order: `undurable(i)`.
    [[nodiscard]] size_t undurable_count() const { return undurable_.size(); }
    [[nodiscard]] const raft::EntryPtr& undurable(size_t i) const { return undurable_[i].entry; }

 private:
    enum class SlotState : uint8_t { kFree, kWriting, kWritten, kDurable };
    enum class Opening : uint8_t { kDone, kQueued, kInFlight };

    struct Wake : reactor::Runnable {
        explicit Wake(GroupWriter& w)
            : Runnable([](Runnable& self) { static_cast<Wake&>(self).writer.on_wake(); }), writer(w) {}
        GroupWriter& writer;
    };
    struct IdleTimer : reactor::Timer {
        explicit IdleTimer(GroupWriter& w)
            : Timer([](Timer& self) { static_cast<IdleTimer&>(self).writer.on_idle(); }), writer(w) {}
        GroupWriter& writer;
    };
    struct Op final : reactor::IoOp {
        void on_completion(const reactor::IoCompletion& completion) override;
        GroupWriter* writer = nullptr;
        bool done = false;  // completed, and not looked at yet
        int32_t result = 0;
        uint64_t slots = 0;  // of a sync: a bit for each slot that it covers
    };
    struct Slot {
        SlotState state = SlotState::kFree;
        MutableBytes buffer;  // its own, registered
        MutableBytes group;   // where the group is: in `buffer`, or around `entry`
        raft::EntryPtr entry;
        Op write;
        uint64_t group_sequence = 0;
        uint64_t offset_bytes = 0;
        uint64_t bytes = 0;
        uint64_t written_bytes = 0;
        uint64_t submitted_ns = 0;
        uint64_t oldest_unit_ns = 0;
        uint64_t last_unit = 0;  // the last unit that ends in this group; 0 for none
        raft::EntryId last;      // the last entry that ends in this or an earlier group
        bool opening = false;
    };
    struct Unit {
        uint64_t id = 0;
        std::optional<raft::HardState> hard_state;
        std::optional<KnownPeer> known_peer;  // then there is nothing else in the unit
        std::optional<raft::LogBase> base;    // likewise
        raft::EntryList entries;
        uint64_t appended_ns = 0;
    };
    // How much of the first queued unit is in groups already.
    struct Progress {
        bool hard_state = false;
        size_t entries = 0;
        size_t bytes_of_entry = 0;
    };
    struct Undurable {
        raft::EntryPtr entry;
        uint64_t unit = 0;
    };
    // The group that is being filled.
    struct Filling {
        Slot* slot = nullptr;
        uint64_t capacity_bytes = 0;
        uint64_t used_bytes = 0;
        uint32_t records = 0;
    };

    uint64_t queue(Unit unit);
    void on_turn_end() override;
    void on_wake();
    void on_idle();
    void take_write(size_t slot_number);
    void take_sync(Op& op);
    void start_syncs();
    void advance_durable();
    void fail(const char* what, int32_t result);
    void check_idle();

    void pump();
    void start_groups();
    void write_mark_if_due();
    [[nodiscard]] uint64_t find_room(bool without_entries);
    [[nodiscard]] bool enter_next_segment();
    [[nodiscard]] bool begins_anew() const { return !units_.empty() && units_.front().base.has_value(); }
    void write_group(uint64_t capacity_bytes);
    [[nodiscard]] bool fill_in_place(Filling& filling);
    void fill_head(Filling& filling);
    void fill_facts(Filling& filling);
    void fill_base(Filling& filling);
    void restart_at(const raft::LogBase& base);
    void fill_units(Filling& filling);
    [[nodiscard]] bool fill_entry(Filling& filling, const raft::EntryPtr& entry);
    void put_hard_state(Filling& filling);
    void put_known_peer(Filling& filling, const KnownPeer& peer);
    void note_started(const Filling& filling, const raft::Entry& entry);
    void note_completed(const raft::Entry& entry);
    void finish_unit(Filling& filling);
    void seal(Filling& filling);
    void submit_write(Slot& slot);
    [[nodiscard]] reactor::Handle segment_handle() const { return store_.writable_handle(segment_sequence_); }

    reactor::Reactor& reactor_;
    const WalConfig& config_;
    SegmentStore& store_;
    PositionIndex& index_;
    Wake wake_;
    IdleTimer idle_timer_;
    std::function<void()> on_progress_;
    reactor::Event idle_;
    SyncMethod method_ = SyncMethod::kDataSyncPerGroup;
    bool hooked_ = false;
    bool failed_ = false;
    bool registered_ = false;
    bool waiting_for_space_ = false;
    bool marked_ = true;  // no unit ends in the last group
    bool mark_due_ = false;
    Opening opening_ = Opening::kDone;

    AlignedBuffer region_;
    std::unique_ptr<Slot[]> slots_;
    std::unique_ptr<Op[]> sync_ops_;
    uint32_t first_slot_ = 0;  // the oldest unfinished group's
    uint32_t in_flight_ = 0;
    uint64_t last_sync_ns_ = 0;
    uint32_t ops_in_flight_ = 0;

    Fifo<Unit> units_;
    Progress progress_;
    Fifo<Undurable> undurable_;
    uint64_t last_unit_ = 0;
    uint64_t durable_unit_ = 0;
    uint64_t durable_group_ = 0;
    GroupPlace durable_end_;
    LogIndex durable_index_;

    // Where the next group goes and what it follows.
    uint64_t segment_sequence_ = 0;
    uint64_t offset_bytes_ = 0;
    uint64_t epoch_ = 0;
    uint64_t group_sequence_ = 0;  // of the last group sealed
    uint64_t last_checksum_ = 0;
    Founding founding_;
    GroupId group_;
    LogId log_id_;
    raft::LogFacts facts_;                // as of last_started_
    std::vector<KnownPeer> known_peers_;  // as of the last group sealed
    raft::HardState hard_state_;          // likewise
    raft::EntryId last_started_;          // entry
    int64_t last_started_time_ms_ = 0;
    raft::EntryId last_completed_;
    raft::EntryId last_appended_;
    LogIndex base_index_;  // of the last base appended
    Stats stats_;
};

}  // namespace kvorum::wal
