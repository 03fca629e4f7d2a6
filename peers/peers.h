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
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "config/config.h"
#include "peers/acquaintance.h"
#include "peers/cluster_secret.h"
#include "peers/forward_port.h"
#include "peers/link_events.h"
#include "peers/peer_link.h"
#include "peers/peer_listener.h"
#include "peers/raft_port.h"
#include "peers/read_index_port.h"
#include "peers/repair_port.h"
#include "peers/snapshot_links.h"
#include "peers/snapshot_port.h"
#include "reactor/scope.h"

namespace kvorum::peers {

// How the others tell this node's process and log from others.
struct PeerIdentity {
    ClusterId cluster;
    // The epoch of the log: it never falls from one process of a node to the next, clocks or not.
    uint64_t incarnation = 0;
    LogId log_id;
    std::vector<raft::KnownPeer> known_peers;  // those that were met before
};

// Who takes what comes from the peers.
struct PeerPorts {
    RaftReceiver& raft;
    ForwardReceiver& forward;
    RepairReceiver& repair;
    SnapshotReceiver& snapshots;
    LinkEvents& links;
    Acquaintance& acquaintance;
    ReadIndexReceiver& reads;
};

class Peers final : public RaftSender,
                    public ForwardSender,
                    public ForwardReplySender,
                    public RepairSender,
                    public SnapshotSender,
                    public ReadIndexSender,
                    private PeerLinkOwner,
                    private PeerRegistry,
                    private ForwardReceiver {
 public:
    // All references outlive this object.
    Peers(reactor::Reactor& reactor, net::OutputFlusher& flusher, const NodeConfig& config, PeerIdentity identity);
    ~Peers() override = default;

    // Listens and dials; from then on the ports are called, which outlive stop(). Once.
    [[nodiscard]] absl::Status start(PeerPorts ports);
    reactor::Task<void> stop();

    [[nodiscard]] bool connected(NodeId peer) const;

    [[nodiscard]] uint64_t buffer_bytes() const;  // of all connections, both ways
    void visit_links(const std::function<void(const PeerLink&)>& visit) const;

    void send(const raft::Message& message) override;
    bool send(NodeId peer, const RepairRequest& request) override;
    bool send(NodeId peer, const RepairReply& reply) override;
    bool send(NodeId peer, const SnapshotOffer& offer) override;
    bool send(NodeId peer, const SnapshotReport& report) override;
    bool send(NodeId peer, const SnapshotFetch& fetch) override;
    bool send(NodeId peer, const SnapshotPart& part) override;
    bool send(NodeId peer, const ReadIndexRequest& request) override;
    bool send(NodeId peer, const ReadIndexReply& reply) override;
    bool send_forward_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id, ReplyFormat format,
                              std::span<const std::string_view> arguments) override;
    PieceStatus send_forward_piece(NodeId leader, const ForwardPiece& piece) override;
    bool send_large_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id, ReplyFormat format,
                            uint64_t command_bytes) override;
    bool send_forward_reply(NodeId origin, const ForwardReply& reply) override;
    [[nodiscard]] bool has_reply_room(NodeId origin) const override;
    bool send_forward_credit(NodeId leader, uint64_t session_id, uint64_t bytes) override;

 private:
    [[nodiscard]] PeerLinkConfig link_config(const Member& member) const;
    // Null: there is no such peer, or it is not the time for it.
    [[nodiscard]] PeerLink* find_snapshot_link(NodeId peer);
    [[nodiscard]] PeerLink* find_link(NodeId peer) const;

    // --- PeerLinkOwner ---
    void on_link_connected(NodeId peer, uint64_t incarnation) override;
    void on_link_disconnected(NodeId peer, std::span<const uint64_t> unsent_request_ids) override;
    void on_link_room(NodeId peer) override;
    void on_unreachable(NodeId peer) override;
    void on_known_by_other_log(NodeId peer, std::string_view reason) override;

    // --- PeerRegistry ---
    [[nodiscard]] bool is_known_peer(NodeId node) override;
    [[nodiscard]] LogId meet_peer(NodeId peer, LogId log_id) override;  // of PeerLinkOwner too
    void on_peer_disconnected(NodeId from, uint64_t incarnation) override;

    // --- ForwardReceiver: replies that are on the way are counted here, the rest is handed on ---
    void on_forward_requests(NodeId from, std::span<const ForwardRequest> requests) override;
    void on_large_request(NodeId from, const ForwardRequest& request, PackedCommand command) override;
    void on_forward_credit(NodeId from, const ForwardCredit& credit) override;
    void on_forward_replies(NodeId from, std::span<const ForwardReply> replies) override;

    reactor::Reactor& reactor_;
    net::OutputFlusher& flusher_;
    const NodeConfig& config_;
    const PeerIdentity identity_;
    std::optional<PeerPorts> ports_;  // since start()
    ClusterSecret secret_;
    reactor::TaskScope tasks_;
    absl::flat_hash_map<NodeId, LogId> known_logs_;
    absl::flat_hash_map<NodeId, uint64_t> replies_on_the_way_;  // bytes of those sent there that it has not taken
    absl::flat_hash_map<NodeId, uint64_t> replies_taken_;       // bytes of those it has sent, and was not told about
    std::set<NodeId> disowned_by_;                              // peers that know this node by another log
    std::vector<std::unique_ptr<PeerLink>> links_;
    SnapshotLinks snapshot_links_;
    std::unique_ptr<PeerListener> listener_;
    ForwardRequest request_;  // kept for its capacity
};

// Whether so many peers know this node by another log that the others and it are no majority.
[[nodiscard]] bool is_outvoted(const NodeConfig& config, size_t peers);
// Why a node ends itself after on_known_by_other_log(), and what its operator can do.
[[nodiscard]] std::string known_by_other_log_message(const NodeConfig& config, std::string_view reason);

}  // namespace kvorum::peers
