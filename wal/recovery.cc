#include "wal/recovery.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/assert.h"
#include "base/mutants.h"

namespace kvorum::wal {
namespace {

constexpr std::string_view kFilePrefix = "wal-";
constexpr std::string_view kFileSuffix = ".seg";

Verdict verdict_of(ReplayError error) {
    switch (error) {
        case ReplayError::kBadHead: return Verdict::kBadSegmentHead;
        case ReplayError::kWrongCluster: return Verdict::kWrongCluster;
        case ReplayError::kNewerLevel: return Verdict::kNewerLevel;
        case ReplayError::kBrokenEntryChain: return Verdict::kBrokenEntryChain;
        case ReplayError::kHardStateBackwards: return Verdict::kHardStateBackwards;
        case ReplayError::kNone:
        case ReplayError::kBadRecord: break;
    }
    return Verdict::kBadRecord;
}

// Versions 1 and 2 are those of Kvorum 0.1.
std::string unknown_version_reason(uint16_t version) {
    const std::string writer = version < GroupHeader::kVersion ? "Kvorum 0.1" : "another version of Kvorum";
    const std::string reader = version < GroupHeader::kVersion ? "Kvorum 0.1" : "the version that wrote it";
    return fmt::format(
        "{} wrote this log, in format {}, and this version reads format {} only: keep {} to read it and copy the keys "
        "into a new cluster with a client, or start in an empty directory if the data is not needed",
        writer, version, GroupHeader::kVersion, reader);
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
    switch (verdict) {
        case Verdict::kCleanEnd: return "clean end";
        case Verdict::kTornTail: return "torn tail";
        case Verdict::kHole: return "hole in the unfinished groups";
        case Verdict::kEmpty: return "empty log";
        case Verdict::kDamagedBelowMark: return "damage of durable data";
        case Verdict::kDamagedOutsideWindow: return "damage before the unfinished groups";
        case Verdict::kDamagedSegment: return "damage in a completed segment";
        case Verdict::kBadSegmentHead: return "bad segment head";
        case Verdict::kMissingSegment: return "missing segment";
        case Verdict::kWrongSize: return "wrong segment size";
        case Verdict::kWrongCluster: return "wrong cluster";
        case Verdict::kWrongNode: return "wrong node";
        case Verdict::kUnknownVersion: return "unknown version";
        case Verdict::kNewerLevel: return "feature level of a newer version";
        case Verdict::kBrokenGroupChain: return "broken group chain";
        case Verdict::kBadRecord: return "bad record";
        case Verdict::kBrokenEntryChain: return "broken entry chain";
        case Verdict::kHardStateBackwards: return "hard state goes backwards";
    }
    return "unknown";
}

bool is_accepted(Verdict verdict) {
    return verdict == Verdict::kCleanEnd || verdict == Verdict::kTornTail || verdict == Verdict::kHole ||
           verdict == Verdict::kEmpty;
}

std::string segment_file_name(uint64_t segment_sequence) {
    return fmt::format("{}{:016x}{}", kFilePrefix, segment_sequence, kFileSuffix);
}

uint64_t parse_segment_file_name(std::string_view name) {
    if (name.size() != kFilePrefix.size() + 16 + kFileSuffix.size()) return 0;
    if (!name.starts_with(kFilePrefix) || !name.ends_with(kFileSuffix)) return 0;
    const std::string_view digits = name.substr(kFilePrefix.size(), 16);
    uint64_t sequence = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), sequence, 16);
    const bool parsed = error == std::errc{} && end == digits.data() + digits.size();
    // Only the spelling that segment_file_name() gives: two names must not mean one segment.
    return parsed && segment_file_name(sequence) == name ? sequence : 0;
}

