// Addresses and the socket calls that need no ring.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "base/log.h"
#include "reactor/uring_backend.h"

namespace kvorum::reactor {
namespace {

constexpr int kListenBacklog = 4096;  // capped by net.core.somaxconn
constexpr int kUnacknowledgedMsMax = 5000;

struct Resolved {
    sockaddr_storage address{};
    socklen_t length = 0;
    std::string error;  // empty = resolved
};

// A numeric address first, because that never leaves the process.
Resolved resolve(const Endpoint& endpoint, int flags) {
    Resolved resolved;
    const std::string port = fmt::format("{}", endpoint.port);
    for (const int numeric : {AI_NUMERICHOST, 0}) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = flags | numeric | AI_NUMERICSERV;
        addrinfo* found = nullptr;
        const int result = getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
        if (result != 0) {
            resolved.error = gai_strerror(result);
            continue;
        }
        KVORUM_ASSERT(found->ai_addrlen <= sizeof(resolved.address));
        std::memcpy(&resolved.address, found->ai_addr, found->ai_addrlen);
        resolved.length = found->ai_addrlen;
        resolved.error.clear();
        freeaddrinfo(found);
        break;
    }
    return resolved;
}

void set_option(int socket, int level, int option, int value = 1) {
    const int result = setsockopt(socket, level, option, &value, sizeof(value));
    KVORUM_ASSERT(result == 0, "setsockopt {} {}: errno {}", level, option, errno);
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

int UringBackend::open_connecting(Slot& slot) {
    const Endpoint& endpoint = *slot.op->endpoint;
    const Resolved resolved = resolve(endpoint, 0);
    if (!resolved.error.empty()) {
        KVORUM_LOG(kDebug, "cannot resolve {}: {}", endpoint.to_string(), resolved.error);
        return EHOSTUNREACH;
    }
    const int socket = ::socket(resolved.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return errno;
    set_option(socket, IPPROTO_TCP, TCP_NODELAY);
    // Else the kernel goes on for about 15 minutes.
    set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnacknowledgedMsMax);
    slot.connecting = socket;
    if (slot.address == nullptr) slot.address = std::make_unique<sockaddr_storage>();
    *slot.address = resolved.address;
    return 0;
}

absl::StatusOr<Handle> UringBackend::listen(const Endpoint& endpoint) {
    const Resolved resolved = resolve(endpoint, AI_PASSIVE);
    if (!resolved.error.empty()) {
        return absl::InvalidArgumentError(fmt::format("cannot resolve {}: {}", endpoint.to_string(), resolved.error));
    }
    const int socket = ::socket(resolved.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return listen_error(endpoint, "socket", errno);
    set_option(socket, SOL_SOCKET, SO_REUSEADDR);
    // Accepted sockets inherit it from the listener, which saves a system call for each.
    set_option(socket, IPPROTO_TCP, TCP_NODELAY);
    const char* call = "bind";
    int result = ::bind(socket, reinterpret_cast<const sockaddr*>(&resolved.address), resolved.length);
    if (result == 0) {
        call = "listen";
        result = ::listen(socket, kListenBacklog);
    }
    if (result == 0) return socket;
    const int error = errno;
    ::close(socket);
    return listen_error(endpoint, call, error);
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

void UringBackend::shutdown_socket(Handle handle) {
    // ENOTCONN when the peer was faster.
    const int result = ::shutdown(handle, SHUT_RDWR);
    maybe(result != 0);
}

}  // namespace kvorum::reactor
