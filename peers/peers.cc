#include "peers/peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutants.h"
#include "config/descriptors.h"

namespace kvorum::peers {
namespace {

// A peer that vanished holds a place until its connection is given up.
constexpr uint32_t kPeerKeepaliveS = 5;
// Replies that may wait do so while so much is unsent, or on its way: Raft's messages, and the replies to others, are
// in the same queue.
constexpr uint64_t kReplyRoomBytes = 1 * kMiB;
// So much of them is taken before the other node is told.
constexpr uint64_t kLinkCreditBytes = 128 * kKiB;

}  // namespace

Peers::Peers(reactor::Reactor& reactor, net::OutputFlusher& flusher, const NodeConfig& config, PeerIdentity identity)
    : reactor_(reactor),
      flusher_(flusher),
      config_(config),
      identity_(std::move(identity)),
      secret_(reactor, config),
      tasks_(reactor),
      snapshot_links_(reactor, flusher, static_cast<PeerLinkOwner&>(*this)) {
    for (const raft::KnownPeer& peer : identity_.known_peers)
        known_logs_.emplace(peer.node, peer.log_id);
}

absl::Status Peers::start(PeerPorts ports) {
    KVORUM_ASSERT(!ports_.has_value(), "started twice");
    ports_.emplace(ports);
    if (config_.members.size() == 1) return absl::OkStatus();
    const absl::StatusOr<reactor::Handle> socket = reactor_.backend().listen(config_.peer_listen_endpoint());
    if (!socket.ok()) return socket.status();
    reactor_.backend().set_keepalive(*socket, kPeerKeepaliveS);
    PeerListenerConfig listening;
    listening.cluster = identity_.cluster;
    listening.self = config_.id;
    listening.incarnation = identity_.incarnation;
    listening.log_id = identity_.log_id;
    listening.connections_max = kPeerConnectionsMax;
    listening.secrets = &secret_.secrets();
    listener_ = std::make_unique<PeerListener>(
        reactor_, flusher_, listening, *socket, static_cast<PeerRegistry&>(*this),
        PeerReceivers{ports.raft, static_cast<ForwardReceiver&>(*this), ports.repair, ports.snapshots, ports.reads});
    listener_->start();
    for (const Member& member : config_.members) {
        if (member.id == config_.id) continue;
        links_.push_back(
            std::make_unique<PeerLink>(reactor_, flusher_, link_config(member), static_cast<PeerLinkOwner&>(*this)));
        links_.back()->start();
    }
    tasks_.spawn(secret_.watch(tasks_.stop_token()));
    return absl::OkStatus();
}

PeerLinkConfig Peers::link_config(const Member& member) const {
    PeerLinkConfig link;
    link.cluster = identity_.cluster;
    link.self = config_.id;
    link.incarnation = identity_.incarnation;
    link.log_id = identity_.log_id;
    link.peer = member.id;
    link.endpoint = member.peer;
    link.secrets = &secret_.secrets();
    link.seed = reactor_.backend().random_seed();
    return link;
}

reactor::Task<void> Peers::stop() {
    tasks_.request_stop();
    snapshot_links_.request_stop();
    if (listener_ != nullptr) listener_->request_stop();
    for (const auto& link : links_)
        link->request_stop();
    for (const auto& link : links_)
        co_await link->join();
    co_await snapshot_links_.join();
    if (listener_ != nullptr) co_await listener_->join();
    co_await tasks_.join();
}

PeerLink* Peers::find_link(NodeId peer) const {
    const auto it = std::find_if(links_.begin(), links_.end(), [&](const auto& link) { return link->peer() == peer; });
    return it == links_.end() ? nullptr : it->get();
}

bool Peers::connected(NodeId peer) const {
    const PeerLink* link = find_link(peer);
    return link != nullptr && link->connected();
}

uint64_t Peers::buffer_bytes() const {
    uint64_t bytes = snapshot_links_.buffer_bytes() + (listener_ != nullptr ? listener_->buffer_bytes() : 0);
    for (const auto& link : links_)
        bytes += link->buffer_bytes();
    return bytes;
}

void Peers::visit_links(const std::function<void(const PeerLink&)>& visit) const {
    for (const auto& link : links_)
        visit(*link);
}

void Peers::send(const raft::Message& message) {
    if (PeerLink* link = find_link(message.to)) link->send(message);
}

bool Peers::send(NodeId peer, const RepairRequest& request) {
    PeerLink* link = find_link(peer);
    return link != nullptr && link->send(request);
}

bool Peers::send(NodeId peer, const RepairReply& reply) {
    PeerLink* link = find_link(peer);
    return link != nullptr && link->send(reply);
}

bool Peers::send(NodeId peer, const SnapshotOffer& offer) {
    PeerLink* link = find_link(peer);
    return link != nullptr && link->send(offer);
}

bool Peers::send(NodeId peer, const SnapshotReport& report) {
    PeerLink* link = find_link(peer);
    return link != nullptr && link->send(report);
}

PeerLink* Peers::find_snapshot_link(NodeId peer) {
    const Member* member = config_.find_member(peer);
    if (member == nullptr || tasks_.stop_requested()) return nullptr;
    return &snapshot_links_.link(link_config(*member));
}

bool Peers::send(NodeId peer, const SnapshotFetch& fetch) {
    PeerLink* link = find_snapshot_link(peer);
    return link != nullptr && link->send(fetch);
}

bool Peers::send(NodeId peer, const SnapshotPart& part) {
    PeerLink* link = find_snapshot_link(peer);
    return link != nullptr && link->send(part);
}

bool Peers::send(NodeId peer, const ReadIndexRequest& request) {
    PeerLink* link = find_link(peer);
    return link != nullptr && link->send(request);
}

bool Peers::send(NodeId peer, const ReadIndexReply& reply) {
    PeerLink* link = find_link(peer);
    return link != nullptr && link->send(reply);
}

bool Peers::send_forward_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id, ReplyFormat format,
                                 std::span<const std::string_view> arguments) {
    PeerLink* link = find_link(leader);
    if (link == nullptr || !link->connected()) return false;
    request_.request_id = request_id;
    request_.session_id = session_id;
    request_.leader_term = term;
    request_.reply_format = format;
    request_.arguments.assign(arguments.begin(), arguments.end());
    return link->send(std::span(&request_, 1));
}

