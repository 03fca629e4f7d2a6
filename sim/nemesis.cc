#include "sim/nemesis.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "raft/entry.h"
#include "wal/format.h"
#include "wal/recovery.h"

namespace kvorum::sim {
namespace {

VictimRole role_of(const Machine& machine) {
    const server::Node* node = machine.serving();
    if (node == nullptr) return VictimRole::kDown;
    switch (node->raft().role()) {
        case raft::Role::kFollower: return VictimRole::kFollower;
        case raft::Role::kPreCandidate:
        case raft::Role::kCandidate: return VictimRole::kCandidate;
        case raft::Role::kLeader: return VictimRole::kLeader;
    }
    return VictimRole::kDown;
}

bool is_sync(reactor::IoCode code) { return code == reactor::IoCode::kDataSync || code == reactor::IoCode::kFileSync; }

}  // namespace

Nemesis::Nemesis(const Scenario& scenario, EventQueue& events, Network& network, Trace& trace, ClusterChecker& checker,
                 std::vector<std::unique_ptr<Machine>>& machines)
    : scenario_(scenario),
      events_(events),
      network_(network),
      trace_(trace),
      checker_(checker),
      machines_(machines),
      random_(scenario.seed ^ 0xbadbadULL) {
    for (const auto& machine : machines_) {
        const HostId host = machine->host();
        moods_[host] = {};
        machine->set_fault_policy([this, host](const FileOperation& operation) { return decide(host, operation); });
    }
}

void Nemesis::start() {
    for (size_t i = 0; i < kFaultCount; ++i) {
        if (scenario_.fault_interval_ns[i] > 0) schedule(static_cast<Fault>(i));
    }
}

void Nemesis::schedule(Fault fault) {
    const uint64_t mean_ns = scenario_.fault_interval_ns[static_cast<size_t>(fault)];
    events_.after(random_.between(mean_ns / 5, 2 * mean_ns), [this, fault] {
        if (stopped_) return;
        strike(fault);
        schedule(fault);
    });
}

void Nemesis::stop() {
    stopped_ = true;
    for (auto& [host, mood] : moods_) {
        mood = {.rotten = mood.rotten,
                .rotten_in_life = mood.rotten_in_life,
                .rotten_from = mood.rotten_from,
                .rotten_to = mood.rotten_to,
                .errors = mood.errors};
    }
    network_.unblock_all();
    network_.clear_extra_delays();
    network_.stop_faults();
    for (const auto& machine : machines_) {
        machine->disk().set_capacity_bytes(scenario_.disk.capacity_bytes);
        machine->release_hung();
        machine->pause_until(0);
    }
}

Machine& Nemesis::draw_victim() {
    if (random_.chance(1, 2)) {
        for (const auto& machine : machines_) {
            if (machine->serving() != nullptr && machine->serving()->raft().is_leader()) return *machine;
        }
    }
    return *machines_[random_.below(machines_.size())];
}

HostId Nemesis::draw_other(HostId host) {
    const auto other = static_cast<HostId>(random_.between(1, machines_.size() - 1));
    return other >= host ? other + 1 : other;
}

uint64_t Nemesis::draw_duration_ns() {
    const uint64_t election_ns = scenario_.node.election_timeout_ms * kMillisecondNs;
    return random_.chance(1, 2) ? random_.between(election_ns / 10, 2 * election_ns)
                                : random_.between(election_ns, 30 * election_ns);
}

void Nemesis::count(Fault fault, const Machine& victim) {
    ++counts_[static_cast<size_t>(fault)][static_cast<size_t>(role_of(victim))];
    trace_.note(victim.host(), fault_name(fault));
}

void Nemesis::strike(Fault fault) {
    switch (fault) {
        case Fault::kIsolate:
        case Fault::kSplit:
        case Fault::kOneWay:
        case Fault::kBridge:
        case Fault::kClog:
        case Fault::kReset: strike_network(fault); return;
        case Fault::kSlowDisk:
        case Fault::kHungSync:
        case Fault::kWriteError:
        case Fault::kSyncError:
        case Fault::kDiskFull:
        case Fault::kShortWrite: strike_disk(fault, draw_victim()); return;
        case Fault::kPowerCutAll:
            count(fault, draw_victim());
            for (const auto& machine : machines_)
                machine->crash(Network::Death::kPower, Disk::CrashMode::kDrawn);
            return;
        default: strike_machine(fault, draw_victim()); return;
    }
}

void Nemesis::strike_machine(Fault fault, Machine& victim) {
    if (fault == Fault::kRot) {
        rot(victim);
        return;
    }
    count(fault, victim);
    const Disk::CrashMode mode = random_.chance(1, 2) ? Disk::CrashMode::kLoseAll : Disk::CrashMode::kDrawn;
    switch (fault) {
        case Fault::kKill: victim.crash(Network::Death::kProcess, Disk::CrashMode::kKeepAll); return;
        case Fault::kPowerCut: victim.crash(Network::Death::kPower, mode); return;
        case Fault::kCrashAtSend: victim.crash_at_send(random_.between(1, 4), mode); return;
        case Fault::kCrashAtDisk: victim.crash_at_disk_operation(random_.between(1, 6), mode); return;
        case Fault::kPause: victim.pause_until(events_.now_ns() + draw_duration_ns()); return;
        case Fault::kClockStep:
            victim.clock().step_wall(static_cast<int64_t>(random_.between(0, 120'000)) - 60'000);
            return;
        default: KVORUM_ASSERT(false, "{} is not a fault of a machine", fault_name(fault));
    }
}

// --- network ---

void Nemesis::block_both(std::vector<std::pair<HostId, HostId>>& links, HostId a, HostId b) {
    links.emplace_back(a, b);
    links.emplace_back(b, a);
}

void Nemesis::block_for(std::vector<std::pair<HostId, HostId>> links, uint64_t duration_ns) {
    for (const auto& [from, to] : links)
        network_.set_blocked(from, to, true);
    events_.after(duration_ns, [this, links = std::move(links)] {
        if (stopped_) return;
        for (const auto& [from, to] : links)
            network_.set_blocked(from, to, false);
    });
}

void Nemesis::strike_network(Fault fault) {
    const auto nodes = static_cast<HostId>(machines_.size());
    const Machine& victim = draw_victim();
    const HostId host = victim.host();
    count(fault, victim);
    if (nodes == 1) return;
    std::vector<std::pair<HostId, HostId>> links;
    switch (fault) {
        case Fault::kIsolate:
            for (HostId other = 1; other <= nodes; ++other) {
                if (other != host) block_both(links, host, other);
            }
            break;
        case Fault::kSplit: {
            const uint64_t side = random_.next();
            for (HostId a = 1; a <= nodes; ++a) {
                for (HostId b = a + 1; b <= nodes; ++b) {
                    if ((side >> a & 1) != (side >> b & 1)) block_both(links, a, b);
                }
            }
            break;
        }
        case Fault::kOneWay:
            for (HostId other = 1; other <= nodes; ++other) {
                if (other == host || random_.chance(1, 2)) continue;
                links.push_back(random_.chance(1, 2) ? std::pair(host, other) : std::pair(other, host));
            }
            break;
        case Fault::kBridge: block_both(links, host, draw_other(host)); break;
        case Fault::kClog: {
            const HostId other = draw_other(host);
            network_.set_extra_delay(host, other, random_.between(5, 400) * kMillisecondNs);
            events_.after(draw_duration_ns(), [this, host, other] { network_.set_extra_delay(host, other, 0); });
            return;
        }
        case Fault::kReset: network_.reset_connections(host, draw_other(host)); return;
        default: KVORUM_ASSERT(false, "{} is not a fault of the network", fault_name(fault));
    }
    block_for(std::move(links), draw_duration_ns());
}

// --- disks ---

void Nemesis::strike_disk(Fault fault, Machine& victim) {
    count(fault, victim);
    Mood& mood = moods_[victim.host()];
    const uint64_t until_ns = events_.now_ns() + draw_duration_ns();
    switch (fault) {
        case Fault::kSlowDisk: mood.slow_until_ns = until_ns; return;
        case Fault::kShortWrite: mood.short_until_ns = until_ns; return;
        case Fault::kWriteError: mood.fail_next_write = true; return;
        case Fault::kSyncError: mood.fail_next_sync = true; return;
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
    }
    return decision;
}

void Nemesis::on_serves(const Machine& machine) {
    Mood& mood = moods_[machine.host()];
    if (!mood.rotten || machine.incarnation() <= mood.rotten_in_life) return;
    mood.rotten = false;
    checker_.excuse_disk(machine.host(), false);
}

// The fault atlas: no two disks are damaged in one record, so each record that was sound on a majority stays so on one.
bool Nemesis::damage_overlaps(LogIndex from, LogIndex to) const {
    for (const auto& [host, mood] : moods_) {
        if (mood.rotten && from <= mood.rotten_to && mood.rotten_from <= to) return true;
    }
    return false;
}

// Damages one group that lies at least a whole segment before the end of the log.
void Nemesis::rot(Machine& victim) {
    Mood& mood = moods_[victim.host()];
    if (machines_.size() < 3 || mood.rotten) return;
    Disk& disk = victim.disk();
    const std::string& directory = victim.node_config().data_directory;
    std::vector<std::string> live;  // segments with a sound head
    for (const auto& [name, size_bytes] : disk.list(directory)) {
        wal::GroupHeader header;
        if (wal::parse_segment_file_name(name) == 0) continue;
        const std::string image = disk.contents(directory + "/" + name);
        if (!image.empty() && wal::decode_group_header(as_bytes(image), header) == wal::GroupError::kNone)
            live.push_back(name);
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
    // From the lowest entry in it to one that may only begin in it.
    LogIndex from = header.last.index;
    if (chosen > 0) from = std::min(from, groups[chosen - 1].second.last.index + 1);
    const std::optional<Bytes> records = wal::group_records(header, as_bytes(image).subspan(offset));
    if (!records.has_value()) return;
    wal::RecordCursor cursor(*records);
    for (auto record = cursor.next(); record.has_value(); record = cursor.next()) {
        raft::EntryHeader entry;
        if (raft::parse_entry_header(record->payload, entry) == raft::EntryParseError::kNone)
            from = std::min(from, entry.index);
    }
    const LogIndex to = header.last.index + 1;
    if (damage_overlaps(from, to)) return;
    mood.rotten = true;
    mood.rotten_in_life = victim.incarnation();
    mood.rotten_from = from;
    mood.rotten_to = to;
    checker_.excuse_disk(victim.host(), true);
    count(Fault::kRot, victim);
    const auto& [other_offset, other] = groups[random_.below(groups.size())];
    trace_.note(victim.host(), "damage", offset, header.group_sequence);
    if (other_offset != offset && random_.chance(1, 3)) {
        // A write that went to the wrong place.
        const bool overwritten = disk.overwrite(path, offset, as_bytes(image).subspan(other_offset, wal::kBlockBytes));
        maybe(overwritten);
        return;
    }
    // Half of the time in the header, which is small.
    const uint64_t span =
        random_.chance(1, 2) ? wal::GroupHeader::kEncodedSize : wal::GroupHeader::kEncodedSize + header.record_bytes;
    const bool flipped = disk.flip_bit(path, offset + random_.below(span), static_cast<unsigned>(random_.below(8)));
    maybe(flipped);
}

}  // namespace kvorum::sim
