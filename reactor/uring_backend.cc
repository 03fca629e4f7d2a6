// Slots, the turn and completions. What the kernel is asked for is in uring_operations.cc.
#include "reactor/uring_backend.h"

#include <fmt/format.h>
#include <liburing.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "reactor/uring_buffers.h"
#include "reactor/uring_ring.h"

namespace kvorum::reactor {
namespace {

constexpr uint32_t kGenerationMask = 0xffffff;
// Who has a connection already comes before a crowd that wants one.
constexpr int kAcceptsPerTurn = 8;

// Ends of a multishot operation after which asking again is all there is to do.
bool is_transient(IoCode code, int32_t result) {
    if (result == -EINTR || result == -EAGAIN) return true;
    return code == IoCode::kAccept && result == -ECONNABORTED;
}

}  // namespace

absl::StatusOr<std::unique_ptr<UringBackend>> UringBackend::create(const UringConfig& config) {
    UringFacts facts;
    std::unique_ptr<UringRing> ring = UringRing::create(config.sq_entries, config.cq_entries, facts);
    absl::Status explanation = explain_uring(facts);
    if (!explanation.ok()) return explanation;

    BufferGroups buffers;
    uint32_t first_id = 0;
    for (uint16_t group = 0; group < buffers.size() && facts.buffer_ring_errno == 0; ++group) {
        const auto [count, size_bytes] = config.receive_buffers[group];
        buffers[group] = std::make_unique<ReceiveBuffers>(group, first_id, count, size_bytes);
        facts.buffer_ring_errno = buffers[group]->register_with(ring->raw());
        first_id += count;
    }
    facts.memlock_limit_bytes = memlock_limit_bytes();
    if (facts.buffer_ring_errno == 0) facts.multishot_receive_errno = try_multishot_receive(*ring, *buffers.front());
    explanation = explain_uring(facts);
    if (!explanation.ok()) {
        ring.reset();
        return explanation;
    }
    const int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_fd < 0) return absl::ResourceExhaustedError(fmt::format("eventfd failed: errno {}", errno));
    return std::unique_ptr<UringBackend>(
        new UringBackend(std::move(ring), std::move(buffers), wake_fd, config.look_up));
}

UringBackend::UringBackend(std::unique_ptr<UringRing> ring, BufferGroups buffers, int wake_fd,
                           NameResolver::LookUp look_up)
    : buffers_(std::move(buffers)),
      ring_(std::move(ring)),
      wake_fd_(wake_fd),
      resolver_(std::make_unique<NameResolver>(wake_fd, std::move(look_up))),
      reaped_(kReapBatch) {
    pending_.push_back({.kind = Kind::kWake});
}

UringBackend::~UringBackend() {
    KVORUM_ASSERT(in_flight_ == 0, "the backend was destroyed with {} operations in flight", in_flight_);
    ring_.reset();
    resolver_.reset();
    ::close(wake_fd_);
    for (const auto& [path, lock] : directory_locks_)
        ::close(lock);
}

// --- slots ---

uint64_t UringBackend::user_data(Kind kind, uint32_t slot, uint32_t generation) {
    return uint64_t{static_cast<uint8_t>(kind)} << 56 | uint64_t{generation & kGenerationMask} << 32 | slot;
}

void UringBackend::submit(IoOp& op) {
    KVORUM_ASSERT(!op.in_flight, "an operation was submitted twice");
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const uint32_t slot_index = free_slots_.back();
    free_slots_.pop_back();
    Slot& slot = slots_[slot_index];
    slot.op = &op;
    slot.state = SlotState::kQueued;
    slot.cancel_requested = false;
    slot.asked_for_name = false;
    op.backend_slot = slot_index;
    op.in_flight = true;
    ++in_flight_;
    pending_.push_back({.slot = slot_index, .generation = slot.generation, .kind = Kind::kOperation});
}

void UringBackend::cancel(IoOp& op) {
    if (!op.in_flight) return;
    Slot& slot = slots_[op.backend_slot];
    KVORUM_ASSERT(slot.op == &op);
    if (slot.cancel_requested) return;
    slot.cancel_requested = true;
    pending_.push_back({.slot = op.backend_slot, .generation = slot.generation, .kind = Kind::kCancel});
}

