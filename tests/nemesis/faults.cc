#include "tests/nemesis/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <thread>

namespace kvorum::nemesis {
namespace {

bool strike_any(Target& target);

constexpr auto kFaults = std::to_array<FaultKind>({
    {"kill", "SIGKILL of a minority, then a restart", strike_kill},
    {"kill-all", "SIGKILL of all nodes at once, then a restart", strike_kill_all},
    {"pause", "SIGSTOP of a minority for 0.2 to 5 s", strike_pause},
    {"isolate", "a minority and the others do not reach each other", strike_isolation},
    {"one-way", "one node is not heard, or hears nothing", strike_one_way},
    {"bridge", "two halves that only one node reaches both of", strike_bridge},
    {"delay", "messages are up to 0.3 s late", strike_delay},
    {"clog", "some links stall one by one, and go on in another order", strike_clog},
    {"cut", "connections are reset in the middle of a frame", strike_cut},
    {"half-open", "some links swallow what is sent", strike_half_open},
    {"sync-error", "a sync fails once", strike_sync_error},
    {"write-error", "a write fails once", strike_write_error},
    {"hung-sync", "the syncs of one node do not end", strike_hung_sync},
    {"power-cut", "one node, a majority or all lose what was not synced, and die", strike_power_cut},
    {"any", "any of the above, in turn", strike_any},
});

bool strike_any(Target& target) { return kFaults[target.random.below(kFaults.size() - 1)].strike(target); }

}  // namespace

std::span<const FaultKind> all_faults() { return kFaults; }

const FaultKind* find_fault(std::string_view name) {
    const auto* found =
        std::find_if(kFaults.begin(), kFaults.end(), [name](const FaultKind& kind) { return kind.name == name; });
    return found == kFaults.end() ? nullptr : found;
}

void hold(milliseconds duration) { std::this_thread::sleep_for(duration); }

milliseconds draw_hold(Target& target, uint64_t low_ms, uint64_t high_ms) {
    const auto longest = static_cast<uint64_t>(target.timing.hold_max.count());
    return milliseconds(target.random.between(std::min(low_ms, longest), std::min(high_ms, longest)));
}

uint32_t draw_node(Target& target) { return static_cast<uint32_t>(target.random.between(1, target.cluster.size())); }

uint32_t draw_victim(Target& target) {
    if (target.random.chance(1, 2)) return target.cluster.find_leader().value_or(draw_node(target));
    return draw_node(target);
}

std::vector<uint32_t> shuffled_nodes(Target& target) {
    std::vector<uint32_t> nodes(target.cluster.size());
    std::iota(nodes.begin(), nodes.end(), 1U);
    shuffle(target.random, nodes);
    return nodes;
}

std::vector<uint32_t> draw_minority(Target& target) {
    std::vector<uint32_t> nodes = shuffled_nodes(target);
    std::iter_swap(nodes.begin(), std::find(nodes.begin(), nodes.end(), draw_victim(target)));
    nodes.resize(target.random.between(1, (nodes.size() - 1) / 2));
    return nodes;
}

std::string fault_socket(const std::string& directory, uint32_t node) {
    return fmt::format("{}/fault-{}", directory, node);
}

}  // namespace kvorum::nemesis
