#include "sim/network.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace kvorum::sim {
namespace {

constexpr uint64_t kRetransmitNs = 200 * kMillisecondNs;

}  // namespace

Network::Network(EventQueue& events, Trace& trace, uint64_t seed, NetworkConfig config, HostId nodes_max)
    : events_(events), trace_(trace), random_(seed), config_(config), nodes_max_(nodes_max) {
    sockets_.emplace_back();  // kNoSocket
}

// --- hosts ---

void Network::host_up(HostId host, SocketEvents& events) {
    Host& state = hosts_[host];
    KVORUM_ASSERT(state.events == nullptr && state.ports.empty(), "host {} is up", host);
    state.events = &events;
    state.powered = true;
}

void Network::host_down(HostId host, Death death) {
    Host& state = hosts_[host];
    state.events = nullptr;
    state.powered = death == Death::kProcess;
    state.ports.clear();
    const std::set<SocketId> sockets = state.sockets;
    for (const SocketId id : sockets) {
        Socket& socket = *find(id);
        socket.open = false;
        if (death == Death::kPower) {
            socket.outgoing.clear();
            socket.outgoing_bytes = 0;
            forget(id);
        } else if (socket.connecting) {
            forget(id);
        } else {
            send_segment(id, Segment::Kind::kReset, {});
        }
    }
}

void Network::listen(HostId host, uint16_t port) { hosts_[host].ports.insert(port); }
void Network::unlisten(HostId host, uint16_t port) { hosts_[host].ports.erase(port); }

// --- sockets ---

SocketId Network::add_socket(HostId host, HostId remote, uint16_t port) {
    auto socket = std::make_unique<Socket>();
    socket->host = host;
    socket->remote = remote;
    socket->port = port;
    sockets_.push_back(std::move(socket));
    const auto id = static_cast<SocketId>(sockets_.size() - 1);
    hosts_[host].sockets.insert(id);
    return id;
}

void Network::forget(SocketId id) {
    hosts_[sockets_[id]->host].sockets.erase(id);
    sockets_[id].reset();
}

uint64_t Network::draw_delay_ns(HostId from, HostId to) {
    uint64_t delay_ns = config_.delay_ns_min + random_.below(config_.delay_ns_spread + 1);
    if (config_.slow_one_in > 0 && random_.chance(1, config_.slow_one_in))
        delay_ns += random_.below(config_.slow_ns + 1);
    if (const auto extra = extra_delay_ns_.find({from, to}); extra != extra_delay_ns_.end()) delay_ns += extra->second;
    return delay_ns;
}

SocketId Network::connect(HostId from, HostId to, uint16_t port) {
    const SocketId id = add_socket(from, to, port);
    find(id)->connecting = true;
    ++stats_.connects;
    events_.after(draw_delay_ns(from, to), [this, id] { arrive_syn(id, 0); });
    return id;
}

void Network::retry_syn(SocketId id, uint64_t attempt) {
    events_.after((attempt + 1) * kRetransmitNs, [this, id, attempt] { arrive_syn(id, attempt + 1); });
}

void Network::arrive_syn(SocketId id, uint64_t attempt) {
    Socket* socket = find(id);
    if (socket == nullptr || !socket->connecting) return;
    Host& target = hosts_[socket->remote];
    if (is_blocked(socket->host, socket->remote) || !target.powered) {
        retry_syn(id, attempt);
        return;
    }
    const HostId from = socket->host;
    const HostId to = socket->remote;
    if (target.events == nullptr || !target.ports.contains(socket->port)) {
        if (is_blocked(to, from)) {
            retry_syn(id, attempt);
        } else {
            events_.after(draw_delay_ns(to, from), [this, id] { arrive_syn_answer(id, -ECONNREFUSED, kNoSocket); });
        }
        return;
    }
    // The answer may be lost: then the far side has a connection of which the near side never hears.
    const SocketId far = add_socket(to, from, socket->port);
    sockets_[far]->other = id;
    target.events->on_accepted(sockets_[id]->port, far);
    if (is_blocked(to, from)) {
        retry_syn(id, attempt);
    } else {
        events_.after(draw_delay_ns(to, from), [this, id, far] { arrive_syn_answer(id, 0, far); });
    }
}

void Network::arrive_syn_answer(SocketId id, int32_t result, SocketId far) {
    Socket* socket = find(id);
    if (socket == nullptr || !socket->connecting) return;
    socket->connecting = false;
    SocketEvents* events = hosts_[socket->host].events;
    if (result < 0) {
        forget(id);
    } else {
        socket->other = far;
    }
    if (events != nullptr) events->on_connected(id, result);
}

