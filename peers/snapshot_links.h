// The connections on which this node's messages about snapshots travel, one to each peer: dialled when the first such
// message is to be sent, and kept.
//
// Thread, cancellation: as PeerLink, whose links these are. All references outlive this object.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "peers/peer_link.h"

namespace kvorum::peers {

class SnapshotLinks final : private PeerLinkOwner {
 public:
    // `messages` is the owner of the links for messages: it knows by which log a peer is known.
    SnapshotLinks(reactor::Reactor& reactor, net::OutputFlusher& flusher, PeerLinkOwner& messages)
        : reactor_(reactor), flusher_(flusher), messages_(messages) {}

    // The link of this configuration; dialled from now on if it was not before.
    [[nodiscard]] PeerLink& link(PeerLinkConfig config);
    void request_stop();
    reactor::Task<void> join();

    [[nodiscard]] uint64_t buffer_bytes() const;

 private:
    [[nodiscard]] LogId meet_peer(NodeId peer, LogId log_id) override { return messages_.meet_peer(peer, log_id); }
    // The link for messages is told as well.
    void on_known_by_other_log(NodeId, std::string_view) override {}
    void on_link_connected(NodeId, uint64_t) override {}
    void on_link_disconnected(NodeId, std::span<const uint64_t>) override {}
    void on_link_room(NodeId) override {}
    void on_unreachable(NodeId) override {}

    reactor::Reactor& reactor_;
    net::OutputFlusher& flusher_;
    PeerLinkOwner& messages_;
    std::vector<std::unique_ptr<PeerLink>> links_;
};

}  // namespace kvorum::peers
