// A log that a test plays by hand: what is appended is durable when the test says so, however late, and it may be full,
// busy, slow or broken.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "reactor/event.h"
#include "replica/log_port.h"

namespace kvorum::replica {

class FakeLog final : public LogPort {
 public:
    struct Unit {
        std::optional<raft::HardState> hard_state;
        raft::EntryList entries;
        std::optional<raft::LogBase> base = std::nullopt;
    };

    explicit FakeLog(reactor::Reactor& reactor) : may_read(reactor) { may_read.set(); }

    // --- what the test does ---
    // The disk finished this unit; units before it may still be under way.
    void finish(uint64_t unit) { finished_.at(unit - 1) = true; }
    void finish_all() { finished_.assign(finished_.size(), true); }
    // From an earlier life of the node.
    void hold(const raft::EntryPtr& entry) { entries_[entry->index()] = entry; }

    // --- LogPort ---
    uint64_t append(std::optional<raft::HardState> hard_state, raft::EntryList entries) override {
        for (const raft::EntryPtr& entry : entries) {
            entries_.erase(entries_.lower_bound(entry->index()), entries_.end());
            entries_[entry->index()] = entry;
        }
        units.push_back({hard_state, std::move(entries), std::nullopt});
        finished_.push_back(false);
        return units.size();
    }
    uint64_t begin_at(raft::LogBase base) override {
        entries_.clear();
        first_index_ = base.last.index + 1;
        units.push_back({std::nullopt, {}, std::move(base)});
        finished_.push_back(false);
        return units.size();
    }
    void release_prefix(LogIndex up_to) override {
        entries_.erase(entries_.begin(), entries_.upper_bound(up_to));
        first_index_ = std::max(first_index_, up_to + 1);
    }
    LogIndex first_index() const override { return first_index_; }
    uint64_t durable_unit() const override {
        uint64_t unit = 0;
        while (unit < finished_.size() && finished_[unit])
            ++unit;
        return unit;
    }
    reactor::Task<absl::StatusOr<raft::EntryList>> read(LogIndex first, LogIndex last,
                                                        uint64_t /*bytes_max*/) override {
        ++reads;
        const bool ready = co_await may_read.wait();
        maybe(ready);
        if (!read_status.ok()) co_return read_status;
        raft::EntryList out;
        for (LogIndex index = first; index <= last && entries_.contains(index) && out.size() < entries_per_read;
             ++index)
            out.push_back(entries_.at(index));
        co_return out;
    }
    uint64_t bytes_behind(LogIndex index) const override {
        uint64_t bytes = 0;
        for (auto it = entries_.upper_bound(index); it != entries_.end(); ++it)
            bytes += it->second->encoded().size();
        return bytes;
    }
    LogIndex index_at_bytes_from_end(uint64_t bytes) const override {
        for (auto it = entries_.rbegin(); it != entries_.rend(); ++it) {
            if (bytes_behind(it->first) >= bytes) return it->first;
        }
        return LogIndex{};
    }
    bool busy() const override { return is_busy; }
    uint32_t groups_in_flight() const override { return durable_unit() < units.size() ? 1 : 0; }
    uint64_t last_sync_ns() const override { return sync_ns; }
    uint64_t oldest_unsynced_ns(uint64_t) const override { return unsynced_ns; }
    bool low_on_space() const override { return is_full; }

    std::vector<Unit> units;
    bool is_busy = false;
    bool is_full = false;
    uint64_t sync_ns = 0;
    uint64_t unsynced_ns = 0;
    absl::Status read_status;
    size_t entries_per_read = 100;
    uint64_t reads = 0;
    reactor::Event may_read;  // reset: reads hang

 private:
    std::map<LogIndex, raft::EntryPtr> entries_;
    LogIndex first_index_{1};
    std::vector<bool> finished_;
};

}  // namespace kvorum::replica
