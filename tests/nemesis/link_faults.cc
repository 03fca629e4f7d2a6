// Faults of the network between the nodes.
#include <algorithm>
#include <utility>

#include "tests/nemesis/faults.h"

namespace kvorum::nemesis {
namespace {

using Links = std::vector<std::pair<uint32_t, uint32_t>>;  // from, to

constexpr LinkState kHeld{.mode = LinkMode::kHold};
constexpr LinkState kSwallowing{.mode = LinkMode::kSwallow};

Links all_links(const Target& target) {
    Links links;
    for (uint32_t from = 1; from <= target.cluster.size(); ++from) {
        for (uint32_t to = 1; to <= target.cluster.size(); ++to) {
            if (from != to) links.emplace_back(from, to);
        }
    }
    return links;
}

// At least one link.
Links some_links(Target& target) {
    Links links = all_links(target);
    shuffle(target.random, links);
    links.resize(target.random.between(1, links.size()));
    return links;
}

// Puts the links into the state for a drawn time; true when that met traffic.
bool hold_links(Target& target, const Links& links, LinkState state) {
    const uint64_t hits_before = target.links.hits();
    for (const auto& [from, to] : links)
        target.links.set(from, to, state);
    hold(draw_hold(target, 300, 5000));
    target.links.set_all({});
    return target.links.hits() > hits_before;
}

}  // namespace

bool strike_isolation(Target& target) {
    const std::vector<uint32_t> minority = draw_minority(target);
    const auto is_inside = [&](uint32_t node) {
        return std::find(minority.begin(), minority.end(), node) != minority.end();
    };
    Links links = all_links(target);
    std::erase_if(links, [&](const auto& link) { return is_inside(link.first) == is_inside(link.second); });
    return hold_links(target, links, kHeld);
}

bool strike_one_way(Target& target) {
    const uint32_t victim = draw_victim(target);
    const bool is_not_heard = target.random.chance(1, 2);
    Links links = all_links(target);
    std::erase_if(links, [&](const auto& link) { return (is_not_heard ? link.first : link.second) != victim; });
    return hold_links(target, links, kHeld);
}

bool strike_bridge(Target& target) {
    // Not the leader: nobody would miss the links between the others.
    const std::optional<uint32_t> leader = target.cluster.find_leader();
    uint32_t bridge = draw_node(target);
    while (bridge == leader)
        bridge = draw_node(target);
    Links links = all_links(target);
    // Left and right of the bridge, on the circle of nodes.
    const auto is_left = [&](uint32_t node) {
        return (node + target.cluster.size() - bridge) % target.cluster.size() <= target.cluster.size() / 2;
    };
    std::erase_if(links, [&](const auto& link) {
        return link.first == bridge || link.second == bridge || is_left(link.first) == is_left(link.second);
    });
    return hold_links(target, links, kHeld);
}

bool strike_delay(Target& target) {
    const milliseconds delay(target.random.between(5, 150));
    return hold_links(target, some_links(target), {.mode = LinkMode::kDelay, .delay = delay});
}

bool strike_clog(Target& target) {
    Links links = some_links(target);
    const uint64_t hits_before = target.links.hits();
    const milliseconds whole = draw_hold(target, 500, 5000);
    const milliseconds step = whole / (2 * static_cast<int64_t>(links.size()));
    for (const auto& [from, to] : links) {
        target.links.set(from, to, kHeld);
        hold(step);
    }
    shuffle(target.random, links);
    for (const auto& [from, to] : links) {
        target.links.set(from, to, {});
        hold(step);
    }
    return target.links.hits() > hits_before;
}

bool strike_cut(Target& target) {
    constexpr uint64_t kBytesMax = 4000;
    return hold_links(target, some_links(target), {.cut_after_bytes = target.random.between(1, kBytesMax)});
}

bool strike_half_open(Target& target) { return hold_links(target, some_links(target), kSwallowing); }

}  // namespace kvorum::nemesis