absl::Status check_founding(const WalConfig& config, const Founding& founding, GroupId group) {
    if (founding.cluster_name != config.cluster_name) {
        return absl::FailedPreconditionError(
            fmt::format("wal: {}: wrong cluster: the log was made for cluster '{}' ({:016x}), and --cluster says '{}': "
                        "give that name, or another data directory; no file was changed",
                        config.directory, founding.cluster_name, founding.cluster.value(), config.cluster_name));
    }
    if (group != config.group) {
        return absl::FailedPreconditionError(
            fmt::format("wal: {}: the log is of group {}, this is group {}", config.directory, group, config.group));
    }
    return absl::OkStatus();
}

LogScanner::Found LogScanner::refuse(Verdict verdict, GroupPlace place, std::string why) {
    KVORUM_ASSERT(!is_accepted(verdict));
    refused_ = true;
    result_.verdict = verdict;
    result_.end = place;
    result_.message =
        fmt::format("{} offset {}: {}: {} (the log is whole up to index {})", segment_file_name(place.segment_sequence),
                    place.offset_bytes, verdict_name(verdict), why, replay_.last().index);
    return Found::kRefused;
}

LogScanner::Found LogScanner::refuse_damage(Verdict verdict, GroupPlace place, std::string why) {
    result_.repairable = true;
    return refuse(verdict, place, std::move(why));
}

bool LogScanner::add_segment(uint64_t segment_sequence, Bytes image) {
    if (refused_) return false;
    const GroupPlace head{segment_sequence, 0};
    if (!any_segment_) {
        any_segment_ = true;
        first_segment_ = segment_sequence;
        segment_size_bytes_ = image.size();
        result_.end = head;
    } else if (segment_sequence != last_segment_ + 1) {
        refuse(Verdict::kMissingSegment, head,
               fmt::format("the segment before it is {}", segment_file_name(last_segment_)));
        return false;
    }
    if (image.size() != segment_size_bytes_ || image.size() % kBlockBytes != 0 || image.empty()) {
        refuse(Verdict::kWrongSize, head,
               fmt::format("{} bytes where {} are expected", image.size(), segment_size_bytes_));
        return false;
    }
    last_segment_ = segment_sequence;
    if (ended_) {
        find_witnesses(segment_sequence, image, 0);
    } else {
        read_forward(segment_sequence, image);
    }
    return !refused_;
}

void LogScanner::read_forward(uint64_t segment_sequence, Bytes image) {
    GroupPlace place{segment_sequence, 0};
    while (place.offset_bytes < image.size()) {
        GroupHeader header;
        Bytes records;
        const bool head = place.offset_bytes == 0;
        const Found found = look(image, place, header, records);
        if (found == Found::kRefused) return;
        if (found != Found::kNext) {
            // A head that does not follow leaves the end where the segment before it ended.
            if (!head || !started_) result_.end = place;
            if (head) ended_ = true;
            (head ? torn_head_ : torn_inside_) = found == Found::kTorn;
            find_witnesses(segment_sequence, image, place.offset_bytes);
            return;
        }
        const ReplayError error = replay_.apply_group(header, records, image.size());
        if (error != ReplayError::kNone) {
            refuse(verdict_of(error), place, replay_.detail());
            return;
        }
        if (head) forget_witnesses();
        started_ = true;
        ++result_.groups;
        result_.last_group = header;
        result_.epoch_max = std::max(result_.epoch_max, header.epoch);
        place.offset_bytes += header.size_bytes();
        result_.end = place;
        index_.set_end(place.offset_bytes);
    }
}

// The next segment's head follows the last group: what was found behind that one was never part of the log.
void LogScanner::forget_witnesses() {
    torn_inside_ = false;
    result_.unfinished = 0;
    result_.witnesses = 0;
    highest_mark_ = farthest_ = {};
    contradicted_ = false;
}

