// Where the time of commands goes: how long each command takes, from its arrival to its reply, and how long the writes
// that this node led spent in each stage. INFO latencystats, LATENCY HISTOGRAM, SLOWLOG and `kvorum top` read it.
//
// The stages of a write, as in base/probes.h. They are timed by log entry, not by command, so their cost is that of a
// few clock readings a batch; in the histograms an entry counts once for each of its commands.
//   queue    the first command of the batch arrived -> the batch is a log entry
//   sync     ... -> durable on this node
//   quorum   the batch is a log entry -> durable on a majority
//   apply    ... -> carried out, replies written
//
// A command that is answered in the turn that brought it (a read under a lease, PING) takes from the beginning of that
// turn to its end, when the reply leaves: one clock reading for all of them.
//
// Thread: the owning core. Times are nanoseconds of the backend's monotonic clock. Memory: a histogram (18 KiB) for
// each command that was ever used, one record for each entry that is not durable, committed and applied yet; in the
// steady state nothing is allocated.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/fifo.h"
#include "base/histogram.h"
#include "base/ids.h"
#include "observe/latency_events.h"

namespace kvorum {

enum class Stage : uint8_t { kQueue, kSync, kQuorum, kApply };
inline constexpr std::array<std::string_view, 4> kStageNames{"queue", "sync", "quorum", "apply"};

class LatencyMonitor {
 public:
    // --- the stages, told by the driver that leads ---
    void entry_proposed(LogIndex index, uint32_t commands, uint64_t first_arrival_ns, uint64_t now_ns);
    void entries_durable(LogIndex up_to, uint64_t now_ns);
    void entries_committed(LogIndex up_to, uint64_t now_ns);
    void entry_applied(LogIndex index, uint64_t now_ns);
    // The entries that are under way may never be committed.
    void leadership_lost() { entries_.clear(); }
    // "queue=12us sync=340us quorum=410us apply=3us" of an entry that is being carried out; empty when this node did
    // not propose it.
    [[nodiscard]] std::string stages_of(LogIndex index, uint64_t now_ns) const;

    // --- commands, by their names, whose texts stay where they are ---
    void command_done(std::string_view command, uint64_t latency_ns) { histogram_of(command).record(latency_ns); }
    // Answered in the turn that brought it; turn_ends() knows how long that was.
    void command_done_this_turn(std::string_view command);
    void turn_ends(uint64_t turn_ns);

    [[nodiscard]] const Histogram& stage(Stage stage) const { return stages_[static_cast<size_t>(stage)]; }
    // By name; commands that were never used are left out. Good until the next command ends.
    [[nodiscard]] std::map<std::string_view, const Histogram*> commands() const;
    // Null: never used.
    [[nodiscard]] const Histogram* command(std::string_view name) const;
    void reset();

    // Not forgotten by reset(), as in Redis.
    [[nodiscard]] LatencyEvents& events() { return events_; }

 private:
    struct EntryTimes {
        LogIndex index;
        uint32_t commands;
        uint64_t first_arrival_ns;
        uint64_t proposed_ns;
        uint64_t durable_ns;    // 0: not yet
        uint64_t committed_ns;  // 0: not yet
        bool applied;
    };
    struct ThisTurn {
        std::string_view command;
        uint64_t count;
    };

    void record(Stage stage, uint64_t latency_ns, uint32_t commands) {
        stages_[static_cast<size_t>(stage)].record(latency_ns, commands);
    }
    Histogram& histogram_of(std::string_view command);

    Fifo<EntryTimes> entries_;  // in the order of their indices
    std::array<Histogram, kStageNames.size()> stages_;
    absl::flat_hash_map<std::string_view, std::unique_ptr<Histogram>> commands_;  // at fixed places
    // The command that was looked up last: most come in runs.
    std::string_view last_command_;
    Histogram* last_histogram_ = nullptr;
    std::vector<ThisTurn> this_turn_;
    LatencyEvents events_;
};

}  // namespace kvorum
