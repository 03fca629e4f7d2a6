#include "sim/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/prng.h"

namespace kvorum::sim {
namespace {

struct FaultKind {
    std::string_view name;
    uint64_t seconds;  // of virtual time between two, on average, when it is on; 0: never drawn
};

constexpr std::array<FaultKind, kFaultCount> kFaultKinds{{
    {"kill", 6},        {"power-cut", 5},       {"power-cut-all", 20}, {"crash-at-send", 4}, {"crash-at-disk", 4},
    {"pause", 8},       {"isolate", 6},         {"split", 8},          {"one-way", 6},       {"bridge", 8},
    {"clog", 5},        {"reset", 4},           {"half-open", 6},      {"swizzle", 15},      {"stale-leader", 10},
    {"election", 12},   {"rolling-change", 12}, {"slow-disk", 8},      {"hung-sync", 10},    {"write-error", 25},
    {"sync-error", 20}, {"disk-full", 15},      {"short-write", 6},    {"read-error", 25},   {"clock-step", 5},
    {"rot", 30},        {"lost-write", 60},     {"foreign-disk", 60},  {"wipe", 40},         {"transfer", 4},
}};

template <typename T, size_t N>
T pick(Prng& random, const std::array<T, N>& values) {
    return values[random.below(N)];
}

constexpr uint64_t kNoSnapshots = INT64_MAX;  // of log are never written

NodeConfig draw_node_config(Prng& random, uint32_t nodes) {
    NodeConfig config;
    config.cluster_name = "sim";
    config.data_directory = "/data";
    for (uint32_t id = 1; id <= nodes; ++id) {
        const std::string name = fmt::format("node{}", id);
        config.members.push_back({NodeId{id}, {name, 17000}, {name, 7000}});
    }
    config.access.protected_mode = false;  // the clients are other machines
    config.cluster_secrets = {"the secret of the simulated cluster"};
    config.spin_us = 0;  // looking again at once finds nothing new while virtual time stands still
    config.election_timeout_ms = pick<uint32_t, 3>(random, {120, 150, 200});
    config.heartbeat_interval_ms = config.election_timeout_ms / pick<uint32_t, 2>(random, {3, 5});
    config.leader_wait_ms = pick<uint32_t, 3>(random, {200, 500, 1500});
    config.outcome_wait_ms = pick<uint32_t, 3>(random, {400, 1000, 3000});
    config.disk_stall_ms = pick<uint32_t, 3>(random, {150, 400, 1000});
    config.follower_mode = random.chance(1, 4) ? FollowerMode::kRedirect : FollowerMode::kForward;
    config.limits.buffer_bytes_max = 256 * kMiB;
    config.wal_segment_bytes = pick<uint64_t, 3>(random, {16 * kKiB, 32 * kKiB, 64 * kKiB});
    config.wal_spare_segments = pick<uint32_t, 2>(random, {1, 2});
    config.wal_groups_in_flight = pick<uint32_t, 4>(random, {1, 2, 4, 8});
    config.wal_sync = random.chance(1, 2) ? WalSync::kDataSync : WalSync::kDsync;
    config.batch_bytes_max = pick<uint64_t, 3>(random, {512, 4 * kKiB, 64 * kKiB});
    config.entry_cache_bytes = pick<uint64_t, 3>(random, {2 * kKiB, 16 * kKiB, 256 * kKiB});
    return config;
}

}  // namespace

std::string_view fault_name(Fault fault) { return kFaultKinds[static_cast<size_t>(fault)].name; }

Scenario Scenario::calm(uint64_t seed, uint32_t nodes) {
    Prng random(seed);
    Scenario scenario;
    scenario.seed = seed;
    scenario.nodes = nodes;
    scenario.clients = static_cast<uint32_t>(random.between(4, 8));
    scenario.hot_keys = static_cast<uint32_t>(random.between(1, 10));
    scenario.node = draw_node_config(random, nodes);
    // Commands of some hundred keys are large here, and in half of all seeds smaller ones too.
    scenario.node.limits.packed_above_bytes = seed % 2 == 0 ? kKiB : 8 * kKiB;
    scenario.backend.disk.delay_ns_max = pick<uint64_t, 3>(random, {200'000, 400'000, 2'000'000});
    return scenario;
}

Scenario Scenario::focused(uint64_t seed, uint32_t nodes, Fault fault) {
    Prng random(seed * 2);
    Scenario scenario = calm(seed, nodes);
    scenario.safety_ns = 15 * kSecondNs;
    scenario.hot_keys = static_cast<uint32_t>(random.between(1, 2));
    scenario.think_ns = random.between(15, 60) * kMillisecondNs;
    scenario.patience_ns = kSecondNs;
    scenario.fault_interval_ns[static_cast<size_t>(fault)] = random.between(600, 2000) * kMillisecondNs;
    scenario.fault_interval_ns[static_cast<size_t>(Fault::kPowerCut)] = 10 * kSecondNs;
    scenario.wall_offset_ms_max = 30'000;
    scenario.ends_in_election = random.chance(1, 2);
    return scenario;
}

Scenario Scenario::draw(uint64_t seed) {
    Scenario scenario = draw_faults(seed);
    scenario.draw_unequal_timeouts();
    scenario.draw_memory_limits();
    scenario.draw_readers();
    scenario.draw_snapshots();
    return scenario;
}

// In a quarter of all seeds: from what a few keys fill to what only the largest commands do.
void Scenario::draw_memory_limits() {
    Prng random(seed ^ 0x0c0a7bULL);
    if (!random.chance(1, 4)) return;
    constexpr std::array<uint64_t, 5> kLimits{512, 2 * kKiB, 6 * kKiB, 20 * kKiB, 100 * kKiB};
    memory_limits_bytes = {pick(random, kLimits), pick(random, kLimits), 0};
}

// In a third of all seeds: from the mixtures of a careful operator to those of a careless one.
void Scenario::draw_unequal_timeouts() {
    Prng random(seed ^ 0x51e4ceULL);
    if (nodes == 1 || !random.chance(1, 3)) return;
    const uint32_t long_percent = pick<uint32_t, 4>(random, {125, 200, 300, 800});
    election_timeouts_ms = {node.election_timeout_ms, node.election_timeout_ms * long_percent / 100};
    fault_interval_ns[static_cast<size_t>(Fault::kRollingChange)] = random.between(2, 8) * kSecondNs;
}

// In half of all seeds. Who also writes waits for a leader that was cut off; who only reads goes on asking it.
void Scenario::draw_readers() {
    Prng random(seed ^ 0x4ead5ULL);
    if (random.chance(1, 2)) readers = static_cast<uint32_t>(random.between(1, clients / 2));
}

// In half of all seeds the log is cut short again and again.
void Scenario::draw_snapshots() {
    Prng random(seed ^ 0x54a95ULL);
    node.snapshot_log_bytes = kNoSnapshots;
    if (!random.chance(1, 2)) return;
    node.snapshot_log_bytes = pick<uint64_t, 3>(random, {16 * kKiB, 48 * kKiB, 128 * kKiB});
    node.snapshot_keep_log_bytes = pick<uint64_t, 3>(random, {0, 16 * kKiB, 64 * kKiB});
    node.snapshot_rate_mib = pick<uint32_t, 2>(random, {0, 1});
}

uint64_t Scenario::election_timeout_ns_max() const {
    uint32_t longest_ms = node.election_timeout_ms;
    for (const uint32_t timeout_ms : election_timeouts_ms)
        longest_ms = std::max(longest_ms, timeout_ms);
    return longest_ms * kMillisecondNs;
}

Scenario Scenario::draw_faults(uint64_t seed) {
    Prng random(seed * 2 + 1);
    if (random.chance(1, 3)) {
        // Two leaders at a time are the rarest of states, and the ones that reads must survive.
        Fault fault = Fault::kStaleLeader;
        while (random.chance(2, 3) || kFaultKinds[static_cast<size_t>(fault)].seconds == 0)
            fault = static_cast<Fault>(random.below(kFaultCount));
        return focused(seed, pick<uint32_t, 3>(random, {3, 3, 5}), fault);
    }
    Scenario scenario = calm(seed, pick<uint32_t, 8>(random, {1, 3, 3, 3, 3, 3, 5, 5}));
    scenario.think_ns = random.between(60, 200) * kMillisecondNs;
    scenario.patience_ns = pick<uint64_t, 3>(random, {300, 1000, 4000}) * kMillisecondNs;
    scenario.shuffle = random.chance(3, 4);
    const uint64_t density = random.between(1, 6);  // of eight, how many faults are on
    for (size_t i = 0; i < kFaultCount; ++i) {
        const uint64_t interval_ns = kFaultKinds[i].seconds * kSecondNs * random.between(3, 25) / 10;
        scenario.fault_interval_ns[i] = random.chance(density, 8) ? interval_ns : 0;
    }
    NetworkConfig& network = scenario.network;
    network.delay_ns_spread = pick<uint64_t, 3>(random, {100, 500, 8000}) * kMicrosecondNs;
    network.slow_one_in = random.chance(1, 2) ? random.between(20, 400) : 0;
    network.slow_ns = random.between(5, 150) * kMillisecondNs;
    network.corrupt_one_in = random.chance(1, 4) ? random.between(300, 3000) : 0;
    network.reset_one_in = random.chance(1, 4) ? random.between(300, 3000) : 0;
    network.socket_buffer_bytes = pick<uint64_t, 3>(random, {2, 16, 64}) * kKiB;
    network.segment_bytes_max = pick<uint64_t, 3>(random, {64, 1460, 16 * kKiB});
    SimBackendConfig& backend = scenario.backend;
    backend.receive_buffers = pick<uint32_t, 3>(random, {2, 8, 64});
    backend.receive_bytes_max = pick<uint32_t, 3>(random, {32, 512, 4096});
    backend.short_send_one_in = pick<uint32_t, 3>(random, {0, 4, 32});
    backend.rearm_one_in = pick<uint32_t, 3>(random, {0, 4, 64});
    scenario.disk.sector_bytes = pick<uint64_t, 2>(random, {512, 4096});
    scenario.drift_ppm_max = pick<int64_t, 3>(random, {0, 500, 50'000});
    scenario.wall_offset_ms_max = pick<int64_t, 3>(random, {0, 200, 30'000});
    scenario.key_life_ns = random.between(2, 8) * kSecondNs;
    scenario.ends_in_election = random.chance(1, 3);
    // As bad as the bound just allows: two clocks that are off by 17 % in opposite directions.
    constexpr uint32_t kPoorClocksPercent = 30;
    scenario.node.clock_drift_percent = pick<uint32_t, 3>(random, {0, 10, kPoorClocksPercent});
    if (scenario.node.clock_drift_percent == kPoorClocksPercent) scenario.drift_ppm_max = 170'000;
    return scenario;
}

std::string Scenario::describe() const {
    std::string faults;
    for (size_t i = 0; i < kFaultCount; ++i) {
        if (fault_interval_ns[i] == 0) continue;
        faults += fmt::format(" {}:{:.1f}s", kFaultKinds[i].name, static_cast<double>(fault_interval_ns[i]) / 1e9);
    }
    return fmt::format(
        "nodes {} clients {} of them readers {} keys {} for {}s election {}..{}ms heartbeat {}ms leader-wait {}ms "
        "outcome-wait {}ms "
        "disk-stall {}ms "
        "mode {} segment {} groups {} "
        "sync {} batch {} cache {} think {}ms patience {}ms spread {}us slow 1/{} corrupt 1/{} reset 1/{} buffers "
        "{}x{} drift {}ppm of {}% shuffle {} "
        "memory {} snapshots {}/{} "
        "faults:{}",
        nodes, clients, readers, hot_keys, key_life_ns / kSecondNs, node.election_timeout_ms,
        election_timeout_ns_max() / kMillisecondNs, node.heartbeat_interval_ms, node.leader_wait_ms,
        node.outcome_wait_ms, node.disk_stall_ms, node.follower_mode == FollowerMode::kForward ? "forward" : "redirect",
        node.wal_segment_bytes, node.wal_groups_in_flight, node.wal_sync == WalSync::kDsync ? "dsync" : "datasync",
        node.batch_bytes_max, node.entry_cache_bytes, think_ns / kMillisecondNs, patience_ns / kMillisecondNs,
        network.delay_ns_spread / kMicrosecondNs, network.slow_one_in, network.corrupt_one_in, network.reset_one_in,
        backend.receive_buffers, backend.receive_bytes_max, drift_ppm_max, node.clock_drift_percent, shuffle,
        fmt::join(memory_limits_bytes, "/"), node.snapshot_log_bytes == kNoSnapshots ? 0 : node.snapshot_log_bytes,
        node.snapshot_keep_log_bytes, faults);
}

MachineConfig Scenario::machine(HostId host) const {
    Prng random(seed ^ (0xace1ULL * host));
    MachineConfig config;
    config.node = node;
    config.node.id = NodeId{host};
    config.disk = disk;
    config.backend = backend;
    config.backend.host = host;
    config.seed = random.next();
    config.shuffle = shuffle;
    const auto around_zero = [&random](int64_t max) {
        return static_cast<int64_t>(random.between(0, static_cast<uint64_t>(2 * max))) - max;
    };
    config.clock.drift_ppm = around_zero(drift_ppm_max);
    config.clock.wall_offset_ms = around_zero(wall_offset_ms_max);
    return config;
}

}  // namespace kvorum::sim
