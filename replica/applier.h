// Carries out what is committed on the state machine, in the order of the log, and tells those who wait for it.
//
// A turn applies as much as its work allows: an entry that is too long for one goes on in the next, and nobody reads
// the state meanwhile (mid_entry). What Raft no longer holds in memory is read back from the log, ahead of need: the
// next piece is under way while the one before is applied.
//
// Thread: the owning core. Ownership: all references outlive the applier. Suspension: none; what is read back arrives
// between turns, and stop() is awaited before destruction. Errors: an entry that cannot be read back, or that this
// version does not understand, ends the node through IoBackend::halt(), and nothing from it on is applied.
//
// A state that came as a snapshot takes the place of the store's between two entries (restore()). Both are in memory
// then, and the one before for as long as replies refer to it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "config/config.h"
#include "kv/store.h"
#include "observe/latency_monitor.h"
#include "observe/node_counters.h"
#include "ops/commands.h"
#include "raft/raft.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "replica/command_outcomes.h"
#include "replica/log_port.h"
#include "replica/write_batcher.h"

namespace kvorum::replica {

// Reading the log back, at start or for a peer that lags, goes in pieces of this size.
inline constexpr uint64_t kLogReadBytes = 2 * kMiB;
// No further piece is read back while so much waits to be applied.
inline constexpr uint64_t kReadAheadBytes = 4 * kMiB;

class Applier {
 public:
    Applier(reactor::Reactor& reactor, const NodeConfig& config, LogPort& log, kv::Store& store, raft::Raft& raft,
            WriteBatcher& writes, NodeCounters& counters, LatencyMonitor& latency, raft::EntryId applied);

    // Everything up to here is committed. Never falls.
    void commit_to(LogIndex index);
    // The state after the entry `last`, which is committed and above last_applied(), takes the store's place; the
    // entries up to it are not applied any more. Who waits for one of them is told nothing.
    void restore(raft::EntryId last, kv::Store state);
    // Applies a turn's worth. True: an entry was applied to its end.
    bool run(CommandOutcomes& outcomes);
    // Another run() would get on with something.
    [[nodiscard]] bool can_run(const CommandOutcomes& outcomes) const;
    // Ends the reading back.
    reactor::Task<void> stop();

    [[nodiscard]] LogIndex last_applied() const { return last_applied_.index; }
    // The entry there; zero: none was applied.
    [[nodiscard]] const raft::EntryId& last_applied_id() const { return last_applied_; }
    // Of the entries applied since the start, as encoded.
    [[nodiscard]] uint64_t applied_bytes() const { return applied_bytes_; }
    // Something committed is to be applied.
    [[nodiscard]] bool waits() const { return last_applied() < apply_target_; }
    // A state is to take the store's place.
    [[nodiscard]] bool restores() const { return restored_.has_value(); }
    // An entry is applied in part: nobody may read the state.
    [[nodiscard]] bool mid_entry() const { return applying_ != nullptr; }
    // Of the state at last_applied(), also while the next entry is applied.
    [[nodiscard]] uint64_t state_hash() const { return mid_entry() ? hash_before_entry_ : store_.state_hash(); }
    // The limit under which the last batch was carried out; 0: none.
    [[nodiscard]] uint64_t memory_limit_bytes() const { return limit_bytes_; }

    void check() const;

 private:
    struct RestoredState {
        raft::EntryId last;
        kv::Store state;
    };

    void take_restored();
    void release_replaced();
    // False: the entry that comes next is not read back yet.
    [[nodiscard]] bool begin_next_entry();
    [[nodiscard]] raft::EntryPtr take_next_entry();
    void begin_entry(raft::EntryPtr entry);
    void resolve_waiters();
    void go_on_with_entry();
    [[nodiscard]] ops::ApplyProgress apply_slice();
    void end_entry();
    void give_up_entry(const std::string& why);
    void end_open_reply();
    ReplySink& reply_for(uint32_t command);
    ReplySink& resume_reply(uint32_t command);
    [[nodiscard]] ops::ApplyReplies apply_replies();
    void keep_reading_back();
    reactor::Task<void> read_back(LogIndex first, LogIndex last);

    reactor::Reactor& reactor_;
    const NodeConfig& config_;
    LogPort& log_;
    kv::Store& store_;
    raft::Raft& raft_;
    WriteBatcher& writes_;
    NodeCounters& counters_;
    LatencyMonitor& latency_;
    CommandOutcomes* outcomes_ = nullptr;  // during run()
    reactor::TaskScope readers_;

    raft::EntryId last_applied_;
    uint64_t applied_bytes_ = 0;
    LogIndex apply_target_;
    bool reading_back_ = false;
    std::deque<raft::EntryPtr> read_ahead_;  // read back from the log, next to be applied
    uint64_t read_ahead_bytes_ = 0;          // of these, as encoded

    std::optional<RestoredState> restored_;  // to take the store's place
    std::vector<kv::Store> replaced_;        // that replies may still refer to

    // The entry that is applied in part, none between entries; its waiters are in executed_waiters_.
    raft::EntryPtr applying_;
    std::optional<ops::EntryApply> apply_;  // none for an entry without commands
    uint64_t hash_before_entry_ = 0;
    uint64_t limit_bytes_ = 0;
    bool reply_open_ = false;
    const ops::ApplyReplies apply_replies_ = apply_replies();
    DiscardingReplySink discard_;
    std::vector<WriteWaiter> executed_waiters_;
    std::vector<WriteWaiter> lost_waiters_;
};

}  // namespace kvorum::replica
