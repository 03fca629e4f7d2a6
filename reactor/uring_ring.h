// One io_uring: set-up with the newest flags that the kernel takes, the submission queue, and the one system call of a
// turn.
//
// Only for uring_*.cc. Thread: the one that made it (IORING_SETUP_SINGLE_ISSUER), for everything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "reactor/uring_probe.h"

struct io_uring;
struct io_uring_sqe;

namespace kvorum::reactor {

// A completion, copied out of the ring before anything acts on it.
struct UringCompletion {
    uint64_t user_data = 0;
    int32_t result = 0;
    uint32_t flags = 0;
};

class UringRing {
 public:
    // Null when no ring could be made; `facts` then says why. `facts.missing` may be filled in either case.
    [[nodiscard]] static std::unique_ptr<UringRing> create(uint32_t sq_entries, uint32_t cq_entries, UringFacts& facts);
    UringRing(const UringRing&) = delete;
    UringRing& operator=(const UringRing&) = delete;
    ~UringRing();

    // To be filled in; nullptr when the queue is full until the next enter().
    [[nodiscard]] io_uring_sqe* next_sqe();
    [[nodiscard]] uint32_t unsubmitted() const;
    [[nodiscard]] bool has_completions() const;
    [[nodiscard]] bool has_overflow() const;
    // Work that only enter() can finish: overflowed completions, or task work that was deferred to it.
    [[nodiscard]] bool kernel_wants_enter() const;

    struct EnterResult {
        uint32_t submitted = 0;
        int error = 0;  // EINTR, ETIME, EAGAIN, EBUSY: of no consequence; others are asserted on
    };
    // Submits everything and collects; with `wait`, waits for one completion, at most `timeout_ns` if given.
    EnterResult enter(bool wait, std::optional<uint64_t> timeout_ns);
    // Takes up to `into.size()` completions off the ring.
    [[nodiscard]] size_t reap(std::span<UringCompletion> into);

    [[nodiscard]] io_uring& raw() { return *ring_; }
    [[nodiscard]] uint32_t setup_flags() const;

 private:
    explicit UringRing(std::unique_ptr<io_uring> ring);

    std::unique_ptr<io_uring> ring_;
    uint32_t enter_flags_ = 0;
};

}  // namespace kvorum::reactor
