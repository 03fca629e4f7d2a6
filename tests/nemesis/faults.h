// The faults of the nemesis: what it does to a real cluster, one kind at a time. Each kind is a function that strikes
// once, holds on for a drawn time, and heals everything that it did.
//
// Thread: the one that owns the cluster.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "tests/integration/cluster.h"
#include "tests/nemesis/peer_proxy.h"

namespace kvorum::nemesis {

using std::chrono::milliseconds;

struct Timing {
    milliseconds election{500};
    milliseconds heartbeat{100};
    milliseconds disk_stall{1000};
    milliseconds hold_max{5000};  // how long one fault lasts at most
};

// What a fault works on.
struct Target {
    integration::Cluster& cluster;
    PeerProxy& links;
    Prng& random;
    Timing timing{};
    std::vector<std::string> problems{};  // what the cluster did not do although it had to
};

struct FaultKind {
    std::string_view name;
    std::string_view what;
    // True when the fault met something: a process, bytes on a link, an operation of the disk.
    bool (*strike)(Target& target);
};

[[nodiscard]] std::span<const FaultKind> all_faults();
[[nodiscard]] const FaultKind* find_fault(std::string_view name);

// The one place where the nemesis waits for nothing but time.
void hold(milliseconds duration);
// Between `low` and `high`, and not over the longest hold.
[[nodiscard]] milliseconds draw_hold(Target& target, uint64_t low_ms, uint64_t high_ms);

// Half of the time the leader, if there is one.
[[nodiscard]] uint32_t draw_victim(Target& target);
[[nodiscard]] uint32_t draw_node(Target& target);
// One victim, or up to as many as the cluster can do without.
[[nodiscard]] std::vector<uint32_t> draw_minority(Target& target);
// The nodes from 1, shuffled.
[[nodiscard]] std::vector<uint32_t> shuffled_nodes(Target& target);
template <typename T>
void shuffle(Prng& random, std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i)
        std::swap(items[i - 1], items[random.below(i)]);
}

// The socket by which a node of the cluster is told of disk faults, see fault_control.h.
[[nodiscard]] std::string fault_socket(const std::string& directory, uint32_t node);

// The kinds by what they strike: process_faults.cc, link_faults.cc, disk_faults.cc.
bool strike_kill(Target& target);
bool strike_kill_all(Target& target);
bool strike_pause(Target& target);
bool strike_isolation(Target& target);
bool strike_one_way(Target& target);
bool strike_bridge(Target& target);
bool strike_delay(Target& target);
bool strike_clog(Target& target);
bool strike_cut(Target& target);
bool strike_half_open(Target& target);
bool strike_sync_error(Target& target);
bool strike_write_error(Target& target);
bool strike_hung_sync(Target& target);
bool strike_power_cut(Target& target);

}  // namespace kvorum::nemesis
