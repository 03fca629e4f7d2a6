// What one seed means: every parameter of a run, drawn from it. Each seed turns on a subset of the faults and draws how
// often each comes
// ("swarm testing", Groce et al. 2012), so that rare combinations are met and some runs stay calm enough to get far.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "config/config.h"
#include "sim/machine.h"
#include "sim/network.h"

namespace kvorum::sim {

enum class Fault : uint8_t {
    kKill,         // the process dies; what it wrote stays in the machine
    kPowerCut,     // what was not synced is lost, sector by sector
    kPowerCutAll,  // of all machines at once
    kCrashAtSend,  // right before or after a send
    kCrashAtDisk,  // right before or after a disk operation
    kPause,        // no turns while time goes on
    kIsolate,      // one node from all others
    kSplit,        // into two halves
    kOneWay,       // one direction between two nodes
    kBridge,       // two nodes cannot talk to each other, but both to the rest
    kClog,         // a slow link
    kReset,        // all connections between two hosts
    kHalfOpen,     // one side of them lost its connections, the other does not hear of it
    kSwizzle,      // the links of some nodes are cut one by one, and come back in another order
    kStaleLeader,  // answers reach the leader late, then nothing that it says gets out: it leads longer than it should
    kElection,     // the leader is cut off, and who votes or campaigns is likely to lose its power at once
    kRollingChange,  // the followers restart one after another, with other options; then the leader is cut off
    kSlowDisk,
    kHungSync,
    kWriteError,
    kSyncError,
    kDiskFull,
    kShortWrite,
    kReadError,
    kClockStep,    // of the wall clock
    kRot,          // damage of durable bytes, at rest
    kLostWrite,    // acknowledged by the device, never stored
    kForeignDisk,  // after a power cut the disk is a copy of another node's
    kWipe,         // after a power cut the disk is empty
    kTransfer,     // no fault: the leader is asked to hand over, to whomever it likes or to any node
    kCount,
};
inline constexpr size_t kFaultCount = static_cast<size_t>(Fault::kCount);
[[nodiscard]] std::string_view fault_name(Fault fault);

struct Scenario {
    uint64_t seed = 0;
    uint32_t nodes = 3;
    uint32_t clients = 6;
    uint32_t readers = 0;  // of the clients: these only read
    uint32_t hot_keys = 4;
    uint64_t safety_ns = 55 * kSecondNs;
    uint64_t key_life_ns = 6 * kSecondNs;                   // before the clients move on to other keys
    uint64_t think_ns = 120 * kMillisecondNs;               // between a client's operations, on average
    uint64_t patience_ns = 2 * kSecondNs;                   // before a client gives up an operation
    std::array<uint64_t, kFaultCount> fault_interval_ns{};  // on average; 0: off
    NetworkConfig network;
    NodeConfig node;  // of all nodes, but for the id
    // Each node has one of these, and may have another after a restart; empty: all have that of `node`, for ever.
    std::vector<uint32_t> election_timeouts_ms;
    // Each node has one of these (0: none), and is given another now and then; empty: nobody has one.
    std::vector<uint64_t> memory_limits_bytes;
    SimBackendConfig backend;
    DiskConfig disk;
    int64_t drift_ppm_max = 0;
    int64_t wall_offset_ms_max = 0;
    bool shuffle = true;
    bool ends_in_election = false;  // a disturbed one, right before the liveness phase

    [[nodiscard]] static Scenario draw(uint64_t seed);
    // A shorter run with busy clients on few keys, and one fault, often.
    [[nodiscard]] static Scenario focused(uint64_t seed, uint32_t nodes, Fault fault);
    // No faults at all.
    [[nodiscard]] static Scenario calm(uint64_t seed, uint32_t nodes);
    [[nodiscard]] uint64_t election_timeout_ns_max() const;
    [[nodiscard]] std::string describe() const;
    [[nodiscard]] MachineConfig machine(HostId host) const;

 private:
    [[nodiscard]] static Scenario draw_faults(uint64_t seed);
    void draw_unequal_timeouts();
    void draw_memory_limits();
    void draw_readers();
    void draw_snapshots();
};

}  // namespace kvorum::sim
