#include "wal/damage_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "wal/recovery.h"

namespace kvorum::wal {

absl::Status DamageSurvey::add_segment(uint64_t segment_sequence, Bytes image) {
    if (first_segment_ == 0) first_segment_ = segment_sequence;
    uint64_t offset = 0;
    while (offset < image.size()) {
        const Bytes here = image.subspan(offset);
        GroupHeader header;
        const bool sound = decode_group_header(here, header) == GroupError::kNone && header.node == node_ &&
                           header.segment_sequence == segment_sequence && header.offset_bytes == offset &&
                           header.size_bytes() <= here.size() && is_of_this_log(header);
        if (!sound) {
            offset += kBlockBytes;
            continue;
        }
        offset += header.size_bytes();
        epoch_max_ = std::max(epoch_max_, header.epoch);
        const std::optional<Bytes> records = group_records(header, here);
        if (!records.has_value()) continue;
        absl::Status added = add_group(header, *records, image.size());
        if (!added.ok()) return added;
    }
    return absl::OkStatus();
}

bool DamageSurvey::is_of_this_log(const GroupHeader& header) {
    if (cluster_.is_none()) {
        cluster_ = header.cluster;
        group_ = header.group;
    }
    return header.cluster == cluster_ && header.group == group_;
}

bool DamageSurvey::follows(const GroupHeader& header) const {
    if (runs_.empty()) return false;
    const GroupHeader& last = runs_.back()->last;
    const bool is_next_place = header.segment_sequence == last.segment_sequence
                                   ? header.offset_bytes == last.offset_bytes + last.size_bytes()
                                   : header.segment_sequence == last.segment_sequence + 1 && header.offset_bytes == 0;
    return is_next_place && header.group_sequence == last.group_sequence + 1 &&
           header.prev_header_checksum == last.header_checksum;
}

absl::Status DamageSurvey::add_group(const GroupHeader& header, Bytes records, uint64_t segment_size_bytes) {
    if (!follows(header)) {
        if (runs_.size() == kRunsMax) return absl::DataLossError("the log is damaged in too many places");
        runs_.push_back(std::make_unique<SoundRun>());
        runs_.back()->first = header;
        // A head starts its segment by itself.
        if (header.offset_bytes != 0) runs_.back()->index.start_segment(header.segment_sequence, header.group_sequence);
    }
    SoundRun& run = *runs_.back();
    if (run.replay.apply_group(header, records, segment_size_bytes) != ReplayError::kNone) {
        return absl::DataLossError(fmt::format("{} offset {}: a sound group holds what no writer produces: {}",
                                               segment_file_name(header.segment_sequence), header.offset_bytes,
                                               run.replay.detail()));
    }
    run.last = header;
    run.index.set_end(header.offset_bytes + header.size_bytes());
    // G1: when this group was sealed, no group that far behind it was unfinished.
    const uint64_t outside_window =
        header.group_sequence - std::min<uint64_t>(header.group_sequence, header.groups_in_flight_max);
    durable_group_ = std::max({durable_group_, header.durable_group, outside_window});
    return absl::OkStatus();
}

const SoundRun& DamageSurvey::end_run() const {
    const auto order = [](const SoundRun& run) { return std::tuple(run.last.epoch, run.last.group_sequence); };
    std::vector<const SoundRun*> sorted;
    sorted.reserve(runs_.size());
    for (const auto& run : runs_)
        sorted.push_back(run.get());
    std::sort(sorted.begin(), sorted.end(),
              [&](const SoundRun* a, const SoundRun* b) { return order(*a) < order(*b); });
    const SoundRun* end = sorted.back();
    for (size_t i = sorted.size() - 1; i > 0; --i) {
        const SoundRun& before = *sorted[i - 1];
        const bool unfinished = end->first.group_sequence > durable_group_ + 1;
        if (!unfinished || before.last.group_sequence < durable_group_) break;
        end = &before;
    }
    return *end;
}

std::vector<KnownPeer> DamageSurvey::known_peers() const {
    std::vector<KnownPeer> known;
    for (const auto& run : runs_) {
        for (const KnownPeer& peer : run->replay.known_peers()) {
            if (std::find(known.begin(), known.end(), peer) == known.end()) known.push_back(peer);
        }
    }
    return known;
}

// A base that a crash kept from becoming durable counts too: a snapshot stood for it before it was written.
raft::LogBase DamageSurvey::find_base(const raft::EntryId& last) const {
    raft::LogBase found;
    for (const auto& run : runs_) {
        const raft::LogBase& base = run->replay.base();
        const bool begins_the_log =
            first_segment_ != 1 && run->first.segment_sequence == first_segment_ && run->first.offset_bytes == 0;
        const bool is_known = run->replay.has_base_record() || (begins_the_log && !base.last.term.is_none());
        if (is_known && base.last.index <= last.index) found = base;
    }
    return found;
}

absl::StatusOr<SurveyedEnd> DamageSurvey::finish() const {
    if (runs_.empty()) return absl::DataLossError("no sound group is left of the log");
    const GroupHeader& last = end_run().last;
    for (const auto& run : runs_) {
        if (run->replay.log_id() != last.log_id)
            return absl::DataLossError(
                fmt::format("it holds groups of log {:016x} and of log {:016x}", run->replay.log_id(), last.log_id));
    }
    SurveyedEnd end{.cluster = cluster_,
                    .group = group_,
                    .founding = {},
                    .configuration = {},
                    .log_id = last.log_id,
                    .known_peers = known_peers(),
                    .hard_state = last.hard_state,
                    .last = last.last,
                    .base = find_base(last.last),
                    .epoch_max = epoch_max_};
    for (const auto& run : runs_) {
        if (run->replay.founding().has_value()) end.founding = run->replay.founding();
        if (const auto* stated = run->replay.facts().configurations.last(); stated != nullptr)
            end.configuration = stated->fact;
    }
    return end;
}

}  // namespace kvorum::wal
