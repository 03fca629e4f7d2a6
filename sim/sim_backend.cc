#include "sim/sim_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/assert.h"

namespace kvorum::sim {

using reactor::Handle;
using reactor::IoCode;
using reactor::IoOp;

namespace {

// Handles of files are small numbers.
constexpr Handle kFirstSocketHandle = 1'000'000;
constexpr Handle kFirstListenerHandle = 100'000'000;
constexpr int64_t kEpochMs = 1'700'000'000'000;
constexpr int64_t kMillion = 1'000'000;

Handle socket_handle(SocketId socket) { return kFirstSocketHandle + static_cast<Handle>(socket); }
SocketId socket_of(Handle handle) { return static_cast<SocketId>(handle - kFirstSocketHandle); }
bool is_listener(Handle handle) { return handle >= kFirstListenerHandle; }
uint16_t port_of(Handle handle) { return static_cast<uint16_t>(handle - kFirstListenerHandle); }

// "node3" is host 3.
HostId host_of(std::string_view name) {
    HostId host = 0;
    if (name.starts_with("node")) std::from_chars(name.data() + 4, name.data() + name.size(), host);
    return host;
}

}  // namespace

// --- clock ---

uint64_t SimClock::monotonic_ns(uint64_t world_ns) const {
    const auto elapsed_ns = static_cast<int64_t>(world_ns - start_ns_);
    return static_cast<uint64_t>(1'000'000 + elapsed_ns + elapsed_ns * config_.drift_ppm / kMillion);
}

uint64_t SimClock::world_ns(uint64_t local_ns) const {
    if (local_ns == UINT64_MAX) return UINT64_MAX;
    const auto elapsed_ns = static_cast<int64_t>(local_ns) - 1'000'000;
    if (elapsed_ns <= 0) return start_ns_;
    auto guess_ns =
        static_cast<uint64_t>(static_cast<double>(elapsed_ns) / (1.0 + static_cast<double>(config_.drift_ppm) / 1e6));
    uint64_t world = start_ns_ + (guess_ns > 4000 ? guess_ns - 4000 : 0);
    while (monotonic_ns(world) < local_ns)
        world += 500;
    return world;
}

int64_t SimClock::wall_ms(uint64_t world_ns) const {
    return kEpochMs + static_cast<int64_t>(world_ns / kMillisecondNs) + config_.wall_offset_ms;
}

// --- life ---

SimBackend::SimBackend(const SimBackendConfig& config, Disk& disk, Network& network, EventQueue& events,
                       const SimClock& clock, std::function<void()> wake)
    : DiskBackend(disk, config.disk),
      config_(config),
      network_(network),
      events_(events),
      clock_(clock),
      wake_(std::move(wake)),
      random_(config_.disk.seed ^ 0x5eed),
      buffers_(config_.receive_buffers) {
    for (uint32_t id = 0; id < config_.receive_buffers; ++id)
        free_buffers_.push_back(static_cast<uint16_t>(id));
    advance_to(events_.now_ns());
}

SimBackend::~SimBackend() {
    KVORUM_ASSERT(staged_.empty() && ready_.empty() && connecting_.empty() && sending_.empty() && receiving_.empty() &&
                      accepting_.empty(),
                  "operations outlive their backend");
}

void SimBackend::halt(std::string reason) {
    DiskBackend::halt(std::move(reason));
    cut_off();
}

void SimBackend::cut_off() {
    if (std::exchange(cut_off_, true)) return;
    cut_off_at_ns_ = clock_.monotonic_ns(events_.now_ns());
    stop_node();
    const auto cancel_all = [this](auto& waiting) {
        for (auto& [key, op] : waiting)
            complete(*op, -ECANCELED);
        waiting.clear();
    };
    for (IoOp* op : staged_)
        complete(*op, -ECANCELED);
    staged_.clear();
    cancel_all(connecting_);
    cancel_all(sending_);
    cancel_all(receiving_);
    cancel_all(accepting_);
    backlog_.clear();
}

void SimBackend::pass_time(uint64_t deadline_ns) {
    KVORUM_ASSERT(cut_off_);
    if (!ready_.empty()) return;
    uint64_t target_ns = deadline_ns;
    if (next_completion_ns() != UINT64_MAX) {
        own_time_ns_ += kMillisecondNs;
        advance_to(std::max(next_completion_ns(), events_.now_ns()));
        return;
    }
    KVORUM_ASSERT(target_ns != UINT64_MAX, "a node that is cut off waits for something that can never happen");
    if (target_ns > monotonic_ns()) own_time_ns_ += target_ns - monotonic_ns();
}

uint64_t SimBackend::monotonic_ns() {
    return cut_off_ ? cut_off_at_ns_ + own_time_ns_ : clock_.monotonic_ns(events_.now_ns());
}
int64_t SimBackend::wall_clock_ms() { return clock_.wall_ms(events_.now_ns()); }

uint64_t SimBackend::next_work_ns() const { return ready_.empty() ? next_completion_ns() : 0; }

void SimBackend::poll(uint64_t /*wait_until_ns*/) {
    // What completes while these are delivered belongs to the next poll.
    size_t count = ready_.size();
    for (; count > 0; --count) {
        const Ready ready = ready_.front();
        ready_.pop_front();
        if (!ready.completion.more) ready.op->in_flight = false;
        ready.op->on_completion(ready.completion);
    }
    if (!cut_off_) advance_to(events_.now_ns());
    deliver_due();
}

void SimBackend::end_turn() {
    const std::vector<IoOp*> staged = std::exchange(staged_, {});
    for (IoOp* op : staged)
        carry_out(*op);
}

// --- operations ---

void SimBackend::submit_other(IoOp& op) {
    if (cut_off_) {
        complete(op, -ECANCELED);
    } else {
        staged_.push_back(&op);
    }
}

void SimBackend::carry_out(IoOp& op) {
    switch (op.code) {
        case IoCode::kConnect: {
            const SocketId socket = network_.connect(config_.host, host_of(op.endpoint->host), op.endpoint->port);
            op.backend_slot = socket;
            connecting_[socket] = &op;
            return;
        }
        case IoCode::kAccept:
            accepting_[port_of(op.handle)] = &op;
            feed_accept(port_of(op.handle));
            return;
        case IoCode::kReceive:
            receiving_[socket_of(op.handle)] = &op;
            feed_receive(socket_of(op.handle));
            return;
        case IoCode::kSend: carry_out_send(op); return;
        case IoCode::kClose: carry_out_close(op); return;
        default: KVORUM_ASSERT(false, "operation {}", static_cast<int>(op.code));
    }
}

void SimBackend::carry_out_send(IoOp& op) {
    std::string bytes;
    for (uint32_t i = 0; i < op.iov_count; ++i)
        bytes.append(static_cast<const char*>(op.iov[i].iov_base), op.iov[i].iov_len);
    if (bytes.size() > 1 && config_.short_send_one_in > 0 && random_.chance(1, config_.short_send_one_in)) {
        bytes.resize(random_.between(1, bytes.size()));
    }
    const SocketId socket = socket_of(op.handle);
    const int64_t sent = network_.send(socket, as_bytes(bytes));
    if (sent == 0) {
        sending_[socket] = &op;
        return;
    }
    ++sends_;
    complete(op, static_cast<int32_t>(sent));
}

void SimBackend::carry_out_close(IoOp& op) {
    if (is_listener(op.handle)) {
        const uint16_t port = port_of(op.handle);
        network_.unlisten(config_.host, port);
        for (const SocketId socket : backlog_[port])
            network_.close(socket);
        backlog_.erase(port);
    } else {
        const SocketId socket = socket_of(op.handle);
        KVORUM_ASSERT(!receiving_.contains(socket) && !sending_.contains(socket),
                      "a socket was closed under an operation");
        network_.close(socket);
    }
    complete(op, 0);
}

void SimBackend::cancel(IoOp& op) {
    const auto take_from = [&op](auto& waiting, auto key) {
        const auto it = waiting.find(key);
        if (it == waiting.end() || it->second != &op) return false;
        waiting.erase(it);
        return true;
    };
    if (const auto staged = std::find(staged_.begin(), staged_.end(), &op); staged != staged_.end()) {
        staged_.erase(staged);
        complete(op, -ECANCELED);
        return;
    }
    bool taken = false;
    switch (op.code) {
        case IoCode::kConnect:
            taken = take_from(connecting_, op.backend_slot);
            if (taken) network_.close(op.backend_slot);
            break;
        case IoCode::kAccept: taken = take_from(accepting_, port_of(op.handle)); break;
        case IoCode::kReceive: taken = take_from(receiving_, socket_of(op.handle)); break;
        case IoCode::kSend: taken = take_from(sending_, socket_of(op.handle)); break;
        default: break;
    }
    if (taken) complete(op, -ECANCELED);
}

void SimBackend::feed_accept(uint16_t port) {
    const auto op = accepting_.find(port);
    if (op == accepting_.end()) return;
    std::deque<SocketId>& waiting = backlog_[port];
    while (!waiting.empty()) {
        ready_.push_back({op->second, {.result = socket_handle(waiting.front()), .more = true}});
        waiting.pop_front();
    }
}

void SimBackend::feed_receive(SocketId socket) {
    const auto found = receiving_.find(socket);
    if (found == receiving_.end()) return;
    IoOp& op = *found->second;
    while (network_.readable_bytes(socket) > 0 && !free_buffers_.empty()) {
        const uint16_t id = free_buffers_.back();
        free_buffers_.pop_back();
        buffers_[id] = network_.read(socket, random_.between(1, config_.receive_bytes_max));
        const bool more_waits = network_.readable_bytes(socket) > 0;
        const bool more = config_.rearm_one_in == 0 || !random_.chance(1, config_.rearm_one_in);
        ready_.push_back({&op,
                          {.result = static_cast<int32_t>(buffers_[id].size()),
                           .more = more,
                           .has_buffer = true,
                           .buffer_id = id,
                           .more_waits = more_waits}});
        if (!more) {
            receiving_.erase(found);
            return;
        }
    }
    if (network_.was_reset(socket)) {
        complete(op, -ECONNRESET);
    } else if (network_.at_end(socket)) {
        complete(op, 0);
    } else {
        return;
    }
    receiving_.erase(found);
}

// --- the network's calls ---

void SimBackend::on_connected(SocketId socket, int32_t result) {
    const auto found = connecting_.find(socket);
    if (found == connecting_.end()) return;
    complete(*found->second, result < 0 ? result : socket_handle(socket));
    connecting_.erase(found);
    wake_();
}

void SimBackend::on_accepted(uint16_t port, SocketId socket) {
    backlog_[port].push_back(socket);
    feed_accept(port);
    wake_();
}

void SimBackend::on_readable(SocketId socket) {
    feed_receive(socket);
    if (!ready_.empty()) wake_();
}

void SimBackend::on_writable(SocketId socket) {
    const auto found = sending_.find(socket);
    if (found == sending_.end()) return;
    IoOp& op = *found->second;
    sending_.erase(found);
    carry_out_send(op);
    if (!ready_.empty()) wake_();
}

// --- the rest of IoBackend ---

Bytes SimBackend::receive_buffer(uint16_t buffer_id, uint64_t length_bytes) {
    KVORUM_ASSERT(length_bytes <= buffers_[buffer_id].size());
    return as_bytes(buffers_[buffer_id]).first(length_bytes);
}

void SimBackend::release_receive_buffer(uint16_t buffer_id) {
    // Overwritten, so that a view that was kept too long does not go unnoticed.
    buffers_[buffer_id].assign(buffers_[buffer_id].size(), '\xdd');
    free_buffers_.push_back(buffer_id);
    if (cut_off_) return;
    for (auto it = receiving_.begin(); it != receiving_.end() && !free_buffers_.empty();) {
        const SocketId socket = it->first;
        ++it;
        feed_receive(socket);
    }
}

absl::StatusOr<Handle> SimBackend::listen(const reactor::Endpoint& endpoint) {
    if (cut_off_) return absl::UnavailableError("the node is cut off");
    network_.listen(config_.host, endpoint.port);
    return kFirstListenerHandle + endpoint.port;
}

uint16_t SimBackend::local_port(Handle handle) { return is_listener(handle) ? port_of(handle) : 0; }

std::string SimBackend::peer_address(Handle handle) {
    return cut_off_ ? std::string("?") : fmt::format("host{}:{}", network_.remote_host(socket_of(handle)), handle);
}

void SimBackend::shutdown_socket(Handle handle) {
    if (!cut_off_) network_.shut_down(socket_of(handle));
}

void SimBackend::shutdown_output(Handle handle) {
    if (!cut_off_) network_.shut_down_output(socket_of(handle));
}

}  // namespace kvorum::sim
