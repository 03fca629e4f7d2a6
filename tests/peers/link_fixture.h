// Two ends of the peer protocol in one reactor, for tests over a fake network or the real kernel.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "peers/peer_link.h"
#include "peers/peer_listener.h"
#include "reactor/sync_wait.h"
#include "tests/peers/peer_messages.h"

namespace kvorum::peers::test {

// Writes down, in order, everything that a link or a listener tells its owner.
class Recorder final : public peers::PeerLinkOwner,
                       public peers::PeerRegistry,
                       public peers::RaftReceiver,
                       public peers::ForwardReceiver,
                       public peers::RepairReceiver,
                       public peers::SnapshotReceiver,
                       public peers::ReadIndexReceiver {
 public:
    void on_link_connected(NodeId peer, uint64_t incarnation) override {
        note(fmt::format("link {} connected {}", peer, incarnation));
    }
    void on_link_disconnected(NodeId peer, std::span<const uint64_t> unsent) override {
        unsent_ids.assign(unsent.begin(), unsent.end());
        note(fmt::format("link {} disconnected", peer));
    }
    void on_link_room(NodeId peer) override { note(fmt::format("link {} has room", peer)); }
    void on_unreachable(NodeId peer) override { note(fmt::format("link {} unreachable", peer)); }
    void on_known_by_other_log(NodeId peer, std::string_view reason) override {
        note(fmt::format("disowned by {}: {}", peer, reason));
    }
    LogId meet_peer(NodeId peer, LogId log_id) override { return known_logs.emplace(peer, log_id).first->second; }

    bool is_known_peer(NodeId node) override { return node.value() <= 3; }
    void on_raft_message(raft::Message message) override {
        note(fmt::format("raft {}->{} #{}", message.from, message.to, message.body.index()));
        messages.push_back(std::move(message));
        if (on_message) on_message();
    }
    void on_forward_requests(NodeId from, std::span<const peers::ForwardRequest> requests) override {
        for (const peers::ForwardRequest& request : requests) {
            note(fmt::format("request {} from {}: {}", request.request_id, from, request.arguments[0]));
        }
    }
    void on_large_request(NodeId from, const peers::ForwardRequest& request, PackedCommand command) override {
        std::vector<std::string_view> arguments;
        command.first_arguments(1, arguments);
        note(fmt::format("large request {} from {}: {} with {} arguments", request.request_id, from, arguments[0],
                         command.argument_count()));
    }
    void on_forward_credit(NodeId from, const peers::ForwardCredit& credit) override {
        note(fmt::format("credit {} for {} from {}", credit.bytes, credit.session_id, from));
    }
    void on_forward_replies(NodeId from, std::span<const peers::ForwardReply> replies) override {
        for (const peers::ForwardReply& reply : replies) {
            note(fmt::format("reply {} from {}: {}", reply.request_id, from,
                             reply.reply.substr(0, reply.reply.size() - 2)));
        }
    }
    void on_repair_request(NodeId from, const peers::RepairRequest& request) override {
        note(fmt::format("repair {} asked by {}", request.index, from));
    }
    void on_repair_reply(NodeId from, peers::RepairReply reply) override {
        note(fmt::format("repair {} from {}: {} entries", reply.index, from, reply.entries.size()));
    }
    void on_snapshot_offer(NodeId from, const peers::SnapshotOffer& offer) override {
        note(fmt::format("snapshot {} offered by {}", offer.name.index, from));
    }
    void on_snapshot_report(NodeId from, const peers::SnapshotReport& report) override {
        note(fmt::format("snapshot {} {} at {}", report.name.index, report.installed ? "installed" : "failed", from));
    }
    void on_snapshot_fetch(NodeId from, const peers::SnapshotFetch& fetch) override {
        note(fmt::format("snapshot {} from {} on fetched by {}", fetch.name.index, fetch.offset, from));
    }
    void on_snapshot_part(NodeId from, const peers::SnapshotPart& part) override {
        note(fmt::format("part of snapshot {} from {}: {} bytes", part.name.index, from, part.bytes.size()));
    }
    void on_read_index_request(NodeId from, const peers::ReadIndexRequest& request) override {
        note(fmt::format("read index {} asked by {} in term {}", request.id, from, request.leader_term));
    }
    void on_read_index_reply(NodeId from, const peers::ReadIndexReply& reply) override {
        note(fmt::format("read index {} from {}: {}", reply.id, from, reply.read_index));
    }
    void on_peer_disconnected(NodeId from, uint64_t incarnation) override {
        note(fmt::format("peer {} ({}) gone", from, incarnation));
    }

    [[nodiscard]] peers::PeerReceivers receivers() { return {*this, *this, *this, *this, *this}; }
    [[nodiscard]] bool has(const std::string& event) const { return count(event) > 0; }
    [[nodiscard]] size_t count(const std::string& event) const {
        return static_cast<size_t>(std::count(events.begin(), events.end(), event));
    }

    std::vector<std::string> events;
    std::vector<raft::Message> messages;
    std::vector<uint64_t> unsent_ids;
    std::map<NodeId, LogId> known_logs;
    std::function<void()> on_message;

 private:
    void note(std::string event) { events.push_back(std::move(event)); }
};

// A client or server of the peer port that says what the test tells it to.
class RawPeer {
 public:
    RawPeer(reactor::Reactor& reactor, net::OutputFlusher& flusher)
        : reactor_(reactor), flusher_(flusher), scope_(reactor) {}
    ~RawPeer() { reactor::run_until_done(reactor_, finish()); }

