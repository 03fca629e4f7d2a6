// What became of the transfer of leadership that this node began last (raft/raft.h): told once, when it is known.
//
// Thread: the owning core.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/ids.h"
#include "raft/raft.h"

namespace kvorum::replica {

// Who leads now, and for how long it was under way. It failed if that is the node that wanted to hand over.
struct TransferEnd {
    NodeId target;
    NodeId leader;
    uint64_t lasted_ns = 0;
};

class TransferWatch {
 public:
    void begin(NodeId target, Term term, uint64_t now_ns) {
        target_ = target;
        term_ = term;
        since_ns_ = now_ns;
    }
    // The end of it, at the first call at which it is over and a leader is known.
    [[nodiscard]] std::optional<TransferEnd> look(const raft::Raft& raft, uint64_t now_ns) {
        const bool waits =
            raft.leader().is_none() || (raft.current_term() == term_ && !raft.transfer_target().is_none());
        if (target_.is_none() || waits) return std::nullopt;
        return TransferEnd{std::exchange(target_, NodeId{}), raft.leader(), now_ns - since_ns_};
    }

 private:
    NodeId target_;  // none: nothing is under way
    Term term_;
    uint64_t since_ns_ = 0;
};

}  // namespace kvorum::replica
