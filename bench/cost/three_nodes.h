// Three nodes in three threads of this process, with real sockets and a real disk, and what each of them costs
// (bench/cost/counting.h).
//
// Their data lies in a directory beside the program, since a temporary one may be on tmpfs, where there is no O_DIRECT,
// and is removed at the end. Thread: the caller's; costs() may be asked at any time and is as of the node's last turn.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "base/memory_pool.h"
#include "base/units.h"
#include "bench/cost/counting.h"
#include "node/node.h"
#include "reactor/frame_pool.h"
#include "reactor/sync_wait.h"
#include "reactor/uring_backend.h"

namespace kvorum::bench {

// What a node's thread has done since it serves.
struct NodeCosts {
    uint64_t allocations = 0;   // of the heap, those of the pools included
    uint64_t copied_bytes = 0;  // at least kCountedBytesMin at once
    uint64_t coroutines = 0;
    uint64_t entries = 0;  // applied
};

inline NodeCosts operator-(const NodeCosts& after, const NodeCosts& before) {
    return {after.allocations - before.allocations, after.copied_bytes - before.copied_bytes,
            after.coroutines - before.coroutines, after.entries - before.entries};
}

class NodeThread final : private reactor::TurnHook {
 public:
    explicit NodeThread(NodeConfig config) : thread_([this, config = std::move(config)] { run(config); }) {
        started_.wait(false);
    }
    NodeThread(const NodeThread&) = delete;
    NodeThread& operator=(const NodeThread&) = delete;
    ~NodeThread() {
        reactor_->request_stop();
        thread_.join();
    }

    [[nodiscard]] NodeCosts costs() const {
        return {counters_.allocations.load() + pool_takes_.load(), counters_.copied_bytes.load(), coroutines_.load(),
                entries_.load()};
    }

 private:
    void run(const NodeConfig& config) {
        const auto backend = reactor::UringBackend::create({});
        KVORUM_ASSERT(backend.ok(), "{}", std::string(backend.status().message()));
        reactor::Reactor reactor(**backend, {});
        node::Node node(reactor, config);
        const absl::Status status = reactor::run_until_done(reactor, node.start());
        KVORUM_ASSERT(status.ok(), "{}", std::string(status.message()));
        reactor_ = &reactor;
        node_ = &node;
        reactor.add_turn_hook(*this, reactor::TurnStage::kSend);
        started_ = true;
        started_.notify_all();
        count_into(&counters_);
        reactor.run();
        count_into(nullptr);
        reactor.remove_turn_hook(*this);
        reactor::run_until_done(reactor, node.stop());
    }

    void on_turn_end() override {
        coroutines_ = reactor::frame_pool_stats().frames_made;
        pool_takes_ = heap_takes();
        entries_ = node_->counters().entries_applied;
    }

    CostCounters counters_;
    std::atomic<uint64_t> coroutines_ = 0;
    std::atomic<uint64_t> pool_takes_ = 0;
    std::atomic<uint64_t> entries_ = 0;
    std::atomic<bool> started_ = false;
    reactor::Reactor* reactor_ = nullptr;
    const node::Node* node_ = nullptr;
    std::thread thread_;
};

// A blocking connection.
class PlainClient {
 public:
    explicit PlainClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        KVORUM_ASSERT(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    }
    PlainClient(const PlainClient&) = delete;
    PlainClient& operator=(const PlainClient&) = delete;
    ~PlainClient() { ::close(socket_); }

    void send(std::string_view text) const {
        KVORUM_ASSERT(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] std::string receive(size_t size_bytes) const {
        std::string text(size_bytes, '\0');
        KVORUM_ASSERT(::recv(socket_, text.data(), size_bytes, MSG_WAITALL) == static_cast<ssize_t>(size_bytes));
        return text;
    }
    // What one answer begins with.
    [[nodiscard]] std::string receive_some() const {
        std::string text(64, '\0');
        text.resize(static_cast<size_t>(std::max<ssize_t>(0, ::recv(socket_, text.data(), text.size(), 0))));
        return text;
    }

 private:
    int socket_;
};

// A request of RESP and the reply that it must get.
struct Exchange {
    std::string request;
    std::string reply;
};

inline std::string bulk(std::string_view text) { return fmt::format("${}\r\n{}\r\n", text.size(), text); }
inline Exchange set_exchange(size_t value_bytes) {
    return {"*3\r\n" + bulk("SET") + bulk("key") + bulk(std::string(value_bytes, 'v')), "+OK\r\n"};
}

class ThreeNodes {
 public:
    static constexpr size_t kNodes = 3;
    static constexpr size_t kConnections = 8;  // of clients, at the leader

