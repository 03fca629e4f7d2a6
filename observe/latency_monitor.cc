#include "observe/latency_monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/units.h"

namespace kvorum {

void LatencyMonitor::entry_proposed(LogIndex index, uint32_t commands, uint64_t first_arrival_ns, uint64_t now_ns) {
    entries_.push_back({index, commands, first_arrival_ns, now_ns, 0, 0, false});
    record(Stage::kQueue, now_ns - std::min(first_arrival_ns, now_ns), commands);
}

void LatencyMonitor::entries_durable(LogIndex up_to, uint64_t now_ns) {
    for (EntryTimes& entry : entries_) {
        if (entry.index > up_to) break;
        if (entry.durable_ns != 0) continue;
        entry.durable_ns = now_ns;
        record(Stage::kSync, now_ns - entry.proposed_ns, entry.commands);
    }
    while (!entries_.empty() && entries_.front().applied && entries_.front().durable_ns != 0)
        entries_.pop_front();
}

void LatencyMonitor::entries_committed(LogIndex up_to, uint64_t now_ns) {
    for (EntryTimes& entry : entries_) {
        if (entry.index > up_to) return;
        if (entry.committed_ns != 0) continue;
        entry.committed_ns = now_ns;
        record(Stage::kQuorum, now_ns - entry.proposed_ns, entry.commands);
    }
}

void LatencyMonitor::entry_applied(LogIndex index, uint64_t now_ns) {
    for (EntryTimes& entry : entries_) {
        if (entry.index > index) break;
        if (entry.applied || entry.committed_ns == 0) continue;
        entry.applied = true;
        record(Stage::kApply, now_ns - entry.committed_ns, entry.commands);
    }
    while (!entries_.empty() && entries_.front().applied && entries_.front().durable_ns != 0)
        entries_.pop_front();
}

std::string LatencyMonitor::stages_of(LogIndex index, uint64_t now_ns) const {
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [index](const EntryTimes& candidate) { return candidate.index == index; });
    if (entry == entries_.end() || entry->committed_ns == 0) return {};
    const auto us = [](uint64_t from_ns, uint64_t to_ns) {
        return (to_ns - std::min(from_ns, to_ns)) / kMicrosecondNs;
    };
    const std::string sync =
        entry->durable_ns == 0 ? "pending" : fmt::format("{}us", us(entry->proposed_ns, entry->durable_ns));
    return fmt::format("queue={}us sync={} quorum={}us apply={}us", us(entry->first_arrival_ns, entry->proposed_ns),
                       sync, us(entry->proposed_ns, entry->committed_ns), us(entry->committed_ns, now_ns));
}

void LatencyMonitor::command_done_this_turn(std::string_view command) {
    for (ThisTurn& known : this_turn_) {
        if (known.command.data() != command.data()) continue;
        ++known.count;
        return;
    }
    this_turn_.push_back({command, 1});
}

void LatencyMonitor::turn_ends(uint64_t turn_ns) {
    for (const ThisTurn& done : this_turn_)
        histogram_of(done.command).record(turn_ns, done.count);
    this_turn_.clear();
}

Histogram& LatencyMonitor::histogram_of(std::string_view command) {
    if (last_command_.data() == command.data()) return *last_histogram_;
    std::unique_ptr<Histogram>& histogram = commands_[command];
    if (histogram == nullptr) histogram = std::make_unique<Histogram>();
    last_command_ = command;
    last_histogram_ = histogram.get();
    return *last_histogram_;
}

std::map<std::string_view, const Histogram*> LatencyMonitor::commands() const {
    std::map<std::string_view, const Histogram*> by_name;
    for (const auto& [command, histogram] : commands_)
        by_name.emplace(command, histogram.get());
    return by_name;
}

const Histogram* LatencyMonitor::command(std::string_view name) const {
    const auto known = commands_.find(name);
    return known == commands_.end() ? nullptr : known->second.get();
}

void LatencyMonitor::reset() {
    commands_.clear();
    last_command_ = {};
    for (Histogram& histogram : stages_)
        histogram.reset();
}

}  // namespace kvorum
