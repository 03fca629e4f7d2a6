#include "peers/peer_link.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "peers/peer_nonce.h"

namespace kvorum::peers {
namespace {

constexpr size_t kSmallReplyBytes = 256;

}  // namespace

// One connection to the peer, and what its two ends said of themselves.
struct PeerLink::Connection {
    Connection(PeerLink& link, reactor::Handle socket)
        : receive(link.reactor_, socket, reactor::BuffersFrom::kReserved),
          output(link.reactor_, link.flusher_, socket, &link.output_progress_) {}

    reactor::ReceiveStream receive;
    net::OutputStream output;
    Hello hello;
    Nonce challenge{};
    bool challenged = false;
    bool answered = false;
    std::string failure;  // what went wrong; empty: nothing so far
    HelloAck ack;
};

PeerLink::PeerLink(reactor::Reactor& reactor, net::OutputFlusher& flusher, PeerLinkConfig config, PeerLinkOwner& owner)
    : reactor_(reactor),
      flusher_(flusher),
      config_(std::move(config)),
      owner_(owner),
      prng_(config_.seed),
      scope_(reactor),
      deadline_(*this),
      output_progress_(*this, [](reactor::Runnable& self) { static_cast<Notice&>(self).link.on_output_progress(); }),
      unreachable_(*this, [](reactor::Runnable& self) {
          PeerLink& link = static_cast<Notice&>(self).link;
          link.owner_.on_unreachable(link.config_.peer);
      }) {
    KVORUM_ASSERT(config_.backoff_min_ns > 0 && config_.backoff_min_ns <= config_.backoff_max_ns);
}

void PeerLink::start() { scope_.spawn(run()); }

void PeerLink::request_stop() {
    stopping_ = true;
    scope_.request_stop();
    if (attempt_stop_ != nullptr) attempt_stop_->request_stop();
}

reactor::Task<void> PeerLink::join() { co_await scope_.join(); }

reactor::Task<void> PeerLink::run() {
    uint64_t backoff_ns = config_.backoff_min_ns;
    while (!stopping_) {
        const bool was_connected = co_await attempt();
        if (stopping_) break;
        if (was_connected) backoff_ns = config_.backoff_min_ns;
        co_await reactor_.sleep_for(jittered(backoff_ns), scope_.stop_token());
        backoff_ns = std::min(2 * backoff_ns, config_.backoff_max_ns);
    }
}

// One connection from beginning to end. True if it came to a handshake.
reactor::Task<bool> PeerLink::attempt() {
    reactor::StopSource stop;
    attempt_stop_ = &stop;
    reactor_.arm(deadline_, reactor_.now_ns() + config_.handshake_timeout_ns);
    const int32_t socket = co_await reactor_.connect(config_.endpoint, attempt_stop_->token());
    bool was_connected = false;
    if (socket >= 0) {
        was_connected = co_await serve(socket);
        const int32_t closed = co_await reactor_.close(socket);
        maybe(closed < 0);
    } else {
        log_failure(socket == -ECANCELED ? "timed out" : std::strerror(-socket));
    }
    reactor_.cancel(deadline_);
    attempt_stop_ = nullptr;
    if (!was_connected) ++stats_.failed_attempts;
    co_return was_connected;
}

reactor::Task<bool> PeerLink::serve(reactor::Handle socket) {
    Connection connection(*this, socket);
    net::OutputStream& output = connection.output;
    connection.hello = {.cluster = config_.cluster,
                        .from = config_.self,
                        .incarnation = config_.incarnation,
                        .log_id = config_.log_id,
                        .feature_level = raft::known_feature_level(),
                        .dialled = config_.peer,
                        .nonce = draw_nonce(reactor_.backend()),
                        .purpose = config_.purpose};
    encode_hello(connection.hello, output.buffer());
    co_await shake_hands(connection);
    std::string failure = std::move(connection.failure);
    // A send may have failed though its bytes arrived and were answered; nobody was listening for that before now.
    const bool accepted = failure.empty() && !output.failed();
    if (accepted) {
        connect_to_owner(output, connection.ack);
        failure = co_await wait_for_end(connection.receive);
        output.abort();
        disconnect_from_owner();
    }
    log_failure(output.failed() && output.error() != -ECANCELED ? std::strerror(-output.error()) : failure);
    co_await output.close();
    co_await connection.receive.close();
    co_return accepted;
}

reactor::Task<void> PeerLink::shake_hands(Connection& connection) {
    net::FrameReader reader(kHandshakePayloadBytesMax);
    while (connection.failure.empty() && !connection.answered) {
        reactor::Chunk chunk = co_await connection.receive.next(attempt_stop_->token());
        if (chunk.result <= 0) {
            connection.failure = chunk.result == -ECANCELED ? "no answer to the handshake"
                                 : chunk.result == 0        ? "connection closed during the handshake"
                                                            : std::strerror(-chunk.result);
            co_return;
        }
        reader.feed(chunk.bytes);
        net::Frame frame;
        net::FrameStatus status = net::FrameStatus::kNeedMore;
        while (connection.failure.empty() && !connection.answered) {
            status = reader.next(frame);
            if (status != net::FrameStatus::kFrame) break;
            connection.failure = take_answer(frame, connection);
        }
        if (status == net::FrameStatus::kError) connection.failure = std::string(reader.error());
        connection.receive.release(chunk);
    }
}

std::string PeerLink::take_answer(const net::Frame& frame, Connection& connection) {
    if (frame.type == net::FrameType::kHelloChallenge && !connection.challenged)
        return prove_ourselves(frame, connection);
    connection.answered = true;
    return check_ack(frame, connection);
}

std::string PeerLink::prove_ourselves(const net::Frame& frame, Connection& connection) {
    if (!decode_hello_challenge(frame, connection.challenge)) return "malformed answer to the handshake";
    if (!has_secret()) {
        ++stats_.unproved;
        return "it asks for the secret of the cluster, and this node has none: give it the same --cluster-secret-file";
    }
    connection.challenged = true;
    encode_hello_proof(config_.secrets->prove_dialler(connection.hello, connection.challenge),
                       connection.output.buffer());
    return {};
}

std::string PeerLink::check_ack(const net::Frame& frame, Connection& connection) {
    HelloAck& ack = connection.ack;
    HelloReject reject;
    if (decode_hello_reject(frame, reject)) {
        ++stats_.rejected;
        const bool believed = !has_secret() || (connection.challenged &&
                                                config_.secrets->accepts_rejecting(
                                                    connection.hello, connection.challenge, reject.code, reject.proof));
        if (reject.code == RejectCode::kOtherLog && believed) owner_.on_known_by_other_log(config_.peer, reject.reason);
        return "rejected: " + std::string(reject.reason);
    }
    if (!decode_hello_ack(frame, ack)) return "malformed answer to the handshake";
    const bool proved =
        connection.challenged && config_.secrets->accepts_dialled(connection.hello, connection.challenge, ack);
    if (has_secret() && !proved) {
        ++stats_.unproved;
        return connection.challenged
                   ? "it does not know the secret of the cluster: its --cluster-secret-file is another one"
                   : "it does not ask for the secret of the cluster: start it with the same --cluster-secret-file";
    }
    if (ack.from != config_.peer) return fmt::format("node {} answers at this address", ack.from);
    const LogId known = owner_.meet_peer(ack.from, ack.log_id);
    if (known == ack.log_id) return {};
    ++stats_.other_logs;
    return other_log_reason(ack.from, known, ack.log_id);
}

// The peer says nothing on this connection, so whatever arrives is its end.
reactor::Task<std::string> PeerLink::wait_for_end(reactor::ReceiveStream& receive) {
    reactor::Chunk chunk = co_await receive.next(attempt_stop_->token());
    if (chunk.result == -ECANCELED) co_return "given up";
    if (chunk.result == 0) co_return "closed by the peer";
    if (chunk.result < 0) co_return std::strerror(-chunk.result);
    receive.release(chunk);
    co_return "unexpected bytes from the peer";
}

void PeerLink::connect_to_owner(net::OutputStream& output, const HelloAck& ack) {
    ++stats_.connects;
    last_failure_.clear();
    KVORUM_LOG(kInfo, "peer {} at {}: connected, incarnation {}, knows feature level {}", config_.peer,
               config_.endpoint.to_string(), ack.incarnation, ack.feature_level);
    output_ = &output;
    large_ = {};
    connected_at_wall_ms_ = reactor_.backend().wall_clock_ms();
    sent_at_last_look_ = output.sent_bytes();
    reactor_.arm(deadline_, reactor_.now_ns() + config_.stall_timeout_ns);
    owner_.on_link_connected(config_.peer, ack.incarnation);
}

void PeerLink::disconnect_from_owner() {
    forget_handed_requests();
    output_ = nullptr;
    std::vector<uint64_t> unsent;
    unsent.reserve(queued_requests_.size());
    for (const QueuedRequest& request : queued_requests_)
        unsent.push_back(request.request_id);
    queued_requests_.clear();
    owner_.on_link_disconnected(config_.peer, unsent);
}

void PeerLink::on_deadline() {
    if (output_ == nullptr) {
        attempt_stop_->request_stop();
        return;
    }
    const bool stalled = output_->queued_bytes() > 0 && output_->sent_bytes() == sent_at_last_look_;
    if (stalled) {
        ++stats_.stalls;
        attempt_stop_->request_stop();
        return;
    }
    sent_at_last_look_ = output_->sent_bytes();
    reactor_.arm(deadline_, reactor_.now_ns() + config_.stall_timeout_ns);
}

void PeerLink::on_output_progress() {
    if (output_ == nullptr) return;
    forget_handed_requests();
    if (output_->failed()) attempt_stop_->request_stop();
    if (piece_waits_ && output_->queued_bytes() <= kPiecesQueuedBytesMax / 2) {
        piece_waits_ = false;
        owner_.on_link_room(config_.peer);
    }
}

bool PeerLink::send(const raft::Message& message) {
    KVORUM_ASSERT(message.to == config_.peer && message.from == config_.self, "message from {} to {}", message.from,
                  message.to);
    if (!has_room()) {
        ++stats_.dropped_messages;
        if (!stopping_) reactor_.schedule(unreachable_);
        return false;
    }
    encode_raft_message(message.group, message.body, output_->buffer());
    return true;
}

bool PeerLink::send(std::span<const ForwardRequest> requests) {
    const bool fit = std::all_of(requests.begin(), requests.end(), forward_request_fits);
    if (!has_room() || !fit) {
        stats_.refused_requests += requests.size();
        return false;
    }
    while (!requests.empty()) {
        const size_t count = encode_forward_requests(requests, output_->buffer());
        const uint64_t end_offset = output_->appended_bytes();
        for (const ForwardRequest& request : requests.first(count))
            queued_requests_.push_back({end_offset, request.request_id});
        requests = requests.subspan(count);
    }
    return true;
}

PieceStatus PeerLink::send(const ForwardPiece& piece) {
    if (output_ == nullptr) return PieceStatus::kBeginAgain;
    const bool is_mine = large_.session_id == piece.session_id;
    if (piece.offset == 0 &&
        (large_.session_id == 0 || is_mine || reactor_.now_ns() - large_.at_ns > kPieceTimeNsMax)) {
        large_ = {piece.session_id, 0, reactor_.now_ns()};
    } else if (!is_mine || piece.offset != large_.sent_bytes) {
        piece_waits_ = true;
        return piece.offset == 0 ? PieceStatus::kWait : PieceStatus::kBeginAgain;
    }
    piece_waits_ = piece_waits_ || output_->queued_bytes() > kPiecesQueuedBytesMax;
    if (output_->queued_bytes() > kPiecesQueuedBytesMax) return PieceStatus::kWait;
    encode_forward_piece(piece, output_->buffer());
    large_.sent_bytes += piece.bytes.size();
    large_.at_ns = reactor_.now_ns();
    return PieceStatus::kSent;
}

bool PeerLink::send_large(const ForwardRequest& request, uint64_t command_bytes) {
    if (!has_room() || large_.session_id != request.session_id || large_.sent_bytes != command_bytes) return false;
    encode_forward_large(request, command_bytes, output_->buffer());
    queued_requests_.push_back({output_->appended_bytes(), request.request_id});
    large_ = {};
    return true;
}

// What says in a few bytes that a command was not executed has room always: nothing else would tell the client.
bool PeerLink::send(std::span<const ForwardReply> replies) {
    const bool are_small = std::all_of(replies.begin(), replies.end(), [](const ForwardReply& reply) {
        return reply.reply.size() <= kSmallReplyBytes;
    });
    if (!has_room() && !(connected() && are_small)) {
        stats_.refused_replies += replies.size();
        return false;
    }
    while (!replies.empty())
        replies = replies.subspan(encode_forward_replies(replies, output_->buffer()));
    return true;
}

// A few bytes for each 128 KiB of replies, or for a client that left: there is room always.
bool PeerLink::send(const ForwardCredit& credit) {
    if (!connected()) return false;
    encode_forward_credit(credit, output_->buffer());
    return true;
}

bool PeerLink::send(const RepairRequest& request) {
    if (!has_room()) return false;
    encode_repair_request(request, output_->buffer());
    return true;
}

bool PeerLink::send(const RepairReply& reply) {
    if (!has_room()) return false;
    encode_repair_reply(reply, output_->buffer());
    return true;
}

bool PeerLink::send(const SnapshotOffer& offer) {
    if (!has_room()) return false;
    encode_snapshot_offer(offer, output_->buffer());
    return true;
}

bool PeerLink::send(const SnapshotReport& report) {
    if (!has_room()) return false;
    encode_snapshot_report(report, output_->buffer());
    return true;
}

bool PeerLink::send(const SnapshotFetch& fetch) {
    KVORUM_ASSERT(config_.purpose == LinkPurpose::kSnapshots);
    if (!has_room()) return false;
    encode_snapshot_fetch(fetch, output_->buffer());
    return true;
}

bool PeerLink::send(const SnapshotPart& part) {
    KVORUM_ASSERT(config_.purpose == LinkPurpose::kSnapshots);
    if (!has_room()) return false;
    encode_snapshot_part(part, output_->buffer());
    return true;
}

bool PeerLink::send(const ReadIndexRequest& request) {
    if (!connected()) return false;
    encode_read_index_request(request, output_->buffer());
    return true;
}

bool PeerLink::send(const ReadIndexReply& reply) {
    if (!connected()) return false;
    encode_read_index_reply(reply, output_->buffer());
    return true;
}

void PeerLink::forget_handed_requests() {
    while (!queued_requests_.empty() && queued_requests_.front().end_offset <= output_->handed_bytes())
        queued_requests_.pop_front();
}

uint64_t PeerLink::jittered(uint64_t backoff_ns) { return prng_.between(backoff_ns - backoff_ns / 2, backoff_ns); }

// Once per reason: a peer that is down for a day is one line.
void PeerLink::log_failure(const std::string& reason) {
    if (stopping_ || reason == last_failure_) return;
    last_failure_ = reason;
    KVORUM_LOG(kWarn, "peer {} at {}: {}", config_.peer, config_.endpoint.to_string(), reason);
}

}  // namespace kvorum::peers
