// The limit of memory that a leader stamps into batches: the least of those that the voters told (raft.h), taken once
// in a turn and not for each write.
//
// Thread: the owning core. Units: bytes; 0 is no limit.
#pragma once

#include <cstdint>
#include <optional>

#include "raft/raft.h"

namespace kvorum::replica {

class GroupMemoryLimit {
 public:
    // `own_bytes`: of this node, as configured; the voters are told.
    void take(raft::Raft& raft, std::optional<uint64_t> own_bytes, uint64_t now_ns) {
        taken_at_ns_ = now_ns;
        own_bytes_ = own_bytes;
        raft.set_memory_limit(own_bytes.value_or(0));
        bytes_ = raft.least_memory_limit();
    }
    // CONFIG SET may come within a turn.
    [[nodiscard]] bool is_of(std::optional<uint64_t> own_bytes, uint64_t now_ns) const {
        return taken_at_ns_ == now_ns && own_bytes_ == own_bytes;
    }
    [[nodiscard]] uint64_t bytes() const { return bytes_; }
    // Saves a command that would be refused when it is applied its way there; what decides is ops/memory_limit.h.
    [[nodiscard]] bool is_exceeded_by(uint64_t counted_bytes) const { return bytes_ != 0 && counted_bytes > bytes_; }

 private:
    uint64_t bytes_ = 0;
    uint64_t taken_at_ns_ = UINT64_MAX;
    std::optional<uint64_t> own_bytes_;
};

}  // namespace kvorum::replica