LogScanner::Found LogScanner::look(Bytes image, GroupPlace place, GroupHeader& header, Bytes& records) {
    const Bytes here = image.subspan(place.offset_bytes);
    const GroupError error = decode_group_header(here, header);
    if (error == GroupError::kZeros) return Found::kNothing;
    if (error == GroupError::kNotAGroup) return Found::kTorn;
    if (error == GroupError::kVersion && header.segment_sequence == place.segment_sequence &&
        header.offset_bytes == place.offset_bytes)
        return refuse(Verdict::kUnknownVersion, place, unknown_version_reason(group_version(here)));
    if (const Found found = check_place(header, place); found != Found::kNext) return found;
    if (error == GroupError::kBadField || header.size_bytes() > here.size()) {
        return refuse(Verdict::kBadRecord, place, "a group header that no writer produces");
    }
    const std::optional<Bytes> sound = group_records(header, here);
    if (!sound.has_value()) return Found::kTorn;
    records = *sound;
    const GroupHeader& last = result_.last_group;
    const bool follows =
        header.group_sequence == last.group_sequence + 1 && header.prev_header_checksum == last.header_checksum;
    // A log whose first segments were released has nothing to compare its first head with.
    if (follows || (!started_ && first_segment_ != 1)) return Found::kNext;
    if (header.epoch < last.epoch) return Found::kNothing;
    // A head that is there without the group before it: the log ended inside the segment before, and this head is a
    // witness.
    if (place.offset_bytes == 0 && started_) return Found::kNothing;
    return refuse_damage(Verdict::kBrokenGroupChain, place,
                         fmt::format("group {} (epoch {}) does not follow group {} (epoch {})", header.group_sequence,
                                     header.epoch, last.group_sequence, last.epoch));
}

LogScanner::Found LogScanner::check_place(const GroupHeader& header, GroupPlace place) {
    if (is_mutant(Mutant::kSlotCheckIgnored)) return Found::kNext;
    const bool belongs = header.segment_sequence == place.segment_sequence && header.offset_bytes == place.offset_bytes;
    // Behind the end there may be anything that a client stored in an earlier life of the file, but never at its very
    // start.
    if (!belongs && place.offset_bytes != 0) return Found::kNothing;
    if (header.node != node_) {
        return refuse(Verdict::kWrongNode, place,
                      fmt::format("written by node {}, this is node {}", header.node, node_));
    }
    if (belongs && !is_of_this_log(header)) {
        return refuse(Verdict::kWrongCluster, place,
                      fmt::format("written for cluster {:016x} group {}, the log before it for {:016x} group {}",
                                  header.cluster.value(), header.group, cluster_.value(), group_));
    }
    return belongs ? Found::kNext : Found::kNothing;
}

// The first header that is asked about says what log this is.
bool LogScanner::is_of_this_log(const GroupHeader& header) {
    if (cluster_.is_none()) {
        cluster_ = header.cluster;
        group_ = header.group;
    }
    return header.cluster == cluster_ && header.group == group_;
}

void LogScanner::find_witnesses(uint64_t segment_sequence, Bytes image, uint64_t from_bytes) {
    uint64_t offset = from_bytes;
    while (offset < image.size()) {
        GroupHeader header;
        const bool sound = decode_group_header(image.subspan(offset), header) == GroupError::kNone;
        const bool belongs = sound && header.node == node_ && header.segment_sequence == segment_sequence &&
                             header.offset_bytes == offset && is_of_this_log(header);
        if (!belongs) {
            offset += kBlockBytes;
            continue;
        }
        note_witness(header, {segment_sequence, offset});
        // Over its body, which may be anything that a client stored.
        offset += header.size_bytes();
    }
}

void LogScanner::note_witness(const GroupHeader& header, GroupPlace place) {
    result_.epoch_max = std::max(result_.epoch_max, header.epoch);
    const GroupHeader& last = result_.last_group;
    const bool newer = header.epoch > last.epoch;
    if (!newer && (header.epoch < last.epoch || header.group_sequence <= last.group_sequence)) return;
    ++result_.unfinished;
    // The header of the missing group itself says nothing about others.
    if (header.group_sequence == last.group_sequence + 1) return;
    if (result_.witnesses++ == 0) lowest_witness_segment_ = place.segment_sequence;
    if (newer && header.group_sequence <= last.group_sequence) contradicted_ = true;
    if (header.durable_group >= highest_mark_.header.durable_group) highest_mark_ = {header, place};
    if (header.group_sequence >= farthest_.header.group_sequence) farthest_ = {header, place};
}

