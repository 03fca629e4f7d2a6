// The log as the core sees it: the term of every entry, the identity of the last one, and the newest entries
// themselves.
//
// What lies at or below the base is not in the log: a snapshot stands for it, and all of it is committed. Of the base
// itself term and, mostly, checksum are known.
//
// Terms are kept as runs for the whole log, so consistency checks and backtracking never wait for a disk. Entries are
// cached as a suffix of the log; older ones are read back from the durable log by the owner of Raft. After recovery the
// cache is empty.
//
// Ownership: shares the entries. Thread: the owning core. Append and lookups near the end are O(1), others O(log(number
// of terms)).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/fifo.h"
#include "raft/entry.h"
#include "raft/log_base.h"
#include "raft/log_facts.h"
#include "raft/raft.h"
#include "raft/types.h"

namespace kvorum::raft {

class Log {
 public:
    explicit Log(const RecoveredLog& recovered);

    [[nodiscard]] LogIndex last_index() const { return last_.index; }
    [[nodiscard]] Term last_term() const { return last_.term; }
    [[nodiscard]] EntryId last_id() const { return last_; }
    [[nodiscard]] int64_t last_log_time_ms() const { return last_log_time_ms_; }
    [[nodiscard]] std::span<const TermRun> term_runs() const { return runs_; }
    [[nodiscard]] const LogFacts& facts() const { return facts_; }
    [[nodiscard]] LogIndex base_index() const { return base_.index; }

    // None for index 0, below the base and beyond the end.
    [[nodiscard]] Term term_at(LogIndex index) const;
    // The checksum of the entry at `index`, when it is cached, the last one, the base, or 0 (which precedes the first
    // entry).
    [[nodiscard]] std::optional<uint64_t> checksum_at(LogIndex index) const;
    // The largest index that is at most `limit` and whose entry has at most `term`; none if there is none. For
    // backtracking (thesis 3.5).
    [[nodiscard]] LogIndex last_index_of_term_at_most(LogIndex limit, Term term) const;

    // An entry at or below last_index() replaces that one and everything behind it; else it must be the next one. Its
    // body must be what its type says.
    void append(EntryPtr entry);

    // Entries up to `up_to`, which is not beyond the end, are not in the log any more.
    void compact(LogIndex up_to);
    // The log is what begins behind `base`, and has no entry yet.
    void begin_at(const LogBase& base);

    // --- the cache: entries first_cached_index() .. last_index() ---
    // last_index() + 1 when nothing is cached.
    [[nodiscard]] LogIndex first_cached_index() const { return last_.index + 1 - cache_.size(); }
    [[nodiscard]] bool is_cached(LogIndex index) const { return index >= first_cached_index() && index <= last_.index; }
    // Must be cached.
    [[nodiscard]] const EntryPtr& cached(LogIndex index) const;
    // Encoded bytes of the cached entries above `index`.
    [[nodiscard]] uint64_t cached_bytes_above(LogIndex index) const;
    // Lets go of the oldest entries until those up to `evictable` hold at most `bytes_max`. The last entry always
    // stays.
    void evict(LogIndex evictable, uint64_t bytes_max);

 private:
    struct Cached {
        EntryPtr entry;
        uint64_t end_offset = 0;  // encoded bytes of all entries ever cached, up to and with this one
    };

    void truncate_from(LogIndex first_removed);
    [[nodiscard]] const Cached& slot(LogIndex index) const;
    [[nodiscard]] uint64_t end_offset_at(LogIndex index) const;

    EntryId last_;
    int64_t last_log_time_ms_ = 0;
    EntryId base_;  // checksum 0: not known
    std::vector<TermRun> runs_;
    LogFacts facts_;
    Fifo<Cached> cache_;
    uint64_t evicted_offset_ = 0;  // end_offset of the entry before the first cached one
};

}  // namespace kvorum::raft
