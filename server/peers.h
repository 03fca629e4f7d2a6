// The other nodes, as one object: a link to each, one listener for theirs, and the messages both ways.
//
// A peer is known by the log with which it was first met, and the node's own log remembers it: a peer that comes with
// another log has lost what it promised, and no message goes to it or is taken from it.
//
// Thread: the owning core. start() listens and dials; stop() is awaited before destruction. Whatever is sent leaves at
// the end of the turn.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "net/peer_link.h"
#include "net/peer_listener.h"
#include "reactor/scope.h"
#include "server/cluster_secret.h"
#include "server/config.h"
#include "server/forwarded_sessions.h"
#include "server/forwarder.h"
#include "server/raft_driver.h"
#include "wal/format.h"

namespace kvorum::server {

// How the others tell this node's process and log from others.
struct PeerIdentity {
    ClusterId cluster;
    // The epoch of the log: it never falls from one process of a node to the next, clocks or not.
    uint64_t incarnation = 0;
    LogId log_id;
    std::vector<wal::KnownPeer> known_peers;  // those that were met before
};

class PeerEvents {
 public:
    virtual ~PeerEvents() = default;
    virtual void on_raft_message(const raft::Message& message) = 0;
    virtual void on_forward_requests(NodeId from, std::span<const net::ForwardRequest> requests) = 0;
    // `request` has no arguments: they are in `command`.
    virtual void on_large_request(NodeId from, const net::ForwardRequest& request, PackedCommand command) = 0;
    virtual void on_forward_reply(NodeId from, const net::ForwardReply& reply) = 0;
    virtual void on_forward_credit(NodeId from, const net::ForwardCredit& credit) = 0;
    virtual void on_repair_request(NodeId from, const net::RepairRequest& request) = 0;
    virtual void on_repair_reply(NodeId from, net::RepairReply reply) = 0;
    virtual void on_link_up(NodeId peer) = 0;
    // There is room for more of a large command.
    virtual void on_link_room(NodeId peer) = 0;
    // Requests with ids from `first_unsent_request` on never left.
    virtual void on_link_down(NodeId peer, uint64_t first_unsent_request) = 0;
    // Raft messages to `peer` were dropped.
    virtual void on_unreachable(NodeId peer) = 0;
    // A peer was met for the first time. Called before any message of it is handed on: when this is queued for the log
    // at once, nothing that the node does because of that peer, a vote or an entry, is on the disk without it.
    virtual void on_peer_met(wal::KnownPeer peer) = 0;
    // `peers` of the others, one of which just gave `reason`, know this node by another log than its own.
    virtual void on_known_by_other_log(size_t peers, std::string_view reason) = 0;
    // The peer's connection to us ended: no answer comes on it any more, and its clients' commands here are without an
    // owner.
    virtual void on_peer_gone(NodeId peer) = 0;
};

class Peers final : public PeerSender,
                    public ForwardSender,
                    public ForwardReplySender,
                    private net::PeerLinkOwner,
                    private net::PeerHandler {
 public:
    // All references outlive this object.
    Peers(reactor::Reactor& reactor, net::OutputFlusher& flusher, const NodeConfig& config, PeerEvents& events,
          PeerIdentity identity);
    ~Peers() override = default;

    [[nodiscard]] absl::Status start();
    reactor::Task<void> stop();

    [[nodiscard]] bool connected(NodeId peer) const;

    [[nodiscard]] uint64_t buffer_bytes() const;  // of all connections, both ways
    void visit_links(const std::function<void(const net::PeerLink&)>& visit) const;
    // False: not sent.
    bool send(NodeId peer, const net::RepairRequest& request);
    bool send(NodeId peer, const net::RepairReply& reply);

    void send(const raft::Message& message) override;
    bool send_forward_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id,
                              net::RespVersion protocol, kv::Arguments arguments) override;
    net::PieceStatus send_forward_piece(NodeId leader, const net::ForwardPiece& piece) override;
    bool send_large_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id,
                            net::RespVersion protocol, uint64_t command_bytes) override;
    bool send_forward_reply(NodeId origin, uint64_t request_id, net::ForwardOutcome outcome,
                            std::string_view reply) override;
    [[nodiscard]] bool has_reply_room(NodeId origin) const override;
    bool send_forward_credit(NodeId leader, uint64_t session_id, uint64_t bytes) override;

 private:
    [[nodiscard]] net::PeerLink* find_link(NodeId peer) const;

    // --- net::PeerLinkOwner ---
    void on_link_connected(NodeId peer, uint64_t incarnation) override;
    void on_link_disconnected(NodeId peer, std::span<const uint64_t> unsent_request_ids) override;
    void on_link_room(NodeId peer) override;
    void on_unreachable(NodeId peer) override;
    void on_known_by_other_log(NodeId peer, std::string_view reason) override;

    // --- net::PeerHandler ---
    [[nodiscard]] bool is_known_peer(NodeId node) override;
    [[nodiscard]] LogId meet_peer(NodeId peer, LogId log_id) override;  // of both
    void on_raft_message(raft::Message message) override;
    void on_forward_requests(NodeId from, uint64_t incarnation, std::span<const net::ForwardRequest> requests) override;
    void on_large_request(NodeId from, const net::ForwardRequest& request, PackedCommand command) override;
    void on_forward_replies(NodeId from, uint64_t incarnation, std::span<const net::ForwardReply> replies) override;
    void on_forward_credit(NodeId from, const net::ForwardCredit& credit) override;
    void on_repair_request(NodeId from, const net::RepairRequest& request) override;
    void on_repair_reply(NodeId from, net::RepairReply reply) override;
    void on_peer_disconnected(NodeId from, uint64_t incarnation) override;

    reactor::Reactor& reactor_;
    net::OutputFlusher& flusher_;
    const NodeConfig& config_;
    PeerEvents& events_;
    const PeerIdentity identity_;
    ClusterSecret secret_;
    reactor::TaskScope tasks_;
    absl::flat_hash_map<NodeId, LogId> known_logs_;
    absl::flat_hash_map<NodeId, uint64_t> replies_on_the_way_;  // bytes of those sent there that it has not taken
    absl::flat_hash_map<NodeId, uint64_t> replies_taken_;       // bytes of those it has sent, and was not told about
    std::set<NodeId> disowned_by_;                              // peers that know this node by another log
    std::vector<std::unique_ptr<net::PeerLink>> links_;
    std::unique_ptr<net::PeerListener> listener_;
    net::ForwardRequest request_;  // kept for its capacity
};

// Whether so many peers know this node by another log that the others and it are no majority.
[[nodiscard]] bool is_outvoted(const NodeConfig& config, size_t peers);
// Why a node ends itself after on_known_by_other_log(), and what its operator can do.
[[nodiscard]] std::string known_by_other_log_message(const NodeConfig& config, std::string_view reason);

}  // namespace kvorum::server
