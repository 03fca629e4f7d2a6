#include "reactor/uring_buffers.h"

#include <liburing.h>
#include <sys/mman.h>

#include <bit>

#include "base/assert.h"

namespace kvorum::reactor {
namespace {

void* map_pages(size_t size_bytes) {
    void* memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    KVORUM_ASSERT(memory != MAP_FAILED, "no memory for {} bytes of receive buffers", size_bytes);
    return memory;
}

}  // namespace

ReceiveBuffers::ReceiveBuffers(uint16_t group, uint32_t first_id, uint32_t count, uint32_t size_bytes)
    : group_(group), first_id_(first_id), count_(count), size_bytes_(size_bytes), taken_(count, true) {
    KVORUM_ASSERT(std::has_single_bit(count) && count <= 32768 && first_id + count <= 65536, "{} receive buffers",
                  count);
    KVORUM_ASSERT(size_bytes > 0);
    memory_ = static_cast<std::byte*>(map_pages(size_t{count_} * size_bytes_));
    ring_memory_ = static_cast<io_uring_buf_ring*>(map_pages(count_ * sizeof(io_uring_buf)));
    taken_count_ = count_;
}

ReceiveBuffers::~ReceiveBuffers() {
    munmap(ring_memory_, count_ * sizeof(io_uring_buf));
    munmap(memory_, size_t{count_} * size_bytes_);
}

int ReceiveBuffers::register_with(io_uring& ring) {
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<uintptr_t>(ring_memory_);
    registration.ring_entries = count_;
    registration.bgid = group_;
    const int result = io_uring_register_buf_ring(&ring, &registration, 0);
    if (result < 0) return -result;
    io_uring_buf_ring_init(ring_memory_);
    for (uint32_t id = first_id_; id < first_id_ + count_; ++id)
        release(static_cast<uint16_t>(id));
    return 0;
}

void ReceiveBuffers::mark_taken(uint16_t id) {
    KVORUM_ASSERT(owns(id) && !taken(id), "the kernel filled receive buffer {} twice", id);
    taken(id) = true;
    ++taken_count_;
}

void ReceiveBuffers::release(uint16_t id) {
    KVORUM_ASSERT(owns(id) && taken(id), "receive buffer {} was released twice", id);
    taken(id) = false;
    --taken_count_;
    give(id);
}

void ReceiveBuffers::give(uint16_t id) {
    const int mask = io_uring_buf_ring_mask(count_);
    io_uring_buf_ring_add(ring_memory_, memory_of(id), size_bytes_, id, mask, 0);
    io_uring_buf_ring_advance(ring_memory_, 1);
}

Bytes ReceiveBuffers::bytes(uint16_t id, uint64_t length_bytes) const {
    KVORUM_ASSERT(owns(id) && taken_[id - first_id_] && length_bytes <= size_bytes_, "buffer {} length {}", id,
                  length_bytes);
    return {memory_of(id), length_bytes};
}

}  // namespace kvorum::reactor
