// Finds out what each command of a client is, and hands it on: to the gateway what concerns the state, to the
// connection what concerns the node; or answers it right away, because there is none of that name, it has the wrong
// number of arguments, or what the client said before refuses it (command_gate.h).
//
// The commands of other nodes' clients come here as well, and only those on the state.
//
// Thread: the owning core. Nothing here suspends. What the constructor is given outlives it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "gateway/forwarded_sessions.h"
#include "gateway/gateway.h"
#include "redis/client_state.h"
#include "redis/command_gate.h"
#include "redis/monitors.h"
#include "redis/server_commands.h"

namespace kvorum::redis {

class Dispatcher final : public gateway::ForwardedProtocol {
 public:
    Dispatcher(const NodeConfig& config, reactor::Reactor& reactor, gateway::Gateway& gateway)
        : config_(config), reactor_(reactor), gateway_(gateway) {}

    // --- of a client: its lane, and what it has said before ---
    struct Client {
        gateway::Lane& lane;
        CommandGate& gate;
        ClientState& state;
    };
    // True: it was a read and is answered.
    bool submit(Client client, ops::Arguments arguments);
    void submit_large(Client client, PackedCommand packed);
    // Of one that has not given the password: NOAUTH, but for the few commands that need none.
    void submit_unauthenticated(Client client, ops::Arguments arguments);

    [[nodiscard]] Monitors& monitors() { return monitors_; }

    // --- gateway::ForwardedProtocol ---
    [[nodiscard]] std::unique_ptr<ReplyWriter> make_writer() const override;
    void submit(gateway::Lane& lane, ops::Arguments arguments, uint64_t origin_id) override;
    void submit_large(gateway::Lane& lane, PackedCommand packed, uint64_t origin_id) override;

 private:
    [[nodiscard]] bool answer_at_gate(Client client, const NamedCommand& named, ops::Arguments arguments);
    void submit_local(gateway::Lane& lane, const NamedCommand& named, ops::Arguments arguments);
    void submit_large_data(gateway::Lane& lane, const NamedCommand& named, ops::Arguments first_arguments,
                           PackedCommand packed, bool is_readonly, uint64_t origin_id);
    void tell_monitors(const ClientState& sender, const NamedCommand& named, ops::Arguments arguments);

    const NodeConfig& config_;
    reactor::Reactor& reactor_;
    gateway::Gateway& gateway_;
    Monitors monitors_;
    std::string scratch_reply_;
};

}  // namespace kvorum::redis
