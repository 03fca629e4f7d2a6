// The connection that carries this node's messages to one peer. It is kept up for as long as the link runs: connect,
// handshake (peer_codec.h), send; on any failure again, after a growing pause. Messages flow one way: the peer's
// answers come on the peer's own link, to our PeerListener.
//
// Thread: the reactor's. Reactor, flusher, secrets and owner outlive the link. Owner calls come from the run queue,
// never from inside send(). Cancellation: request_stop() ends the connection and the attempts; await join() before
// destroying the link.
//
// What the caller may conclude about forwarded requests: send() returned false: not sent. Named in
// on_link_disconnected(): never handed to the kernel, so the peer cannot have executed them. All others that were sent
// and not answered when the link drops: outcome unknown.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/prng.h"
#include "base/units.h"
#include "net/output_stream.h"
#include "peers/forward_codec.h"
#include "peers/handshake_codec.h"
#include "peers/raft_codec.h"
#include "peers/read_index_codec.h"
#include "peers/repair_codec.h"
#include "peers/snapshot_codec.h"
#include "raft/messages.h"
#include "reactor/reactor.h"
#include "reactor/scope.h"
#include "reactor/streams.h"

namespace kvorum::peers {

struct PeerLinkConfig {
    ClusterId cluster;
    NodeId self;
    uint64_t incarnation = 0;
    LogId log_id;
    NodeId peer;
    reactor::Endpoint endpoint;
    LinkPurpose purpose = LinkPurpose::kMessages;
    const PeerSecrets* secrets = nullptr;  // looked at in each handshake; null: none
    uint64_t seed = 0;                     // of the jitter
    uint64_t queue_bytes_max = 64 * kMiB;  // above it Raft messages are dropped and requests refused
    uint64_t backoff_min_ns =
        50 * kMillisecondNs;  // the pause after the first failure; doubles up to the maximum, each less up to a half
    uint64_t backoff_max_ns = kSecondNs;
    uint64_t handshake_timeout_ns = 2 * kSecondNs;  // from connect to the peer's answer
    uint64_t stall_timeout_ns =
        5 * kSecondNs;  // bytes are queued and none was taken for this long: the connection is given up
};

class PeerLinkOwner {
 public:
    // The log by which `peer` is known: `log_id`, the one that it just named, if it was unknown until now. Any other
    // answer ends the attempt.
    [[nodiscard]] virtual LogId meet_peer(NodeId peer, LogId log_id) = 0;
    // The peer rejects this node, because it knows it by another log.
    virtual void on_known_by_other_log(NodeId peer, std::string_view reason) = 0;
    virtual void on_link_connected(NodeId peer, uint64_t incarnation) = 0;  // the peer's
    // The connection is gone. The requests were never handed to the kernel; valid during the call.
    virtual void on_link_disconnected(NodeId peer, std::span<const uint64_t> unsent_request_ids) = 0;
    // After a piece had to wait: there is room for more.
    virtual void on_link_room(NodeId peer) = 0;
    // Raft messages were dropped, because there is no connection or the queue is full. At most once a turn.
    virtual void on_unreachable(NodeId peer) = 0;

 protected:
    ~PeerLinkOwner() = default;
};

struct PeerLinkStats {
    uint64_t connects = 0;         // completed handshakes
    uint64_t failed_attempts = 0;  // no connection, no answer, or rejected
    uint64_t rejected = 0;         // of those: the peer said why
    uint64_t other_logs = 0;       // of those: the peer is known by another log
    uint64_t unproved = 0;         // of the failed: one of the two could not prove the secret
    uint64_t stalls = 0;           // connections given up because nothing moved
    uint64_t dropped_messages = 0;
    uint64_t refused_requests = 0;
    uint64_t refused_replies = 0;
};

// kWait: not now; the owner is told when to try again (on_link_room), but not for certain. kBeginAgain: what was sent
// of this command so far is lost, or there is no connection.
enum class PieceStatus : uint8_t { kSent, kWait, kBeginAgain };

class PeerLink {
 public:
    PeerLink(reactor::Reactor& reactor, net::OutputFlusher& flusher, PeerLinkConfig config, PeerLinkOwner& owner);
    PeerLink(const PeerLink&) = delete;
    PeerLink& operator=(const PeerLink&) = delete;
    ~PeerLink() = default;

    void start();
    void request_stop();
    reactor::Task<void> join();

