// Accepts the links of the peers, checks who they are, and hands on what they send.
//
// A connection must begin with a Hello of this cluster, from a known other node with the log by which it is known, to
// this node, in this protocol version, in time; with a secret (peer_secrets.h) it must prove that it knows it before
// anything in its Hello is looked at, and only few connections may be without a proof: a further one costs the oldest
// of them its place. Anything else is answered with a HelloReject that says why, logged
// (rate limited), counted and closed; it changes nothing. The same goes for bytes that are no frames and for malformed
// messages later on: they close that one connection. A peer has one connection for messages and one for snapshots: a
// newer one replaces the older of its kind, unless it comes from an earlier incarnation of the peer.
//
// Thread: the reactor's. Reactor, flusher, registry and receivers outlive the listener. They are called from the run
// queue; views in what they are given are valid during the call. They may call request_stop() from inside. Ownership:
// takes the listening socket and closes it. Cancellation: request_stop() closes everything; await join() before
// destruction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/units.h"
#include "net/output_stream.h"
#include "peers/forward_codec.h"
#include "peers/forward_port.h"
#include "peers/handshake_codec.h"
#include "peers/raft_codec.h"
#include "peers/raft_port.h"
#include "peers/read_index_port.h"
#include "peers/repair_codec.h"
#include "peers/repair_port.h"
#include "peers/snapshot_port.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/streams.h"

namespace kvorum::peers {

// Who is let in, and who has left.
class PeerRegistry {
 public:
    [[nodiscard]] virtual bool is_known_peer(NodeId node) = 0;  // never asked about ourselves
    // The log by which `peer` is known: `log_id`, the one that it just named, if it was unknown until now. Any other
    // answer rejects the connection.
    [[nodiscard]] virtual LogId meet_peer(NodeId peer, LogId log_id) = 0;
    // No more comes from that connection, which was for messages. If a newer one replaced it, this is called before the
    // newer one's first message.
    virtual void on_peer_disconnected(NodeId from, uint64_t incarnation) = 0;

 protected:
    ~PeerRegistry() = default;
};

// Who takes what the peers send, by family of frames.
struct PeerReceivers {
    RaftReceiver& raft;
    ForwardReceiver& forward;
    RepairReceiver& repair;
    SnapshotReceiver& snapshots;
    ReadIndexReceiver& reads;
};

struct PeerListenerConfig {
    ClusterId cluster;
    GroupId group = kFirstGroup;  // what is about another one is refused
    NodeId self;
    uint64_t incarnation = 0;
    LogId log_id{};
    const PeerSecrets* secrets = nullptr;  // looked at in each handshake; outlives the listener; null: none
    uint64_t handshake_timeout_ns = 2 * kSecondNs;
    uint32_t connections_max = 256;  // strangers included; more are closed at once
    uint32_t unproved_max = 32;      // connections before the end of their handshake
};

struct PeerListenerStats {
    uint64_t accepted = 0;
    uint64_t handshakes = 0;  // completed
    uint64_t rejected = 0;    // did not complete the handshake, for whatever reason
    uint64_t other_logs = 0;  // of those: came with another log than the one by which the node is known
    uint64_t unproved = 0;    // of those: did not know the secret
    uint64_t displaced = 0;   // lost their place before the end of their handshake
    uint64_t broken = 0;      // closed after the handshake for what they sent
    uint64_t replaced = 0;
    uint64_t refused = 0;  // above connections_max
    uint64_t accept_errors = 0;
};

class PeerListener {
 public:
    PeerListener(reactor::Reactor& reactor, net::OutputFlusher& flusher, PeerListenerConfig config,
                 reactor::Handle listener, PeerRegistry& registry, PeerReceivers receivers);
    PeerListener(const PeerListener&) = delete;
    PeerListener& operator=(const PeerListener&) = delete;
    ~PeerListener() = default;

    void start();
    void request_stop();
    reactor::Task<void> join();

    [[nodiscard]] bool has_connection_of(NodeId peer) const;
    [[nodiscard]] size_t connection_count() const { return open_connections_; }
    [[nodiscard]] uint64_t buffer_bytes() const;  // what was received of messages that are not complete
    [[nodiscard]] const PeerListenerStats& stats() const { return stats_; }

 private:
    class Connection;

    reactor::Task<void> accept_loop();
    reactor::Task<void> refuse(reactor::Handle socket);
    reactor::Task<void> serve(reactor::Handle socket);
    // Each returns what was wrong, or nothing.
    reactor::Task<std::string> handshake(Connection& connection);
    reactor::Task<std::string> receive_messages(Connection& connection);
    [[nodiscard]] std::string take_handshake_frame(Connection& connection, const net::Frame& frame);
    [[nodiscard]] std::string check_proof(Connection& connection, const net::Frame& frame);
    [[nodiscard]] std::string admit(Connection& connection);
    [[nodiscard]] std::string check_hello(const Hello& hello);
    [[nodiscard]] std::string check_log(Connection& connection, const Hello& hello);
    [[nodiscard]] std::string check_incarnation(const Hello& hello) const;
    [[nodiscard]] std::string take_piece(Connection& connection, const net::Frame& frame);
    [[nodiscard]] std::string dispatch_forward(Connection& connection, const net::Frame& frame);
    [[nodiscard]] std::string dispatch_repair(NodeId from, const net::Frame& frame);
    [[nodiscard]] std::string dispatch_snapshot(NodeId from, const net::Frame& frame);
    [[nodiscard]] std::string dispatch(Connection& connection, const net::Frame& frame);
    void displace_oldest_stranger();
    void replace_older(const Connection& connection);
    void end_peer(Connection& connection);

    reactor::Reactor& reactor_;
    net::OutputFlusher& flusher_;
    const PeerListenerConfig config_;
    const reactor::Handle listener_;
    PeerRegistry& registry_;
    const PeerReceivers receivers_;
    reactor::TaskScope scope_;
    bool stopping_ = false;
    std::vector<Connection*> connections_;  // each lives in the frame of its serve()
    uint32_t open_connections_ = 0;         // with those whose serve() has not begun
    PeerListenerStats stats_;
};

}  // namespace kvorum::peers
