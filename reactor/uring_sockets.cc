// Addresses and the socket calls that need no ring.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "reactor/uring_backend.h"
#include "reactor/uring_resolver.h"

namespace kvorum::reactor {
namespace {

constexpr int kListenBacklog = 4096;  // capped by net.core.somaxconn
constexpr int kUnacknowledgedMsMax = 5000;
constexpr int kKeepaliveProbes = 3;
// What a client does not read should wait in our buffers, which have a budget: thousands of such clients would fill the
// memory that the kernel has for all sockets together, and then it drops the packets of all (tcp_mem).
constexpr int kUnsentBytesMax = 128 * 1024;
constexpr uint32_t kKeepaliveSMax = 32767;  // of the kernel

void set_option(int socket, int level, int option, int value = 1) {
    const int result = setsockopt(socket, level, option, &value, sizeof(value));
    KVORUM_ASSERT(result == 0, "setsockopt {} {}: errno {}", level, option, errno);
}

// No assertion: the connection may be over already.
void try_option(int socket, int level, int option, uint32_t value) {
    const int result = setsockopt(socket, level, option, &value, sizeof(value));
    maybe(result != 0);
}

// As Redis does: silence for `after_s`, then three probes within as long again. Returns when it is given up, after the
// last byte came.
uint32_t set_probes(int socket, uint32_t after_s) {
    const uint32_t idle_s = std::min(after_s, kKeepaliveSMax);
    const uint32_t interval_s = std::max(1U, idle_s / kKeepaliveProbes);
    try_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    try_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
    try_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, interval_s);
    try_option(socket, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
    return idle_s + kKeepaliveProbes * interval_s;
}

absl::Status listen_error(const Endpoint& endpoint, const char* call, int error) {
    const std::string text =
        fmt::format("cannot listen on {}: {}: {}", endpoint.to_string(), call, std::strerror(error));
    if (error == EADDRINUSE) return absl::AlreadyExistsError(text + ": another process listens there");
    if (error == EACCES) return absl::PermissionDeniedError(text + ": ports below 1024 need CAP_NET_BIND_SERVICE");
    return absl::InternalError(text);
}

uint16_t port_of(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

bool UringBackend::find_address(Slot& slot) {
    const Endpoint& endpoint = *slot.op->endpoint;
    ResolvedAddress address = parse_numeric_address(endpoint.host);
    if (!address.found()) {
        const ResolvedAddress* known = resolver_->find(endpoint.host);
        if (known == nullptr) return false;
        address = *known;
        // Asked for again behind the connect that it serves: it may have moved.
        maybe(!slot.asked_for_name && resolver_->ask(endpoint.host));
    }
    address.set_port(endpoint.port);
    if (slot.address == nullptr) slot.address = std::make_unique<sockaddr_storage>();
    *slot.address = address.storage;
    return true;
}

int UringBackend::open_connecting(Slot& slot) {
    const int socket = ::socket(slot.address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return errno;
    set_option(socket, IPPROTO_TCP, TCP_NODELAY);
    // Else the kernel goes on for about 15 minutes.
    set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnacknowledgedMsMax);
    // A connection over which nothing is sent would never notice.
    set_probes(socket, kUnacknowledgedMsMax / 1000);
    slot.connecting = socket;
    return 0;
}

bool UringBackend::ask_for_address(uint32_t slot_index) {
    if (!resolver_->ask(slots_[slot_index].op->endpoint->host)) return false;
    slots_[slot_index].state = SlotState::kResolving;
    slots_[slot_index].asked_for_name = true;
    resolving_.push_back(slot_index);
    return true;
}

void UringBackend::take_resolved_names() {
    for (const std::string& host : resolver_->take_answered()) {
        const bool is_known = resolver_->find(host) != nullptr;
        const auto waits = [&](uint32_t slot_index) { return slots_[slot_index].op->endpoint->host == host; };
        for (const uint32_t slot_index : resolving_) {
            if (!waits(slot_index)) continue;
            if (is_known) {
                requeue(slot_index);
            } else {
                finish_later(slot_index, -EHOSTUNREACH);
            }
        }
        std::erase_if(resolving_, waits);
    }
}

absl::StatusOr<Handle> UringBackend::listen(const Endpoint& endpoint) {
    ResolvedAddress resolved = parse_numeric_address(endpoint.host);
    if (!resolved.found()) resolved = look_up_name(endpoint.host, /*passive=*/true);
    if (!resolved.found()) {
        return absl::InvalidArgumentError(fmt::format("cannot resolve {}: {}", endpoint.to_string(), resolved.error));
    }
    resolved.set_port(endpoint.port);
    const int socket = ::socket(resolved.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket < 0) return listen_error(endpoint, "socket", errno);
    set_option(socket, SOL_SOCKET, SO_REUSEADDR);
    // Accepted sockets inherit it from the listener, which saves a system call for each.
    set_option(socket, IPPROTO_TCP, TCP_NODELAY);
    set_option(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytesMax);
    const char* call = "bind";
    int result = ::bind(socket, reinterpret_cast<const sockaddr*>(&resolved.storage), resolved.length);
    if (result == 0) {
        call = "listen";
        result = ::listen(socket, kListenBacklog);
    }
    if (result == 0) return socket;
    const int error = errno;
    ::close(socket);
    return listen_error(endpoint, call, error);
}

// Accepted sockets stay blocking: with O_NONBLOCK a send that must wait would fail with -EAGAIN instead of being
// polled.
int32_t UringBackend::accept_connection(Handle listener) {
    const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    return connection >= 0 ? connection : -errno;
}

uint16_t UringBackend::local_port(Handle handle) {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    if (getsockname(handle, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
    return port_of(address);
}

std::string UringBackend::peer_address(Handle handle) {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    if (getpeername(handle, reinterpret_cast<sockaddr*>(&address), &length) != 0) return "unknown";
    std::array<char, NI_MAXHOST> host{};
    const int result = getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, host.data(), host.size(),
                                   nullptr, 0, NI_NUMERICHOST);
    if (result != 0) return "unknown";
    return Endpoint{.host = host.data(), .port = port_of(address)}.to_string();
}

void UringBackend::set_keepalive(Handle handle, uint32_t after_s) {
    if (after_s == 0) {
        try_option(handle, SOL_SOCKET, SO_KEEPALIVE, 0);
        try_option(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
        return;
    }
    const uint32_t given_up_s = set_probes(handle, after_s);
    // Nobody is probed who has not acknowledged what was sent: the kernel goes on sending that for 15 minutes.
    try_option(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, given_up_s * 1000);
}

void UringBackend::shutdown_output(Handle handle) {
    const int result = ::shutdown(handle, SHUT_WR);
    maybe(result != 0);
}

void UringBackend::shutdown_socket(Handle handle) {
    // ENOTCONN when the peer was faster.
    const int result = ::shutdown(handle, SHUT_RDWR);
    maybe(result != 0);
}

}  // namespace kvorum::reactor
