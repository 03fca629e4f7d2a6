// Gathers the linearizable reads of a turn under one ReadIndex round (thesis 6.4): one message exchange serves them
// all.
//
// A batch is registered with Raft at the end of the turn, before its round is sent; it is ready when the round is
// confirmed and the state machine has applied the batch's read index. Batches become ready in the order of their ids.
// Thread: the owning core.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/ids.h"
#include "replica/waiter.h"

namespace kvorum::replica {

class ReadBatcher {
 public:
    // While this many rounds are under way, later reads gather in the open batch.
    static constexpr size_t kRoundsInFlightMax = 2;

    // Puts a read of `session` into the open batch and returns its id.
    uint64_t add(WaiterId session);

    [[nodiscard]] bool can_register() const { return !open_.empty() && in_flight_.size() < kRoundsInFlightMax; }
    [[nodiscard]] uint64_t open_id() const { return open_id_; }
    // The open batch was accepted by Raft::read_index(open_id()).
    void registered();

    void confirmed(uint64_t id, LogIndex read_index);
    // Moves the sessions of all batches that may be served at `last_applied` to `sessions`, and returns the highest id
    // served so far.
    uint64_t take_ready(LogIndex last_applied, std::vector<WaiterId>& sessions);
    // Everything in flight and open dies: leadership was lost. Appends the sessions concerned.
    void drop_all(std::vector<WaiterId>& sessions);

    void check() const;

 private:
    struct Batch {
        uint64_t id = 0;
        std::vector<WaiterId> sessions;
        bool is_confirmed = false;
        LogIndex read_index;
    };

    uint64_t open_id_ = 1;
    std::vector<WaiterId> open_;
    std::deque<Batch> in_flight_;
    uint64_t served_id_ = 0;
};

}  // namespace kvorum::replica
