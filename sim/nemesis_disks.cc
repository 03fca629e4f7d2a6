// The nemesis' faults of disks: what they refuse, delay, lose and damage.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "raft/entry.h"
#include "sim/durable_log.h"
#include "sim/nemesis.h"
#include "wal/format.h"
#include "wal/recovery.h"

namespace kvorum::sim {
namespace {

// The entries that a group holds a part of, generously: from the lowest one in it to one that may only begin in it.
std::pair<LogIndex, LogIndex> entries_of(const wal::GroupHeader& header, Bytes group, LogIndex last_before) {
    LogIndex from = std::min(header.last.index, last_before + 1);
    const std::optional<Bytes> records = wal::group_records(header, group);
    wal::RecordCursor cursor(records.value_or(Bytes{}));
    for (auto record = cursor.next(); record.has_value(); record = cursor.next()) {
        raft::EntryHeader entry;
        if (raft::parse_entry_header(record->payload, entry) == raft::EntryParseError::kNone)
            from = std::min(from, entry.index);
    }
    return {from, header.last.index + 1};
}

bool is_sync(reactor::IoCode code) { return code == reactor::IoCode::kDataSync || code == reactor::IoCode::kFileSync; }

}  // namespace

void Nemesis::strike_disk(Fault fault, Machine& victim) {
    count(fault, victim);
    Mood& mood = moods_[victim.host()];
    const uint64_t until_ns = events_.now_ns() + draw_duration_ns();
    switch (fault) {
        case Fault::kSlowDisk: mood.slow_until_ns = until_ns; return;
        case Fault::kShortWrite: mood.short_until_ns = until_ns; return;
        case Fault::kWriteError: mood.fail_next_write = true; return;
        case Fault::kSyncError: mood.fail_next_sync = true; return;
        case Fault::kReadError: mood.fail_next_read = true; return;
        case Fault::kLostWrite: mood.lose_next_write = true; return;
        case Fault::kDiskFull: fill_disk(victim); return;
        case Fault::kHungSync: {
            mood.hang_next_sync = true;
            const HostId host = victim.host();
            events_.after(draw_duration_ns() + draw_duration_ns(), [this, host] {
                if (stopped_) return;
                moods_[host].hang_next_sync = false;
                machines_[host - 1]->release_hung();
            });
            return;
        }
        default: KVORUM_ASSERT(false, "{} is not a fault of a disk", fault_name(fault));
    }
}

void Nemesis::fill_disk(Machine& victim) {
    Mood& mood = moods_[victim.host()];
    if (mood.full) return;
    mood.full = true;
    const HostId host = victim.host();
    victim.disk().set_capacity_bytes(victim.disk().used_bytes() + random_.below(4) * 4 * kKiB);
    events_.after(draw_duration_ns(), [this, host] {
        if (stopped_) return;
        moods_[host].full = false;
        machines_[host - 1]->disk().set_capacity_bytes(scenario_.disk.capacity_bytes);
    });
}

FaultDecision Nemesis::decide(HostId host, const FileOperation& operation) {
    FaultDecision decision;
    Mood& mood = moods_[host];
    const bool writes = operation.code == reactor::IoCode::kWrite;
    const bool hangs = is_sync(operation.code) || writes;
    if (mood.slow_until_ns > events_.now_ns()) decision.extra_delay_ns = random_.below(30 * kMillisecondNs);
    if (writes && mood.fail_next_write) {
        mood.fail_next_write = false;
        ++mood.errors;
        decision.kind = FaultDecision::Kind::kError;
        decision.error = -EIO;
    } else if (is_sync(operation.code) && mood.fail_next_sync) {
        mood.fail_next_sync = false;
        ++mood.errors;
        checker_.suspect_disk(host);
        decision.kind = FaultDecision::Kind::kError;
        decision.error = -EIO;
    } else if (operation.code == reactor::IoCode::kRead && mood.fail_next_read) {
        mood.fail_next_read = false;
        ++mood.errors;
        decision.kind = FaultDecision::Kind::kError;
        decision.error = -EIO;
    } else if (hangs && mood.hang_next_sync) {
        decision.kind = FaultDecision::Kind::kHang;
    } else if (writes && mood.full && machines_[host - 1]->disk().free_bytes() == 0) {
        ++mood.errors;  // what is written here was allocated before, so it goes on; a start may fail
    } else if (writes && mood.short_until_ns > events_.now_ns() && random_.chance(1, 2)) {
        decision.kind = FaultDecision::Kind::kShort;
        const uint64_t blocks = operation.length_bytes / wal::kBlockBytes;
        decision.length_bytes = blocks > 1 ? random_.between(1, blocks - 1) * wal::kBlockBytes : operation.length_bytes;
    } else if (writes) {
        decide_damage(mood, host, operation, decision);
    }
    return decision;
}

void Nemesis::decide_damage(Mood& mood, HostId host, const FileOperation& operation, FaultDecision& decision) {
    const bool is_log = wal::parse_segment_file_name(operation.path.substr(operation.path.rfind('/') + 1)) != 0;
    if (!is_log) return;
    if (mood.lost_a_write) mood.written_since_bytes += operation.length_bytes;
    if (!mood.lose_next_write) return;
    mood.lose_next_write = false;
    if (mood.rotten) return;
    mood.lost_a_write = true;
    damage(host, fmt::format("the write to {} at {} was lost", operation.path, operation.offset),
           std::string(operation.path));
    decision.kind = FaultDecision::Kind::kLost;
}

void Nemesis::on_serves(const Machine& machine) {
    Mood& mood = moods_[machine.host()];
    if (!mood.rotten || is_gone(machine.host()) || machine.incarnation() <= mood.rotten_in_life) return;
    mood.rotten = false;
    mood.lost_a_write = false;
    mood.written_since_bytes = 0;
}

// No two disks are damaged in one record, so each record that was sound on a majority stays so on one.
bool Nemesis::damage_overlaps(LogIndex from, LogIndex to) const {
    return std::any_of(moods_.begin(), moods_.end(), [&](const auto& item) {
        const Mood& mood = item.second;
        return mood.rotten && from <= mood.rotten_to && mood.rotten_from <= to;
    });
}

bool Nemesis::shows_damage(HostId host) const {
    const Mood& mood = moods_.at(host);
    return !mood.lost_a_write || mood.written_since_bytes > 2 * scenario_.node.wal_segment_bytes;
}

// What was damaged is found at a start, so one comes before long.
void Nemesis::damage(HostId host, std::string how, std::string file) {
    moods_[host].rotten = true;
    moods_[host].rotten_in_life = machines_[host - 1]->incarnation();
    trace_.say(host, how);
    checker_.excuse_disk(*machines_[host - 1], std::move(how), is_wiped(host), std::move(file));
    events_.after(random_.between(1, 8000) * kMillisecondNs, [this, host] {
        if (!stopped_) machines_[host - 1]->crash(Network::Death::kPower, Disk::CrashMode::kDrawn);
    });
}

void Nemesis::replace_disk(Fault fault, Machine& victim) {
    const bool is_foreign = fault == Fault::kForeignDisk;
    if (!is_foreign && !is_known_to_all(victim)) return;
    const HostId other = draw_other(victim.host());
    // Its disk may be an older copy of the victim's own, which nobody can tell from the right one.
    if (is_foreign && is_gone(other)) return;
    count(fault, victim);
    moods_[victim.host()].wiped = !is_foreign;
    moods_[victim.host()].foreign = is_foreign;
    damage(victim.host(), is_foreign ? fmt::format("its disk is that of node {}", other) : "its disk is empty", {});
    victim.wipe();
    if (is_foreign) victim.disk() = machines_[other - 1]->disk().crash(random_.next());
}

// Damages one group that lies at least a whole segment before the end of the log.
void Nemesis::rot(Machine& victim) {
    Disk& disk = victim.disk();
    const std::string& directory = victim.node_config().data_directory;
    std::vector<std::string> live;  // segments with a sound head of their own: a recycled spare has another's
    for (const auto& [name, size_bytes] : disk.list(directory)) {
        wal::GroupHeader header;
        const uint64_t sequence = wal::parse_segment_file_name(name);
        if (sequence == 0) continue;
        const std::string image = disk.contents(fmt::format("{}/{}", directory, name));
        if (image.empty() || wal::decode_group_header(as_bytes(image), header) != wal::GroupError::kNone) continue;
        if (header.segment_sequence == sequence) live.push_back(name);
    }
    if (live.size() < 3) return;
    const std::string path = directory + "/" + live[random_.below(live.size() - 2)];
    const std::string image = disk.contents(path);
    std::vector<std::pair<uint64_t, wal::GroupHeader>> groups;
    for (uint64_t offset = 0; offset < image.size();) {
        wal::GroupHeader header;
        if (wal::decode_group_header(as_bytes(image).subspan(offset), header) != wal::GroupError::kNone) break;
        groups.emplace_back(offset, header);
        offset += header.size_bytes();
    }
    if (groups.size() < 2) return;
    const size_t chosen = random_.below(groups.size());
    const auto& [offset, header] = groups[chosen];
    const LogIndex before = chosen > 0 ? groups[chosen - 1].second.last.index : header.last.index;
    const auto [from, to] = entries_of(header, as_bytes(image).subspan(offset), before);
    if (rots_everywhere_ && damage_overlaps(from, to)) return;
    moods_[victim.host()].rotten_from = from;
    moods_[victim.host()].rotten_to = to;
    count(Fault::kRot, victim);
    const auto& [other_offset, other] = groups[random_.below(groups.size())];
    trace_.note(victim.host(), "damage", offset, header.group_sequence);
    if (other_offset != offset && random_.chance(1, 3)) {
        // A write that went to the wrong place.
        damage(victim.host(), fmt::format("a block of {} was written to {} instead of {}", path, offset, other_offset),
               path);
        const bool overwritten = disk.overwrite(path, offset, as_bytes(image).subspan(other_offset, wal::kBlockBytes));
        maybe(overwritten);
        return;
    }
    // Half of the time in the header, which is small.
    const uint64_t span =
        random_.chance(1, 2) ? wal::GroupHeader::kEncodedSize : wal::GroupHeader::kEncodedSize + header.record_bytes;
    const uint64_t at = offset + random_.below(span);
    damage(victim.host(), fmt::format("a bit of {} at {} is wrong, {} bytes into a group", path, at, at - offset),
           path);
    const bool flipped = disk.flip_bit(path, at, static_cast<unsigned>(random_.below(8)));
    maybe(flipped);
}

bool Nemesis::is_known_to_all(const Machine& machine) const {
    for (const auto& other : machines_) {
        if (other->host() == machine.host() || is_gone(other->host())) continue;
        const std::vector<wal::KnownPeer> peers = read_durable_log(*other).known_peers;
        const bool knows = std::any_of(peers.begin(), peers.end(), [&](const wal::KnownPeer& peer) {
            return peer.node == machine.node_config().id;
        });
        if (!knows) return false;
    }
    return true;
}

}  // namespace kvorum::sim