PieceStatus Peers::send_forward_piece(NodeId leader, const ForwardPiece& piece) {
    PeerLink* link = find_link(leader);
    return link == nullptr ? PieceStatus::kBeginAgain : link->send(piece);
}

bool Peers::send_large_request(NodeId leader, Term term, uint64_t request_id, uint64_t session_id, ReplyFormat format,
                               uint64_t command_bytes) {
    PeerLink* link = find_link(leader);
    return link != nullptr && link->send_large({.request_id = request_id,
                                                .session_id = session_id,
                                                .leader_term = term,
                                                .reply_format = format,
                                                .arguments = {}},
                                               command_bytes);
}

bool Peers::send_forward_reply(NodeId origin, const ForwardReply& reply) {
    PeerLink* link = find_link(origin);
    if (link == nullptr || !link->connected()) return true;
    if (!link->send(std::span(&reply, 1))) return false;
    replies_on_the_way_[origin] += reply.reply.size();
    return true;
}

bool Peers::has_reply_room(NodeId origin) const {
    const PeerLink* link = find_link(origin);
    if (link == nullptr) return true;
    const auto on_the_way = replies_on_the_way_.find(origin);
    return link->queued_bytes() < kReplyRoomBytes &&
           (on_the_way == replies_on_the_way_.end() || on_the_way->second < kReplyRoomBytes);
}

bool Peers::send_forward_credit(NodeId leader, uint64_t session_id, uint64_t bytes) {
    PeerLink* link = find_link(leader);
    return link != nullptr && link->connected() && link->send(ForwardCredit{session_id, bytes});
}

void Peers::on_link_connected(NodeId peer, uint64_t /*incarnation*/) {
    disowned_by_.erase(peer);
    replies_on_the_way_.erase(peer);
    ports_->links.on_link_up(peer);
}

void Peers::on_link_disconnected(NodeId peer, std::span<const uint64_t> unsent_request_ids) {
    // Requests leave in the order of their ids, so what did not leave is everything from one id on.
    ports_->links.on_link_down(peer, unsent_request_ids.empty() ? UINT64_MAX : unsent_request_ids.front());
}

void Peers::on_link_room(NodeId peer) { ports_->links.on_link_room(peer); }

void Peers::on_unreachable(NodeId peer) { ports_->raft.on_unreachable(peer); }

void Peers::on_known_by_other_log(NodeId peer, std::string_view reason) {
    disowned_by_.insert(peer);
    ports_->acquaintance.on_known_by_other_log(disowned_by_.size(), reason);
}

LogId Peers::meet_peer(NodeId peer, LogId log_id) {
    const auto [known, is_new] = known_logs_.emplace(peer, log_id);
    if (is_new) ports_->acquaintance.on_peer_met({peer, log_id});
    if (is_mutant(Mutant::kWipedNodeVotes)) return log_id;
    return known->second;
}

bool Peers::is_known_peer(NodeId node) { return config_.find_member(node) != nullptr; }

void Peers::on_forward_requests(NodeId from, std::span<const ForwardRequest> requests) {
    ports_->forward.on_forward_requests(from, requests);
}

void Peers::on_large_request(NodeId from, const ForwardRequest& request, PackedCommand command) {
    ports_->forward.on_large_request(from, request, std::move(command));
}

void Peers::on_forward_replies(NodeId from, std::span<const ForwardReply> replies) {
    ports_->forward.on_forward_replies(from, replies);
    uint64_t& taken_bytes = replies_taken_[from];
    for (const ForwardReply& reply : replies)
        taken_bytes += reply.reply.size();
    if (taken_bytes >= kLinkCreditBytes && send_forward_credit(from, kCreditOfLink, taken_bytes)) taken_bytes = 0;
}

void Peers::on_forward_credit(NodeId from, const ForwardCredit& credit) {
    if (credit.session_id != kCreditOfLink) {
        ports_->forward.on_forward_credit(from, credit);
        return;
    }
    uint64_t& on_the_way_bytes = replies_on_the_way_[from];
    on_the_way_bytes -= std::min(on_the_way_bytes, credit.bytes);
}

// What it had to say of them is lost.
void Peers::on_peer_disconnected(NodeId from, uint64_t /*incarnation*/) {
    replies_on_the_way_.erase(from);
    ports_->links.on_peer_gone(from);
}

bool is_outvoted(const NodeConfig& config, size_t peers) {
    const size_t majority = config.members.size() / 2 + 1;
    return config.members.size() - peers < majority;
}

std::string known_by_other_log_message(const NodeConfig& config, std::string_view reason) {
    return fmt::format(
        "node {0}: its peers know another log of node {0} ({1}): the data directory {2} was wiped or replaced, or two "
        "nodes run under id {0}. Put the directory back as it was. If it is lost, leave this node stopped: the others "
        "go on without it. It must not rejoin under this id, because it may have acknowledged writes and votes that it "
        "no longer has",
        config.id, reason, config.data_directory);
}

}  // namespace kvorum::peers