void UringBackend::finish(uint32_t slot_index, const IoCompletion& completion) {
    Slot& slot = slots_[slot_index];
    IoOp& op = *std::exchange(slot.op, nullptr);
    IoCompletion last = completion;
    last.more = false;
    const Handle connecting = std::exchange(slot.connecting, kNoHandle);
    if (connecting != kNoHandle) {
        if (last.result < 0) {
            ::close(connecting);
        } else {
            last.result = connecting;
        }
    }
    slot.state = SlotState::kFree;
    ++slot.generation;
    free_slots_.push_back(slot_index);
    op.in_flight = false;
    --in_flight_;
    op.on_completion(last);
}

void UringBackend::finish_later(uint32_t slot_index, int32_t result) {
    slots_[slot_index].state = SlotState::kFinished;
    synthetic_.push_back({.slot = slot_index, .result = result});
}

void UringBackend::deliver_synthetic() {
    for (const Synthetic& synthetic : synthetic_)
        finish(synthetic.slot, {.result = synthetic.result});
    synthetic_.clear();
}

// --- the turn ---

void UringBackend::poll(uint64_t wait_until_ns) {
    unpark_receives();
    queue_pending();
    const bool nothing_to_deliver = pending_.empty() && synthetic_.empty() && !ring_->has_completions();
    const bool wait = wait_until_ns > 0 && nothing_to_deliver;
    if (wait || ring_->unsubmitted() > 0 || ring_->kernel_wants_enter()) enter(wait, wait_until_ns);
    reap_all();
    deliver_synthetic();
}

void UringBackend::wake() noexcept {
    const uint64_t one = 1;
    // It fails only when the counter is full, and then the wake-up is under way.
    const ssize_t written = ::write(wake_fd_, &one, sizeof(one));
    maybe(written < 0);
}

void UringBackend::give_way() noexcept { ::sched_yield(); }

void UringBackend::unpark_receives() {
    // All of them, although there may be fewer buffers: which of the sockets has data is not known, and one that has
    // must not wait behind one that has none.
    std::erase_if(parked_, [this](uint32_t slot_index) {
        if (!buffers_of(*slots_[slot_index].op).any_free()) return false;
        rearm(slot_index);
        return true;
    });
}

void UringBackend::queue_pending() {
    size_t queued = 0;
    while (queued < pending_.size()) {
        if (queue_one(pending_[queued])) {
            ++queued;
            continue;
        }
        const uint32_t before = ring_->unsubmitted();
        enter(false, 0);
        // The kernel takes no more until its completions have been reaped: the rest goes in the next turn.
        if (ring_->unsubmitted() == before) break;
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(queued));
}

// False when the submission queue is full.
bool UringBackend::queue_one(const Pending& pending) {
    if (pending.kind == Kind::kWake) {
        io_uring_sqe* sqe = ring_->next_sqe();
        if (sqe == nullptr) return false;
        io_uring_prep_poll_multishot(sqe, wake_fd_, POLLIN);
        io_uring_sqe_set_data64(sqe, user_data(Kind::kWake, 0, 0));
        return true;
    }
    Slot& slot = slots_[pending.slot];
    if (slot.generation != pending.generation) return true;
    if (pending.kind == Kind::kCancel) return queue_cancellation(pending);
    if (slot.cancel_requested) {
        finish_later(pending.slot, -ECANCELED);
        return true;
    }
    const bool is_new_connect = slot.op->code == IoCode::kConnect && slot.connecting == kNoHandle;
    if (is_new_connect && !prepare_connect(pending.slot)) return true;
    io_uring_sqe* sqe = ring_->next_sqe();
    if (sqe == nullptr) return false;
    prepare(*sqe, slot);
    io_uring_sqe_set_data64(sqe, user_data(Kind::kOperation, pending.slot, pending.generation));
    slot.state = SlotState::kArmed;
    return true;
}

bool UringBackend::queue_cancellation(const Pending& pending) {
    const SlotState state = slots_[pending.slot].state;
    if (state == SlotState::kParked || state == SlotState::kResolving) {
        std::erase(state == SlotState::kParked ? parked_ : resolving_, pending.slot);
        finish_later(pending.slot, -ECANCELED);
    }
    if (state != SlotState::kArmed) return true;
    io_uring_sqe* sqe = ring_->next_sqe();
    if (sqe == nullptr) return false;
    io_uring_prep_cancel64(sqe, user_data(Kind::kOperation, pending.slot, pending.generation), 0);
    io_uring_sqe_set_data64(sqe, user_data(Kind::kCancel, pending.slot, pending.generation));
    return true;
}

