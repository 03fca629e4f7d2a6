// One group of receive buffers of a ring: a region that the kernel takes buffers from and that release() gives them
// back to, in any order.
//
// Only for uring_*.cc. Memory: count x size, touched only as far as data came in; all connections that receive into the
// group share it. The kernel hands buffers out in the order in which they were given back. A buffer's id is its own in
// all groups of the ring.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

struct io_uring;
struct io_uring_buf_ring;

namespace kvorum::reactor {

class ReceiveBuffers {
 public:
    // `count` is a power of two, at most 32768. Ids begin at `first_id`.
    ReceiveBuffers(uint16_t group, uint32_t first_id, uint32_t count, uint32_t size_bytes);
    ReceiveBuffers(const ReceiveBuffers&) = delete;
    ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;
    // After the ring is gone.
    ~ReceiveBuffers();

    // 0 or an errno.
    [[nodiscard]] int register_with(io_uring& ring);

    [[nodiscard]] uint16_t group() const { return group_; }
    [[nodiscard]] bool owns(uint16_t id) const { return id >= first_id_ && id < first_id_ + count_; }

    void mark_taken(uint16_t id);  // the kernel has filled it
    void release(uint16_t id);
    [[nodiscard]] Bytes bytes(uint16_t id, uint64_t length_bytes) const;
    [[nodiscard]] bool any_free() const { return taken_count_ < count_; }

 private:
    // Of a buffer that is in use, or not.
    [[nodiscard]] std::vector<bool>::reference taken(uint16_t id) { return taken_[id - first_id_]; }
    [[nodiscard]] std::byte* memory_of(uint16_t id) const { return memory_ + size_t{id - first_id_} * size_bytes_; }
    void give(uint16_t id);

    const uint16_t group_;
    const uint32_t first_id_;
    const uint32_t count_;
    const uint32_t size_bytes_;
    std::byte* memory_ = nullptr;
    io_uring_buf_ring* ring_memory_ = nullptr;
    std::vector<bool> taken_;
    uint32_t taken_count_ = 0;
};

}  // namespace kvorum::reactor