    void dial(reactor::Endpoint endpoint, std::string text) {
        scope_.spawn(run_client(std::move(endpoint), std::move(text)));
    }
    void answer(reactor::Handle listener, std::string text) { scope_.spawn(run_server(listener, std::move(text))); }
    void hang_up() { stop_.request_stop(); }

    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] const std::string& received() const { return received_; }
    // The reason of the HelloReject that was received; empty if there was none.
    [[nodiscard]] std::string rejection() const {
        peers::RejectCode code{};
        return rejection(code);
    }
    [[nodiscard]] std::string rejection(peers::RejectCode& code) const {
        net::FrameReader reader;
        reader.feed(as_bytes(received_));
        net::Frame frame;
        peers::HelloReject reject;
        if (reader.next(frame) != net::FrameStatus::kFrame || !decode_hello_reject(frame, reject)) return {};
        code = reject.code;
        return std::string(reject.reason);
    }

 private:
    reactor::Task<void> run_client(reactor::Endpoint endpoint, std::string text) {
        const int32_t socket = co_await reactor_.connect(endpoint, stop_.token());
        if (socket >= 0) co_await converse(socket, std::move(text));
        ended_ = true;
    }
    reactor::Task<void> run_server(reactor::Handle listener, std::string text) {
        reactor::AcceptStream accepts(reactor_, listener);
        const int32_t socket = co_await accepts.next(stop_.token());
        if (socket >= 0) co_await converse(socket, std::move(text));
        co_await accepts.close();
        const int32_t closed = co_await reactor_.close(listener);
        EXPECT_EQ(closed, 0);
        ended_ = true;
    }
    reactor::Task<void> converse(reactor::Handle socket, std::string text) {
        net::OutputStream output(reactor_, flusher_, socket);
        reactor::ReceiveStream receive(reactor_, socket);
        output.tail() += text;
        while (true) {
            reactor::Chunk chunk = co_await receive.next(stop_.token());
            if (chunk.result <= 0) break;
            received_ += as_text(chunk.bytes);
            receive.release(chunk);
        }
        co_await output.close();
        co_await receive.close();
        const int32_t closed = co_await reactor_.close(socket);
        EXPECT_EQ(closed, 0);
    }
    reactor::Task<void> finish() {
        stop_.request_stop();
        co_await scope_.join();
    }

    reactor::Reactor& reactor_;
    net::OutputFlusher& flusher_;
    reactor::StopSource stop_;
    reactor::TaskScope scope_;
    std::string received_;
    bool ended_ = false;
};

inline std::string hello_text(const peers::Hello& hello) {
    net::OutputBuffer out;
    encode_hello(hello, out);
    return out.flatten();
}

inline raft::Message message_to(NodeId to, raft::MessageBody body) {
    return {.from = NodeId{1}, .to = to, .body = std::move(body)};
}

template <typename LinkOrListener>
void stop_and_join(reactor::Reactor& reactor, LinkOrListener& object) {
    object.request_stop();
    reactor::run_until_done(reactor, object.join());
}

}  // namespace kvorum::peers::test
