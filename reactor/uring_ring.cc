#include "reactor/uring_ring.h"

#include <fmt/format.h>
#include <liburing.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/assert.h"
#include "base/units.h"
#include "reactor/uring_compat.h"

namespace kvorum::reactor {
namespace {

// Newest first: on EINVAL the first of them goes. IORING_SETUP_NO_SQARRAY must never join them: liburing 2.3 writes the
// array regardless.
constexpr std::array<uint32_t, 4> kOptionalSetupFlags = {
    IORING_SETUP_DEFER_TASKRUN,                             // Linux 6.1
    IORING_SETUP_SINGLE_ISSUER,                             // Linux 6.0
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,  // Linux 5.19
    IORING_SETUP_SUBMIT_ALL,                                // Linux 5.18
};

struct Required {
    uint32_t number;
    const char* name;
};

constexpr std::array<Required, 3> kRequiredFeatures = {{
    {IORING_FEAT_NODROP, "completions that are never dropped (IORING_FEAT_NODROP, Linux 5.5)"},
    {IORING_FEAT_SUBMIT_STABLE, "descriptions that are read at submission (IORING_FEAT_SUBMIT_STABLE, Linux 5.5)"},
    {IORING_FEAT_EXT_ARG, "waiting with a time limit (IORING_FEAT_EXT_ARG, Linux 5.11)"},
}};

constexpr std::array<Required, 16> kRequiredOpcodes = {{
    {IORING_OP_READ, "IORING_OP_READ (Linux 5.6)"},
    {IORING_OP_READ_FIXED, "IORING_OP_READ_FIXED (Linux 5.1)"},
    {IORING_OP_WRITE, "IORING_OP_WRITE (Linux 5.6)"},
    {IORING_OP_WRITE_FIXED, "IORING_OP_WRITE_FIXED (Linux 5.1)"},
    {IORING_OP_FSYNC, "IORING_OP_FSYNC (Linux 5.1)"},
    {IORING_OP_FALLOCATE, "IORING_OP_FALLOCATE (Linux 5.6)"},
    {IORING_OP_OPENAT, "IORING_OP_OPENAT (Linux 5.6)"},
    {IORING_OP_CLOSE, "IORING_OP_CLOSE (Linux 5.6)"},
    {IORING_OP_RENAMEAT, "IORING_OP_RENAMEAT (Linux 5.11)"},
    {IORING_OP_UNLINKAT, "IORING_OP_UNLINKAT (Linux 5.11)"},
    {IORING_OP_CONNECT, "IORING_OP_CONNECT (Linux 5.5)"},
    {IORING_OP_SEND, "IORING_OP_SEND (Linux 5.6)"},
    {IORING_OP_SENDMSG, "IORING_OP_SENDMSG (Linux 5.3)"},
    {IORING_OP_RECV, "IORING_OP_RECV (Linux 5.6)"},
    {IORING_OP_ASYNC_CANCEL, "IORING_OP_ASYNC_CANCEL (Linux 5.5)"},
    {IORING_OP_POLL_ADD, "IORING_OP_POLL_ADD (Linux 5.1)"},
}};

void find_missing(io_uring& ring, UringFacts& facts) {
    for (const Required& feature : kRequiredFeatures) {
        if ((ring.features & feature.number) == 0) facts.missing.emplace_back(feature.name);
    }
    io_uring_probe* probe = io_uring_get_probe_ring(&ring);
    if (probe == nullptr) {
        facts.missing.emplace_back("the probe of operations (Linux 5.6)");
        return;
    }
    for (const Required& opcode : kRequiredOpcodes) {
        const bool supported = io_uring_opcode_supported(probe, static_cast<int>(opcode.number)) != 0;
        if (!supported) facts.missing.emplace_back(opcode.name);
    }
    io_uring_free_probe(probe);
}

}  // namespace

std::unique_ptr<UringRing> UringRing::create(uint32_t sq_entries, uint32_t cq_entries, UringFacts& facts) {
    auto ring = std::make_unique<io_uring>();
    uint32_t optional_flags = 0;
    for (const uint32_t flag : kOptionalSetupFlags)
        optional_flags |= flag;
    int error = EINVAL;
    for (size_t dropped = 0; error == EINVAL && dropped <= kOptionalSetupFlags.size(); ++dropped) {
        if (dropped > 0) optional_flags &= ~kOptionalSetupFlags[dropped - 1];
        io_uring_params params{};
        params.flags = IORING_SETUP_CQSIZE | optional_flags;
        params.cq_entries = cq_entries;
        *ring = {};
        error = -io_uring_queue_init_params(sq_entries, ring.get(), &params);
    }
    if (error != 0) {
        facts.setup_errno = error;
        facts.uring_disabled = read_uring_disabled();
        facts.memlock_limit_bytes = memlock_limit_bytes();
        return nullptr;
    }
    find_missing(*ring, facts);
    return std::unique_ptr<UringRing>(new UringRing(std::move(ring)));
}

UringRing::UringRing(std::unique_ptr<io_uring> ring) : ring_(std::move(ring)) {
    // Saves looking the descriptor up in each enter(). A kernel that refuses is served without.
    if (io_uring_register_ring_fd(ring_.get()) == 1) enter_flags_ |= IORING_ENTER_REGISTERED_RING;
    if ((ring_->features & uring_compat::kFeatureNoIowait) != 0) enter_flags_ |= uring_compat::kEnterNoIowait;
}

UringRing::~UringRing() { io_uring_queue_exit(ring_.get()); }

io_uring_sqe* UringRing::next_sqe() { return io_uring_get_sqe(ring_.get()); }

uint32_t UringRing::unsubmitted() const { return ring_->sq.sqe_tail - io_uring_smp_load_acquire(ring_->sq.khead); }

bool UringRing::has_completions() const { return io_uring_cq_ready(ring_.get()) != 0; }

bool UringRing::has_overflow() const { return io_uring_cq_has_overflow(ring_.get()); }

bool UringRing::kernel_wants_enter() const {
    return (IO_URING_READ_ONCE(*ring_->sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

UringRing::EnterResult UringRing::enter(bool wait, std::optional<uint64_t> timeout_ns) {
    // liburing 2.3 has no call that submits, waits with a limit and collects in one go on its fast path: publish the
    // tail and enter directly.
    io_uring_sq& sq = ring_->sq;
    sq.sqe_head = sq.sqe_tail;
    io_uring_smp_store_release(sq.ktail, sq.sqe_tail);

    __kernel_timespec timeout{};
    io_uring_getevents_arg argument{};
    if (wait && timeout_ns) {
        timeout.tv_sec = static_cast<int64_t>(*timeout_ns / kSecondNs);
        timeout.tv_nsec = static_cast<int64_t>(*timeout_ns % kSecondNs);
        argument.ts = reinterpret_cast<uintptr_t>(&timeout);
    }
    // With DEFER_TASKRUN completions appear only under GETEVENTS.
    const uint32_t flags = enter_flags_ | IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    const int entered = io_uring_enter2(static_cast<unsigned>(ring_->enter_ring_fd), unsubmitted(), wait ? 1 : 0, flags,
                                        reinterpret_cast<sigset_t*>(&argument), sizeof(argument));
    if (entered >= 0) return {.submitted = static_cast<uint32_t>(entered), .error = 0};
    const bool harmless = entered == -EINTR || entered == -ETIME || entered == -EAGAIN || entered == -EBUSY;
    KVORUM_ASSERT(harmless, "io_uring_enter: errno {}", -entered);
    return {.submitted = 0, .error = -entered};
}

size_t UringRing::reap(std::span<UringCompletion> into) {
    const size_t count = std::min<size_t>(io_uring_cq_ready(ring_.get()), into.size());
    io_uring_cq& cq = ring_->cq;
    const uint32_t head = *cq.khead;
    for (size_t i = 0; i < count; ++i) {
        const io_uring_cqe& cqe = cq.cqes[(head + i) & cq.ring_mask];
        into[i] = {.user_data = cqe.user_data, .result = cqe.res, .flags = cqe.flags};
    }
    io_uring_cq_advance(ring_.get(), static_cast<unsigned>(count));
    return count;
}

uint32_t UringRing::setup_flags() const { return ring_->flags; }

}  // namespace kvorum::reactor
