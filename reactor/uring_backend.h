// The IoBackend of production: one io_uring, with a ring of shared receive buffers.
//
// Facts of io_uring that are normal events here, never errors for the caller: a full submission queue (poll() enters
// more than once), an overflowed completion queue (flushed), no free receive buffer (-ENOBUFS: the receive waits until
// one is given back), a multishot operation that the kernel ends without an error (armed again), an interrupted wait.
// All are counted in UringStats. Handed up: short reads, writes and sends, and every errno.
//
// Thread: the one that called create(), except wake(). Names that kConnect names are looked up on a thread of their own
// (reactor/uring_resolver.h); one that is not found ends with -EHOSTUNREACH. listen() looks up where it stands. Limits:
// at most one region is registered.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/units.h"
#include "reactor/io_backend.h"
#include "reactor/uring_probe.h"
#include "reactor/uring_resolver.h"

struct io_uring_sqe;

namespace kvorum::reactor {

class ReceiveBuffers;
class UringRing;
struct UringCompletion;

struct UringConfig {
    uint32_t sq_entries = 512;   // operations of a turn above this cost another system call
    uint32_t cq_entries = 4096;  // completions of a turn above this cost another system call
    // By BufferGroup; counts are powers of two. All together they bound what one turn receives: to take 1 MiB costs the
    // kernel 2 ms of this thread on loopback, where the sender's next packets arrive in the midst of it. It fills at
    // most 32 buffers for a socket in one go, so that those who flood get small shares, and peers large ones. A calm
    // client's pipeline of small commands fits into one.
    struct Buffers {
        uint32_t count;
        uint32_t size_bytes;
    };
    std::array<Buffers, kBufferGroupCount> receive_buffers{{{512, 1 * kKiB}, {256, 4 * kKiB}, {16, 32 * kKiB}}};
    // Replaced in tests.
    NameResolver::LookUp look_up = [](const std::string& host) { return look_up_name(host); };
};

struct UringStats {
    uint64_t enters = 0;       // io_uring_enter calls
    uint64_t submitted = 0;    // operations handed to the kernel, cancellations included
    uint64_t completions = 0;  // that the kernel posted
    uint64_t overflows = 0;    // times the completion queue was found overflowed
    uint64_t enobufs = 0;      // receives that found no free buffer
    uint64_t rearms = 0;       // multishot operations armed again
};

class UringBackend final : public IoBackend {
 public:
    // Unimplemented, FailedPrecondition or ResourceExhausted say what this machine lacks and what to do about it.
    [[nodiscard]] static absl::StatusOr<std::unique_ptr<UringBackend>> create(const UringConfig& config);
    ~UringBackend() override;  // asserts that nothing is in flight

    void submit(IoOp& op) override;
    void cancel(IoOp& op) override;
    void poll(uint64_t wait_until_ns) override;
    void wake() noexcept override;
    void give_way() noexcept override;

    [[nodiscard]] Bytes receive_buffer(uint16_t buffer_id, uint64_t length_bytes) override;
    void release_receive_buffer(uint16_t buffer_id) override;
    [[nodiscard]] bool register_buffer(MutableBytes region) override;

    [[nodiscard]] uint64_t monotonic_ns() override;
    [[nodiscard]] uint64_t thread_processor_ns() override;
    [[nodiscard]] int64_t wall_clock_ms() override;
    [[nodiscard]] uint64_t random_seed() override;

    [[nodiscard]] absl::StatusOr<Handle> listen(const Endpoint& endpoint) override;
    [[nodiscard]] uint16_t local_port(Handle handle) override;
    [[nodiscard]] std::string peer_address(Handle handle) override;
    void shutdown_socket(Handle handle) override;
    void shutdown_output(Handle handle) override;
    void set_keepalive(Handle handle, uint32_t after_s) override;
    [[nodiscard]] absl::Status make_directory(const std::string& path) override;
    [[nodiscard]] absl::StatusOr<std::vector<DirectoryEntry>> list_directory(const std::string& path) override;
    [[nodiscard]] absl::Status lock_directory(const std::string& path) override;
    [[nodiscard]] absl::StatusOr<DeviceFacts> device_facts(const std::string& path) override;
    [[nodiscard]] bool disable_copy_on_write(const std::string& directory) override;
    [[nodiscard]] uint64_t allow_descriptors(uint64_t wanted) override;
    void halt(std::string reason) override;

