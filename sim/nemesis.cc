#include "sim/nemesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kvorum::sim {
namespace {

VictimRole role_of(const Machine& machine) {
    const node::Node* node = machine.serving();
    if (node == nullptr) return VictimRole::kDown;
    switch (node->raft().role()) {
        case raft::Role::kFollower: return VictimRole::kFollower;
        case raft::Role::kPreCandidate:
        case raft::Role::kCandidate: return VictimRole::kCandidate;
        case raft::Role::kLeader: return VictimRole::kLeader;
    }
    return VictimRole::kDown;
}

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
    const uint32_t timeout_ms = draw_election_timeout_ms();
    const bool are_equal = random_.chance(1, 2);
    for (const auto& machine : machines_) {
        const HostId host = machine->host();
        moods_[host] = {};
        machine->set_election_timeout(are_equal ? timeout_ms : draw_election_timeout_ms());
        if (!scenario_.memory_limits_bytes.empty()) machine->set_memory_limit(draw_memory_limit());
        machine->set_fault_policy([this, host](const FileOperation& operation) { return decide(host, operation); });
    }
    const uint64_t tolerance = (machines_.size() - 1) / 2;
    rots_everywhere_ = tolerance > 0 && random_.chance(1, 2);
    if (rots_everywhere_) return;
    for (uint64_t i = 0; i < tolerance; ++i)
        moods_[static_cast<HostId>(random_.between(1, machines_.size()))].may_rot = true;
}

void Nemesis::start() {
    for (size_t i = 0; i < kFaultCount; ++i) {
        if (scenario_.fault_interval_ns[i] > 0) schedule(static_cast<Fault>(i));
    }
    if (!scenario_.memory_limits_bytes.empty()) schedule_memory_limit();
}

void Nemesis::schedule_memory_limit() {
    events_.after(random_.between(200, 4000) * kMillisecondNs, [this] {
        if (stopped_) return;
        Machine& machine = *machines_[random_.below(machines_.size())];
        const uint64_t limit_bytes = draw_memory_limit();
        trace_.note(machine.host(), "memory limit", limit_bytes);
        machine.set_memory_limit(limit_bytes);
        schedule_memory_limit();
    });
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
    election_until_ns_ = 0;
    for (auto& [host, mood] : moods_) {
        mood = {.may_rot = mood.may_rot,
                .rotten = mood.rotten,
                .wiped = mood.wiped,
                .foreign = mood.foreign,
                .rotten_in_life = mood.rotten_in_life,
                .rotten_from = mood.rotten_from,
                .rotten_to = mood.rotten_to,
                .lost_a_write = mood.lost_a_write,
                .written_since_bytes = mood.written_since_bytes,
                .errors = mood.errors};
    }
    network_.unblock_all();
    network_.clear_extra_delays();
    network_.stop_faults();
    for (const auto& machine : machines_) {
        machine->disk().set_capacity_bytes(scenario_.disk.capacity_bytes);
        machine->set_memory_limit(0);
        machine->release_hung();
        machine->cancel_crashes();
        machine->pause_until(0);
    }
}

Machine& Nemesis::draw_victim() {
    return random_.chance(1, 2) ? leader_or_any() : *machines_[random_.below(machines_.size())];
}

Machine& Nemesis::leader_or_any() {
    for (const auto& machine : machines_) {
        if (machine->serving() != nullptr && machine->serving()->raft().is_leader()) return *machine;
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
        case Fault::kHalfOpen:
        case Fault::kSwizzle:
        case Fault::kStaleLeader:
        case Fault::kReset: strike_network(fault); return;
        case Fault::kElection: disturb_election(leader_or_any()); return;
        case Fault::kRollingChange: change_rolling(leader_or_any().host()); return;
        case Fault::kTransfer: transfer(leader_or_any()); return;
        case Fault::kSlowDisk:
        case Fault::kHungSync:
        case Fault::kWriteError:
        case Fault::kSyncError:
        case Fault::kDiskFull:
        case Fault::kReadError:
        case Fault::kShortWrite: strike_disk(fault, draw_victim()); return;
        case Fault::kPowerCutAll:
            count(fault, draw_victim());
            for (const auto& machine : machines_)
                machine->crash(Network::Death::kPower, Disk::CrashMode::kDrawn);
            return;
        case Fault::kRot:
        case Fault::kLostWrite:
        case Fault::kForeignDisk:
        case Fault::kWipe: strike_durable_bytes(fault); return;
        default: strike_machine(fault, draw_victim()); return;
    }
}