    // Queued, to leave at the end of the turn; false: dropped, and nothing of it will be sent. Entries are referenced,
    // texts are copied.
    bool send(const raft::Message& message);  // to this link's peer
    bool send(std::span<const ForwardRequest> requests);
    // The next piece of a large command, or its request, for which all pieces were sent.
    [[nodiscard]] PieceStatus send(const ForwardPiece& piece);
    bool send_large(const ForwardRequest& request, uint64_t command_bytes);
    bool send(std::span<const ForwardReply> replies);
    bool send(const ForwardCredit& credit);
    bool send(const RepairRequest& request);
    bool send(const RepairReply& reply);
    bool send(const SnapshotOffer& offer);
    bool send(const SnapshotReport& report);
    // On a link for snapshots.
    bool send(const SnapshotFetch& fetch);
    bool send(const SnapshotPart& part);
    bool send(const ReadIndexRequest& request);
    bool send(const ReadIndexReply& reply);

    [[nodiscard]] bool connected() const { return output_ != nullptr; }
    [[nodiscard]] int64_t connected_at_wall_ms() const { return connected_at_wall_ms_; }  // while connected
    [[nodiscard]] NodeId peer() const { return config_.peer; }
    [[nodiscard]] uint64_t queued_bytes() const { return output_ != nullptr ? output_->queued_bytes() : 0; }
    [[nodiscard]] uint64_t buffer_bytes() const { return output_ != nullptr ? output_->memory_bytes() : 0; }
    [[nodiscard]] const PeerLinkStats& stats() const { return stats_; }

 private:
    struct Notice : reactor::Runnable {
        Notice(PeerLink& owner, Run function) : Runnable(function), link(owner) {}
        PeerLink& link;
    };
    struct Deadline : reactor::Timer {
        explicit Deadline(PeerLink& owner)
            : Timer([](Timer& self) { static_cast<Deadline&>(self).link.on_deadline(); }), link(owner) {}
        PeerLink& link;
    };
    // A request stands in the stream of bytes; it is out of our hands once the kernel was given the byte before
    // `end_offset`.
    struct QueuedRequest {
        uint64_t end_offset = 0;
        uint64_t request_id = 0;
    };

    // The large command that is on its way in pieces.
    struct LargeSend {
        uint64_t session_id = 0;  // 0: none
        uint64_t sent_bytes = 0;
        uint64_t at_ns = 0;  // of the last piece
    };
    // While so much is queued, pieces wait, lest they stand before all else.
    static constexpr uint64_t kPiecesQueuedBytesMax = 1 * kMiB;
    // Who sends nothing for so long loses its place: its client is gone.
    static constexpr uint64_t kPieceTimeNsMax = 1 * kSecondNs;

    struct Connection;

    reactor::Task<void> run();
    reactor::Task<bool> attempt();
    reactor::Task<bool> serve(reactor::Handle socket);
    reactor::Task<void> shake_hands(Connection& connection);
    reactor::Task<std::string> wait_for_end(reactor::ReceiveStream& receive);
    // Each returns what is wrong, or nothing.
    [[nodiscard]] std::string take_answer(const net::Frame& frame, Connection& connection);
    [[nodiscard]] std::string prove_ourselves(const net::Frame& frame, Connection& connection);
    [[nodiscard]] std::string check_ack(const net::Frame& frame, Connection& connection);
    [[nodiscard]] bool has_secret() const { return config_.secrets != nullptr && !config_.secrets->empty(); }
    void connect_to_owner(net::OutputStream& output, const HelloAck& ack);
    void disconnect_from_owner();
    void on_deadline();
    void on_output_progress();
    [[nodiscard]] bool has_room() const {
        return output_ != nullptr && output_->queued_bytes() <= config_.queue_bytes_max;
    }
    void forget_handed_requests();
    [[nodiscard]] uint64_t jittered(uint64_t backoff_ns);
    void log_failure(const std::string& reason);

    reactor::Reactor& reactor_;
    net::OutputFlusher& flusher_;
    const PeerLinkConfig config_;
    PeerLinkOwner& owner_;
    Prng prng_;
    reactor::TaskScope scope_;
    bool stopping_ = false;
    reactor::StopSource* attempt_stop_ = nullptr;  // of the attempt() that runs; in its frame
    Deadline deadline_;
    Notice output_progress_;
    Notice unreachable_;

    net::OutputStream* output_ = nullptr;  // while connected
    int64_t connected_at_wall_ms_ = 0;
    uint64_t sent_at_last_look_ = 0;
    std::deque<QueuedRequest> queued_requests_;
    LargeSend large_;
    bool piece_waits_ = false;
    std::string last_failure_;
    PeerLinkStats stats_;
};

}  // namespace kvorum::peers
