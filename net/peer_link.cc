#include "net/peer_link.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace kvorum::net {

PeerLink::PeerLink(reactor::Reactor& reactor, OutputFlusher& flusher, PeerLinkConfig config, PeerLinkOwner& owner)
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
    reactor::ReceiveStream receive(reactor_, socket);
    OutputStream output(reactor_, flusher_, socket, &output_progress_);
    encode_hello({.cluster = config_.cluster,
                  .from = config_.self,
                  .incarnation = config_.incarnation,
                  .log_id = config_.log_id,
                  .dialled = config_.peer},
                 output.buffer());
    auto [failure, ack] = co_await handshake(receive);
    // A send may have failed though its bytes arrived and were answered; nobody was listening for that before now.
    const bool accepted = failure.empty() && !output.failed();
    if (accepted) {
        connect_to_owner(output, ack);
        failure = co_await wait_for_end(receive);
        output.abort();
        disconnect_from_owner();
    }
    log_failure(output.failed() && output.error() != -ECANCELED ? std::strerror(-output.error()) : failure);
    co_await output.close();
    co_await receive.close();
    co_return accepted;
}

reactor::Task<PeerLink::Answer> PeerLink::handshake(reactor::ReceiveStream& receive) {
    FrameReader reader(kHandshakePayloadBytesMax);
    while (true) {
        reactor::Chunk chunk = co_await receive.next(attempt_stop_->token());
        if (chunk.result == -ECANCELED) co_return Answer{"no answer to the handshake", {}};
        if (chunk.result == 0) co_return Answer{"connection closed during the handshake", {}};
        if (chunk.result < 0) co_return Answer{std::strerror(-chunk.result), {}};
        reader.feed(chunk.bytes);
        Frame frame;
        const FrameStatus status = reader.next(frame);
        Answer answer;
        if (status == FrameStatus::kFrame) answer.failure = check_answer(frame, answer.ack);
        if (status == FrameStatus::kError) answer.failure = std::string(reader.error());
        receive.release(chunk);
        if (status != FrameStatus::kNeedMore) co_return answer;
    }
}

std::string PeerLink::check_answer(const Frame& frame, HelloAck& ack) {
    HelloReject reject;
    if (decode_hello_reject(frame, reject)) {
        ++stats_.rejected;
        if (reject.code == RejectCode::kOtherLog) owner_.on_known_by_other_log(config_.peer, reject.reason);
        return "rejected: " + std::string(reject.reason);
    }
    if (!decode_hello_ack(frame, ack)) return "malformed answer to the handshake";
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

void PeerLink::connect_to_owner(OutputStream& output, const HelloAck& ack) {
    ++stats_.connects;
    last_failure_.clear();
    KVORUM_LOG(kInfo, "peer {} at {}: connected, incarnation {}", config_.peer, config_.endpoint.to_string(),
               ack.incarnation);
    output_ = &output;
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
}

bool PeerLink::send(const raft::Message& message) {
    KVORUM_ASSERT(message.to == config_.peer && message.from == config_.self, "message from {} to {}", message.from,
                  message.to);
    if (!has_room()) {
        ++stats_.dropped_messages;
        if (!stopping_) reactor_.schedule(unreachable_);
        return false;
    }
    encode_raft_message(message.body, output_->buffer());
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

bool PeerLink::send(std::span<const ForwardReply> replies) {
    if (!has_room()) {
        stats_.refused_replies += replies.size();
        return false;
    }
    while (!replies.empty())
        replies = replies.subspan(encode_forward_replies(replies, output_->buffer()));
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

}  // namespace kvorum::net