void LogScanner::judge_witnesses() {
    if (is_mutant(Mutant::kCorruptMiddleTruncatedAsTail)) {
        result_.verdict = Verdict::kTornTail;
        return;
    }
    const uint64_t missing = result_.last_group.group_sequence + 1;
    const GroupHeader& mark = highest_mark_.header;
    if (mark.durable_group >= missing) {
        judge_damage(missing);
        return;
    }
    const GroupHeader& farthest = farthest_.header;
    if (contradicted_) {
        // G3: the newer epoch's opening group was durable before anything else of it was written.
        refuse_damage(Verdict::kBrokenGroupChain, result_.end,
                      "a later process had cut the log before this place, but its groups are missing");
        return;
    }
    if (farthest.group_sequence >= missing + farthest.groups_in_flight_max) {
        refuse_damage(
            Verdict::kDamagedOutsideWindow, result_.end,
            fmt::format(
                "group {} is missing or damaged, but its writer had at most {} groups in flight and group {} exists",
                missing, farthest.groups_in_flight_max, farthest.group_sequence));
        return;
    }
    result_.verdict = Verdict::kHole;
    result_.message = fmt::format("{} offset {}: group {} was not finished; {} later unacknowledged groups are dropped",
                                  segment_file_name(result_.end.segment_sequence), result_.end.offset_bytes, missing,
                                  result_.witnesses);
}

void LogScanner::judge_damage(uint64_t missing) {
    const GroupHeader& mark = highest_mark_.header;
    const std::string evidence = fmt::format(
        "group {} is missing or damaged, but group {} at {} offset {} says that all groups up to {} were durable",
        missing, mark.group_sequence, segment_file_name(highest_mark_.place.segment_sequence),
        highest_mark_.place.offset_bytes, mark.durable_group);
    const bool in_later_segment = lowest_witness_segment_ > result_.end.segment_sequence;
    if (!started_) {
        refuse_damage(Verdict::kBadSegmentHead, {first_segment_, 0}, evidence);
    } else if (in_later_segment && !torn_inside_) {
        // G2: with nothing unfinished at the end of this segment, what is missing is the head of the next one.
        refuse_damage(Verdict::kBadSegmentHead, {result_.end.segment_sequence + 1, 0}, evidence);
    } else {
        refuse_damage(in_later_segment ? Verdict::kDamagedSegment : Verdict::kDamagedBelowMark, result_.end, evidence);
    }
}

ScanResult LogScanner::finish() {
    index_.drop_unfinished_entry();
    if (refused_) return result_;
    if (replay_.lacks_beginning()) {
        refuse(Verdict::kBadSegmentHead, {first_segment_, 0},
               "the entry that it names was replaced later, and no other head says where the log begins");
        return result_;
    }
    if (!started_ && any_segment_ && first_segment_ != 1) {
        refuse_damage(Verdict::kBadSegmentHead, {first_segment_, 0}, "the first segment of the log has no valid head");
        return result_;
    }
    if (result_.witnesses > 0) {
        judge_witnesses();
        if (!refused_ && !started_) result_.verdict = Verdict::kEmpty;
        return result_;
    }
    if (!started_) {
        result_.verdict = Verdict::kEmpty;
        result_.message = "a new log";
        return result_;
    }
    result_.verdict = torn_inside_ || torn_head_ ? Verdict::kTornTail : Verdict::kCleanEnd;
    result_.opened_and_unused = (result_.last_group.flags & kGroupOpening) != 0 && result_.unfinished == 0;
    result_.message =
        fmt::format("{} offset {}: {} behind group {}", segment_file_name(result_.end.segment_sequence),
                    result_.end.offset_bytes, verdict_name(result_.verdict), result_.last_group.group_sequence);
    return result_;
}

}  // namespace kvorum::wal
