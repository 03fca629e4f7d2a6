// An IoBackend whose sockets are byte queues in memory and whose clock jumps: tests of streams and links run without
// waiting, and can make the kernel behave as badly as it may: short sends, small receives, a peer that reads nothing, a
// host that does not answer.
//
// Only sockets and time; everything else asserts. Everything that several nodes of a test share is in one backend.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "reactor/io_backend.h"

namespace kvorum::peers::test {

class FakeNetwork final : public reactor::IoBackend {
 public:
    // --- what a test may set ---
    uint64_t send_bytes_max = UINT64_MAX;      // per send: more is a short send
    uint64_t receive_bytes_max = 4096;         // per completion, at most the size of a receive buffer
    uint64_t socket_buffer_bytes = 64 * 1024;  // unread bytes per direction; then sends wait
    bool connects_hang = false;                // as to a host that is gone
    bool send_fails = false;                   // with -ECONNRESET, though the bytes arrive: the sender cannot know
    bool receivers_sleep = false;              // nobody reads: sends fill the buffers and then wait
    int32_t accept_error = 0;                  // of the next accept, once

    // --- what a test may ask ---
    [[nodiscard]] size_t open_sockets() const { return sockets_.size(); }
    [[nodiscard]] size_t operations_in_flight() const { return operations_.size(); }
    [[nodiscard]] uint64_t sends() const { return sends_; }
    [[nodiscard]] uint32_t most_pieces() const { return most_pieces_; }

    // --- IoBackend ---
    void submit(reactor::IoOp& op) override;
    void cancel(reactor::IoOp& op) override;
    void poll(uint64_t wait_until_ns) override;
    Bytes receive_buffer(uint16_t buffer_id, uint64_t length_bytes) override;
    void release_receive_buffer(uint16_t buffer_id) override;
    bool register_buffer(MutableBytes) override { return false; }
    uint64_t monotonic_ns() override { return now_ns_; }
    int64_t wall_clock_ms() override { return 0; }
    uint64_t random_seed() override { return ++seeds_drawn_; }
    absl::StatusOr<reactor::Handle> listen(const reactor::Endpoint& endpoint) override;
    uint16_t local_port(reactor::Handle handle) override;
    std::string peer_address(reactor::Handle) override { return "peer"; }
    void shutdown_socket(reactor::Handle handle) override;
    void shutdown_output(reactor::Handle handle) override;
    absl::Status make_directory(const std::string&) override { return absl::UnimplementedError("no files"); }
    absl::StatusOr<std::vector<reactor::DirectoryEntry>> list_directory(const std::string&) override {
        return absl::UnimplementedError("");
    }
    absl::Status lock_directory(const std::string&) override { return absl::UnimplementedError("no files"); }
    absl::StatusOr<reactor::DeviceFacts> device_facts(const std::string&) override {
        return absl::UnimplementedError("no files");
    }
    void halt(std::string reason) override;

 private:
    struct Socket {
        uint16_t listening_port = 0;
        std::deque<reactor::Handle> accepted;  // of a listener, not yet taken
        reactor::Handle other = reactor::kNoHandle;
        std::deque<char> inbox;
        bool other_closed = false;
    };
    struct Operation {
        reactor::IoOp* op = nullptr;
        bool cancelled = false;
    };

    bool progress();
    // What the operation completes with now; nothing: it goes on waiting.
    std::optional<reactor::IoCompletion> attempt(Operation& operation);
    std::optional<reactor::IoCompletion> attempt_connect(const reactor::IoOp& op);
    std::optional<reactor::IoCompletion> attempt_accept(Socket& listener);
    std::optional<reactor::IoCompletion> attempt_send(const reactor::IoOp& op);
    std::optional<reactor::IoCompletion> attempt_receive(Socket& socket);
    void close_socket(reactor::Handle handle);

    uint64_t now_ns_ = 1;
    std::map<reactor::Handle, Socket> sockets_;
    reactor::Handle next_handle_ = 100;
    std::vector<Operation> operations_;
    std::map<uint16_t, std::unique_ptr<std::vector<char>>> buffers_;
    uint16_t next_buffer_ = 0;
    uint64_t seeds_drawn_ = 0;
    uint64_t sends_ = 0;
    uint32_t most_pieces_ = 0;
};

}  // namespace kvorum::peers::test
