// Faults of whole processes.
#include <algorithm>

#include "tests/nemesis/faults.h"

namespace kvorum::nemesis {
namespace {

bool are_running(const Target& target, const std::vector<uint32_t>& nodes) {
    return std::all_of(nodes.begin(), nodes.end(), [&](uint32_t node) { return target.cluster.is_running(node); });
}

}  // namespace

bool strike_kill(Target& target) {
    const std::vector<uint32_t> victims = draw_minority(target);
    const bool were_running = are_running(target, victims);
    for (const uint32_t victim : victims)
        target.cluster.kill(victim);
    hold(draw_hold(target, 0, 2000));
    for (const uint32_t victim : victims)
        target.cluster.start(victim);
    return were_running;
}

bool strike_kill_all(Target& target) {
    const bool were_running = are_running(target, shuffled_nodes(target));
    target.cluster.kill_all();
    hold(draw_hold(target, 0, 300));
    target.cluster.start_all();
    return were_running;
}

bool strike_pause(Target& target) {
    const std::vector<uint32_t> victims = draw_minority(target);
    const bool were_running = are_running(target, victims);
    for (const uint32_t victim : victims)
        target.cluster.pause(victim);
    hold(draw_hold(target, 200, 5000));
    for (const uint32_t victim : victims)
        target.cluster.resume(victim);
    return were_running;
}

}  // namespace kvorum::nemesis
