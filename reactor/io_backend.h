// The seam between a node and its world: every socket, file, clock and random seed that a node touches is behind
// IoBackend.
//
// UringBackend (reactor/uring_backend.h) is the real one; a simulator implements the same interface over virtual disks,
// networks and time. Everything above is compiled once and cannot tell them apart.
//
// An operation is described by an IoOp that the caller owns and embeds in whatever waits for it. submit() queues it;
// nothing reaches the kernel before poll(), so all operations of a turn leave in one system call. Completions are
// delivered inside poll() through IoOp::on_completion, which may only record and schedule: it must not resume a
// coroutine, submit, or destroy the op.
//
// Lifetime: from submit() until its last completion (more == false) the op, the memory that it names and its path
// strings belong to the backend. cancel() only asks; the last completion still comes (-ECANCELED, or the result if it
// was faster). Freeing earlier is a bug, and debug backends assert on it.
//
// Thread: the thread of the reactor that owns the backend, for every method. Results are as from the kernel: >= 0, or
// -errno.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/assert.h"
#include "base/bytes.h"

namespace kvorum::reactor {

// A socket or an open file of the backend.
using Handle = int;
inline constexpr Handle kNoHandle = -1;

enum class IoCode : uint8_t {
    kAccept,    // multishot: a completion per accepted connection (result = its Handle, with TCP_NODELAY set)
    kConnect,   // to `endpoint`; result = the new Handle. The connection ends with -ETIMEDOUT when the other side's
                // machine has not acknowledged sent bytes for 5 s: it is gone, or the path to it is
    kReceive,   // multishot, into the backend's receive buffers: result = bytes, buffer_id says where; 0 = the peer
                // closed. While no buffer is free it waits inside the backend
    kSend,      // `iov`, `iov_count`; result may be less than asked (a short send): the caller sends the rest
    kRead,      // file, at `offset`; may be short
    kWrite,     // file, at `offset`; may be short. kIoDataSync makes it durable (RWF_DSYNC)
    kDataSync,  // fdatasync
    kFileSync,  // fsync, also of a directory
    kAllocate,  // fallocate(offset, length)
    kOpen,      // `path`, `open_flags`, `mode`; result = Handle
    kClose,
    kRename,  // `path` to `path_to`
    kUnlink,  // `path`
};

enum IoFlags : uint8_t {
    kIoDataSync = 1,          // kWrite: RWF_DSYNC
    kIoRegisteredBuffer = 2,  // kRead, kWrite: `buffer` lies in the region of register_buffer()
};

// Where a kReceive takes its buffers from. What floods one group keeps nobody waiting in another.
enum class BufferGroup : uint8_t {
    kBulk,      // many small ones
    kCalm,      // larger ones, for those of whom little waits at a time
    kReserved,  // for the few streams that must not wait for anybody
};
inline constexpr size_t kBufferGroupCount = 3;

struct IoCompletion {
    int32_t result = 0;
    bool more = false;  // a multishot op goes on; false = this was its last completion
    bool has_buffer = false;
    uint16_t buffer_id = 0;   // kReceive with has_buffer: give it back with release_receive_buffer()
    bool more_waits = false;  // kReceive: there is more to take at once. Never said where that is not known
};

// "127.0.0.1:7001", "[::1]:7001", "localhost:7001". Names are resolved by the backend: on connect without
// blocking its thread, and where an address is listened on.
struct Endpoint {
    std::string host;
    uint16_t port = 0;

    [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    bool operator==(const Endpoint&) const = default;
};

class IoOp {
 public:
    IoOp() = default;
    IoOp(const IoOp&) = delete;
    IoOp& operator=(const IoOp&) = delete;
    // Freed while the kernel may still write to it: the one mistake that no sanitizer sees.
    virtual ~IoOp() { KVORUM_ASSERT(!in_flight, "an operation was destroyed before its last completion"); }

    virtual void on_completion(const IoCompletion& completion) = 0;

    IoCode code = IoCode::kClose;
    uint8_t flags = 0;
    BufferGroup buffers = BufferGroup::kBulk;  // kReceive; does not change while in flight
    Handle handle = kNoHandle;
    uint64_t offset = 0;
    std::byte* buffer = nullptr;  // kWrite does not modify it
    uint64_t length_bytes = 0;
    const iovec* iov = nullptr;
    uint32_t iov_count = 0;
    const char* path = nullptr;
    const char* path_to = nullptr;
    int open_flags = 0;
    uint32_t mode = 0;
    const Endpoint* endpoint = nullptr;  // kConnect