int64_t Network::send(SocketId id, Bytes bytes) {
    Socket& socket = *sockets_[id];
    if (socket.reset) return -ECONNRESET;
    if (socket.shut) return -EPIPE;
    const Socket* other = find(socket.other);
    const uint64_t unread = other == nullptr ? 0 : other->inbox.size() - other->inbox_taken;
    const uint64_t used = socket.outgoing_bytes + unread;
    const uint64_t room = used >= config_.socket_buffer_bytes ? 0 : config_.socket_buffer_bytes - used;
    const uint64_t length = std::min<uint64_t>(room, bytes.size());
    if (length == 0) {
        if (!std::exchange(socket.wants_room, true)) ask_for_room(id);
        return 0;
    }
    const std::string_view text = as_text(bytes.first(length));
    for (uint64_t done = 0; done < length;) {
        const uint64_t piece = std::min(length - done, config_.segment_bytes_max);
        send_segment(id, Segment::Kind::kData, std::string(text.substr(done, piece)));
        done += piece;
    }
    return static_cast<int64_t>(length);
}

// TCP's persist timer: who waits for room at a side that no longer knows the connection gets to send, and learns it.
void Network::ask_for_room(SocketId id) {
    events_.after(kRetransmitNs, [this, id] {
        const Socket* socket = find(id);
        if (socket == nullptr || !socket->wants_room) return;
        const Socket* other = find(socket->other);
        const bool known = other != nullptr && other->open && other->other == id;
        if (known) {
            ask_for_room(id);
        } else {
            notify_writable(id);
        }
    });
}

void Network::send_segment(SocketId id, Segment::Kind kind, std::string bytes) {
    Socket& socket = *sockets_[id];
    if (socket.end_sent) return;
    socket.end_sent = kind != Segment::Kind::kData;
    socket.last_due_ns = std::max(socket.last_due_ns, events_.now_ns() + draw_delay_ns(socket.host, socket.remote));
    socket.outgoing_bytes += bytes.size();
    socket.outgoing.push_back({kind, socket.last_due_ns, std::move(bytes)});
    schedule_delivery(id);
}

void Network::schedule_delivery(SocketId id) {
    Socket& socket = *sockets_[id];
    if (socket.delivering || socket.outgoing.empty()) return;
    socket.delivering = true;
    events_.at(socket.outgoing.front().due_ns, [this, id] { deliver(id); });
}

void Network::deliver(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr) return;
    socket->delivering = false;
    if (socket->outgoing.empty()) return;
    if (is_blocked(socket->host, socket->remote)) {
        ++stats_.held_back;
        return;  // set_blocked() goes on with it
    }
    if (is_unanswered(*socket, id)) {
        // Nothing takes it and nothing says so: TCP sends it again.
        socket->delivering = true;
        events_.after(kRetransmitNs, [this, id] { deliver(id); });
        return;
    }
    Segment segment = std::move(socket->outgoing.front());
    socket->outgoing.pop_front();
    socket->outgoing_bytes -= segment.bytes.size();
    schedule_delivery(id);
    const bool finished = segment.kind != Segment::Kind::kData && !socket->open;
    receive(id, std::move(segment));
    if (finished && find(id) != nullptr) forget(id);
}

// Neither taken nor refused: the other host has no power, or it does not know the connection and cannot say so.
bool Network::is_unanswered(const Socket& socket, SocketId id) {
    if (socket.outgoing.front().kind == Segment::Kind::kReset) return false;
    if (!hosts_[socket.remote].powered) return true;
    const Socket* other = find(socket.other);
    const bool known = other != nullptr && other->open && other->other == id;
    return !known && is_blocked(socket.remote, socket.host);
}

void Network::receive(SocketId from, Segment segment) {
    Socket& sender = *sockets_[from];
    Socket* receiver = find(sender.other);
    ++stats_.segments;
    stats_.bytes += segment.bytes.size();
    trace_.note(sender.remote, "segment", sender.host, segment.bytes.size(), static_cast<uint64_t>(segment.kind));
    if (receiver == nullptr || !receiver->open || receiver->other != from) {
        if (segment.kind != Segment::Kind::kReset) answer_with_reset(from);
        return;
    }
    switch (segment.kind) {
        case Segment::Kind::kReset: become_reset(sender.other); return;
        case Segment::Kind::kEnd: receiver->end_received = true; break;
        case Segment::Kind::kData: {
            const bool between_nodes = sender.host <= nodes_max_ && sender.remote <= nodes_max_;
            if (between_nodes && config_.corrupt_one_in > 0 && random_.chance(1, config_.corrupt_one_in)) {
                char& byte = segment.bytes[random_.below(segment.bytes.size())];
                byte = static_cast<char>(byte ^ static_cast<char>(random_.between(1, 255)));
                ++stats_.corrupted;
            }
            receiver->inbox += segment.bytes;
            if (config_.reset_one_in > 0 && random_.chance(1, config_.reset_one_in)) {
                ++stats_.resets;
                const SocketId other = sender.other;
                become_reset(from);
                become_reset(other);
                return;
            }
            break;
        }
    }
    notify_readable(sender.other);
}

