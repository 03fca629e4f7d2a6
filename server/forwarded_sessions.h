// Commands that followers forward to this node as leader: one session for each of their clients, for as long as it has
// commands here.
//
// A request names the term in which its sender believed this node to lead. In any other term it is definitely not
// executed, so of all the requests of one session those that were taken are a prefix, and its sender may safely send
// the rest to the next leader, in order.
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
#include "net/peer_codec.h"
#include "server/command_router.h"
#include "server/session.h"

namespace kvorum::server {

class ForwardReplySender {
 public:
    virtual ~ForwardReplySender() = default;
    // Dropped when `origin` is not connected: it will take the outcome for unknown.
    virtual void send_forward_reply(NodeId origin, uint64_t request_id, net::ForwardOutcome outcome,
                                    std::string_view reply) = 0;
};

class ForwardedSessions {
 public:
    ForwardedSessions(CommandRouter& router, ForwardReplySender& sender, NodeCounters& counters);
    ~ForwardedSessions();

    // `leads_in`: the term in which this node leads, none if it does not.
    void on_requests(NodeId origin, Term leads_in, std::span<const net::ForwardRequest> requests);
    void on_large_request(NodeId origin, Term leads_in, const net::ForwardRequest& request, PackedCommand command);
    // `origin` is gone, or came back as a new process: nobody waits for its replies.
    void drop_origin(NodeId origin);
    // Drops sessions that have nothing pending.
    void finish_turn();

 private:
    class ForwardedSession;
    using Key = std::pair<NodeId, uint64_t>;
    // Null, and the request is answered, when this node does not lead in the request's term.
    [[nodiscard]] ForwardedSession* session_for(NodeId origin, Term leads_in, const net::ForwardRequest& request);
    void retire(ForwardedSession& session);

    CommandRouter& router_;
    ForwardReplySender& sender_;
    NodeCounters& counters_;
    // Ordered: they are dropped in the same order in every run of a simulation.
    absl::btree_map<Key, std::unique_ptr<ForwardedSession>> sessions_;
    std::vector<Key> idle_;
};

}  // namespace kvorum::server
