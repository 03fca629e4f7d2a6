// The receive buffers of one ring: a region that the kernel takes buffers from and that release() gives them back to,
// in any order.
//
// Only for uring_*.cc. Memory: count x size, touched only as far as data came in; all connections of the reactor share
// it. The kernel hands buffers out in the order in which they were given back.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

struct io_uring;
struct io_uring_buf_ring;

namespace kvorum::reactor {

class ReceiveBuffers {
 public:
    static constexpr uint16_t kGroup = 0;

    // `count` is a power of two, at most 32768.
    ReceiveBuffers(uint32_t count, uint32_t size_bytes);
    ReceiveBuffers(const ReceiveBuffers&) = delete;
    ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;
    // After the ring is gone.
    ~ReceiveBuffers();

    // 0 or an errno.
    [[nodiscard]] int register_with(io_uring& ring);

    void mark_taken(uint16_t id);  // the kernel has filled it
    void release(uint16_t id);
    [[nodiscard]] Bytes bytes(uint16_t id, uint64_t length_bytes) const;
    [[nodiscard]] bool any_free() const { return taken_count_ < count_; }
    [[nodiscard]] uint32_t size_bytes() const { return size_bytes_; }

 private:
    void give(uint16_t id);

    const uint32_t count_;
    const uint32_t size_bytes_;
    std::byte* memory_ = nullptr;
    io_uring_buf_ring* ring_memory_ = nullptr;
    std::vector<bool> taken_;
    uint32_t taken_count_ = 0;
};

}  // namespace kvorum::reactor
