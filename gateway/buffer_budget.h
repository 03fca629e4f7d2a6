// What the buffers of all clients and peers of a node take together, and how much they may (--max-buffer-memory).
//
// Everything that holds such buffers holds a BufferShare and keeps it up to date: a client's connection (what it sent
// and is not carried out, what it was answered and has not read), a forwarded session, the links between the nodes.
// Nobody is refused an allocation: at the end of a turn in which more was taken than there is, the listener closes the
// clients that take the most (ClientListener::make_room) until the rest fits, which may take some turns, and where that
// is not enough no forwarded command is taken. Replies and inputs of one connection are bounded on top of it, by not
// reading and executing it.
//
// Thread: the owning core. Ownership: the budget outlives its shares; `limits` outlives the budget and may change.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "config/config.h"

namespace kvorum::gateway {

class BufferBudget {
 public:
    // `default_bytes` counts while `limits` says nothing.
    BufferBudget(const Limits& limits, uint64_t default_bytes) : limits_(limits), default_bytes_(default_bytes) {}

    [[nodiscard]] uint64_t limit_bytes() const {
        return limits_.buffer_bytes_max != 0 ? limits_.buffer_bytes_max : default_bytes_;
    }
    [[nodiscard]] uint64_t used_bytes() const { return used_bytes_; }
    [[nodiscard]] uint64_t peak_bytes() const { return peak_bytes_; }
    // More must go than what is on its way out already.
    [[nodiscard]] bool needs_room() const { return used_bytes_ - leaving_bytes_ > limit_bytes(); }
    // While it is, no read whose reply is put together first begins one.
    [[nodiscard]] bool is_half_spent() const { return used_bytes_ > limit_bytes() / 2; }
    // The largest reply that is put together before it is sent; a read with a larger one gets an error.
    [[nodiscard]] uint64_t reply_bytes_max() const { return limit_bytes() / 4; }

 private:
    friend class BufferShare;
    void change(uint64_t from_bytes, uint64_t to_bytes, bool leaving) {
        KVORUM_ASSERT(to_bytes < kImpossibleBytes, "buffers of {} bytes", to_bytes);
        used_bytes_ += to_bytes - from_bytes;
        if (leaving) leaving_bytes_ += to_bytes - from_bytes;
        peak_bytes_ = std::max(peak_bytes_, used_bytes_);
    }

    // Something was taken off that had not been added.
    static constexpr uint64_t kImpossibleBytes = uint64_t{1} << 48;

    const Limits& limits_;
    const uint64_t default_bytes_;
    uint64_t used_bytes_ = 0;
    uint64_t leaving_bytes_ = 0;
    uint64_t peak_bytes_ = 0;
};

class BufferShare {
 public:
    explicit BufferShare(BufferBudget& budget) : budget_(budget) {}
    BufferShare(const BufferShare&) = delete;
    BufferShare& operator=(const BufferShare&) = delete;
    ~BufferShare() { set(0); }

    void set(uint64_t bytes) {
        budget_.change(bytes_, bytes, leaving_);
        bytes_ = bytes;
    }
    // Its owner gives them back soon.
    void leave() {
        KVORUM_ASSERT(!leaving_);
        leaving_ = true;
        budget_.leaving_bytes_ += bytes_;
    }
    [[nodiscard]] bool is_leaving() const { return leaving_; }
    [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
    BufferBudget& budget_;
    uint64_t bytes_ = 0;
    bool leaving_ = false;
};

}  // namespace kvorum::gateway
