#include "peers/peer_listener.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "peers/peer_nonce.h"

namespace kvorum::peers {
namespace {

// After accept failed (no file descriptors left, mostly): trying again at once would only spin.
constexpr uint64_t kAcceptPauseNs = 100 * kMillisecondNs;

}  // namespace

// One accepted connection.
class PeerListener::Connection {
 public:
    Connection(PeerListener& listener, reactor::Handle socket)
        : receive(listener.reactor_, socket, reactor::BuffersFrom::kReserved),
          output(listener.reactor_, listener.flusher_, socket),
          address(listener.reactor_.backend().peer_address(socket)) {}

    struct Deadline : reactor::Timer {
        explicit Deadline(reactor::StopSource& target)
            : Timer([](Timer& self) { static_cast<Deadline&>(self).source.request_stop(); }), source(target) {}
        reactor::StopSource& source;
    };

    reactor::ReceiveStream receive;
    net::OutputStream output;
    net::FrameReader reader{kHandshakePayloadBytesMax};
    AppendEntriesReader append_entries;  // whose entries are streamed
    ForwardPieces pieces;
    std::string address;
    reactor::StopSource stop;
    reactor::StopSource
        farewell_stop;  // of the rejection, which must get out even when `stop` came from the handshake's deadline
    Deadline handshake_deadline{stop};
    Deadline farewell_deadline{farewell_stop};
    RejectCode reject_code = RejectCode::kOther;
    Digest reject_proof{};
    Hello hello;
    Nonce challenge{};
    bool challenged = false;
    // Known after the handshake.
    NodeId peer;
    uint64_t incarnation = 0;
    bool is_peer = false;  // the registry is told of its end
};

PeerListener::PeerListener(reactor::Reactor& reactor, net::OutputFlusher& flusher, PeerListenerConfig config,
                           reactor::Handle listener, PeerRegistry& registry, PeerReceivers receivers)
    : reactor_(reactor),
      flusher_(flusher),
      config_(config),
      listener_(listener),
      registry_(registry),
      receivers_(receivers),
      scope_(reactor) {}

void PeerListener::start() { scope_.spawn(accept_loop()); }

void PeerListener::request_stop() {
    stopping_ = true;
    scope_.request_stop();
    for (Connection* connection : connections_) {
        connection->stop.request_stop();
        connection->farewell_stop.request_stop();
    }
}

reactor::Task<void> PeerListener::join() { co_await scope_.join(); }

bool PeerListener::has_connection_of(NodeId peer) const {
    return std::any_of(connections_.begin(), connections_.end(), [peer](const Connection* c) {
        return c->is_peer && c->peer == peer && c->hello.purpose == LinkPurpose::kMessages;
    });
}

uint64_t PeerListener::buffer_bytes() const {
    uint64_t bytes = 0;
    for (const Connection* connection : connections_)
        bytes += connection->reader.allocated_bytes() + connection->output.memory_bytes();
    return bytes;
}

reactor::Task<void> PeerListener::accept_loop() {
    reactor::AcceptStream accepts(reactor_, listener_);
    while (!stopping_) {
        const int32_t socket = co_await accepts.next(scope_.stop_token());
        if (socket == -ECANCELED) break;
        if (socket < 0) {
            ++stats_.accept_errors;
            KVORUM_LOG(kWarn, "peer port: accept: {}", std::strerror(-socket));
            co_await reactor_.sleep_for(kAcceptPauseNs, scope_.stop_token());
        } else if (open_connections_ >= config_.connections_max) {
            ++stats_.refused;
            KVORUM_LOG(kWarn, "peer port: more than {} connections", config_.connections_max);
            scope_.spawn(refuse(socket));
        } else {
            ++stats_.accepted;
            ++open_connections_;
            displace_oldest_stranger();
            scope_.spawn(serve(socket));
        }
    }
    co_await accepts.close();
    const int32_t closed = co_await reactor_.close(listener_);
    maybe(closed < 0);
}

reactor::Task<void> PeerListener::refuse(reactor::Handle socket) {
    const int32_t closed = co_await reactor_.close(socket);
    maybe(closed < 0);
}

reactor::Task<void> PeerListener::serve(reactor::Handle socket) {
    Connection connection(*this, socket);
    connections_.push_back(&connection);
    if (stopping_) request_stop();
    std::string failure = co_await handshake(connection);
    if (failure.empty()) {
        failure = co_await receive_messages(connection);
        end_peer(connection);
        if (!failure.empty()) {
            ++stats_.broken;
            KVORUM_LOG(kWarn, "peer {} ({}): connection closed: {}", connection.peer, connection.address, failure);
        }
    } else {
        ++stats_.rejected;
        if (!stopping_) KVORUM_LOG(kWarn, "peer port: rejected {}: {}", connection.address, failure);
        reactor_.arm(connection.farewell_deadline, reactor_.now_ns() + config_.handshake_timeout_ns);
        encode_hello_reject({connection.reject_code, connection.reject_proof, failure}, connection.output.buffer());
        const bool told = co_await connection.output.drain(connection.farewell_stop.token());
        maybe(told);
    }
    std::erase(connections_, &connection);
    co_await connection.output.close();
    co_await connection.receive.close();
    const int32_t closed = co_await reactor_.close(socket);
    maybe(closed < 0);
    --open_connections_;
}

reactor::Task<std::string> PeerListener::handshake(Connection& connection) {
    reactor_.arm(connection.handshake_deadline, reactor_.now_ns() + config_.handshake_timeout_ns);
    while (true) {
        reactor::Chunk chunk = co_await connection.receive.next(connection.stop.token());
        if (chunk.result == -ECANCELED) co_return stopping_ ? "shutting down" : "no handshake in time";
        if (chunk.result == 0) co_return "closed before the handshake";
        if (chunk.result < 0) co_return std::strerror(-chunk.result);
        connection.reader.feed(chunk.bytes);
        net::Frame frame;
        net::FrameStatus status = net::FrameStatus::kNeedMore;
        std::string failure;
        while (failure.empty() && !connection.is_peer) {
            status = connection.reader.next(frame);
            if (status != net::FrameStatus::kFrame) break;
            failure = take_handshake_frame(connection, frame);
        }
        if (status == net::FrameStatus::kError) failure = std::string(connection.reader.error());
        connection.receive.release(chunk);
        if (!failure.empty() || connection.is_peer) co_return failure;
    }
}

std::string PeerListener::take_handshake_frame(Connection& connection, const net::Frame& frame) {
    // The dialling side waits for our answers, so nothing may follow what it said.
    const bool alone = connection.reader.buffered_bytes() == 0;
    if (connection.challenged) return alone ? check_proof(connection, frame) : "no valid proof";
    if (!decode_hello(frame, connection.hello) || !alone) return "no valid Hello";
    if (connection.hello.protocol_version != net::kPeerProtocolVersion) {
        return fmt::format("protocol version {}, this node speaks {}", connection.hello.protocol_version,
                           net::kPeerProtocolVersion);
    }
    if (config_.secrets == nullptr || config_.secrets->empty()) return admit(connection);
    connection.challenged = true;
    connection.challenge = draw_nonce(reactor_.backend());
    encode_hello_challenge(connection.challenge, connection.output.buffer());
    return {};
}

std::string PeerListener::check_proof(Connection& connection, const net::Frame& frame) {
    Digest proof;
    if (!decode_hello_proof(frame, proof)) return "no valid proof";
    if (!config_.secrets->accepts_dialler(connection.hello, connection.challenge, proof)) {
        ++stats_.unproved;
        return "it does not know the secret of the cluster: the two nodes have different --cluster-secret-file";
    }
    return admit(connection);
}

std::string PeerListener::admit(Connection& connection) {
    const Hello& hello = connection.hello;
    std::string failure = check_hello(hello);
    // Before the incarnation: of two nodes under one id the later must learn which of the two reasons is its own.
    if (failure.empty()) failure = check_log(connection, hello);
    if (failure.empty()) failure = check_incarnation(hello);
    if (!failure.empty()) return failure;
    connection.peer = hello.from;
    connection.incarnation = hello.incarnation;
    replace_older(connection);
    connection.is_peer = true;
    ++stats_.handshakes;
    reactor_.cancel(connection.handshake_deadline);
    connection.reader.set_payload_bytes_max(hello.purpose == LinkPurpose::kSnapshots ? kSnapshotPayloadBytesMax
                                                                                     : net::kFramePayloadBytesMax);
    connection.reader.stream_entries();
    HelloAck ack{.from = config_.self,
                 .incarnation = config_.incarnation,
                 .log_id = config_.log_id,
                 .feature_level = raft::known_feature_level()};
    if (connection.challenged) ack.proof = config_.secrets->prove_dialled(hello, connection.challenge, ack);
    encode_hello_ack(ack, connection.output.buffer());
    return {};
}

std::string PeerListener::check_hello(const Hello& hello) {
    if (hello.cluster != config_.cluster)
        return fmt::format("cluster {:x}, this is {:x}", hello.cluster.value(), config_.cluster.value());
    if (hello.dialled != config_.self)
        return fmt::format("node {} was dialled, this is node {}", hello.dialled, config_.self);
    if (hello.from == config_.self) return fmt::format("node {} is this node itself", hello.from);
    if (!registry_.is_known_peer(hello.from)) return fmt::format("node {} is not a member", hello.from);
    return {};
}

std::string PeerListener::check_log(Connection& connection, const Hello& hello) {
    const LogId known = registry_.meet_peer(hello.from, hello.log_id);
    if (known == hello.log_id) return {};
    ++stats_.other_logs;
    connection.reject_code = RejectCode::kOtherLog;
    if (connection.challenged) {
        connection.reject_proof = config_.secrets->prove_rejecting(hello, connection.challenge, RejectCode::kOtherLog);
    }
    return other_log_reason(hello.from, known, hello.log_id);
}

std::string PeerListener::check_incarnation(const Hello& hello) const {
    for (const Connection* other : connections_) {
        if (other->is_peer && other->peer == hello.from && other->incarnation > hello.incarnation) {
            return fmt::format("incarnation {} of node {} is over", hello.incarnation, hello.from);
        }
    }
    return {};
}

void PeerListener::displace_oldest_stranger() {
    const auto is_stranger = [](const Connection* connection) {
        return !connection->is_peer && !connection->stop.stop_requested();
    };
    const auto strangers = std::count_if(connections_.begin(), connections_.end(), is_stranger);
    if (static_cast<uint32_t>(strangers) < config_.unproved_max) return;
    (*std::find_if(connections_.begin(), connections_.end(), is_stranger))->stop.request_stop();
    ++stats_.displaced;
}

void PeerListener::replace_older(const Connection& connection) {
    for (Connection* other : connections_) {
        if (!other->is_peer || other->peer != connection.peer) continue;
        if (other->hello.purpose != connection.hello.purpose) continue;
        ++stats_.replaced;
        end_peer(*other);
        other->stop.request_stop();
    }
}

void PeerListener::end_peer(Connection& connection) {
    if (std::exchange(connection.is_peer, false) && connection.hello.purpose == LinkPurpose::kMessages)
        registry_.on_peer_disconnected(connection.peer, connection.incarnation);
}

reactor::Task<std::string> PeerListener::receive_messages(Connection& connection) {
    while (true) {
        reactor::Chunk chunk = co_await connection.receive.next(connection.stop.token());
        if (chunk.result == -ECANCELED || chunk.result == 0) co_return std::string();
        if (chunk.result < 0) co_return std::strerror(-chunk.result);
        connection.reader.feed(chunk.bytes);
        net::Frame frame;
        std::string failure;
        net::FrameStatus status = net::FrameStatus::kNeedMore;
        // A stop may come from inside a receiver; nothing is dispatched after it.
        while (failure.empty() && !connection.stop.stop_requested()) {
            status = connection.reader.next(frame);
            if (status != net::FrameStatus::kFrame && status != net::FrameStatus::kPiece) break;
            failure = status == net::FrameStatus::kFrame ? dispatch(connection, frame) : take_piece(connection, frame);
        }
        if (status == net::FrameStatus::kError) failure = std::string(connection.reader.error());
        reactor_.work().add(TurnPart::kReplicate, chunk.bytes.size() * kReceivedWork);
        connection.receive.release(chunk);
        if (!failure.empty() || connection.stop.stop_requested()) co_return failure;
        if (reactor_.work().used_up()) co_await reactor_.yield();
    }
}

std::string PeerListener::take_piece(Connection& connection, const net::Frame& frame) {
    AppendEntriesReader& reader = connection.append_entries;
    if (!reader.take(frame.payload, config_.cluster)) return "malformed entries";
    if (!reader.done()) return {};
    receivers_.raft.on_raft_message(
        {.from = connection.peer, .to = config_.self, .body = reader.take_message(), .group = config_.group});
    return {};
}

std::string PeerListener::dispatch_forward(Connection& connection, const net::Frame& frame) {
    if (frame.type == net::FrameType::kForwardRequests) {
        std::vector<ForwardRequest> requests;
        if (!decode_forward_requests(frame, requests)) return "malformed forwarded requests";
        if (!std::all_of(requests.begin(), requests.end(), [this](const auto& r) { return r.group == config_.group; }))
            return "a forwarded request for another group";
        receivers_.forward.on_forward_requests(connection.peer, requests);
    } else if (frame.type == net::FrameType::kForwardReplies) {
        std::vector<ForwardReply> replies;
        if (!decode_forward_replies(frame, replies)) return "malformed forwarded replies";
        receivers_.forward.on_forward_replies(connection.peer, replies);
    } else if (frame.type == net::FrameType::kForwardPiece) {
        ForwardPiece piece;
        if (!decode_forward_piece(frame, piece) || piece.group != config_.group || !connection.pieces.take(piece))
            return "malformed forwarded piece";
    } else {
        ForwardRequest request;
        PackedCommand command;
        uint64_t command_bytes = 0;
        if (!decode_forward_large(frame, request, command_bytes) || request.group != config_.group)
            return "malformed forwarded request";
        if (!connection.pieces.finish(request, command_bytes, command)) return "a forwarded request without its pieces";
        receivers_.forward.on_large_request(connection.peer, request, std::move(command));
    }
    return {};
}

std::string PeerListener::dispatch_repair(NodeId from, const net::Frame& frame) {
    if (frame.type == net::FrameType::kRepairRequest) {
        RepairRequest request;
        if (!decode_repair_request(frame, request) || request.group != config_.group) return "malformed repair request";
        receivers_.repair.on_repair_request(from, request);
        return {};
    }
    RepairReply reply;
    if (!decode_repair_reply(frame, config_.cluster, reply) || reply.group != config_.group)
        return "malformed repair reply";
    receivers_.repair.on_repair_reply(from, std::move(reply));
    return {};
}

std::string PeerListener::dispatch_snapshot(NodeId from, const net::Frame& frame) {
    if (frame.type == net::FrameType::kSnapshotOffer) {
        SnapshotOffer offer;
        if (!decode_snapshot_offer(frame, offer) || offer.group != config_.group) return "malformed snapshot offer";
        receivers_.snapshots.on_snapshot_offer(from, offer);
    } else if (frame.type == net::FrameType::kSnapshotReport) {
        SnapshotReport report;
        if (!decode_snapshot_report(frame, report) || report.group != config_.group) return "malformed snapshot report";
        receivers_.snapshots.on_snapshot_report(from, report);
    } else if (frame.type == net::FrameType::kSnapshotFetch) {
        SnapshotFetch fetch;
        if (!decode_snapshot_fetch(frame, fetch) || fetch.group != config_.group) return "malformed snapshot fetch";
        receivers_.snapshots.on_snapshot_fetch(from, fetch);
    } else {
        SnapshotPart part;
        if (!decode_snapshot_part(frame, part) || part.group != config_.group) return "malformed snapshot part";
        receivers_.snapshots.on_snapshot_part(from, part);
    }
    return {};
}

std::string PeerListener::dispatch(Connection& connection, const net::Frame& frame) {
    if (purpose_of(frame.type) != connection.hello.purpose) return "a message on a connection for others";
    if (frame.streamed_bytes > 0) {
        return connection.append_entries.begin(frame, config_.group) ? std::string() : "malformed Raft message";
    }
    if (is_raft_frame(frame.type)) {
        raft::Message message{.from = connection.peer, .to = config_.self, .body = {}, .group = config_.group};
        if (!decode_raft_message(frame, config_.cluster, config_.group, message.body)) return "malformed Raft message";
        receivers_.raft.on_raft_message(std::move(message));
        return {};
    }
    if (is_forward_frame(frame.type)) return dispatch_forward(connection, frame);
    if (frame.type == net::FrameType::kForwardCredit) {
        ForwardCredit credit;
        if (!decode_forward_credit(frame, credit)) return "malformed credit";
        receivers_.forward.on_forward_credit(connection.peer, credit);
        return {};
    }
    if (frame.type == net::FrameType::kReadIndexRequest) {
        ReadIndexRequest request;
        if (!decode_read_index_request(frame, request) || request.group != config_.group)
            return "malformed question for a read index";
        receivers_.reads.on_read_index_request(connection.peer, request);
        return {};
    }
    if (frame.type == net::FrameType::kReadIndexReply) {
        ReadIndexReply reply;
        if (!decode_read_index_reply(frame, reply) || reply.group != config_.group) return "malformed read index";
        receivers_.reads.on_read_index_reply(connection.peer, reply);
        return {};
    }
    if (is_repair_frame(frame.type)) return dispatch_repair(connection.peer, frame);
    if (is_snapshot_frame(frame.type)) return dispatch_snapshot(connection.peer, frame);
    return "a handshake frame after the handshake";
}

}  // namespace kvorum::peers
