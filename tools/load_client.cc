#include "tools/load_client.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "redis/server_commands.h"
#include "tools/load_pacer.h"

namespace kvorum::tools::load {
namespace {

constexpr uint64_t kBackoffFirstNs = 10 * kMillisecondNs;
constexpr uint64_t kBackoffMaxNs = 320 * kMillisecondNs;
constexpr std::string_view kUncertain = "UNCERTAIN";

std::vector<RequestTemplate> compile_all(const LoadConfig& config) {
    std::vector<RequestTemplate> templates;
    for (const CommandSpec& command : config.commands) {
        absl::StatusOr<RequestTemplate> compiled = RequestTemplate::compile(command.text);
        KVORUM_ASSERT(compiled.ok(), "{} was not validated", command.text);
        templates.push_back(*std::move(compiled));
    }
    return templates;
}

}  // namespace

LoadThread::LoadThread(reactor::Reactor& its_reactor, const LoadConfig& its_config, uint64_t seed)
    : reactor(its_reactor),
      config(its_config),
      flusher(its_reactor),
      scope(its_reactor),
      templates(compile_all(its_config)),
      data(its_config, seed),
      stats(its_config.commands.size()),
      greeting(Greeting::of(its_config)) {}

void LoadThread::tell(std::string_view what) const {
    if (config.debug) fmt::print(stderr, "kvorum load: {}\n", what);
}

// --- one connection ---

reactor::Endpoint Link::endpoint() const {
    return thread_.topology != nullptr ? thread_.topology->node(server_) : thread_.config.servers[server_];
}

void Link::next_server() {
    if (thread_.topology != nullptr) {
        thread_.topology->mark_stale();
    } else {
        server_ = (server_ + 1) % static_cast<uint32_t>(thread_.config.servers.size());
    }
}

reactor::Task<void> Link::serve() {
    const reactor::StopToken stop = client_.stop_token();
    while (!stop.stop_requested()) {
        const int32_t socket = co_await thread_.reactor.connect(endpoint(), stop);
        if (socket >= 0) {
            ++thread_.stats.connects;
            co_await serve_socket(socket);
        } else if (!stop.stop_requested()) {
            ++thread_.stats.connect_failures;
            thread_.connect_error = fmt::format("{}: {}", endpoint().to_string(), std::strerror(-socket));
            thread_.tell(thread_.connect_error);
            client_.on_connect_attempt(false);
        }
        if (stop.stop_requested()) break;
        next_server();
        backoff_ns_ = std::clamp(2 * backoff_ns_, kBackoffFirstNs, kBackoffMaxNs);
        const bool waited = co_await thread_.reactor.sleep_for(backoff_ns_, stop);
        maybe(!waited);
    }
}

reactor::Task<void> Link::serve_socket(reactor::Handle socket) {
    socket_.emplace(thread_, socket);
    scanner_ = ReplyScanner();
    socket_->output.tail() += thread_.greeting.bytes;
    greetings_missing_ = thread_.greeting.replies;
    if (is_ready()) client_.on_ready();
    while (true) {
        reactor::Chunk chunk = co_await socket_->receive.next(client_.stop_token());
        if (chunk.result <= 0) break;
        const bool readable = on_bytes(chunk.bytes);
        socket_->receive.release(chunk);
        if (!readable) break;
    }
    // Whatever is still on its way to the server is cut off with the connection.
    thread_.reactor.backend().shutdown_socket(socket);
    co_await socket_->receive.close();
    co_await socket_->output.close();
    socket_.reset();
    if (!client_.stop_token().stop_requested()) {
        ++(greetings_missing_ > 0 ? thread_.stats.connect_failures : thread_.stats.connections_lost);
        thread_.tell(fmt::format("{}: the connection was lost", endpoint().to_string()));
        if (greetings_missing_ > 0) client_.on_connect_attempt(false);
    }
    lose_flights();
    const int32_t closed = co_await thread_.reactor.close(socket);
    maybe(closed < 0);
}

void Link::send(uint8_t command, const RequestValues& values, uint64_t due_ns, uint64_t now_ns) {
    KVORUM_ASSERT(socket_.has_value(), "a request for a link without a connection");
    std::string& out = socket_->output.tail();
    const size_t before = out.size();
    thread_.templates[command].append_to(out, values);
    CommandStats& stats = thread_.stats.commands[command];
    stats.bytes_sent += out.size() - before;
    stats.seconds.at(thread_.since_start(now_ns)).bytes_sent += out.size() - before;
    flights_.push_back({.due_ns = due_ns, .sent_ns = now_ns, .command = command});
}

bool Link::on_greeting(const ScannedReply& reply) {
    if (reply.is_error) {
        thread_.connect_error = fmt::format("{}: {}", endpoint().to_string(), reply.error);
        thread_.tell(thread_.connect_error);
        return false;
    }
    if (--greetings_missing_ == 0) client_.on_ready();
    return true;
}

// False when this server speaks no RESP, or takes no greeting of ours.
bool Link::on_bytes(Bytes bytes) {
    const uint64_t since_start_ns = thread_.since_start(thread_.reactor.now_ns());
    Timeline::Slice& slice = thread_.stats.timeline.at(since_start_ns);
    const uint64_t ok_before = slice.ok;
    uint64_t outcomes = 0;
    ScanStatus status = ScanStatus::kNeedMore;
    while (true) {
        const size_t before = bytes.size();
        ScannedReply reply;
        status = scanner_.next(bytes, reply);
        if (status != ScanStatus::kReply) break;
        if (greetings_missing_ > 0) {
            if (!on_greeting(reply)) return false;
            continue;
        }
        // More replies than requests: the two have lost each other.
        if (flights_.empty()) return false;
        on_reply(reply, before - bytes.size(), slice);
        ++outcomes;
    }
    if (slice.ok > ok_before) thread_.stats.silences.on_ok(since_start_ns);
    if (outcomes > 0) {
        backoff_ns_ = 0;
        client_.on_outcomes(outcomes);
    }
    return status != ScanStatus::kBroken;
}

void Link::on_reply(const ScannedReply& reply, uint64_t bytes, Timeline::Slice& slice) {
    const Flight flight = flights_.front();
    flights_.pop_front();
    CommandStats& command = thread_.stats.commands[flight.command];
    command.bytes_received += bytes;
    slice.bytes += bytes;
    CommandSeconds::Second& second = command.seconds.at(thread_.since_start(thread_.reactor.now_ns()));
    second.bytes_received += bytes;
    if (reply.is_error) {
        on_error(reply.error, command, slice);
        return;
    }
    const uint64_t now_ns = thread_.reactor.now_ns();
    const uint64_t latency_ns = now_ns - std::min(now_ns, flight.due_ns);
    ++command.ok;
    if (reply.is_null) ++command.nulls;
    command.latency.record(latency_ns);
    second.record(latency_ns);
    if (thread_.config.is_open_loop()) thread_.stats.service.record(now_ns - std::min(now_ns, flight.sent_ns));
    ++slice.ok;
    slice.latency_sum_ns += latency_ns;
    slice.latency_ns_max = std::max(slice.latency_ns_max, latency_ns);
}

void Link::on_error(std::string_view error, CommandStats& command, Timeline::Slice& slice) {
    thread_.stats.errors.add(error);
    if (error.starts_with(kUncertain)) {
        ++command.unknown;
        ++slice.unknown;
        return;
    }
    ++slice.errors;
    const std::optional<MovedTo> moved = MovedTo::parse(error);
    if (!moved.has_value()) {
        ++command.errors;
        return;
    }
    ++command.moved;
    if (thread_.topology != nullptr) thread_.topology->apply(*moved);
}

void Link::lose_flights() {
    const uint64_t lost = flights_.size();
    if (lost == 0) return;
    thread_.stats.timeline.at(thread_.since_start(thread_.reactor.now_ns())).unknown += lost;
    while (!flights_.empty()) {
        ++thread_.stats.commands[flights_.front().command].unknown;
        flights_.pop_front();
    }
    client_.on_outcomes(lost);
}

// --- the client ---

Client::Client(LoadThread& thread, Pacer* pacer, uint64_t number) : thread_(thread), pacer_(pacer), number_(number) {
    const LoadConfig& config = thread.config;
    for (const CommandSpec& command : config.commands)
        keys_.emplace_back(config.keys, command.pattern, number, config.total_clients());
    while (config.commands[command_].ratio == 0)
        ++command_;
    remaining_ = request_count(config.total_clients());
}

uint64_t Client::request_count(uint64_t client_count) const {
    const LoadConfig& config = thread_.config;
    if (config.requests_per_client == 0 && !config.all_keys) return UINT64_MAX;
    if (!config.all_keys) return config.requests_per_client;
    const bool is_shared = config.commands[command_].pattern != KeyPattern::kSequential;
    // Of more clients than keys, those without a key of their own send nothing.
    if (number_ >= config.keys.count() && is_shared) return 0;
    if (config.commands[command_].pattern == KeyPattern::kParallel || !is_shared) return keys_[command_].round_length();
    return (config.keys.count() + client_count - 1) / client_count;
}

void Client::connect() {
    if (thread_.topology == nullptr) {
        (void)link_to(static_cast<uint32_t>(number_ % thread_.config.servers.size()));
        return;
    }
    for (size_t slot = 0; slot < kSlotCount; ++slot) {
        const uint32_t node = thread_.topology->node_of_slot(static_cast<uint16_t>(slot));
        if (node != Topology::kNobody) (void)link_to(node);
    }
}

Link& Client::link_to(uint32_t server) {
    const size_t index = thread_.topology == nullptr ? 0 : server;
    if (index >= links_.size()) links_.resize(index + 1);
    if (links_[index] == nullptr) {
        links_[index] = std::make_unique<Link>(*this, thread_, server);
        thread_.scope.spawn(links_[index]->serve());
    }
    return *links_[index];
}

void Client::on_connect_attempt(bool connected) {
    if (attempted_) return;
    attempted_ = true;
    ++thread_.clients_attempted;
    if (connected) ++thread_.clients_connected;
}

void Client::on_ready() {
    on_connect_attempt(true);
    fill();
}

bool Client::can_start() const {
    const bool wanted = thread_.started && !thread_.ending && remaining_ > 0 && !held_;
    if (!wanted || in_flight_ >= thread_.config.pipeline) return false;
    return thread_.topology != nullptr || links_[0]->is_ready();
}

void Client::fill() {
    if (held_ && !thread_.ending) {
        if (!send(thread_.reactor.now_ns())) return;
        held_ = false;
    }
    if (!can_start()) return;
    if (pacer_ != nullptr) {
        pacer_->on_room(*this);
        return;
    }
    const uint64_t now_ns = thread_.reactor.backend().monotonic_ns();
    while (can_start())
        start(now_ns, now_ns);
}

void Client::start(uint64_t due_ns, uint64_t now_ns) {
    request_.command = next_command();
    request_.due_ns = due_ns;
    request_.keys.resize(thread_.templates[request_.command].key_count());
    for (uint64_t& key : request_.keys)
        key = keys_[request_.command].next(thread_.data.prng());
    if (remaining_ != UINT64_MAX) --remaining_;
    ++in_flight_;
    held_ = !send(now_ns);
}

// A SETs, then B GETs, as memtier mixes them.
uint8_t Client::next_command() {
    const std::vector<CommandSpec>& commands = thread_.config.commands;
    while (command_repeats_ == commands[command_].ratio) {
        command_repeats_ = 0;
        command_ = static_cast<uint8_t>((command_ + 1U) % commands.size());
    }
    ++command_repeats_;
    return command_;
}

// False when no connection leads there now.
bool Client::send(uint64_t now_ns) {
    const RequestTemplate& command = thread_.templates[request_.command];
    RequestValues values;
    values.keys = thread_.data.keys(request_.keys);
    Link* link = route(values.keys.empty() ? std::string_view() : values.keys.front());
    if (link == nullptr || !link->is_ready()) return false;
    if (command.uses_data()) values.data = thread_.data.data();
    if (command.uses_expiry()) values.expiry = thread_.data.expiry();
    if (command.waits()) {
        values.replicas = thread_.data.replicas();
        values.wait_ms = thread_.data.wait_ms();
    }
    link->send(request_.command, values, request_.due_ns, now_ns);
    return true;
}

Link* Client::route(std::string_view key) {
    if (thread_.topology == nullptr) return links_[0].get();
    const uint32_t node = thread_.topology->node_of_slot(redis::hash_slot(key));
    return node == Topology::kNobody ? nullptr : &link_to(node);
}

void Client::on_outcomes(uint64_t count) {
    KVORUM_ASSERT(in_flight_ >= count, "{} outcomes of {} requests", count, in_flight_);
    in_flight_ -= static_cast<uint32_t>(count);
    fill();
    finish_if_done();
}

void Client::finish_if_done() {
    if (finished_ || !thread_.started) return;
    if (held_ && thread_.ending) {
        // It never left: as if it had not been started.
        held_ = false;
        --in_flight_;
        ++thread_.stats.never_started;
    }
    const bool done = in_flight_ == 0 && (remaining_ == 0 || thread_.ending);
    if (!done) return;
    finished_ = true;
    ++thread_.clients_finished;
    stop_.request_stop();
}

}  // namespace kvorum::tools::load
