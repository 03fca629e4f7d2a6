// The network between the nodes of a real cluster: every directed peer link goes through a port of this proxy, which
// passes, delays, holds back, swallows or cuts what travels on it.
//
// The link from A to B is the connection that A dials to B: A's messages and B's answer to the handshake. B's messages
// travel on the link from B to A, so a fault of one link is a one-way fault.
//
// Thread: the proxy has one of its own; the methods are for any other, and return when they have taken effect.
// Ownership: `peer_port_of` is called in the constructor only.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/prng.h"
#include "tests/integration/world.h"

namespace kvorum::nemesis {

// What a link does with bytes and with new connections.
enum class LinkMode : uint8_t {
    kPass,
    kDelay,    // each piece arrives up to twice `delay` later, in order
    kHold,     // nothing moves, connections stay; what was held arrives late. As packets that are lost and sent again
    kSwallow,  // the sender sees its bytes taken, and nobody gets them; such a connection is reset once the link passes
};

struct LinkState {
    LinkMode mode = LinkMode::kPass;
    std::chrono::milliseconds delay{0};
    // Each connection is reset at both ends when so many bytes of the dialler have passed: in the middle of a frame,
    // mostly.
    std::optional<uint64_t> cut_after_bytes{};

    bool operator==(const LinkState&) const = default;
};

class PeerProxy {
 public:
    PeerProxy(uint32_t nodes, const std::function<uint16_t(uint32_t node)>& peer_port_of, uint64_t seed);
    PeerProxy(const PeerProxy&) = delete;
    PeerProxy& operator=(const PeerProxy&) = delete;
    ~PeerProxy();

    [[nodiscard]] uint32_t size() const { return nodes_; }
    // Where `from` reaches `to`. Nodes are numbered from 1.
    [[nodiscard]] uint16_t port(uint32_t from, uint32_t to) const;

    void set(uint32_t from, uint32_t to, LinkState state);
    void set_all(LinkState state);

    // How often a fault met traffic: pieces delayed or swallowed, connections cut, held bytes or connections found.
    [[nodiscard]] uint64_t hits() const { return hits_.load(); }

 private:
    using Clock = std::chrono::steady_clock;

    struct Piece {
        Clock::time_point due;
        std::string bytes;
    };
    // One of the two ways of a connection.
    struct Way {
        int from = -1;
        int to = -1;
        std::deque<Piece> pieces;
        size_t buffered_bytes = 0;
        bool ended = false;  // the sender closed its side
        bool passed_end = false;
    };
    struct Connection {
        size_t link = 0;
        std::array<Way, 2> ways;  // the dialler's bytes, the target's bytes
        bool dialled = false;
        bool poisoned = false;  // bytes of it were swallowed
        std::optional<uint64_t> left_until_cut;
        bool dead = false;
    };
    struct Link {
        int listener = -1;
        uint16_t target_port = 0;
        LinkState wanted;  // under mutex_
        LinkState state;
    };

    [[nodiscard]] size_t link_of(uint32_t from, uint32_t to) const;
    void run();
    void take_wishes();
    void accept_on(size_t link);
    [[nodiscard]] bool may_dial(const Connection& connection) const;
    void dial(Connection& connection);
    void read_from(Connection& connection, Way& way);
    void write_to(Connection& connection, Way& way);
    [[nodiscard]] bool wants_read(const Connection& connection, const Way& way) const;
    [[nodiscard]] bool wants_write(const Connection& connection, const Way& way) const;
    [[nodiscard]] int wait_ms() const;
    void serve(Connection& connection, short dialler_events, short target_events);
    void note_held(Connection& connection);
    static void reset(Connection& connection);
    // After links_ were told what is wanted: `wish` is what wished_ said then.
    void wait_until_taken(uint64_t wish);
    void wake();

    const uint32_t nodes_;
    Prng random_;
    std::unique_ptr<integration::Ports> ports_;
    std::vector<Link> links_;
    std::list<Connection> connections_;
    std::atomic<uint64_t> hits_ = 0;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_;
    uint64_t wished_ = 0;              // under mutex_
    std::atomic<uint64_t> taken_ = 0;  // of the wishes
    int wake_ = -1;
    std::thread thread_;  // last: it uses everything above
};

}  // namespace kvorum::nemesis
