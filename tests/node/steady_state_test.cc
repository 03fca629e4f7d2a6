// What a request costs a leader that has warmed up, counted: heap allocations and coroutines. Three nodes in three
// threads of this process, real sockets, real disk.
//
// A batch may allocate (an entry, its messages): what is shared by many requests. A request may not: so a batch of four
// times as many requests must not allocate more.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "node/node.h"
#include "reactor/frame_pool.h"
#include "reactor/sync_wait.h"
#include "reactor/uring_backend.h"

namespace {

// Of the thread that set it.
constinit thread_local std::atomic<uint64_t>* allocation_count = nullptr;

void* allocate(size_t size_bytes, size_t alignment_bytes) {
    if (allocation_count != nullptr) allocation_count->fetch_add(1, std::memory_order_relaxed);
    const size_t rounded = (size_bytes + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
    void* memory = std::aligned_alloc(alignment_bytes, rounded);
    if (memory == nullptr) std::abort();
    return memory;
}

}  // namespace

void* operator new(size_t size_bytes) { return allocate(size_bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(size_t size_bytes, std::align_val_t alignment) {
    return allocate(size_bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size_bytes*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size_bytes*/, std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}

namespace kvorum::node {
namespace {

constexpr int kConnections = 8;
constexpr int kWarmUpRounds = 300;
constexpr int kCountedRounds = 200;
// Heartbeats and sweeps go on meanwhile.
constexpr uint64_t kHeartbeatCostsMax = 400;

struct Counts {
    uint64_t allocations = 0;
    uint64_t coroutines = 0;
    uint64_t batches = 0;
};

Counts operator-(const Counts& after, const Counts& before) {
    return {after.allocations - before.allocations, after.coroutines - before.coroutines,
            after.batches - before.batches};
}

// A node and the thread that runs it.
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

    [[nodiscard]] Counts counts() const { return {allocations_.load(), coroutines_.load(), batches_.load()}; }

 private:
    void run(const NodeConfig& config) {
        const auto backend = reactor::UringBackend::create({});
        ASSERT_TRUE(backend.ok()) << backend.status();
        reactor::Reactor reactor(**backend, {});
        Node node(reactor, config);
        const absl::Status status = reactor::run_until_done(reactor, node.start());
        ASSERT_TRUE(status.ok()) << status;
        reactor_ = &reactor;
        node_ = &node;
        reactor.add_turn_hook(*this, reactor::TurnStage::kSend);
        started_ = true;
        started_.notify_all();
        allocation_count = &allocations_;
        reactor.run();
        allocation_count = nullptr;
        reactor.remove_turn_hook(*this);
        reactor::run_until_done(reactor, node.stop());
    }

    void on_turn_end() override {
        coroutines_ = reactor::frame_pool_stats().frames_made;
        batches_ = node_->counters().batches_proposed;
    }

    std::atomic<uint64_t> allocations_ = 0;
    std::atomic<uint64_t> coroutines_ = 0;
    std::atomic<uint64_t> batches_ = 0;
    std::atomic<bool> started_ = false;
    reactor::Reactor* reactor_ = nullptr;
    const Node* node_ = nullptr;
    std::thread thread_;
};

class Client {
 public:
    explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        KVORUM_ASSERT(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { ::close(socket_); }

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

std::string bulk(std::string_view text) { return fmt::format("${}\r\n{}\r\n", text.size(), text); }

class SteadyState : public ::testing::Test {
 protected:
    void SetUp() override {
        set_log_level(LogLevel::kError);
        // Beside the program: a temporary directory may be on tmpfs, where there is no O_DIRECT.
        directory_ =
            std::filesystem::read_symlink("/proc/self/exe").parent_path() / fmt::format("steady-state-{}", getpid());
        NodeConfig config;
        for (uint16_t i = 0; i < 3; ++i)
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
        for (int i = 0; i < kConnections; ++i)
            clients_.push_back(std::make_unique<Client>(ports_[leader_]));
    }

    void TearDown() override {
        clients_.clear();
        nodes_.clear();
        std::filesystem::remove_all(directory_);
    }

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

    // A write is answered once there is a leader, wherever it is sent.
    size_t find_leader() const {
        const Client any(ports_[0]);
        any.send("SET k v\r\n");
        EXPECT_EQ(any.receive(5), "+OK\r\n");
        for (size_t i = 0; i < ports_.size(); ++i) {
            const Client client(ports_[i]);
            client.send("ROLE\r\n");
            if (client.receive_some().find("master") != std::string::npos) return i;
        }
        ADD_FAILURE() << "no leader";
        return 0;
    }

    // All connections send their requests, then all replies are read.
    void round(const std::string& requests, const std::string& replies) const {
        for (const auto& client : clients_)
            client->send(requests);
        for (const auto& client : clients_)
            ASSERT_EQ(client->receive(replies.size()), replies);
    }

    struct Load {
        std::string request;
        std::string reply;
    };

    Counts count(const Load& load, int pipeline) const {
        std::string requests;
        std::string replies;
        for (int i = 0; i < pipeline; ++i) {
            requests += load.request;
            replies += load.reply;
        }
        for (int i = 0; i < kWarmUpRounds; ++i)
            round(requests, replies);
        const Counts before = nodes_[leader_]->counts();
        for (int i = 0; i < kCountedRounds; ++i)
            round(requests, replies);
        const Counts counts = nodes_[leader_]->counts() - before;
        fmt::print("{:>5} requests in {} batches: {} allocations, {} coroutines\n",
                   kCountedRounds * kConnections * pipeline, counts.batches, counts.allocations, counts.coroutines);
        return counts;
    }

    std::filesystem::path directory_;
    std::vector<uint16_t> ports_;
    std::vector<std::unique_ptr<NodeThread>> nodes_;
    size_t leader_ = 0;
    std::vector<std::unique_ptr<Client>> clients_;
};

TEST_F(SteadyState, AReadAllocatesNothingAndStartsNoCoroutine) {
    const std::string value(64, 'v');
    round("*3\r\n" + bulk("SET") + bulk("key") + bulk(value), "+OK\r\n");
    const Load get{"*2\r\n" + bulk("GET") + bulk("key"), bulk(value)};
    for (const int pipeline : {1, 16}) {
        const Counts counts = count(get, pipeline);
        EXPECT_LT(counts.allocations, kHeartbeatCostsMax);
        EXPECT_LT(counts.coroutines, kHeartbeatCostsMax);
    }
}

TEST_F(SteadyState, AWriteAllocatesNothingOfItsOwnAndStartsNoCoroutine) {
    const Load set{"*3\r\n" + bulk("SET") + bulk("key") + bulk(std::string(64, 'v')), "+OK\r\n"};
    const Counts few = count(set, 8);
    const Counts many = count(set, 32);
    EXPECT_LT(many.coroutines, kHeartbeatCostsMax);
    // A larger batch grows its buffer a few times more.
    const double of_small_batch = static_cast<double>(few.allocations) / static_cast<double>(few.batches);
    const double of_large_batch = static_cast<double>(many.allocations) / static_cast<double>(many.batches);
    EXPECT_LT(of_large_batch, of_small_batch + 6);
}

}  // namespace
}  // namespace kvorum::node