void Nemesis::strike_durable_bytes(Fault fault) {
    std::vector<Machine*> sound;
    for (const auto& machine : machines_) {
        const Mood& mood = moods_[machine->host()];
        const bool may_rot = mood.may_rot || (rots_everywhere_ && fault == Fault::kRot);
        if (may_rot && !mood.rotten) sound.push_back(machine.get());
    }
    if (sound.empty()) return;
    Machine& victim = *sound[random_.below(sound.size())];
    if (fault == Fault::kRot) {
        rot(victim);
    } else if (fault == Fault::kLostWrite) {
        strike_disk(fault, victim);
    } else {
        replace_disk(fault, victim);
    }
}

void Nemesis::strike_machine(Fault fault, Machine& victim) {
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
    const Machine& victim = fault == Fault::kStaleLeader ? leader_or_any() : draw_victim();
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
        case Fault::kHalfOpen: half_open(host); return;
        case Fault::kSwizzle: swizzle(); return;
        case Fault::kStaleLeader: keep_stale(host); return;
        default: KVORUM_ASSERT(false, "{} is not a fault of the network", fault_name(fault));
    }
    block_for(std::move(links), draw_duration_ns());
}

// The victim goes on believing in connections that the other side has lost; half of the time it cannot even be told.
void Nemesis::half_open(HostId host) {
    const HostId other = draw_other(host);
    network_.lose_connections(other, host);
    if (random_.chance(1, 2)) block_for({{other, host}}, draw_duration_ns());
}

// After FoundationDB's swizzle-clogging, which found more for them than any other fault.
void Nemesis::swizzle() {
    std::vector<HostId> hosts;
    for (const auto& machine : machines_) {
        if (random_.chance(2, 3)) hosts.push_back(machine->host());
    }
    const uint64_t step_ns = random_.between(1, 300) * kMillisecondNs;
    uint64_t cut_ns = 0;
    for (const HostId host : hosts) {
        std::vector<std::pair<HostId, HostId>> links;
        for (const auto& machine : machines_) {
            if (machine->host() != host) block_both(links, host, machine->host());
        }
        cut_ns += random_.below(step_ns + 1);
        // All are cut before the first comes back, and they come back in any order.
        const uint64_t for_ns = (hosts.size() + 1) * step_ns - cut_ns + random_.below(hosts.size() * step_ns + 1);
        events_.after(cut_ns, [this, links, for_ns] {
            if (!stopped_) block_for(links, for_ns);
        });
    }
}

// --- elections ---

// The others count from when they last heard of the leader, it from when it last heard of them: answers that travel for
// most of an election timeout move these apart.
void Nemesis::keep_stale(HostId leader) {
    const uint64_t election_ns = scenario_.node.election_timeout_ms * kMillisecondNs;
    std::vector<std::pair<HostId, HostId>> outbound;
    for (const auto& machine : machines_) {
        if (machine->host() == leader) continue;
        network_.set_extra_delay(machine->host(), leader, random_.between(election_ns / 2, election_ns * 9 / 10));
        outbound.emplace_back(leader, machine->host());
    }
    events_.after(2 * election_ns, [this, outbound, election_ns] {
        if (!stopped_) block_for(outbound, random_.between(2, 6) * election_ns);
    });
    events_.after(6 * election_ns, [this, outbound] {
        for (const auto& [from, to] : outbound)
            network_.set_extra_delay(to, from, 0);
    });
}

