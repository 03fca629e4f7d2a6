#include "tests/nemesis/peer_proxy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace kvorum::nemesis {
namespace {

constexpr int kBacklog = 16;
constexpr size_t kPieceBytesMax = 64UL * 1024;
constexpr size_t kBufferedBytesMax = 256UL * 1024;
constexpr int kIdleWaitMs = 1000;

sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int listen_on(uint16_t port) {
    const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const sockaddr_in address = loopback(port);
    const bool listens = bind(handle, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
                         listen(handle, kBacklog) == 0;
    KVORUM_ASSERT(listens, "port {}: {}", port, std::strerror(errno));
    return handle;
}

void set_no_delay(int handle) {
    const int on = 1;
    setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

size_t waiting_bytes(int handle) {
    int size = 0;
    return handle >= 0 && ioctl(handle, FIONREAD, &size) == 0 ? static_cast<size_t>(size) : 0;
}

}  // namespace

PeerProxy::PeerProxy(uint32_t nodes, const std::function<uint16_t(uint32_t)>& peer_port_of, uint64_t seed)
    : nodes_(nodes), random_(seed), links_(size_t{nodes} * nodes) {
    ports_ = std::make_unique<integration::Ports>(nodes * nodes);
    for (uint32_t from = 1; from <= nodes; ++from) {
        for (uint32_t to = 1; to <= nodes; ++to) {
            if (from == to) continue;
            Link& link = links_[link_of(from, to)];
            link.listener = listen_on(port(from, to));
            link.target_port = peer_port_of(to);
        }
    }
    wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    thread_ = std::thread(&PeerProxy::run, this);
}

PeerProxy::~PeerProxy() {
    stopping_ = true;
    wake();
    thread_.join();
    for (Connection& connection : connections_)
        reset(connection);
    for (const Link& link : links_) {
        if (link.listener >= 0) close(link.listener);
    }
    close(wake_);
}

size_t PeerProxy::link_of(uint32_t from, uint32_t to) const { return size_t{from - 1} * nodes_ + (to - 1); }

uint16_t PeerProxy::port(uint32_t from, uint32_t to) const { return (*ports_)[link_of(from, to)]; }

void PeerProxy::set(uint32_t from, uint32_t to, LinkState state) {
    uint64_t wish = 0;
    {
        const std::lock_guard lock(mutex_);
        links_[link_of(from, to)].wanted = state;
        wish = ++wished_;
    }
    wait_until_taken(wish);
}

void PeerProxy::set_all(LinkState state) {
    uint64_t wish = 0;
    {
        const std::lock_guard lock(mutex_);
        for (Link& link : links_)
            link.wanted = state;
        wish = ++wished_;
    }
    wait_until_taken(wish);
}

void PeerProxy::wait_until_taken(uint64_t wish) {
    wake();
    for (uint64_t taken = taken_.load(); taken < wish; taken = taken_.load())
        taken_.wait(taken);
}

void PeerProxy::wake() {
    const uint64_t one = 1;
    // It fails only when the counter is full, and then the wake-up is under way.
    const ssize_t written = write(wake_, &one, sizeof(one));
    maybe(written < 0);
}

void PeerProxy::take_wishes() {
    uint64_t count = 0;
    const ssize_t size = read(wake_, &count, sizeof(count));
    maybe(size < 0);
    const std::lock_guard lock(mutex_);
    for (Connection& connection : connections_) {
        const Link& link = links_[connection.link];
        if (link.state.mode == LinkMode::kHold && link.wanted.mode != LinkMode::kHold) note_held(connection);
        if (connection.poisoned && link.wanted.mode != LinkMode::kSwallow) reset(connection);
        if (link.state != link.wanted) connection.left_until_cut = link.wanted.cut_after_bytes;
    }
    for (Link& link : links_)
        link.state = link.wanted;
    taken_ = wished_;
    taken_.notify_all();
}

void PeerProxy::note_held(Connection& connection) {
    size_t held = connection.dialled ? 0 : 1;
    for (const Way& way : connection.ways)
        held += waiting_bytes(way.from) + way.buffered_bytes;
    if (held > 0) ++hits_;
}

void PeerProxy::accept_on(size_t link) {
    const int dialler = accept4(links_[link].listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (dialler < 0) return;
    set_no_delay(dialler);
    Connection& connection = connections_.emplace_back();
    connection.link = link;
    connection.left_until_cut = links_[link].state.cut_after_bytes;
    connection.ways[0].from = connection.ways[1].to = dialler;
    if (may_dial(connection)) dial(connection);
}

bool PeerProxy::may_dial(const Connection& connection) const {
    const LinkMode mode = links_[connection.link].state.mode;
    return !connection.dialled && (mode == LinkMode::kPass || mode == LinkMode::kDelay);
}

void PeerProxy::dial(Connection& connection) {
    const int target = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    set_no_delay(target);
    connection.ways[0].to = connection.ways[1].from = target;
    connection.dialled = true;
    const sockaddr_in address = loopback(links_[connection.link].target_port);
    if (connect(target, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 && errno != EINPROGRESS)
        reset(connection);
}

void PeerProxy::reset(Connection& connection) {
    if (connection.dead) return;
    connection.dead = true;
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    for (const Way& way : connection.ways) {
        if (way.from < 0) continue;
        setsockopt(way.from, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(way.from);
    }
}

bool PeerProxy::wants_read(const Connection& connection, const Way& way) const {
    if (way.from < 0 || way.ended) return false;
    const LinkMode mode = links_[connection.link].state.mode;
    if (mode == LinkMode::kSwallow) return true;
    return mode != LinkMode::kHold && connection.dialled && way.buffered_bytes < kBufferedBytesMax;
}

bool PeerProxy::wants_write(const Connection& connection, const Way& way) const {
    if (way.to < 0 || connection.poisoned) return false;
    if (links_[connection.link].state.mode == LinkMode::kHold) return false;
    return !way.pieces.empty() && way.pieces.front().due <= Clock::now();
}

void PeerProxy::read_from(Connection& connection, Way& way) {
    std::string bytes(kPieceBytesMax, '\0');
    const ssize_t size = recv(way.from, bytes.data(), bytes.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) {
        reset(connection);
        return;
    }
    if (size == 0) {
        way.ended = true;
        return;
    }
    bytes.resize(static_cast<size_t>(size));
    const LinkState& state = links_[connection.link].state;
    if (state.mode == LinkMode::kSwallow) {
        connection.poisoned = true;
        ++hits_;
        return;
    }
    Clock::time_point due = Clock::now();
    if (state.mode == LinkMode::kDelay) {
        due += std::chrono::milliseconds(random_.below(2 * static_cast<uint64_t>(state.delay.count()) + 1));
        ++hits_;
    }
    if (!way.pieces.empty()) due = std::max(due, way.pieces.back().due);
    way.buffered_bytes += bytes.size();
    way.pieces.push_back({due, std::move(bytes)});
}

void PeerProxy::write_to(Connection& connection, Way& way) {
    while (!connection.dead && wants_write(connection, way)) {
        std::string& bytes = way.pieces.front().bytes;
        const bool counts = connection.left_until_cut.has_value() && &way == &connection.ways[0];
        const size_t allowed =
            counts ? std::min<size_t>(bytes.size(), static_cast<size_t>(*connection.left_until_cut)) : bytes.size();
        const ssize_t sent = allowed == 0 ? 0 : send(way.to, bytes.data(), allowed, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) return;
        if (sent < 0) {
            reset(connection);
            return;
        }
        way.buffered_bytes -= static_cast<size_t>(sent);
        bytes.erase(0, static_cast<size_t>(sent));
        if (bytes.empty()) way.pieces.pop_front();
        if (!counts) continue;
        *connection.left_until_cut -= static_cast<uint64_t>(sent);
        if (*connection.left_until_cut == 0 && !way.pieces.empty()) {
            ++hits_;
            reset(connection);
        }
    }
    if (way.ended && way.pieces.empty() && !way.passed_end && way.to >= 0) {
        way.passed_end = true;
        shutdown(way.to, SHUT_WR);
    }
}

void PeerProxy::serve(Connection& connection, short dialler_events, short target_events) {
    if (may_dial(connection)) dial(connection);
    constexpr short kReadable = POLLIN | POLLHUP | POLLERR;
    if (!connection.dead && (dialler_events & kReadable) != 0 && wants_read(connection, connection.ways[0]))
        read_from(connection, connection.ways[0]);
    if (!connection.dead && (target_events & kReadable) != 0 && wants_read(connection, connection.ways[1]))
        read_from(connection, connection.ways[1]);
    for (Way& way : connection.ways)
        write_to(connection, way);
    const bool both_ended = connection.ways[0].passed_end && connection.ways[1].passed_end;
    // A dialler that went away before it was let through.
    const bool abandoned = !connection.dialled && connection.ways[0].ended;
    if (both_ended || abandoned) reset(connection);
}

int PeerProxy::wait_ms() const {
    auto wait = std::chrono::milliseconds(kIdleWaitMs);
    const Clock::time_point now = Clock::now();
    for (const Connection& connection : connections_) {
        for (const Way& way : connection.ways) {
            if (way.pieces.empty() || way.pieces.front().due <= now) continue;
            wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(way.pieces.front().due - now));
        }
    }
    return static_cast<int>(wait.count());
}

void PeerProxy::run() {
    while (!stopping_) {
        std::vector<pollfd> polled{{.fd = wake_, .events = POLLIN, .revents = 0}};
        for (const Link& link : links_)
            polled.push_back({.fd = link.listener, .events = POLLIN, .revents = 0});  // -1 is passed over
        const size_t first_connection = polled.size();
        for (const Connection& connection : connections_) {
            const auto& [forth, back] = connection.ways;
            const auto events = [&](const Way& in, const Way& out) {
                return static_cast<short>((wants_read(connection, in) ? POLLIN : 0) |
                                          (wants_write(connection, out) ? POLLOUT : 0));
            };
            // Without a wish, not even an error is reported: it would be reported again and again.
            const short dialler = events(forth, back);
            const short target = events(back, forth);
            polled.push_back({.fd = dialler != 0 ? forth.from : -1, .events = dialler, .revents = 0});
            polled.push_back({.fd = target != 0 ? back.from : -1, .events = target, .revents = 0});
        }
        if (poll(polled.data(), polled.size(), wait_ms()) < 0 && errno != EINTR) return;
        if (polled[0].revents != 0) take_wishes();
        size_t at = first_connection;
        for (Connection& connection : connections_) {
            if (!connection.dead) serve(connection, polled[at].revents, polled[at + 1].revents);
            at += 2;
        }
        connections_.remove_if([](const Connection& connection) { return connection.dead; });
        for (size_t link = 0; link < links_.size(); ++link) {
            if (polled[1 + link].revents != 0) accept_on(link);
        }
    }
}

}  // namespace kvorum::nemesis
