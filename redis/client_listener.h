// Accepts clients, keeps the list of them, and serves each in a coroutine of its own.
// Thread: the owning core. stop() closes every connection and is awaited before destruction.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "reactor/scope.h"
#include "reactor/streams.h"
#include "redis/client_connection.h"

namespace kvorum::redis {

class ClientListener {
 public:
    explicit ClientListener(ClientServices services);

    // Binds and begins to accept; the error names the endpoint.
    [[nodiscard]] absl::Status start(const reactor::Endpoint& endpoint);
    // From now on nobody is accepted, and connections end after the replies that are due (stop() does not wait for
    // those).
    void finish();
    // After finish(): all due replies are with the kernel.
    [[nodiscard]] bool has_finished() const;
    reactor::Task<void> stop();

    [[nodiscard]] uint16_t port() const { return port_; }
    [[nodiscard]] size_t connection_count() const { return connections_.size(); }
    void visit(const std::function<void(ClientState&)>& visit);
    bool close_client(uint64_t client_id);
    void check_timeouts(uint64_t now_ns);
    // While the budget of buffers is spent: closes clients, those that take the most of it first, and those that said
    // CLIENT NO-EVICT ON last.
    void make_room();
    // The same while half of it is in use and reads wait for that (Gateway::reads_wait_for_buffers), of clients
    // that have taken nothing of their replies for a second or more: who does not read must not stop who does.
    void make_room_for_waiting(uint64_t now_ns);
    void limits_changed();

 private:
    [[nodiscard]] std::vector<ClientConnection*> heaviest_first() const;
    reactor::Task<void> accept_clients();
    reactor::Task<void> serve(std::unique_ptr<ClientConnection> connection);
    reactor::Task<void> reject(reactor::Handle socket, std::string reply);
    void set_keepalive(reactor::Handle socket);

    ClientServices services_;
    reactor::Handle listener_ = reactor::kNoHandle;
    uint16_t port_ = 0;
    uint32_t keepalive_s_ = 0;  // of the listening socket
    std::unique_ptr<reactor::AcceptStream> accepts_;
    reactor::TaskScope tasks_;
    absl::btree_map<uint64_t, ClientConnection*> connections_;  // visited in order of arrival
    uint64_t next_client_id_ = 1;
};

}  // namespace kvorum::redis
