// One simulated machine: a disk that outlives crashes, and on it a whole node::Node with its reactor, for as long as
// it is up.
//
// The node's turns are events of the world: one follows when a completion, a timer or ready work is there, and never
// sooner than the virtual CPU time of the last one allows. A crash first freezes what the node can do to disk and
// network, then lets every operation end with an error until all coroutines have unwound, then destroys the node; the
// disk is then what a power cut or a killed process leaves.
//
// Thread: one. Ownership: everything in MachineWorld outlives the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/prng.h"
#include "node/node.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "sim/disk.h"
#include "sim/sim_backend.h"

namespace kvorum::sim {

// A sixth of a real node's, so that small commands are cut as large ones are there.
inline constexpr uint64_t kSimWorkBudget = kTurnWorkBudget / 6;

class Machine;

class MachineOwner {
 public:
    virtual void on_turn(Machine& machine) = 0;                             // after each turn of a node that serves
    virtual void on_refused(Machine& machine, const std::string& why) = 0;  // the node did not start
    virtual void on_halted(Machine& machine, const std::string& why) = 0;   // the node ended itself
    virtual void on_down(Machine& machine) = 0;                             // it crashed or was stopped

 protected:
    ~MachineOwner() = default;
};

struct MachineConfig {
    NodeConfig node;
    DiskConfig disk;
    SimBackendConfig backend;
    ClockConfig clock;
    uint64_t seed = 1;
    bool shuffle = true;
    uint64_t turn_ns_min = 2 * kMicrosecondNs;
    uint64_t turn_ns_max = 40 * kMicrosecondNs;
};

class Machine {
 public:
    enum class State { kDown, kUp, kRefused };

    Machine(MachineConfig config, EventQueue& events, Network& network, Trace& trace, MachineOwner& owner);
    ~Machine();

    void start();
    // Any time but from inside a turn of this machine.
    void crash(Network::Death death, Disk::CrashMode mode);
    // Crashes it with its `count`-th next send (or disk operation), `before` or after that takes effect.
    void crash_at_send(uint64_t count, Disk::CrashMode mode);
    void crash_at_disk_operation(uint64_t count, Disk::CrashMode mode);
    // A power cut, and somebody takes the disk away and puts an empty one in.
    void wipe();
    void set_election_timeout(uint32_t timeout_ms);  // from the next start on
    void set_memory_limit(uint64_t limit_bytes);     // at once, and at every start; 0: none
    // Asks its node to hand the leadership over; none: to whomever it likes. Nothing happens if it does not lead.
    void transfer_leadership(NodeId target);
    void cancel_crashes() { trigger_ = {}; }  // that are to come
    void pause_until(uint64_t when_ns);
    void set_fault_policy(DiskBackend::FaultPolicy policy) { policy_ = std::move(policy); }
    void release_hung();

    [[nodiscard]] HostId host() const { return config_.backend.host; }
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool is_up() const { return state_ == State::kUp; }
    [[nodiscard]] bool is_paused() const { return paused_until_ns_ > events_.now_ns(); }
    // The node, if it serves (it has recovered its log and listens).
    [[nodiscard]] const node::Node* serving() const { return is_up() && started_ ? node_.get() : nullptr; }
    [[nodiscard]] const char* role_name() const;
    [[nodiscard]] uint64_t incarnation() const { return incarnation_; }
    [[nodiscard]] Disk& disk() { return disk_; }
    [[nodiscard]] const Disk& disk() const { return disk_; }
    [[nodiscard]] SimClock& clock() { return clock_; }
    [[nodiscard]] uint64_t monotonic_ns() const { return clock_.monotonic_ns(events_.now_ns()); }  // its node's time
    [[nodiscard]] const NodeConfig& node_config() const { return config_.node; }
    [[nodiscard]] uint64_t turns() const { return turns_; }
    // Of its last turn.
    [[nodiscard]] const TurnWork& work() const { return reactor_->work(); }

 private:
    reactor::Task<void> live(uint64_t incarnation);
    void wake() { schedule_turn(events_.now_ns()); }
    void schedule_turn(uint64_t when_ns);
    void turn();
    void unwind();
    void after_turn();
    [[nodiscard]] bool trigger_reached() const;

    MachineConfig config_;
    EventQueue& events_;
    Network& network_;
    Trace& trace_;
    MachineOwner& owner_;
    Prng random_;
    Disk disk_;
    SimClock clock_;
    DiskBackend::FaultPolicy policy_;

    State state_ = State::kDown;
    bool started_ = false;
    uint64_t incarnation_ = 0;
    uint64_t turns_ = 0;
    uint64_t turn_at_ns_ = UINT64_MAX;
    uint64_t turn_number_ = 0;
    uint64_t busy_until_ns_ = 0;
    uint64_t paused_until_ns_ = 0;
    std::optional<std::string> refused_;

    struct Trigger {
        uint64_t sends = UINT64_MAX;
        uint64_t operations = UINT64_MAX;
        Disk::CrashMode mode = Disk::CrashMode::kDrawn;
    };
    Trigger trigger_;

    std::unique_ptr<SimBackend> backend_;
    std::unique_ptr<reactor::Reactor> reactor_;
    std::unique_ptr<reactor::TaskScope> scope_;
    std::unique_ptr<reactor::Event> stop_;
    std::unique_ptr<node::Node> node_;
};

}  // namespace kvorum::sim
