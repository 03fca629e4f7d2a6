// Commands that this node sent to the leader for its clients, and what came of them.
//
// A forwarded command is sent once. If it provably never left, or the leader says that it did not carry it out, it is
// definitely not executed and its session may send it to the next leader. If the connection broke after it may have
// left, its outcome is unknown for ever: nothing here sends it again (lost updates by automatic retry: jetcd 0.8.2,
// redisraft#13).
//
// Thread: the owning core.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/turn_work.h"
#include "gateway/lane.h"
#include "peers/forward_port.h"

namespace kvorum::gateway {

struct ForwardWaiter {
    LaneHandle lane;
    uint64_t sequence = 0;    // of the request in the lane's queue
    uint64_t request_id = 0;  // as given by forward(): a request that was sent again since has another one
};

// Told from within the Forwarder's methods: an implementation must not call forward() before they return.
class ForwardOutcomes {
 public:
    virtual ~ForwardOutcomes() = default;
    // The reply shows what was applied up to `seen`.
    virtual void forward_executed(ForwardWaiter waiter, std::string_view reply, LogIndex seen) = 0;
    // The beginning of the reply, or more of it. forward_executed() brings the last part; if another outcome comes
    // instead, the reply is cut off.
    virtual void forward_part(ForwardWaiter waiter, std::string_view part) = 0;
    virtual void forward_not_executed(ForwardWaiter waiter) = 0;
    virtual void forward_outcome_unknown(ForwardWaiter waiter) = 0;
};

class Forwarder {
 public:
    // Ids start at a random place, so that an answer meant for an earlier life of this process matches nothing.
    Forwarder(peers::ForwardSender& sender, uint64_t random_seed)
        : sender_(sender), first_id_((random_seed >> 1) + 1) {}

    // The id of the request, or 0 when it could not be handed over (definitely not executed).
    uint64_t forward(const Target& target, ForwardWaiter waiter, uint64_t session_id, ReplyFormat format,
                     std::span<const std::string_view> arguments);

    // The same for a large command, in as many calls as it takes: 0 until the last of it was handed over. Each does
    // what is left of the turn's work, or a little.
    uint64_t forward_large(const Target& target, ForwardWaiter waiter, uint64_t session_id, ReplyFormat format,
                           std::string_view command, LargeForward& progress, TurnWork& work);

    // False: not sent, to be given later.
    bool give_credit(NodeId leader, uint64_t session_id, uint64_t bytes) {
        return sender_.send_forward_credit(leader, session_id, bytes);
    }

    // An answer of `from`; one that nobody waits for any more is ignored.
    void on_reply(NodeId from, const peers::ForwardReply& reply, ForwardOutcomes& outcomes);
    // The link to `leader` is gone. Ids from `first_unsent_id` on never reached the kernel.
    void on_link_lost(NodeId leader, uint64_t first_unsent_id, ForwardOutcomes& outcomes);
    // Answers can no longer come from `leader`: what it was sent has an unknown outcome.
    void on_answers_lost(NodeId leader, ForwardOutcomes& outcomes);

    // Between calls: the oldest of those that are kept is not answered.
    void check() const;

 private:
    struct Slot {
        NodeId leader;  // none: answered
        ForwardWaiter waiter;
    };
    [[nodiscard]] uint64_t next_id() const { return first_id_ + slots_.size(); }
    void add_slot(const Target& target, ForwardWaiter waiter);
    static void finish(Slot& slot, const peers::ForwardReply& reply, ForwardOutcomes& outcomes);
    void drop_answered();

    peers::ForwardSender& sender_;
    std::deque<Slot> slots_;  // by request id, from first_id_ on
    uint64_t first_id_;
};

}  // namespace kvorum::gateway
