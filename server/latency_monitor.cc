#include "server/latency_monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/units.h"

namespace kvorum::server {

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

void LatencyMonitor::command_done_this_turn(const kv::CommandSpec& spec) {
    for (ThisTurn& known : this_turn_) {
        if (known.spec != &spec) continue;
        ++known.count;
        return;
    }
    this_turn_.push_back({&spec, 1});
}

void LatencyMonitor::turn_ends(uint64_t turn_ns) {
    for (const ThisTurn& done : this_turn_)
        histogram_of(*done.spec).record(turn_ns, done.count);
    this_turn_.clear();
}

Histogram& LatencyMonitor::histogram_of(const kv::CommandSpec& spec) {
    if (last_spec_ == &spec) return *last_histogram_;
    const auto known = commands_.find(&spec);
    if (known != commands_.end()) {
        last_histogram_ = known->second.get();
    } else {
        last_histogram_ = commands_.emplace(&spec, std::make_unique<Histogram>()).first->second.get();
    }
    last_spec_ = &spec;
    return *last_histogram_;
}

std::map<std::string_view, const Histogram*> LatencyMonitor::commands() const {
    std::map<std::string_view, const Histogram*> by_name;
    for (const auto& [spec, histogram] : commands_)
        by_name.emplace(spec->name, histogram.get());
    return by_name;
}

const Histogram* LatencyMonitor::command(std::string_view name) const {
    for (const auto& [spec, histogram] : commands_) {
        if (spec->name == name) return histogram.get();
    }
    return nullptr;
}

void LatencyMonitor::reset() {
    commands_.clear();
    last_spec_ = nullptr;
    for (Histogram& histogram : stages_)
        histogram.reset();
}

}  // namespace kvorum::server
