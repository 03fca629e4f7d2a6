// What entries of a log say of the cluster itself: its configuration and its feature level. Each fact belongs to the
// entry that states it, so it is in the log when that is appended, and gone when that is cut off (thesis 4.1).
//
// The log's writer, its recovery and Raft keep one each and feed it the same entries.
//
// Thread: the owner's. Memory: one fact for each change of members and each raise of the level.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "raft/configuration.h"
#include "raft/entry.h"
#include "raft/feature_level.h"

namespace kvorum::raft {

template <typename Fact>
struct StatedFact {
    LogIndex index;
    Fact fact;

    bool operator==(const StatedFact&) const = default;
};

template <typename Fact>
class FactsByIndex {
 public:
    using Stated = StatedFact<Fact>;

    // The index is above those before it.
    void state(LogIndex index, Fact fact) {
        KVORUM_ASSERT(facts_.empty() || index > facts_.back().index, "{} after {}", index, facts_.back().index);
        facts_.push_back({index, std::move(fact)});
    }
    void cut_from(LogIndex first_removed) {
        while (!facts_.empty() && facts_.back().index >= first_removed)
            facts_.pop_back();
    }
    // Those before the last one at or below `index` are not asked for any more.
    void forget_before(LogIndex index) {
        while (facts_.size() > 1 && facts_[1].index <= index)
            facts_.erase(facts_.begin());
    }
    // The last one; null: none. Valid until the next change.
    [[nodiscard]] const Stated* last() const { return facts_.empty() ? nullptr : &facts_.back(); }
    // The last one that an entry at or below `index` states.
    [[nodiscard]] const Stated* last_at(LogIndex index) const {
        for (auto stated = facts_.rbegin(); stated != facts_.rend(); ++stated) {
            if (stated->index <= index) return &*stated;
        }
        return nullptr;
    }
    // Compares the last ones: of what came before, a log that begins later knows nothing.
    [[nodiscard]] bool ends_like(const FactsByIndex& other) const {
        if (facts_.empty() || other.facts_.empty()) return facts_.empty() == other.facts_.empty();
        return facts_.back() == other.facts_.back();
    }

 private:
    std::vector<Stated> facts_;
};

class LogFacts {
 public:
    // An entry that comes behind all that were noted and not cut off. False: it is of a kind that states a fact, and
    // its body states none; then nothing changed.
    [[nodiscard]] bool note(const EntryHeader& header, Bytes body);
    void cut_from(LogIndex first_removed);
    // Entries below `index` are not in the log any more.
    void forget_before(LogIndex index) {
        configurations.forget_before(index);
        raises.forget_before(index);
    }

    FactsByIndex<Configuration> configurations;
    FactsByIndex<FeatureLevelRaise> raises;

    // The highest level that an entry was written at. Whoever wrote that one knew the level to be in force, so this
    // stands even when the entry is cut off.
    [[nodiscard]] uint16_t proven_level() const { return proven_level_; }
    // Entries that this log no longer has were written at it.
    void prove(uint16_t level) { proven_level_ = std::max(proven_level_, level); }
    // In force once everything up to `commit_index` is committed.
    [[nodiscard]] uint16_t level_at(LogIndex commit_index) const;
    // The highest that the log speaks of, committed or not.
    [[nodiscard]] uint16_t highest_level() const;

 private:
    uint16_t proven_level_ = kFirstFeatureLevel;
};

// Why a program that knows levels up to `known_level` cannot read this entry, for its operator; empty: it can.
// `raised_by` is what is known of who raised the level before; it may be empty. A raise above the known level is as
// good as an entry of that level, unless `body` is empty.
[[nodiscard]] std::string unreadable_reason(const EntryHeader& header, Bytes body, uint16_t known_level,
                                            std::string_view raised_by);

}  // namespace kvorum::raft
