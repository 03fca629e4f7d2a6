#include "redis/client_listener.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/log.h"

namespace kvorum::redis {
namespace {

constexpr std::string_view kTooManyClients = "-ERR max number of clients reached\r\n";
constexpr std::string_view kDenied =
    "-DENIED This node is in protected mode: no password is set, so it serves only clients of its own machine. From "
    "there, on every node of the cluster, either set a password (CONFIG SET requirepass <password>, and the option "
    "requirepass to keep it over a restart), or, if nobody but friends can reach this port, switch the mode off "
    "(CONFIG SET protected-mode no, or --protected-mode no).\r\n";
constexpr uint64_t kAcceptRetryNs = 100 * kMillisecondNs;

}  // namespace

ClientListener::ClientListener(ClientServices services) : services_(services), tasks_(services.reactor) {}

absl::Status ClientListener::start(const reactor::Endpoint& endpoint) {
    absl::StatusOr<reactor::Handle> listener = services_.reactor.backend().listen(endpoint);
    if (!listener.ok()) return listener.status();
    listener_ = *listener;
    set_keepalive(listener_);
    port_ = services_.reactor.backend().local_port(listener_);
    accepts_ = std::make_unique<reactor::AcceptStream>(services_.reactor, listener_);
    tasks_.spawn(accept_clients());
    return absl::OkStatus();
}

reactor::Task<void> ClientListener::accept_clients() {
    while (!tasks_.stop_requested()) {
        const int32_t result = co_await accepts_->next(tasks_.stop_token());
        if (result == -ECANCELED) break;
        if (result < 0) {
            KVORUM_LOG(kWarn, "cannot accept a client: error {}{}", -result,
                       result == -EMFILE || result == -ENFILE ? " (out of file descriptors: raise ulimit -n)" : "");
            // The descriptors that are missing now come back when clients leave; trying at once would only spin.
            const bool slept = co_await services_.reactor.sleep_for(kAcceptRetryNs, tasks_.stop_token());
            if (!slept) break;
            continue;
        }
        // Accepted sockets inherit the listener's.
        if (keepalive_s_ != services_.limits.tcp_keepalive_s) {
            set_keepalive(listener_);
            set_keepalive(result);
        }
        ++services_.counters.connections_received;
        if (connections_.size() >= services_.limits.clients_max) {
            ++services_.counters.connections_rejected;
            tasks_.spawn(reject(result, std::string(kTooManyClients)));
            continue;
        }
        if (const std::string address = services_.reactor.backend().peer_address(result);
            !services_.access.admits(address)) {
            ++services_.counters.connections_rejected;
            KVORUM_LOG(kWarn, "client {} refused: protected mode is on and no password is set", address);
            tasks_.spawn(reject(result, std::string(kDenied)));
            continue;
        }
        const uint64_t id = next_client_id_++;
        auto connection = std::make_unique<ClientConnection>(services_, result, id);
        connections_.emplace(id, connection.get());
        tasks_.spawn(serve(std::move(connection)));
        services_.reactor.work().add(TurnPart::kOther, kConnectionWork);
        if (services_.reactor.work().used_up()) {
            co_await services_.reactor.yield();
        }
    }
}

void ClientListener::set_keepalive(reactor::Handle socket) {
    keepalive_s_ = services_.limits.tcp_keepalive_s;
    services_.reactor.backend().set_keepalive(socket, keepalive_s_);
}

reactor::Task<void> ClientListener::serve(std::unique_ptr<ClientConnection> connection) {
    const uint64_t id = connection->id();
    co_await connection->serve();
    connections_.erase(id);
}

reactor::Task<void> ClientListener::reject(reactor::Handle socket, std::string reply) {
    std::array<iovec, 1> pieces{iovec{reply.data(), reply.size()}};
    const int32_t sent = co_await services_.reactor.send(socket, pieces, tasks_.stop_token());
    maybe(sent < 0);  // a client that is gone already needs no explanation
    const int32_t closed = co_await services_.reactor.close(socket);
    maybe(closed < 0);
}

void ClientListener::finish() {
    tasks_.request_stop();
    for (const auto& [id, connection] : connections_)
        connection->close_after_replies();
}

bool ClientListener::has_finished() const {
    return std::all_of(connections_.begin(), connections_.end(),
                       [](const auto& item) { return item.second->is_finished(); });
}

reactor::Task<void> ClientListener::stop() {
    tasks_.request_stop();
    for (const auto& [id, connection] : connections_)
        connection->close_now();
    co_await tasks_.join();
    if (accepts_ != nullptr) co_await accepts_->close();
    if (listener_ == reactor::kNoHandle) co_return;
    const int32_t closed = co_await services_.reactor.close(listener_);
    maybe(closed < 0);
}

void ClientListener::visit(const std::function<void(ClientState&)>& visit) {
    for (const auto& [id, connection] : connections_)
        visit(connection->state());
}

bool ClientListener::close_client(uint64_t client_id) {
    const auto it = connections_.find(client_id);
    if (it == connections_.end()) return false;
    it->second->close_now();
    return true;
}

void ClientListener::limits_changed() {
    for (const auto& [id, connection] : connections_)
        connection->limits_changed();
}

std::vector<ClientConnection*> ClientListener::heaviest_first() const {
    std::vector<ClientConnection*> heaviest;
    heaviest.reserve(connections_.size());
    for (const auto& [id, connection] : connections_) {
        if (!connection->is_evicted()) heaviest.push_back(connection);
    }
    std::sort(heaviest.begin(), heaviest.end(), [](const ClientConnection* a, const ClientConnection* b) {
        const bool a_stays = a->is_evicted_last();
        const bool b_stays = b->is_evicted_last();
        if (a_stays != b_stays) return b_stays;
        return a->buffer_bytes() != b->buffer_bytes() ? a->buffer_bytes() > b->buffer_bytes() : a->id() < b->id();
    });
    return heaviest;
}

void ClientListener::make_room() {
    // Whoever takes less than its part of half of it is not what fills it: forwarded sessions and links are.
    const uint64_t part_bytes = services_.buffers.limit_bytes() / 2 / std::max<size_t>(connections_.size(), 1);
    for (ClientConnection* connection : heaviest_first()) {
        if (!services_.buffers.needs_room()) return;
        if (connection->buffer_bytes() > part_bytes) connection->evict();
    }
}

void ClientListener::make_room_for_waiting(uint64_t now_ns) {
    for (ClientConnection* connection : heaviest_first()) {
        if (!services_.buffers.is_half_spent()) return;
        if (connection->takes_nothing(now_ns)) connection->evict();
    }
}

void ClientListener::check_timeouts(uint64_t now_ns) {
    for (const auto& [id, connection] : connections_)
        connection->check_timeouts(now_ns);
}

}  // namespace kvorum::redis
