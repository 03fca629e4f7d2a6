// A simulated network of TCP connections: ordered byte streams between hosts, with everything that such streams do in
// bad weather.
//
// Bytes are delayed by a drawn time, arrive in pieces cut anywhere, are held back while a link is blocked (and come
// after it is opened, as TCP sends again), and may be corrupted or cut off by a reset. Links are directed: blocking
// only one way gives an asymmetric partition, where connections are half-open. A host that lost its power says nothing;
// one whose process died resets its connections. Within a stream nothing is lost, doubled or reordered: TCP does not
// let that happen.
//
// Thread: one. Ownership: a host's SocketEvents outlives its being up. Calls to SocketEvents come from the event queue,
// never from inside a call to the network.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/prng.h"
#include "base/units.h"
#include "sim/event_queue.h"
#include "sim/trace.h"

namespace kvorum::sim {

using HostId = uint32_t;
using SocketId = uint32_t;  // unique for the whole run
inline constexpr SocketId kNoSocket = 0;

struct NetworkConfig {
    uint64_t delay_ns_min = 20 * kMicrosecondNs;
    uint64_t delay_ns_spread = 300 * kMicrosecondNs;  // drawn on top, uniformly
    uint64_t slow_one_in = 0;                         // of this many segments one takes up to slow_ns; 0: none
    uint64_t slow_ns = 20 * kMillisecondNs;
    uint64_t corrupt_one_in = 0;  // of this many segments between nodes one arrives with a byte changed; 0: none
    uint64_t reset_one_in = 0;    // of this many segments one is followed by a reset; 0: none
    uint64_t socket_buffer_bytes = 64 * kKiB;
    uint64_t segment_bytes_max = 16 * kKiB;
};

class SocketEvents {
 public:
    virtual void on_connected(SocketId socket, int32_t result) = 0;  // 0 or -errno; the socket is gone unless 0
    virtual void on_accepted(uint16_t port, SocketId socket) = 0;
    virtual void on_readable(SocketId socket) = 0;  // bytes, the end, or a reset
    virtual void on_writable(SocketId socket) = 0;  // room, or a reset

 protected:
    ~SocketEvents() = default;
};

struct NetworkStats {
    uint64_t segments = 0;
    uint64_t bytes = 0;
    uint64_t corrupted = 0;
    uint64_t resets = 0;
    uint64_t held_back = 0;  // segments that met a blocked link
    uint64_t connects = 0;
};

class Network {
 public:
    enum class Death { kProcess, kPower };

    // Hosts up to `nodes_max` are nodes: only bytes between two of them may be corrupted (clients' protocol has no
    // checksums of its own).
    Network(EventQueue& events, Trace& trace, uint64_t seed, NetworkConfig config, HostId nodes_max);

    // --- hosts ---
    void host_up(HostId host, SocketEvents& events);
    void host_down(HostId host, Death death);
    void listen(HostId host, uint16_t port);
    void unlisten(HostId host, uint16_t port);

    // --- sockets ---
    [[nodiscard]] SocketId connect(HostId from, HostId to, uint16_t port);
    // Returns how many bytes were taken; 0: no room, on_writable() tells when. -errno after a reset.
    [[nodiscard]] int64_t send(SocketId socket, Bytes bytes);
    [[nodiscard]] size_t readable_bytes(SocketId socket) const;
    [[nodiscard]] std::string read(SocketId socket, size_t bytes_max);
    [[nodiscard]] bool at_end(SocketId socket) const;  // everything was read, and no more comes
    [[nodiscard]] bool was_reset(SocketId socket) const;
    [[nodiscard]] HostId remote_host(SocketId socket) const { return sockets_[socket]->remote; }
    void shut_down(SocketId socket);  // both ways
    void shut_down_output(SocketId socket);
    void close(SocketId socket);  // also gives up a connect

    // --- weather ---
    void set_blocked(HostId from, HostId to, bool blocked);
    [[nodiscard]] bool is_blocked(HostId from, HostId to) const { return blocked_.contains({from, to}); }
    void unblock_all();
    // Everything sent on the link takes this much longer.
    void set_extra_delay(HostId from, HostId to, uint64_t delay_ns) { extra_delay_ns_[{from, to}] = delay_ns; }
    void clear_extra_delays() { extra_delay_ns_.clear(); }
    void reset_connections(HostId a, HostId b);
    // `loser` has lost its connections with `keeper` (its side is reset), and `keeper` is not told: it learns when it
    // next sends and the answer gets through.
    void lose_connections(HostId loser, HostId keeper);
    void stop_faults();  // no more corruption, resets and slow segments

    [[nodiscard]] const NetworkStats& stats() const { return stats_; }

 private:
    struct Segment {
        enum class Kind { kData, kEnd, kReset };
        Kind kind = Kind::kData;
        uint64_t due_ns = 0;
        std::string bytes;
    };
    struct Socket {
        HostId host = 0;
        HostId remote = 0;
        uint16_t port = 0;
        SocketId other = kNoSocket;
        bool connecting = false;
        bool open = true;  // the program has it; else only what it sent is still on its way
        bool end_sent = false;
        bool end_received = false;
        bool reset = false;
        bool shut = false;
        bool wants_room = false;
        bool delivering = false;  // an event is scheduled for outgoing.front()
        std::string inbox;
        size_t inbox_taken = 0;
        std::deque<Segment> outgoing;
        uint64_t outgoing_bytes = 0;
        uint64_t last_due_ns = 0;
    };
    struct Host {
        SocketEvents* events = nullptr;  // null: down
        bool powered = true;
        std::set<uint16_t> ports;
        std::set<SocketId> sockets;
    };

    [[nodiscard]] Socket* find(SocketId id) { return id < sockets_.size() ? sockets_[id].get() : nullptr; }
    [[nodiscard]] SocketId add_socket(HostId host, HostId remote, uint16_t port);
    [[nodiscard]] uint64_t draw_delay_ns(HostId from, HostId to);
    void ask_for_room(SocketId id);
    void send_segment(SocketId id, Segment::Kind kind, std::string bytes);
    void schedule_delivery(SocketId id);
    void deliver(SocketId id);
    [[nodiscard]] bool is_unanswered(const Socket& socket, SocketId id);
    void receive(SocketId from, Segment segment);
    void answer_with_reset(SocketId id);
    void become_reset(SocketId id);
    void arrive_syn(SocketId id, uint64_t attempt);
    void arrive_syn_answer(SocketId id, int32_t result, SocketId far);
    void retry_syn(SocketId id, uint64_t attempt);
    void notify_readable(SocketId id);
    void notify_writable(SocketId id);
    void forget(SocketId id);

    EventQueue& events_;
    Trace& trace_;
    Prng random_;
    NetworkConfig config_;
    HostId nodes_max_;
    std::map<HostId, Host> hosts_;
    std::vector<std::unique_ptr<Socket>> sockets_;
    std::set<std::pair<HostId, HostId>> blocked_;
    std::map<std::pair<HostId, HostId>, uint64_t> extra_delay_ns_;
    NetworkStats stats_;
};

}  // namespace kvorum::sim