    [[nodiscard]] const UringStats& stats() const { return stats_; }
    [[nodiscard]] uint64_t in_flight() const { return in_flight_; }

 private:
    // What a user_data is about. The slot and its generation are the rest of it, so that a completion of a bygone
    // operation is noticed.
    enum class Kind : uint8_t { kOperation, kCancel, kWake };

    enum class SlotState : uint8_t {
        kFree,
        kQueued,     // in pending_, to be armed
        kArmed,      // the kernel has it
        kParked,     // a receive that waits for a free buffer
        kResolving,  // a connect whose name is looked up
        kFinished,   // its last completion is in synthetic_
    };

    struct Slot {
        IoOp* op = nullptr;
        uint32_t generation = 0;
        SlotState state = SlotState::kFree;
        bool cancel_requested = false;
        Handle connecting = kNoHandle;
        msghdr message{};
        std::unique_ptr<sockaddr_storage> address;
        bool asked_for_name = false;
    };

    struct Pending {
        uint32_t slot = 0;
        uint32_t generation = 0;
        Kind kind = Kind::kOperation;
    };

    struct Synthetic {
        uint32_t slot = 0;
        int32_t result = 0;
    };

    // By BufferGroup. The kernel writes there until the ring is gone.
    using BufferGroups = std::array<std::unique_ptr<ReceiveBuffers>, kBufferGroupCount>;

    UringBackend(std::unique_ptr<UringRing> ring, BufferGroups buffers, int wake_fd, NameResolver::LookUp look_up);
    static int try_multishot_receive(UringRing& ring, ReceiveBuffers& buffers);

    [[nodiscard]] ReceiveBuffers& buffers_of(const IoOp& op) const {
        return *buffers_[static_cast<size_t>(op.buffers)];
    }
    [[nodiscard]] ReceiveBuffers& buffers_with(uint16_t buffer_id) const;

    // uring_backend.cc: slots, the turn, completions
    static uint64_t user_data(Kind kind, uint32_t slot, uint32_t generation);
    void queue_pending();
    bool queue_one(const Pending& pending);
    bool queue_cancellation(const Pending& pending);
    bool prepare_connect(uint32_t slot_index);
    void unpark_receives();
    void enter(bool wait, uint64_t wait_until_ns);
    void reap_all();
    void handle(const UringCompletion& completion);
    void handle_wake(const UringCompletion& completion);
    void handle_accept(uint32_t slot_index, int32_t result);
    void handle_receive(uint32_t slot_index, const UringCompletion& completion);
    void rearm(uint32_t slot_index);
    void requeue(uint32_t slot_index);
    void finish(uint32_t slot_index, const IoCompletion& completion);
    void finish_later(uint32_t slot_index, int32_t result);
    void deliver_synthetic();

    // uring_operations.cc: descriptions for the kernel
    void prepare(io_uring_sqe& sqe, Slot& slot);
    void prepare_transfer(io_uring_sqe& sqe, const IoOp& op) const;
    static void prepare_send(io_uring_sqe& sqe, Slot& slot);
    static void prepare_file_operation(io_uring_sqe& sqe, const IoOp& op);

    // uring_sockets.cc: connections. find_address: into slot.address, false when the name is not known yet.
    // open_connecting: makes the socket; 0 or an errno.
    bool find_address(Slot& slot);
    bool ask_for_address(uint32_t slot_index);
    void take_resolved_names();
    static int open_connecting(Slot& slot);
    // A Handle, or -errno; -EAGAIN: no connection waits.
    static int32_t accept_connection(Handle listener);

    static constexpr size_t kReapBatch = 256;

    // Before the ring, so that they go after it.
    BufferGroups buffers_;
    std::unique_ptr<UringRing> ring_;
    const int wake_fd_;
    std::unique_ptr<NameResolver> resolver_;
    bool buffer_registered_ = false;
    std::deque<Slot> slots_;  // a deque: the kernel holds pointers into them
    std::vector<uint32_t> free_slots_;
    std::vector<Pending> pending_;
    std::vector<uint32_t> parked_;
    std::vector<uint32_t> resolving_;
    std::vector<Synthetic> synthetic_;
    std::vector<UringCompletion> reaped_;  // one batch of them; a member, so that looking for none clears no memory
    std::map<std::string, int> directory_locks_;  // by path of the file
    uint64_t in_flight_ = 0;
    UringStats stats_;
};

}  // namespace kvorum::reactor
