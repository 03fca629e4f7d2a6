#include "raft/log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace kvorum::raft {

Log::Log(const RecoveredLog& recovered)
    : last_(recovered.last),
      last_log_time_ms_(recovered.last_log_time_ms),
      base_(recovered.base.last),
      runs_(recovered.terms),
      facts_(recovered.facts) {
    KVORUM_ASSERT(runs_.empty() == (last_.index == base_.index), "{} term runs for entries {} to {}", runs_.size(),
                  base_.index + 1, last_.index);
    KVORUM_ASSERT(runs_.empty() || runs_.front().first_index == base_.index + 1, "the log starts at {}",
                  runs_.front().first_index);
    KVORUM_ASSERT(runs_.empty() || runs_.back().term == last_.term, "last run {}, last entry {}", runs_.back().term,
                  last_.term);
}

Term Log::term_at(LogIndex index) const {
    if (index.is_none() || index > last_.index || index < base_.index) return Term{};
    if (index == base_.index) return base_.term;
    // Nearly every question is about the current term.
    if (index >= runs_.back().first_index) return runs_.back().term;
    const auto after = std::upper_bound(runs_.begin(), runs_.end(), index,
                                        [](LogIndex wanted, const TermRun& run) { return wanted < run.first_index; });
    return std::prev(after)->term;
}

std::optional<uint64_t> Log::checksum_at(LogIndex index) const {
    if (index.is_none()) return 0;
    if (index == last_.index) return last_.checksum;
    if (is_cached(index)) return cached(index)->id().checksum;
    if (index == base_.index && base_.checksum != 0) return base_.checksum;
    return std::nullopt;
}

LogIndex Log::last_index_of_term_at_most(LogIndex limit, Term term) const {
    limit = std::min(limit, last_.index);
    for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
        if (run->first_index > limit) continue;
        if (run->term <= term) return limit;
        limit = run->first_index - 1;
    }
    return limit == base_.index && base_.term <= term ? limit : LogIndex{};
}

void Log::compact(LogIndex up_to) {
    if (up_to <= base_.index) return;
    KVORUM_ASSERT(up_to <= last_.index, "compacted to {}, the last entry is {}", up_to, last_.index);
    base_ = {up_to, term_at(up_to), checksum_at(up_to).value_or(0)};
    while (runs_.size() > 1 && runs_[1].first_index <= up_to + 1)
        runs_.erase(runs_.begin());
    if (up_to == last_.index) {
        runs_.clear();
    } else {
        runs_.front().first_index = up_to + 1;
    }
    while (!cache_.empty() && cache_.front().entry->index() <= up_to) {
        evicted_offset_ = cache_.front().end_offset;
        cache_.pop_front();
    }
    facts_.forget_before(up_to);
}

void Log::begin_at(const LogBase& base) {
    base_ = last_ = base.last;
    last_log_time_ms_ = base.log_time_ms;
    facts_ = facts_of(base);
    runs_.clear();
    cache_.clear();
}

void Log::append(EntryPtr entry) {
    const EntryId id = entry->id();
    KVORUM_ASSERT(!id.index.is_none() && id.index <= last_.index + 1, "entry {} after {}", id.index, last_.index);
    if (id.index <= last_.index) truncate_from(id.index);
    KVORUM_ASSERT(runs_.empty() || runs_.back().term <= id.term, "term {} after {}", id.term, runs_.back().term);
    if (runs_.empty() || runs_.back().term != id.term) runs_.push_back({id.term, id.index});
    const uint64_t end_offset = (cache_.empty() ? evicted_offset_ : cache_.back().end_offset) + entry->encoded().size();
    last_ = id;
    last_log_time_ms_ = entry->header().log_time_ms;
    const bool noted = facts_.note(entry->header(), entry->body());
    KVORUM_ASSERT(noted, "entry {} is no {}", id.index, entry_type_name(entry->header().type));
    cache_.push_back({std::move(entry), end_offset});
}

// What last_ holds of the entry before is unknown when that one is not cached: append() sets it at once.
void Log::truncate_from(LogIndex first_removed) {
    while (!runs_.empty() && runs_.back().first_index >= first_removed)
        runs_.pop_back();
    while (!cache_.empty() && cache_.back().entry->index() >= first_removed)
        cache_.pop_back();
    facts_.cut_from(first_removed);
    KVORUM_ASSERT(first_removed > base_.index, "cut from {}, the log begins behind {}", first_removed, base_.index);
    last_ = runs_.empty() ? base_ : EntryId{first_removed - 1, runs_.back().term, 0};
}

const Log::Cached& Log::slot(LogIndex index) const {
    KVORUM_ASSERT(is_cached(index), "index {}, cached from {} to {}", index, first_cached_index(), last_.index);
    return cache_[index - first_cached_index()];
}

const EntryPtr& Log::cached(LogIndex index) const { return slot(index).entry; }

uint64_t Log::end_offset_at(LogIndex index) const {
    if (index < first_cached_index()) return evicted_offset_;
    return slot(std::min(index, last_.index)).end_offset;
}

uint64_t Log::cached_bytes_above(LogIndex index) const {
    if (cache_.empty()) return 0;
    return cache_.back().end_offset - end_offset_at(index);
}

void Log::evict(LogIndex evictable, uint64_t bytes_max) {
    if (cache_.empty()) return;
    evictable = std::min(evictable, last_.index - 1);
    if (evictable < first_cached_index()) return;
    const uint64_t end_offset = end_offset_at(evictable);
    while (end_offset - evicted_offset_ > bytes_max) {
        evicted_offset_ = cache_.front().end_offset;
        cache_.pop_front();
    }
}

}  // namespace kvorum::raft