void Nemesis::disturb_election(Machine& victim) {
    count(Fault::kElection, victim);
    if (machines_.size() == 1) return;
    const uint64_t duration_ns = random_.between(2, 6) * scenario_.node.election_timeout_ms * kMillisecondNs;
    election_until_ns_ = events_.now_ns() + duration_ns;
    std::vector<std::pair<HostId, HostId>> links;
    for (const auto& machine : machines_) {
        if (machine->host() != victim.host()) block_both(links, victim.host(), machine->host());
        if (random_.chance(1, 3)) moods_[machine->host()].slow_until_ns = election_until_ns_;
    }
    block_for(std::move(links), duration_ns);
}

void Nemesis::on_turn(Machine& machine) {
    if (events_.now_ns() >= election_until_ns_) return;
    const raft::Status status = machine.serving()->raft().status();
    const std::pair vote(status.term, status.voted_for);
    const bool changed = std::exchange(votes_[machine.host()], vote) != vote;
    if (!changed || !random_.chance(1, 2)) return;
    const Disk::CrashMode mode = random_.chance(1, 2) ? Disk::CrashMode::kLoseAll : Disk::CrashMode::kDrawn;
    if (random_.chance(1, 2)) {
        machine.crash_at_send(random_.between(1, 4), mode);
    } else {
        machine.crash_at_disk_operation(random_.between(1, 4), mode);
    }
}

uint32_t Nemesis::draw_election_timeout_ms() {
    const std::vector<uint32_t>& choice = scenario_.election_timeouts_ms;
    return choice.empty() ? scenario_.node.election_timeout_ms : choice[random_.below(choice.size())];
}

void Nemesis::on_start(HostId host) {
    moods_[host].errors = 0;
    if (random_.chance(1, 4)) machines_[host - 1]->set_election_timeout(draw_election_timeout_ms());
}

// The leader still goes by the old options, and nobody else does. In a hurry, the others restart nearly at once and it
// is cut off with the last of them: what they promised by the old options is not over when they go by the new ones.
void Nemesis::change_rolling(HostId leader) {
    count(Fault::kRollingChange, *machines_[leader - 1]);
    uint32_t timeout_ms = draw_election_timeout_ms();
    if (timeout_ms == machines_[leader - 1]->node_config().election_timeout_ms) timeout_ms = draw_election_timeout_ms();
    const bool hurries = random_.chance(1, 2);
    std::vector<std::pair<HostId, HostId>> links;
    uint64_t next_ns = 0;
    uint64_t cut_ns = 0;
    for (const auto& machine : machines_) {
        if (machine->host() == leader) continue;
        block_both(links, leader, machine->host());
        restart_with(*machine, timeout_ms, next_ns);
        cut_ns = next_ns;
        next_ns += (hurries ? random_.below(50) : random_.between(200, 800)) * kMillisecondNs;
    }
    if (!hurries) cut_ns = next_ns + random_.below(kSecondNs);
    const uint64_t for_ns =
        hurries ? random_.between(2, 8) * scenario_.node.election_timeout_ms * kMillisecondNs : draw_duration_ns();
    events_.after(cut_ns, [this, links, for_ns] {
        if (!stopped_) block_for(links, for_ns);
    });
    if (random_.chance(1, 2)) restart_with(*machines_[leader - 1], timeout_ms, cut_ns + for_ns);
}

void Nemesis::restart_with(Machine& machine, uint32_t timeout_ms, uint64_t after_ns) {
    events_.after(after_ns, [this, &machine, timeout_ms] {
        if (stopped_) return;
        machine.set_election_timeout(timeout_ms);
        moods_[machine.host()].restarts_at_once = machine.is_up();
        machine.crash(Network::Death::kProcess, Disk::CrashMode::kKeepAll);
    });
}

// Now and then the target heeds the request after the leader has given it up.
void Nemesis::transfer(Machine& leader) {
    count(Fault::kTransfer, leader);
    const uint64_t target = random_.chance(1, 2) ? 0 : random_.between(1, machines_.size());
    leader.transfer_leadership(NodeId{target});
    if (target == 0 || !random_.chance(1, 3)) return;
    const uint64_t election_ns = scenario_.node.election_timeout_ms * kMillisecondNs;
    machines_[target - 1]->pause_until(events_.now_ns() + random_.between(election_ns, election_ns + election_ns / 2));
}

}  // namespace kvorum::sim
