// The other nodes, as one object: a link to each, one listener for theirs, and the messages both ways.
//
// Thread: the owning core. start() listens and dials; stop() is awaited before destruction. Whatever is sent leaves at
// the end of the turn.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "net/peer_link.h"
#include "net/peer_listener.h"
#include "server/config.h"
#include "server/forwarded_sessions.h"
#include "server/forwarder.h"
#include "server/raft_driver.h"

namespace kvorum::server {

class PeerEvents {
 public:
    virtual ~PeerEvents() = default;
    virtual void on_raft_message(const raft::Message& message) = 0;
    virtual void on_forward_requests(NodeId from, std::span<const net::ForwardRequest> requests) = 0;
    virtual void on_forward_reply(NodeId from, const net::ForwardReply& reply) = 0;
    virtual void on_repair_request(NodeId from, const net::RepairRequest& request) = 0;
    virtual void on_repair_reply(NodeId from, net::RepairReply reply) = 0;
    virtual void on_link_up(NodeId peer) = 0;
    // Requests with ids from `first_unsent_request` on never left.
    virtual void on_link_down(NodeId peer, uint64_t first_unsent_request) = 0;
    // Raft messages to `peer` were dropped.
    virtual void on_unreachable(NodeId peer) = 0;
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
    // `incarnation` tells this process from earlier ones of the same node and never falls from one to the next, clocks
    // or not: peers refuse a connection of a lower one than they know.
    Peers(reactor::Reactor& reactor, net::OutputFlusher& flusher, const NodeConfig& config, PeerEvents& events,
          uint64_t incarnation);
    ~Peers() override = default;

    [[nodiscard]] absl::Status start();
    reactor::Task<void> stop();

    [[nodiscard]] bool connected(NodeId peer) const;

    // False: not sent.
    bool send(NodeId peer, const net::RepairRequest& request);
    bool send(NodeId peer, const net::RepairReply& reply);

    void send(const raft::Message& message) override;
    bool send_forward_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id,
                              net::RespVersion protocol, kv::Arguments arguments) override;
    void send_forward_reply(NodeId origin, uint64_t request_id, net::ForwardOutcome outcome,
                            std::string_view reply) override;

 private:
    [[nodiscard]] net::PeerLink* find_link(NodeId peer) const;

    // --- net::PeerLinkOwner ---
    void on_link_connected(NodeId peer, uint64_t incarnation) override;
    void on_link_disconnected(NodeId peer, std::span<const uint64_t> unsent_request_ids) override;
    void on_unreachable(NodeId peer) override;

    // --- net::PeerHandler ---
    [[nodiscard]] bool is_known_peer(NodeId node) override;
    void on_raft_message(raft::Message message) override;
    void on_forward_requests(NodeId from, uint64_t incarnation, std::span<const net::ForwardRequest> requests) override;
    void on_forward_replies(NodeId from, uint64_t incarnation, std::span<const net::ForwardReply> replies) override;
    void on_repair_request(NodeId from, const net::RepairRequest& request) override;
    void on_repair_reply(NodeId from, net::RepairReply reply) override;
    void on_peer_disconnected(NodeId from, uint64_t incarnation) override;

    reactor::Reactor& reactor_;
    net::OutputFlusher& flusher_;
    const NodeConfig& config_;
    PeerEvents& events_;
    const uint64_t incarnation_;
    std::vector<std::unique_ptr<net::PeerLink>> links_;
    std::unique_ptr<net::PeerListener> listener_;
    net::ForwardRequest request_;  // kept for its capacity
};

}  // namespace kvorum::server
