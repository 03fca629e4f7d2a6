// What the records of a log mean, in order: the state that a node starts from. Pure.
//
// An entry whose index is not above the last one's replaces that entry and everything behind it. A hard state replaces
// the one before. An entry that was begun and not finished when its epoch ended was never acknowledged and is dropped.
// The log's id, its founding and the log that a peer is known by never change. The configuration and the feature level
// are what the last entries that state them say; the head of the first segment says what was stated before it. A base
// record ends all that: entries before it are gone, also one that was begun, and nothing replaces them.
//
// Segments are released one file after the other up to one whose head stands (wal/position_index.h), so a crash may
// leave a first head that does not: its entry was replaced, or never finished. Everything up to the next head was to be
// released too, and is passed over; the log begins there, or at a later one.
//
// Thread: the owner's. Errors: input is never trusted; the first error ends the replay, and what was applied before it
// stays readable.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "raft/entry.h"
#include "raft/log_facts.h"
#include "raft/types.h"
#include "wal/format.h"
#include "wal/position_index.h"

namespace kvorum::wal {

enum class ReplayError {
    kNone,
    kBadRecord,           // a sound group with records that no writer produces
    kBadHead,             // a segment head that contradicts the log before it
    kWrongCluster,        // an entry of another cluster or group
    kNewerLevel,          // an entry that only a newer version can read
    kBrokenEntryChain,    // an entry that does not follow the one before it: index gap, previous checksum, or a lower
                          // term
    kHardStateBackwards,  // a lower term, or a second vote in one term
};

class Replay {
 public:
    // Identities kept to verify the link of an entry that replaces others. A replacement that reaches further back is
    // checked by index and term only.
    static constexpr size_t kIdentitiesMax = 8192;

    // What the first group follows: nothing, or a segment head tells; or, of groups behind damage, what their entries
    // and headers say.
    enum class Origin { kLogStart, kBehindDamage };

    // Fills `index` as it goes, which must outlive this object. For kBehindDamage the caller has started the index's
    // segment if the first group is no head.
    explicit Replay(PositionIndex& index, Origin origin = Origin::kLogStart) : index_(index), origin_(origin) {}

    // `header` is valid, of the same cluster and group as those before it, follows the last one, and `records` are its
    // records. On an error detail() says what is
    // wrong.
    [[nodiscard]] ReplayError apply_group(const GroupHeader& header, Bytes records, uint64_t segment_size_bytes);
    [[nodiscard]] const std::string& detail() const { return detail_; }

    [[nodiscard]] LogId log_id() const { return log_id_; }
    // None behind damage, before the first head.
    [[nodiscard]] const std::optional<Founding>& founding() const { return founding_; }
    [[nodiscard]] const raft::LogFacts& facts() const { return facts_; }
    [[nodiscard]] const std::vector<KnownPeer>& known_peers() const { return known_peers_; }
    [[nodiscard]] const raft::HardState& hard_state() const { return hard_state_; }
    [[nodiscard]] const raft::EntryId& last() const { return last_; }
    [[nodiscard]] int64_t last_log_time_ms() const { return last_log_time_ms_; }
    // Runs of the live entries from first_index() on.
    [[nodiscard]] const std::vector<raft::TermRun>& terms() const { return terms_; }
    // What stands before the first entry, as a base record or the first segment's head says; zero when the log begins
    // with entry 1. The head tells no proven level: its entry was committed when what is before it was released, and so
    // was the raise that the head states. Behind damage it may be wrong, unless has_base_record(), or unless the first
    // group is the log's first.
    [[nodiscard]] const raft::LogBase& base() const { return base_; }
    [[nodiscard]] bool has_base_record() const { return has_base_record_; }
    // No head so far tells where the log begins.
    [[nodiscard]] bool lacks_beginning() const { return lacks_beginning_; }
    // The lowest entry in the retained segments, or last().index + 1 when there is none.
    [[nodiscard]] LogIndex first_index() const;
    // The entry at first_index() - 1, as base() names it, or behind damage the first entry (then without a term); zero
    // when it is unknown or there is none.
    [[nodiscard]] raft::EntryId before_first() const;
    [[nodiscard]] uint64_t entry_count() const { return entry_count_; }
    [[nodiscard]] uint64_t entry_bytes() const { return entry_bytes_; }  // as encoded

 private:
    ReplayError fail(ReplayError error, std::string detail);
    [[nodiscard]] bool replaces_base(const Record& record) const;
    ReplayError apply_record(const GroupHeader& header, const Record& record, LogPosition position);
    // The records that only the head of a segment has; `count` of them.
    ReplayError apply_head(const GroupHeader& header, RecordCursor& cursor, uint32_t& count,
                           uint64_t segment_size_bytes);
    ReplayError apply_segment_head(const GroupHeader& header, const SegmentHead& head);
    ReplayError apply_base(const GroupHeader& header, const SegmentHead& head, Bytes payload);
    ReplayError apply_founding(const GroupHeader& header, const std::optional<Record>& record);
    ReplayError apply_stated(RecordCursor& cursor, uint32_t& count, LogIndex last, bool is_first);
    ReplayError apply_hard_state(const Record& record);
    ReplayError apply_known_peer(const Record& record);
    ReplayError apply_piece(const Record& record, LogPosition position, GroupPlace place);
    ReplayError apply_entry(Bytes encoded, LogPosition position, GroupPlace place);
    ReplayError check_link(const raft::EntryHeader& header);
    ReplayError check_summary(const GroupHeader& header);
    [[nodiscard]] bool is_first_head() const { return !started_ || lacks_beginning_ || (is_lost() && !partial_.open); }
    // Nothing is known yet of the entries before.
    [[nodiscard]] bool is_lost() const {
        return origin_ == Origin::kBehindDamage && entry_count_ == 0 && identities_.empty();
    }
    void forget_from(LogIndex index);
    void forget_entries(uint64_t head_group);

    PositionIndex& index_;
    Origin origin_;
    std::string detail_;

    bool started_ = false;
    uint64_t epoch_ = 0;
    ClusterId cluster_;  // as the first header names it
    GroupId group_;
    LogId log_id_;
    std::optional<Founding> founding_;
    raft::LogFacts facts_;
    std::vector<KnownPeer> known_peers_;
    raft::HardState hard_state_;
    raft::LogBase base_;  // before the first entry
    bool has_base_record_ = false;
    bool lacks_beginning_ = false;
    raft::EntryId last_;
    int64_t last_log_time_ms_ = 0;
    std::vector<raft::TermRun> terms_;
    std::deque<raft::EntryId> identities_;  // of consecutive entries, the last one's at the back
    uint64_t entry_count_ = 0;
    uint64_t entry_bytes_ = 0;

    // An entry whose last piece has not come yet.
    struct PartialEntry {
        bool open = false;
        bool skipped = false;  // it began in a released segment
        std::string bytes;
        raft::EntryId id;
        LogPosition position;
        GroupPlace place;
    };
    PartialEntry partial_;
};

}  // namespace kvorum::wal
