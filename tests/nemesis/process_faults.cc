// Faults of whole processes.
#include "tests/nemesis/faults.h"

namespace kvorum::nemesis {

bool strike_kill(Target& target) {
    const uint32_t victim = draw_victim(target);
    const bool was_running = target.cluster.is_running(victim);
    target.cluster.kill(victim);
    hold(draw_hold(target, 0, 2000));
    target.cluster.start(victim);
    return was_running;
}

bool strike_kill_all(Target& target) {
    target.cluster.kill_all();
    hold(draw_hold(target, 0, 300));
    target.cluster.start_all();
    return true;
}

bool strike_pause(Target& target) {
    const uint32_t victim = draw_victim(target);
    const bool was_running = target.cluster.is_running(victim);
    target.cluster.pause(victim);
    hold(draw_hold(target, 200, 5000));
    target.cluster.resume(victim);
    return was_running;
}

}  // namespace kvorum::nemesis
