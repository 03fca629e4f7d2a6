#include "tests/peers/fake_network.h"

#include <algorithm>
#include <cerrno>

#include "base/assert.h"

namespace kvorum::peers::test {

using reactor::Handle;
using reactor::IoCode;
using reactor::IoCompletion;

void FakeNetwork::submit(reactor::IoOp& op) {
    KVORUM_ASSERT(!op.in_flight);
    op.in_flight = true;
    operations_.push_back({&op, false});
}

void FakeNetwork::cancel(reactor::IoOp& op) {
    for (Operation& operation : operations_) {
        if (operation.op == &op) operation.cancelled = true;
    }
}

void FakeNetwork::poll(uint64_t wait_until_ns) {
    if (progress() || wait_until_ns <= now_ns_) return;
    KVORUM_ASSERT(wait_until_ns != UINT64_MAX, "nothing will ever happen");
    now_ns_ = wait_until_ns;
}

bool FakeNetwork::progress() {
    // One completion each, over a snapshot: what completions make possible comes with the next poll.
    bool any = false;
    const std::vector<Operation> snapshot = operations_;
    for (const Operation& entry : snapshot) {
        const auto found = std::find_if(operations_.begin(), operations_.end(),
                                        [&entry](const Operation& o) { return o.op == entry.op; });
        if (found == operations_.end()) continue;
        const std::optional<IoCompletion> completion = attempt(*found);
        if (!completion) continue;
        any = true;
        if (!completion->more) {
            entry.op->in_flight = false;
            operations_.erase(found);
        }
        entry.op->on_completion(*completion);
    }
    return any;
}

std::optional<IoCompletion> FakeNetwork::attempt(Operation& operation) {
    const reactor::IoOp& op = *operation.op;
    if (operation.cancelled) return IoCompletion{.result = -ECANCELED};
    if (op.code == IoCode::kConnect) return attempt_connect(op);
    const auto found = sockets_.find(op.handle);
    KVORUM_ASSERT(found != sockets_.end(), "operation on a closed socket");
    switch (op.code) {
        case IoCode::kAccept: return attempt_accept(found->second);
        case IoCode::kSend: return attempt_send(op);
        case IoCode::kReceive: return attempt_receive(found->second);
        case IoCode::kClose: close_socket(op.handle); return IoCompletion{.result = 0};
        default: KVORUM_ASSERT(false, "operation {}", static_cast<int>(op.code));
    }
    return std::nullopt;
}

std::optional<IoCompletion> FakeNetwork::attempt_connect(const reactor::IoOp& op) {
    if (connects_hang) return std::nullopt;
    for (auto& [handle, listener] : sockets_) {
        if (listener.listening_port == 0 || listener.listening_port != op.endpoint->port) continue;
        const Handle near = next_handle_++;
        const Handle far = next_handle_++;
        sockets_[near].other = far;
        sockets_[far].other = near;
        listener.accepted.push_back(far);
        return IoCompletion{.result = near};
    }
    return IoCompletion{.result = -ECONNREFUSED};
}

std::optional<IoCompletion> FakeNetwork::attempt_accept(Socket& listener) {
    if (accept_error != 0) return IoCompletion{.result = std::exchange(accept_error, 0)};
    if (listener.accepted.empty()) return std::nullopt;
    const Handle accepted = listener.accepted.front();
    listener.accepted.pop_front();
    return IoCompletion{.result = accepted, .more = true};
}

std::optional<IoCompletion> FakeNetwork::attempt_send(const reactor::IoOp& op) {
    const Socket& socket = sockets_.at(op.handle);
    if (socket.other_closed) return IoCompletion{.result = -EPIPE};
    std::deque<char>& inbox = sockets_.at(socket.other).inbox;
    uint64_t room =
        inbox.size() >= socket_buffer_bytes ? 0 : std::min(socket_buffer_bytes - inbox.size(), send_bytes_max);
    if (room == 0) return std::nullopt;
    int32_t sent = 0;
    for (uint32_t i = 0; i < op.iov_count && room > 0; ++i) {
        const auto* bytes = static_cast<const char*>(op.iov[i].iov_base);
        const uint64_t size = std::min<uint64_t>(room, op.iov[i].iov_len);
        inbox.insert(inbox.end(), bytes, bytes + size);
        room -= size;
        sent += static_cast<int32_t>(size);
    }
    ++sends_;
    most_pieces_ = std::max(most_pieces_, op.iov_count);
    if (send_fails) return IoCompletion{.result = -ECONNRESET};
    return IoCompletion{.result = sent};
}

std::optional<IoCompletion> FakeNetwork::attempt_receive(Socket& socket) {
    if (receivers_sleep) return std::nullopt;
    if (socket.inbox.empty()) return socket.other_closed ? std::optional(IoCompletion{.result = 0}) : std::nullopt;
    const size_t size = std::min<uint64_t>(socket.inbox.size(), receive_bytes_max);
    const uint16_t id = next_buffer_++;
    const auto end = socket.inbox.begin() + static_cast<std::ptrdiff_t>(size);
    buffers_[id] = std::make_unique<std::vector<char>>(socket.inbox.begin(), end);
    socket.inbox.erase(socket.inbox.begin(), end);
    return IoCompletion{.result = static_cast<int32_t>(size), .more = true, .has_buffer = true, .buffer_id = id};
}

Bytes FakeNetwork::receive_buffer(uint16_t buffer_id, uint64_t length_bytes) {
    return as_bytes({buffers_.at(buffer_id)->data(), length_bytes});
}

// Freed, so that a view kept too long is found by AddressSanitizer.
void FakeNetwork::release_receive_buffer(uint16_t buffer_id) { KVORUM_ASSERT(buffers_.erase(buffer_id) == 1); }

absl::StatusOr<Handle> FakeNetwork::listen(const reactor::Endpoint& endpoint) {
    const Handle handle = next_handle_++;
    sockets_[handle].listening_port = endpoint.port;
    return handle;
}

uint16_t FakeNetwork::local_port(Handle handle) { return sockets_.at(handle).listening_port; }

void FakeNetwork::shutdown_socket(Handle handle) {
    Socket& socket = sockets_.at(handle);
    socket.other_closed = true;
    if (const auto other = sockets_.find(socket.other); other != sockets_.end()) other->second.other_closed = true;
}

void FakeNetwork::shutdown_output(Handle handle) {
    if (const auto other = sockets_.find(sockets_.at(handle).other); other != sockets_.end())
        other->second.other_closed = true;
}

void FakeNetwork::close_socket(Handle handle) {
    for (const Operation& operation : operations_) {
        KVORUM_ASSERT(operation.op->handle != handle || operation.op->code == IoCode::kClose,
                      "socket closed under an operation");
    }
    const Socket closed = std::move(sockets_.at(handle));
    sockets_.erase(handle);
    if (const auto other = sockets_.find(closed.other); other != sockets_.end()) other->second.other_closed = true;
    for (const Handle untaken : closed.accepted)
        close_socket(untaken);
}

void FakeNetwork::halt(std::string reason) { KVORUM_ASSERT(false, "{}", reason); }

}  // namespace kvorum::peers::test
