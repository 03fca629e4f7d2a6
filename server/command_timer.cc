#include "server/command_timer.h"

#include <fmt/format.h>

#include <algorithm>

namespace kvorum::server {
namespace {

constexpr size_t kLoggedTextBytesMax = 64 * kKiB;

}  // namespace

void CommandTimer::end_turn() {
    clock_ns_ = reactor_.backend().monotonic_ns();
    latency_.turn_ends(since(reactor_.now_ns()));
}

void CommandTimer::answered(const Request& request) {
    if (request.spec != nullptr) latency_.command_done(*request.spec, since(request.arrived_ns));
}

void CommandTimer::note_if_slow(const Session& session, const Request& request, std::string_view stage) {
    const uint64_t latency_ns = reactor_.now_ns() - request.arrived_ns;
    if (!is_slow(latency_ns)) return;
    std::vector<std::string_view> arguments{request.spec->name};
    // Only the first of very many are shown.
    if (request.text.size() <= kLoggedTextBytesMax) unpack_arguments(request.text, arguments);
    note_if_slow(session, arguments, latency_ns, stage);
}

void CommandTimer::begin_entry(LogIndex index) {
    entry_index_ = index;
    writes_seen_ = 0;
    clock_ns_ = reactor_.backend().monotonic_ns();
}

void CommandTimer::write_answered(const Session& session, const kv::CommandSpec& spec, uint64_t arrived_ns) {
    const uint64_t latency_ns = since(arrived_ns);
    latency_.command_done(spec, latency_ns);
    if (!is_slow(latency_ns) || slow_writes_.size() >= kSlowWritesMax) return;
    SlowCommand command = slow_command(session, latency_ns, latency_.stages_of(entry_index_, clock_ns_));
    command.arguments = {std::string{spec.name}};
    slow_writes_.emplace_back(writes_seen_ - 1, std::move(command));
}

// What a write said is not kept once it is in a batch; the entry still knows its keys.
void CommandTimer::end_entry(const raft::Entry& entry) {
    for (auto& [number, command] : slow_writes_) {
        const std::vector<std::string> keys = kv::keys_of_command(entry.body(), number);
        const std::string name = command.arguments.front();
        std::vector<std::string_view> arguments{name};
        arguments.insert(arguments.end(), keys.begin(), keys.end());
        command.arguments = loggable_arguments(arguments);
        add(std::move(command));
    }
    slow_writes_.clear();
}

bool CommandTimer::is_slow(uint64_t latency_ns) const {
    const int64_t limit_us = config_.limits.slowlog_slower_than_us;
    return limit_us >= 0 && latency_ns / kMicrosecondNs >= static_cast<uint64_t>(limit_us);
}

SlowCommand CommandTimer::slow_command(const Session& session, uint64_t latency_ns, std::string stages) const {
    SlowCommand command;
    command.unix_time_s = reactor_.backend().wall_clock_ms() / 1000;
    command.duration_us = latency_ns / kMicrosecondNs;
    command.stages = std::move(stages);
    if (const ClientState* client = session.client()) {
        command.client_address = client->address;
        command.client_name = client->name;
    }
    return command;
}

void CommandTimer::note_if_slow(const Session& session, kv::Arguments arguments, uint64_t latency_ns,
                                std::string_view stage) {
    if (!is_slow(latency_ns)) return;
    SlowCommand command = slow_command(session, latency_ns, fmt::format("{}={}us", stage, latency_ns / kMicrosecondNs));
    command.arguments = loggable_arguments(arguments);
    add(std::move(command));
}

void CommandTimer::add(SlowCommand command) { slow_log_.add(std::move(command), config_.limits.slowlog_entries_max); }

}  // namespace kvorum::server
