// Commands that followers forward to this node as leader: a lane for each of their clients, for as long as it has
// commands here.
//
// A request names the term in which its sender believed this node to lead. In any other term it is definitely not
// executed, so of all the requests of one session those that were taken are a prefix, and its sender may safely send
// the rest to the next leader, in order. What follows from that for the commands in a lane is in one_hop.h.
//
// Flow: what was sent of replies and not yet taken by the client at the other end stays within a window a session; the
// follower says how much was taken (peers::ForwardCredit). While it is used up nothing of the session is carried out.
// What is on its way to one node stays within a window too: while that one is used up, large replies wait, small ones
// do not. A reply that must be given, that of an applied write, waits here when the link takes no more: none is ever
// dropped but with its connection.
//
// Thread: the owning core. Ownership: the sessions live here; one without pending commands is dropped at the end of the
// turn.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "gateway/buffer_budget.h"
#include "gateway/gateway.h"
#include "peers/forward_port.h"

namespace kvorum::gateway {

// The protocol that the commands of other nodes' clients are in: the one that this node speaks too.
class ForwardedProtocol {
 public:
    virtual ~ForwardedProtocol() = default;
    [[nodiscard]] virtual std::unique_ptr<ReplyWriter> make_writer() const = 0;
    // Finds the command and submits it; or what is wrong with it as its reply.
    virtual void submit(Lane& lane, ops::Arguments arguments, uint64_t origin_id) = 0;
    virtual void submit_large(Lane& lane, PackedCommand command, uint64_t origin_id) = 0;
};

class ForwardedSessions {
 public:
    ForwardedSessions(Gateway& gateway, ForwardedProtocol& protocol, peers::ForwardReplySender& sender,
                      NodeCounters& counters, BufferBudget& buffers);
    ~ForwardedSessions();

    // `leads_in`: the term in which this node leads, none if it does not.
    void on_requests(NodeId origin, Term leads_in, std::span<const peers::ForwardRequest> requests);
    void on_large_request(NodeId origin, Term leads_in, const peers::ForwardRequest& request, PackedCommand command);
    void on_credit(NodeId origin, const peers::ForwardCredit& credit);
    // `origin` is gone, or came back as a new process: nobody waits for its replies.
    void drop_origin(NodeId origin);
    // Sends on what had to wait, and drops sessions that have nothing pending.
    void finish_turn();
    // The clients that took too much are closed: while buffers are spent even so, no command is taken.
    void end_turn();
    // No command of another node's client is under way.
    [[nodiscard]] bool is_idle() const { return sessions_.empty(); }

 private:
    class ForwardedSession;
    using Key = std::pair<NodeId, uint64_t>;
    // Null, and the request is answered, when this node does not lead in the request's term.
    [[nodiscard]] ForwardedSession* session_for(NodeId origin, Term leads_in, const peers::ForwardRequest& request);
    void look_at(ForwardedSession& session);
    [[nodiscard]] ForwardedSession* find(const Key& key);

    Gateway& gateway_;
    ForwardedProtocol& protocol_;
    peers::ForwardReplySender& sender_;
    NodeCounters& counters_;
    BufferBudget& buffers_;
    std::unique_ptr<ReplyWriter> writer_;  // of all sessions: one reply is written at a time
    bool buffers_are_spent_ = false;
    // Ordered: they are dropped in the same order in every run of a simulation.
    absl::btree_map<Key, std::unique_ptr<ForwardedSession>> sessions_;
    std::vector<Key> idle_;
    std::vector<Key> waiting_;  // for room
};

}  // namespace kvorum::gateway
