// Counts and times the commands of one node as the router answers them: every one goes into the CommandStatistics and
// the LatencyMonitor, one that took longer than slowlog-log-slower-than into the SlowLog with the stage in which its
// time went. What another node sent here counts there.
//
// The clock is read once for the replies of a log entry and once for those of the end of a turn, not once a command. A
// command that is answered on the spot is timed by itself only when it may take long, or when everything is to be
// logged.
//
// Thread: the owning core. What the constructor is given outlives the timer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "gateway/lane.h"
#include "observe/command_statistics.h"
#include "observe/latency_monitor.h"
#include "observe/slow_log.h"
#include "ops/commands.h"
#include "reactor/reactor.h"

namespace kvorum::gateway {

class CommandTimer {
 public:
    CommandTimer(const NodeConfig& config, reactor::Reactor& reactor, LatencyMonitor& latency, SlowLog& slow_log)
        : config_(config), reactor_(reactor), latency_(latency), slow_log_(slow_log) {}

    // A client's command that is answered on the spot. `execute()` carries it out and returns the code of its error,
    // or none: it is not answered yet.
    template <typename Execute>
    void time_inline(const Lane& lane, const Command& command, ops::Arguments arguments, const Execute& execute) {
        const bool alone = is_timed_alone(command, arguments);
        const uint64_t began_ns = alone ? reactor_.backend().monotonic_ns() : 0;
        const std::optional<std::string_view> error_code = execute();
        if (!error_code.has_value()) return;
        if (statistics_.answered(command.name, *error_code)) latency_.command_done_this_turn(command.name);
        if (!alone) return;
        const uint64_t latency_ns = reactor_.backend().monotonic_ns() - began_ns;
        note_event(command, latency_ns);
        note_if_slow(lane, arguments, latency_ns, "execute");
    }

    // The commands that were answered inline in this turn take until now; so do those that are answered next.
    void end_turn();

    // A command of a lane's queue is answered now; `error_code` is empty unless the reply is an error.
    void answered(const Request& request, std::string_view error_code);
    // Its `text` still holds the arguments; `stage` is what it waited for.
    void note_if_slow(const Lane& lane, const Request& request, std::string_view stage);
    // A write, the `place`th of its batch, which will be answered when it is applied: its `text` keeps what the slow
    // log would show of it, or nothing when it would not show it.
    void keep_arguments(RequestQueue& queue, Request& request, ops::Arguments arguments, size_t place);
    // A write that was refused for its arguments.
    void note_refused_write(const Lane& lane, ops::Arguments arguments, uint64_t arrived_ns);

    // The writes of an entry, one after the other: its replies, or the lack of one.
    void begin_entry(LogIndex index);
    void write_answered(const Lane& lane, const Request& request, std::string_view error_code);

    [[nodiscard]] const CommandStatistics& statistics() const { return statistics_; }
    void reset_statistics() { statistics_.reset(); }

 private:
    // A command that Redis calls fast takes no time to speak of unless it has more arguments than this.
    static constexpr size_t kManyArguments = 16;
    // Of a batch the first, which waited longest: the others waited for the same.
    static constexpr size_t kKeptWritesMax = 16;

    [[nodiscard]] bool is_timed_alone(const Command& command, ops::Arguments arguments) const {
        return !command.is_fast || arguments.size() > kManyArguments || config_.limits.slowlog_slower_than_us == 0;
    }
    [[nodiscard]] bool is_slow(uint64_t latency_ns) const;
    // For LATENCY LATEST.
    void note_event(const Command& command, uint64_t latency_ns);
    [[nodiscard]] uint64_t since(uint64_t arrived_ns) const {
        return clock_ns_ > arrived_ns ? clock_ns_ - arrived_ns : 0;
    }
    [[nodiscard]] SlowCommand slow_command(const Lane& lane, uint64_t latency_ns, std::string stages) const;
    void note_if_slow(const Lane& lane, ops::Arguments arguments, uint64_t latency_ns, std::string_view stage);
    void add(SlowCommand command);

    const NodeConfig& config_;
    reactor::Reactor& reactor_;
    LatencyMonitor& latency_;
    SlowLog& slow_log_;
    CommandStatistics statistics_;
    uint64_t clock_ns_ = 0;

    LogIndex entry_index_;
    std::vector<std::string_view> scratch_arguments_;
};

}  // namespace kvorum::gateway