// False when there is nothing to arm: the name is looked up first, or it failed.
bool UringBackend::prepare_connect(uint32_t slot_index) {
    Slot& slot = slots_[slot_index];
    if (!find_address(slot)) {
        if (!ask_for_address(slot_index)) finish_later(slot_index, -EHOSTUNREACH);
        return false;
    }
    const int error = open_connecting(slot);
    if (error != 0) finish_later(slot_index, -error);
    return error == 0;
}

void UringBackend::enter(bool wait, uint64_t wait_until_ns) {
    std::optional<uint64_t> timeout_ns;
    if (wait && wait_until_ns != UINT64_MAX) {
        const uint64_t now_ns = monotonic_ns();
        timeout_ns = wait_until_ns - std::min(wait_until_ns, now_ns);
    }
    ++stats_.enters;
    const UringRing::EnterResult entered = ring_->enter(wait, timeout_ns);
    stats_.submitted += entered.submitted;
}

// --- completions ---

void UringBackend::reap_all() {
    while (true) {
        const size_t count = ring_->reap(reaped_);
        if (count == 0) {
            if (!ring_->has_overflow()) return;
            ++stats_.overflows;
            enter(false, 0);
            if (!ring_->has_completions()) return;
            continue;
        }
        stats_.completions += count;
        for (size_t i = 0; i < count; ++i)
            handle(reaped_[i]);
    }
}

void UringBackend::handle(const UringCompletion& completion) {
    const Kind kind{static_cast<uint8_t>(completion.user_data >> 56)};
    // Whether the cancellation found its target does not matter: the target itself completes.
    if (kind == Kind::kCancel) return;
    if (kind == Kind::kWake) {
        handle_wake(completion);
        return;
    }
    const auto slot_index = static_cast<uint32_t>(completion.user_data);
    const auto generation = static_cast<uint32_t>(completion.user_data >> 32) & kGenerationMask;
    KVORUM_ASSERT(slot_index < slots_.size(), "a completion of slot {}", slot_index);
    const Slot& slot = slots_[slot_index];
    const bool is_current = slot.state == SlotState::kArmed && (slot.generation & kGenerationMask) == generation;
    KVORUM_ASSERT(is_current, "a completion of a bygone operation, slot {} generation {}", slot_index, generation);
    if (slot.op->code == IoCode::kAccept) {
        handle_accept(slot_index, completion.result);
        return;
    }
    if (slot.op->code == IoCode::kReceive) {
        handle_receive(slot_index, completion);
        return;
    }
    // Work of a kernel thread that is interrupted by its cancellation.
    const bool interrupted = slot.cancel_requested && completion.result == -EINTR;
    finish(slot_index, {.result = interrupted ? -ECANCELED : completion.result});
}

void UringBackend::handle_wake(const UringCompletion& completion) {
    uint64_t count = 0;
    const ssize_t drained = ::read(wake_fd_, &count, sizeof(count));
    maybe(drained < 0);
    if ((completion.flags & IORING_CQE_F_MORE) == 0) pending_.push_back({.kind = Kind::kWake});
    take_resolved_names();
}

// `result`: of the poll that says that connections wait.
void UringBackend::handle_accept(uint32_t slot_index, int32_t result) {
    const Slot& slot = slots_[slot_index];
    for (int i = 0; i < kAcceptsPerTurn && result >= 0; ++i) {
        result = accept_connection(slot.op->handle);
        if (result >= 0) slot.op->on_completion({.result = result, .more = true});
    }
    if (slot.cancel_requested) {
        finish_later(slot_index, -ECANCELED);
    } else if (result >= 0 || is_transient(IoCode::kAccept, result)) {
        rearm(slot_index);
    } else {
        finish(slot_index, {.result = result});
    }
}

