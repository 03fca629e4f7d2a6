// What is left of a damaged log: every sound group on both sides of the damage, and what they say of the rest. Pure.
//
// Sound groups that follow each other form a *run*. A run's entries form a chain: the run's first entry names the
// checksum of the one before it, which is how an entry that was lost is known by its identity. Groups that an earlier
// recovery had cut off may form runs too; nothing is taken from them but entries whose identity is asked for.
//
// The *end* of the log is the last group of the run with the highest epoch and sequence, except that a run whose
// predecessor is not known to have been durable is passed over where the run before it reaches the durable mark: its
// groups were unfinished, as in a hole (wal/recovery.h). The end's header says which hard state was in force and which
// entry was the last.
//
// A block is looked at when no sound header in front of it claims it. A client that can predict a node's segments,
// offsets and sequences could make a value in a group with a damaged header pass for a group.
//
// Thread: any. Limits: one segment is held in memory at a time, by the caller; at most kRunsMax runs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "raft/types.h"
#include "wal/format.h"
#include "wal/position_index.h"
#include "wal/replay.h"

namespace kvorum::wal {

struct SoundRun {
    SoundRun() : replay(index, Replay::Origin::kBehindDamage) {}
    SoundRun(const SoundRun&) = delete;
    SoundRun& operator=(const SoundRun&) = delete;

    [[nodiscard]] bool holds(LogIndex at) const {
        return replay.entry_count() > 0 && at >= replay.first_index() && at <= replay.last().index;
    }

    GroupHeader first;
    GroupHeader last;
    PositionIndex index;
    Replay replay;
};

// What the end of a damaged log says.
struct SurveyedEnd {
    ClusterId cluster;
    GroupId group;
    std::optional<Founding> founding;                  // none: no head of a segment is sound
    std::optional<raft::Configuration> configuration;  // the last one that is known
    LogId log_id;
    std::vector<KnownPeer> known_peers;  // of those records that are sound
    raft::HardState hard_state;
    raft::EntryId last;  // zero when the log has no entry
    // What the log begins behind, as a base record says, or the head of its first segment; zero: it begins with entry
    // 1, or nothing that is left tells. Never above `last`.
    raft::LogBase base;
    uint64_t epoch_max = 0;  // of every sound header that was seen
};

class DamageSurvey {
 public:
    static constexpr size_t kRunsMax = 1024;

    explicit DamageSurvey(NodeId node) : node_(node) {}

    // The next segment, in ascending order. `image` is the whole file. DataLoss: sound groups hold what no writer
    // produces, or the damage is in too many places.
    [[nodiscard]] absl::Status add_segment(uint64_t segment_sequence, Bytes image);
    // After the last segment. DataLoss: nothing sound is left.
    [[nodiscard]] absl::StatusOr<SurveyedEnd> finish() const;

    // In log order.
    [[nodiscard]] const std::vector<std::unique_ptr<SoundRun>>& runs() const { return runs_; }

 private:
    [[nodiscard]] absl::Status add_group(const GroupHeader& header, Bytes records, uint64_t segment_size_bytes);
    [[nodiscard]] bool is_of_this_log(const GroupHeader& header);
    [[nodiscard]] bool follows(const GroupHeader& header) const;
    [[nodiscard]] const SoundRun& end_run() const;
    [[nodiscard]] std::vector<KnownPeer> known_peers() const;
    [[nodiscard]] raft::LogBase find_base(const raft::EntryId& last) const;

    ClusterId cluster_;  // as the first sound group names it; none before
    GroupId group_;
    NodeId node_;
    uint64_t first_segment_ = 0;
    std::vector<std::unique_ptr<SoundRun>> runs_;
    uint64_t epoch_max_ = 0;
    uint64_t durable_group_ = 0;  // the highest that the runs show to be durable
};

}  // namespace kvorum::wal
