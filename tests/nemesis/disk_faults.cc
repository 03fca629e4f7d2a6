// Faults of disks, through kvorumd_faulty.
#include <fmt/format.h>

#include <cstdlib>
#include <optional>

#include "tests/nemesis/fault_control.h"
#include "tests/nemesis/faults.h"

namespace kvorum::nemesis {
namespace {

// A node whose disk failed has to be gone; a machine with other work to do may let it wait.
constexpr auto kExitDeadline = milliseconds(5000);
constexpr auto kUnansweredDeadline = milliseconds(500);
constexpr auto kFailoverSlack = milliseconds(5000);

std::optional<std::string> send(Target& target, uint32_t node, const std::string& fault) {
    return send_fault(fault_socket(target.cluster.directory(), node), fault);
}

// The node is told to fail, must end by that, and is started again.
bool strike_error(Target& target, const std::string& fault) {
    const uint32_t victim = draw_victim(target);
    const bool answered = send(target, victim, fault).has_value();
    // A busy node may be gone before it has answered: it is down all the same, and must come back.
    const bool ended = target.cluster.wait_for_exit(victim, answered ? kExitDeadline : kUnansweredDeadline);
    if (!ended && !answered) return false;
    if (!ended) {
        target.problems.push_back(fmt::format("node {} goes on after a {}", victim, fault));
        target.cluster.kill(victim);
    }
    hold(draw_hold(target, 0, 1000));
    target.cluster.start(victim);
    return ended;
}

std::vector<uint32_t> draw_victims_of_power_cut(Target& target) {
    const uint64_t extent = target.random.below(3);
    if (extent == 0) return draw_minority(target);
    std::vector<uint32_t> nodes = shuffled_nodes(target);
    if (extent == 1) nodes.resize(nodes.size() / 2 + 1);
    return nodes;
}

}  // namespace

bool strike_sync_error(Target& target) { return strike_error(target, "sync-error"); }

bool strike_write_error(Target& target) { return strike_error(target, "write-error"); }

// A leader whose disk hangs is replaced, though its heartbeats go on.
bool strike_hung_sync(Target& target) {
    const uint32_t victim = draw_victim(target);
    const bool led = target.cluster.find_leader() == victim;
    if (!send(target, victim, "hang-sync").has_value()) return false;
    if (led) {
        const milliseconds deadline = target.timing.disk_stall + 3 * target.timing.election + kFailoverSlack;
        const bool replaced = integration::wait_until(deadline, [&] {
            const auto leader = target.cluster.find_leader();
            return leader.has_value() && *leader != victim;
        });
        if (!replaced) {
            target.problems.push_back(
                fmt::format("node {} still leads {} ms after its disk hung", victim, deadline.count()));
        }
    }
    hold(draw_hold(target, 200, 3000));
    const uint64_t hung = std::strtoull(send(target, victim, "count").value_or("0").c_str(), nullptr, 10);
    // The disk comes back, or the machine never recovers from it.
    if (target.random.chance(1, 2)) {
        (void)send(target, victim, "release");
    } else {
        target.cluster.kill(victim);
        target.cluster.start(victim);
    }
    return hung > 0;
}

bool strike_power_cut(Target& target) {
    const std::vector<uint32_t> victims = draw_victims_of_power_cut(target);
    // Half of the time the syncs get stuck shortly before: all the more to lose.
    if (target.random.chance(1, 2)) {
        for (const uint32_t victim : victims)
            (void)send(target, victim, "hang-sync");
        hold(draw_hold(target, 10, 300));
    }
    bool fired = true;
    for (const uint32_t victim : victims)
        fired = send(target, victim, fmt::format("power-cut {}", target.random.next())).has_value() && fired;
    for (const uint32_t victim : victims) {
        if (target.cluster.wait_for_exit(victim, kExitDeadline)) continue;
        fired = false;
        target.cluster.kill(victim);
    }
    hold(draw_hold(target, 0, 1000));
    for (const uint32_t victim : victims)
        target.cluster.start(victim);
    return fired;
}

}  // namespace kvorum::nemesis
