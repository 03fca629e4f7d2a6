// The whole world of one simulated node behind IoBackend: its disk (sim/disk_backend.h), its sockets (sim/network.h)
// and its clocks.
//
// Operations on sockets leave at the end of the node's turn, as with a kernel, in end_turn(). Streams are cut anywhere:
// receives bring pieces of drawn length from a small pool of buffers (a node that holds many waits, as after ENOBUFS),
// multishot receives end now and then without an error, sends are short. After stop_node() or halt() nothing reaches
// the world any more, every operation ends with -ECANCELED, and time is the backend's own, so that the node's
// coroutines can unwind.
//
// Thread: one. Ownership: disk, network and events outlive the backend.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/prng.h"
#include "sim/disk_backend.h"
#include "sim/event_queue.h"
#include "sim/network.h"

namespace kvorum::sim {

// A node's clocks: the monotonic one runs at a drawn rate, the wall clock besides may step.
struct ClockConfig {
    int64_t drift_ppm = 0;
    int64_t wall_offset_ms = 0;
};

class SimClock {
 public:
    SimClock(uint64_t start_ns, ClockConfig config) : start_ns_(start_ns), config_(config) {}

    [[nodiscard]] uint64_t monotonic_ns(uint64_t world_ns) const;
    // The first world time at which monotonic_ns() is at least `local_ns`.
    [[nodiscard]] uint64_t world_ns(uint64_t local_ns) const;
    [[nodiscard]] int64_t wall_ms(uint64_t world_ns) const;
    void step_wall(int64_t by_ms) { config_.wall_offset_ms += by_ms; }

 private:
    uint64_t start_ns_;
    ClockConfig config_;
};

struct SimBackendConfig {
    HostId host = 0;
    DiskBackendConfig disk;
    uint32_t receive_buffers = 16;
    uint32_t receive_bytes_max = 4096;
    uint32_t short_send_one_in = 8;
    uint32_t rearm_one_in = 16;  // of this many receive completions one ends the multishot operation; 0: none
};

class SimBackend final : public DiskBackend, public SocketEvents {
 public:
    // `wake` is called when something waits for the node's next turn.
    SimBackend(const SimBackendConfig& config, Disk& disk, Network& network, EventQueue& events, const SimClock& clock,
               std::function<void()> wake);
    ~SimBackend() override;

    void end_turn();
    // When the next turn has something to deliver, in world time; UINT64_MAX: nothing is known.
    [[nodiscard]] uint64_t next_work_ns() const;
    // Cuts the node off from the world at this instant.
    void cut_off();
    // For a node that is cut off: lets its own time pass to its next operation or to `deadline_ns` of its monotonic
    // clock.
    void pass_time(uint64_t deadline_ns);
    // How many sends reached the network so far.
    [[nodiscard]] uint64_t sends() const { return sends_; }

    void cancel(reactor::IoOp& op) override;
    void poll(uint64_t wait_until_ns) override;
    Bytes receive_buffer(uint16_t buffer_id, uint64_t length_bytes) override;
    void release_receive_buffer(uint16_t buffer_id) override;
    uint64_t monotonic_ns() override;
    int64_t wall_clock_ms() override;
    absl::StatusOr<reactor::Handle> listen(const reactor::Endpoint& endpoint) override;
    uint16_t local_port(reactor::Handle handle) override;
    std::string peer_address(reactor::Handle handle) override;
    void shutdown_socket(reactor::Handle handle) override;
    void shutdown_output(reactor::Handle handle) override;
    void halt(std::string reason) override;

 private:
    struct Ready {
        reactor::IoOp* op = nullptr;
        reactor::IoCompletion completion;
    };

    void submit_other(reactor::IoOp& op) override;
    void carry_out(reactor::IoOp& op);
    void carry_out_send(reactor::IoOp& op);
    void carry_out_close(reactor::IoOp& op);
    void feed_accept(uint16_t port);
    void feed_receive(SocketId socket);
    void complete(reactor::IoOp& op, int32_t result) { ready_.push_back({&op, {.result = result}}); }

    void on_connected(SocketId socket, int32_t result) override;
    void on_accepted(uint16_t port, SocketId socket) override;
    void on_readable(SocketId socket) override;
    void on_writable(SocketId socket) override;

    SimBackendConfig config_;
    Network& network_;
    EventQueue& events_;
    const SimClock& clock_;
    std::function<void()> wake_;
    Prng random_;
    bool cut_off_ = false;
    uint64_t own_time_ns_ = 0;  // added to the world's while cut off
    uint64_t cut_off_at_ns_ = 0;
    uint64_t sends_ = 0;

    std::vector<reactor::IoOp*> staged_;
    std::deque<Ready> ready_;
    std::map<SocketId, reactor::IoOp*> connecting_;
    std::map<SocketId, reactor::IoOp*> sending_;
    std::map<SocketId, reactor::IoOp*> receiving_;
    std::map<uint16_t, reactor::IoOp*> accepting_;
    std::map<uint16_t, std::deque<SocketId>> backlog_;  // of listening ports
    std::vector<std::string> buffers_;
    std::vector<uint16_t> free_buffers_;
};

}  // namespace kvorum::sim