void Network::answer_with_reset(SocketId id) {
    Socket& socket = *sockets_[id];
    events_.after(draw_delay_ns(socket.remote, socket.host), [this, id] { become_reset(id); });
}

void Network::become_reset(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr) return;
    if (!socket->open) {
        forget(id);
        return;
    }
    if (socket->reset) return;
    socket->reset = true;
    socket->end_sent = true;
    socket->outgoing.clear();
    socket->outgoing_bytes = 0;
    socket->inbox.clear();
    socket->inbox_taken = 0;
    notify_readable(id);
    notify_writable(id);
}

void Network::notify_readable(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || !socket->open) return;
    if (SocketEvents* events = hosts_[socket->host].events; events != nullptr) events->on_readable(id);
}

void Network::notify_writable(SocketId id) {
    Socket* socket = find(id);
    if (socket == nullptr || !socket->open || !socket->wants_room) return;
    socket->wants_room = false;
    if (SocketEvents* events = hosts_[socket->host].events; events != nullptr) events->on_writable(id);
}

size_t Network::readable_bytes(SocketId id) const { return sockets_[id]->inbox.size() - sockets_[id]->inbox_taken; }

std::string Network::read(SocketId id, size_t bytes_max) {
    Socket& socket = *sockets_[id];
    std::string bytes = socket.inbox.substr(socket.inbox_taken, bytes_max);
    socket.inbox_taken += bytes.size();
    if (socket.inbox_taken == socket.inbox.size()) {
        socket.inbox.clear();
        socket.inbox_taken = 0;
    }
    const SocketId other = socket.other;
    if (const Socket* sender = find(other); sender != nullptr && sender->wants_room) {
        events_.after(config_.delay_ns_min, [this, other] { notify_writable(other); });
    }
    return bytes;
}

bool Network::at_end(SocketId id) const {
    const Socket& socket = *sockets_[id];
    return socket.shut || (socket.end_received && readable_bytes(id) == 0);
}
bool Network::was_reset(SocketId id) const { return sockets_[id]->reset; }

void Network::shut_down(SocketId id) {
    Socket& socket = *sockets_[id];
    if (socket.shut || socket.reset) return;
    socket.shut = true;
    send_segment(id, Segment::Kind::kEnd, {});
    events_.after(0, [this, id] {
        notify_readable(id);
        notify_writable(id);
    });
}

void Network::shut_down_output(SocketId id) {
    const Socket& socket = *sockets_[id];
    if (!socket.shut && !socket.reset) send_segment(id, Segment::Kind::kEnd, {});
}

void Network::close(SocketId id) {
    Socket& socket = *sockets_[id];
    const bool unread = readable_bytes(id) > 0;
    socket.open = false;
    if (socket.connecting || socket.reset) {
        forget(id);
        return;
    }
    // A program that closes with bytes unread cuts the stream off (RFC 2525, 2.17).
    send_segment(id, unread ? Segment::Kind::kReset : Segment::Kind::kEnd, {});
    // The end was sent by shut_down() and has arrived already.
    if (socket.outgoing.empty()) forget(id);
}

// --- weather ---

void Network::set_blocked(HostId from, HostId to, bool blocked) {
    if (blocked) {
        blocked_.insert({from, to});
        return;
    }
    if (blocked_.erase({from, to}) == 0) return;
    for (const SocketId id : hosts_[from].sockets) {
        Socket& socket = *sockets_[id];
        if (socket.remote != to || socket.outgoing.empty() || socket.delivering) continue;
        // TCP notices when its next retransmission comes through.
        const uint64_t due_ns = events_.now_ns() + draw_delay_ns(from, to) + random_.below(100 * kMillisecondNs);
        for (Segment& segment : socket.outgoing)
            segment.due_ns = std::max(segment.due_ns, due_ns);
        socket.last_due_ns = std::max(socket.last_due_ns, due_ns);
        schedule_delivery(id);
    }
}

void Network::unblock_all() {
    const std::set<std::pair<HostId, HostId>> blocked = blocked_;
    for (const auto& [from, to] : blocked)
        set_blocked(from, to, false);
}

void Network::reset_connections(HostId a, HostId b) {
    lose_connections(a, b);
    lose_connections(b, a);
}

void Network::lose_connections(HostId loser, HostId keeper) {
    const std::set<SocketId> sockets = hosts_[loser].sockets;
    for (const SocketId id : sockets) {
        const Socket* socket = find(id);
        if (socket == nullptr || socket->remote != keeper || socket->connecting) continue;
        ++stats_.resets;
        become_reset(id);
    }
}

void Network::stop_faults() {
    config_.corrupt_one_in = 0;
    config_.reset_one_in = 0;
    config_.slow_one_in = 0;
}

}  // namespace kvorum::sim
