// Gathers the linearizable reads of a turn under one ReadIndex round (thesis 6.4), or one question to the leader: one
// message exchange serves them all.
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

    explicit ReadBatcher(uint64_t first_id = 1) : open_id_(first_id) {}

    // Puts a read of `session` into the open batch and returns its id.
    uint64_t add(WaiterId session);

    [[nodiscard]] bool can_register() const { return !open_.empty() && in_flight_.size() < kRoundsInFlightMax; }
    [[nodiscard]] uint64_t open_id() const { return open_id_; }
    [[nodiscard]] uint32_t open_reads() const { return open_reads_; }
    // The open batch was accepted by Raft::read_index(open_id()), or the leader is being asked about it, not before
    // `asked_ns`.
    void registered(uint64_t asked_ns);

    // A peer may have said so: a lower index than that of a batch before counts as that one's.
    void confirmed(uint64_t id, LogIndex read_index);
    [[nodiscard]] bool waits_for(uint64_t id) const;
    // Of the oldest batch that is not confirmed; 0: none.
    [[nodiscard]] uint64_t oldest_asked_ns() const;
    // What was acknowledged before that time is in the state; 0: not known of any.
    [[nodiscard]] uint64_t known_ns() const { return known_ns_; }
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
        uint64_t asked_ns = 0;
    };

    uint64_t open_id_ = 1;
    std::vector<WaiterId> open_;
    uint32_t open_reads_ = 0;
    std::deque<Batch> in_flight_;
    uint64_t served_id_ = 0;
    uint64_t known_ns_ = 0;
};

}  // namespace kvorum::replica
