#include "redis/dispatcher.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "ops/large_record.h"
#include "redis/resp_writer.h"

namespace kvorum::redis {
namespace {

using gateway::CommandKind;

constexpr std::string_view kNoAuth = "NOAUTH Authentication required.";
// Commands about the node look at all their arguments in one step.
constexpr size_t kServerArgumentsMax = 1024;
constexpr std::string_view kTooManyArguments = "ERR more than 1024 arguments of a command about the node";
constexpr std::string_view kLargeServerCommand = "ERR a command about the node may not be that large";
// A reply of the node about itself, its clients or its commands.
constexpr uint64_t kIntrospectionReplyBytes = 128 * kKiB;

bool is_data(const NamedCommand& named) { return named.command->operation != nullptr; }

// What follows in the input is judged by who the client is then, or not at all.
bool holds_input(const CommandSpec& spec, ops::Arguments arguments) {
    if (spec.name == "hello" || spec.name == "reset" || spec.name == "auth" || spec.name == "quit") return true;
    return spec.name == "client" && arguments.size() > 2 && equals_ignore_case(arguments[1], "kill");
}

uint64_t local_reply_bytes(const CommandSpec& spec, ops::Arguments arguments) {
    if (spec.group == "connection" && spec.name != "client") return arguments.back().size();
    return kIntrospectionReplyBytes;
}

std::string large_command_error(const NamedCommand& named, ops::Arguments arguments) {
    if (!named.is_runnable) return not_runnable_error(named, arguments);
    if (!is_data(named)) return std::string(kLargeServerCommand);
    return fmt::format("ERR more than {} arguments", gateway::kArgumentsInOneStep);
}

}  // namespace

// --- clients ---

bool Dispatcher::submit(Client client, ops::Arguments arguments) {
    reactor_.work().add(TurnPart::kParse, kCommandWork + arguments.size() * kArgumentWork);
    const NamedCommand named = find_named_command(arguments);
    client.state.last_command = named.called == nullptr ? "NULL" : named.called->name.data();
    if (!named.is_runnable) [[unlikely]] {
        gateway_.submit_error(client.lane, gateway_command(named), not_runnable_error(named, arguments), true, 0);
        return false;
    }
    if (!monitors_.empty()) [[unlikely]]
        tell_monitors(client.state, named, arguments);
    const gateway::Command& command = gateway_command(named);
    if ((!is_data(named) || !client.gate.is_open()) && answer_at_gate(client, named, arguments)) return false;
    if (command.kind == CommandKind::kLocal) {
        submit_local(client.lane, named, arguments);
        return false;
    }
    if (is_data(named) && ops::is_large_inside(*command.operation, arguments)) [[unlikely]] {
        gateway_.submit_large(client.lane, command, PackedCommand::of(arguments), client.gate.is_readonly());
        return false;
    }
    return gateway_.submit(client.lane, command, arguments, client.gate.is_readonly());
}

void Dispatcher::submit_large(Client client, PackedCommand packed) {
    std::vector<std::string_view> arguments;
    packed.first_arguments(gateway::kFirstArguments, arguments);
    // No command wants exactly as many arguments, or more.
    const NamedCommand named = find_named_command(arguments);
    client.state.last_command = named.called == nullptr ? "NULL" : named.called->name.data();
    if (named.is_runnable) {
        if (!monitors_.empty()) tell_monitors(client.state, named, arguments);
        if (!client.gate.is_open() && answer_at_gate(client, named, arguments)) return;
    }
    submit_large_data(client.lane, named, arguments, std::move(packed), client.gate.is_readonly(), 0);
}

void Dispatcher::submit_unauthenticated(Client client, ops::Arguments arguments) {
    const NamedCommand named = find_named_command(arguments);
    if (!named.is_runnable || (named.command->flags & kFlagNoAuth) != 0) {
        submit(client, arguments);
        return;
    }
    gateway_.submit_error(client.lane, gateway_command(named), kNoAuth, false, 0);
}

bool Dispatcher::answer_at_gate(Client client, const NamedCommand& named, ops::Arguments arguments) {
    scratch_reply_.clear();
    ReplySink& reply = client.lane.port().writer_to(scratch_reply_);
    const bool is_answered = client.gate.answers(*named.command, arguments, config_.after_refused_select, reply);
    client.lane.read_choice = client.gate.read_choice();
    if (!is_answered) return false;
    const bool is_rejected = named.command->group != "transactions" && scratch_reply_.starts_with('-');
    gateway_.submit_reply(client.lane, gateway_command(named), scratch_reply_, is_rejected, 0);
    return true;
}

void Dispatcher::submit_local(gateway::Lane& lane, const NamedCommand& named, ops::Arguments arguments) {
    if (arguments.size() > kServerArgumentsMax) {
        gateway_.submit_error(lane, gateway_command(named), kTooManyArguments, true, 0);
        return;
    }
    const CommandSpec& spec = *named.command;
    gateway_.submit_local(lane, gateway_command(named), arguments, local_reply_bytes(spec, arguments),
                          holds_input(spec, arguments));
}

void Dispatcher::tell_monitors(const ClientState& sender, const NamedCommand& named, ops::Arguments arguments) {
    if ((named.called->flags & kFlagAdmin) != 0) return;
    const int64_t wall_clock_us = reactor_.backend().wall_clock_ms() * 1000;
    reactor_.work().add(TurnPart::kOther, monitors_.tell(sender.address, arguments, wall_clock_us));
}

// --- clients of other nodes ---

std::unique_ptr<ReplyWriter> Dispatcher::make_writer() const { return std::make_unique<RespWriter>(); }

void Dispatcher::submit(gateway::Lane& lane, ops::Arguments arguments, uint64_t origin_id) {
    reactor_.work().add(TurnPart::kParse, kCommandWork + arguments.size() * kArgumentWork);
    const NamedCommand named = find_named_command(arguments);
    if (!named.is_runnable) {
        gateway_.submit_error(lane, gateway_command(named), not_runnable_error(named, arguments), true, origin_id);
    } else if (gateway_command(named).kind == CommandKind::kLocal) {
        // Followers answer these themselves, so only a node of another version could send one.
        gateway_.submit_error(lane, gateway_command(named),
                              fmt::format("ERR command '{}' is not carried out for other nodes", named.command->name),
                              true, origin_id);
    } else if (is_data(named) && ops::is_large_inside(*named.command->operation, arguments)) {
        gateway_.submit_large(lane, gateway_command(named), PackedCommand::of(arguments), false, origin_id);
    } else {
        gateway_.submit(lane, gateway_command(named), arguments, false, origin_id);
    }
}

void Dispatcher::submit_large(gateway::Lane& lane, PackedCommand packed, uint64_t origin_id) {
    std::vector<std::string_view> arguments;
    packed.first_arguments(gateway::kFirstArguments, arguments);
    submit_large_data(lane, find_named_command(arguments), arguments, std::move(packed), false, origin_id);
}

void Dispatcher::submit_large_data(gateway::Lane& lane, const NamedCommand& named, ops::Arguments first_arguments,
                                   PackedCommand packed, bool is_readonly, uint64_t origin_id) {
    const bool is_taken =
        named.is_runnable && is_data(named) &&
        (gateway::is_list(*named.command->operation) || packed.argument_count() <= gateway::kArgumentsInOneStep);
    if (is_taken) {
        gateway_.submit_large(lane, gateway_command(named), std::move(packed), is_readonly, origin_id);
    } else {
        gateway_.submit_error(lane, gateway_command(named), large_command_error(named, first_arguments), true,
                              origin_id);
    }
}

}  // namespace kvorum::redis
