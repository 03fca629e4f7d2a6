#include "gateway/command_timer.h"

#include <fmt/format.h>

namespace kvorum::gateway {
namespace {

constexpr size_t kLoggedTextBytesMax = 64 * kKiB;

}  // namespace

void CommandTimer::end_turn() {
    clock_ns_ = reactor_.backend().monotonic_ns();
    latency_.turn_ends(since(reactor_.now_ns()));
}

void CommandTimer::answered(const Request& request, std::string_view error_code) {
    if (request.origin_id != 0) return;
    const Command& command = *request.command;
    if (command.name.empty() || request.is_rejected) {
        statistics_.rejected(command.name, error_code);
    } else if (statistics_.answered(command.name, error_code)) {
        const uint64_t latency_ns = since(request.arrived_ns);
        latency_.command_done(command.name, latency_ns);
        note_event(command, latency_ns);
    }
}

void CommandTimer::note_if_slow(const Lane& lane, const Request& request, std::string_view stage) {
    const uint64_t latency_ns = reactor_.now_ns() - request.arrived_ns;
    if (!is_slow(latency_ns)) return;
    // Without the name of its subcommand.
    const std::string_view name = request.command->name;
    scratch_arguments_.assign({name.substr(0, name.find('|'))});
    // Only the first of very many are shown.
    if (!request.text().empty() && request.text().size() <= kLoggedTextBytesMax)
        unpack_arguments(request.text(), scratch_arguments_);
    note_if_slow(lane, scratch_arguments_, latency_ns, stage);
}

void CommandTimer::keep_arguments(RequestQueue& queue, Request& request, ops::Arguments arguments, size_t place) {
    if (config_.limits.slowlog_slower_than_us < 0 || place > kKeptWritesMax) {
        if (!request.text().empty()) queue.set_text(request, {});
        return;
    }
    queue.write_text(request, [arguments](std::string& out) { pack_loggable_arguments(arguments, out); });
}

void CommandTimer::note_refused_write(const Lane& lane, ops::Arguments arguments, uint64_t arrived_ns) {
    note_if_slow(lane, arguments, reactor_.backend().monotonic_ns() - arrived_ns, "execute");
}

void CommandTimer::begin_entry(LogIndex index) {
    entry_index_ = index;
    clock_ns_ = reactor_.backend().monotonic_ns();
}

void CommandTimer::write_answered(const Lane& lane, const Request& request, std::string_view error_code) {
    answered(request, error_code);
    const uint64_t latency_ns = since(request.arrived_ns);
    if (request.text().empty() || !is_slow(latency_ns)) return;
    SlowCommand command = slow_command(lane, latency_ns, latency_.stages_of(entry_index_, clock_ns_));
    command.arguments = unpack_loggable_arguments(request.text());
    add(std::move(command));
}

bool CommandTimer::is_slow(uint64_t latency_ns) const {
    const int64_t limit_us = config_.limits.slowlog_slower_than_us;
    return limit_us >= 0 && latency_ns / kMicrosecondNs >= static_cast<uint64_t>(limit_us);
}

void CommandTimer::note_event(const Command& command, uint64_t latency_ns) {
    const uint64_t threshold_ms = config_.limits.latency_threshold_ms;
    const uint64_t latency_ms = latency_ns / kMillisecondNs;
    if (threshold_ms == 0 || latency_ms < threshold_ms) return;
    latency_.events().add(command.is_fast ? "fast-command" : "command",
                          {reactor_.backend().wall_clock_ms() / 1000, latency_ms});
}

SlowCommand CommandTimer::slow_command(const Lane& lane, uint64_t latency_ns, std::string stages) const {
    SlowCommand command;
    command.unix_time_s = reactor_.backend().wall_clock_ms() / 1000;
    command.duration_us = latency_ns / kMicrosecondNs;
    command.stages = std::move(stages);
    const ClientName client = lane.port().client();
    command.client_address = client.address;
    command.client_name = client.name;
    return command;
}

void CommandTimer::note_if_slow(const Lane& lane, ops::Arguments arguments, uint64_t latency_ns,
                                std::string_view stage) {
    if (!is_slow(latency_ns)) return;
    SlowCommand command = slow_command(lane, latency_ns, fmt::format("{}={}us", stage, latency_ns / kMicrosecondNs));
    command.arguments = loggable_arguments(arguments);
    add(std::move(command));
}

void CommandTimer::add(SlowCommand command) { slow_log_.add(std::move(command), config_.limits.slowlog_entries_max); }

}  // namespace kvorum::gateway