    ThreeNodes() {
        set_log_level(LogLevel::kError);
        directory_ =
            std::filesystem::read_symlink("/proc/self/exe").parent_path() / fmt::format("three-nodes-{}", getpid());
        NodeConfig config;
        // Until it is full, entries take memory that none gives back.
        config.entry_cache_bytes = 1 * kMiB;
        // The leader that is measured stays, however busy the machine is.
        config.election_timeout_ms = 3000;
        for (size_t i = 0; i < kNodes; ++i)
            config.members.push_back(
                *parse_member(fmt::format("{}=127.0.0.1:{}/127.0.0.1:{}", i + 1, free_port(), free_port())));
        for (const Member& member : config.members) {
            config.id = member.id;
            config.data_directory = directory_ / fmt::format("{}", member.id);
            std::filesystem::create_directories(config.data_directory);
            nodes_.push_back(std::make_unique<NodeThread>(config));
            ports_.push_back(member.client.port);
        }
        leader_ = find_leader();
        for (size_t i = 0; i < kConnections; ++i)
            clients_.push_back(std::make_unique<PlainClient>(ports_[leader_]));
    }
    ThreeNodes(const ThreeNodes&) = delete;
    ThreeNodes& operator=(const ThreeNodes&) = delete;
    ~ThreeNodes() {
        clients_.clear();
        nodes_.clear();
        std::filesystem::remove_all(directory_);
    }

    [[nodiscard]] size_t leader() const { return leader_; }
    [[nodiscard]] size_t follower() const { return (leader_ + 1) % kNodes; }

    // All connections send `pipeline` requests, then all replies are read, `rounds` times.
    void run(const Exchange& exchange, int pipeline, int rounds) const {
        std::string requests;
        std::string replies;
        for (int i = 0; i < pipeline; ++i) {
            requests += exchange.request;
            replies += exchange.reply;
        }
        for (int round = 0; round < rounds; ++round) {
            for (const auto& client : clients_)
                client->send(requests);
            for (const auto& client : clients_) {
                const std::string got = client->receive(replies.size());
                KVORUM_ASSERT(got == replies, "{}", got.substr(0, 100));
            }
        }
    }

    // What one node spent on `rounds` of it, once it was warm.
    [[nodiscard]] NodeCosts costs(size_t node, const Exchange& exchange, int pipeline, int rounds) const {
        run(exchange, pipeline, kWarmUpRounds);
        const NodeCosts before = nodes_[node]->costs();
        run(exchange, pipeline, rounds);
        return nodes_[node]->costs() - before;
    }

 private:
    static constexpr int kWarmUpRounds = 300;

    static uint16_t free_port() {
        const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        KVORUM_ASSERT(::bind(probe, reinterpret_cast<const sockaddr*>(&address), size) == 0);
        KVORUM_ASSERT(::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        ::close(probe);
        return ntohs(address.sin_port);
    }

    // A write is answered once there is a leader, wherever it is sent; with an error if that takes long.
    [[nodiscard]] size_t find_leader() const {
        for (std::string answer; answer != "+OK\r\n";) {
            const PlainClient any(ports_[0]);
            any.send("SET k v\r\n");
            answer = any.receive_some();
        }
        for (size_t i = 0; i < ports_.size(); ++i) {
            const PlainClient client(ports_[i]);
            client.send("ROLE\r\n");
            if (client.receive_some().find("master") != std::string::npos) return i;
        }
        KVORUM_ASSERT(false, "no leader");
        return 0;
    }

    std::filesystem::path directory_;
    std::vector<uint16_t> ports_;
    std::vector<std::unique_ptr<NodeThread>> nodes_;
    size_t leader_ = 0;
    std::vector<std::unique_ptr<PlainClient>> clients_;
};

}  // namespace kvorum::bench