void UringBackend::handle_receive(uint32_t slot_index, const UringCompletion& completion) {
    Slot& slot = slots_[slot_index];
    const bool goes_on = (completion.flags & IORING_CQE_F_MORE) != 0;
    IoCompletion delivered{.result = completion.result, .more = true};
    if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
        delivered.buffer_id = static_cast<uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
        ReceiveBuffers& buffers = buffers_of(*slot.op);
        buffers.mark_taken(delivered.buffer_id);
        delivered.has_buffer = completion.result > 0;
        delivered.more_waits = (completion.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
        if (!delivered.has_buffer) buffers.release(delivered.buffer_id);
    }
    const bool is_fruit = completion.result > 0;
    if (is_fruit) slot.op->on_completion(delivered);
    if (goes_on) return;

    const bool out_of_buffers = completion.result == -ENOBUFS;
    if (out_of_buffers) ++stats_.enobufs;
    const bool can_go_on = is_fruit || out_of_buffers || is_transient(IoCode::kReceive, completion.result);
    if (!can_go_on) {
        finish(slot_index, {.result = completion.result});
    } else if (slot.cancel_requested) {
        finish_later(slot_index, -ECANCELED);
    } else if (out_of_buffers) {
        slot.state = SlotState::kParked;
        parked_.push_back(slot_index);
    } else {
        rearm(slot_index);
    }
}

void UringBackend::rearm(uint32_t slot_index) {
    ++stats_.rearms;
    requeue(slot_index);
}

void UringBackend::requeue(uint32_t slot_index) {
    slots_[slot_index].state = SlotState::kQueued;
    pending_.push_back({.slot = slot_index, .generation = slots_[slot_index].generation, .kind = Kind::kOperation});
}

// --- receive buffers and registered memory ---

ReceiveBuffers& UringBackend::buffers_with(uint16_t buffer_id) const {
    for (const auto& group : buffers_) {
        if (group->owns(buffer_id)) return *group;
    }
    KVORUM_ASSERT(false, "there is no receive buffer {}", buffer_id);
}

Bytes UringBackend::receive_buffer(uint16_t buffer_id, uint64_t length_bytes) {
    return buffers_with(buffer_id).bytes(buffer_id, length_bytes);
}

void UringBackend::release_receive_buffer(uint16_t buffer_id) { buffers_with(buffer_id).release(buffer_id); }

bool UringBackend::register_buffer(MutableBytes region) {
    if (buffer_registered_) {
        const int unregistered = io_uring_unregister_buffers(&ring_->raw());
        KVORUM_ASSERT(unregistered == 0, "cannot unregister a buffer: {}", std::strerror(-unregistered));
    }
    const iovec piece{.iov_base = region.data(), .iov_len = region.size()};
    const int result = io_uring_register_buffers(&ring_->raw(), &piece, 1);
    buffer_registered_ = result == 0;
    if (!buffer_registered_) {
        const std::string limit =
            result == -ENOMEM
                ? fmt::format(". The limit of locked memory is {} KiB; raise it with ulimit -l or LimitMEMLOCK=",
                              memlock_limit_bytes() / kKiB)
                : std::string();
        KVORUM_LOG(kWarn, "cannot register {} KiB of write buffers with the kernel: {}. Writing costs a little more{}",
                   region.size() / kKiB, std::strerror(-result), limit);
    }
    return buffer_registered_;
}

// --- start-up ---

int UringBackend::try_multishot_receive(UringRing& ring, ReceiveBuffers& buffers) {
    std::array<int, 2> sockets{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) return errno;
    const ssize_t written = ::write(sockets[1], "x", 1);
    maybe(written < 0);
    ::close(sockets[1]);
    io_uring_sqe* sqe = ring.next_sqe();
    io_uring_prep_recv_multishot(sqe, sockets[0], nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffers.group();
    int error = 0;
    // One byte, then the end of the stream: an old kernel refuses instead.
    bool goes_on = true;
    while (goes_on) {
        const UringRing::EnterResult entered = ring.enter(true, std::nullopt);
        maybe(entered.error != 0);
        UringCompletion completion;
        while (ring.reap({&completion, 1}) == 1) {
            if (completion.result < 0) error = -completion.result;
            goes_on = (completion.flags & IORING_CQE_F_MORE) != 0;
            if ((completion.flags & IORING_CQE_F_BUFFER) == 0) continue;
            const auto id = static_cast<uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
            buffers.mark_taken(id);
            buffers.release(id);
        }
    }
    ::close(sockets[0]);
    return error;
}

}  // namespace kvorum::reactor