    // The backend's own bookkeeping between submit() and the last completion.
    uint32_t backend_slot = 0;
    bool in_flight = false;
};

// kBuffered: O_DIRECT is taken, and the page cache used all the same.
enum class DirectIo : uint8_t { kUnknown, kYes, kBuffered, kRefused };
[[nodiscard]] std::string_view direct_io_name(DirectIo direct_io);

// What lies under a directory, followed through overlays, btrfs and loop devices to a block device, and what that says
// of itself in /sys/block/*/queue; "unknown" where it cannot be read.
struct DeviceFacts {
    std::string device;
    std::string write_cache;  // "write back" or "write through"
    std::string fua;          // "0" or "1"
    uint32_t logical_block_bytes = 512;
    uint32_t physical_block_bytes = 4096;
    std::string filesystem;        // "ext4", "overlay on ext4", "xfs on loop device on ext4"
    std::string volatile_because;  // why a sync keeps nothing; empty: nothing that can be seen says so
    DirectIo direct_io = DirectIo::kUnknown;
    std::string direct_io_reason;  // what says so
    [[nodiscard]] std::string to_string() const;
};

struct DirectoryEntry {
    std::string name;
    uint64_t size_bytes = 0;
};

class IoBackend {
 public:
    IoBackend() = default;
    IoBackend(const IoBackend&) = delete;
    IoBackend& operator=(const IoBackend&) = delete;
    virtual ~IoBackend() = default;

    // --- operations ---
    virtual void submit(IoOp& op) = 0;
    virtual void cancel(IoOp& op) = 0;  // of an op in flight; idempotent
    // Hands everything submitted to the kernel, delivers the completions that are there, and if there were none waits
    // for one until `wait_until_ns` (0: does not wait). A signal ends the wait early.
    virtual void poll(uint64_t wait_until_ns) = 0;
    // Ends the wait of poll(), the present one or the next. Any thread; async-signal-safe. A backend that never waits
    // need not have it.
    virtual void wake() noexcept {}
    // Between two looks of a spinning reactor: lets whoever else wants this core run first.
    virtual void give_way() noexcept {}

    // --- receive buffers ---
    // The bytes of a kReceive completion: valid until release_receive_buffer(). Holding many starves the other
    // connections: parse, copy what is incomplete, release in the same turn.
    [[nodiscard]] virtual Bytes receive_buffer(uint16_t buffer_id, uint64_t length_bytes) = 0;
    virtual void release_receive_buffer(uint16_t buffer_id) = 0;

    // --- registered memory ---
    // Registers one 4 KiB-aligned region with the kernel for kIoRegisteredBuffer. False when the memlock limit forbids
    // it: use plain buffers. A second call replaces the first region, in which nothing is in flight any more.
    [[nodiscard]] virtual bool register_buffer(MutableBytes region) = 0;

    // --- time and chance ---
    [[nodiscard]] virtual uint64_t monotonic_ns() = 0;
    // What the calling thread has used of a processor so far; stands still in a world without real time.
    [[nodiscard]] virtual uint64_t thread_processor_ns() { return 0; }
    [[nodiscard]] virtual int64_t wall_clock_ms() = 0;
    [[nodiscard]] virtual uint64_t random_seed() = 0;

    // --- synchronous, for start-up and rare moments
    // ----------------------------------------------------------------------------------- A listening socket; port 0
    // takes a free one, local_port() tells which.
    [[nodiscard]] virtual absl::StatusOr<Handle> listen(const Endpoint& endpoint) = 0;
    [[nodiscard]] virtual uint16_t local_port(Handle handle) = 0;
    [[nodiscard]] virtual std::string peer_address(Handle handle) = 0;  // "ip:port" of a connected socket
    virtual void shutdown_socket(Handle handle) = 0;                    // both ways: pending receives and sends end
    virtual void shutdown_output(Handle handle) = 0;                    // the other side reads the end, and may go on
    // Of a connection, or of a listening socket, whose accepted ones inherit it: a connection ends with -ETIMEDOUT when
    // nothing came back from the other machine for about twice `after_s`, the first of it being plain silence, or when
    // it did not take what was sent for so long. 0: never. A network of which nobody vanishes need not have it.
    virtual void set_keepalive(Handle /*handle*/, uint32_t /*after_s*/) {}
    // Creates the directory and its parents if needed, durable.
    [[nodiscard]] virtual absl::Status make_directory(const std::string& path) = 0;
    [[nodiscard]] virtual absl::StatusOr<std::vector<DirectoryEntry>> list_directory(const std::string& path) = 0;
    // An exclusive lock on `path`/LOCK for the life of the backend; FailedPrecondition names the holder's process when
    // it is taken. Locking again what this backend has locked changes nothing.
    [[nodiscard]] virtual absl::Status lock_directory(const std::string& path) = 0;
    [[nodiscard]] virtual absl::StatusOr<DeviceFacts> device_facts(const std::string& path) = 0;
    // New files of `directory` are written in place. True: on this file system that had to be said, and was.
    [[nodiscard]] virtual bool disable_copy_on_write(const std::string& /*directory*/) { return false; }
    // Raises the number of descriptors that the process may have to `wanted`, or as near as it may. The number in
    // force.
    [[nodiscard]] virtual uint64_t allow_descriptors(uint64_t wanted) { return wanted; }

    // The node cannot go on (a WAL write failed, an invariant of the disk is broken). A real backend logs, flushes the
    // log and ends the process without running destructors; a simulator stops the node at this instant. The caller must
    // return right away and acknowledge nothing.
    virtual void halt(std::string reason) = 0;
};

}  // namespace kvorum::reactor
