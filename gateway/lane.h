// The order of one session at one group: its commands that are not answered yet, where they are, and what they wait
// for.
//
// Commands take effect and are answered in the order in which they arrived. `target` is where the outstanding ones
// went: a session never sends a command to a new place while an earlier one is unresolved at an old place, so the order
// holds across elections. The counts are kept by the lane alone, and check() holds them against the queue.
//
// Ownership: whoever accepted the session owns the lane and its port; everything else holds a LaneHandle, which stops
// resolving when the lane is gone (lane_table.h). Thread: the owning core.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/ids.h"
#include "gateway/command.h"
#include "gateway/forwarded_parts.h"
#include "gateway/large_command.h"
#include "gateway/long_reply.h"
#include "gateway/read_choice.h"
#include "gateway/reply_port.h"
#include "gateway/request_queue.h"
#include "replica/waiter.h"

namespace kvorum::gateway {

using LaneHandle = replica::WaiterId;

// Where the outstanding commands of a session are, in that term: at the leader, or at this node, which leads or answers
// reads.
struct Target {
    NodeId node;
    Term term;
    bool operator==(const Target&) const = default;
};

// The node that a session's client is connected to. What follows from it is in one_hop.h, and nobody else asks.
enum class ClientOf : uint8_t { kThisNode, kOtherNode };

class Lane {
 public:
    // `session_id` is unique in the life of the process that the client is connected to: it names the session to the
    // leader that it forwards to.
    Lane(ReplyPort& port, uint64_t session_id, ClientOf client_of)
        : port_(port), session_id_(session_id), client_of_(client_of) {}
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    [[nodiscard]] ReplyPort& port() const { return port_; }
    [[nodiscard]] uint64_t session_id() const { return session_id_; }
    [[nodiscard]] bool is_of_other_node() const { return client_of_ == ClientOf::kOtherNode; }
    [[nodiscard]] RequestQueue& queue() { return queue_; }
    [[nodiscard]] const RequestQueue& queue() const { return queue_; }

    // --- the ledger ---
    // Behind all that is there, in state kAnswered with an empty reply, until its state is set.
    Request& push(const Command& command, uint64_t origin_id, uint64_t now_ns);
    void set_state(Request& request, RequestState state);
    // What follows it is not routed before it is answered.
    void set_barrier(Request& request);
    void lift_barrier(Request& request);
    // What follows it is not even looked at before it is answered.
    void hold_input(Request& request);
    // How large its reply may be, about; nothing once it is not outstanding.
    void expect_reply(Request& request, uint64_t bytes);
    // The head is answered.
    void pop(uint64_t now_ns);

    [[nodiscard]] uint32_t outstanding() const { return outstanding_; }
    [[nodiscard]] uint32_t parked() const { return parked_; }
    [[nodiscard]] bool has_barrier() const { return barriers_ > 0; }
    [[nodiscard]] bool holds_input() const { return input_holds_ > 0; }
    [[nodiscard]] uint64_t expected_reply_bytes() const { return expected_reply_bytes_; }
    // One that is in the batch or in the log.
    [[nodiscard]] bool has_write_behind(uint64_t sequence) const;
    [[nodiscard]] bool may_go_to(const Target& to) const {
        return !to.node.is_none() && (outstanding_ == 0 || target == to);
    }
    // Its client has seen the state up to there: no later read of its may show less.
    void saw(LogIndex index) { seen_ = std::max(seen_, index); }
    [[nodiscard]] LogIndex seen() const { return seen_; }
    // What is routed next goes there. Replies of another leader are none of its business.
    void go_to(const Target& to) {
        if (target.node != to.node) uncredited_bytes = 0;
        target = to;
    }
    // The large command of the lane is the one at `sequence`.
    [[nodiscard]] bool is_large(uint64_t sequence) const { return large != nullptr && large->sequence == sequence; }
    // The arguments of the head, packed.
    [[nodiscard]] std::string_view head_arguments();
    // Of its buffers: what its owner does not count itself.
    [[nodiscard]] uint64_t memory_bytes() const;
    // Asserts that the counts are what the queue says, and that nothing in it waits for what cannot come.
    void check() const;

    // --- what the parts of the gateway keep of it ---
    LaneHandle handle;  // lane_table.h
    Target target;
    ReadChoice read_choice;            // of the reads that come next
    bool input_ended = false;          // no more commands come: its client left, or waits for the replies only
    bool is_scheduled = false;         // lane_schedule.h: to be looked at in this turn
    bool in_line = false;              // lane_schedule.h: with something to do that takes several turns
    bool waits_for_room = false;       // the first parked command has a leader, but it or its reply has no room yet
    bool waits_for_bulk_room = false;  // the next reply is a large one, and has no room yet
    uint64_t progressed_ns = 0;        // when a command was last answered, or its client had to read first
    std::unique_ptr<LongReply> long_reply;  // long_reads.h: of the command at the head, under way
    bool waits_for_buffers = false;         // long_reads.h: the head may begin when fewer buffers are in use
    std::unique_ptr<LargeCommand> large;    // large_writes.h: while there is one, no command is submitted
    ForwardedParts forwarded_parts;         // answers.h
    uint64_t uncredited_bytes = 0;  // of replies that came from the leader, and it was not told that they are taken
    struct Wait {                   // waits.h
        bool is_queued = false;
        uint64_t deadline_ns = 0;
        LogIndex index;  // none until the WAIT is at the head
    } wait;

 private:
    ReplyPort& port_;
    const uint64_t session_id_;
    const ClientOf client_of_;
    RequestQueue queue_;
    uint32_t outstanding_ = 0;
    uint32_t parked_ = 0;
    uint32_t barriers_ = 0;
    uint32_t input_holds_ = 0;
    uint64_t expected_reply_bytes_ = 0;
    LogIndex seen_;
};

}  // namespace kvorum::gateway
